"""Whose event it is: how ``message.reply(...)`` finds its client.

Events that become models carry an `Origin` in their ``__dict__``, put there by the plan that builds them, so that it
costs an event nothing. It is no field: dumps, ``repr``, ``==`` and pickle do not know it. Messages of protobuf take
no attributes and no weak references, so those few that can be answered stand in a table by identity, which lets go
of what nobody else holds.

Not a context variable: an event may be answered by a task that another client's handler has started.
"""

from __future__ import annotations

import sys
import threading
import weakref
from typing import TYPE_CHECKING, Any, Final, Self

from mezon.errors import MezonError

if TYPE_CHECKING:
    from collections.abc import Callable

#: The name an origin has in an event's ``__dict__``. The core takes names that begin so for no fields
#: (src/py/codec/plan.rs).
KEY: Final = "_origin"

#: Beside it, who sees the ephemeral message of an acknowledgement.
RECEIVERS: Final = "_receivers"


class Origin:
    """The client an event came to. Copies of the event share it; it keeps no client alive."""

    __slots__ = ("__weakref__", "_client")

    def __init__(self, client: Any = None) -> None:
        self._client: Callable[[], Any] | None = None
        if client is not None:
            try:
                self._client = weakref.ref(client)
            except TypeError:
                # A test's stand-in, such as a SimpleNamespace, may take no weak references.
                self._client = lambda: client

    @property
    def client(self) -> Any:
        """The client, while it lives."""
        return self._client() if self._client is not None else None

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: Any) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        # Another process has another client, or none.
        return (Origin, ())


class HeldEvents:
    """Protobuf events and their origins, by identity.

    An entry keeps its event alive, so its id is nobody else's. When there are many, those that nobody else holds
    are let go: the table is bounded by the events that live.
    """

    def __init__(self, room: int = 256) -> None:
        self._events: dict[int, tuple[Any, Origin]] = {}
        self._room = self._limit = room
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._events)

    def add(self, event: Any, origin: Origin) -> None:
        """Remember whose event it is."""
        with self._lock:
            self._events[id(event)] = (event, origin)
            if len(self._events) >= self._limit:
                self._sweep()

    def get(self, event: Any) -> Origin | None:
        """Say whose event it is, or None."""
        entry = self._events.get(id(event))
        return entry[1] if entry is not None and entry[0] is event else None

    def _sweep(self) -> None:
        alone = _references((object(), None))
        for key in [key for key, entry in self._events.items() if _references(entry) <= alone]:
            del self._events[key]
        self._limit = max(self._room, 2 * len(self._events))


def _references(entry: tuple[Any, Any]) -> int:
    """Say how many hold the first of a pair, by the same way for all: Pythons differ in what they count here."""
    return sys.getrefcount(entry[0])


held: Final = HeldEvents()


def client_of(event: Any) -> Any:
    """Give the client an event, or the acknowledgement of a send, came to.

    Raises:
        MezonError: If it came to none, as one made by hand, or its client is gone.
    """
    values = getattr(event, "__dict__", None)
    origin = (values.get(KEY) if values else None) or held.get(event)
    client = origin.client if isinstance(origin, Origin) else None
    if client is None:
        raise MezonError(
            f"this {type(event).__name__} belongs to no client: only what a running client has received or sent can "
            "be answered, not what was made by hand, unpickled or left over"
        )
    return client
