"""Publishes events to the stream in order and each once, also across reconnects.

Events are published in batches, and a batch only after the server has confirmed the previous one. If a confirmation is
missing, the batch is repeated from its first unconfirmed event over a new connection, and the stream drops duplicates
by their id. Because nothing is published behind an unconfirmed event, no event can overtake another one. A client that
reconnects by itself and flushes its buffer could not guarantee that.

Within a batch, each event names the sequence number that the stream must have before it: if the stream refuses an
event, it refuses those behind it as well. So only the last event of a large batch requests a confirmation, which saves
a third. If it is not confirmed, the events of the batch are repeated one at a time: the stream may have some of them,
and drops these.

A full stream would refuse events for as long as it is full. Therefore no more is published than certainly fits: the
publisher counts the bytes since it last asked for the size of the stream, asks again before the limit is reached, and
waits while nothing fits.
"""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from nats import errors

from mezon._cluster.broker import connect, disconnect, jetstream_api, message_size
from mezon._cluster.dead_letters import dead_message
from mezon._cluster.direct_client import encode_message
from mezon._cluster.protocol import MESSAGE_ID, RELAY, REPEATED, error_text
from mezon._cluster.settings import DEFAULT_BUFFER
from mezon.errors import MezonError
from mezon.utils.background import cancel_until_done
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from nats.aio.msg import Msg

    from mezon._cluster.direct_client import DirectClient
    from mezon._cluster.protocol import Names
    from mezon._cluster.settings import Broker

logger = get_logger("mezon.cluster")

#: The maximum size of a batch.
BATCH: Final = 512

#: The sequence number that the stream must have before an event, and JetStream's error code if it has another one.
_EXPECTED_LAST: Final = "Nats-Expected-Last-Sequence"
_WRONG_LAST: Final = 10071
_LONGEST_NUMBER: Final = "9" * 19

#: The batch size above which only the last event requests a confirmation.
_MAX_CONFIRMED_SINGLY: Final = 8

#: Seconds for the confirmation of a batch, and seconds between a failure and the next attempt.
_CONFIRM_TIMEOUT: Final = 5.0
_RETRY_DELAY: Final = 0.5

#: Seconds between two checks whether a full stream has room.
_POLL_INTERVAL: Final = 0.1

#: The minimum of seconds between two warnings, because a full stream soon becomes full again.
_WARNING_INTERVAL: Final = 30.0

#: Bytes that the server stores for an event in addition to subject, id and body, rounded up.
_RECORD_OVERHEAD: Final = 96


@dataclass(slots=True)
class OutgoingEvent:
    """One event to publish.

    Attributes:
        subject: Its subject.
        body: The encoded message.
        event_id: The id by which the stream drops duplicates.
        repeated: It may be in the stream already, or have been: the stream forgets ids after a while, and at a restart
            those of acknowledged events. Workers then look up each call before they repeat it.
        size: The maximum of bytes that it takes in the stream.
    """

    subject: str
    body: bytes = field(repr=False)
    event_id: str
    repeated: bool = False
    size: int = field(init=False)

    def __post_init__(self) -> None:
        self.size = len(self.subject) + len(self.body) + len(self.event_id) + _RECORD_OVERHEAD


@dataclass(slots=True)
class PublisherStats:
    """Counters.

    Attributes:
        published: Events that the stream has confirmed.
        repeated: Those of them that the stream already had.
        retries: Attempts to publish a batch that failed.
        waiting: Events that are not confirmed yet.
        too_large: Events too large for a message or the stream, which were dead-lettered.
    """

    published: int = 0
    repeated: int = 0
    retries: int = 0
    waiting: int = 0
    too_large: int = 0


class RecentIds:
    """The ids of the last events that the stream has confirmed."""

    def __init__(self, bound: int = 50_000) -> None:
        self._bound = bound
        # The first item of a dict whose front was deleted is found by scanning the deleted ones.
        self._ids: OrderedDict[str, None] = OrderedDict()

    def add(self, event_id: str) -> None:
        """Add an id, and forget the oldest one if there are too many."""
        self._ids[event_id] = None
        if len(self._ids) > self._bound:
            self._ids.popitem(last=False)

    def __contains__(self, event_id: str) -> bool:
        return event_id in self._ids


def _headers(event: OutgoingEvent, expected_last: str) -> dict[str, str]:
    if event.repeated:
        return {MESSAGE_ID: event.event_id, REPEATED: "1"}
    return {MESSAGE_ID: event.event_id, _EXPECTED_LAST: expected_last}


def _size_of(events: list[OutgoingEvent]) -> int:
    return sum([event.size for event in events])


def _batch(events: list[OutgoingEvent], bound: int) -> list[OutgoingEvent]:
    """Return the first events that can be published together: one that the stream may have, or new ones."""
    count = 0
    while count < min(bound, len(events)) and not events[count].repeated:
        count += 1
    return events[: max(count, 1)]


@dataclass(frozen=True, slots=True)
class _Limits:
    """The limits of the server and the stream.

    Attributes:
        payload: The server's maximum size of a message with its headers.
        message: The stream's maximum size of a message.
        bytes: The stream's maximum size.
        used: The stream's size when these limits were read.
    """

    payload: float = math.inf
    message: float = math.inf
    bytes: float = math.inf
    used: int = 0

    @property
    def smallest(self) -> float:
        """The size of an event that satisfies every limit."""
        return min(self.payload, self.message, self.bytes)

    def reason_to_refuse(self, event: OutgoingEvent) -> str:
        """Return why an event can never be published, or an empty text."""
        size = message_size(event.body, _headers(event, _LONGEST_NUMBER))
        if size > self.payload:
            return f"it takes {size} bytes, and NATS carries {self.payload} in one message (max_payload)"
        if size > self.message:
            return f"it takes {size} bytes, and the stream takes messages of {self.message} (max_msg_size)"
        if event.size > self.bytes:
            return f"it takes {size} bytes, and the stream holds {self.bytes} (max_bytes)"
        return ""


class Publisher:
    """Publishes the events of one bot from a bounded queue.

    Args:
        broker: Address and credentials of NATS. The publisher opens a connection of its own.
        names: The bot's names.
        bound: The size of the queue in bytes.
        in_charge: Returns whether certainly no other relay publishes.
        published: Remembers what was published, also by earlier publishers of this process.

    Attributes:
        on_room: Called when a full queue has room again.
        trouble: Why events cannot be published now; None if they can.
    """

    def __init__(
        self,
        broker: Broker,
        names: Names,
        bound: int = DEFAULT_BUFFER,
        in_charge: Callable[[], bool] = lambda: True,
        published: RecentIds | None = None,
    ) -> None:
        self._broker = broker
        self._names = names
        self._bound = bound
        self._in_charge = in_charge
        self.published = published or RecentIds()
        #: The last sequence number of the stream.
        self._last = 0
        self._limits = _Limits()
        #: Bytes that certainly fit into the stream.
        self._free = 0.0
        #: The maximum size of the next batch: 1 after a refusal, doubled with each confirmed batch.
        self._batch_size = BATCH
        self._warned_at = -_WARNING_INTERVAL
        self._warned = False
        self._waiting: deque[OutgoingEvent] = deque()
        #: The number of events that have left the queue.
        self._ended = 0
        #: The size of the queue in bytes.
        self._size = 0
        self._added = asyncio.Event()
        self._progress = asyncio.Event()
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._client: DirectClient | None = None
        self._inbox = ""
        self._batch_number = 0
        #: Events of the current batch without a confirmation, by their number in the batch.
        self._unconfirmed: dict[str, OutgoingEvent] = {}
        self._confirmed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.stats = PublisherStats()
        self.on_room: Callable[[], None] = lambda: None
        self.trouble: str | None = None

    def start(self) -> None:
        """Start publishing."""
        self._task = asyncio.create_task(self._run(), name="mezon-publisher")

    @property
    def room(self) -> int:
        """The number of events that may be put before this is asked again."""
        return BATCH if self._size < self._bound else 0

    async def wait_room(self) -> None:
        """Wait until the queue has room for an event."""
        await self._has_room.wait()

    def put(self, event: OutgoingEvent) -> None:
        """Queue an event. Check ``room`` first: an event above the bound is queued as well, nothing is dropped."""
        self._waiting.append(event)
        self._size += event.size
        self.stats.waiting = len(self._waiting)
        if self._size >= self._bound:
            self._has_room.clear()
        self._added.set()

    async def drain(self, timeout: float | None = None) -> bool:
        """Wait until every event that is queued now is confirmed. Return False if that takes longer than ``timeout``.

        Events that are queued meanwhile are not waited for: during a burst, the queue may not be empty for minutes.
        """
        last = self._ended + len(self._waiting)
        try:
            async with asyncio.timeout(timeout):
                while self._ended < last:
                    await self._progress.wait()
        except TimeoutError:
            return False
        return True

    async def stop(self) -> None:
        """Stop without waiting for confirmations."""
        if self._task is not None:
            await cancel_until_done(self._task)
        await self._disconnect()

    async def _run(self) -> None:
        while True:
            if not self._waiting:
                self._added.clear()
                await self._added.wait()
            batch = [self._waiting[at] for at in range(min(BATCH, len(self._waiting)))]
            size = _size_of(batch)
            await self._publish(batch)
            for event in batch:
                self._waiting.popleft()
                self.published.add(event.event_id)
            self._ended += len(batch)
            self._size -= size
            self.stats.waiting = len(self._waiting)
            progress, self._progress = self._progress, asyncio.Event()
            progress.set()
            if not self._has_room.is_set() and self._size < self._bound:
                self._has_room.set()
                self.on_room()

    async def _publish(self, batch: list[OutgoingEvent]) -> None:
        """Publish a batch and repeat it until every event is confirmed."""
        left, delayed = list(batch), False
        while left:
            failed, count = False, 0
            if not self._in_charge():
                delayed = True
                self._set_trouble("NATS does not confirm that this relay is in charge")
                await asyncio.sleep(_POLL_INTERVAL)
                continue
            try:
                client = await self._connect()
                await self._dead_letter_too_large(client, left)
                count = await self._count_fitting(client, left)
                if count:
                    unconfirmed = await self._publish_once(client, left[:count])
                    for event in unconfirmed:
                        event.repeated = True
                    failed = bool(unconfirmed)
                    left = unconfirmed + left[count:]
            except (MezonError, errors.Error, OSError, TimeoutError) as error:
                self._set_trouble(error_text(error))
                failed = True
            if failed:
                delayed = True
                self.stats.retries += 1
                # Events still in flight on the old connection must not arrive behind those published next.
                await self._disconnect()
                await asyncio.sleep(_RETRY_DELAY)
            elif count:
                self._batch_size = min(2 * self._batch_size, BATCH)
            elif left:
                delayed = True
                await asyncio.sleep(_POLL_INTERVAL)
        # A stream that was full may be full again for the next batch, so only a batch without a delay ends the trouble.
        if self.trouble is not None and (not delayed or len(self._waiting) <= len(batch)):
            self.trouble = None
            if self._warned:
                self._warned = False
                logger.info("Events are published to NATS again")

    def _set_trouble(self, trouble: str) -> None:
        self.trouble = trouble
        now = time.monotonic()
        if not self._warned and now - self._warned_at >= _WARNING_INTERVAL:
            self._warned, self._warned_at = True, now
            logger.warning(
                "Events cannot be published to NATS: %s; they are queued, and reading from the socket pauses",
                trouble,
            )

    async def _connect(self) -> DirectClient:
        """Return the connection, opened if necessary."""
        if self._client is None or not self._client.is_connected:
            await self._disconnect()
            client = self._client = await connect(
                self._broker, reconnect=False, on_disconnect=self._confirmed.set
            )
            self._inbox = client.new_inbox()
            await client.subscribe_direct(f"{self._inbox}.>", self._receive_confirmation)
            await self._read_limits(client)
        return self._client

    async def _read_limits(self, client: DirectClient) -> None:
        """Read the limits of the stream and its size."""
        info = await jetstream_api(client, f"STREAM.INFO.{self._names.events}")
        assert info is not None
        config, used = info["config"], int(info["state"]["bytes"])
        self._last = int(info["state"]["last_seq"])
        max_bytes, max_message = int(config.get("max_bytes", -1)), int(config.get("max_msg_size", -1))
        self._limits = _Limits(
            client.max_payload,
            max_message if max_message > 0 else math.inf,
            max_bytes if max_bytes > 0 else math.inf,
            used,
        )
        self._free = self._limits.bytes - used

    async def _count_fitting(self, client: DirectClient, events: list[OutgoingEvent]) -> int:
        """Return how many of the first events certainly fit into the stream, and can be published together."""
        events = _batch(events, self._batch_size)
        size = _size_of(events)
        if size > self._free:
            await self._read_limits(client)
        if size <= self._free:
            return len(events)
        free, count = self._free, 0
        for event in events:
            free -= event.size
            if free < 0:
                break
            count += 1
        if events and not count:
            limits = self._limits
            self._set_trouble(
                f"the stream of events is full ({limits.used} of {limits.bytes} bytes, its max_bytes) until workers "
                "have handled some"
            )
        return count

    async def _dead_letter_too_large(self, client: DirectClient, events: list[OutgoingEvent]) -> None:
        """Remove the events that can never be published, and dead-letter them with the limit as the reason."""
        smallest = self._limits.smallest
        for event in [event for event in events if event.size > smallest]:
            reason = self._limits.reason_to_refuse(event)
            if reason:
                await self._dead_letter(client, event, reason)
                events.remove(event)

    async def _dead_letter(self, client: DirectClient, event: OutgoingEvent, reason: str) -> None:
        _, partition, name = event.subject.rsplit(".", 2)
        subject, body, headers = dead_message(
            self._names,
            name,
            event.body,
            event.event_id,
            int(partition),
            reason,
            RELAY,
            client.max_payload,
        )
        try:
            answer = await client.request(subject, body, timeout=_CONFIRM_TIMEOUT, headers=headers)
            refusal = json.loads(answer.data).get("error")
        except (errors.Error, TimeoutError, ValueError) as error:
            if not client.is_connected:
                raise MezonError(error_text(error)) from None
            refusal = error_text(error)
        self.stats.too_large += 1
        if refusal:
            logger.error(
                "Dropped an event (%s): %s; it could not be dead-lettered either: %s", name, reason, refusal
            )
        else:
            logger.error("Dead-lettered an event (%s), see `mezon dlq list`: %s", name, reason)

    async def _publish_once(self, client: DirectClient, batch: list[OutgoingEvent]) -> list[OutgoingEvent]:
        """Publish events that fit. Return the unconfirmed ones, from the first of them to the end of the batch."""
        before = self._last
        if not self._in_charge():
            raise MezonError("another relay may be in charge")
        # The number of events that request no confirmation.
        silent = len(batch) - 1 if len(batch) > _MAX_CONFIRMED_SINGLY else 0
        self._confirmed.clear()
        self._unconfirmed = {str(number): event for number, event in enumerate(batch) if number >= silent}
        self._batch_number += 1
        self._free -= _size_of(batch)
        inbox = f"{self._inbox}.{self._batch_number}"
        try:
            await client.publish_encoded(
                encode_message(
                    event.subject,
                    event.body,
                    f"{inbox}.{number}" if number >= silent else "",
                    _headers(event, str(before + number)),
                )
                for number, event in enumerate(batch)
            )
            async with asyncio.timeout(_CONFIRM_TIMEOUT):
                await self._confirmed.wait()
        except TimeoutError:
            self._set_trouble(f"no confirmation within {_CONFIRM_TIMEOUT:g} s")
        except errors.Error as error:
            self._set_trouble(error_text(error))
        if not self._unconfirmed:
            self.stats.published += silent
            return []
        return batch[0 if silent else min(map(int, self._unconfirmed)) :]

    def _receive_confirmation(self, message: Msg) -> None:
        batch, _, number = message.subject.removeprefix(f"{self._inbox}.").partition(".")
        if number not in self._unconfirmed or batch != str(self._batch_number):
            return
        try:
            answer: dict[str, Any] = json.loads(message.data or b"{}")
        except ValueError:
            answer = {}
        refusal = answer.get("error")
        if refusal or not answer.get("seq"):
            # An event before this one was refused, or was in the stream already. The repetition shows which.
            if (refusal or {}).get("err_code") != _WRONG_LAST:
                # No stream, no leader or no disk space: each may be temporary. A refusal has the sequence number 0.
                self._batch_size = 1
                self._set_trouble(str((refusal or {}).get("description") or "no stream takes them"))
            self._confirmed.set()
            return
        del self._unconfirmed[number]
        self._last = max(self._last, int(answer["seq"]))
        self.stats.published += 1
        self.stats.repeated += bool(answer.get("duplicate"))
        if not self._unconfirmed:
            self._confirmed.set()

    async def _disconnect(self) -> None:
        client, self._client = self._client, None
        self._unconfirmed, self._free = {}, 0.0
        if client is not None:
            await disconnect(client)
