"""The partitions of a worker: which ones it owns, and how it reads them in order.

The design is that of NATS' partitioned consumer groups (pcgroups, which has no official Python version): every worker
computes the owners from the list of members, and the server's pinned consumers ensure that two workers never read one
partition at a time, even while their lists differ.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from mezon._cluster.broker import jetstream_api, message_status
from mezon._cluster.delivery import ACK, NAK, Delivery, Returned
from mezon._cluster.log_throttle import LogThrottle
from mezon._cluster.protocol import GROUP, MESSAGE_ID, REPEATED, error_text
from mezon.errors import MezonError
from mezon.utils.background import cancel_until_done
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nats.aio.client import Client
    from nats.aio.msg import Msg

    from mezon._cluster.intake import EventIntake, PullInbox
    from mezon._cluster.membership import Members
    from mezon._cluster.protocol import Names
    from mezon._cluster.settings import Timing

logger = get_logger("mezon.cluster")

#: Seconds that releasing the partitions may take after the handlers' time.
_RELEASE_TIMEOUT: Final = 2.0

#: Unacknowledged events of one partition at this worker, queued or with a handler: at most, and at least.
MAX_UNACKNOWLEDGED: Final = 256
_MIN_UNACKNOWLEDGED: Final = 64

#: Unacknowledged events of a worker that reads many partitions. Each is reported as in progress four times in
#: ``ack_wait``, and all are redelivered if the worker dies or its host is overloaded.
_MAX_UNACKNOWLEDGED_OF_WORKER: Final = 4096

#: The server's status for a pull request with another pin.
_WRONG_PIN: Final = 423

#: The server's status for a pull request that no consumer receives.
_NO_CONSUMER: Final = 503

#: Seconds until the next pull request after one that no consumer received.
_NO_CONSUMER_DELAY: Final = 0.5

#: Shared by all partitions, because usually all consumers are missing at a time.
_missing_consumers: Final = LogThrottle(logger)

#: Seconds between two checks whether the events of an earlier owner are acknowledged.
_POLL_INTERVAL: Final = 0.1

#: The maximum of removed events between others whose sequence numbers are requested.
_MAX_REMOVED: Final = 50_000

#: Handled events of a partition that are recognised if they are redelivered.
_MAX_HANDLED: Final = 1024

#: Seconds for writing the note about returned events.
_NOTE_TIMEOUT: Final = 2.0


def assign_partitions(partitions: int, members: Iterable[str]) -> Mapping[int, str]:
    """Return the owner of each partition; empty without members. The result is the same in every process.

    Rendezvous hashing with a bound: a partition goes to the member with the highest weight that has room. A change of
    the members moves little more than their share, and no member gets more than a fair share. Without the bound, the
    fullest of eight workers would have almost half as much again, and the others would wait for it.
    """
    return _assign_partitions(partitions, tuple(sorted(set(members))))


@lru_cache(maxsize=4)
def _assign_partitions(partitions: int, members: tuple[str, ...]) -> Mapping[int, str]:
    if not members:
        return {}

    def weight(member: str, partition: int) -> bytes:
        return blake2b(f"{member}/{partition}".encode(), digest_size=8).digest()

    room = dict.fromkeys(members, -(-partitions // len(members)))
    pairs = [(weight(member, part), member, part) for member in members for part in range(partitions)]
    owners: dict[int, str] = {}
    for _, member, part in sorted(pairs, reverse=True):
        if part not in owners and room[member]:
            owners[part] = member
            room[member] -= 1
    return owners


class OwnedPartitions:
    """Starts and releases the readers of a worker as its partitions change.

    Args:
        worker: The worker's name.
        members: The living workers.
        partitions: The number of partitions.
        create_reader: Creates the reader of a partition.
        drain_timeout: Seconds that running handlers have when a partition is released.
    """

    def __init__(
        self,
        worker: str,
        members: Members,
        partitions: int,
        create_reader: Callable[[int], PartitionReader],
        drain_timeout: float,
    ) -> None:
        self._worker = worker
        self._members = members
        self._partitions = partitions
        self._create_reader = create_reader
        self._drain_timeout = drain_timeout
        self._readers: dict[int, PartitionReader] = {}
        self._draining: dict[int, PartitionReader] = {}
        self._releases: dict[int, asyncio.Task[None]] = {}
        self._stopped = False
        self._changed = asyncio.Event()

    @property
    def numbers(self) -> list[int]:
        """The partitions this worker reads."""
        return sorted(self._readers)

    @property
    def max_unacknowledged(self) -> int:
        """How many events of each partition this worker may have at a time."""
        share = _MAX_UNACKNOWLEDGED_OF_WORKER // max(1, len(self._readers))
        return max(_MIN_UNACKNOWLEDGED, min(share, MAX_UNACKNOWLEDGED))

    def unacknowledged(self) -> Iterator[Delivery]:
        """Yield every event that has not ended, including those of partitions that are being released.

        The liveness thread calls it: every list is a copy, made in one step of the interpreter.
        """
        for reader in [*self._readers.values(), *self._draining.values()]:
            yield from reader.unacknowledged

    def forget_unstarted(self, partition: int) -> None:
        """Drop the events of a partition that no handler has seen: they may be with another worker by now."""
        reader = self._readers.get(partition) or self._draining.get(partition)
        if reader is not None:
            reader.forget_unstarted()

    def rebalance(self) -> None:
        """Release the partitions of other members, and start to read those of this worker."""
        if self._stopped:
            return
        owners = assign_partitions(self._partitions, self._members.accepting)
        own = {part for part, owner in owners.items() if owner == self._worker}
        for partition in [one for one in self._readers if one not in own]:
            # The server lets the next owner wait until the pin is released.
            if not self._readers[partition].converses:
                self._release(partition)
        added = 0
        for partition in sorted(own):
            # A partition that is being released is taken again when that is complete.
            if partition not in self._readers and partition not in self._releases:
                reader = self._readers[partition] = self._create_reader(partition)
                reader.start()
                added += 1
        if added:
            logger.info("This worker reads %d of %d partitions", len(self._readers), self._partitions)

    async def leave(self, timeout: float) -> None:
        """Wait until every partition is released: those in which handlers converse, when that has ended.

        Call it when this worker accepts no more partitions.

        Args:
            timeout: The maximum number of seconds.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                while self._readers or self._releases:
                    self._changed.clear()
                    self.rebalance()
                    await self._changed.wait()

    def _release(self, partition: int) -> None:
        reader = self._readers.pop(partition)
        self._draining[partition] = reader
        task = asyncio.create_task(reader.release(self._drain_timeout), name=f"mezon-release-{partition}")
        self._releases[partition] = task
        task.add_done_callback(lambda _: self._released(partition))

    def _released(self, partition: int) -> None:
        self._releases.pop(partition, None)
        self._draining.pop(partition, None)
        self.conversation_ended()

    def conversation_ended(self) -> None:
        """Release the partitions that had to wait for it."""
        self._changed.set()
        self.rebalance()

    async def stop(self, drain_timeout: float) -> None:
        """Release every partition; running handlers have ``drain_timeout`` seconds."""
        self._stopped = True
        self._drain_timeout = drain_timeout
        for partition in list(self._readers):
            self._release(partition)
        if self._releases:
            # Includes earlier releases with a longer timeout: the client has already waited for the handlers.
            _, late = await asyncio.wait(
                list(self._releases.values()), timeout=drain_timeout + _RELEASE_TIMEOUT
            )
            await cancel_until_done(*late)


class PartitionReader:
    """Reads one partition of this worker.

    The consumer is pinned: the server delivers to one reader only, and to the next one when this reader has released
    the pin or has not pulled for ``pin_timeout``. Events delivered to an earlier owner are then still unacknowledged:
    they may be running there, or are lost and redelivered after ``ack_wait``. Therefore a reader that gets the pin
    holds back what it receives until every unacknowledged event is its own, and then delivers in the order of the
    stream. No event overtakes another one of its channel, even while the workers' lists of members differ. The same
    happens when the turns of the received events have a gap: an event was lost with a connection or a server.

    The server counts deliveries and not deaths of workers. Therefore a reader writes a note before it returns events,
    and the next reader reads the note when it has received all of them.

    Args:
        client: The connection to NATS.
        names: The bot's names.
        timing: Time limits.
        partition: The partition.
        deliver: Receives each event. Its ``on_end`` belongs to this reader.
        acknowledge: Receives the subject and the kind of each acknowledgement.
        intake: Sends the pull requests and reads the events.
        on_conversation_end: Called when an event whose handler has waited for another one has ended.
        max_unacknowledged: Returns how many events this reader may have at a time.
    """

    def __init__(
        self,
        client: Client,
        names: Names,
        timing: Timing,
        partition: int,
        deliver: Callable[[Delivery], None],
        acknowledge: Callable[[str, bytes], None],
        intake: EventIntake,
        on_conversation_end: Callable[[], None] = lambda: None,
        max_unacknowledged: Callable[[], int] = lambda: MAX_UNACKNOWLEDGED,
    ) -> None:
        self._client = client
        self._names = names
        self._timing = timing
        self.partition = partition
        self._deliver = deliver
        self._acknowledge = acknowledge
        self._intake = intake
        self._on_conversation_end = on_conversation_end
        self._max_unacknowledged = max_unacknowledged
        #: What it was at the last pull request.
        self._most = MAX_UNACKNOWLEDGED
        self._pull_subject = f"$JS.API.CONSUMER.MSG.NEXT.{names.events}.{names.consumer(partition)}"
        self._pin = ""
        self._unacknowledged: dict[str, Delivery] = {}
        #: Events of the current pull request that have not arrived.
        self._requested = 0
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        #: Events held back while an earlier owner has unacknowledged ones; None while events are delivered at once.
        self._held_back: list[Delivery] | None = None
        #: The turn of the last event received, and of the first one after a loss or a new pin.
        self._turn = 0
        self._since = 0
        #: Unacknowledged events of earlier owners.
        self._elsewhere = 0
        self._settling: asyncio.Task[None] | None = None
        self._inbox: PullInbox | None = None
        #: Seconds until the next pull request.
        self._pause = 0.0
        self._releasing = False
        self._closed = False
        self._returned: dict[str, Returned] = {}
        #: Whether this reader alone has written the note since it has read it.
        self._note_is_known = False
        #: Reply subjects of events to return once the note is written, empty for those that return by themselves.
        self._to_return: list[str] = []
        #: The last events that were handled here.
        self._handled: OrderedDict[str, None] = OrderedDict()
        self._returning: asyncio.Task[None] | None = None

    @property
    def unacknowledged(self) -> list[Delivery]:
        """The events that are not acknowledged yet."""
        return list(self._unacknowledged.values())

    @property
    def converses(self) -> bool:
        """Whether a handler of this partition has begun to wait for another event."""
        return any(delivery.waits for delivery in self._unacknowledged.values())

    def start(self) -> None:
        """Start reading."""
        self._task = asyncio.create_task(self._run(), name=f"mezon-partition-{self.partition}")

    async def release(self, drain_timeout: float) -> None:
        """Stop reading, return events without a handler, wait for running handlers, and release the pin."""
        self._releasing, self._note_is_known = True, False
        self._wake.set()
        if self._task is not None:
            await cancel_until_done(self._task)
        if self._inbox is not None:
            # After the drain, everything that the server has sent to this inbox has been received.
            await self._inbox.drain()
        self._closed = True
        self._return_unstarted()
        if self._settling is not None:
            await cancel_until_done(self._settling)
        if self._returning is not None:
            await self._returning
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(drain_timeout):
                while self._unacknowledged:
                    self._wake.clear()
                    await self._wake.wait()
        if self._returning is not None:
            await self._returning
        if self._unacknowledged:
            for delivery in self._unacknowledged.values():
                self._returned[delivery.event_id] = Returned(
                    delivery.times, delivery.excused, delivery.untouched, 0
                )
            await self._write_note()
            logger.warning(
                "%d handlers for partition %d still run after %g s; their events are redelivered to its next owner",
                len(self._unacknowledged),
                self.partition,
                drain_timeout,
            )
        if self._pin:
            with contextlib.suppress(MezonError):
                await jetstream_api(
                    self._client,
                    f"CONSUMER.UNPIN.{self._names.events}.{self._names.consumer(self.partition)}",
                    {"group": GROUP},
                )

    # ---- pulling

    async def _run(self) -> None:
        inbox = self._inbox = await self._intake.subscribe(
            self._client.new_inbox(), lambda message, extended_at: self._receive(message, extended_at)
        )
        while True:
            self._wake.clear()
            # Events of an earlier owner are only redelivered to a pull request, so it must ask for as many.
            self._most = self._max_unacknowledged()
            room = max(self._most - len(self._unacknowledged), self._elsewhere)
            if room <= 0:
                await self._wake.wait()
                continue
            await self._pull(inbox, room)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._timing.pull_timeout + 1.0):
                    await self._wake.wait()
            pause, self._pause = self._pause, 0.0
            await asyncio.sleep(pause)

    async def _pull(self, inbox: PullInbox, batch: int) -> None:
        expires = int(self._timing.pull_timeout * 1e9)
        request: dict[str, Any] = {"batch": batch, "expires": expires, "group": GROUP}
        if self._pin:
            request["id"] = self._pin
        self._requested = batch
        try:
            await inbox.pull(self._pull_subject, json.dumps(request).encode())
        except Exception as error:
            logger.debug("Partition %d cannot be pulled: %s", self.partition, error_text(error))
            await asyncio.sleep(self._timing.pull_timeout)

    def _receive(self, message: Msg, extended_at: float) -> None:
        if self._closed:
            return
        if not message.reply:
            status = message_status(message)
            if status == _NO_CONSUMER:
                _missing_consumers.warning(
                    "NATS has no consumer for partition %d now; the relay creates a deleted one again",
                    self.partition,
                )
                self._pause = _NO_CONSUMER_DELAY
            elif status == _WRONG_PIN:
                # Another reader has the pin, or this one has not pulled for too long.
                self._pin, self._note_is_known = "", False
                self._return_unstarted()
                self._pause = _POLL_INTERVAL
            self._wake.set()
            return
        headers = message.headers or {}
        pin = headers.get("Nats-Pin-Id", self._pin)
        times, sequence, turn = _parse_reply(message.reply)
        new_pin, self._pin = pin != self._pin, pin
        gap, self._turn = turn != self._turn + 1, turn
        if new_pin or gap:
            self._hold_back()
        self._requested -= 1
        if self._requested <= 0:
            self._wake.set()
        event_id = headers.get(MESSAGE_ID, message.reply)
        if times > 1 and event_id in self._handled:
            # Redelivered before the server knew that it was handled.
            self._acknowledge(message.reply, ACK)
            return
        delivery = Delivery(
            event_id=event_id,
            name=message.subject.rpartition(".")[2],
            body=message.data,
            reply=message.reply,
            times=times,
            sequence=sequence,
            turn=turn,
            partition=self.partition,
            on_end=self._delivery_ended,
            extended_at=extended_at,
            repeated=REPEATED in headers,
        )
        earlier = self._unacknowledged.get(delivery.event_id)
        if earlier is not None:
            # Redelivered while it runs here: only the new reply subject acknowledges it.
            earlier.reply, earlier.extended_at = delivery.reply, delivery.extended_at
            earlier.turn = turn
            more, earlier.times = times - earlier.times, times
            earlier.excused += more
            earlier.untouched += more
            return
        returned = self._returned.pop(delivery.event_id, None)
        if returned is not None:
            delivery.excused, delivery.untouched = returned.with_note(None)
        self._unacknowledged[delivery.event_id] = delivery
        if self._held_back is not None:
            self._held_back.append(delivery)
        elif not self._releasing:
            self._deliver(delivery)
        # Else it is returned with the partition.

    # ---- order after a change of the owner

    def _hold_back(self) -> None:
        """Hold back what is received from now on, until no event is unacknowledged elsewhere."""
        self._since = self._turn
        self._note_is_known = False
        if self._held_back is None:
            held_back: list[Delivery] = []
            self._held_back = held_back
            self._settling = asyncio.create_task(
                self._settle(held_back), name=f"mezon-settle-{self.partition}"
            )

    async def _settle(self, held_back: list[Delivery]) -> None:
        """Wait until no event is unacknowledged elsewhere, then deliver the held back events in order.

        Ends as soon as they are returned: its cancellation may be swallowed, see `cancel_until_done`.
        """
        while self._held_back is held_back:
            pin, since = self._pin, self._since
            elsewhere = await self._count_elsewhere()
            if elsewhere is not None and pin and (pin, since) == (self._pin, self._since):
                self._elsewhere = elsewhere
                if not elsewhere:
                    await self._read_note()
                    if self._held_back is held_back and (pin, since) == (self._pin, self._since):
                        break
                    continue
                if self._requested < elsewhere:
                    self._wake.set()
            await asyncio.sleep(_POLL_INTERVAL)
        else:
            return
        self._held_back = None
        for delivery in sorted(held_back, key=lambda delivery: delivery.sequence):
            self._deliver(delivery)

    async def _count_elsewhere(self) -> int | None:
        """Return how many events are unacknowledged at other workers; None if the server does not answer.

        The server counts unacknowledged events without naming them. A redelivered event may have been acknowledged late
        by the owner that had it first: it is open here and no longer counted. Therefore redelivered events are compared
        separately from those that were delivered once, which only this reader can acknowledge, and those that are no
        longer in the stream are left out.
        """
        consumer = self._names.consumer(self.partition)
        try:
            info = await jetstream_api(self._client, f"CONSUMER.INFO.{self._names.events}.{consumer}")
        except MezonError as error:
            logger.debug("Partition %d: %s", self.partition, error)
            return None
        if info is None:
            return None
        # Events received while the answer was on its way are not among those the server has counted.
        until = int(info.get("delivered", {}).get("consumer_seq", 0))
        floor = int(info.get("ack_floor", {}).get("stream_seq", 0))
        pending, redelivered = int(info.get("num_ack_pending", 0)), int(info.get("num_redelivered", 0))
        here = [one for one in self._unacknowledged.values() if one.turn <= until and one.sequence > floor]
        redelivered_here = [one for one in here if one.times > 1]
        once_elsewhere = pending - redelivered - (len(here) - len(redelivered_here))
        elsewhere = max(0, once_elsewhere) + max(0, redelivered - len(redelivered_here))
        if not elsewhere and redelivered and redelivered_here:
            try:
                gone = await self._removed(min(one.sequence for one in redelivered_here))
            except MezonError as error:
                logger.debug("Partition %d: %s", self.partition, error)
                return None
            elsewhere = max(0, redelivered - sum(not gone(one.sequence) for one in redelivered_here))
        # A server that took over may not know yet what the previous one has delivered: it will deliver that again.
        return elsewhere if until >= self._since else max(elsewhere, 1)

    async def _removed(self, first: int) -> Callable[[int], bool]:
        """Return whether the event of a sequence number, ``first`` or a later one, has left the stream."""
        subject = f"STREAM.INFO.{self._names.events}"
        state = (await jetstream_api(self._client, subject) or {})["state"]
        first_left, removed = int(state["first_seq"]), frozenset[int]()
        # Ask for the list only if it fits into a message.
        if 0 < int(state.get("num_deleted", 0)) <= _MAX_REMOVED and first < int(state["last_seq"]):
            state = (await jetstream_api(self._client, subject, {"deleted_details": True}) or {})["state"]
            first_left, removed = int(state["first_seq"]), frozenset(state.get("deleted") or ())
        return lambda sequence: sequence < first_left or sequence in removed

    # ---- the end of deliveries

    def _delivery_ended(self, delivery: Delivery, handled: bool) -> None:
        if self._unacknowledged.pop(delivery.event_id, None) is None:
            return
        if delivery.waits:
            self._on_conversation_end()
        if self._releasing or len(self._unacknowledged) == self._most // 2:
            self._wake.set()
        if handled:
            self._handled[delivery.event_id] = None
            if len(self._handled) > _MAX_HANDLED:
                self._handled.popitem(last=False)
            self._acknowledge(delivery.reply, ACK)
        else:
            self._return(delivery, 0)

    def forget_unstarted(self) -> None:
        """Drop the events that no handler of this worker has seen: the server redelivers them by itself.

        Their deadline has passed, so a NAK could make the server redeliver what another worker is handling.
        """
        self._return_unstarted(by_itself=True)
        # They must not be overtaken by what is received next.
        self._turn = -1
        # A full reader waits for the end of one of them.
        self._wake.set()

    def _return_unstarted(self, by_itself: bool = False) -> None:
        """Return the events that no handler of this worker has seen."""
        if self._settling is not None:
            self._settling.cancel()
        self._held_back, self._elsewhere = None, 0
        for delivery in self.unacknowledged:
            if delivery.withdraw():
                del self._unacknowledged[delivery.event_id]
                self._return(delivery, 1, by_itself)

    def _return(self, delivery: Delivery, untouched: int, by_itself: bool = False) -> None:
        """Return an event to the stream, after a note that this delivery killed no worker."""
        self._returned[delivery.event_id] = Returned(
            delivery.times, delivery.excused, delivery.untouched, untouched
        )
        self._to_return.append("" if by_itself else delivery.reply)
        if self._returning is None or self._returning.done():
            self._returning = asyncio.create_task(self._return_noted(), name=f"mezon-return-{self.partition}")

    async def _return_noted(self) -> None:
        while self._to_return:
            replies, self._to_return = self._to_return, []
            await self._write_note()
            for reply in filter(None, replies):
                self._acknowledge(reply, NAK)

    async def _write_note(self) -> None:
        if self._note_is_known:
            noted: dict[str, tuple[int, int]] = {}
        else:
            # Another reader may have written it: what it says of events that are not here must not be lost.
            noted = await self._stored_note() or {}
        note = dict(noted)
        for one in self._unacknowledged.values():
            excused, untouched = one.with_note(noted.get(one.event_id))
            if excused:
                note[one.event_id] = (excused, untouched)
        for event_id, returned in self._returned.items():
            note[event_id] = returned.with_note(noted.get(event_id))
        try:
            subject = f"$KV.{self._names.notes}.{_note_key(self.partition)}"
            await self._intake.request(subject, json.dumps(note).encode(), _NOTE_TIMEOUT)
        except Exception as error:
            # Without the note, the deliveries count as possible deaths.
            logger.debug("Partition %d: no note was written: %s", self.partition, error_text(error))

    async def _read_note(self) -> None:
        """Apply an earlier owner's note to the received events. Call it when none is unacknowledged elsewhere."""
        self._returned.clear()
        redelivered = [delivery for delivery in self._unacknowledged.values() if delivery.times > 1]
        note = await self._stored_note() if redelivered else {}
        if note is None:
            return
        self._note_is_known = True
        for delivery in redelivered:
            delivery.excused, delivery.untouched = delivery.with_note(note.get(delivery.event_id))

    async def _stored_note(self) -> dict[str, tuple[int, int]] | None:
        """Return the note of the last reader; None if it cannot be read."""
        try:
            found = await self._intake.last_value(self._names.notes, _note_key(self.partition))
            note = {} if found is None else json.loads(found)
            return {
                event_id: (int(excused), int(untouched)) for event_id, (excused, untouched) in note.items()
            }
        except (MezonError, ValueError, TypeError, AttributeError) as error:
            logger.debug("Partition %d: no note was read: %s", self.partition, error)
            return None


def _note_key(partition: int) -> str:
    """Return the key of the note about a partition's returned events. Its prefix is one that workers may write."""
    return f"suspect.returned-{partition}"


def _parse_reply(reply: str) -> tuple[int, int, int]:
    """Return the number of deliveries, the stream sequence and the consumer sequence from a reply subject."""
    parts = reply.split(".")
    # $JS.ACK.<stream>.<consumer>.<deliveries>.<stream seq>.<consumer seq>... or, with domain and account, two tokens
    # more in front.
    at = 4 if len(parts) == 9 else 6
    try:
        return int(parts[at]), int(parts[at + 1]), int(parts[at + 2])
    except (IndexError, ValueError):
        return 1, 0, 0
