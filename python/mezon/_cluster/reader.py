"""Reads one partition while it belongs to this worker: in order, and never beside another reader."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import time
from typing import TYPE_CHECKING, Any, Final

from mezon._cluster.broker import api, status_of
from mezon._cluster.delivery import Delivery
from mezon._cluster.names import GROUP, MESSAGE_ID
from mezon.errors import MezonError
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from nats.aio.client import Client
    from nats.aio.msg import Msg

    from mezon._cluster.names import Names
    from mezon._cluster.settings import Timing

logger = get_logger("mezon.cluster")

#: Events of a partition this worker has at a time: waiting for a handler, or with one.
MAX_OPEN: Final = 256

#: The server's words for a request it ended: no messages, time over, another consumer is pinned.
_NOTHING: Final = frozenset({404, 408, 409})
_WRONG_PIN: Final = 423

#: Seconds between two looks whether an earlier owner's events are settled.
_LOOK: Final = 0.1

#: Seconds a note about what is given back may take.
_NOTE: Final = 2.0


class Reader:
    """One partition of this worker.

    The consumer is pinned: the server gives events to one reader alone, and to the next one when this one has let go
    of it or has not asked for ``pin_life``. What an earlier owner had is then still out: it may run there, or be lost
    and come again after ``ack_wait``. So a reader that was given the pin keeps what comes to itself until every event
    that is out is its own; then it hands them on in the order of the stream. No event overtakes one of its channel,
    whatever this worker believed of the others. It does the same when the turns of what comes have a gap: something
    was given to it and lost on the way, with a connection or with one server of a cluster.

    The server counts deliveries, not deaths of workers. So a reader leaves a note before it gives events back, and the
    next one reads it when all of them have come.

    Args:
        client: The connection to NATS.
        names: The bot's names.
        timing: How long things may take.
        partition: Which one.
        deliver: Takes an event; its ``on_end`` is this reader's.
        acknowledge: Takes the subject and the word of an acknowledgement.
    """

    def __init__(
        self,
        client: Client,
        names: Names,
        timing: Timing,
        partition: int,
        deliver: Callable[[Delivery], None],
        acknowledge: Callable[[str, bytes], None],
    ) -> None:
        self._client = client
        self._names = names
        self._timing = timing
        self.partition = partition
        self._deliver = deliver
        self._acknowledge = acknowledge
        self._pull_subject = f"$JS.API.CONSUMER.MSG.NEXT.{names.events}.{names.consumer(partition)}"
        self._pin = ""
        self._open: dict[str, Delivery] = {}
        self._asked = 0
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        #: What came since the pin is here, while events of an earlier owner are out; None when all goes straight on.
        self._kept: list[Delivery] | None = None
        #: The turn of what came last, and of what came first after a loss or a new pin.
        self._turn = 0
        self._since = 0
        self._elsewhere = 0
        self._settling: asyncio.Task[None] | None = None
        self._subscription: Any = None
        self._inbox = ""
        self._letting_go = False
        self._closed = False
        #: Of events that were given back: the ``excused`` and ``untouched`` of their next delivery.
        self._returns: dict[str, tuple[int, int]] = {}
        #: Where those are given back that no note tells of yet.
        self._to_return: list[str] = []
        self._returning: asyncio.Task[None] | None = None

    @property
    def open(self) -> list[Delivery]:
        """Events that are not acknowledged yet."""
        return list(self._open.values())

    def start(self) -> None:
        """Begin to read."""
        self._task = asyncio.create_task(self._run(), name=f"mezon-partition-{self.partition}")

    async def let_go(self, patience: float) -> None:
        """Take nothing more, leave what has not begun to others, let what runs end for so many seconds, and give the
        partition free."""
        self._letting_go = True
        self._news.set()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        if self._subscription is not None:
            # When this is done the server sends nothing more here, and what it had sent has come.
            with contextlib.suppress(Exception):
                await self._subscription.drain()
        self._closed = True
        self._give_back()
        if self._returning is not None:
            await self._returning
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while self._open:
                    self._news.clear()
                    await self._news.wait()
        if self._returning is not None:
            await self._returning
        if self._open:
            for delivery in self._open.values():
                self._returns[delivery.event_id] = (delivery.excused + 1, delivery.untouched)
            await self._note_returns()
            logger.warning(
                "%d handlers for partition %d still run after %g s; their events come again at its next owner",
                len(self._open),
                self.partition,
                patience,
            )
        if self._pin:
            with contextlib.suppress(MezonError):
                await api(
                    self._client,
                    f"CONSUMER.UNPIN.{self._names.events}.{self._names.consumer(self.partition)}",
                    {"group": GROUP},
                )

    # ---- reading

    async def _run(self) -> None:
        self._inbox = self._client.new_inbox()
        self._subscription = await self._client.subscribe(self._inbox, cb=self._came)
        while True:
            self._news.clear()
            # What is out elsewhere comes again only to who asks for it.
            room = max(MAX_OPEN - len(self._open), self._elsewhere)
            if room <= 0:
                await self._news.wait()
                continue
            await self._ask(room)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._timing.pull + 1.0):
                    await self._news.wait()

    def _keep(self) -> None:
        """Keep what comes from now on, until nothing is out elsewhere."""
        self._since = self._turn
        if self._kept is None:
            self._kept = []
            self._settling = asyncio.create_task(self._settle(), name=f"mezon-settle-{self.partition}")

    async def _settle(self) -> None:
        """Keep what comes until nothing is out elsewhere; then hand it on in order."""
        while True:
            pin, since = self._pin, self._since
            out = await self._out_elsewhere()
            if out is not None and pin and (pin, since) == (self._pin, self._since):
                self._elsewhere = out
                if not self._elsewhere:
                    break
                if self._asked < self._elsewhere:
                    self._news.set()
            await asyncio.sleep(_LOOK)
        await self._read_returns()
        kept, self._kept = self._kept or [], None
        for delivery in sorted(kept, key=lambda delivery: delivery.sequence):
            self._deliver(delivery)

    async def _out_elsewhere(self) -> int | None:
        """Return how many events others were given and have not acknowledged; None if the server does not answer.

        The server counts the events that are out, not which ones. An event that came again here may have been
        acknowledged since by the owner it was lost with: it is open here and no longer out. So such events are not set
        off against those that were delivered once, which only this reader can acknowledge.
        """
        consumer = self._names.consumer(self.partition)
        try:
            known = await api(self._client, f"CONSUMER.INFO.{self._names.events}.{consumer}")
        except MezonError as error:
            logger.debug("Partition %d: %s", self.partition, error)
            return None
        if known is None:
            return None
        # What came here while the answer was on its way is not among those the server counted.
        until = int(known.get("delivered", {}).get("consumer_seq", 0))
        floor = int(known.get("ack_floor", {}).get("stream_seq", 0))
        pending, again = int(known.get("num_ack_pending", 0)), int(known.get("num_redelivered", 0))
        here = [one for one in self._open.values() if one.turn <= until and one.sequence > floor]
        here_again = sum(one.times > 1 for one in here)
        out = max(0, pending - again - (len(here) - here_again)) + max(0, again - here_again)
        # A server that took over may not know yet what the one before it has given: it will give it again.
        return out if until >= self._since else max(out, 1)

    def _give_back(self) -> None:
        """Leave to another reader what no handler of this worker has seen."""
        if self._settling is not None:
            self._settling.cancel()
        self._kept, self._elsewhere = None, 0
        for delivery in self.open:
            if delivery.leave():
                del self._open[delivery.event_id]
                self._return(delivery, 1)

    # ---- what is known of deliveries that ended without a death

    def _return(self, delivery: Delivery, untouched: int) -> None:
        """Give an event back, after a note that says so."""
        self._returns[delivery.event_id] = (delivery.excused + 1, delivery.untouched + untouched)
        self._to_return.append(delivery.reply)
        if self._returning is None or self._returning.done():
            self._returning = asyncio.create_task(
                self._bring_back(), name=f"mezon-give-back-{self.partition}"
            )

    async def _bring_back(self) -> None:
        while self._to_return:
            replies, self._to_return = self._to_return, []
            await self._note_returns()
            for reply in replies:
                self._acknowledge(reply, b"-NAK")

    async def _note_returns(self) -> None:
        known = {one.event_id: (one.excused, one.untouched) for one in self._open.values() if one.excused}
        known.update(self._returns)
        try:
            subject = f"$KV.{self._names.notes}.{_returned(self.partition)}"
            await self._client.request(subject, json.dumps(known).encode(), timeout=_NOTE)
        except Exception as error:
            # Without it they count as if a worker had died with them.
            logger.debug("Partition %d: no note was left: %s", self.partition, error or type(error).__name__)

    async def _read_returns(self) -> None:
        """Learn what an earlier owner has noted of what came here; nothing is out elsewhere."""
        self._returns.clear()
        again = [delivery for delivery in self._open.values() if delivery.times > 1]
        if not again:
            return
        bucket = self._names.notes
        last = {"last_by_subj": f"$KV.{bucket}.{_returned(self.partition)}"}
        try:
            found = await api(self._client, f"STREAM.MSG.GET.KV_{bucket}", last, absent_is_none=True)
            known = {} if found is None else json.loads(base64.b64decode(found["message"].get("data", "")))
            for delivery in again:
                excused, untouched = map(int, known.get(delivery.event_id, (0, 0)))
                # Never more than there were, whatever the note says.
                delivery.excused = min(max(delivery.excused, excused), delivery.times - 1)
                delivery.untouched = min(max(delivery.untouched, untouched), delivery.times - 1)
        except (MezonError, ValueError, TypeError, AttributeError) as error:
            logger.debug("Partition %d: no note was read: %s", self.partition, error)

    async def _ask(self, batch: int) -> None:
        request: dict[str, Any] = {"batch": batch, "expires": int(self._timing.pull * 1e9), "group": GROUP}
        if self._pin:
            request["id"] = self._pin
        self._asked = batch
        try:
            await self._client.publish(self._pull_subject, json.dumps(request).encode(), reply=self._inbox)
        except Exception as error:
            logger.debug(
                "Partition %d cannot be asked for: %s", self.partition, error or type(error).__name__
            )
            await asyncio.sleep(self._timing.pull)

    async def _came(self, message: Msg) -> None:
        if self._closed:
            return
        if not message.reply:
            if status_of(message) == _WRONG_PIN:
                # Another reader was faster, or this one was silent for too long.
                self._pin = ""
                self._give_back()
                await asyncio.sleep(_LOOK)
            self._news.set()
            return
        headers = message.headers or {}
        pin = headers.get("Nats-Pin-Id", self._pin)
        times, sequence, turn = _numbers(message.reply)
        fresh, self._pin = pin != self._pin, pin
        lost, self._turn = turn != self._turn + 1, turn
        if fresh or lost:
            self._keep()
        delivery = Delivery(
            event_id=headers.get(MESSAGE_ID, message.reply),
            name=message.subject.rpartition(".")[2],
            body=message.data,
            reply=message.reply,
            times=times,
            sequence=sequence,
            turn=turn,
            partition=self.partition,
            on_end=self._ended,
            extended_at=time.monotonic(),
        )
        # Delivered again while it runs here: the new acknowledgement is the one that counts.
        earlier = self._open.get(delivery.event_id)
        if earlier is not None:
            earlier.reply, earlier.extended_at = delivery.reply, delivery.extended_at
            earlier.turn = turn
            more, earlier.times = times - earlier.times, times
            earlier.excused += more
            earlier.untouched += more
            return
        returned = self._returns.pop(delivery.event_id, None)
        if returned is not None:
            delivery.excused, delivery.untouched = returned
        self._open[delivery.event_id] = delivery
        self._asked -= 1
        if self._kept is None:
            self._deliver(delivery)
        else:
            self._kept.append(delivery)
        if self._asked <= 0:
            self._news.set()

    def _ended(self, delivery: Delivery, done: bool) -> None:
        if self._open.pop(delivery.event_id, None) is None:
            return
        if self._letting_go or len(self._open) == MAX_OPEN // 2:
            self._news.set()
        if done:
            self._acknowledge(delivery.reply, b"+ACK")
        else:
            self._return(delivery, 0)


def _returned(partition: int) -> str:
    """Return the key of the note about a partition's returned events, below those that a worker may write."""
    return f"suspect.returned-{partition}"


def _numbers(reply: str) -> tuple[int, int, int]:
    """Say how often an event was delivered, its place in the stream and its turn, from where it is acknowledged."""
    parts = reply.split(".")
    # $JS.ACK.<stream>.<consumer>.<times>.<place>.<turn>... or, with domain and account, two words more in front.
    at = 4 if len(parts) == 9 else 6
    try:
        return int(parts[at]), int(parts[at + 1]), int(parts[at + 2])
    except (IndexError, ValueError):
        return 1, 0, 0
