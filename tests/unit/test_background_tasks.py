"""`mezon.utils.background`: the one home of tasks that nobody awaits."""

from __future__ import annotations

import asyncio
import logging

import pytest
from mezon import MezonClient
from mezon.errors import InvalidArgumentError, MezonConnectionError, MezonError
from mezon.utils.background import BackgroundTasks
from mezon.utils.single_flight import SingleFlight

logger = logging.getLogger("mezon.test")


async def test_wait_returns_when_every_task_has_ended_by_itself() -> None:
    tasks, gate, ended = BackgroundTasks(logger), asyncio.Event(), []

    async def work(number: int) -> None:
        await gate.wait()
        ended.append(number)

    for number in range(3):
        tasks.spawn(work(number), "a piece of work")
    waiting = asyncio.ensure_future(tasks.wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    gate.set()
    await waiting
    assert (ended, len(tasks)) == ([0, 1, 2], 0)
    await tasks.wait()


async def test_a_failure_is_logged_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise ValueError("no")

    tasks = BackgroundTasks(logger, level=logging.ERROR)
    tasks.spawn(fail(), "the work")
    await tasks.wait()
    [record] = caplog.records
    assert (record.levelname, record.getMessage()) == ("ERROR", "the work failed: no")
    assert record.exc_info is not None
    assert record.exc_info[0] is ValueError


async def test_cancelled_tasks_end_and_close_their_coroutines() -> None:
    async def work() -> None:
        await asyncio.Event().wait()

    tasks, coroutine = BackgroundTasks(logger), work()
    tasks.spawn(coroutine, "the work")
    tasks.cancel()  # before its first step
    await tasks.wait()
    assert coroutine.cr_frame is None


@pytest.mark.parametrize("full", [False, True])
async def test_an_error_of_the_connection_needs_no_traceback(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, full: bool
) -> None:
    if full:
        monkeypatch.setenv("MEZON_TRACEBACK", "full")
    client = MezonClient(1, "key", message_db=False)
    tasks = BackgroundTasks(logger)
    tasks.spawn(client.channels.fetch(5), "the call")
    await tasks.wait()
    [record] = caplog.records
    assert record.getMessage().startswith("the call failed: this needs a session")
    assert (record.exc_info is not None) == full


@pytest.mark.parametrize("error", [InvalidArgumentError("a mistake of the package"), MezonError()], ids=repr)
async def test_other_errors_of_the_package_keep_their_traceback(
    caplog: pytest.LogCaptureFixture, error: MezonError
) -> None:
    flight = SingleFlight[int, None]()
    failing = asyncio.get_running_loop().create_future()
    failing.set_exception(error)
    tasks = BackgroundTasks(logger)
    tasks.spawn(flight.run(1, lambda: failing), "the call")
    await tasks.wait()
    assert caplog.records[0].exc_info is not None


async def test_an_error_in_code_of_the_bot_keeps_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    async def on_error() -> None:
        raise MezonConnectionError("the connection is closed")

    tasks = BackgroundTasks(logger)
    tasks.spawn(on_error(), "on_error")
    await tasks.wait()
    assert caplog.records[0].exc_info is not None
