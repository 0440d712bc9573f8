"""Background tasks of the package end when their owner does."""

from __future__ import annotations

import asyncio
import contextlib

from mezon.utils.background import cancel_until_done


async def swallows_one_cancellation() -> None:
    """As ``asyncio.wait_for`` of Python 3.11 does with one that arrives together with its result."""
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.Event().wait()
    await asyncio.Event().wait()


async def test_a_swallowed_cancellation_is_repeated() -> None:
    async def forever() -> None:
        await asyncio.Event().wait()

    async def ended() -> None:
        pass

    tasks = [asyncio.create_task(one()) for one in (swallows_one_cancellation, forever, ended)]
    await asyncio.sleep(0)
    await cancel_until_done(*tasks)
    assert [task.cancelled() for task in tasks] == [True, True, False]


async def test_without_tasks_nothing_is_awaited() -> None:
    await cancel_until_done()
