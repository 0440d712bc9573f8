"""Durable jobs: calls of a function at a later time, which survive restarts.

::

    @bot.job
    async def remind(bot: Bot, channel_id: int, text: str) -> None:
        channel = await bot.channels.fetch(channel_id)
        await channel.send(text)

    @bot.command("remind")
    async def add(ctx: Context, delay: timedelta, *, text: str) -> None:
        await bot.later(remind, delay, channel_id=ctx.channel.id, text=text)

A scheduled call is a record in the bot's state, with the name of the function and the arguments as JSON.

- **At least once, in one process.** A process claims a call before it runs it, and deletes the record afterwards. If
  the process is killed in between, another process or the next start runs the call again, after at most ``LEASE``
  seconds. Two processes never run a call at the same time.
- **Errors** are passed to the bot's error handler, logged, and reported to ``on_error``. The call counts as done.
- **Missed calls.** A call that cannot start within ``grace`` seconds of its time, because no process was running or
  connected, runs late (``missed="once"``), or is dropped (``missed="skip"``).
- **Unknown functions.** A call whose function is not registered stays stored until it is.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, TypeAlias

from pydantic import TypeAdapter

from mezon import InvalidArgumentError, MezonClient
from mezon.ext._injection import provided_types
from mezon.ext._signatures import check_seconds, hints_of, is_async, name_of, seconds_of
from mezon.ext.state import StateStore
from mezon.ext.tasks import Wrapper
from mezon.utils.background import BackgroundTasks

__all__ = ["Job", "JobQueue", "ScheduledCall"]

logger: Final = logging.getLogger("mezon.ext")

#: Seconds after which the claim of a process that died no longer blocks a call. A running call renews its claim.
LEASE: Final = 30.0
#: Seconds between two looks at calls that other processes schedule.
POLL: Final = 15.0
#: Maximum sleep in seconds, after which the wall clock is read again: somebody may have set it.
_MAX_SLEEP: Final = 60.0
#: Seconds between two checks whether the client is ready again.
_READY_INTERVAL: Final = 0.25
#: Calls that one process runs at a time.
_MAX_RUNNING: Final = 16
#: Namespaces of calls and of claims in the keys of a bot.
_CALLS: Final = "_job"
_CLAIMS: Final = "_lease._job"
#: Parameters of ``later``, which cannot be arguments of a job.
_RESERVED: Final = frozenset({"seconds", "minutes", "hours", "days"})

#: Called with the call and the error when it raises.
ErrorCallback: TypeAlias = "Callable[[ScheduledCall, Exception], Awaitable[Any]]"


def now() -> float:
    """Return the UNIX time that calls are compared with."""
    return time.time()


class Job:
    """A function whose calls can be scheduled: what ``@bot.job`` returns.

    Attributes:
        callback: The function.
        name: The name in stored calls.
    """

    def __init__(
        self,
        callback: Callable[..., Awaitable[Any]],
        *,
        name: str | None = None,
        missed: Literal["skip", "once"] = "once",
        grace: float = 60.0,
    ) -> None:
        if not is_async(callback):
            raise InvalidArgumentError("a job must be a coroutine function: async def job(bot, ...) -> None")
        if missed not in ("skip", "once"):
            raise InvalidArgumentError(f"missed must be 'skip' or 'once', not {missed!r}")
        check_seconds("grace", grace)
        self.callback = callback
        self.name: str = name or str(getattr(callback, "__name__", ""))
        self.when_missed: Literal["skip", "once"] = missed
        self.grace = grace
        hints = hints_of(callback)
        self._signature = inspect.signature(callback)
        self._takes_bot = "bot" in self._signature.parameters
        for name, parameter in self._signature.parameters.items():
            if name in _RESERVED or parameter.kind in (
                parameter.POSITIONAL_ONLY,
                parameter.VAR_POSITIONAL,
                parameter.VAR_KEYWORD,
            ):
                raise InvalidArgumentError(
                    f"the job {name_of(callback)} cannot have the parameter {name}: its arguments are stored by name, "
                    f"and {', '.join(sorted(_RESERVED))} belong to later()"
                )
        #: The parameters that dependencies fill.
        self.provided: dict[str, type] = {
            name: hint for name, hint in provided_types(callback, 0).items() if not _is_json(hint)
        }
        self._adapters: dict[str, TypeAdapter[Any]] = {
            name: TypeAdapter(hints.get(name, Any))
            for name in self._signature.parameters
            if name != "bot" and name not in self.provided
        }

    def encode(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments as JSON values.

        Raises:
            InvalidArgumentError: If they do not fit the parameters.
        """
        try:
            others = dict.fromkeys(self.provided) | ({"bot": None} if self._takes_bot else {})
            self._signature.bind(**arguments, **others)
            values = {name: self._adapters[name].validate_python(value) for name, value in arguments.items()}
            encoded = {
                name: self._adapters[name].dump_python(value, mode="json") for name, value in values.items()
            }
            json.dumps(encoded)
        except (TypeError, ValueError, KeyError) as error:
            raise InvalidArgumentError(
                f"{self.name}{self._signature} cannot be called later with {sorted(arguments)}: {error}"
            ) from error
        return encoded

    async def run(self, bot: MezonClient, arguments: dict[str, Any], provided: dict[str, Any]) -> None:
        """Call the function with stored arguments and the dependencies."""
        values = {name: self._adapters[name].validate_python(value) for name, value in arguments.items()}
        await self.callback(**values, **provided, **({"bot": bot} if self._takes_bot else {}))

    async def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function directly."""
        return await self.callback(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<Job {self.name}>"


@dataclass(frozen=True, slots=True)
class ScheduledCall:
    """A stored call of a job.

    Attributes:
        id: The id, for ``bot.jobs.cancel``.
        job: The name of the job.
        time: The UNIX time at which it is due.
        arguments: The arguments as JSON values.
    """

    id: str
    job: str
    time: float
    arguments: dict[str, Any]

    @property
    def when(self) -> datetime:
        """The time at which it is due, in UTC."""
        return datetime.fromtimestamp(self.time, UTC)


class JobQueue:
    """The jobs of a bot and their scheduled calls: ``bot.jobs``."""

    def __init__(
        self,
        bot: MezonClient,
        records: Callable[[], StateStore],
        on_error: ErrorCallback,
        wrapper: Wrapper,
    ) -> None:
        self._bot = bot
        self._records = records
        self._on_error = on_error
        self._wrapper = wrapper
        self._jobs: dict[str, Job] = {}
        self._tasks = BackgroundTasks(logger)
        self._scheduler: asyncio.Task[None] | None = None
        self._running: set[str] = set()
        self._slots = asyncio.Semaphore(_MAX_RUNNING)
        self._wake = asyncio.Event()
        self._next_look = float("inf")
        self._reported: set[str] = set()

    # ---- scheduling

    async def later(
        self,
        job: Job | str,
        delay: timedelta | float | str = 0,
        /,
        *,
        seconds: float = 0,
        minutes: float = 0,
        hours: float = 0,
        days: float = 0,
        **arguments: Any,
    ) -> ScheduledCall:
        """Schedule a call after a time; see ``Bot.later``."""
        check_seconds("later()", seconds, minutes, hours, days)
        total = seconds_of("later()", delay) + seconds + 60 * minutes + 3600 * hours + 86_400 * days
        return await self._store(job, now() + total, arguments)

    async def at(self, job: Job | str, when: datetime | float, /, **arguments: Any) -> ScheduledCall:
        """Schedule a call at a time; see ``Bot.at``."""
        if isinstance(when, datetime):
            if when.tzinfo is None:
                raise InvalidArgumentError(f"the time {when} has no time zone: datetime(..., tzinfo=UTC)")
            when = when.timestamp()
        check_seconds("at()", when)
        return await self._store(job, when, arguments)

    async def _store(self, job: Job | str, when: float, arguments: dict[str, Any]) -> ScheduledCall:
        name = job.name if isinstance(job, Job) else job
        known = self._jobs.get(name) if isinstance(name, str) else None
        if known is None or (isinstance(job, Job) and known is not job):
            raise InvalidArgumentError(
                f"{name_of(job) if callable(job) else job!r} is no job of this bot: use @bot.job"
            )
        # Thirteen digits of milliseconds: keys are ordered by time.
        call_id = f"{min(max(round(when * 1000), 0), 10**13 - 1):013d}_{secrets.token_hex(6)}"
        call = ScheduledCall(call_id, name, when, known.encode(arguments))
        stored = {"v": 1, "d": {"job": call.job, "time": call.time, "arguments": call.arguments}}
        value = json.dumps(stored, ensure_ascii=False, separators=(",", ":")).encode()
        await self._records().put(f"{_CALLS}.{call.id}", value, 0)
        if when < self._next_look:
            self._wake.set()
        return call

    async def all(self, job: Job | str | None = None) -> list[ScheduledCall]:
        """Return the scheduled calls in the order of their times, those that are running included.

        Args:
            job: Only the calls of this job.
        """
        name = job.name if isinstance(job, Job) else job
        found = [call for _, call in await self._calls() if call is not None]
        return [call for call in found if name is None or call.job == name]

    async def cancel(self, call: ScheduledCall | str) -> bool:
        """Cancel a scheduled call; return whether it was still stored. A call that is running already goes on."""
        call_id = call.id if isinstance(call, ScheduledCall) else call
        return await self._records().delete(f"{_CALLS}.{call_id}")

    # ---- running

    def add(self, job: Job) -> None:
        """Register a job.

        Raises:
            InvalidArgumentError: If the name is taken.
        """
        if self._jobs.setdefault(job.name, job) is not job:
            raise InvalidArgumentError(f"the job {job.name!r} exists already: use @bot.job(name=...)")
        self._wake.set()

    def start(self) -> None:
        """Start to run calls that are due, if there are jobs. The bot calls this when it is ready."""
        if self._jobs and (self._scheduler is None or self._scheduler.done()):
            self._scheduler = self._tasks.spawn(self._follow(), "jobs")

    async def stop(self) -> None:
        """Cancel the running calls, which another process or the next start runs again."""
        self._scheduler = None
        await self._tasks.stop(asyncio.current_task(), timeout=5.0)

    async def _follow(self) -> None:
        while True:
            while self._bot.state != "ready":  # noqa: ASYNC110 (no event covers all cases)
                await asyncio.sleep(_READY_INTERVAL)
            self._wake.clear()
            self._next_look = float("inf")
            try:
                wait = await self._start_due()
            except Exception as error:
                logger.warning("Scheduled calls cannot be read: %s", error)
                wait = POLL
            self._next_look = now() + wait
            try:
                async with asyncio.timeout(min(wait, _MAX_SLEEP)):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _start_due(self) -> float:
        """Start the calls that are due; return the seconds until the next look."""
        moment = now()
        wait = POLL if self._records().is_shared else _MAX_SLEEP
        for key, call in await self._calls():
            if call is None or call.job not in self._jobs:
                self._report_once(key, call)
            elif call.time > moment:
                return min(wait, call.time - moment)
            elif call.id not in self._running:
                self._running.add(call.id)
                self._tasks.spawn(self._run(call), f"job {call.job}")
        return wait

    def _report_once(self, key: str, call: ScheduledCall | None) -> None:
        if key not in self._reported:
            self._reported.add(key)
            reason = "its record is damaged" if call is None else f"there is no job {call.job!r}"
            logger.warning("The scheduled call %s stays stored and does not run: %s", key, reason)

    async def _run(self, call: ScheduledCall) -> None:
        try:
            async with self._slots:
                await self._claim_and_run(call)
        finally:
            self._running.discard(call.id)

    async def _claim_and_run(self, call: ScheduledCall) -> None:
        records, claim, owner = self._records(), f"{_CLAIMS}.{call.id}", secrets.token_bytes(9)
        if await records.put(claim, owner, 0, LEASE) is None:
            # Another process runs it, or died while it did.
            asyncio.get_running_loop().call_later(LEASE, self._wake.set)
            return
        renewal = self._tasks.spawn(self._renew(claim, owner), f"claim of job {call.job}")
        try:
            # Read again: it may have been cancelled, or run by another process since it was listed.
            if await records.get(f"{_CALLS}.{call.id}") is None:
                return
            await self._call(self._jobs[call.job], call)
            await records.delete(f"{_CALLS}.{call.id}")
        finally:
            renewal.cancel()
            entry = await records.get(claim)
            if entry is not None and entry.value == owner:
                await records.delete(claim, entry.revision)

    async def _renew(self, claim: str, owner: bytes) -> None:
        records = self._records()
        while True:
            await asyncio.sleep(LEASE / 3)
            entry = await records.get(claim)
            if entry is None or entry.value != owner:
                return
            await records.put(claim, owner, entry.revision, LEASE)

    async def _call(self, job: Job, call: ScheduledCall) -> None:
        late = now() - call.time
        if late >= job.grace:
            dropped = job.when_missed == "skip"
            logger.warning(
                "The call of %s at %s was missed%s", job.name, call.when, "" if dropped else "; it runs now"
            )
            if dropped:
                return
        try:
            await self._wrapper(
                call, job.provided, lambda **provided: job.run(self._bot, call.arguments, provided)
            )
        except Exception as error:
            await self._on_error(call, error)

    async def _calls(self) -> list[tuple[str, ScheduledCall | None]]:
        """Return the stored calls by key, in the order of their times; None for a damaged record."""
        found = await self._records().keys(f"{_CALLS}.")
        return [(key, _decode(key.removeprefix(f"{_CALLS}."), entry.value)) for key, entry in found]


def _is_json(hint: Any) -> bool:
    """Return whether values of a type can be stored as JSON."""
    try:
        TypeAdapter(hint)
    except Exception:
        return False
    return True


def _decode(call_id: str, value: bytes) -> ScheduledCall | None:
    try:
        fields = json.loads(value)["d"]
        return ScheduledCall(call_id, str(fields["job"]), float(fields["time"]), dict(fields["arguments"]))
    except (ValueError, KeyError, TypeError):
        return None
