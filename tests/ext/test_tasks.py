"""Tasks by the clock: when they run, when not, and what becomes of their errors."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from ext_kit import until
from mezon import GatewayOptions, InvalidArgumentError, MezonConnectionError
from mezon.ext import tasks
from mezon.ext.commands import Bot, Router
from mezon.ext.tasks import Every, cron_times
from mezon.testing import LocalGateway


def at(text: str, zone: str = "UTC") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def times(line: str, zone: str, start: str, count: int) -> list[str]:
    found = islice(cron_times(line, ZoneInfo(zone), at(start, zone)), count)
    return [f"{datetime.fromtimestamp(one, ZoneInfo(zone)):%a %Y-%m-%d %H:%M %z}" for one in found]


def test_cron_lines_are_read_in_their_zone() -> None:
    assert times("0 9 * * 1-5", "Asia/Ho_Chi_Minh", "2026-11-27T09:00", 2) == [
        "Mon 2026-11-30 09:00 +0700",
        "Tue 2026-12-01 09:00 +0700",
    ]
    assert times("*/20 8-9 1 * *", "UTC", "2026-11-01T09:30", 2) == [
        "Sun 2026-11-01 09:40 +0000",
        "Tue 2026-12-01 08:00 +0000",
    ]
    # The clocks go forward: the hour from two to three is left out; and back: it comes twice, the run once.
    assert times("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00", 2) == [
        "Sun 2026-03-29 03:00 +0200",
        "Mon 2026-03-30 02:30 +0200",
    ]
    assert times("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00", 2) == [
        "Sun 2026-10-25 02:30 +0200",
        "Mon 2026-10-26 02:30 +0100",
    ]


def test_times_at_a_fixed_distance_do_not_drift() -> None:
    assert list(islice(Every(5).times(100), 3)) == [105, 110, 115]
    assert list(islice(Every(5, at_start=True).times(100), 3)) == [100, 105, 110]


@pytest.mark.parametrize("line", ["", "0 9 * *", "61 * * * *", "whenever"])
def test_what_is_no_cron_line_is_refused(bot: Bot, line: str) -> None:
    with pytest.raises(InvalidArgumentError, match="cron line"):
        bot.cron(line)(nothing)


async def nothing() -> None: ...


def test_wrong_settings_are_refused(bot: Bot) -> None:
    for add in (
        lambda: bot.every()(nothing),
        lambda: bot.every(seconds=-1)(nothing),
        lambda: bot.every(minutes=1, overlap="queue")(nothing),  # type: ignore[arg-type]
        lambda: bot.every(minutes=1, missed="all")(nothing),  # type: ignore[arg-type]
        lambda: bot.every(minutes=1)(print),
        lambda: bot.cron("* * * * *", tz="Mars/Base")(nothing),
    ):
        with pytest.raises(InvalidArgumentError):
            add()


async def test_a_task_starts_and_stops_with_the_client(gateway: LocalGateway, bot: Bot) -> None:
    runs: list[str] = []
    router = Router()
    bot.include(router)

    @router.every(seconds=0.02, at_start=True)
    async def often() -> None:
        runs.append(bot.state)
        channel = await bot.channels.fetch(gateway.world.channel("general").id)
        await channel.send("tick")

    assert not often.started
    await bot.login()
    for _ in range(3):
        assert (await gateway.next_sent("channel_message_send")).text == "tick"
    assert set(runs) == {"ready"}

    @bot.every(seconds=0.02)
    async def later() -> None:
        runs.append("later")

    await until(lambda: later.runs > 1)
    await bot.disconnect()
    count = often.runs
    assert not often.started
    assert often.next_time is None
    await asyncio.sleep(0.06)
    assert often.runs == count
    await bot.login()
    await until(lambda: often.runs > count)
    await bot.close_socket()
    await until(lambda: not often.started)
    with pytest.raises(MezonConnectionError):
        await often()  # by hand, beside its times
    assert runs[-1] == "closed"


async def test_runs_that_overlap(gateway: LocalGateway, bot: Bot) -> None:
    free = asyncio.Event()
    running: list[int] = [0]

    async def slow() -> None:
        running[0] += 1
        await free.wait()

    skipping = bot.every(seconds=0.01)(slow)
    beside = bot.every(seconds=0.01, overlap="allow")(slow)
    await bot.login()
    await until(lambda: skipping.skipped > 2 and beside.runs > 2)
    assert skipping.runs == 1
    await until(lambda: running[0] == 1 + beside.runs)
    free.set()
    await until(lambda: skipping.runs > 1)


async def test_missed_runs(gateway: LocalGateway, caplog: pytest.LogCaptureFixture) -> None:
    """While the connection is away nothing runs; then they are left out, or made up for once."""
    quick = GatewayOptions(backoff_base=0.05, backoff_max=0.1)
    bot = Bot(**{**gateway.client_options(), "gateway": quick})
    left_out = bot.every(seconds=0.05, grace=0.02)(nothing)
    made_up = bot.every(seconds=0.3, grace=0.02, missed="once")(nothing)
    await bot.login()
    await until(lambda: made_up.runs > 0)
    gateway.http_status("/v2/apps/authenticate/token", 500, times=None)
    await gateway.drop()
    await until(lambda: bot.state != "ready")
    runs, others, missed = made_up.runs, left_out.runs, left_out.missed
    await asyncio.sleep(1.0)
    assert (made_up.runs, left_out.runs) == (runs, others)
    gateway.clear_faults()
    await until(lambda: bot.state == "ready")
    await until(lambda: made_up.runs == runs + 1)
    assert made_up.missed >= 1
    await until(lambda: left_out.missed > missed + 5 and left_out.runs > others)
    assert "runs since" in caplog.text
    await bot.disconnect()


async def test_errors_go_to_the_handler_and_to_on_error(
    gateway: LocalGateway, bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    reported: list[tuple[str, str]] = []
    handled: list[tuple[Any, Exception]] = []
    bot.on_error(lambda error, where: reported.append((str(error), where)))

    @bot.error_handler
    async def failed(where: Any, error: Exception) -> None:
        handled.append((where, error))

    @bot.every(seconds=0.01)
    async def broken() -> None:
        raise RuntimeError("oops")

    await bot.login()
    await until(lambda: len(reported) > 1)
    assert reported[0] == ("oops", "the task broken")
    assert handled[0][0] is broken
    assert "RuntimeError: oops" in caplog.text
    assert broken.runs > 1


async def test_the_clock_is_followed_when_it_is_set(
    gateway: LocalGateway, bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "MAX_SLEEP", 0.01)
    now = [datetime(2026, 11, 25, 8, 59, tzinfo=UTC).timestamp()]
    monkeypatch.setattr(tasks.time, "time", lambda: now[0])
    morning = bot.cron("0 9 * * *", missed="skip")(nothing)
    await bot.login()
    await until(lambda: morning.next_time is not None)
    assert datetime.fromtimestamp(morning.next_time or 0, UTC).hour == 9
    await asyncio.sleep(0.05)
    assert morning.runs == 0
    now[0] += 61
    await until(lambda: morning.runs == 1)


async def test_a_long_sleep_is_one_warning_and_at_most_one_run(
    gateway: LocalGateway, bot: Bot, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tasks, "MAX_SLEEP", 0.01)
    now = [1_000.0]
    monkeypatch.setattr(tasks, "elapsed", lambda: now[0])
    left_out = bot.every(seconds=1)(nothing)
    made_up = bot.every(seconds=1, grace=0.5, missed="once")(nothing)
    await bot.login()
    await until(lambda: made_up.next_time is not None)
    now[0] += 8 * 3600 + 0.7
    await until(lambda: made_up.runs == 1 and left_out.missed > 0)
    assert made_up.missed == 8 * 3600 - 1
    assert left_out.missed + left_out.runs + left_out.skipped >= 8 * 3600 - 60
    warnings = [one for one in caplog.records if "missed" in one.message and "runs since" in one.message]
    assert len(warnings) == 2


async def test_a_clock_that_is_set_back_stops_no_task(
    gateway: LocalGateway, bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "MAX_SLEEP", 0.01)
    real, offset = tasks.time.time, [0.0]
    monkeypatch.setattr(tasks.time, "time", lambda: real() + offset[0])
    often = bot.every(seconds=0.02)(nothing)
    await bot.login()
    await until(lambda: often.runs > 1)
    offset[0] = -3600.0
    runs = often.runs
    await until(lambda: often.runs > runs + 2)
    assert often.missed == 0
    assert often.next_time is not None
    assert often.next_time < real() - 3000, "the next time is told by the wall clock"


async def test_cron_goes_on_from_where_the_clock_is_set_back_to(
    gateway: LocalGateway, bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "MAX_SLEEP", 0.01)
    now = [at("2026-11-25T09:59:30")]
    monkeypatch.setattr(tasks.time, "time", lambda: now[0])
    each_minute = bot.cron("* * * * *")(nothing)
    await bot.login()
    await until(lambda: each_minute.next_time == at("2026-11-25T10:00"))
    now[0] = at("2026-11-25T10:00:02")
    await until(lambda: each_minute.runs == 1 and each_minute.next_time == at("2026-11-25T10:01"))
    now[0] = at("2026-11-25T09:59:57")  # a correction of seconds: ten o'clock is not for a second time
    await asyncio.sleep(0.05)
    assert each_minute.next_time == at("2026-11-25T10:01")
    now[0] = at("2026-11-25T09:00:30")
    await until(lambda: each_minute.next_time == at("2026-11-25T09:01"))
    now[0] = at("2026-11-25T09:01:00")
    await until(lambda: each_minute.runs == 2)
