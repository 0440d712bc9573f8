"""Scheduled tasks: at a fixed interval, or at the times of a cron line.

::

    @bot.every(minutes=5)
    async def tidy() -> None: ...

    @bot.cron("0 9 * * 1-5", tz="Asia/Ho_Chi_Minh")
    async def good_morning(bot: Bot) -> None: ...

A task takes no parameters, or the bot. Each bot that includes a router gets its own copies of the router's tasks.

Tasks start when the client is ready and stop with it. A run that is due while the connection is down waits for it.

- **Overlaps.** A run that is due while the previous run is still active is skipped (``overlap="skip"``), or runs
  concurrently (``overlap="allow"``).
- **Missed runs.** A run that cannot start within ``grace`` seconds of its time, because the connection was down or the
  machine slept, is missed. Missed runs are skipped (``missed="skip"``), or replaced by a single run
  (``missed="once"``).
- **Clocks.** ``every`` measures elapsed time, independently of the wall clock. ``cron`` follows the wall clock: if the
  clock is set forward, the times in between are missed; if it is set back by a minute or more, the schedule is
  computed anew, so a time that occurs twice runs twice.
- **Several processes.** If the bot's processes share their state (``Bot(state=...)`` names a file or Redis, or the bot
  runs in workers of many machines), each run is claimed in the state and happens in at most one of them.
  ``each_worker=True`` runs the task in every process. The interval of ``every`` then also holds across restarts.
- **Errors** are passed to the bot's error handler, logged, and reported to ``on_error``. They do not stop the task.

``cronsim`` parses the cron lines: ``pip install "mezon-rs[ext]"``.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Iterator
from datetime import UTC, datetime, tzinfo
from typing import Any, Final, Literal, TypeAlias

from mezon import InvalidArgumentError, MezonClient
from mezon.ext._injection import provided_types
from mezon.ext._signatures import is_async, key_part, name_of
from mezon.ext.state import StateStore
from mezon.utils.background import BackgroundTasks

__all__ = ["Cron", "Every", "Task", "cron_times", "zone_of"]

logger: Final = logging.getLogger("mezon.ext")

#: Takes no parameters, or the bot.
Callback: TypeAlias = "Callable[..., Awaitable[Any]]"

#: Called with the task and the error when a run raises.
ErrorCallback: TypeAlias = "Callable[[Task, Exception], Awaitable[Any]]"

#: Returns the records that several processes share; None if there is nothing to share.
SharedRecords: TypeAlias = "Callable[[], StateStore | None]"

#: Calls a handler inside the middleware, with its dependencies: source, parameters to fill, and the handler.
Wrapper: TypeAlias = "Callable[[Any, dict[str, type], Callable[..., Awaitable[Any]]], Awaitable[Any]]"

#: Seconds between two checks whether the client is ready again.
_READY_INTERVAL: Final = 0.25

#: Maximum sleep in seconds, after which the clocks are read again: somebody may have set the wall clock.
MAX_SLEEP: Final = 60.0

#: Seconds by which the wall clock must be set back before the schedule is computed anew. A smaller step is a
#: correction, which must not run a task twice.
_SET_BACK: Final = 60.0

#: A clock that cannot be set and that continues while the machine sleeps, where the system has one.
_BOOT_CLOCK: Final[int | None] = getattr(time, "CLOCK_BOOTTIME", None)


def elapsed() -> float:
    """Return the seconds since some moment in the past, independently of the wall clock."""
    return time.monotonic() if _BOOT_CLOCK is None else time.clock_gettime(_BOOT_CLOCK)


class Every:
    """A schedule with a fixed interval, counted from the start of the task on the clock of ``elapsed``."""

    def __init__(self, seconds: float, *, at_start: bool = False) -> None:
        if not seconds > 0:
            raise InvalidArgumentError(f"the interval of a task must be > 0 seconds, not {seconds}")
        self.seconds = seconds
        self.at_start = at_start

    def now(self) -> float:
        """Return the current time on the clock of the schedule."""
        return elapsed()

    def as_unix(self, moment: float) -> float:
        """Return the UNIX time of a moment on the clock of the schedule."""
        return time.time() + moment - elapsed()

    def times(self, now: float) -> Iterator[float]:
        """Yield the times of the runs from ``now`` on."""
        count = 0 if self.at_start else 1
        while True:
            yield now + count * self.seconds
            count += 1

    def follows(self, due: float, last: float) -> bool:
        """Return whether a run is due at a UNIX time if the last one was at ``last``, in any process."""
        # The times of a process are not exact on the wall clock, which may be adjusted.
        return due >= last + self.seconds - min(1.0, self.seconds / 10)


class Cron:
    """A schedule of a cron line in a time zone, on the wall clock."""

    def __init__(self, line: str, zone: tzinfo) -> None:
        self.line = line
        self.zone = zone
        next(cron_times(line, zone, time.time()), None)

    def now(self) -> float:
        """Return the current time on the clock of the schedule."""
        return time.time()

    def as_unix(self, moment: float) -> float:
        """Return the UNIX time of a moment on the clock of the schedule: the moment itself."""
        return moment

    def times(self, now: float) -> Iterator[float]:
        """Yield the times of the runs after ``now``."""
        return cron_times(self.line, self.zone, now)

    def follows(self, due: float, last: float) -> bool:
        """Return whether a run is due at a UNIX time if the last one was at ``last``, in any process."""
        # Half a second: UNIX times computed from the schedule's clock are not exact.
        return due > last + 0.5


def cron_times(line: str, zone: tzinfo, now: float) -> Iterator[float]:
    """Return the UNIX times after ``now`` of a cron line with five fields.

    When the clocks change, a time that does not exist is moved to the next hour, and a time that occurs twice is used
    once.

    Raises:
        InvalidArgumentError: If the cron line is invalid.
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
            f"{line!r} is not a cron line of five fields, such as '0 9 * * 1-5': {error}"
        ) from error
    return (moment.timestamp() for moment in found)


def zone_of(name: str | tzinfo | None) -> tzinfo:
    """Return the time zone with a name; UTC for None.

    Raises:
        InvalidArgumentError: If the time zone does not exist.
    """
    if name is None:
        return UTC
    if isinstance(name, tzinfo):
        return name
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise InvalidArgumentError(
            f"unknown time zone {name!r}: use an IANA name such as Asia/Ho_Chi_Minh"
        ) from error


def _bot_parameter(callback: Callback, provided: Collection[str]) -> str:
    """Return the name of the parameter that receives the bot; "" if there is none.

    Raises:
        InvalidArgumentError: If it takes other parameters.
    """
    signature = inspect.signature(callback)
    needed = [
        one
        for one in signature.parameters.values()
        if one.default is one.empty
        and one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)
        and one.name not in provided
    ]
    if len(needed) > 1 or any(one.kind is one.KEYWORD_ONLY for one in needed):
        raise InvalidArgumentError(
            f"a task takes no parameters, or the bot: async def {name_of(callback).rpartition('.')[2]}(bot); "
            f"{name_of(callback)}{signature} takes more"
        )
    return needed[0].name if needed else ""


class Task:
    """A scheduled task of a bot.

    Attributes:
        bot: The bot; None for a task on a router that no bot has included.
        name: The name of its function.
        runs: Runs started.
        skipped: Runs skipped because the previous run was still active.
        missed: Runs skipped because they could not start in time.
        elsewhere: Runs that another process of the bot claimed.
        next_time: UNIX time of the next run; None while the task is stopped.
    """

    def __init__(
        self,
        callback: Callback,
        schedule: Every | Cron,
        *,
        overlap: Literal["skip", "allow"] = "skip",
        missed: Literal["skip", "once"] = "skip",
        grace: float = 60.0,
        each_worker: bool = False,
    ) -> None:
        if not is_async(callback):
            raise InvalidArgumentError("a task must be a coroutine function: async def task() -> None")
        if hasattr(callback, "__mezon_checks__") or hasattr(callback, "__mezon_cooldown__"):
            raise InvalidArgumentError(
                f"a task has no user: {name_of(callback)} takes no check and no cooldown; remove the decorator"
            )
        #: The parameters that dependencies fill.
        self.provided: dict[str, type] = provided_types(callback, 0)
        self._bot_parameter = _bot_parameter(callback, self.provided)
        if overlap not in ("skip", "allow") or missed not in ("skip", "once"):
            raise InvalidArgumentError(
                f"overlap must be 'skip' or 'allow', and missed 'skip' or 'once', not {overlap!r} and {missed!r}"
            )
        self.bot: MezonClient | None = None
        self.callback = callback
        self.name: str = getattr(callback, "__name__", "task")
        self.overlap: Literal["skip", "allow"] = overlap
        self.when_missed: Literal["skip", "once"] = missed
        self.grace = grace
        self.each_worker = each_worker
        #: The part of state keys that names the task; unique in its bot.
        self.key: str = key_part(self.name)
        self.runs: int = 0
        self.skipped: int = 0
        self.missed: int = 0
        self.elsewhere: int = 0
        self.next_time: float | None = None
        self._schedule = schedule
        self._on_error: ErrorCallback | None = None
        self._shared_records: SharedRecords | None = None
        self._wrapper: Wrapper | None = None
        self._scheduler: asyncio.Task[None] | None = None
        self._active = BackgroundTasks(logger)

    @property
    def started(self) -> bool:
        """Whether the task is waiting for its next run."""
        return self._scheduler is not None and not self._scheduler.done()

    def bind(
        self,
        bot: MezonClient,
        on_error: ErrorCallback,
        shared_records: SharedRecords | None = None,
        wrapper: Wrapper | None = None,
    ) -> Task:
        """Bind the task to a bot; returns a copy if the task is already bound to another bot."""
        if self.bot is None or self.bot is bot:
            self.bot, self._on_error = bot, on_error
            self._shared_records, self._wrapper = shared_records, wrapper
            return self
        copy = Task(
            self.callback,
            self._schedule,
            overlap=self.overlap,
            missed=self.when_missed,
            grace=self.grace,
            each_worker=self.each_worker,
        )
        return copy.bind(bot, on_error, shared_records, wrapper)

    def start(self, bot: MezonClient) -> None:
        """Start the schedule unless it is started. The bot calls this when it is ready."""
        if not self.started:
            self._scheduler = asyncio.get_running_loop().create_task(
                self._follow_schedule(bot), name=f"mezon task {self.name}"
            )

    async def stop(self) -> None:
        """Stop the schedule and cancel the active runs. Can be called at any time."""
        scheduler, self._scheduler = self._scheduler, None
        self.next_time = None
        if scheduler is not None:
            scheduler.cancel()
        await self._active.stop(asyncio.current_task(), timeout=5.0)
        if scheduler is not None:
            await asyncio.wait([scheduler], timeout=5.0)

    async def __call__(self) -> Any:
        """Run the task now, in addition to its schedule."""
        return await self._invoke(self.bot)

    def run_soon(self) -> None:
        """Run the task now, in addition to its schedule, on the bot's loop. Can be called in any thread.

        Errors are handled like those of scheduled runs.

        Raises:
            InvalidArgumentError: If the task is not started: the bot is not ready.
        """
        scheduler, bot = self._scheduler, self.bot
        if scheduler is None or scheduler.done() or bot is None:
            raise InvalidArgumentError(f"the task {self.name} is not started: its bot is not ready")

        def start() -> None:
            self._active.spawn(self._run_counted(bot), f"task {self.name} run {self.runs + 1}")

        scheduler.get_loop().call_soon_threadsafe(start)

    async def _invoke(self, bot: MezonClient | None) -> Any:
        if self._wrapper is None:
            return await self._call(bot)
        return await self._wrapper(self, self.provided, lambda **arguments: self._call(bot, **arguments))

    def _call(self, bot: MezonClient | None, **arguments: Any) -> Awaitable[Any]:
        if not self._bot_parameter:
            return self.callback(**arguments)
        if bot is None:
            raise InvalidArgumentError(
                f"the task {self.name} takes a bot and belongs to none yet: include its router in a bot first"
            )
        # By name beside dependencies, which may come first in the signature.
        return (
            self.callback(bot) if not arguments else self.callback(**{self._bot_parameter: bot}, **arguments)
        )

    async def _follow_schedule(self, bot: MezonClient) -> None:
        clock = self._schedule.now
        times = self._schedule.times(clock())
        due = next(times, None)
        while due is not None:
            self.next_time = self._as_unix(due)
            ahead = clock() - elapsed()
            while (left := due - clock()) > 0:
                await asyncio.sleep(min(left, MAX_SLEEP))
                if clock() - elapsed() <= ahead - _SET_BACK:
                    break
            if left > 0:
                # The wall clock was set back: times that have passed may come again.
                times = self._schedule.times(clock())
                due = next(times, None)
                continue
            while bot.state != "ready":  # noqa: ASYNC110 (no event covers all cases)
                await asyncio.sleep(_READY_INTERVAL)
            if clock() - due >= self.grace:
                due = self._after_missed(due, times, bot)
                continue
            self._start_run(bot, due)
            due = next(times, None)

    def _as_unix(self, moment: float) -> float:
        return self._schedule.as_unix(moment)

    def _after_missed(self, due: float | None, times: Iterator[float], bot: MezonClient) -> float | None:
        """Skip the missed runs, or replace them by a single run; returns the time of the next run."""
        now, first, last, count = self._schedule.now(), due, due, 0
        while due is not None and now - due >= self.grace:
            count += 1
            last, due = due, next(times, None)
        catch_up = self.when_missed == "once"
        self.missed += count - catch_up
        logger.warning(
            "The task %s missed %d runs since %s%s",
            self.name,
            count,
            datetime.fromtimestamp(self._as_unix(now if first is None else first), UTC),
            "; it runs once now to catch up" if catch_up else "",
        )
        if catch_up and (due is None or due > now):
            # Otherwise the next regular run is due now and replaces the missed ones.
            self._start_run(bot, now if last is None else last)
        return due

    def _start_run(self, bot: MezonClient, due: float) -> None:
        if self._active and self.overlap == "skip":
            self.skipped += 1
            return
        self._active.spawn(self._run(bot, self._as_unix(due)), f"task {self.name} run {self.runs + 1}")

    async def _run(self, bot: MezonClient, due: float) -> None:
        records = self._shared_records() if self._shared_records and not self.each_worker else None
        try:
            if records is not None and not await self._claim(records, due):
                self.elsewhere += 1
                return
        except Exception as error:
            await self._failed(error)
            return
        await self._run_counted(bot)

    async def _run_counted(self, bot: MezonClient) -> None:
        self.runs += 1
        try:
            await self._invoke(bot)
        except Exception as error:
            await self._failed(error)

    async def _failed(self, error: Exception) -> None:
        if self._on_error is None:
            raise error
        await self._on_error(self, error)

    async def _claim(self, records: StateStore, due: float) -> bool:
        """Return whether this process is the one that runs the task for the UNIX time ``due``."""
        key = f"_schedule.{self.key}"
        while True:
            entry = await records.get(key)
            last = _time_in(entry.value) if entry is not None else None
            # Claims are made when a run is due: one in the future shows that the wall clock was set back.
            in_past = last is not None and last <= time.time() + _SET_BACK
            if last is not None and in_past and not self._schedule.follows(due, last):
                return False
            stored = json.dumps({"v": 1, "d": {"last": due}}).encode()
            if await records.put(key, stored, entry.revision if entry is not None else 0) is not None:
                return True

    def __repr__(self) -> str:
        return f"<Task {self.name} {'started' if self.started else 'stopped'}, {self.runs} runs>"


def _time_in(stored: bytes) -> float | None:
    """Return the time of the last claim; None if the record is damaged, which must not stop a schedule for good."""
    try:
        return float(json.loads(stored)["d"]["last"])
    except (ValueError, KeyError, TypeError):
        return None
