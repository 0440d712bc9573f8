"""Reads the events of a worker in the liveness thread, so that what arrives while the main loop is blocked stays here.

An event that the server has delivered must be acknowledged or reported as in progress within ``ack_wait``, even if no
handler has seen it: otherwise it is delivered again, perhaps to another worker.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mezon._cluster.broker import last_value
from mezon._cluster.protocol import error_text
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from nats.aio.msg import Msg

    from mezon._cluster.direct_client import DirectClient
    from mezon._cluster.settings import Timing

    #: Receives a message, and the time at which its deadline was extended last.
    Receiver = Callable[[Msg, float], None]

logger = get_logger("mezon.cluster")


@dataclass(slots=True)
class InTransit:
    """An event that was read and that the main loop has not looked at.

    Attributes:
        reply: The subject of its acknowledgement.
        extended_at: When its deadline was extended last.
        started: Whether a handler may have seen it: no.
    """

    reply: str
    extended_at: float
    started: bool = False


class EventIntake:
    """Sends the pull requests of a worker, and passes on what the server sends for them.

    An event is dropped if it may have been in the socket for more than half of ``ack_wait``: its deadline was not
    extended in that time, and the server is about to redeliver it. A ping bounds that time: what is read after its
    answer was sent after the ping.

    Args:
        client: The connection to NATS of the thread.
        timing: How long an event may go without a progress report.
        run: Runs a coroutine in the thread.
        in_main_loop: Wraps a function, so that it runs in the main loop.
    """

    def __init__(
        self,
        client: DirectClient,
        timing: Timing,
        run: Callable[[Coroutine[Any, Any, Any]], Awaitable[Any]],
        in_main_loop: Callable[[Callable[[], None]], Callable[[], None]],
    ) -> None:
        self._client = client
        self._timing = timing
        self._run = run
        self._schedule_pass_on = in_main_loop(self._pass_on)
        self._scheduled = False
        self._arrived: deque[tuple[Receiver, Msg]] = deque()
        self._in_transit: dict[str, InTransit] = {}
        #: What is read now was sent after this time.
        self._sent_after = time.monotonic()

    def in_transit(self) -> list[InTransit]:
        """Return the events that the main loop has not looked at. The liveness thread calls it."""
        return list(self._in_transit.values())

    # ---- in the thread

    async def keep_bound(self) -> None:
        """Measure until cancelled how long messages may wait in the socket."""
        while True:
            began = time.monotonic()
            try:
                async with asyncio.timeout(self._timing.ack_wait / 2):
                    await self._client.flush()
                self._sent_after = began
            except Exception as error:
                logger.debug("NATS did not answer a ping: %s", error_text(error))
            await asyncio.sleep(self._timing.heartbeat / 2)

    def reconnected(self) -> None:
        """Note that what is read now was sent to a new connection."""
        self._sent_after = time.monotonic()

    def _take(self, receive: Receiver, message: Msg) -> None:
        if message.reply:
            if time.monotonic() - self._sent_after > self._timing.ack_wait / 2:
                logger.debug("An event was read too late and is left to its redelivery")
                return
            self._in_transit[message.reply] = InTransit(message.reply, self._sent_after)
        self._arrived.append((receive, message))
        if not self._scheduled:
            self._scheduled = True
            self._schedule_pass_on()

    # ---- in the main loop

    def _pass_on(self) -> None:
        # First: what arrives from here on schedules another call.
        self._scheduled = False
        while self._arrived:
            receive, message = self._arrived.popleft()
            extended_at = 0.0
            if message.reply:
                extended_at = self._in_transit[message.reply].extended_at
                if time.monotonic() - extended_at > self._timing.ack_wait:
                    del self._in_transit[message.reply]
                    continue
            try:
                receive(message, extended_at)
            finally:
                self._in_transit.pop(message.reply, None)

    async def subscribe(self, inbox: str, receive: Receiver) -> PullInbox:
        """Receive what the server sends to an inbox."""

        subscribing = self._client.subscribe_direct(inbox, lambda message: self._take(receive, message))
        return PullInbox(self, inbox, await self._run(subscribing))

    async def request(self, subject: str, body: bytes, timeout: float) -> None:
        """Make a request in the thread: a main loop that is late would time out before it reads the answer."""
        await self._run(self._client.request(subject, body, timeout=timeout))

    async def last_value(self, bucket: str, key: str) -> bytes | None:
        """Read the value of a key in the thread; None if there is none."""
        found: bytes | None = await self._run(last_value(self._client, bucket, key))
        return found


class PullInbox:
    """Where the answers to the pull requests of one partition arrive. Its methods are called in the main loop.

    Args:
        intake: What reads them.
        inbox: Its subject.
        subscription: The subscription in the thread.
    """

    def __init__(self, intake: EventIntake, inbox: str, subscription: Any) -> None:
        self._intake = intake
        self._inbox = inbox
        self._subscription = subscription

    async def pull(self, subject: str, request: bytes) -> None:
        """Send a pull request: by the connection of the subscription, so that the server knows the inbox."""
        await self._intake._run(self._intake._client.publish(subject, request, reply=self._inbox))

    async def drain(self) -> None:
        """Unsubscribe, and wait until everything that the server has sent has been passed on."""
        with contextlib.suppress(Exception):
            await self._intake._run(self._subscription.drain())
