"""Schedules of a bot in several processes: each run is claimed in the state that they share."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from mezon.ext import tasks
from mezon.ext.commands import Bot
from mezon.ext.state import Backend, StateStore
from mezon.ext.tasks import Every, Task
from mezon.testing import LocalGateway
from patience import patient
from state_backends import open_backend
from waiting import until


@contextlib.asynccontextmanager
async def two_bots(gateway: LocalGateway, kind: str, address: str) -> AsyncIterator[list[Bot]]:
    """Two processes of one bot, as far as the bot can tell: each has a client and a connection to the backend."""
    if kind == "memory":
        pytest.skip("memory belongs to one process")
    async with open_backend(kind, address) as one, open_backend(kind, address) as other:
        bots = [Bot(**gateway.client_options(), state=backend) for backend in (one, other)]
        yield bots
        for bot in bots:
            await bot.disconnect()


class Clock:
    """The wall clock of the schedules, which a test sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
        self.now = datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
        monkeypatch.setattr(tasks, "MAX_SLEEP", 0.01)
        monkeypatch.setattr(tasks.time, "time", lambda: self.now)


def schedule(bots: list[Bot], calls: list[int], **options: Any) -> list[Task]:
    def add(number: int, bot: Bot) -> Task:
        @bot.cron("* * * * *", **options)
        async def announce() -> None:
            calls.append(number)

        return announce

    return [add(number, bot) for number, bot in enumerate(bots)]


async def test_a_run_happens_in_one_process(
    gateway: LocalGateway, kind: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    each: list[int] = []
    clock = Clock(monkeypatch, "2026-11-25T09:59:30")
    async with two_bots(gateway, kind, address) as bots:
        once = schedule(bots, calls)
        all_of_them = schedule(bots, each, each_worker=True)
        for bot in bots:
            await bot.login()
        for minute in range(1, 4):
            await until(lambda: all(one.next_time is not None and one.next_time > clock.now for one in once))
            clock.now = (once[0].next_time or 0) + 2
            await until(lambda minute=minute: sum(one.runs + one.elsewhere for one in once) == 2 * minute)
            await until(lambda minute=minute: len(each) == 2 * minute)
            assert len(calls) == minute
            # The scheduler skips a run while the one before it has not ended.
            await until(lambda: not any(one._active for one in [*once, *all_of_them]))
        # The process that is left runs all of them.
        await bots[0].disconnect()
        count = len(calls)
        clock.now += 60
        await until(lambda: len(calls) == count + 1)
        assert calls[-1] == 1


async def test_a_clock_that_was_set_back_stops_no_schedule(
    gateway: LocalGateway, kind: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    clock = Clock(monkeypatch, "2026-11-25T10:59:30")
    async with two_bots(gateway, kind, address) as bots:
        (announce, _) = schedule(bots, calls)
        await bots[0].login()
        await until(lambda: announce.next_time is not None)
        clock.now += 32
        await until(lambda: calls == [0])
        clock.now -= 3600
        await until(lambda: announce.next_time is not None and announce.next_time < clock.now + 60)
        clock.now += 60
        await until(lambda: calls == [0, 0])


async def test_unusable_state_is_an_error_of_the_run(
    gateway: LocalGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    reported: list[str] = []
    clock = Clock(monkeypatch, "2026-11-25T09:59:30")
    (tmp_path / "state.db").write_text("no database" * 1000)
    bot = Bot(**gateway.client_options(), state=tmp_path / "state.db")
    bot.on_error(lambda error, where: reported.append(f"{where}: {error}"))
    (announce,) = schedule([bot], calls)
    await bot.login()
    await until(lambda: announce.next_time is not None)
    clock.now += 32
    await until(lambda: bool(reported))
    assert reported[0].startswith("the task announce: ")
    assert "damaged" in reported[0]
    assert (calls, announce.runs) == ([], 0)
    await bot.disconnect()


async def test_damaged_claim_is_replaced(
    gateway: LocalGateway, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    clock = Clock(monkeypatch, "2026-11-25T09:59:30")
    backend.shared = True
    bot = Bot(**gateway.client_options(), state=backend)
    await StateStore(bot.client_id, backend).put("_schedule.announce", b"x")
    (announce,) = schedule([bot], calls)
    await bot.login()
    await until(lambda: announce.next_time is not None)
    clock.now += 32
    await until(lambda: calls == [0])
    await bot.disconnect()


async def test_a_bot_with_the_default_file_claims_nothing(
    gateway: LocalGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    bot = Bot(**gateway.client_options())
    ran = asyncio.Event()

    @bot.every(seconds=60, at_start=True)
    async def announce() -> None:
        ran.set()

    await bot.login()
    await asyncio.wait_for(ran.wait(), patient(20))
    await bot.disconnect()
    assert list(tmp_path.rglob("*state*")) == []  # noqa: ASYNC240 (the bot has ended)


async def test_tasks_of_one_name_have_claims_of_their_own(gateway: LocalGateway, tmp_path: Path) -> None:
    bot = Bot(**gateway.client_options(), state=tmp_path / "state.db")
    done: list[str] = []

    def add(name: str) -> None:
        @bot.every(seconds=60, at_start=True)
        async def announce() -> None:
            done.append(name)

    add("one")
    add("two")
    await bot.login()
    await until(lambda: sorted(done) == ["one", "two"])
    assert [key for key, _ in await bot.records.keys()] == ["_schedule.announce", "_schedule.announce_2"]
    await bot.disconnect()


def test_an_interval_holds_for_all_processes_and_across_restarts() -> None:
    five = Every(5)
    assert not five.follows(102.0, 100.0)
    assert five.follows(104.9, 100.0)
    assert five.follows(105.0, 100.0)
    assert Every(0.02).follows(0.019, 0.0)
    assert not Every(3600).follows(3590.0, 0.0)
