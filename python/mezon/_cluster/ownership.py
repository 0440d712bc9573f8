"""Keeps the readers of a worker in step with the partitions that belong to it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from mezon._cluster.membership import owners_of
from mezon._cluster.reader import Reader
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mezon._cluster.delivery import Delivery
    from mezon._cluster.membership import Members

logger = get_logger("mezon.cluster")

#: Seconds that giving a partition free may take, when all has ended.
_LAST_WORD: Final = 2.0


class Ownership:
    """The partitions of one worker.

    Args:
        me: The worker's name.
        members: Who lives.
        partitions: How many there are.
        make_reader: Makes the reader of a partition.
        patience: Seconds that running handlers have when a partition goes.
    """

    def __init__(
        self,
        me: str,
        members: Members,
        partitions: int,
        make_reader: Callable[[int], Reader],
        patience: float,
    ) -> None:
        self._me = me
        self._members = members
        self._partitions = partitions
        self._make_reader = make_reader
        self._patience = patience
        self._readers: dict[int, Reader] = {}
        self._leaving: dict[int, Reader] = {}
        self._going: dict[int, asyncio.Task[None]] = {}
        self._stopped = False

    @property
    def mine(self) -> list[int]:
        """The partitions it reads."""
        return sorted(self._readers)

    def open(self) -> Iterator[Delivery]:
        """Give every event that is not done yet, those of partitions that are about to go too."""
        for reader in [*self._readers.values(), *self._leaving.values()]:
            yield from reader.open

    def settle(self) -> None:
        """Look who lives, let go what belongs to others, take what belongs to this worker."""
        if self._stopped:
            return
        owners = owners_of(self._partitions, self._members.taking)
        wanted = {part for part, owner in owners.items() if owner == self._me}
        for partition in [one for one in self._readers if one not in wanted]:
            self._let_go(partition)
        taken = 0
        for partition in sorted(wanted):
            # One that is being given away comes back when it is free.
            if partition not in self._readers and partition not in self._going:
                reader = self._readers[partition] = self._make_reader(partition)
                reader.start()
                taken += 1
        if taken:
            logger.info("This worker reads %d of %d partitions", len(self._readers), self._partitions)

    def _let_go(self, partition: int) -> None:
        reader = self._readers.pop(partition)
        self._leaving[partition] = reader
        task = asyncio.create_task(reader.let_go(self._patience), name=f"mezon-let-go-{partition}")
        self._going[partition] = task
        task.add_done_callback(lambda _: self._gone(partition))

    def _gone(self, partition: int) -> None:
        self._going.pop(partition, None)
        self._leaving.pop(partition, None)
        self.settle()

    async def stop(self, patience: float) -> None:
        """Let go of everything; what still runs has so many seconds."""
        self._stopped = True
        self._patience = patience
        for partition in list(self._readers):
            self._let_go(partition)
        if self._going:
            # Those that were to wait longer as well: their handlers have had their time.
            _, late = await asyncio.wait(list(self._going.values()), timeout=patience + _LAST_WORD)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)
