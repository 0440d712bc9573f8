"""The end of a client: what its handlers have begun, and the lists they have not been given yet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from mezon._events.batches import Batch


async def finish(
    running: Mapping[Any, asyncio.Task[None]],
    forget: Callable[[Any], None],
    lists: Iterable[Batch],
    timeout: float,
    caller: asyncio.Task[Any] | None,
    last: bool,
) -> None:
    """Hand over the lists that wait, let handlers end, and cancel those that have not after `timeout` seconds.

    Args:
        running: What handlers returned, and the task of each.
        forget: Called with what ended with its loop.
        lists: The handlers of lists.
        timeout: Seconds until the handlers are cancelled.
        caller: The task that waits for this: neither waited for nor cancelled.
        last: Nobody hands over the lists after this: drop what is left of them, with a warning. Handlers that have
            ignored an earlier cancellation are not waited for a second time.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + timeout
    ignored = {task for task in _others(running, forget, caller) if task.cancelling()} if last else set()
    # One turn, so that what has just begun comes to its first step, as it would without the end.
    await asyncio.sleep(0)
    while True:
        for one in lists:
            one.hand_over()
        # One turn for the first step of the handlers of lists, one for the end of those that do not suspend.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        if any(one.ready for one in lists):
            continue
        tasks, left = _others(running, forget, caller) - ignored, until - loop.time()
        if not tasks or left <= 0:
            # Everything is handed over, or the handlers of what is left are busy; one of them may be the caller.
            break
        await asyncio.wait(tasks, timeout=left)
    if last:
        for one in lists:
            one.drop()
    tasks = _others(running, forget, caller) - ignored
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=1.0)


def _others(
    running: Mapping[Any, asyncio.Task[None]],
    forget: Callable[[Any], None],
    caller: asyncio.Task[Any] | None,
) -> set[asyncio.Task[None]]:
    """Return the tasks of handlers on this loop, except the caller's."""
    loop = asyncio.get_running_loop()
    for outcome, task in list(running.items()):
        if task.get_loop() is not loop and task.get_loop().is_closed():
            forget(outcome)
    return {
        task
        for outcome, task in running.items()
        if task is not caller and outcome is not caller and task.get_loop() is loop and not task.done()
    }
