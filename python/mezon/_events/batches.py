"""Batch handlers, which are called with a list of events: ``client.on_batch``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial, update_wrapper
from typing import Any, Final

from mezon.filters._program import Spec, matcher
from mezon.utils.logger import get_logger

logger = get_logger("mezon.events")

#: Full batches that a busy handler may leave waiting before the connection has to wait.
WAITING: Final = 16


class Batch:
    """Collects the events of one batch handler, in order, and delivers them as lists, one at a time.

    It is registered like any handler, and collects the event that it is called with, without a task. The dispatcher
    calls `collect` instead, which costs less than a call of the object, or `extend` with several events.

    Args:
        name: The event's name.
        handler: Called with a list of events.
        max_size: The maximum length of a list.
        max_wait: The maximum time in seconds that the first event of a list waits while the handler is idle.
        spec: The filter of the events; None for all.
        call: Starts the handler, given the event's name, the handler, the list, and a function to call when the handler
            has ended, with False if its task was cancelled before the first step.
        on_room: Called when the number of waiting events has fallen below the bound.

    Attributes:
        collect: Collects an event, and delivers the list if it is complete.
    """

    def __init__(
        self,
        name: str,
        handler: Callable[[list[Any]], Any],
        max_size: int,
        max_wait: float,
        spec: Spec | None,
        call: Callable[[str, Callable[[list[Any]], Any], list[Any], Callable[[bool], None]], None],
        on_room: Callable[[], None],
    ) -> None:
        self._name = name
        self._handler = handler
        self._max_size = max_size
        self._max_wait = max_wait
        self.spec = spec
        self._matches = None if spec is None else matcher(spec)
        self._call = call
        self._on_room = on_room
        #: Always the same list, which `collect` appends to.
        self._events: Final[list[Any]] = []
        self._timer: asyncio.TimerHandle | None = None
        #: The loop of the timer and of the handler.
        self._loop: asyncio.AbstractEventLoop | None = None
        #: Identifies the call of the handler that has not ended; None while it is idle. Not the list: its messages are
        #: freed when the handler returns, before the next ones arrive, so that the garbage collector rarely runs.
        self._current: object | None = None
        #: Whether to deliver the waiting events as soon as the handler is idle.
        self._flush_next = False
        update_wrapper(self, handler)
        self.collect = self._collector()

    def _collector(self) -> Callable[[Any], None]:
        events, max_size, check, matches = self._events, self._max_size, self._check, self._matches
        append = events.append

        def collect(event: Any) -> None:
            if matches is not None and not matches(event):
                return
            append(event)
            count = len(events)
            # The first event of a list has started the timer.
            if count == 1 or count >= max_size:
                check()

        return update_wrapper(collect, self._handler)

    @property
    def full(self) -> bool:
        """Whether the connection has to wait for the handler."""
        return len(self._events) >= self._max_size * WAITING

    @property
    def ready(self) -> bool:
        """Whether events are waiting while the handler is idle."""
        return bool(self._events) and self._current is None

    def __eq__(self, other: object) -> bool:
        # `off` is called with the function that was registered.
        return self is other or self._handler == other

    def __hash__(self) -> int:
        return hash(self._handler)

    def __call__(self, event: Any) -> None:
        """Collect an event, and deliver the list if it is complete."""
        self.collect(event)

    def extend(self, events: list[Any]) -> None:
        """Collect events, and deliver the lists that are complete."""
        if self._matches is not None:
            events = [event for event in events if self._matches(event)]
        self._events.extend(events)
        # A handler that is not busy afterwards has returned: the next list follows at once.
        while self._current is None and len(self._events) >= self._max_size:
            self.flush()
        if self._events:
            self._check()

    def _check(self) -> None:
        """Deliver the list if it is complete, or start the timer of its first event."""
        if self._current is not None:
            return
        if len(self._events) >= self._max_size:
            self.flush()
        elif self._timer is None:
            self._start_timer(self._max_wait)

    def use(self, loop: asyncio.AbstractEventLoop) -> None:
        """Deliver on this loop from now on. Events that were collected on another loop are dropped."""
        if self._loop is not None and self._loop is not loop:
            self._current = None
            self.drop()
        self._loop = loop

    def flush(self) -> None:
        """Deliver the collected events, up to the maximum length, or as soon as the handler is idle."""
        self._stop_timer()
        if self._current is not None:
            self._flush_next = bool(self._events)
            return
        if not self._events:
            return
        was_full = self.full
        events = self._events[: self._max_size]
        call = self._current = object()
        del self._events[: self._max_size]
        self._flush_next = self._flush_next and bool(self._events)
        self._loop = asyncio.get_running_loop()
        self._call(self._name, self._handler, events, partial(self._ended, call, len(events)))
        if was_full and not self.full:
            self._on_room()

    def drop(self) -> None:
        """Drop the events that were not delivered, with a warning."""
        self._stop_timer()
        self._flush_next = False
        dropped = len(self._events)
        self._events.clear()
        if dropped:
            logger.warning(
                "%d events of %s were dropped: the client was closed before their handler could take them",
                dropped,
                self._name,
            )

    def _ended(self, call: object, count: int, began: bool) -> None:
        """Schedule the next list when the handler is idle again."""
        if not began:
            logger.warning(
                "%d events of %s were dropped: the task of their handler was cancelled before it began",
                count,
                self._name,
            )
        if self._current is not call:
            # The handler of an earlier loop.
            return
        self._current = None
        if self._events:
            at_once = self._flush_next or len(self._events) >= self._max_size
            self._start_timer(0.0 if at_once else self._max_wait)

    def _start_timer(self, seconds: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(seconds, self.flush)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
