"""A clock that a test can advance, for schedules, cooldowns and timeouts of a bot on the test's event loop."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from types import TracebackType
from typing import Any, Final, Self

__all__ = ["MovableTime"]

_PAUSE: Final = 0.01
"""Real seconds to wait for answers over a socket after a timer has fired."""


class MovableTime:
    """Advance ``time.time()`` and the clock of the running event loop::

        with MovableTime() as clock:
            await clock.advance(minutes=5)

    Timers fire in order, each at its own time, and the tasks they start run before time advances further. Real time
    continues as well. ``time.monotonic()``, ``datetime.now()`` and the core's timers (heartbeats, reconnects) are not
    affected.

    Requires asyncio's own event loop; uvloop is not supported.
    """

    def __init__(self) -> None:
        self._ahead = 0.0
        self._loop: Any = None

    @property
    def ahead(self) -> float:
        """Seconds advanced so far."""
        return self._ahead

    def __enter__(self) -> Self:
        loop: Any = asyncio.get_running_loop()
        self._wall, self._loop_time = time.time, loop.time
        try:
            loop.time = lambda: self._loop_time() + self._ahead
        except AttributeError:
            raise RuntimeError(
                f"the clock of a {type(loop).__name__} cannot be changed; run this test on asyncio's own event loop"
            ) from None
        self._loop = loop
        time.time = lambda: self._wall() + self._ahead
        # In debug mode the loop would report an advance as a slow callback.
        self._slow, loop.slow_callback_duration = loop.slow_callback_duration, float("inf")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        time.time = self._wall
        self._loop.slow_callback_duration = self._slow
        del self._loop.time

    async def advance(
        self, seconds: float = 0.0, *, minutes: float = 0, hours: float = 0, days: float = 0
    ) -> None:
        """Advance the clock and run everything that is due until then.

        Raises:
            ValueError: The duration is negative.
        """
        step = timedelta(seconds=seconds, minutes=minutes, hours=hours, days=days).total_seconds()
        if step < 0:
            raise ValueError("the clock can only advance; the duration is negative")
        await self._settle()
        end = self._loop.time() + step
        while (due := self._next_timer()) is not None and due <= end:
            self._ahead += max(0.0, due - self._loop.time())
            if await self._has_started_something():
                await self._settle()
        self._ahead += max(0.0, end - self._loop.time())
        await self._settle()

    async def _settle(self) -> None:
        # Not asyncio.sleep, which would be a timer of the advanced clock.
        await self._loop.run_in_executor(None, time.sleep, _PAUSE)
        await asyncio.sleep(0)

    # asyncio has no public API for the pending callbacks of a loop: the two private lists are only read.

    async def _has_started_something(self) -> bool:
        """Run the due timers. Return whether one has scheduled a callback (a periodic check usually does not)."""
        # In the first iteration this task runs before the timers, in the second before the callbacks they scheduled.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return bool(self._loop._ready)

    def _next_timer(self) -> float | None:
        """Return when the next timer of the loop is due."""
        waiting = [handle.when() for handle in self._loop._scheduled if not handle.cancelled()]
        return min(waiting, default=None)
