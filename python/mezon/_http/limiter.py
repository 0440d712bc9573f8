"""The client-side rate limit of HTTP calls, with priorities.

`Window` is arithmetic on times that are passed in. `Limiter` adds one queue for each event loop. All queues share one
window, because the server counts the calls of the bot.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
import threading
import time
import warnings
import weakref
from bisect import insort
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, Protocol

from mezon.errors import MezonError

__all__ = ["Clock", "Limiter", "Priority", "Ticket", "Window", "current_priority", "prioritized"]


#: Seconds that a background call waits behind others before it gets every second start.
MAX_BACKGROUND_WAIT: Final = 15.0


class Priority(IntEnum):
    """The order in which waiting calls start. Calls of the same priority start in the order of their requests.

    A background call that has waited for long gets every second start, so that calls of handlers cannot starve it.
    """

    LOGIN = 0
    INTERACTIVE = 10
    BACKGROUND = 20


_priority: ContextVar[Priority] = ContextVar("mezon_http_priority", default=Priority.INTERACTIVE)


def current_priority() -> Priority:
    """Return the priority of calls in the current context."""
    return _priority.get()


@contextlib.contextmanager
def prioritized(priority: Priority) -> Iterator[None]:
    """Set the priority of all calls in the ``with`` block, and in tasks started there."""
    token = _priority.set(priority)
    try:
        yield
    finally:
        _priority.reset(token)


class Cancellable(Protocol):
    """A timer that can be cancelled."""

    def cancel(self) -> None: ...


class Clock(Protocol):
    """The clock of the limiter, replaced in tests."""

    def now(self) -> float:
        """Return the seconds of a monotonic clock."""

    def call_later(self, delay: float, callback: Callable[[], None]) -> Cancellable:
        """Call ``callback`` on the running loop after ``delay`` seconds."""


class _LoopClock:
    def now(self) -> float:
        # Not loop.time(): loops share the window, and uvloop has its own clock.
        return time.monotonic()

    def call_later(self, delay: float, callback: Callable[[], None]) -> Cancellable:
        return asyncio.get_running_loop().call_later(delay, callback)


class Window:
    """A sliding window: at most ``limit`` starts in any ``period`` seconds; no limit if either is 0 or None.

    A limit below 1 is one start in a proportionally longer period. Thread-safe.
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
        """Claim a start at ``now``. Return 0 if it was claimed, else the seconds until the next attempt."""
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
        """Move a start from ``start`` to ``now``, because the loop was busy in between."""
        with self._lock:
            if start in self._starts:
                self._starts.remove(start)
                insort(self._starts, now)

    def refund(self, start: float) -> None:
        """Return the start claimed at ``start``, which did not happen."""
        with self._lock:
            if start in self._starts:
                self._starts.remove(start)

    def hold(self, until: float) -> None:
        """Pause all starts until ``until``, requested by the server. The latest time wins."""
        with self._lock:
            self._not_before = max(self._not_before, until)


@dataclass(frozen=True, slots=True)
class Ticket:
    """A position in the queue. A call that is repeated keeps its position."""

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
    """The waiters of one event loop. Not thread-safe."""

    def __init__(self, window: Window, clock: Clock, max_waiting: int, max_background_wait: float) -> None:
        self._window = window
        self._clock = clock
        self._max_waiting = max_waiting
        self._max_background_wait = max_background_wait
        #: All waiters, and a second heap of the background waiters, from which long waiters are taken.
        self._heap: list[_Waiter] = []
        self._background: list[_Waiter] = []
        self._last_was_background = False
        self._live = 0
        self._timer: Cancellable | None = None

    @property
    def waiting(self) -> int:
        """The number of calls that wait."""
        return self._live

    async def wait(self, ticket: Ticket, owner: object) -> None:
        if self._live >= self._max_waiting:
            raise MezonError(
                f"{self._max_waiting} HTTP calls are waiting for the rate limit; make fewer calls, or raise rate_limit"
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
                # Granted and cancelled in the same loop iteration: the next waiter gets the start.
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
        # Cancelled waiters are removed when they reach the top of the heap, or when they outnumber the others.
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
            # Not two in a row while others wait: a call of a handler is delayed by at most one start.
            if (
                old is not None
                and not self._last_was_background
                and now - old.since >= self._max_background_wait
            ):
                first = old
            self._last_was_background = first is old
            first.future.set_result(now)


def _top(heap: list[_Waiter]) -> _Waiter | None:
    """Return the first pending waiter. Remove cancelled waiters, and those granted from the other heap."""
    while heap and heap[0].future.done():
        heapq.heappop(heap)
    return heap[0] if heap else None


class Limiter:
    """Grants at most ``rate_limit`` starts in any ``rate_period`` seconds, by priority, then in order.

    The first start is granted immediately. A limit or period of 0 or None grants all starts immediately, except during
    a pause (`hold`). Several clients and event loops may share one limiter.

    Args:
        rate_limit: The number of starts in a period.
        rate_period: The period in seconds.
        clock: The clock, replaced in tests.
        max_waiting: The maximum number of waiting calls on one event loop; the next one raises `MezonError`.
        max_background_wait: The number of seconds that a background call waits behind others before it gets every
            second start.
        patience: Deprecated name of ``max_background_wait``.
    """

    def __init__(
        self,
        rate_limit: float | None,
        rate_period: float | None,
        *,
        clock: Clock | None = None,
        max_waiting: int = 10_000,
        max_background_wait: float = MAX_BACKGROUND_WAIT,
        patience: float | None = None,
    ) -> None:
        if patience is not None:
            warnings.warn("patience is deprecated, use max_background_wait", DeprecationWarning, stacklevel=2)
            max_background_wait = patience
        self.clock: Clock = clock or _LoopClock()
        self.max_waiting = max_waiting
        self.max_background_wait = max_background_wait
        self._window = Window(rate_limit, rate_period)
        self._numbers = itertools.count()
        self._queues: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Queue] = (
            weakref.WeakKeyDictionary()
        )
        self._lock = threading.Lock()

    def ticket(self, priority: Priority | None = None) -> Ticket:
        """Return the next position in the queue, by default with the priority of the context."""
        priority = current_priority() if priority is None else priority
        return Ticket(priority, next(self._numbers), self.clock.now())

    async def acquire(self, ticket: Ticket | None = None, owner: object = None) -> None:
        """Wait for a start. A cancelled call passes its position, or the granted start, to the next waiter."""
        await self._queue().wait(ticket or self.ticket(), owner)

    @property
    def waiting(self) -> int:
        """The number of calls that wait. Safe to read on any thread."""
        with self._lock:
            return sum(queue.waiting for queue in self._queues.values())

    def hold(self, seconds: float) -> None:
        """Pause all starts for ``seconds``."""
        self._window.hold(self.clock.now() + seconds)

    def fail(self, owner: object, make: Callable[[], BaseException]) -> None:
        """Fail the waiters of ``owner`` with an error, on every event loop."""
        with self._lock:
            queues = list(self._queues.items())
        for loop, queue in queues:
            # RuntimeError: the loop is closed, so it has no waiters.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(queue.fail, owner, make)

    def _queue(self) -> _Queue:
        loop = asyncio.get_running_loop()
        with self._lock:
            queue = self._queues.get(loop)
            if queue is None:
                for old in [old for old in self._queues if old.is_closed()]:
                    del self._queues[old]
                queue = self._queues[loop] = _Queue(
                    self._window, self.clock, self.max_waiting, self.max_background_wait
                )
            return queue
