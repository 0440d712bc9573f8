"""Things a bot does by the clock: every so often, or at the times a cron line names.

::

    @bot.every(minutes=5)
    async def tidy() -> None: ...

    @bot.cron("0 9 * * 1-5", tz="Asia/Ho_Chi_Minh")
    async def good_morning(bot: Bot) -> None: ...

A task takes nothing, or the bot: one on a router knows it no other way. A router that several bots include gives each
a task of its own.

Tasks start when the client is ready and stop with it. While the connection is away a run that is due waits for it.

- **Overlaps.** A run that is due while the one before still goes is left out (``overlap="skip"``), or goes beside it
  (``overlap="allow"``).
- **Missed runs.** A run that could begin only ``grace`` seconds after its time or later, because the connection was
  away or the machine slept, is missed. It is left out (``missed="skip"``), or made up for once, however many were
  missed (``missed="once"``).
- **Clocks.** ``every`` counts elapsed time, whatever the wall clock says. ``cron`` follows the wall clock: when it is
  set forward, the times in between are missed; when it is set back by a minute or more, the next time counts from
  there, so a time that comes twice runs twice.
- **Errors** go to the bot's error handler, and are logged and reported to ``on_error``; the next run comes all the
  same.

The cron lines are read by ``cronsim``: ``pip install "mezon-rs[ext]"``.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from mezon import InvalidArgumentError
from mezon.ext._registering import is_async, name_of

if TYPE_CHECKING:
    from mezon.ext.commands import Bot

__all__ = ["Every", "Task", "cron_times"]

logger: Final = logging.getLogger("mezon.ext")

#: Takes nothing, or the bot.
Callback: TypeAlias = "Callable[..., Awaitable[Any]]"

#: Seconds between two looks whether the connection is back, and the longest sleep: a clock may be set.
_LOOK: Final = 0.25
LONGEST: Final = 60.0

#: Seconds the wall clock has to be set back by before the next time is computed anew. Less is a correction, which is
#: not to run a task twice.
_SET_BACK: Final = 60.0

#: A clock nobody sets, and one that goes on while the machine sleeps, where there is one.
_BOOT_CLOCK: Final[int | None] = getattr(time, "CLOCK_BOOTTIME", None)


def elapsed() -> float:
    """Return the seconds since some moment in the past, whatever the wall clock says."""
    return time.monotonic() if _BOOT_CLOCK is None else time.clock_gettime(_BOOT_CLOCK)


class Every:
    """Times at a fixed distance, counted from the start, on the clock of ``elapsed``."""

    def __init__(self, seconds: float, *, at_start: bool = False) -> None:
        if not seconds > 0:
            raise InvalidArgumentError(f"a task runs every so many seconds, more than 0, not every {seconds}")
        self.seconds = seconds
        self.at_start = at_start

    def now(self) -> float:
        """Read the clock of the times."""
        return elapsed()

    def times(self, now: float) -> Iterator[float]:
        """Give the times from ``now`` on."""
        count = 0 if self.at_start else 1
        while True:
            yield now + count * self.seconds
            count += 1


class _Cron:
    def __init__(self, line: str, zone: tzinfo) -> None:
        self.line = line
        self.zone = zone
        next(cron_times(line, zone, time.time()), None)

    def now(self) -> float:
        return time.time()

    def times(self, now: float) -> Iterator[float]:
        return cron_times(self.line, self.zone, now)


def cron_times(line: str, zone: tzinfo, now: float) -> Iterator[float]:
    """Give the UNIX times a cron line of five fields names, after ``now``.

    At a change of the clocks a time that does not exist comes at the hour after, and one that comes twice once.

    Raises:
        InvalidArgumentError: If it is no cron line.
        ImportError: If ``cronsim`` is not installed.
    """
    try:
        from cronsim import CronSim, CronSimError
    except ImportError as error:
        raise ImportError('cron lines need cronsim: pip install "mezon-rs[ext]"') from error
    try:
        found = CronSim(line, datetime.fromtimestamp(now, zone))
    except CronSimError as error:
        raise InvalidArgumentError(
            f"{line!r} is no cron line of five fields, such as '0 9 * * 1-5': {error}"
        ) from error
    return (moment.timestamp() for moment in found)


def zone_of(name: str | tzinfo | None) -> tzinfo:
    """Give a time zone by its name; UTC for None.

    Raises:
        InvalidArgumentError: If there is none of that name.
    """
    if name is None:
        return UTC
    if isinstance(name, tzinfo):
        return name
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise InvalidArgumentError(f"there is no time zone {name!r}; one is Asia/Ho_Chi_Minh") from error


def _takes_bot(callback: Callback) -> bool:
    """Say whether a task asks for the bot.

    Raises:
        InvalidArgumentError: If it asks for more.
    """
    signature = inspect.signature(callback)
    needed = [
        one
        for one in signature.parameters.values()
        if one.default is one.empty and one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)
    ]
    if len(needed) > 1 or any(one.kind is one.KEYWORD_ONLY for one in needed):
        raise InvalidArgumentError(
            f"a task takes nothing, or the bot: async def {name_of(callback).rpartition('.')[2]}(bot); "
            f"{name_of(callback)}{signature} asks for more"
        )
    return bool(needed)


class Task:
    """Something a bot does by the clock.

    Attributes:
        bot: Whose it is; None while it is on a router that no bot has included.
        name: Its function's name.
        runs: How often it was begun.
        skipped: Runs left out because the one before still went.
        missed: Runs left out because they could not begin in time.
        next_time: UNIX time of the next run; None when it is not started.
    """

    def __init__(
        self,
        callback: Callback,
        schedule: Every | _Cron,
        *,
        overlap: Literal["skip", "allow"] = "skip",
        missed: Literal["skip", "once"] = "skip",
        grace: float = 60.0,
    ) -> None:
        if not is_async(callback):
            raise InvalidArgumentError(
                "a task is a coroutine function without parameters: async def task() -> None"
            )
        if hasattr(callback, "__mezon_checks__") or hasattr(callback, "__mezon_cooldown__"):
            raise InvalidArgumentError(
                f"a task has no user: {name_of(callback)} takes no check and no cooldown"
            )
        self._takes_bot = _takes_bot(callback)
        if overlap not in ("skip", "allow") or missed not in ("skip", "once"):
            raise InvalidArgumentError(
                f"overlap is 'skip' or 'allow' and missed is 'skip' or 'once', not {overlap!r} and {missed!r}"
            )
        self.bot: Bot | None = None
        self.callback = callback
        self.name: str = getattr(callback, "__name__", "task")
        self.overlap: Literal["skip", "allow"] = overlap
        self.when_missed: Literal["skip", "once"] = missed
        self.grace = grace
        self.runs: int = 0
        self.skipped: int = 0
        self.missed: int = 0
        self.next_time: float | None = None
        self._schedule = schedule
        self._loop: asyncio.Task[None] | None = None
        self._running: set[asyncio.Task[None]] = set()

    @property
    def started(self) -> bool:
        """Is it waiting for its next time?"""
        return self._loop is not None and not self._loop.done()

    def start(self, bot: Bot) -> None:
        """Begin to count; the bot does it when it is ready. Safe twice."""
        if not self.started:
            self._loop = asyncio.get_running_loop().create_task(self._go(bot), name=f"mezon task {self.name}")

    async def stop(self) -> None:
        """End it, and the run that goes. Safe at any time."""
        ending = [task for task in (self._loop, *self._running) if task is not None and not task.done()]
        ending = [task for task in ending if task is not asyncio.current_task()]
        self._loop = None
        self.next_time = None
        for task in ending:
            task.cancel()
        if ending:
            await asyncio.wait(ending, timeout=5.0)

    async def __call__(self) -> Any:
        """Run it now, beside its times; with the bot, if it takes one and was registered on one."""
        return await self._call(self.bot)

    def _call(self, bot: Bot | None) -> Awaitable[Any]:
        if not self._takes_bot:
            return self.callback()
        if bot is None:
            raise InvalidArgumentError(f"the task {self.name} takes a bot, and belongs to none yet")
        return self.callback(bot)

    def of(self, bot: Bot) -> Task:
        """Give this task to a bot: itself, or one like it if another bot has it."""
        if self.bot is None or self.bot is bot:
            self.bot = bot
            return self
        twin = Task(
            self.callback, self._schedule, overlap=self.overlap, missed=self.when_missed, grace=self.grace
        )
        return twin.of(bot)

    async def _go(self, bot: Bot) -> None:
        clock = self._schedule.now
        times = self._schedule.times(clock())
        due = next(times, None)
        while due is not None:
            self.next_time = self._as_unix(due)
            ahead = clock() - elapsed()
            while (left := due - clock()) > 0:
                await asyncio.sleep(min(left, LONGEST))
                if clock() - elapsed() <= ahead - _SET_BACK:
                    break
            if left > 0:
                # The clock was set back, perhaps to before times that have been left behind.
                times = self._schedule.times(clock())
                due = next(times, None)
                continue
            while bot.state != "ready":  # noqa: ASYNC110 (no event says it in all cases)
                await asyncio.sleep(_LOOK)
            if clock() - due >= self.grace:
                due = self._after_missed(due, times, bot)
                continue
            self._begin(bot)
            due = next(times, None)

    def _as_unix(self, moment: float) -> float:
        return time.time() + moment - self._schedule.now()

    def _after_missed(self, due: float | None, times: Iterator[float], bot: Bot) -> float | None:
        """Leave out the runs that are too late, however many, or make up for them all by one; gives the next time."""
        now, first, count = self._schedule.now(), due, 0
        while due is not None and now - due >= self.grace:
            count += 1
            due = next(times, None)
        made_up = self.when_missed == "once"
        self.missed += count - made_up
        logger.warning(
            "The task %s missed %d runs since %s%s",
            self.name,
            count,
            datetime.fromtimestamp(self._as_unix(now if first is None else first), UTC),
            ", and makes up for them now" if made_up else "",
        )
        if made_up and (due is None or due > now):
            # Else the next one is due now, and that is the run.
            self._begin(bot)
        return due

    def _begin(self, bot: Bot) -> None:
        if self._running and self.overlap == "skip":
            self.skipped += 1
            return
        self.runs += 1
        run = asyncio.get_running_loop().create_task(
            self._run(bot), name=f"mezon task {self.name} run {self.runs}"
        )
        self._running.add(run)
        run.add_done_callback(self._running.discard)

    async def _run(self, bot: Bot) -> None:
        try:
            await self._call(bot)
        except Exception as error:
            await bot.task_failed(self, error)

    def __repr__(self) -> str:
        return f"<Task {self.name} {'started' if self.started else 'stopped'}, {self.runs} runs>"
