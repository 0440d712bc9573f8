"""One implementation of SIGINT and SIGTERM: the first stops in order, a second one interrupts."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys

import pytest
from mezon.utils.signals import run_process, run_until_signal, stop_on_signal
from patience import patient

SIGNALS = [signal.SIGINT, signal.SIGTERM]


@pytest.mark.parametrize("number", SIGNALS)
async def test_the_first_signal_calls_stop_on_the_loop(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    names: list[str] = []
    with stop_on_signal(names.append):
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)  # ignored without a forced exit
        assert names == []
        await asyncio.sleep(0)
        assert names == [number.name]
    assert signal.getsignal(number) is before


@pytest.mark.parametrize("number", SIGNALS)
async def test_a_signal_cancels_the_work(number: signal.Signals) -> None:
    ended: list[str] = []

    async def work() -> None:
        try:
            os.kill(os.getpid(), number)
            await asyncio.get_running_loop().create_future()
        finally:
            ended.append("work")

    await run_until_signal(work())
    assert ended == ["work"]


async def test_an_error_of_the_work_is_raised() -> None:
    async def work() -> None:
        raise LookupError("no configuration")

    with pytest.raises(LookupError, match="no configuration"):
        await run_until_signal(work())


def test_a_second_signal_interrupts_and_the_loop_is_closed() -> None:
    loops: list[asyncio.AbstractEventLoop] = []
    ended: list[str] = []

    async def main(stopped: asyncio.Event) -> None:
        loops.append(asyncio.get_running_loop())
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            await stopped.wait()
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.get_running_loop().create_future()
        finally:
            ended.append("main")

    def handled(forced_exit):  # type: ignore[no-untyped-def]
        async def run() -> None:
            stopped = asyncio.Event()
            with stop_on_signal(lambda name: stopped.set(), forced_exit):
                await main(stopped)

        return run()

    with pytest.raises(KeyboardInterrupt):
        run_process(handled)
    assert ended == ["main"]
    assert loops[0].is_closed()


STUBBORN = """
import asyncio, signal
from mezon.utils.signals import run_process

# A shell starts background processes, and with them these tests, with SIGINT ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)

async def stubborn():
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            {cancelled}

async def main(forced_exit):
    task = asyncio.create_task(stubborn(), name="work")
    main.task = task
    await asyncio.sleep(0)
    return 7

print(run_process(main))
"""


def run_stubborn(cancelled: str) -> subprocess.CompletedProcess[str]:
    """Run a process with a task that executes a statement instead of ending when it is cancelled."""
    code = STUBBORN.format(cancelled=cancelled)
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=patient(60), check=False
    )


def test_a_task_that_ignores_its_cancellation_is_abandoned() -> None:
    done = run_stubborn("pass")
    assert (done.returncode, done.stdout) == (0, "7\n")
    assert "stubborn" in done.stderr
    assert "of work ignores its cancellation" in done.stderr
    assert "was destroyed" not in done.stderr


def test_a_signal_during_the_cancellation_abandons_the_tasks_at_once() -> None:
    interrupt = "asyncio.get_running_loop().call_soon(signal.raise_signal, signal.SIGINT)"
    done = run_stubborn(interrupt)
    assert done.returncode == -signal.SIGINT
    assert "KeyboardInterrupt" in done.stderr
    assert "of work ignores its cancellation" in done.stderr
    assert "was destroyed" not in done.stderr
