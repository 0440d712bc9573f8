"""What a client does that nobody waits for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Coroutine

logger = get_logger("mezon.client")


class Background:
    """Runs coroutines beside everything else, and ends them with the client."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def run(self, coroutine: Coroutine[Any, Any, Any], what: str) -> None:
        """Run a coroutine behind the HTTP calls of handlers; a failure is logged with its traceback.

        Args:
            coroutine: What to run.
            what: What it does, for the warning.
        """
        from mezon.api import Priority, prioritized

        with prioritized(Priority.BACKGROUND):
            task = asyncio.get_running_loop().create_task(_guarded(coroutine, what), name=f"mezon: {what}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # One that was cancelled before its first step has never awaited it.
        task.add_done_callback(lambda done: coroutine.close())

    def forget_closed_loops(self) -> None:
        """Forget what an earlier loop has left: it ended with the loop."""
        self._tasks = {task for task in self._tasks if not task.get_loop().is_closed()}

    async def stop(self, caller: asyncio.Task[Any] | None = None, timeout: float = 1.0) -> None:
        """Cancel what runs on this loop, except the task `caller`, which waits for this."""
        loop = asyncio.get_running_loop()
        rest = [task for task in self._tasks if task is not caller and not task.done()]
        rest = [task for task in rest if task.get_loop() is loop]
        for task in rest:
            task.cancel()
        if rest:
            await asyncio.wait(rest, timeout=timeout)


async def _guarded(coroutine: Coroutine[Any, Any, Any], what: str) -> None:
    try:
        await coroutine
    except (asyncio.CancelledError, GeneratorExit, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        logger.warning("%s failed: %s", what, error, exc_info=error)
