"""Finds the event that kills its workers, and no other, by counting deaths of workers instead of deliveries.

When a worker dies, everything it had comes again; only one of these events was the cause, and most often none: machines
are restarted. So a second delivery is nothing special, and what a living worker gave back does not count at all. An
event with which two workers may have died is tried: a note in a bucket says that it is being begun, and goes when the
event has ended or has run for a while. A note that is still there when the event comes once more means that a worker
died while it ran.

Many events are tried together at first, for most are innocent; those whose note is still there afterwards are tried
alone.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections import deque
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from mezon._cluster.broker import api
from mezon.errors import MezonError
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from nats.aio.client import Client

    from mezon._cluster.delivery import Delivery
    from mezon._cluster.names import Names

logger = get_logger("mezon.cluster")

#: Workers that may die with an event among many others, before it is tried.
_TRUSTED: Final = 2

#: Events that are tried together.
_TOGETHER: Final = 64

#: Seconds that removing the notes may take when the worker ends.
_LAST_WORD: Final = 1.0

#: Seconds an event is given to show that it does no harm.
_TRIAL: Final = 5.0


class Suspects:
    """Lets suspected events begin together at first and then one by one, in the order of their partition.

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
        #: Of the trial: what has begun, and what a note counts against.
        self._begun: set[Delivery] = set()
        self._noted: set[Delivery] = set()

    def takes(self, delivery: Delivery) -> bool:
        """Take an event that came too often, or one behind such in its partition; False for every other."""
        line = self._lines.get(delivery.partition)
        if line is None:
            if delivery.lives <= self._trusted:
                return False
            line = self._lines[delivery.partition] = deque()
        line.append(delivery)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="mezon-suspects")
        return True

    async def stop(self) -> None:
        """Begin nothing more. A worker that ends in order has not died of what it tries."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        self._lines.clear()
        with contextlib.suppress(MezonError):
            await asyncio.gather(*(self._note(delivery, None, _LAST_WORD) for delivery in self._noted))

    async def _run(self) -> None:
        while self._lines:
            trial = self._next_trial()
            self._begun.clear()
            try:
                await self._try(trial)
            except MezonError as error:
                logger.warning("Events that came again are begun without a note: %s", error)
                for delivery in trial:
                    self._begin(delivery)
            # To the end of the turns, so that one partition does not hold up the others.
            for partition in {delivery.partition for delivery in trial}:
                line = self._lines.pop(partition, None)
                if line:
                    self._lines[partition] = line

    def _next_trial(self) -> list[Delivery]:
        """Take the suspected events at the heads of the lines, and begin the others that stand there.

        A line whose events are all begun is removed; one with an event in the trial stays until the trial is over, so
        that what comes for it meanwhile waits behind.
        """
        trial: list[Delivery] = []
        for partition, line in list(self._lines.items()):
            tried = False
            while line and len(trial) < _TOGETHER:
                if line[0].ended:
                    line.popleft()
                elif line[0].lives > self._trusted:
                    tried = True
                    trial.append(line.popleft())
                elif tried:
                    break
                else:
                    self._go(line.popleft())
            if not line and not tried:
                del self._lines[partition]
        return trial

    async def _try(self, trial: list[Delivery]) -> None:
        """Begin these events: all at once, or one after the other if a worker died in the trial of any."""
        deaths = await asyncio.gather(*(self._deaths(delivery) for delivery in trial))
        if self._limit > 1 and not any(deaths):
            await self._observe(trial, 1)
            return
        for delivery, died in zip(trial, deaths, strict=True):
            if died >= self._limit:
                if not delivery.ended:
                    self._begun.add(delivery)
                    self._bury(delivery, f"{died} workers died with it")
                await self._note(delivery, None)
            else:
                await self._observe([delivery], died + 1)

    async def _observe(self, trial: list[Delivery], deaths: int) -> None:
        """Begin events under a note that counts for each unless it is removed."""
        await asyncio.gather(*(self._note(delivery, deaths) for delivery in trial))
        for delivery in trial:
            self._begin(delivery)
        await asyncio.gather(*(delivery.wait_ended(_TRIAL) for delivery in trial))
        await asyncio.gather(*(self._note(delivery, None) for delivery in trial))

    def _begin(self, delivery: Delivery) -> None:
        if not delivery.ended and delivery not in self._begun:
            self._begun.add(delivery)
            self._go(delivery)

    async def _deaths(self, delivery: Delivery) -> int:
        bucket, key = self._names.notes, _key(delivery)
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

    async def _note(self, delivery: Delivery, deaths: int | None, patience: float = 5.0) -> None:
        if deaths is not None:
            self._noted.add(delivery)
        headers = None if deaths is not None else {"KV-Operation": "PURGE", "Nats-Rollup": "sub"}
        data = b"" if deaths is None else str(deaths).encode()
        try:
            await self._client.request(
                f"$KV.{self._names.notes}.{_key(delivery)}", data, timeout=patience, headers=headers
            )
        except Exception as error:
            raise MezonError(f"no note could be left: {error or type(error).__name__}") from None
        if deaths is None:
            self._noted.discard(delivery)


def _key(delivery: Delivery) -> str:
    return f"suspect.{blake2b(delivery.event_id.encode(), digest_size=12).hexdigest()}"
