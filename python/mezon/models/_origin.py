"""The client of an event, through which ``message.reply(...)`` works.

A model carries an `Origin` in its ``__dict__``. The decoding plan puts it there at no cost for each event. It is not a
field: dumps, ``repr``, ``==`` and pickles ignore it. Protobuf messages accept neither attributes nor weak references,
so the few that can be answered are kept in a table by identity, which drops those without other references.

A context variable would not do: a task that a handler of another client started may answer the event.
"""

from __future__ import annotations

import sys
import threading
import weakref
from typing import TYPE_CHECKING, Any, Final, Self

from mezon.errors import MezonError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mezon.client import MezonClient

#: The key of the origin in an event's ``__dict__``. The core does not treat names with this prefix as fields
#: (src/py/codec/plan.rs).
KEY: Final = "_origin"

#: The key of the receivers of an ephemeral message, in the ``__dict__`` of its acknowledgement.
RECEIVERS: Final = "_receivers"


class Origin:
    """A weak reference to the client that received an event. Copies of the event share it."""

    __slots__ = ("__weakref__", "_client")

    def __init__(self, client: Any = None) -> None:
        self._client: Callable[[], Any] | None = None
        if client is not None:
            try:
                self._client = weakref.ref(client)
            except TypeError:
                # A test double such as a SimpleNamespace does not support weak references.
                self._client = lambda: client

    @property
    def client(self) -> Any:
        """The client, or None if it no longer exists."""
        return self._client() if self._client is not None else None

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: Any) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        # Another process has another client or none.
        return (Origin, ())


class HeldEvents:
    """Protobuf events and their origins, by identity.

    An entry keeps its event alive, so that its id is not reused. A full table drops the events without other
    references, which bounds it by the events in use.
    """

    def __init__(self, capacity: int = 256) -> None:
        self._events: dict[int, tuple[Any, Origin]] = {}
        self._capacity = self._limit = capacity
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._events)

    def add(self, event: Any, origin: Origin) -> None:
        """Store the origin of an event."""
        with self._lock:
            self._events[id(event)] = (event, origin)
            if len(self._events) >= self._limit:
                self._sweep()

    def get(self, event: Any) -> Origin | None:
        """Return the origin of an event, or None."""
        entry = self._events.get(id(event))
        return entry[1] if entry is not None and entry[0] is event else None

    def _sweep(self) -> None:
        unshared = _references((object(), None))
        for key in [key for key, entry in self._events.items() if _references(entry) <= unshared]:
            del self._events[key]
        self._limit = max(self._capacity, 2 * len(self._events))


def _references(entry: tuple[Any, Any]) -> int:
    """Return the reference count of the first of a pair; only comparable with results of this function."""
    return sys.getrefcount(entry[0])


held: Final = HeldEvents()


def set_origin(models: Iterable[Any], origin: Origin | None) -> None:
    """Store the origin in models that have none, such as attachments from the message store."""
    if origin is not None:
        for model in models:
            model.__dict__.setdefault(KEY, origin)


def client_of(event: Any) -> Any:
    """Return the client that received an event or sent the acknowledged message.

    Raises:
        MezonError: If there is none, or it no longer exists.
    """
    values = getattr(event, "__dict__", None)
    origin = (values.get(KEY) if values else None) or held.get(event)
    client = origin.client if isinstance(origin, Origin) else None
    if client is None:
        raise MezonError(
            f"this {type(event).__name__} belongs to no client: only objects that a running client has received or "
            "sent can be answered, not objects that were made by hand or unpickled, or whose client is gone"
        )
    return client


class OfClient:
    """An event with a reference to its client, which dumps, ``==``, ``repr`` and pickles ignore."""

    if TYPE_CHECKING:

        @property
        def client(self) -> MezonClient:
            """The client that received the event.

            Raises:
                MezonError: If there is none, for example because the event was made by hand.
            """

    else:
        client = property(client_of, doc="The client that received the event.")

    def __getstate__(self) -> dict[Any, Any]:
        state: dict[Any, Any] = super().__getstate__()  # type: ignore[assignment]
        values = state.get("__dict__")
        if values is not None and KEY in values:
            state["__dict__"] = {
                name: value for name, value in values.items() if name not in (KEY, RECEIVERS)
            }
        return state
