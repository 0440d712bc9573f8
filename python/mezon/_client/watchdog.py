"""Says what blocks the event loop: one warning a block, with the stack of the loop's thread.

The loop counts on a timer, a thread looks whether the count goes on. The thread counts its own looks and reads no
clock, so a process that was stopped, or a machine that slept, is no blocked loop.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import traceback
from typing import Final

from mezon.utils.logger import get_logger

logger = get_logger("mezon.client")

#: Looks in the time that a block has to last.
_LOOKS: Final = 5

#: Frames of the stack in the warning, the innermost ones.
_FRAMES: Final = 30


class Watchdog:
    """Watches one event loop between `start` and `stop`, both called on it.

    Args:
        limit: Seconds without a turn of the loop before the warning.
    """

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._interval = limit / _LOOKS
        self._turns = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._stopping: threading.Event | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to watch the running loop. Does nothing if it is watched."""
        loop = asyncio.get_running_loop()
        if self._thread is not None and self._thread.is_alive() and self._loop is loop:
            return
        self.stop()
        self._loop = loop
        self._stopping = threading.Event()
        self._tick(loop)
        self._thread = threading.Thread(
            target=self._watch,
            args=(loop, threading.get_ident(), self._stopping),
            name="mezon-watchdog",
            daemon=True,
        )
        self._thread.start()

    def stop(self) -> None:
        """End the watch and its thread. Safe at any time, and twice."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._stopping is not None:
            self._stopping.set()
        thread, self._thread, self._loop = self._thread, None, None
        if thread is not None:
            thread.join(1.0)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        self._turns += 1
        self._timer = loop.call_later(self._interval, self._tick, loop)

    def _watch(self, loop: asyncio.AbstractEventLoop, thread: int, stopping: threading.Event) -> None:
        seen, missed = self._turns, 0
        while not stopping.wait(self._interval) and not loop.is_closed():
            turns = self._turns
            if turns != seen:
                if missed >= _LOOKS:
                    logger.info("The event loop is free again")
                seen, missed = turns, 0
                continue
            missed += 1
            # A stopped loop is not blocked: it runs again when somebody runs it.
            if missed == _LOOKS and loop.is_running():
                self._warn(thread)

    def _warn(self, thread: int) -> None:
        frame = sys._current_frames().get(thread)
        stack = "".join(traceback.format_stack(frame, limit=_FRAMES)) if frame is not None else "(no stack)\n"
        logger.warning(
            "The event loop has been blocked for %g s: handlers and timers wait, while the core goes on receiving. "
            "Await instead of waiting, or use asyncio.to_thread. It is here:\n%s",
            self._limit,
            stack,
        )
