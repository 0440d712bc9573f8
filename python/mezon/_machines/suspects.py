"""Finds the event that kills its workers, and no other: what comes again is begun alone, and that is noted before.

When a worker dies, everything it had comes again; only one of these events was the cause, and most often none: machines
are restarted. So a second delivery is nothing special. What comes a third time is begun by itself, with a note in a
bucket that says so, and the note goes when it has ended or has run for a while. A note that is still there when the
event comes once more means that the worker died with it.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections import deque
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from mezon._machines.broker import api
from mezon.errors import MezonError
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from nats.aio.client import Client

    from mezon._machines.delivery import Delivery
    from mezon._machines.names import Names

logger = get_logger("mezon.machines")

#: Deliveries among many others, before an event is begun alone.
_TRUSTED: Final = 2

#: Seconds an event is given to show that it does no harm.
_TRIAL: Final = 5.0


class Suspects:
    """Lets events that come again begin one by one, in the order of their partition.

    Args:
        client: The connection to NATS.
        names: The bot's names.
        deliveries: So many workers may die with an event: among others at first, then alone.
        go: Hands an event to the handlers, or puts it in the line for them.
        bury: Puts an event away, with the reason.
    """

    def __init__(
        self,
        client: Client,
        names: Names,
        deliveries: int,
        go: Callable[[Delivery], None],
        bury: Callable[[Delivery, str], None],
    ) -> None:
        self._client = client
        self._names = names
        self._trusted = max(1, min(_TRUSTED, deliveries - 1))
        self._limit = deliveries - self._trusted
        self._go = go
        self._bury = bury
        self._lines: dict[int, deque[Delivery]] = {}
        self._task: asyncio.Task[None] | None = None

    def takes(self, delivery: Delivery) -> bool:
        """Take an event that came too often, or one behind such in its partition; False for every other."""
        line = self._lines.get(delivery.partition)
        if line is None:
            if delivery.times <= self._trusted:
                return False
            line = self._lines[delivery.partition] = deque()
        line.append(delivery)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="mezon-suspects")
        return True

    async def stop(self) -> None:
        """Begin nothing more."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        self._lines.clear()

    async def _run(self) -> None:
        while self._lines:
            partition, line = next(iter(self._lines.items()))
            delivery = line.popleft()
            try:
                await self._begin(delivery)
            except MezonError as error:
                logger.warning("An event that came again is begun without a note: %s", error)
                self._go(delivery)
            # To the end of the turns, so that one partition does not hold up the others.
            del self._lines[partition]
            if line:
                self._lines[partition] = line

    async def _begin(self, delivery: Delivery) -> None:
        if delivery.ended:
            return
        if delivery.times <= self._trusted:
            self._go(delivery)
            return
        key = f"suspect.{blake2b(delivery.event_id.encode(), digest_size=12).hexdigest()}"
        deaths = await self._deaths(key)
        if deaths >= self._limit:
            self._bury(delivery, f"{deaths} workers died with it")
            await self._note(key, None)
            return
        await self._note(key, deaths + 1)
        self._go(delivery)
        await delivery.wait_ended(_TRIAL)
        await self._note(key, None)

    async def _deaths(self, key: str) -> int:
        bucket = self._names.notes
        found = await api(
            self._client,
            f"STREAM.MSG.GET.KV_{bucket}",
            {"last_by_subj": f"$KV.{bucket}.{key}"},
            absent_is_none=True,
        )
        if found is None:
            return 0
        noted: Any = json.loads(base64.b64decode(found["message"].get("data", "")) or b"0")
        return noted if isinstance(noted, int) else 0

    async def _note(self, key: str, deaths: int | None) -> None:
        headers = None if deaths is not None else {"KV-Operation": "PURGE", "Nats-Rollup": "sub"}
        data = b"" if deaths is None else str(deaths).encode()
        try:
            await self._client.request(f"$KV.{self._names.notes}.{key}", data, timeout=5, headers=headers)
        except Exception as error:
            raise MezonError(f"no note could be left: {error or type(error).__name__}") from None
