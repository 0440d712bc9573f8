"""Finds the event that kills its workers, by counting deaths of workers instead of deliveries.

When a worker dies, all its events are redelivered. At most one of them was the cause, and usually none: machines are
restarted. So a second delivery is normal, and a delivery that ended without a death does not count. An event with which
two workers may have died is put on trial: a note in a bucket says that the event is being started, and the note is
removed when the event has ended or has run for a while. A note that is still there when the event is redelivered means
that a worker died while the event ran.

Events are tried together at first, because most are harmless. Those whose note remains are tried alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import deque
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from mezon._cluster.broker import last_value
from mezon._cluster.log_throttle import LogThrottle
from mezon._cluster.protocol import error_text
from mezon.errors import MezonError
from mezon.utils.background import cancel_until_done
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from nats.aio.client import Client

    from mezon._cluster.delivery import Delivery
    from mezon._cluster.protocol import Names

logger = get_logger("mezon.cluster")

#: Workers that may die with an event, among many others, before the event is tried.
_MAX_UNTRIED_DEATHS: Final = 2

#: Events tried together.
_TRIAL_SIZE: Final = 64

#: Seconds that removing the notes may take when the worker stops.
_STOP_TIMEOUT: Final = 1.0

#: Seconds that writing or removing a note may take.
_NOTE_TIMEOUT: Final = 5.0

#: Seconds after which an event that still runs has passed its trial.
_TRIAL_DURATION: Final = 5.0


class PoisonDetector:
    """Starts suspected events together at first and then one by one, in the order of their partition.

    Args:
        client: The connection to NATS.
        names: The bot's names.
        max_deaths: Workers that may die with an event before it is dead-lettered.
        start: Starts the handlers of an event, or queues it for them.
        dead_letter: Dead-letters an event with the reason.
    """

    def __init__(
        self,
        client: Client,
        names: Names,
        max_deaths: int,
        start: Callable[[Delivery], None],
        dead_letter: Callable[[Delivery, str], None],
    ) -> None:
        self._client = client
        self._names = names
        self._max_untried = max(1, min(_MAX_UNTRIED_DEATHS, max_deaths - 1))
        self._max_tried = max_deaths - self._max_untried
        self._start = start
        self._dead_letter = dead_letter
        self._queues: dict[int, deque[Delivery]] = {}
        self._task: asyncio.Task[None] | None = None
        #: The events of the current trial that have been started.
        self._started: set[Delivery] = set()
        #: The events with a note.
        self._noted: set[Delivery] = set()
        self._failures = LogThrottle(logger)

    def intercept(self, delivery: Delivery) -> bool:
        """Queue a suspected event, or one behind a suspected event of its partition. Return False for other events."""
        queue = self._queues.get(delivery.partition)
        if queue is None:
            if delivery.possible_deaths <= self._max_untried:
                return False
            queue = self._queues[delivery.partition] = deque()
        queue.append(delivery)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="mezon-poison-detector")
        return True

    async def stop(self) -> None:
        """Start no more events, and remove the notes: a worker that stops in order was not killed by an event."""
        task, self._task = self._task, None
        if task is not None:
            await cancel_until_done(task)
        self._queues.clear()
        with contextlib.suppress(MezonError):
            await asyncio.gather(*(self._remove_note(delivery, _STOP_TIMEOUT) for delivery in self._noted))

    async def _run(self) -> None:
        while self._queues:
            trial = self._next_trial()
            self._started.clear()
            try:
                await self._try(trial)
            except MezonError as error:
                self._failures.warning("Redelivered events are started without a note: %s", error)
                for delivery in trial:
                    self._start_once(delivery)
            # Move the partitions to the end, so that one partition does not delay the others.
            for partition in {delivery.partition for delivery in trial}:
                queue = self._queues.pop(partition, None)
                if queue:
                    self._queues[partition] = queue

    def _next_trial(self) -> list[Delivery]:
        """Take the suspected events at the heads of the queues, and start the other events there.

        A queue whose events are all started is removed. One with an event in the trial remains until the trial is over,
        so that events of its partition that arrive meanwhile are queued behind.
        """
        trial: list[Delivery] = []
        for partition, queue in list(self._queues.items()):
            on_trial = False
            while queue and len(trial) < _TRIAL_SIZE:
                if queue[0].ended:
                    queue.popleft()
                elif queue[0].possible_deaths > self._max_untried:
                    on_trial = True
                    trial.append(queue.popleft())
                elif on_trial:
                    break
                else:
                    self._start(queue.popleft())
            if not queue and not on_trial:
                del self._queues[partition]
        return trial

    async def _try(self, trial: list[Delivery]) -> None:
        """Start these events together; one after another if a worker has died while one of them was tried."""
        deaths = await asyncio.gather(*(self._noted_deaths(delivery) for delivery in trial))
        if self._max_tried > 1 and not any(deaths):
            await self._observe(trial, 1)
            return
        for delivery, died in zip(trial, deaths, strict=True):
            if died >= self._max_tried:
                if not delivery.ended:
                    self._started.add(delivery)
                    self._dead_letter(delivery, f"{died} workers died with it")
                await self._remove_note(delivery)
            else:
                await self._observe([delivery], died + 1)

    async def _observe(self, trial: list[Delivery], deaths: int) -> None:
        """Start events under notes with this number of deaths, and remove the notes of those that pass."""
        await asyncio.gather(*(self._write_note(delivery, deaths) for delivery in trial))
        for delivery in trial:
            self._start_once(delivery)
        await asyncio.gather(*(delivery.wait_ended(_TRIAL_DURATION) for delivery in trial))
        await asyncio.gather(*(self._remove_note(delivery) for delivery in trial))

    def _start_once(self, delivery: Delivery) -> None:
        if not delivery.ended and delivery not in self._started:
            self._started.add(delivery)
            self._start(delivery)

    async def _noted_deaths(self, delivery: Delivery) -> int:
        found = await last_value(self._client, self._names.notes, _note_key(delivery))
        noted: Any = json.loads(found or b"0")
        return noted if isinstance(noted, int) else 0

    async def _write_note(self, delivery: Delivery, deaths: int) -> None:
        self._noted.add(delivery)
        await self._request(delivery, str(deaths).encode(), None, _NOTE_TIMEOUT)

    async def _remove_note(self, delivery: Delivery, timeout: float = _NOTE_TIMEOUT) -> None:
        await self._request(delivery, b"", {"KV-Operation": "PURGE", "Nats-Rollup": "sub"}, timeout)
        self._noted.discard(delivery)

    async def _request(
        self, delivery: Delivery, data: bytes, headers: dict[str, str] | None, timeout: float
    ) -> None:
        subject = f"$KV.{self._names.notes}.{_note_key(delivery)}"
        try:
            await self._client.request(subject, data, timeout=timeout, headers=headers)
        except Exception as error:
            raise MezonError(f"a note cannot be written: {error_text(error)}") from None


def _note_key(delivery: Delivery) -> str:
    return f"suspect.{blake2b(delivery.event_id.encode(), digest_size=12).hexdigest()}"
