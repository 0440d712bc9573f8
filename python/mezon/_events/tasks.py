"""How handlers are called, and how their tasks are made."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any, Final, Protocol, TypeAlias

Handlers: TypeAlias = "tuple[Callable[..., Any], ...]"

#: These end a process: they go on, but not before everybody else has been told of the event.
ENDS: Final = (KeyboardInterrupt, SystemExit)


class MakeTask(Protocol):
    """Makes a task that begins at once, where Python can do that."""

    # A name that is given costs less than the one asyncio makes up.
    def __call__(self, coroutine: Coroutine[Any, Any, None], /, *, name: str) -> asyncio.Task[None]: ...


def being_cancelled() -> bool:
    """Say whether the running task was asked to stop, or somebody merely raises CancelledError in it."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def is_failure(error: BaseException) -> bool:
    """Say whether what came out of an awaited handler is an error of it.

    A GeneratorExit is one that the handler raised, or comes from who closes the coroutine that awaits it: then no frame
    but that one has seen it.
    """
    if isinstance(error, GeneratorExit):
        return error.__traceback__ is not None and error.__traceback__.tb_next is not None
    return not isinstance(error, (asyncio.CancelledError, *ENDS))


async def wait_for(awaitable: Awaitable[Any]) -> None:
    """Make a coroutine of anything that can be awaited."""
    await awaitable


def task_on_running_loop(coroutine: Coroutine[Any, Any, None], *, name: str) -> asyncio.Task[None]:
    """Make a task on the loop that runs."""
    return asyncio.get_running_loop().create_task(coroutine, name=name)


def plain_tasks(loop: asyncio.AbstractEventLoop) -> bool:
    """Say whether the loop's tasks are asyncio's own, made the way asyncio makes them."""
    return loop.get_task_factory() is None and isinstance(loop, asyncio.BaseEventLoop)


def task_maker(loop: asyncio.AbstractEventLoop) -> MakeTask:
    """Give the shortest way to a task on this loop."""
    if not plain_tasks(loop):
        return loop.create_task
    if sys.version_info >= (3, 12):
        # A handler that awaits nothing is done without a turn of the loop.
        return partial(asyncio.Task, loop=loop, eager_start=True)
    return partial(asyncio.Task, loop=loop)
