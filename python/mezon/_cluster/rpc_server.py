"""The relay's server for the calls of workers: fair between workers, each call once, and only while in charge."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import time
from collections import OrderedDict, deque
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from nats import errors as nats_errors
from nats.js import errors

from mezon._cluster.broker import message_size
from mezon._cluster.log_throttle import LogThrottle
from mezon._cluster.protocol import (
    CALL_KEY,
    OPERATOR,
    PART,
    PROTOCOL,
    REPEATED,
    TIMEOUT,
    VERSION,
    WORKER,
    NotInChargeError,
    Packet,
    VersionSkewError,
    announced_protocol,
    are_tokens,
    check_skew,
    encode_error,
    error_text,
    was_sent,
)
from mezon.errors import InvalidArgumentError, MezonConnectionError, MezonError, MezonTimeoutError
from mezon.utils.background import BackgroundTasks
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from nats.aio.msg import Msg

    from mezon._cluster.direct_client import DirectClient
    from mezon._cluster.protocol import Names

logger = get_logger("mezon.cluster")

#: Concurrent calls by kind. The calls of one busy worker do not delay those of the others; see `FairQueue`.
_CONCURRENCY: Final = {
    "socket": 512,
    "http": 4,
    "store": 32,
    "session": 8,
    "directory": 4,
    "replay": 8,
    "interest": 64,
}

#: Kinds of calls reserved for the operator.
OPERATOR_CALLS: Final = frozenset({"replay"})

#: The key of the caller in the values of a call. The server sets it, whatever the packet contains.
CALLER: Final = "caller"

#: The maximum of queued calls of one worker name.
_MAX_QUEUED: Final = 10_000

#: Bytes of a message reserved for the headers of a part of an answer.
_HEADER_SIZE: Final = 256

#: Answers kept in memory; the bucket keeps them longer.
_MAX_CACHED: Final = 50_000

#: The maximum size of a cached answer. Calls that change something have short answers.
_MAX_CACHED_SIZE: Final = 64 * 1024

#: Seconds for one lookup in the bucket, and between two.
_LOOKUP_TIMEOUT: Final = 2.0
_LOOKUP_INTERVAL: Final = 0.3

#: Answers being written to the bucket. Above it, the next call waits.
_MAX_WRITES: Final = 1_000

#: Seconds for the writes that are left when the relay stops.
_FLUSH_TIMEOUT: Final = 5.0

#: Seconds from the beginning of an epoch for which every call may have been made by an earlier relay.
_DOUBTFUL: Final = 60.0


class FairQueue:
    """Starts queued calls in turn: one of each worker name, and within a name one of each process.

    Names are those that NATS' permissions prove. So no worker gets a larger share by inventing processes.
    """

    def __init__(self, concurrency: int) -> None:
        self._free = concurrency
        self._names: OrderedDict[str, _NameQueue] = OrderedDict()

    def enqueue(self, worker: str, start: Callable[[], None]) -> bool:
        """Call ``start`` when it is the worker's turn. Return False if too many calls of its name are queued."""
        name, _, process = worker.partition(".")
        queue = self._names.get(name)
        if queue is None:
            queue = self._names[name] = _NameQueue()
        if queue.size >= _MAX_QUEUED:
            return False
        queue.add(process, start)
        self._start_next()
        return True

    def release(self) -> None:
        """Note that a started call has ended."""
        self._free += 1
        self._start_next()

    def _start_next(self) -> None:
        while self._free > 0 and self._names:
            name, queue = self._names.popitem(last=False)
            start = queue.pop()
            if queue.size:
                self._names[name] = queue
            self._free -= 1
            start()


class _NameQueue:
    """The queued calls of one worker name, by process."""

    def __init__(self) -> None:
        self.size = 0
        self._processes: OrderedDict[str, deque[Callable[[], None]]] = OrderedDict()

    def add(self, process: str, start: Callable[[], None]) -> None:
        self._processes.setdefault(process, deque()).append(start)
        self.size += 1

    def pop(self) -> Callable[[], None]:
        process, calls = self._processes.popitem(last=False)
        start = calls.popleft()
        if calls:
            self._processes[process] = calls
        self.size -= 1
        return start


class AnswerCache:
    """Makes each keyed call once, so that a handler that runs again does not repeat its messages.

    An answer is in memory at once, and shortly afterwards in a bucket, where the next relay finds it. The memory
    outlives the parts of a relay that loses the lock and acquires it again. A relay that is killed between sending a
    call and writing its answer is the remaining case in which a call is repeated.

    Args:
        client: The connection to NATS.
        names: The bot's names.
        ttl: Seconds for which an answer is cached.

    Attributes:
        hits: Calls that were answered from the cache.
    """

    def __init__(self, client: DirectClient, names: Names, ttl: float) -> None:
        self._client = client
        self._prefix = f"$KV.{names.answers}."
        self._names = names
        self._ttl = ttl
        #: By call, the time it was received and its answer; None if the call was not made.
        self._cached: OrderedDict[str, tuple[float, asyncio.Future[Packet | None]]] = OrderedDict()
        self._writes = BackgroundTasks(logger)
        self._free_writes = asyncio.Semaphore(_MAX_WRITES)
        self._write_ended = asyncio.Event()
        self._bucket: Any = None
        self._write_failures = LogThrottle(logger)
        self._doubtful_until = 0.0
        self.hits = 0

    def begin_epoch(self, client: DirectClient, *, first: bool) -> None:
        """Use another connection, and look up every call for a while unless there was no earlier relay."""
        self._client, self._bucket = client, None
        self._doubtful_until = 0.0 if first else time.monotonic() + _DOUBTFUL

    async def get_or_call(
        self, key: str, repeated: bool, call: Callable[[], Awaitable[Packet]], timeout: float = 30.0
    ) -> Packet:
        """Return the cached answer of a call, or make the call.

        A duplicate of a call in progress waits for its answer. A call that was not sent is not cached: a duplicate that
        waited for it is made instead.

        Args:
            key: The call's key.
            repeated: The call may have been made before, possibly by an earlier relay.
            call: Makes the call. It must not raise.
            timeout: Seconds for finding out whether a repeated call was made before.

        Raises:
            MezonConnectionError: That cannot be found out. The call was not made.
        """
        digest = blake2b(key.encode(), digest_size=16).hexdigest()
        while (cached := self._cached.get(digest)) is not None:
            shared = await asyncio.shield(cached[1])
            if shared is not None:
                self.hits += 1
                return shared
        future: asyncio.Future[Packet | None] = asyncio.get_running_loop().create_future()
        self._cached[digest] = (time.monotonic(), future)
        self._evict()
        try:
            doubtful = repeated or time.monotonic() < self._doubtful_until
            answer = await self._read(digest, timeout) if doubtful else None
            if answer is not None:
                self.hits += 1
            else:
                answer = await call()
                if not was_sent(answer):
                    self._forget(digest, future)
                    return answer
                await self._start_write(digest, answer)
        except Exception:
            self._forget(digest, future)
            raise
        except BaseException:
            # The relay stops. Duplicates end without an answer too, and their workers ask the next relay.
            self._cached.pop(digest, None)
            future.cancel()
            raise
        future.set_result(answer)
        return answer

    async def flush(self) -> None:
        """Wait until the started writes have ended."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FLUSH_TIMEOUT):
                while self._writes:
                    self._write_ended.clear()
                    await self._write_ended.wait()

    def _forget(self, digest: str, future: asyncio.Future[Packet | None]) -> None:
        """Let the next duplicate make a call that was not made."""
        self._cached.pop(digest, None)
        future.set_result(None)

    def _evict(self) -> None:
        limit = time.monotonic() - self._ttl
        while self._cached:
            oldest = next(iter(self._cached))
            at, future = self._cached[oldest]
            if (at >= limit and len(self._cached) <= _MAX_CACHED) or not future.done():
                break
            del self._cached[oldest]

    async def _read(self, digest: str, timeout: float) -> Packet | None:
        """Read an answer from the bucket. Without NATS, making the call could mean to make it twice."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                if self._bucket is None:
                    stream = self._client.jetstream(timeout=_LOOKUP_TIMEOUT)
                    self._bucket = await stream.key_value(self._names.answers)
                entry = await self._bucket.get(digest)
            except errors.KeyNotFoundError:
                return None
            except (errors.Error, nats_errors.Error, OSError, TimeoutError) as error:
                if time.monotonic() > deadline:
                    raise MezonConnectionError(
                        "not sent: NATS does not say whether this call of a repeated event was made before"
                    ) from None
                logger.debug("A cached answer cannot be read yet: %s", error_text(error))
                await asyncio.sleep(_LOOKUP_INTERVAL)
            else:
                return Packet.decode(entry.value)

    async def _start_write(self, digest: str, answer: Packet) -> None:
        data = answer.encode()
        if len(data) > _MAX_CACHED_SIZE:
            return
        await self._free_writes.acquire()
        task = self._writes.spawn(self._write(digest, data), "write an answer to the cache")
        task.add_done_callback(self._end_write)

    def _end_write(self, _: asyncio.Task[None]) -> None:
        self._free_writes.release()
        self._write_ended.set()

    async def _write(self, digest: str, data: bytes) -> None:
        until = time.monotonic() + self._ttl
        while True:
            try:
                await self._client.request(f"{self._prefix}{digest}", data, timeout=_LOOKUP_TIMEOUT)
            except Exception as error:
                self._write_failures.warning(
                    "An answer cannot be stored for a later relay: %s", error_text(error)
                )
                # No call waits for a write that does not succeed.
                if self._client.is_closed or self._free_writes.locked() or time.monotonic() > until:
                    return
                await asyncio.sleep(_LOOKUP_INTERVAL)
            else:
                return


class RpcServer:
    """Answers the calls of all workers of a bot.

    Args:
        client: The connection to NATS.
        names: The bot's names.
        in_charge: Returns whether certainly no other relay is in charge.
        handlers: By kind of call, its handler, which gets the call and the seconds left.
        answers: The cache of answers.

    Attributes:
        calls: The number of calls received.
        refused: Those of them that named a foreign reply subject, or that their caller may not make.
    """

    def __init__(
        self,
        client: DirectClient,
        names: Names,
        in_charge: Callable[[], bool],
        handlers: dict[str, Callable[[Packet, float], Awaitable[Packet]]],
        answers: AnswerCache,
    ) -> None:
        self._client = client
        self._names = names
        self._in_charge = in_charge
        self._handlers = handlers
        self._answers = answers
        self._queues = {kind: FairQueue(_CONCURRENCY[kind]) for kind in handlers}
        self._tasks = BackgroundTasks(logger, level=logging.ERROR)
        self._ended = asyncio.Event()
        self._subscriptions: list[Any] = []
        self.calls = 0
        self.refused = 0

    async def open(self) -> None:
        """Start to receive calls."""
        for subjects in self._names.call_subjects:
            self._subscriptions.append(await self._client.subscribe_direct(subjects, self._receive))

    async def stop_receiving(self) -> None:
        """Receive no more calls: their workers ask the next relay."""
        subscriptions, self._subscriptions = self._subscriptions, []
        for subscription in subscriptions:
            if self._client.is_closed:
                break
            try:
                await subscription.unsubscribe()
            except Exception as error:
                logger.debug("Unsubscribing from calls failed: %s", error_text(error))

    async def drain(self, timeout: float) -> bool:
        """Wait until the received calls are answered. Return False if that takes longer than ``timeout``."""
        try:
            async with asyncio.timeout(timeout):
                while self._tasks:
                    self._ended.clear()
                    await self._ended.wait()
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        """Stop. Calls in progress are cancelled, and their workers ask the next relay."""
        await self.stop_receiving()
        await self._tasks.stop()

    def _receive(self, message: Msg) -> None:
        if not self._in_charge():
            # Deliberately without an answer: the worker asks the relay that is in charge.
            return
        self.calls += 1
        caller, kind = self._names.parse_call(message.subject)
        if not are_tokens(caller):
            self._count_refusal(caller, "its caller has no valid worker name")
            return
        if message.reply and not self._names.is_reply_subject_of(caller, message.reply):
            # The relay may publish where a worker may not, so it never answers on a foreign subject.
            self._count_refusal(caller, "its reply subject belongs to another client")
            return
        # NATS has checked the subject. A header proves nothing.
        headers = {**(message.headers or {}), WORKER: caller}
        queue = self._queues.get(kind) if (kind in OPERATOR_CALLS) == (caller == OPERATOR) else None
        if queue is None:
            self._count_refusal(caller, "this caller may not make calls of this kind")
            error: MezonError = MezonError(f"the relay knows no calls of the kind {kind}")
            self._refuse(message, error)
            return

        try:
            check_skew(PROTOCOL, announced_protocol(headers.get(VERSION)))
        except VersionSkewError as skew:
            self._count_refusal(caller, str(skew))
            self._refuse(message, skew)
            return

        # The time in the queue counts.
        deadline = time.monotonic() + _timeout(headers)

        def start() -> None:
            self._spawn(self._handle(kind, message, headers, deadline), f"a call of the kind {kind}")

        if not queue.enqueue(headers.get(WORKER, ""), start):
            error = MezonConnectionError(
                f"not sent: {_MAX_QUEUED} calls of this worker wait at the relay already"
            )
            self._refuse(message, error)

    def _refuse(self, message: Msg, error: MezonError) -> None:
        self._spawn(self._answer(message, encode_error(error)), "the refusal of a call")

    def _spawn(self, coroutine: Coroutine[Any, Any, None], what: str) -> None:
        self._tasks.spawn(coroutine, what).add_done_callback(lambda _: self._ended.set())

    def _count_refusal(self, caller: str, reason: str) -> None:
        self.refused += 1
        # Logged at each power of two, so that a repeated refusal does not flood the log.
        if self.refused & (self.refused - 1) == 0:
            logger.warning("A call of %r was refused: %s (%d so far)", caller[:80], reason, self.refused)

    async def _handle(self, kind: str, message: Msg, headers: dict[str, str], deadline: float) -> None:
        try:
            packet = Packet.decode(message.data)
            packet.values[CALLER] = headers[WORKER]
            key = headers.get(CALL_KEY, "")
            # The key of an event's call has three parts and is shared by all workers, because another worker may handle
            # the event again. The key of a worker's own call has two parts, and the first one is the worker's name.
            if key.count("/") == 1 and not key.startswith(f"{headers[WORKER]}/"):
                raise InvalidArgumentError("the key of the call belongs to another worker")
            if key:
                repeated = REPEATED in headers
                call = lambda: self._call(kind, packet, deadline)  # noqa: E731
                answer = await self._answers.get_or_call(key, repeated, call, deadline - time.monotonic())
            else:
                answer = await self._call(kind, packet, deadline)
            await self._answer(message, answer)
        except (ValueError, RecursionError) as error:
            text = f"the relay cannot decode the call: {error}"
            await self._answer(message, encode_error(InvalidArgumentError(text)))
        except MezonError as error:
            await self._answer(message, encode_error(error))
        finally:
            self._queues[kind].release()

    async def _call(self, kind: str, packet: Packet, deadline: float) -> Packet:
        """Call the handler. An error is an answer too."""
        try:
            left = deadline - time.monotonic()
            if left <= 0:
                raise MezonTimeoutError("not sent: the call timed out in the relay's queue", sent=False)
            if not self._in_charge():
                raise NotInChargeError
            return await self._handlers[kind](packet, left)
        except Exception as error:
            if not isinstance(error, MezonError):
                logger.exception("A call of a worker failed in the relay")
            answer = encode_error(error)
            if was_sent(answer) or isinstance(error, InvalidArgumentError) or self._in_charge():
                return answer
            # The call waited in this relay until the lock was lost.
            return encode_error(NotInChargeError())

    async def _answer(self, message: Msg, answer: Packet) -> None:
        """Publish an answer, in parts if it is larger than a message may be."""
        if not message.reply:
            return
        data, limit = answer.encode(), self._client.max_payload
        try:
            if message_size(data) <= limit:
                await self._client.publish(message.reply, data)
                return
            step = max(limit - _HEADER_SIZE, _HEADER_SIZE)
            count = -(-len(data) // step)
            for number in range(count):
                part = data[number * step : (number + 1) * step]
                await self._client.publish(message.reply, part, headers={PART: f"{number + 1}/{count}"})
        except Exception as error:
            logger.debug("An answer was not sent: %s", error_text(error))


def _timeout(headers: dict[str, str]) -> float:
    """Return how long the caller waits; 0 if the header is missing or invalid."""
    try:
        seconds = float(headers.get(TIMEOUT, "0"))
    except ValueError:
        return 0.0
    return seconds if math.isfinite(seconds) else 0.0
