"""Background tasks: named, kept until they end, cancelled with their owner, failures logged."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final

from mezon.errors import InvalidArgumentError, MezonError
from mezon.utils.user_code import full_tracebacks, involves_user_code

__all__ = ["BackgroundTasks", "cancel_until_done"]

#: Seconds between two cancellations of a task.
_CANCEL_INTERVAL: Final = 0.2


async def cancel_until_done(*tasks: asyncio.Future[Any]) -> None:
    """Cancel tasks and wait for their end.

    The cancellation is repeated, because ``asyncio.wait_for`` of Python 3.11, which nats-py uses, swallows one that
    arrives together with the result. Not for tasks whose cleanup must not be interrupted.
    """
    while pending := [task for task in tasks if not task.done()]:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=_CANCEL_INTERVAL)


def _needs_traceback(error: BaseException) -> bool:
    """Return whether the log shows the traceback of an error, and not only its text.

    The text of an error of the server or of the connection is a sentence of this package about what has failed. The
    frames say more only if code of the bot is among them.
    """
    if not isinstance(error, MezonError) or isinstance(error, InvalidArgumentError) or not str(error):
        return True
    return full_tracebacks() or involves_user_code(error)


class BackgroundTasks:
    """The tasks of one owner that nobody awaits. The event loop itself keeps only weak references to tasks.

    Args:
        logger: The logger of failures.
        context: Entered while a task is created, so that the task inherits the context variables set by it.
        level: The level of failures.
    """

    def __init__(
        self,
        logger: logging.Logger,
        *,
        context: Callable[[], AbstractContextManager[object]] = nullcontext,
        level: int = logging.WARNING,
    ) -> None:
        self._logger = logger
        self._context = context
        self._level = level
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def spawn(self, coroutine: Coroutine[Any, Any, Any], what: str) -> asyncio.Task[None]:
        """Run a coroutine as a task of the running loop.

        Args:
            coroutine: What to run.
            what: What it does: the name of the task, and the subject of the log line if it fails.
        """
        with self._context():
            task = asyncio.get_running_loop().create_task(self._run(coroutine, what), name=f"mezon: {what}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # A task that is cancelled before its first step never awaits the coroutine.
        task.add_done_callback(lambda _: coroutine.close())
        return task

    async def _run(self, coroutine: Coroutine[Any, Any, Any], what: str) -> None:
        try:
            await coroutine
        except (asyncio.CancelledError, GeneratorExit, KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            shown = error if _needs_traceback(error) else None
            self._logger.log(self._level, "%s failed: %s", what, error, exc_info=shown)

    async def wait(self) -> None:
        """Wait until every task has ended."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    def forget_closed_loops(self) -> None:
        """Forget the tasks of loops that were closed: they ended with their loop."""
        self._tasks = {task for task in self._tasks if not task.get_loop().is_closed()}

    def cancel(self) -> None:
        """Cancel every task."""
        for task in list(self._tasks):
            if not task.get_loop().is_closed():
                task.cancel()

    async def stop(self, caller: asyncio.Task[Any] | None = None, timeout: float = 1.0) -> None:
        """Cancel the tasks of the running loop and wait for their end.

        Args:
            caller: A task that waits for this call: neither cancelled nor waited for.
            timeout: Seconds to wait for tasks that do not end at once.
        """
        loop = asyncio.get_running_loop()
        tasks = [task for task in self._tasks if task is not caller and not task.done()]
        tasks = [task for task in tasks if task.get_loop() is loop]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=timeout)
