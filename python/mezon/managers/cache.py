"""Caches of clans, channels, users and messages: least recently used goes first, one fetch for all."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator
from math import inf
from typing import Any, Generic, TypeVar

from mezon.errors import InvalidArgumentError
from mezon.utils.single_flight import SingleFlight

K = TypeVar("K")
V = TypeVar("V")
T = TypeVar("T")


class Collection(Generic[K, V]):
    """A dict with a few more ways to look at it. Its iterators see it as it was when they were made."""

    def __init__(self) -> None:
        # Not a dict: taking the first out of one costs more and more until it is rebuilt.
        self._data: OrderedDict[K, V] = OrderedDict()

    @property
    def size(self) -> int:
        """How many entries there are."""
        return len(self._data)

    def get(self, key: K) -> V | None:
        """Give the value of ``key``, or None."""
        return self._data.get(key)

    def set(self, key: K, value: V) -> None:
        """Put ``value`` under ``key``; a known key keeps its place."""
        self._data[key] = value

    def delete(self, key: K) -> bool:
        """Take ``key`` out. False if it was not there."""
        try:
            del self._data[key]
        except KeyError:
            return False
        return True

    def move_to_end(self, key: K) -> None:
        """Make ``key``, if it is there, the last one."""
        data = self._data
        if key in data:
            data.move_to_end(key)

    def first(self) -> V | None:
        """Give the first value, or None."""
        return next(iter(self._data.values()), None)

    def first_key(self) -> K | None:
        """Give the first key, or None."""
        return next(iter(self._data), None)

    def filter(self, fn: Callable[[V], bool]) -> Collection[K, V]:
        """Give a new collection of the entries whose value ``fn`` says True to."""
        kept: Collection[K, V] = Collection()
        kept._data.update((key, value) for key, value in list(self._data.items()) if fn(value))
        return kept

    def map(self, fn: Callable[[V], T]) -> list[T]:
        """Give what ``fn`` makes of each value."""
        return [fn(value) for value in list(self._data.values())]

    def values(self) -> Iterator[V]:
        """Give the values, in order."""
        return iter(list(self._data.values()))

    def keys(self) -> Iterator[K]:
        """Give the keys, in order."""
        return iter(list(self._data))

    def items(self) -> Iterator[tuple[K, V]]:
        """Give the entries, in order."""
        return iter(list(self._data.items()))

    def clear(self) -> None:
        """Forget everything."""
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
    """Remembers up to ``max_size`` values, and fetches what it does not know.

    Ids given as digit strings are taken for the numbers they are.
    """

    def __init__(self, fetcher: Callable[[K], Awaitable[V]], max_size: float | None = inf) -> None:
        """Make an empty cache.

        Args:
            fetcher: Called with an id that is not here; its errors reach whoever asked.
            max_size: How many values to keep; ``inf`` or None for all, 0 to keep none.

        Raises:
            InvalidArgumentError: If ``max_size`` is negative.
        """
        size = inf if max_size is None else max_size
        if not size >= 0:
            raise InvalidArgumentError(f"the size of a cache is 0 or more, not {max_size!r}; 0 turns it off")
        self.cache: Collection[K, V] = Collection()
        #: Makes an id count as used now; KeyError when it is not here. For every message twice, so it is no method.
        self.use: Callable[[K], None] = self.cache._data.move_to_end
        self._fetcher = fetcher
        self._max_size = size
        self._flights: SingleFlight[K, V] = SingleFlight()

    @property
    def size(self) -> int:
        """How many values there are."""
        return len(self.cache._data)

    @property
    def max_size(self) -> float:
        """How many values are kept at most."""
        return self._max_size

    def get(self, id: K | str) -> V | None:
        """Give the value of ``id`` if it is here, else None. It counts as used now.

        ```python
        known = client.users.get(user.id)
        print("not heard of yet" if known is None else known.username)
        ```
        """
        key: Any = _as_key(id) if type(id) is str else id
        data = self.cache._data
        # In a large bot most ids are not here: an error would cost three times as much as the question.
        if key not in data:
            return None
        data.move_to_end(key)
        return data[key]

    def set(self, id: K, value: V) -> None:
        """Remember ``value``, at the cost of the least recently used one when there are too many."""
        if type(id) is str:
            id = _as_key(id)
        data = self.cache._data
        if id in data:
            data.move_to_end(id)
        data[id] = value
        if len(data) > self._max_size:
            data.popitem(last=False)

    def grow(self, size: float) -> None:
        """Keep at least `size` values from now on: a list of that many is about to be remembered as a whole."""
        self._max_size = max(self._max_size, size)

    async def fetch(self, id: K | str) -> V:
        """Fetch the value of ``id``, from here or from the fetcher; concurrent calls share one fetch.

        ```python
        alice = await client.users.fetch(user.id)
        general = await client.channels.fetch(channel.id)
        ```
        """
        key: Any = _as_key(id) if type(id) is str else id
        value = self.get(key)
        return value if value is not None else await self._flights.run(key, lambda: self._fetch(key))

    async def _fetch(self, id: K) -> V:
        fetched = await self._fetcher(id)
        # An event may have brought the object meanwhile: objects keep their identity.
        known = self.cache._data.get(id)
        if known is not None:
            return known
        self.set(id, fetched)
        return fetched

    def first(self) -> V | None:
        """Give the least recently used value, or None."""
        return self.cache.first()

    def filter(self, fn: Callable[[V], bool]) -> Collection[K, V]:
        """Give a collection of the entries whose value ``fn`` says True to."""
        return self.cache.filter(fn)

    def map(self, fn: Callable[[V], T]) -> list[T]:
        """Give what ``fn`` makes of each value."""
        return self.cache.map(fn)

    def values(self) -> Iterator[V]:
        """Give the values, least recently used first."""
        return self.cache.values()

    def delete(self, id: K | str) -> bool:
        """Forget ``id``. False if it was not here."""
        key: Any = _as_key(id) if type(id) is str else id
        return self.cache.delete(key)

    def clear(self) -> None:
        """Forget everything."""
        self.cache.clear()

    def has(self, id: K | str) -> bool:
        """Say whether ``id`` is here."""
        return (_as_key(id) if type(id) is str else id) in self.cache._data

    def __contains__(self, id: object) -> bool:
        return (_as_key(id) if type(id) is str else id) in self.cache._data

    def __len__(self) -> int:
        return len(self.cache._data)

    def __repr__(self) -> str:
        return f"<CacheManager with {len(self.cache._data)} of {self._max_size}>"


def _as_key(id: Any) -> Any:
    """Give the number a digit string stands for; any other string is a key of its own."""
    if id.isascii() and id.isdigit() and (id[0] != "0" or len(id) == 1):
        return int(id)
    return id


__all__ = ["CacheManager", "Collection"]
