"""What ``client.stats()`` counts, from the parts that count it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from mezon.options import Stats

if TYPE_CHECKING:
    from mezon._events.dispatcher import Dispatcher
    from mezon._events.gap_filling import GapFiller
    from mezon.ports import Connection, MessageStore


class Counted(Protocol):
    """The client as its counters see it."""

    @property
    def state(self) -> str: ...
    @property
    def latency(self) -> float | None: ...


def count(
    client: Counted,
    connection: Connection | None,
    dispatcher: Dispatcher,
    gaps: GapFiller | None,
    store: MessageStore | None,
) -> Stats:
    """Give the counters of a client. What a connection counts besides is left out."""
    counted = {} if connection is None else connection.stats()
    known: dict[str, Any] = {
        name: counted[name] for name in counted.keys() & Stats.__dataclass_fields__.keys()
    }
    known |= {
        "state": client.state,
        "latency": client.latency,
        "handlers": dispatcher.running,
        "handler_errors": dispatcher.errors,
        "gap_filled": 0 if gaps is None else gaps.filled,
        "duplicates": 0 if gaps is None else gaps.duplicates,
        "store": {} if store is None else _of_store(store),
    }
    return Stats(**known)


def _of_store(store: MessageStore) -> dict[str, Any]:
    # Not before there is a store: most of the package is imported at login.
    from mezon.messages._foreign import as_store

    return dict(as_store(store).stats())
