"""``fill_gaps`` for channels that were not watched: lists of channels show that they have missed something."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from fault_kit import PATIENT, Bot, away, twice
from fault_types import MakeBot
from mezon import GapOptions, UnfilledGap
from mezon._events import gap_filling
from mezon.testing import LocalGateway
from mezon.utils.backoff import Backoff
from waiting import until


class ListGate:
    """Holds the calls for lists of channels back until it is opened, and records their clans."""

    def __init__(self, bot: Bot) -> None:
        self.open = asyncio.Event()
        self.waiting: list[int] = []
        self._list = bot.api_client.list_channel_descs
        bot.api_client.list_channel_descs = self._wait  # type: ignore[method-assign]

    async def _wait(self, token: str, *, clan_id: int, **options: Any) -> Any:
        self.waiting.append(clan_id)
        await self.open.wait()
        return await self._list(token, clan_id=clan_id, **options)


async def hear(gateway: LocalGateway, bot: Bot, channel: str, text: str = "before") -> None:
    await gateway.say(channel, "alice", text)
    await bot.until_heard(text)


async def until_searched(bot: Bot) -> None:
    """Wait until every list was read and what they have shown was fetched."""
    gaps = bot._login.gaps
    assert gaps is not None
    await until(lambda: not gaps._newest_at_loss, "the end of the search")


def histories(gateway: LocalGateway) -> list[int]:
    """Return the channels whose history was requested."""
    return [
        request.message.channel_id for request in gateway.requests if request.name == "ListChannelMessages"
    ]


async def test_the_first_message_of_a_channel_is_fetched(gateway: LocalGateway, filling: Bot) -> None:
    world = gateway.world
    private = world.add_channel("private", private=True, members=[world.bot.id, "alice"])
    thread = world.add_channel("thread", parent="general", type=7)
    await hear(gateway, filling, "general")
    await away(gateway, filling, ("random", "missed 1"), ("private", "missed 2"), ("thread", "missed 3"))
    await filling.until_heard("missed 1", "missed 2", "missed 3")
    found = {m.channel_label: m for m in filling.heard}
    clan_id = world.clan().id
    assert {m.clan_id for m in found.values()} == {clan_id}
    assert [(found[label].mode, found[label].is_public) for label in ("random", "private", "thread")] == [
        (2, True),
        (2, False),
        (6, True),
    ]
    assert {found["private"].channel_id, found["thread"].channel_id} == {private.id, thread.id}
    await until_searched(filling)
    # Watched from now on.
    await away(gateway, filling, ("random", "missed 4"))
    await gateway.say("random", "alice", "live")
    await filling.until_heard("live")
    assert [text for text in filling.texts if text in ("missed 4", "live")] == ["missed 4", "live"]
    assert twice(filling) == []
    # On a busy machine the history shows the live message before its event is received.
    assert filling.stats().gap_filled in (4, 5)


async def test_the_first_direct_message_of_a_user_is_fetched(gateway: LocalGateway, filling: Bot) -> None:
    await hear(gateway, filling, "general")
    await away(gateway, filling, ("@bob", "missed"))
    await gateway.say_dm("bob", "live")
    await filling.until_heard("missed", "live")
    assert twice(filling) == []
    missed = next(m for m in filling.heard if m.content["t"] == "missed")
    live = next(m for m in filling.heard if m.content["t"] == "live")
    attributes = ("channel_id", "clan_id", "mode", "is_public")
    assert [getattr(missed, name) or 0 for name in attributes] == [
        getattr(live, name) or 0 for name in attributes
    ]


async def test_what_follows_a_found_message_waits_for_it(gateway: LocalGateway, filling: Bot) -> None:
    await hear(gateway, filling, "general")
    gate = ListGate(filling)
    opened = asyncio.Event()
    fetch = filling.api_client.list_raw_channel_messages

    async def wait(*given: Any, **options: Any) -> Any:
        await opened.wait()
        return await fetch(*given, **options)

    await away(gateway, filling, ("@bob", "missed"))
    await until(lambda: 0 in gate.waiting, "the list of direct conversations")
    filling.api_client.list_raw_channel_messages = wait  # type: ignore[method-assign]
    gate.open.set()
    gaps = filling._login.gaps
    assert gaps is not None
    dm = gateway.world.dm("bob")
    await until(lambda: dm.id in gaps._channels, "the channel")
    await gateway.say_dm("bob", "live")
    await until(lambda: gaps._channels[dm.id].held, "the live message")
    opened.set()
    await filling.until_heard("live")
    assert filling.texts == ["before", "missed", "live"]


async def test_channels_without_a_newer_message_are_not_fetched(
    gateway: LocalGateway, make_bot: MakeBot
) -> None:
    bot = await make_bot(fill_gaps=PATIENT, login=False)
    await gateway.say("random", "alice", "before the login")
    await gateway.say_dm("bob", "before the login")
    await bot.login()
    await hear(gateway, bot, "general")
    listed = len(gateway.requests)
    await away(gateway, bot, ("general", "missed"))
    await bot.until_heard("missed")
    await until_searched(bot)
    assert bot.texts == ["before", "missed"]
    general = gateway.world.channel("general")
    assert set(histories(gateway)) == {general.id}
    calls = [
        (request.name, request.message.clan_id)
        for request in gateway.requests[listed:]
        if request.name in ("ListChannelMessages", "ListChannelDescs")
    ]
    # What was watched comes first, then each list once. The client may list the channels of a clan by itself.
    assert [call for call in calls if call != ("ListChannelDescs", general.clan_id)] == [
        ("ListChannelMessages", general.clan_id),
        ("ListChannelDescs", 0),
    ]
    assert calls[-1] == ("ListChannelDescs", general.clan_id)


async def test_without_a_known_message_nothing_is_fetched(gateway: LocalGateway, filling: Bot) -> None:
    await away(gateway, filling, ("general", "unknown"))
    await hear(gateway, filling, "general", "live")
    assert histories(gateway) == []
    await away(gateway, filling, ("random", "missed"))
    await filling.until_heard("missed")
    await until_searched(filling)
    assert filling.texts == ["live", "missed"]


async def test_a_live_message_before_the_list_hides_nothing(gateway: LocalGateway, filling: Bot) -> None:
    await hear(gateway, filling, "general")
    gate = ListGate(filling)
    await away(gateway, filling, ("random", "missed"))
    await hear(gateway, filling, "random", "live")
    gate.open.set()
    await until_searched(filling)
    await filling.until_heard("missed")
    assert filling.texts == ["before", "live", "missed"]
    assert twice(filling) == []


async def test_a_second_loss_before_the_list_loses_nothing(gateway: LocalGateway, filling: Bot) -> None:
    await hear(gateway, filling, "general")
    gate = ListGate(filling)
    await away(gateway, filling, ("random", "missed 1"), ("@bob", "missed 2"))
    await until(lambda: 0 in gate.waiting, "the first list")
    # One channel is heard before the second loss, the other is not.
    await hear(gateway, filling, "random", "live")
    await away(gateway, filling, ("random", "missed 3"), ("@bob", "missed 4"))
    gate.open.set()
    await filling.until_heard("missed 1", "missed 2", "missed 3", "missed 4")
    await until_searched(filling)
    assert twice(filling) == []
    assert [text for text in filling.texts if text in ("missed 2", "missed 4")] == ["missed 2", "missed 4"]


async def test_channels_that_lost_their_place_are_fetched_and_nothing_comes_twice(
    gateway: LocalGateway, make_bot: MakeBot
) -> None:
    bot = await make_bot(fill_gaps=GapOptions(channels=3, timeout=60.0))
    rooms = [gateway.world.add_channel(f"room {number}").label for number in range(6)]
    for room in rooms:
        await hear(gateway, bot, room, f"before in {room}")
    gate = ListGate(bot)
    # Those with a place, and three others.
    await away(gateway, bot, *((room, f"missed in {room}") for room in rooms))
    await until(lambda: gate.waiting, "the first list")
    for room in rooms:
        await gateway.say(room, "alice", f"live in {room}")
    gate.open.set()
    await until(lambda: len(bot.heard) >= 18, lambda: f"all messages; {bot.texts}")
    await until_searched(bot)
    assert twice(bot) == []
    assert sorted(bot.texts) == sorted(
        f"{word} in {room}" for room in rooms for word in ("before", "missed", "live")
    )


async def test_the_number_of_found_channels_is_bounded(gateway: LocalGateway, make_bot: MakeBot) -> None:
    bot = await make_bot(fill_gaps=GapOptions(channels=2, timeout=60.0))
    unfilled: list[UnfilledGap] = []
    bot.on_gap_unfilled(unfilled.append)
    rooms = [gateway.world.add_channel(f"room {number}") for number in range(5)]
    await hear(gateway, bot, "general")
    gate = ListGate(bot)
    await away(gateway, bot, *((room.label, f"missed in {room.label}") for room in rooms))
    await hear(gateway, bot, "room 0", "live")
    gate.open.set()
    await until_searched(bot)
    await until(lambda: len(bot.heard) == 4, "the missed messages")
    # The latest ones, but a channel with a live message need not have missed any.
    assert bot.texts == ["before", "live", "missed in room 4", "missed in room 3"]
    await until(lambda: unfilled, "the report")
    [event] = unfilled
    assert (event.final, set(event.channel_ids)) == (True, {room.id for room in rooms[:3]})


async def test_a_list_and_a_history_that_fail_are_tried_again(
    gateway: LocalGateway, make_bot: MakeBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gap_filling, "_RETRY", Backoff(0.01, 0.01))
    bot = await make_bot(fill_gaps=PATIENT)
    unfilled: list[UnfilledGap] = []
    bot.on_gap_unfilled(unfilled.append)
    await hear(gateway, bot, "general")
    gateway.http_status("ListChannelDescs", 500, times=2)
    fetch = bot.api_client.list_raw_channel_messages
    random = gateway.world.channel("random")

    async def fail(token: str, clan_id: int, channel_id: int, *given: Any, **options: Any) -> Any:
        if channel_id == random.id:
            gateway.http_status("ListChannelMessages", 500, times=1)
            bot.api_client.list_raw_channel_messages = fetch  # type: ignore[method-assign]
        return await fetch(token, clan_id, channel_id, *given, **options)

    monkeypatch.setattr(bot.api_client, "list_raw_channel_messages", fail)
    await away(gateway, bot, ("random", "missed"))
    await bot.until_heard("missed")
    await until_searched(bot)
    assert bot.texts == ["before", "missed"]
    assert [(event.final, event.channel_ids) for event in unfilled] == [(False, (random.id,))]


async def test_lists_that_cannot_be_read_end_in_a_warning(
    gateway: LocalGateway,
    make_bot: MakeBot,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(gap_filling, "_RETRY", Backoff(0.01, 0.01))
    monkeypatch.setattr(gap_filling, "_ATTEMPTS", 2)
    bot = await make_bot(fill_gaps=PATIENT)
    await hear(gateway, bot, "general")
    gateway.http_status("ListChannelDescs", 500, times=None)
    await away(gateway, bot, ("general", "missed"))
    await bot.until_heard("missed")
    await until_searched(bot)
    assert "The channels of 2 clans could not be listed" in caplog.text
