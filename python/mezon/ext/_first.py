"""Which process of a bot was the first to start: what ``Bot.is_first`` and ``on_ready(once=True)`` ask."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Callable, Iterable
from itertools import takewhile
from typing import Final

from mezon import MezonError
from mezon.ext.state import StateStore
from mezon.utils.logger import get_logger

logger = get_logger("mezon.ext")

#: The record of the running processes.
_KEY: Final = "_processes"
#: Seconds between two signs of life of a process.
RENEW: float = 4.0
#: Seconds without a sign of life after which a process is taken for dead.
DEAD: float = 15.0
#: Seconds between two looks at the other processes.
_POLL: float = 0.5


class FirstProcess:
    """Finds out whether this process started the bot, or joined processes that were running.

    A record lists the processes in the order of their start, each with a token that it changes every few seconds. A
    process that finds others in the list waits until one of them shows that it is alive, or until all of them count as
    dead. Clocks of machines are not compared.

    Args:
        records: Returns the records of the bot.
    """

    def __init__(self, records: Callable[[], StateStore]) -> None:
        self._records = records
        self._name = secrets.token_hex(6)
        self._answer: asyncio.Task[bool] | None = None
        self._renewing: asyncio.Task[None] | None = None

    async def is_first(self) -> bool:
        """Return whether no other process of the bot was running when this one started.

        Raises:
            StateError: If the state cannot be reached.
        """
        if not self._records().is_shared:
            return True
        answer = self._answer
        if answer is None or (answer.done() and (answer.cancelled() or answer.exception() is not None)):
            answer = self._answer = asyncio.create_task(self._find_out(), name="mezon first process")
        return await asyncio.shield(answer)

    async def leave(self) -> None:
        """Remove this process from the list."""
        tasks = [task for task in (self._renewing, self._answer) if task is not None]
        self._renewing = self._answer = None
        for task in tasks:
            task.cancel()
        if not tasks:
            return
        await asyncio.wait(tasks)
        try:
            await self._remove([self._name])
        except MezonError as error:
            logger.debug("The process could not be removed from the state: %s", error)

    async def _find_out(self) -> bool:
        before = await self._change(self._renew)
        # This process is in the list already if an earlier attempt failed after it was added.
        earlier = dict(takewhile(lambda process: process[0] != self._name, before.items()))
        if self._renewing is None:
            self._renewing = asyncio.create_task(self._keep_renewed(), name="mezon process alive")
        end = time.monotonic() + DEAD
        while earlier:
            await asyncio.sleep(_POLL)
            _, now = await self._read()
            # A process that has left was alive as well.
            if any(now.get(name) != token for name, token in earlier.items()):
                return False
            if time.monotonic() >= end:
                await self._remove(earlier)
                break
        return True

    async def _keep_renewed(self) -> None:
        # The token of each process, and when it was seen first.
        seen: dict[str, tuple[str, float]] = {}
        while True:
            await asyncio.sleep(RENEW)
            try:
                before, now = await self._change(self._renew), time.monotonic()
                seen = {
                    name: seen[name] if name in seen and seen[name][0] == token else (token, now)
                    for name, token in before.items()
                }
                dead = [name for name, (_, since) in seen.items() if now - since > 2 * DEAD]
                if dead:
                    await self._remove(dead)
            except MezonError as error:
                logger.debug("The process could not renew its sign of life: %s", error)

    def _renew(self, processes: dict[str, str]) -> None:
        processes[self._name] = secrets.token_hex(4)

    async def _remove(self, names: Iterable[str]) -> None:
        def remove(processes: dict[str, str]) -> None:
            for name in names:
                processes.pop(name, None)

        await self._change(remove)

    async def _read(self) -> tuple[int, dict[str, str]]:
        """Return the revision of the record and the tokens of the processes by name, in the order of their start."""
        entry = await self._records().get(_KEY)
        if entry is None:
            return 0, {}
        try:
            return entry.revision, dict(json.loads(entry.value)["d"])
        except (ValueError, KeyError, TypeError):
            return entry.revision, {}

    async def _change(self, change: Callable[[dict[str, str]], object]) -> dict[str, str]:
        """Change the record, and return what it was before."""
        while True:
            revision, before = await self._read()
            processes = dict(before)
            change(processes)
            stored = json.dumps({"v": 1, "d": processes}).encode()
            # The record of a bot that no longer runs expires.
            if await self._records().put(_KEY, stored, revision, 4 * DEAD) is not None:
                return before
