"""Caches of clans, channels, users and messages, with LRU eviction and shared fetches."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator
from math import inf
from typing import Any, Generic, TypeVar

from mezon.errors import InvalidArgumentError
from mezon.utils.ids import how_to_find
from mezon.utils.single_flight import SingleFlight
from mezon.utils.user_code import warn_user

K = TypeVar("K")
V = TypeVar("V")
T = TypeVar("T")


class Collection(Generic[K, V]):
    """A mapping with helper methods. Iterators work on a snapshot of the entries."""

    def __init__(self) -> None:
        # Not a dict: removing the first entry of a dict repeatedly takes linear time.
        self._data: OrderedDict[K, V] = OrderedDict()

    @property
    def size(self) -> int:
        """The number of entries."""
        return len(self._data)

    def get(self, key: K) -> V | None:
        """Return the value of ``key``, or None."""
        return self._data.get(key)

    def set(self, key: K, value: V) -> None:
        """Set the value of ``key``. An existing key keeps its position."""
        self._data[key] = value

    def delete(self, key: K) -> bool:
        """Remove ``key``. Return whether it existed."""
        try:
            del self._data[key]
        except KeyError:
            return False
        return True

    def move_to_end(self, key: K) -> None:
        """Move ``key`` to the end, if it exists."""
        data = self._data
        if key in data:
            data.move_to_end(key)

    def first(self) -> V | None:
        """Return the first value, or None."""
        return next(iter(self._data.values()), None)

    def first_key(self) -> K | None:
        """Return the first key, or None."""
        return next(iter(self._data), None)

    def filter(self, fn: Callable[[V], bool]) -> Collection[K, V]:
        """Return a new collection of the entries for whose value ``fn`` returns True."""
        kept: Collection[K, V] = Collection()
        kept._data.update((key, value) for key, value in list(self._data.items()) if fn(value))
        return kept

    def map(self, fn: Callable[[V], T]) -> list[T]:
        """Return the result of ``fn`` for each value."""
        return [fn(value) for value in list(self._data.values())]

    def values(self) -> Iterator[V]:
        """Return an iterator over the values, in order."""
        return iter(list(self._data.values()))

    def keys(self) -> Iterator[K]:
        """Return an iterator over the keys, in order."""
        return iter(list(self._data))

    def items(self) -> Iterator[tuple[K, V]]:
        """Return an iterator over the entries, in order."""
        return iter(list(self._data.items()))

    def clear(self) -> None:
        """Remove all entries."""
        self._data.clear()

    def __contains__(self, key: object) -> bool:
        return key in self._data

    def __iter__(self) -> Iterator[K]:
        return iter(list(self._data))

    def __len__(self) -> int:
        return len(self._data)

    def __repr__(self) -> str:
        return f"<Collection of {len(self._data)}>"


class CacheManager(Generic[K, V]):
    """A cache of up to ``max_size`` values by id, which fetches missing values.

    An id may be a string of digits.
    """

    def __init__(
        self,
        fetcher: Callable[[K], Awaitable[V]],
        max_size: float | None = inf,
        *,
        id_name: str | None = None,
    ) -> None:
        """Create an empty cache.

        Args:
            fetcher: Called with an id that is not cached. Its exceptions are raised by `fetch`.
            max_size: The maximum number of values; ``inf`` or None for no maximum, 0 to disable the cache.
            id_name: The kind of the ids, such as ``channel_id``: ``get`` warns about a name in place of such an id.
                None for keys of any type.

        Raises:
            InvalidArgumentError: If ``max_size`` is negative.
        """
        size = inf if max_size is None else max_size
        if not size >= 0:
            raise InvalidArgumentError(f"the size of a cache is 0 or more, not {max_size!r}; 0 turns it off")
        self.cache: Collection[K, V] = Collection()
        #: Marks an id as used; raises KeyError if it is not cached. Called twice per message, so it is not a method.
        self.use: Callable[[K], None] = self.cache._data.move_to_end
        self._fetcher = fetcher
        self._max_size = size
        self._id_name = id_name
        self._flights: SingleFlight[K, V] = SingleFlight()

    @property
    def size(self) -> int:
        """The number of values."""
        return len(self.cache._data)

    @property
    def max_size(self) -> float:
        """The maximum number of values."""
        return self._max_size

    def get(self, id: K | str) -> V | None:
        """Return the cached value of ``id`` and mark it as used, or return None.

        ```python
        known = client.users.get(user.id)
        print("not cached" if known is None else known.username)
        ```
        """
        key: Any = self._key_of(id) if type(id) is str else id
        data = self.cache._data
        # In a large bot most ids are not cached, and catching KeyError would cost three times as much.
        if key not in data:
            return None
        data.move_to_end(key)
        return data[key]

    def _key_of(self, id: str) -> Any:
        """Return the key of an id as text. Warn about a name: no value is cached by its name."""
        key = _as_key(id)
        if self._id_name is not None and key and type(key) is str and key not in self.cache._data:
            warn_user(
                f"get({id!r}) returns None: {self._id_name} must be an id, an int or a string of digits"
                f"{how_to_find(self._id_name)}"
            )
        return key

    def set(self, id: K, value: V) -> None:
        """Cache a value and evict the least recently used one if there are too many."""
        if type(id) is str:
            id = _as_key(id)
        data = self.cache._data
        if id in data:
            data.move_to_end(id)
        data[id] = value
        if len(data) > self._max_size:
            data.popitem(last=False)

    def grow(self, size: float) -> None:
        """Raise the maximum to at least `size`, before a list of that many values is cached."""
        self._max_size = max(self._max_size, size)

    async def fetch(self, id: K | str) -> V:
        """Return the value of ``id``, fetched if it is not cached. Concurrent calls share one fetch.

        ```python
        alice = await client.users.fetch(user.id)
        general = await client.channels.fetch(channel.id)
        ```
        """
        key: Any = _as_key(id) if type(id) is str else id
        # The fetcher refuses a name with an error, so `get` does not have to warn about it.
        value = self.get(key) if type(key) is not str or key in self.cache._data else None
        return value if value is not None else await self._flights.run(key, lambda: self._fetch(key))

    async def _fetch(self, id: K) -> V:
        fetched = await self._fetcher(id)
        # An event may have cached the object meanwhile, and objects keep their identity.
        known = self.cache._data.get(id)
        if known is not None:
            return known
        self.set(id, fetched)
        return fetched

    def first(self) -> V | None:
        """Return the least recently used value, or None."""
        return self.cache.first()

    def filter(self, fn: Callable[[V], bool]) -> Collection[K, V]:
        """Return a collection of the entries for whose value ``fn`` returns True."""
        return self.cache.filter(fn)

    def map(self, fn: Callable[[V], T]) -> list[T]:
        """Return the result of ``fn`` for each value."""
        return self.cache.map(fn)

    def values(self) -> Iterator[V]:
        """Return an iterator over the values, least recently used first."""
        return self.cache.values()

    def delete(self, id: K | str) -> bool:
        """Remove ``id``. Return whether it was cached."""
        key: Any = _as_key(id) if type(id) is str else id
        return self.cache.delete(key)

    def clear(self) -> None:
        """Remove all entries."""
        self.cache.clear()

    def has(self, id: K | str) -> bool:
        """Return whether ``id`` is cached."""
        return (_as_key(id) if type(id) is str else id) in self.cache._data

    def __contains__(self, id: object) -> bool:
        return (_as_key(id) if type(id) is str else id) in self.cache._data

    def __len__(self) -> int:
        return len(self.cache._data)

    def __repr__(self) -> str:
        return f"<CacheManager with {len(self.cache._data)} of {self._max_size}>"


def _as_key(id: Any) -> Any:
    """Return a string of digits as a number, and any other string unchanged."""
    if id.isascii() and id.isdigit() and (id[0] != "0" or len(id) == 1):
        return int(id)
    return id


__all__ = ["CacheManager", "Collection"]
