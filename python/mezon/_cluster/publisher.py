"""Brings events into the stream: in order, each once, whatever happens to the connection.

Events go out in batches: all of a batch at once, and the next batch when the server has confirmed this one. If a
confirmation is missing, the batch is sent again from the first that was not confirmed, over a new connection; the
stream drops by their id those it has. Because nothing is sent behind an event whose fate is unknown, no event can
overtake another, which a client that reconnects by itself and flushes what it has left could not promise.

Of a large batch the last event alone asks for a confirmation, which saves a third. The number in it proves the others:
the relay in charge is the only one that puts events into the stream, so the stream must have grown by as many as were
sent. If it has not, all are sent again, and each is asked for.

A stream that is full refuses events, and would take a small one behind a large one that it has refused. So no more is
sent than fits for certain: the publisher counts the bytes it has sent since it last asked how many the stream holds,
and asks again before the count reaches the limit. While nothing fits, it holds.
"""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from mezon._cluster.broker import api, connect, gone, message_size
from mezon._cluster.dead_letters import dead_message
from mezon._cluster.names import MESSAGE_ID
from mezon.errors import MezonError
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from nats.aio.client import Client
    from nats.aio.msg import Msg

    from mezon._cluster.names import Names
    from mezon._cluster.settings import Broker

logger = get_logger("mezon.cluster")

#: Events of one batch.
BATCH: Final = 512

#: Events above which the last one answers for all.
_ONE_BY_ONE: Final = 8

#: Seconds a batch may take to be confirmed, and seconds before the next try after a failure.
_PATIENCE: Final = 5.0
_PAUSE: Final = 0.5

#: Seconds between two looks whether a full stream has room.
_LOOK: Final = 0.1

#: Seconds between two warnings that events do not reach the stream: one that is full is full again soon.
_WARN_AGAIN: Final = 30.0

#: Bytes that the server stores for an event beyond its subject, headers and body, rounded up.
_RECORD: Final = 64

#: Who puts an event away that no worker has seen.
_RELAY: Final = "relay"


@dataclass(slots=True)
class Outgoing:
    """One event on its way.

    Attributes:
        subject: Where it goes.
        body: The encoded message.
        event_id: By which the stream knows it again.
    """

    subject: str
    body: bytes = field(repr=False)
    event_id: str


@dataclass(slots=True)
class PublisherStats:
    """Counters.

    Attributes:
        published: Events the stream has confirmed.
        repeated: Events it had already.
        retries: Batches that were sent more than once.
        waiting: Events that are not confirmed yet.
        too_large: Events that do not fit into a message or the stream, and were put away with the dead ones.
    """

    published: int = 0
    repeated: int = 0
    retries: int = 0
    waiting: int = 0
    too_large: int = 0


def _headers(event: Outgoing) -> dict[str, str]:
    return {MESSAGE_ID: event.event_id}


def _stored(event: Outgoing) -> int:
    """Return the bytes an event takes in the stream, at most."""
    return len(event.subject) + len(event.body) + len(event.event_id) + _RECORD


@dataclass(frozen=True, slots=True)
class _Limits:
    """What server and stream take.

    Attributes:
        payload: Bytes of a message at the server, headers included.
        message: The same of the stream.
        bytes: Bytes of all events in the stream.
        held: Bytes it held when it was asked.
    """

    payload: float = math.inf
    message: float = math.inf
    bytes: float = math.inf
    held: int = 0

    @property
    def smallest(self) -> float:
        """Bytes that pass all of them."""
        return min(self.payload, self.message, self.bytes)

    def refuse(self, event: Outgoing) -> str:
        """Return why an event can never be published, or an empty text."""
        size = message_size(event.body, _headers(event))
        if size > self.payload:
            return f"it takes {size} bytes, and NATS carries {self.payload} in one message (max_payload)"
        if size > self.message:
            return f"it takes {size} bytes, and the stream takes messages of {self.message} (max_msg_size)"
        if _stored(event) > self.bytes:
            return f"it takes {size} bytes, and the stream holds {self.bytes} (max_bytes)"
        return ""


class Publisher:
    """Publishes the events of one bot. Bounded: ``room`` says how many more it takes.

    Args:
        broker: Where NATS is. The publisher has a connection of its own.
        names: The bot's names.
        bound: Events that may wait.
        in_charge: Whether it is certain that no other relay publishes.

    Attributes:
        on_room: Called when it takes events again after it took none.
        trouble: What is wrong while events cannot be confirmed; None while all is well.
    """

    def __init__(
        self,
        broker: Broker,
        names: Names,
        bound: int = 8 * BATCH,
        in_charge: Callable[[], bool] = lambda: True,
    ) -> None:
        self._broker = broker
        self._names = names
        self._bound = bound
        self._in_charge = in_charge
        #: The stream's last number, when it is known; None asks for each event.
        self._last: int | None = None
        #: The limits of the server and the stream.
        self._limits = _Limits()
        #: Bytes that are certain to fit into the stream.
        self._fits = 0.0
        #: Events of the next batch at most: a refusal makes it one, and each batch that is confirmed doubles it.
        self._most = BATCH
        self._warned_at = -_WARN_AGAIN
        self._warned = False
        self._waiting: deque[Outgoing] = deque()
        self._news = asyncio.Event()
        self._progress = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._client: Client | None = None
        self._inbox = ""
        self._number = 0
        self._sent: dict[str, Outgoing] = {}
        self._confirmed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.stats = PublisherStats()
        self.on_room: Callable[[], None] = lambda: None
        self.trouble: str | None = None

    def start(self) -> None:
        """Begin to publish."""
        self._task = asyncio.create_task(self._run(), name="mezon-publisher")

    @property
    def room(self) -> int:
        """How many events it takes now."""
        return max(self._bound - len(self._waiting), 0)

    async def wait_room(self) -> None:
        """Wait until it takes an event."""
        await self._room.wait()

    def put(self, event: Outgoing) -> None:
        """Take an event. Ask for ``room`` first: one too many is taken all the same, nothing is dropped."""
        self._waiting.append(event)
        self.stats.waiting = len(self._waiting)
        if len(self._waiting) >= self._bound:
            self._room.clear()
        self._news.set()

    async def drain(self, timeout: float) -> bool:
        """Wait until everything is confirmed; False when that takes too long."""
        try:
            async with asyncio.timeout(timeout):
                while self._waiting:
                    await self._progress.wait()
        except TimeoutError:
            return False
        return True

    async def stop(self) -> None:
        """End, with what is not confirmed left out."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self._disconnect()

    async def _run(self) -> None:
        while True:
            if not self._waiting:
                self._news.clear()
                await self._news.wait()
            batch = [self._waiting[at] for at in range(min(BATCH, len(self._waiting)))]
            await self._bring(batch)
            for _ in batch:
                self._waiting.popleft()
            self.stats.waiting = len(self._waiting)
            progress, self._progress = self._progress, asyncio.Event()
            progress.set()
            if not self._room.is_set() and len(self._waiting) < self._bound:
                self._room.set()
                self.on_room()

    async def _bring(self, batch: list[Outgoing]) -> None:
        """Have a batch confirmed, however often it takes."""
        from nats import errors

        left, held = list(batch), False
        while left:
            failed, count = False, 0
            try:
                client = await self._connected()
                await self._put_away_too_large(client, left)
                count = await self._fitting(client, left)
                if count:
                    unconfirmed = await self._once(client, left[:count])
                    failed = bool(unconfirmed)
                    left = unconfirmed + left[count:]
            except (MezonError, errors.Error, OSError, TimeoutError) as error:
                self._say(str(error) or type(error).__name__)
                failed = True
            if failed:
                held = True
                self.stats.retries += 1
                # What is on its way on the old connection must not come behind what is sent now.
                await self._disconnect()
                await asyncio.sleep(_PAUSE)
            elif count:
                self._most = min(2 * self._most, BATCH)
            elif left:
                held = True
                await asyncio.sleep(_LOOK)
        # A stream that was full may be full again with the next batch: the trouble is over with one that never waited.
        if self.trouble is not None and (not held or len(self._waiting) <= len(batch)):
            self.trouble = None
            if self._warned:
                self._warned = False
                logger.info("Events reach NATS again")

    def _say(self, trouble: str) -> None:
        self.trouble = trouble
        now = time.monotonic()
        if not self._warned and now - self._warned_at >= _WARN_AGAIN:
            self._warned, self._warned_at = True, now
            logger.warning(
                "Events do not reach NATS: %s; they wait, and the socket is read no further", trouble
            )

    async def _connected(self) -> Client:
        """Return the connection, made if there is none."""
        if self._client is None or not self._client.is_connected:
            await self._disconnect()
            client = self._client = await connect(self._broker, reconnect=False, on_lost=self._confirmed.set)
            self._inbox = client.new_inbox()
            await client.subscribe(f"{self._inbox}.>", cb=self._answered)
            await self._look_at_stream(client)
        return self._client

    async def _look_at_stream(self, client: Client) -> None:
        """Ask for the limits of the stream, and how many bytes it holds."""
        known = await api(client, f"STREAM.INFO.{self._names.events}")
        assert known is not None
        config, held = known["config"], int(known["state"]["bytes"])
        bound, largest = int(config.get("max_bytes", -1)), int(config.get("max_msg_size", -1))
        self._limits = _Limits(
            client.max_payload, largest if largest > 0 else math.inf, bound if bound > 0 else math.inf, held
        )
        self._fits = self._limits.bytes - held

    async def _fitting(self, client: Client, events: list[Outgoing]) -> int:
        """Return how many of these events, from the first on, are certain to fit into the stream."""
        events = events[: self._most]
        if sum(map(_stored, events)) > self._fits:
            await self._look_at_stream(client)
        room, count = self._fits, 0
        for event in events:
            room -= _stored(event)
            if room < 0:
                break
            count += 1
        if events and not count:
            limits = self._limits
            self._say(
                f"the stream of events is full ({limits.held} of {limits.bytes} bytes, its max_bytes) until workers "
                "have handled some"
            )
        return count

    async def _put_away_too_large(self, client: Client, events: list[Outgoing]) -> None:
        """Take out the events that can never be published; each goes to the dead ones, with the limit as the reason."""
        smallest = self._limits.smallest
        for event in [event for event in events if _stored(event) > smallest]:
            reason = self._limits.refuse(event)
            if reason:
                await self._bury(client, event, reason)
                events.remove(event)

    async def _bury(self, client: Client, event: Outgoing, reason: str) -> None:
        from nats import errors

        _, partition, name = event.subject.rsplit(".", 2)
        subject, body, headers = dead_message(
            self._names,
            name,
            event.body,
            event.event_id,
            int(partition),
            reason,
            _RELAY,
            client.max_payload,
        )
        try:
            answer = await client.request(subject, body, timeout=_PATIENCE, headers=headers)
            wrong = json.loads(answer.data).get("error")
        except (errors.Error, TimeoutError, ValueError) as error:
            if not client.is_connected:
                raise MezonError(str(error) or type(error).__name__) from None
            wrong = error or type(error).__name__
        self.stats.too_large += 1
        if wrong:
            logger.error(
                "Dropped an event (%s): %s; it could not be put away either: %s", name, reason, wrong
            )
        else:
            logger.error("An event (%s) was put away, see `mezon dlq list`: %s", name, reason)

    async def _once(self, client: Client, batch: list[Outgoing]) -> list[Outgoing]:
        """Send a batch that fits; gives what was not confirmed, from the first such event on."""
        from nats import errors

        before = self._last
        if not self._in_charge():
            raise MezonError("another relay may be in charge")
        # How many do not ask for a confirmation of their own.
        silent = len(batch) - 1 if before is not None and len(batch) > _ONE_BY_ONE else 0
        self._confirmed.clear()
        self._sent = {str(number): event for number, event in enumerate(batch) if number >= silent}
        self._number += 1
        self._fits -= sum(map(_stored, batch))
        inbox = f"{self._inbox}.{self._number}"
        try:
            for number, event in enumerate(batch):
                reply = f"{inbox}.{number}" if number >= silent else ""
                await client.publish(event.subject, event.body, reply=reply, headers=_headers(event))
            async with asyncio.timeout(_PATIENCE):
                await self._confirmed.wait()
        except TimeoutError:
            self._say(f"no confirmation within {_PATIENCE:g} s")
        except errors.Error as error:
            self._say(str(error) or type(error).__name__)
        if silent and before is not None:
            if not self._sent and self._last == before + len(batch):
                self.stats.published += silent
                return []
            # It is not certain that all are there: each is asked for, and those that are there are dropped.
            self._last = None
            return batch
        # Sent again from the first that is missing: those behind it which are there are dropped by their id.
        first = min(map(int, self._sent), default=len(batch))
        return batch[first:]

    async def _answered(self, message: Msg) -> None:
        batch, _, number = message.subject.removeprefix(f"{self._inbox}.").partition(".")
        if number not in self._sent or batch != str(self._number):
            return
        try:
            answer: dict[str, Any] = json.loads(message.data or b"{}")
        except ValueError:
            answer = {}
        wrong = answer.get("error")
        if wrong or not answer.get("seq"):
            # No stream, no leader, no room on the disk: all of these may pass. A refusal has a number too: 0.
            self._most = 1
            self._say(str((wrong or {}).get("description") or "no stream takes them"))
            self._confirmed.set()
            return
        del self._sent[number]
        self._last = max(self._last or 0, int(answer["seq"]))
        self.stats.published += 1
        self.stats.repeated += bool(answer.get("duplicate"))
        if not self._sent:
            self._confirmed.set()

    async def _disconnect(self) -> None:
        client, self._client = self._client, None
        self._sent, self._last, self._fits = {}, None, 0.0
        if client is not None:
            await gone(client)
