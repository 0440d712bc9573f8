"""Says what became of events: done, again, still running. One task for a worker: each word is a line to the server."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Final

from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from nats.aio.client import Client

    from mezon._cluster.delivery import Delivery
    from mezon._cluster.settings import Timing

logger = get_logger("mezon.cluster")

#: Words that wait for a connection; the oldest are dropped above it, and their events come again.
MAX_WAITING: Final = 50_000

_IN_PROGRESS: Final = b"+WPI"


class Acknowledger:
    """Takes words without waiting, and brings them to the server.

    While the connection is lost the last word of each event is kept, within ``MAX_WAITING``; that an event is in
    progress is only said to a server that hears it.

    Args:
        client: The connection to NATS.
        timing: How long an event may go without a word.
        running: The events that are not done.
    """

    def __init__(self, client: Client, timing: Timing, running: Callable[[], Iterable[Delivery]]) -> None:
        self._client = client
        self._timing = timing
        self._running = running
        #: By subject, oldest first.
        self._words: dict[str, bytes] = {}
        #: Words that were dropped because too many waited.
        self.dropped = 0
        self._news = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin the work."""
        self._tasks = [
            asyncio.create_task(self._write(), name="mezon-acknowledge"),
            asyncio.create_task(self._extend(), name="mezon-in-progress"),
        ]

    def say(self, subject: str, word: bytes) -> None:
        """Take a word: ``+ACK``, ``-NAK``, ``+WPI`` or ``+TERM``."""
        if word == _IN_PROGRESS and len(self._words) >= MAX_WAITING:
            return
        self._words[subject] = word
        if len(self._words) > MAX_WAITING:
            if not self.dropped:
                logger.warning(
                    "More than %d acknowledgements wait for NATS; the oldest are dropped, and their events come again",
                    MAX_WAITING,
                )
            self.dropped += 1
            del self._words[next(iter(self._words))]
        self._news.set()

    async def stop(self) -> None:
        """Bring what is left, and end."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        with contextlib.suppress(Exception):
            await self._flush()
            await self._client.flush(timeout=2)

    async def _write(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            try:
                await self._flush()
            except Exception as error:
                # What is not acknowledged comes again, and is known by its id.
                logger.debug("Events were not acknowledged: %s", error or type(error).__name__)
                await asyncio.sleep(self._timing.beat)
                self._news.set()

    async def _flush(self) -> None:
        words = self._words
        while words:
            if not self._client.is_connected:
                # The client would keep them in a buffer of its own.
                raise ConnectionError("the connection to NATS is lost")
            subject = next(iter(words))
            word = words.pop(subject)
            try:
                await self._client.publish(subject, word)
            except BaseException:
                words.setdefault(subject, word)
                raise

    async def _extend(self) -> None:
        """Say of what still runs that it is in progress, well before it would come again."""
        pause = self._timing.ack_wait / 4
        while True:
            await asyncio.sleep(pause)
            if not self._client.is_connected:
                continue
            now = time.monotonic()
            for delivery in self._running():
                if now - delivery.extended_at >= pause:
                    delivery.extended_at = now
                    self.say(delivery.reply, _IN_PROGRESS)
