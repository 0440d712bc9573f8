"""Background tasks of the package end when their owner does."""

from __future__ import annotations

import asyncio
import contextlib

from mezon._cluster.protocol import Names
from mezon._cluster.settings import Broker, Layout, Timing
from mezon._cluster.worker_connection import WorkerConnection
from mezon.utils.background import cancel_until_done
from patience import patient


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


async def test_a_heartbeat_that_swallows_its_cancellation_does_not_keep_a_worker() -> None:
    connection = WorkerConnection(Broker(urls="nats://127.0.0.1:1"), Names(1), Layout(), Timing())
    beating = connection._heartbeats = asyncio.create_task(swallows_one_cancellation())
    await asyncio.sleep(0)
    async with asyncio.timeout(patient(10)):
        await connection.close()
    assert beating.cancelled()
