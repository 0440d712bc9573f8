"""Says what blocks an event loop: one warning a block, with the stack of the loop's thread.

A loop counts on a timer, a thread looks whether the count goes on. There is one timer a loop, however many clients
live on it, and one thread for all loops of the process. The thread adds up its own looks and reads no clock, so a
process that was stopped, or a machine that slept, is no blocked loop.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import traceback
from collections import Counter
from typing import Final

from mezon.utils.logger import get_logger
from mezon.utils.process import ProcessGuard

logger = get_logger("mezon.client")

#: Looks in the time that a block has to last.
_LOOKS: Final = 5

#: Frames of the stack in the warning, the innermost ones.
_FRAMES: Final = 30


class Watchdog:
    """Watches one event loop between `start` and `stop`, both called on it, together with all others of the process.

    Args:
        limit: Seconds without a turn of the loop before the warning. Of those who watch one loop the smallest counts,
            and one block is one warning: what is blocked is the loop, not each of its clients.
    """

    def __init__(self, limit: float) -> None:
        self.limit: Final = limit
        self._lookout: _Lookout | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Begin to watch the running loop. Does nothing if it is watched."""
        loop = asyncio.get_running_loop()
        if self._lookout is not None and self._loop is loop and self._lookout.watches(self, loop):
            return
        self.stop()
        self._lookout, self._loop = _lookout(), loop
        self._lookout.add(self, loop)

    def stop(self) -> None:
        """End the watch; the last one ends the thread. Safe at any time, and twice."""
        lookout, loop, self._lookout, self._loop = self._lookout, self._loop, None, None
        if lookout is not None and loop is not None:
            lookout.remove(self, loop)


class _Post:
    """One loop and those who watch it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop: Final = loop
        self.watchers: set[Watchdog] = set()
        self.limit = 0.0
        #: How many want which limit: a thousand clients mostly want one.
        self._limits: Counter[float] = Counter()
        self._thread = threading.get_ident()
        self._turns = 0
        self._timer: asyncio.TimerHandle | None = None
        # The thread's own: the turns it has seen, how long it has seen no other, and whether it has said so.
        self._seen = 0
        self._silent = 0.0
        self._told = False

    def add(self, watcher: Watchdog) -> None:
        """Be watched for one more."""
        self.watchers.add(watcher)
        self._limits[watcher.limit] += 1
        self._settle()

    def remove(self, watcher: Watchdog) -> None:
        """Be watched for one less."""
        if watcher not in self.watchers:
            return
        self.watchers.remove(watcher)
        self._limits[watcher.limit] -= 1
        if not self._limits[watcher.limit]:
            del self._limits[watcher.limit]
        self._settle()

    def _settle(self) -> None:
        """Take the smallest limit; the timer ticks for that."""
        smallest = min(self._limits, default=0.0)
        if smallest == self.limit:
            return
        self.end()
        self.limit = smallest
        if smallest:
            self._tick()

    def end(self) -> None:
        """Have the loop count no longer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tick(self) -> None:
        self._turns += 1
        self._thread = threading.get_ident()
        self._timer = self.loop.call_later(self.limit / _LOOKS, self._tick)

    def look(self, passed: float) -> None:
        """Look, in the thread, whether the loop has turned in the time that has passed since the last look."""
        if self._turns != self._seen:
            if self._told:
                logger.info("The event loop is free again")
            self._seen, self._silent, self._told = self._turns, 0.0, False
            return
        self._silent += passed
        # A stopped loop is not blocked: it runs again when somebody runs it. The half look is for what adding up loses.
        if not self._told and 0 < self.limit <= self._silent + passed / 2 and self.loop.is_running():
            self._told = True
            self._warn()

    def _warn(self) -> None:
        frame = sys._current_frames().get(self._thread)
        stack = "".join(traceback.format_stack(frame, limit=_FRAMES)) if frame is not None else "(no stack)\n"
        logger.warning(
            "The event loop has been blocked for %g s: handlers and timers wait, while the core goes on receiving. "
            "Await instead of waiting, or use asyncio.to_thread. It is here:\n%s",
            self.limit,
            stack,
        )


class _Lookout:
    """The loops of this process that are watched, and the thread that does it: it lives as long as there is one."""

    def __init__(self) -> None:
        self.process = ProcessGuard()
        self.process.begin()
        self._posts: dict[asyncio.AbstractEventLoop, _Post] = {}
        self._lock = threading.Lock()
        #: Wakes the thread before its next look: another limit counts, or there is nothing left to watch.
        self._changed = threading.Event()
        self._thread: threading.Thread | None = None

    def watches(self, watchdog: Watchdog, loop: asyncio.AbstractEventLoop) -> bool:
        """Say whether it watches this loop for this one."""
        if self.process.elsewhere:
            return False
        post = self._posts.get(loop)
        return post is not None and watchdog in post.watchers

    def add(self, watchdog: Watchdog, loop: asyncio.AbstractEventLoop) -> None:
        """Watch the running loop for one more."""
        with self._lock:
            post = self._posts.get(loop)
            if post is None:
                post = self._posts[loop] = _Post(loop)
            before = post.limit
            post.add(watchdog)
            if self._thread is None:
                self._changed = threading.Event()
                self._thread = threading.Thread(
                    target=self._watch, args=(self._changed,), name="mezon-watchdog", daemon=True
                )
                self._thread.start()
            elif post.limit != before:
                self._changed.set()

    def remove(self, watchdog: Watchdog, loop: asyncio.AbstractEventLoop) -> None:
        """Watch it for one less."""
        if self.process.elsewhere:
            # The lock may be held for ever by a thread that is not here, and the loop is the parent's.
            return
        ended = None
        with self._lock:
            post = self._posts.get(loop)
            if post is None:
                return
            post.remove(watchdog)
            if post.watchers:
                return
            del self._posts[loop]
            self._forget_closed()
            if not self._posts:
                ended, self._thread = self._thread, None
                self._changed.set()
        if ended is not None:
            ended.join(1.0)

    def _watch(self, changed: threading.Event) -> None:
        while (interval := self._interval(changed)) is not None:
            if changed.wait(interval):
                changed.clear()
                continue
            for post in list(self._posts.values()):
                post.look(interval)

    def _interval(self, changed: threading.Event) -> float | None:
        """Give the time to the next look, for the smallest limit of all; None when there is nothing left to watch."""
        with self._lock:
            if changed is not self._changed:
                return None  # another thread has taken over meanwhile
            self._forget_closed()
            if not self._posts:
                self._thread = None
                return None
            return min(post.limit for post in self._posts.values()) / _LOOKS

    def _forget_closed(self) -> None:
        # A loop that was closed without a word is watched no longer.
        for loop in [loop for loop in self._posts if loop.is_closed()]:
            del self._posts[loop]


_the_lookout: _Lookout | None = None


def _lookout() -> _Lookout:
    """Give the one of this process: a forked child begins anew, for the parent's thread is not there."""
    global _the_lookout
    if _the_lookout is None or _the_lookout.process.elsewhere:
        _the_lookout = _Lookout()
    return _the_lookout
