"""What the handlers of one worker want, as it tells the others."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from mezon._cluster.membership import Member
from mezon._gateway.codec import MESSAGES

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Events that belong to no channel of the world and would only repeat what the relay does.
_RELAYS_OWN: Final = frozenset({"refresh_session_event"})


class Wants:
    """The events a worker listens to, and its filters.

    Args:
        worker: Its name.

    Attributes:
        leaving: It takes nothing more.
    """

    def __init__(self, worker: str) -> None:
        self._worker = worker
        self.leaving = False
        self._names: set[str] = set()
        self._filters: dict[str, str] = {}
        #: Events of which everything is wanted from now on.
        self._whole: set[str] = set()

    def want(self, name: str, wanted: bool) -> bool:
        """Listen to an event or cease to; gives whether it is one more than before."""
        if name not in MESSAGES or name in _RELAYS_OWN or (name in self._names) == wanted:
            return False
        (self._names.add if wanted else self._names.discard)(name)
        return wanted

    def narrow(self, name: str, spec: Mapping[str, Any] | None, running: bool) -> bool:
        """Set what handlers want of an event; gives whether it is more than before.

        What is wanted whole while events come is wanted whole from then on: somebody waits for an answer, and the next
        one must not be missed for the moment in which the relay is told.
        """
        if spec is None:
            if running:
                self._whole.add(name)
            return self._filters.pop(name, None) is not None
        if name not in self._whole:
            self._filters[name] = json.dumps(spec)
        return False

    def member(self) -> Member:
        """Give what it says of itself."""
        return Member(self._worker, frozenset(self._names), self.leaving, dict(self._filters))
