"""The end of a client: what its handlers have begun, and the lists they have not been given yet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from mezon._events.batches import Batch
from mezon._events.workers import Workers


async def finish(
    running: Mapping[Any, asyncio.Task[None]],
    forget: Callable[[Any], None],
    lists: Iterable[Batch],
    workers: Workers,
    timeout: float,
) -> None:
    """Hand over what waits, let handlers end, cancel those that have not after `timeout` seconds; not the caller."""
    loop = asyncio.get_running_loop()
    until = loop.time() + timeout
    # One turn, so that what has just begun comes to its first step, as it would without the end.
    await asyncio.sleep(0)
    await workers.begun()
    while True:
        waited = sum(one.waits for one in lists)
        for one in lists:
            one.hand_over()
        waits = sum(one.waits for one in lists)
        tasks, left = _others(running, forget), until - loop.time()
        if tasks and left > 0:
            await asyncio.wait(tasks, timeout=left)
        elif waits in (0, waited):
            # All is handed over, or the handler of what is left is busy for good: it may be the caller.
            break
    tasks = _others(running, forget)
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=1.0)


def _others(
    running: Mapping[Any, asyncio.Task[None]], forget: Callable[[Any], None]
) -> set[asyncio.Task[None]]:
    """Give the tasks of handlers on this loop, but not the caller's."""
    current, loop = asyncio.current_task(), asyncio.get_running_loop()
    for outcome, task in list(running.items()):
        if task.get_loop() is not loop and task.get_loop().is_closed():
            forget(outcome)
    return {
        task
        for outcome, task in running.items()
        if task is not current and outcome is not current and task.get_loop() is loop and not task.done()
    }
