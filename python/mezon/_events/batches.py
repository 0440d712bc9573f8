"""Handlers that get a list of events at a time: ``client.on_batch``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial, update_wrapper
from typing import Any, Final

from mezon.filters._match import matcher
from mezon.filters._spec import Spec
from mezon.utils.logger import get_logger

logger = get_logger("mezon.events")

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
        begin: Starts a handler of the client: the event's name, the handler, the list, and what to call when the
            handler has ended, with False if its task was cancelled before the first step.
        has_room: Called when the lists that wait are no longer too many.
    """

    def __init__(
        self,
        name: str,
        handler: Callable[[list[Any]], Any],
        max_size: int,
        max_wait: float,
        spec: Spec | None,
        begin: Callable[[str, Callable[[list[Any]], Any], list[Any], Callable[[bool], None]], None],
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
        #: The loop of the timer and of the handler.
        self._loop: asyncio.AbstractEventLoop | None = None
        #: The list the handler has now; None while it is idle.
        self._current: list[Any] | None = None
        #: Hand over what waits as soon as the handler is idle.
        self._at_once = False
        update_wrapper(self, handler)

    @property
    def full(self) -> bool:
        """Has the connection to wait for this handler?"""
        return len(self._events) >= self._max_size * WAITING

    @property
    def ready(self) -> bool:
        """Do events wait for a handler that is idle?"""
        return bool(self._events) and self._current is None

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
        if self._current is not None:
            return
        if len(self._events) >= self._max_size:
            self.hand_over()
        elif self._timer is None:
            self._start_timer(self._max_wait)

    def use(self, loop: asyncio.AbstractEventLoop) -> None:
        """Hand over on this loop from now on. Events and handlers of an earlier loop have ended with it."""
        if self._loop is not None and self._loop is not loop:
            self._current = None
            self.drop()
        self._loop = loop

    def hand_over(self) -> None:
        """Give the handler what there is, up to the longest list; a busy one gets it as soon as it is idle."""
        self._stop_timer()
        if self._current is not None:
            self._at_once = bool(self._events)
            return
        if not self._events:
            return
        was_full = self.full
        events = self._current = self._events[: self._max_size]
        del self._events[: self._max_size]
        self._at_once = self._at_once and bool(self._events)
        self._loop = asyncio.get_running_loop()
        self._begin(self._name, self._handler, events, partial(self._ended, events))
        if was_full and not self.full:
            self._has_room()

    def drop(self) -> None:
        """Drop the events the handler has not been given; a warning says how many."""
        self._stop_timer()
        self._at_once = False
        events, self._events = self._events, []
        if events:
            logger.warning(
                "%d events of %s were dropped: the client was closed before their handler could take them",
                len(events),
                self._name,
            )

    def _ended(self, events: list[Any], began: bool) -> None:
        """Go on when the handler is idle again: what came meanwhile is next, in a turn of its own."""
        if not began:
            logger.warning(
                "%d events of %s were dropped: the task of their handler was cancelled before it began",
                len(events),
                self._name,
            )
        if self._current is not events:
            # Of a loop that was left.
            return
        self._current = None
        if self._events:
            at_once = self._at_once or len(self._events) >= self._max_size
            self._start_timer(0.0 if at_once else self._max_wait)

    def _start_timer(self, seconds: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(seconds, self.hand_over)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
