"""Handlers that get a list of events at a time: ``client.on_batch``."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from functools import update_wrapper
from typing import Any, Final

from mezon.filters._match import matcher
from mezon.filters._spec import Spec

#: Lists that wait while the handler is busy, before the connection has to wait as well.
WAITING: Final = 16


class Batch:
    """Collects the events of one handler, in order, and hands them over as lists: one at a time.

    Registered like any handler: called with an event, it keeps it. It costs no task and no call of the handler.

    Args:
        handler: Called with a list of events.
        max_size: The longest list.
        max_wait: Seconds the first event of a list waits at most, while the handler is idle.
        spec: Which events it wants; None for all.
        begin: Starts a handler of the client: its name, the handler, and the list.
        has_room: Called when the lists that wait are no longer too many.
    """

    def __init__(
        self,
        name: str,
        handler: Callable[[list[Any]], Any],
        max_size: int,
        max_wait: float,
        spec: Spec | None,
        begin: Callable[[str, Callable[[list[Any]], Any], list[Any]], None],
        has_room: Callable[[], None],
    ) -> None:
        self._name = name
        self._handler = handler
        self._max_size = max_size
        self._max_wait = max_wait
        self.spec = spec
        self._matches = None if spec is None else matcher(spec)
        self._begin = begin
        self._has_room = has_room
        self._events: list[Any] = []
        self._timer: asyncio.TimerHandle | None = None
        self._busy = False
        update_wrapper(self, handler)

    @property
    def full(self) -> bool:
        """Has the connection to wait for this handler?"""
        return len(self._events) >= self._max_size * WAITING

    @property
    def waits(self) -> int:
        """How many events it has not been given."""
        return len(self._events)

    def __eq__(self, other: object) -> bool:
        # `off` is told the function that was registered.
        return self is other or self._handler == other

    def __hash__(self) -> int:
        return hash(self._handler)

    def __call__(self, event: Any) -> None:
        """Keep an event; with the last one that a list takes, hand the list over."""
        if self._matches is not None and not self._matches(event):
            return
        self._events.append(event)
        if self._busy:
            return
        if len(self._events) >= self._max_size:
            self.hand_over()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._max_wait, self.hand_over)

    def hand_over(self) -> None:
        """Give the handler what there is, up to the longest list, unless it is busy."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._busy or not self._events:
            return
        was_full = self.full
        events = self._events[: self._max_size]
        del self._events[: self._max_size]
        self._begin(self._name, self._call, events)
        if was_full and not self.full:
            self._has_room()

    def _call(self, events: list[Any]) -> Awaitable[None] | None:
        self._busy = True
        try:
            outcome = self._handler(events)
        except BaseException:
            self._over()
            raise
        if inspect.isawaitable(outcome):
            return self._finish(outcome)
        self._over()
        return None

    async def _finish(self, outcome: Awaitable[Any]) -> None:
        try:
            await outcome
        finally:
            self._over()

    def _over(self) -> None:
        """Go on when the handler is idle again: what came meanwhile is next, in a turn of its own."""
        self._busy = False
        if self._events:
            loop = asyncio.get_running_loop()
            wait = 0.0 if len(self._events) >= self._max_size else self._max_wait
            self._timer = loop.call_later(wait, self.hand_over)
