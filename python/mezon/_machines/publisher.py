"""Brings events into the stream: in order, each once, whatever happens to the connection.

Events go out in batches: all of a batch at once, and the next batch when the server has confirmed this one. If a
confirmation is missing, the batch is sent again from the first that was not confirmed, over a new connection; the
stream drops by their id those it has. Because nothing is sent behind an event whose fate is unknown, no event can
overtake another, which a client that reconnects by itself and flushes what it has left could not promise.

Of a large batch the last event alone asks for a confirmation, which saves a third. The number in it proves the others:
the relay in charge is the only one that puts events into the stream, so the stream must have grown by as many as were
sent. If it has not, all are sent again, and each is asked for.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from mezon._machines.broker import connect, gone
from mezon._machines.names import MESSAGE_ID
from mezon.errors import MezonError
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from nats.aio.client import Client
    from nats.aio.msg import Msg

    from mezon._machines.settings import Broker

logger = get_logger("mezon.machines")

#: Events of one batch.
BATCH: Final = 512

#: Events above which the last one answers for all.
_ONE_BY_ONE: Final = 8

#: Seconds a batch may take to be confirmed, and seconds before the next try after a failure.
_PATIENCE: Final = 5.0
_PAUSE: Final = 0.5


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
    """

    published: int = 0
    repeated: int = 0
    retries: int = 0
    waiting: int = 0


class Publisher:
    """Publishes the events of one bot. Bounded: ``room`` says how many more it takes.

    Args:
        broker: Where NATS is. The publisher has a connection of its own.
        bound: Events that may wait.
        in_charge: Whether it is certain that no other relay publishes.

    Attributes:
        on_room: Called when it takes events again after it took none.
        trouble: What is wrong while events cannot be confirmed; None while all is well.
    """

    def __init__(
        self, broker: Broker, bound: int = 8 * BATCH, in_charge: Callable[[], bool] = lambda: True
    ) -> None:
        self._broker = broker
        self._bound = bound
        self._in_charge = in_charge
        #: The stream's last number, when it is known; None asks for each event.
        self._last: int | None = None
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
        left = batch
        while left:
            try:
                left = await self._once(left)
            except (MezonError, OSError, TimeoutError) as error:
                self._say(str(error) or type(error).__name__)
            if left:
                self.stats.retries += 1
                # What is on its way on the old connection must not come behind what is sent now.
                await self._disconnect()
                await asyncio.sleep(_PAUSE)
            elif self.trouble is not None:
                logger.info("Events reach NATS again")
                self.trouble = None

    def _say(self, trouble: str) -> None:
        if self.trouble is None:
            logger.warning(
                "Events do not reach NATS: %s; they wait, and the socket is read no further", trouble
            )
        self.trouble = trouble

    async def _once(self, batch: list[Outgoing]) -> list[Outgoing]:
        """Send a batch; gives what was not confirmed, from the first such event on."""
        from nats import errors

        if self._client is None or not self._client.is_connected:
            await self._disconnect()
            self._client = await connect(self._broker, reconnect=False, on_lost=self._confirmed.set)
            self._inbox = self._client.new_inbox()
            await self._client.subscribe(f"{self._inbox}.>", cb=self._answered)
        client, before = self._client, self._last
        if not self._in_charge():
            raise MezonError("another relay may be in charge")
        # How many do not ask for a confirmation of their own.
        silent = len(batch) - 1 if before is not None and len(batch) > _ONE_BY_ONE else 0
        self._confirmed.clear()
        self._sent = {str(number): event for number, event in enumerate(batch) if number >= silent}
        self._number += 1
        inbox = f"{self._inbox}.{self._number}"
        try:
            for number, event in enumerate(batch):
                headers = {MESSAGE_ID: event.event_id}
                reply = f"{inbox}.{number}" if number >= silent else ""
                await client.publish(event.subject, event.body, reply=reply, headers=headers)
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
        if "seq" not in answer:
            # No stream, no leader, no room: all of these may pass.
            wrong = answer.get("error", {}).get("description") or "no stream takes them"
            self._say(str(wrong))
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
        self._sent, self._last = {}, None
        if client is not None:
            await gone(client)
