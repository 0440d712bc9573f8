"""A thread for one thing."""

from __future__ import annotations

import asyncio
import threading

import pytest
from mezon.utils.own_thread import in_a_thread
from waiting import until


def threads() -> int:
    return sum(thread.name == "mezon-aside" for thread in threading.enumerate())


async def test_it_gives_the_result_and_ends() -> None:
    where = await in_a_thread(threading.current_thread)
    assert where is not threading.current_thread()
    await until(lambda: threads() == 0, "the thread to end")


async def test_an_error_is_the_callers() -> None:
    def fail() -> None:
        raise ValueError("no good")

    with pytest.raises(ValueError, match="no good"):
        await in_a_thread(fail)


async def test_who_waits_no_longer_is_not_told() -> None:
    go_on = threading.Event()
    waiting = in_a_thread(lambda: go_on.wait(20))
    waiting.cancel()
    go_on.set()
    await until(lambda: threads() == 0, "the thread to end")
    await asyncio.sleep(0)
    assert waiting.cancelled()


def test_a_loop_that_is_closed_meanwhile_is_not_told() -> None:
    go_on = threading.Event()

    async def begin() -> None:
        in_a_thread(lambda: go_on.wait(20))

    asyncio.run(begin())
    go_on.set()
    for thread in threading.enumerate():
        if thread.name == "mezon-aside":
            thread.join(20)
    assert threads() == 0
