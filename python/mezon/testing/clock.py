"""Time that a test can move: for schedules, cooldowns and timeouts of a bot that runs on the test's event loop."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from types import TracebackType
from typing import Any, Final, Self

__all__ = ["MovableTime"]

_PAUSE: Final = 0.01
"""Real seconds for what a timer has started: its answers come over a socket."""


class MovableTime:
    """Moves ``time.time()`` and the clock of the running event loop::

        with MovableTime() as clock:
            await clock.advance(minutes=5)

    Timers fire in their order, each at its own time, and what they start gets its turn before time goes on. Real time
    goes on as well. ``time.monotonic()`` and ``datetime.now()`` stay as they are, and so does the core's time:
    heartbeats and reconnects are not hurried.

    It needs an event loop of asyncio itself, not uvloop.
    """

    def __init__(self) -> None:
        self._ahead = 0.0
        self._loop: Any = None

    @property
    def ahead(self) -> float:
        """Seconds that were moved so far."""
        return self._ahead

    def __enter__(self) -> Self:
        loop: Any = asyncio.get_running_loop()
        self._wall, self._loop_time = time.time, loop.time
        try:
            loop.time = lambda: self._loop_time() + self._ahead
        except AttributeError:
            raise RuntimeError(
                f"time cannot be moved on a {type(loop).__name__}; run this test on asyncio's own event loop"
            ) from None
        self._loop = loop
        time.time = lambda: self._wall() + self._ahead
        # In debug mode the loop would take a jump for a callback that was slow.
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
        """Move time on, and let everything happen that is due until then.

        Raises:
            ValueError: Time goes forward only.
        """
        step = timedelta(seconds=seconds, minutes=minutes, hours=hours, days=days).total_seconds()
        if step < 0:
            raise ValueError("time goes forward only")
        await self._settle()
        end = self._loop.time() + step
        while (due := self._next_timer()) is not None and due <= end:
            self._ahead += max(0.0, due - self._loop.time())
            if await self._has_started_something():
                await self._settle()
        self._ahead += max(0.0, end - self._loop.time())
        await self._settle()

    async def _settle(self) -> None:
        # Not asyncio.sleep: that would be a timer of the clock that is moved.
        await self._loop.run_in_executor(None, time.sleep, _PAUSE)
        await asyncio.sleep(0)

    # asyncio has no public way to ask for what a loop has to do: its two lists are looked at, not touched.

    async def _has_started_something(self) -> bool:
        """Let the timers that are due run; say whether they woke anybody. A mere tick, as of a watchdog, does not."""
        # In the first turn this task runs before the timers, in the second before what they have put behind it.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return bool(self._loop._ready)

    def _next_timer(self) -> float | None:
        """When the next timer of the loop is due."""
        waiting = [handle.when() for handle in self._loop._scheduled if not handle.cancelled()]
        return min(waiting, default=None)
