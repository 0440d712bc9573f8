"""One event at a worker, from its delivery to its acknowledgement.

An event is acknowledged when every handler it started has ended. The calls of its handlers are numbered, so that a
handler that runs again repeats them under the same keys.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from mezon._cluster.direct_client import encode_message
from mezon._cluster.protocol import error_text
from mezon.utils.background import cancel_until_done
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from mezon._cluster.direct_client import DirectClient
    from mezon._cluster.intake import InTransit
    from mezon._cluster.settings import Timing

logger = get_logger("mezon.cluster")

Handler = Callable[..., Any]

#: Acknowledgements that wait for a connection. Above it the oldest are dropped, and their events are redelivered.
MAX_WAITING: Final = 50_000

#: What JetStream takes as an acknowledgement.
ACK: Final = b"+ACK"
NAK: Final = b"-NAK"
IN_PROGRESS: Final = b"+WPI"

#: Progress reports that are sent in one iteration of the loop.
_REPORTED_TOGETHER: Final = 128


@dataclass(slots=True, eq=False)
class Delivery:
    """One delivered event.

    Attributes:
        event_id: The event's id in the stream, the same at each delivery.
        name: The envelope field.
        body: The encoded message.
        reply: The subject of its acknowledgement.
        times: How often it was delivered, including this time.
        sequence: Its sequence number in the stream.
        turn: Its sequence number among all deliveries of the partition, redeliveries included.
        partition: Its partition.
        on_end: Called once at its end, with whether it was handled; otherwise it must be redelivered.
        excused: How many earlier deliveries ended without the death of a worker: the event was returned, or was
            redelivered to the worker that had it.
        untouched: How many earlier deliveries started no handler.
        extended_at: When its last progress report was sent.
        repeated: The relay may have published it before.
        waits: A handler of it has begun to wait for another event, so its partition must not move.
    """

    event_id: str
    name: str
    body: bytes = field(repr=False)
    reply: str
    times: int
    sequence: int
    turn: int
    partition: int
    on_end: Callable[[Delivery, bool], None]
    excused: int = 0
    untouched: int = 0
    extended_at: float = 0.0
    repeated: bool = False
    waits: bool = False
    _running: int = 0
    _all_started: bool = False
    _early: bool = False
    _failed: bool = False
    _ended: bool = False
    _end: asyncio.Event | None = None

    @property
    def ended(self) -> bool:
        """Whether it was handled, failed or returned."""
        return self._ended

    @property
    def running(self) -> bool:
        """Whether a handler of it has started and has not ended."""
        return self._running > 0

    @property
    def started(self) -> bool:
        """Whether a handler has seen it."""
        return self._all_started or self._running > 0

    @property
    def possible_deaths(self) -> int:
        """How many workers may have died with the event, counting the one that has it now."""
        return self.times - self.excused

    def with_note(self, noted: tuple[int, int] | None) -> tuple[int, int]:
        """Return ``excused`` and ``untouched`` with an earlier owner's note.

        Never more than the earlier deliveries, whatever the note says.
        """
        return _with_note(self.times, self.excused, self.untouched, noted)

    @property
    def may_have_run(self) -> bool:
        """Whether an earlier delivery of the event may have started a handler."""
        return self.repeated or self.times - self.untouched > 1

    def withdraw(self) -> bool:
        """End the delivery without handling the event. Return False if a handler has started."""
        if self.started or self._ended:
            return False
        self._ended = True
        if self._end is not None:
            self._end.set()
        return True

    async def wait_ended(self, timeout: float) -> None:
        """Wait until it has ended, or for ``timeout`` seconds."""
        if self._ended:
            return
        self._end = asyncio.Event()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._end.wait()

    def begin(self) -> None:
        """Count one more handler that runs."""
        self._running += 1

    def end(self) -> None:
        """Count one handler less."""
        self._running -= 1
        self._end_if_complete()

    def fail(self) -> None:
        """Require a redelivery, because a handler was interrupted."""
        self._failed = True

    def all_started(self, early: bool = False) -> None:
        """Note that every handler has been called. With ``early``, do not wait for their end."""
        self._all_started, self._early = True, early
        self._end_if_complete()

    def _end_if_complete(self) -> None:
        if self._all_started and (self._running == 0 or self._early) and not self._ended:
            self._ended = True
            if self._end is not None:
                self._end.set()
            self.on_end(self, not self._failed)


@dataclass(frozen=True, slots=True)
class Returned:
    """A delivery that ended without the death of a worker.

    Attributes:
        times: How often the event was delivered, including this time.
        excused: How many of the earlier deliveries ended so.
        untouched: How many of the earlier deliveries started no handler.
        unstarted: 1 if this one started none, otherwise 0.
    """

    times: int
    excused: int
    untouched: int
    unstarted: int

    def with_note(self, noted: tuple[int, int] | None) -> tuple[int, int]:
        """Return ``excused`` and ``untouched`` of the next delivery, with an earlier owner's note."""
        excused, untouched = _with_note(self.times, self.excused, self.untouched, noted)
        return excused + 1, untouched + self.unstarted


def _with_note(times: int, excused: int, untouched: int, noted: tuple[int, int] | None) -> tuple[int, int]:
    noted_excused, noted_untouched = noted or (0, 0)
    return min(max(excused, noted_excused), times - 1), min(max(untouched, noted_untouched), times - 1)


# ---- handlers


@dataclass(slots=True)
class HandlerScope:
    """One handler of one event. Numbers its calls, so that a repeated handler repeats them under the same keys.

    Attributes:
        delivery: The event.
        handler: The name of the handler.
        attempt: The number of the current attempt.
    """

    delivery: Delivery
    handler: str
    attempt: int = 1
    _calls: int = 0
    #: By number of the call, how often Mezon has refused it.
    _refusals: dict[int, int] = field(default_factory=dict)

    @property
    def may_have_run(self) -> bool:
        """Whether the calls may have been made before."""
        return self.attempt > 1 or self.delivery.may_have_run

    def next_key(self) -> str:
        """Return the key of the next call."""
        self._calls += 1
        refusals = self._refusals.get(self._calls)
        suffix = f".{refusals}" if refusals else ""
        return f"{self.delivery.event_id}/{self.handler}/{self._calls}{suffix}"

    def note_refusal(self, key: str) -> None:
        """Note that Mezon has refused a call: the next attempt makes the call instead of getting the cached refusal."""
        number = int(key.rpartition("/")[2].partition(".")[0])
        self._refusals[number] = self._refusals.get(number, 0) + 1

    def begin_attempt(self) -> None:
        """Begin another attempt of the handler, which repeats its calls."""
        self.attempt += 1
        self._calls = 0


#: The event whose handlers are being started.
CURRENT_DELIVERY: Final[ContextVar[Delivery | None]] = ContextVar("mezon_delivered", default=None)

#: The running handler, inherited by the tasks it starts.
CURRENT_SCOPE: Final[ContextVar[HandlerScope | None]] = ContextVar("mezon_scope", default=None)


@dataclass(frozen=True, slots=True)
class Retry:
    """What happens to an event whose handler raises.

    Attributes:
        attempts: How often the handler is called.
        delay: Seconds between two attempts.
        dead_letter: Dead-letters the event after the last attempt, with the reason.
    """

    attempts: int
    delay: float
    dead_letter: Callable[[Delivery, str], None]


def wrap_handler(name: str, handler: Handler, place: int, retry: Retry | None = None) -> Handler:
    """Return a wrapper of a handler that reports the handler's start and end to the delivery.

    Args:
        name: The event.
        handler: The handler.
        place: Its index among the handlers of the event, because one function may be registered twice.
        retry: Calls a handler that raises again; None to count its event as handled.
    """
    module = getattr(handler, "__module__", "")
    label = f"{module}.{getattr(handler, '__qualname__', type(handler).__qualname__)}#{place}"

    @wraps(handler, updated=())
    def call(*event: Any) -> Any:
        delivery = CURRENT_DELIVERY.get()
        if delivery is None:
            return handler(*event)
        scope = HandlerScope(delivery, label)
        delivery.begin()
        token = CURRENT_SCOPE.set(scope)
        try:
            outcome = handler(*event)
            if inspect.isawaitable(outcome):
                return _run(outcome, scope, retry, lambda: handler(*event))
        except Exception as error:
            if retry is None:
                delivery.end()
                raise
            return _run(_raise(error), scope, retry, lambda: handler(*event))
        except BaseException:
            delivery.end()
            raise
        finally:
            CURRENT_SCOPE.reset(token)
        delivery.end()
        return outcome

    return call


async def _raise(error: Exception) -> None:
    raise error


async def _run(outcome: Any, scope: HandlerScope, retry: Retry | None, call_again: Callable[[], Any]) -> Any:
    CURRENT_SCOPE.set(scope)
    # The tasks of a handler belong to its scope, but an event they emit locally is not this delivery.
    CURRENT_DELIVERY.set(None)
    try:
        if retry is None:
            return await outcome
        return await _attempt(outcome, scope, retry, call_again)
    except asyncio.CancelledError:
        scope.delivery.fail()
        raise
    finally:
        scope.delivery.end()


async def _attempt(outcome: Any, scope: HandlerScope, retry: Retry, call_again: Callable[[], Any]) -> Any:
    """Await a handler, and call it again if it raises. After the last attempt, dead-letter the event and raise."""
    while True:
        try:
            return await outcome if inspect.isawaitable(outcome) else outcome
        except Exception as error:
            # The text of the error may contain the message.
            problem = f"the handler {scope.handler} raised {type(error).__name__}"
            if scope.attempt >= retry.attempts:
                retry.dead_letter(scope.delivery, f"{problem} in each of {scope.attempt} attempts")
                raise
        logger.warning(
            "Attempt %d of %d: %s; it is called again in %g s",
            scope.attempt,
            retry.attempts,
            problem,
            retry.delay,
        )
        await asyncio.sleep(retry.delay)
        scope.begin_attempt()
        try:
            outcome = call_again()
        except Exception as error:
            outcome = _raise(error)


# ---- acknowledgements


class Acknowledger:
    """Sends the acknowledgements of a worker: handled, redeliver.

    Runs in the liveness thread: an acknowledgement must not wait for a handler that blocks the main loop, since the
    event is no longer reported as in progress. While the connection is lost, the last acknowledgement of each event is
    kept, up to ``MAX_WAITING``.

    Args:
        client: The connection to NATS of the thread.
        timing: Its ``heartbeat`` is the interval of attempts.
        call_in_thread: Calls a function in the thread.
    """

    def __init__(
        self,
        client: DirectClient,
        timing: Timing,
        call_in_thread: Callable[[Callable[[], None]], None] = lambda callback: callback(),
    ) -> None:
        self._client = client
        self._timing = timing
        self._call_in_thread = call_in_thread
        #: By reply subject, oldest first. Both threads use it: every access is one step of the interpreter.
        self._waiting: OrderedDict[str, bytes] = OrderedDict()
        #: Acknowledgements dropped because too many were waiting.
        self.dropped = 0
        self._added = asyncio.Event()
        self._announced = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start sending. Called in the thread."""
        self._task = asyncio.create_task(self._send(), name="mezon-acknowledge")

    def put(self, subject: str, word: bytes) -> None:
        """Queue an acknowledgement: ``ACK`` or ``NAK``. Called in the main loop."""
        self._waiting[subject] = word
        if len(self._waiting) > MAX_WAITING:
            if not self.dropped:
                logger.warning(
                    "More than %d acknowledgements wait for NATS; the oldest are dropped, and their events redelivered",
                    MAX_WAITING,
                )
            self.dropped += 1
            with contextlib.suppress(KeyError):
                self._waiting.popitem(last=False)
        if not self._announced:
            self._announced = True
            self._call_in_thread(self._added.set)

    async def stop(self) -> None:
        """Send what is queued, and stop. Called in the thread."""
        if self._task is not None:
            await cancel_until_done(self._task)
        with contextlib.suppress(Exception):
            await self._flush()
            await self._client.flush(timeout=2)

    async def _send(self) -> None:
        while True:
            await self._added.wait()
            self._added.clear()
            # Before the queue is looked at: what is added from here on is announced again.
            self._announced = False
            try:
                await self._flush()
            except Exception as error:
                # An event that is not acknowledged is redelivered, and recognised by its id.
                logger.debug("Events were not acknowledged: %s", error_text(error))
                await asyncio.sleep(self._timing.heartbeat)
                self._added.set()

    async def _flush(self) -> None:
        waiting = self._waiting
        while waiting:
            if not self._client.is_connected:
                # nats-py would put it into its own buffer.
                raise ConnectionError("the connection to NATS is lost")
            sent: dict[str, bytes] = {}
            # Some may be dropped meanwhile.
            with contextlib.suppress(KeyError):
                for _ in range(len(waiting)):
                    subject, word = waiting.popitem(last=False)
                    sent[subject] = word
            try:
                await self._client.publish_encoded(
                    [encode_message(subject, word) for subject, word in sent.items()]
                )
            except BaseException:
                for subject, word in sent.items():
                    waiting.setdefault(subject, word)
                raise


class ProgressReporter:
    """Reports unacknowledged events as in progress, well before they would be redelivered.

    An event whose deadline has passed, for example because the process was paused, is no longer reported unless its
    handlers have started: it must not be started any more, and its redelivery may be with another worker.

    Runs in the liveness thread, because a handler may block the main loop for longer than ``ack_wait``.

    Args:
        client: The connection to NATS of the thread.
        timing: How long an event may go without a progress report.
        unacknowledged: Returns the events that have not ended. Called in the thread.
    """

    def __init__(
        self,
        client: DirectClient,
        timing: Timing,
        unacknowledged: Callable[[], Iterable[Delivery | InTransit]],
    ) -> None:
        self._client = client
        self._timing = timing
        self._unacknowledged = unacknowledged

    async def run(self) -> None:
        """Report until cancelled. While the connection is lost, nothing is queued."""
        interval = self._timing.ack_wait / 4
        while True:
            await asyncio.sleep(interval)
            try:
                await self._report(interval)
            except Exception as error:
                logger.debug("No progress was reported: %s", error_text(error))

    async def _report(self, interval: float) -> None:
        now = time.monotonic()
        due = (
            delivery
            for delivery in self._unacknowledged()
            if (age := now - delivery.extended_at) >= interval
            and (age < self._timing.ack_wait or delivery.started)
        )
        while self._client.is_connected and (batch := list(islice(due, _REPORTED_TOGETHER))):
            await self._client.publish_encoded([encode_message(one.reply, IN_PROGRESS) for one in batch])
            for delivery in batch:
                delivery.extended_at = now
            # Heartbeats and received events come in between: a worker with thousands of events must not look dead.
            await asyncio.sleep(0)
