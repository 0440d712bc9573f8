"""Jobs: durable calls of functions, over every backend, in two processes, and across kills."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from bot_process import bot as process
from mezon import InvalidArgumentError
from mezon.ext import jobs
from mezon.ext.commands import Bot, Router
from mezon.ext.jobs import ScheduledCall
from mezon.ext.state import Backend, StateStore
from mezon.testing import LocalGateway
from patience import patient
from state_backends import open_backend
from waiting import until


async def test_a_call_runs_at_its_time_with_its_arguments(gateway: LocalGateway, backend: Backend) -> None:
    bot = Bot(**gateway.client_options(), state=backend)
    router = Router()
    bot.include(router)
    calls: list[Any] = []

    @router.job
    async def note(bot: Bot, what: str, when: datetime, count: int = 1) -> None:
        calls.append((bot, what, when, count))

    await bot.login()
    when = datetime(2026, 1, 30, 9, tzinfo=UTC)
    later = await bot.later(note, hours=1, what="later", when=when)
    soon = await bot.at(note, when, what="Đường", when=when, count=2)
    await until(lambda: bool(calls))
    assert calls == [(bot, "Đường", when, 2)]
    assert soon.when == when

    async def only_later() -> bool:
        return await bot.jobs.all() == [later]

    # The record of a call is deleted after the call.
    await until(only_later)
    assert later.arguments == {"what": "later", "when": "2026-01-30T09:00:00Z"}
    assert await bot.jobs.cancel(later)
    assert not await bot.jobs.cancel(later.id)
    assert await bot.jobs.all("note") == []
    await until_no_keys(bot.records)
    await bot.disconnect()


async def until_no_keys(records: StateStore) -> None:
    while await records.backend.entries(""):  # noqa: ASYNC110 (other connections have no event)
        await asyncio.sleep(0.01)


async def test_two_processes_run_each_call_once(gateway: LocalGateway, kind: str, address: str) -> None:
    if kind == "memory":
        pytest.skip("memory belongs to one process")
    calls: list[tuple[int, int]] = []
    async with open_backend(kind, address) as one, open_backend(kind, address) as other:
        bots = [Bot(**gateway.client_options(), state=backend) for backend in (one, other)]
        for number, bot in enumerate(bots):

            @bot.job
            async def note(index: int, number: int = number) -> None:
                calls.append((number, index))

        for index in range(30):
            await bots[0].later("note", index=index)
        for bot in bots:
            await bot.login()
        await until(lambda: len(calls) >= 30)
        await until_no_keys(bots[0].records)
        for bot in bots:
            await bot.disconnect()
    assert sorted(index for _, index in calls) == list(range(30))


async def test_a_call_that_the_end_of_the_process_cancels_runs_again(
    gateway: LocalGateway, backend: Backend
) -> None:
    started = asyncio.Event()
    block = asyncio.Event()
    done: list[str] = []

    async def work(text: str) -> None:
        started.set()
        await block.wait()
        done.append(text)

    first = Bot(**gateway.client_options(), state=backend)
    await first.login()
    await first.later(first.job(work), text="x")
    await asyncio.wait_for(started.wait(), patient(20))
    await first.disconnect()
    assert done == []
    block.set()
    second = Bot(**gateway.client_options(), state=backend)
    second.job(work)
    await second.login()
    await until(lambda: done == ["x"])
    await second.disconnect()


async def test_missed_calls_run_late_or_are_dropped(
    gateway: LocalGateway, backend: Backend, caplog: pytest.LogCaptureFixture
) -> None:
    bot = Bot(**gateway.client_options(), state=backend)
    done: list[str] = []

    @bot.job
    async def late(text: str) -> None:
        done.append(text)

    @bot.job(missed="skip", grace=10)
    async def exact(text: str) -> None:
        done.append(text)

    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    await bot.at(late, hour_ago, text="late")
    await bot.at(exact, hour_ago, text="dropped")
    await bot.later(exact, text="exact")
    await bot.login()
    await until(lambda: sorted(done) == ["exact", "late"])
    await until_no_keys(bot.records)
    assert "The call of exact at" in caplog.text
    await bot.disconnect()


async def test_errors_go_to_the_handler_and_end_the_call(
    gateway: LocalGateway, caplog: pytest.LogCaptureFixture
) -> None:
    bot = Bot(**gateway.client_options(), state=":memory:")
    handled: list[tuple[Any, Exception]] = []
    reported: list[str] = []
    bot.on_error(lambda error, where: reported.append(f"{where}: {error}"))

    @bot.error_handler
    async def failed(where: Any, error: Exception) -> None:
        handled.append((where, error))

    @bot.job
    async def broken() -> None:
        raise RuntimeError("oops")

    await bot.login()
    await bot.later(broken)
    await until(lambda: bool(reported))
    assert reported == ["the job broken: oops"]
    assert isinstance(handled[0][0], ScheduledCall)
    await until_no_keys(bot.records)
    await bot.disconnect()


async def test_a_call_without_its_function_waits_for_it(
    gateway: LocalGateway, backend: Backend, caplog: pytest.LogCaptureFixture
) -> None:
    bot = Bot(**gateway.client_options(), state=backend)
    done: list[int] = []

    @bot.job
    async def known() -> None: ...

    await bot.login()
    old = StateStore(bot.client_id, backend)
    await old.put("_job.0000000000001_a", b'{"v":1,"d":{"job":"renamed","time":0,"arguments":{"x":"7"}}}')
    await old.put("_job.0000000000002_b", b"damaged")
    await bot.later(known)
    await until(lambda: "there is no job 'renamed'" in caplog.text and "is damaged" in caplog.text)

    @bot.job(name="renamed")
    async def new(x: int) -> None:
        done.append(x)

    await until(lambda: done == [7])
    await bot.disconnect()


async def test_wrong_use_is_refused(gateway: LocalGateway) -> None:
    bot = Bot(**gateway.client_options(), state=":memory:")

    @bot.job
    async def note(text: str) -> None: ...

    async def reserved(minutes: int) -> None: ...
    async def many(*texts: str) -> None: ...

    for function, match in (
        (print, "coroutine function"),
        (reserved, "parameter minutes"),
        (many, "parameter texts"),
        (note.callback, "exists already"),
    ):
        with pytest.raises(InvalidArgumentError, match=match):
            bot.job(function)  # type: ignore[call-overload]
    for arguments in ({}, {"text": 5}, {"text": "x", "other": 1}):
        with pytest.raises(InvalidArgumentError, match="cannot be called later"):
            await bot.later(note, **arguments)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError, match="no time zone"):
        await bot.at(note, datetime(2026, 1, 1), text="x")
    for other in ("unknown", note.callback):
        with pytest.raises(InvalidArgumentError, match="no job of this bot"):
            await bot.later(other, text="x")  # type: ignore[arg-type]
    await bot.disconnect()


async def test_the_time_of_a_call_can_be_any_duration(
    gateway: LocalGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "now", lambda: 1_000_000_000.0)
    bot = Bot(**gateway.client_options(), state=":memory:")

    @bot.job
    async def note(text: str) -> None: ...

    for delay in (timedelta(hours=1, minutes=30), 5400, 5400.0, "90m", "1h30"):
        call = await bot.later(note, delay, text="x")
        assert call.time == 1_000_005_400.0
    assert (await bot.later(note, "1h", minutes=30, text="x")).time == 1_000_005_400.0
    for wrong in ("tomorrow", "90", "", None, True, [5400]):
        with pytest.raises(InvalidArgumentError, match=r"later\(\) takes a timedelta, seconds, or a text"):
            await bot.later(note, wrong, text="x")  # type: ignore[arg-type]
    await bot.disconnect()


REMINDER = """
import os, sys, time
from mezon.ext import jobs
from mezon.ext.commands import Bot, Context

jobs.now = lambda: time.time() + float(os.environ.get("AHEAD", "0"))
jobs.LEASE = 0.5
bot = Bot(
    os.environ["MEZON_BOT_ID"], os.environ["MEZON_API_KEY"],
    message_db=":memory:", http_rate_period=0.0, blocked_loop_warning=0, state=os.environ["STATE_FILE"],
)

@bot.job
async def remind(bot: Bot, channel_id: int, text: str) -> None:
    channel = await bot.channels.fetch(channel_id)
    await channel.send(text)
    if text == "killed":
        os.kill(os.getpid(), 9)

@bot.command("remind")
async def add(ctx: Context, minutes: float, *, text: str) -> None:
    await bot.later(remind, minutes=minutes, channel_id=ctx.channel.id, text=text)
    await ctx.reply("noted")

@bot.on_ready
async def ready(client) -> None:
    print("ready", flush=True)

bot.run()
"""


async def test_a_killed_process_loses_no_call(gateway: LocalGateway, tmp_path: Path) -> None:
    state = {"STATE_FILE": str(tmp_path / "state.db")}
    async with process(REMINDER, gateway, **state) as first:
        assert await first.line() == "ready"
        await gateway.say("general", "alice", "!remind 60 tea")
        assert (await gateway.next_sent("message")).text == "noted"
        first.process.kill()
        await first.process.wait()
    await gateway.wait_disconnected()
    async with process(REMINDER, gateway, AHEAD="7200", **state) as second:
        assert await second.line() == "ready"
        assert (await gateway.next_sent("message")).text == "tea"
        await gateway.say("general", "alice", "!remind 0 killed")
        # The call runs and its process is killed before the record is deleted: the next process runs it again.
        assert {(await gateway.next_sent("message")).text for _ in range(2)} >= {"killed"}
        await second.process.wait()
    await gateway.wait_disconnected()
    async with process(REMINDER.replace("os.kill", "print"), gateway, AHEAD="7200", **state) as third:
        assert await third.line() == "ready"
        assert (await gateway.next_sent("message")).text == "killed"
        third.process.terminate()
        code, _, errors = await third.end()
        assert (code, "Traceback" in errors) == (0, False)


def test_a_claim_outlasts_its_renewals() -> None:
    assert jobs.LEASE / 3 < jobs.POLL < jobs.LEASE
