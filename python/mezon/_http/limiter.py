"""The client-side limit on HTTP calls: so many starts in a period, the urgent ones first.

`Window` is plain arithmetic on times that are handed in. `Limiter` puts asyncio around it: a queue per
event loop, all of them drawing on one window, because the server counts the bot's calls and not our loops.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
import threading
import time
import weakref
from bisect import insort
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, Protocol

from mezon.errors import MezonError

__all__ = ["Clock", "Limiter", "Priority", "Ticket", "Window", "current_priority", "prioritized"]


#: Seconds a call of the background waits behind others before it gets turns of its own.
PATIENCE: Final = 15.0


class Priority(IntEnum):
    """Who goes first when calls wait for the limit. Within one priority the first to ask is the first to
    go. A call of the background that has waited for long goes at every second start, so that those of handlers
    never hold it up for ever."""

    LOGIN = 0
    INTERACTIVE = 10
    BACKGROUND = 20


_priority: ContextVar[Priority] = ContextVar("mezon_http_priority", default=Priority.INTERACTIVE)


def current_priority() -> Priority:
    """Give the priority that calls made in this context have."""
    return _priority.get()


@contextlib.contextmanager
def prioritized(priority: Priority) -> Iterator[None]:
    """Give every call made inside the ``with`` block (and in tasks started there) this priority."""
    token = _priority.set(priority)
    try:
        yield
    finally:
        _priority.reset(token)


class Cancellable(Protocol):
    """A timer that can be called off."""

    def cancel(self) -> None: ...


class Clock(Protocol):
    """Time as the limiter sees it; tests bring their own."""

    def now(self) -> float:
        """Give the seconds of a clock that never goes back."""

    def call_later(self, delay: float, callback: Callable[[], None]) -> Cancellable:
        """Call back on the running loop after ``delay`` seconds."""


class _LoopClock:
    def now(self) -> float:
        # Not loop.time(): the window is shared by loops, and uvloop keeps a time of its own.
        return time.monotonic()

    def call_later(self, delay: float, callback: Callable[[], None]) -> Cancellable:
        return asyncio.get_running_loop().call_later(delay, callback)


class Window:
    """At most ``limit`` starts in any stretch of ``period`` seconds; off when either is 0 or None.

    A limit below 1 is one start in a period made longer in proportion. Safe to use from several threads.
    """

    def __init__(self, limit: float | None, period: float | None) -> None:
        self._lock = threading.Lock()
        self._starts: list[float] = []
        self._not_before = float("-inf")
        if limit and period and limit > 0 and period > 0:
            self.size = max(int(limit), 1)
            self.period = period * self.size / limit
        else:
            self.size, self.period = 0, 0.0

    def take(self, now: float) -> float:
        """Claim a start at ``now``: 0 when claimed, else the seconds until it is worth asking again."""
        with self._lock:
            free_at = self._not_before
            if self.size and len(self._starts) >= self.size:
                free_at = max(free_at, self._starts[-self.size] + self.period)
            if free_at > now:
                return free_at - now
            if self.size:
                insort(self._starts, now)
                del self._starts[: -self.size]
            return 0.0

    def move(self, start: float, now: float) -> None:
        """Move a start claimed at ``start`` that happened only ``now``: the loop was busy in between."""
        with self._lock:
            if start in self._starts:
                self._starts.remove(start)
                insort(self._starts, now)

    def refund(self, start: float) -> None:
        """Give a start back: the one claimed at ``start`` did not happen."""
        with self._lock:
            if start in self._starts:
                self._starts.remove(start)

    def hold(self, until: float) -> None:
        """Hold all starts until ``until`` (the server asked for a pause). A later hold wins."""
        with self._lock:
            self._not_before = max(self._not_before, until)


@dataclass(frozen=True, slots=True)
class Ticket:
    """A place in the line. A call that has to start once more keeps it, and so its place."""

    priority: Priority
    number: int
    since: float = 0.0


@dataclass(order=True, slots=True)
class _Waiter:
    priority: int
    number: int
    since: float = field(compare=False)
    future: asyncio.Future[float] = field(compare=False)
    owner: object = field(compare=False, default=None)


class _Queue:
    """The waiters of one event loop. Touched from that loop only."""

    def __init__(self, window: Window, clock: Clock, max_waiting: int, patience: float) -> None:
        self._window = window
        self._clock = clock
        self._max_waiting = max_waiting
        self._patience = patience
        #: All who wait, and those of the background once more, for their turns when they have grown old.
        self._heap: list[_Waiter] = []
        self._background: list[_Waiter] = []
        self._old_went = False
        self._live = 0
        self._timer: Cancellable | None = None

    async def wait(self, ticket: Ticket, owner: object) -> None:
        if self._live >= self._max_waiting:
            raise MezonError(
                f"{self._max_waiting} HTTP calls wait for the rate limit; make fewer, or raise rate_limit"
            )
        future: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        waiter = _Waiter(ticket.priority, ticket.number, ticket.since, future, owner)
        heapq.heappush(self._heap, waiter)
        if ticket.priority >= Priority.BACKGROUND:
            heapq.heappush(self._background, waiter)
        self._live += 1
        try:
            self._pump()
            start = await future
        except asyncio.CancelledError:
            if not future.cancelled() and future.exception() is None:
                # Granted and cancelled in the same turn of the loop: the next in line takes the start.
                self._window.refund(future.result())
            self._tidy()
            self._pump()
            raise
        finally:
            self._live -= 1
        self._window.move(start, self._clock.now())

    def fail(self, owner: object, make: Callable[[], BaseException]) -> None:
        for waiter in self._heap:
            if waiter.owner is owner and not waiter.future.done():
                waiter.future.set_exception(make())
        self._pump()

    def _tidy(self) -> None:
        # Cancelled waiters leave the heap when they reach its top, or all at once when they outnumber the
        # others.
        for heap in (self._heap, self._background):
            if len(heap) > 2 * self._live:
                heap[:] = [waiter for waiter in heap if not waiter.future.done()]
                heapq.heapify(heap)

    def _pump(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while (first := _top(self._heap)) is not None:
            now = self._clock.now()
            delay = self._window.take(now)
            if delay > 0:
                self._timer = self._clock.call_later(delay, self._pump)
                return
            old = _top(self._background)
            # Not two of them in a row while others wait: a handler's call loses one place at most.
            if old is not None and not self._old_went and now - old.since >= self._patience:
                first = old
            self._old_went = first is old
            first.future.set_result(now)


def _top(heap: list[_Waiter]) -> _Waiter | None:
    """Give the first who still waits. Those who went by the other way, or were cancelled, leave here."""
    while heap and heap[0].future.done():
        heapq.heappop(heap)
    return heap[0] if heap else None


class Limiter:
    """Grants starts: at most ``rate_limit`` in any ``rate_period`` seconds, by priority, then in order.

    The first start is granted at once. A limit or period of 0 or None grants everything at once, but for
    pauses the server asked for (`hold`). One limiter may serve several clients and several event loops.

    Args:
        rate_limit: Starts in a period.
        rate_period: Seconds.
        clock: Time, for tests.
        max_waiting: Calls that may wait on one event loop; the next one raises `MezonError`.
        patience: Seconds a call of the background waits behind others before it gets every second start.
    """

    def __init__(
        self,
        rate_limit: float | None,
        rate_period: float | None,
        *,
        clock: Clock | None = None,
        max_waiting: int = 10_000,
        patience: float = PATIENCE,
    ) -> None:
        self.clock: Clock = clock or _LoopClock()
        self.max_waiting = max_waiting
        self.patience = patience
        self._window = Window(rate_limit, rate_period)
        self._numbers = itertools.count()
        self._queues: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Queue] = (
            weakref.WeakKeyDictionary()
        )
        self._lock = threading.Lock()

    def ticket(self, priority: Priority | None = None) -> Ticket:
        """Take a place in the line, by default with the priority of the context."""
        priority = current_priority() if priority is None else priority
        return Ticket(priority, next(self._numbers), self.clock.now())

    async def acquire(self, ticket: Ticket | None = None, owner: object = None) -> None:
        """Wait for a start. Cancelling gives the place, or the start just granted, to the next in line."""
        await self._queue().wait(ticket or self.ticket(), owner)

    def hold(self, seconds: float) -> None:
        """Grant nothing for so many seconds."""
        self._window.hold(self.clock.now() + seconds)

    def fail(self, owner: object, make: Callable[[], BaseException]) -> None:
        """End the waits of ``owner`` with an error, on every event loop."""
        with self._lock:
            queues = list(self._queues.items())
        for loop, queue in queues:
            # RuntimeError: that loop is closed, and nobody waits there any more.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(queue.fail, owner, make)

    def _queue(self) -> _Queue:
        loop = asyncio.get_running_loop()
        with self._lock:
            queue = self._queues.get(loop)
            if queue is None:
                for old in [old for old in self._queues if old.is_closed()]:
                    del self._queues[old]
                queue = self._queues[loop] = _Queue(self._window, self.clock, self.max_waiting, self.patience)
            return queue
