"""``fill_gaps`` with many channels under the default rate limit of HTTP, counted at the gateway.

The clock of the rate limit runs a hundred times faster.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from fast_clock import SPEED, FastClock
from fault_kit import Bot, twice
from fault_types import MakeBot
from mezon import GapOptions, UnfilledGap
from mezon._events import gap_filling
from mezon._http import limiter
from mezon.testing import LocalGateway
from mezon.testing.world import Channel
from mezon.utils.backoff import Backoff
from waiting import until

CLANS = 4
PER_CLAN = 50


class Gate:
    """Holds the calls for histories back until it is opened, and records their channels."""

    def __init__(self, bot: Bot) -> None:
        self.open = asyncio.Event()
        self.waiting: list[int] = []
        self._fetch = bot.api_client.list_raw_channel_messages
        bot.api_client.list_raw_channel_messages = self._wait  # type: ignore[method-assign]

    async def _wait(self, token: str, clan_id: int, channel_id: int, *given: Any, **options: Any) -> Any:
        self.waiting.append(channel_id)
        await self.open.wait()
        return await self._fetch(token, clan_id, channel_id, *given, **options)


@pytest.fixture
def places(gateway: LocalGateway) -> list[Channel]:
    """200 channels in four clans."""
    world = gateway.world
    clans = [world.add_clan(f"clan {number}") for number in range(CLANS)]
    return [world.add_channel(f"{index}", clan) for clan in clans for index in range(PER_CLAN)]


@pytest.fixture
async def bot(make_bot: MakeBot, places: list[Channel], monkeypatch: pytest.MonkeyPatch) -> Bot:
    """A bot with the default rate limit. Its channels hold live messages for a scaled two seconds."""
    monkeypatch.setattr(limiter, "_LoopClock", FastClock)
    monkeypatch.setattr(gap_filling, "_RETRY", Backoff(0.01, 0.01))
    return await make_bot(
        fill_gaps=GapOptions(channels=CLANS * PER_CLAN, timeout=2 / SPEED), http_rate_period=1.25
    )


@pytest.fixture
def unfilled(bot: Bot) -> list[UnfilledGap]:
    """The events about gaps that are not filled."""
    events: list[UnfilledGap] = []
    bot.on_gap_unfilled(events.append)
    return events


@pytest.fixture
async def channels(gateway: LocalGateway, bot: Bot, places: list[Channel]) -> list[Channel]:
    """Channels of which the bot has received a message each."""
    for channel in places:
        await gateway.say(channel, "alice", "before")
    await until(lambda: len(bot.heard) == len(places), "a message of every channel")
    return places


def histories(gateway: LocalGateway) -> set[int]:
    """Return the channels whose history was requested."""
    return {
        request.message.channel_id for request in gateway.requests if request.name == "ListChannelMessages"
    }


async def lose(gateway: LocalGateway, bot: Bot, missed: list[Channel]) -> None:
    """Lose the connection, let users write in these channels meanwhile, and reconnect."""
    back = len(bot.gaps) + 1
    await gateway.stop()
    for channel in missed:
        await gateway.say(channel, "alice", "missed")
    await gateway.start()
    await bot.until_back(back)


async def test_only_channels_that_missed_something_are_fetched(
    gateway: LocalGateway, bot: Bot, channels: list[Channel]
) -> None:
    missed = channels[::14]
    await lose(gateway, bot, missed)
    await until(lambda: bot.texts.count("missed") == len(missed), "the missed messages")
    await gateway.say(channels[1], "alice", "live")
    await bot.until_heard("live")
    assert histories(gateway) == {channel.id for channel in missed}
    lists = [request.message.clan_id for request in gateway.requests if request.name == "ListChannelDescs"]
    assert set(lists) >= {channel.clan_id for channel in channels}
    assert twice(bot) == []
    assert bot.stats().gap_filled == len(missed)


async def test_200_live_channels_lose_nothing_and_live_messages_do_not_wait(
    gateway: LocalGateway,
    bot: Bot,
    channels: list[Channel],
    unfilled: list[UnfilledGap],
    caplog: pytest.LogCaptureFixture,
) -> None:
    gate = Gate(bot)
    await lose(gateway, bot, channels)
    for channel in channels:
        await gateway.say(channel, "alice", "live")
    await until(lambda: bot.texts.count("live") == len(channels), "the live messages")
    assert bot.texts.count("missed") == 0, "no history was received"
    gate.open.set()
    await until(lambda: bot.texts.count("missed") == len(channels), "the missed messages")
    assert histories(gateway) == {channel.id for channel in channels}
    assert twice(bot) == []
    assert Counter(message.channel_id for message in bot.heard) == {channel.id: 3 for channel in channels}
    [event] = unfilled
    assert set(event.channel_ids) == {channel.id for channel in channels}
    assert not event.final
    lines = [r for r in caplog.records if r.name == "mezon.events" and r.levelno == logging.WARNING]
    assert len(lines) == 1
    assert "200 channels" in lines[0].getMessage()


async def test_channels_with_a_live_message_are_fetched_first(
    gateway: LocalGateway, bot: Bot, channels: list[Channel]
) -> None:
    gate = Gate(bot)
    await lose(gateway, bot, channels[:30])
    await until(lambda: len(gate.waiting) == 3, "all fetchers wait")
    urgent = next(channel for channel in channels[:30] if channel.id not in gate.waiting)
    await gateway.say(urgent, "alice", "live")
    await bot.until_heard("live")
    gate.open.set()
    await until(lambda: bot.texts.count("missed") == 30, "the missed messages")
    assert gate.waiting[3] == urgent.id
    assert twice(bot) == []


@pytest.mark.parametrize("arrives", [True, False])
async def test_a_live_message_after_the_report_waits_as_well(
    gateway: LocalGateway, bot: Bot, channels: list[Channel], unfilled: list[UnfilledGap], arrives: bool
) -> None:
    """Each channel holds its live messages from its first one on, and not only right after the reconnect."""
    gate = Gate(bot)
    await lose(gateway, bot, channels[:10])
    await until(lambda: unfilled, "the report")
    gaps = bot._login.gaps
    assert gaps is not None
    if arrives:
        gaps._options = replace(gaps._options, timeout=60.0)
    await gateway.say(channels[0], "alice", "live")
    if arrives:
        held = lambda: any(channel.held for channel in gaps._channels.values())  # noqa: E731
        await until(lambda: held() or "live" in bot.texts, "the live message")
    else:
        await bot.until_heard("live")
        assert "missed" not in bot.texts
    gate.open.set()
    await until(lambda: bot.texts.count("missed") == 10 and "live" in bot.texts, "all messages")
    texts = [message.text for message in bot.heard if message.channel_id == channels[0].id]
    assert texts == (["before", "missed", "live"] if arrives else ["before", "live", "missed"])


async def test_a_failed_history_is_reported_and_filled_later(
    gateway: LocalGateway, bot: Bot, channels: list[Channel], unfilled: list[UnfilledGap]
) -> None:
    gateway.http_status("ListChannelMessages", 500, times=None)
    await lose(gateway, bot, channels[:2])
    failed = {channel.id for channel in channels[:2]}
    await until(
        lambda: any("500" in event.reason and set(event.channel_ids) == failed for event in unfilled),
        "the report",
    )
    assert not any(event.final for event in unfilled)
    await gateway.say(channels[0], "alice", "live")
    await bot.until_heard("live")
    gateway.clear_faults()
    await until(lambda: bot.texts.count("missed") == 2, "the missed messages")
    assert bot.texts.index("live") < bot.texts.index("missed")
    assert twice(bot) == []


async def test_the_last_failure_is_final(
    gateway: LocalGateway,
    bot: Bot,
    channels: list[Channel],
    unfilled: list[UnfilledGap],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gap_filling, "_ATTEMPTS", 2)
    gateway.http_status("ListChannelMessages", 500, times=None)
    await lose(gateway, bot, channels[:1])
    await until(lambda: unfilled and unfilled[-1].final, "the last report")
    assert unfilled[-1].channel_ids == (channels[0].id,)
    gateway.clear_faults()
    # The next gap is filled as usual.
    await lose(gateway, bot, channels[1:2])
    await until(lambda: "missed" in bot.texts, "the message of the next gap")


async def test_a_second_loss_keeps_the_start_of_a_gap_that_is_not_filled(
    gateway: LocalGateway, bot: Bot, channels: list[Channel]
) -> None:
    gate = Gate(bot)
    await lose(gateway, bot, channels[:10])
    for channel in channels[:10]:
        await gateway.say(channel, "alice", "live")
    await until(lambda: bot.texts.count("live") == 10, "the live messages")
    await lose(gateway, bot, channels[:10])
    gate.open.set()
    await until(lambda: bot.texts.count("missed") == 20, "the messages of both gaps")
    assert twice(bot) == []


async def test_messages_that_are_held_through_a_second_loss_are_dispatched_in_time(
    gateway: LocalGateway, bot: Bot, channels: list[Channel]
) -> None:
    gate = Gate(bot)
    gaps = bot._login.gaps
    assert gaps is not None
    bounded = gaps._options
    gaps._options = replace(bounded, timeout=60.0)
    await lose(gateway, bot, channels[:1])
    await gateway.say(channels[0], "alice", "live")
    await until(lambda: any(channel.held for channel in gaps._channels.values()), "the live message")
    gaps._options = bounded
    await lose(gateway, bot, [])
    await bot.until_heard("live")
    assert "missed" not in bot.texts, "no history was received"
    gate.open.set()
    await bot.until_heard("missed")
    assert twice(bot) == []
