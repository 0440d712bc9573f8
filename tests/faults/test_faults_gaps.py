"""``fill_gaps``: missed messages are dispatched after the reconnect, in order, before live ones, each once.

Most tests check the order, so they hold live messages for longer than any history takes on a busy machine.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
from typing import Any

import pytest
from fault_kit import PATIENT, Bot, away, in_order, twice
from fault_types import MakeBot
from mezon import GapOptions, UnfilledGap
from mezon._events import gap_filling
from mezon.models import ChannelMessage
from mezon.testing import LocalGateway
from waiting import until


async def test_what_was_missed_comes_once_and_in_order(gateway: LocalGateway, filling: Bot) -> None:
    await gateway.say("general", "alice", "before")
    await gateway.say("random", "bob", "before, elsewhere")
    await filling.until_heard("before", "before, elsewhere")
    await away(gateway, filling, *(("general", f"missed {n}") for n in range(5)), ("random", "missed there"))
    await gateway.say("general", "alice", "live")
    await filling.until_heard("live", "missed there")
    general = [m.content["t"] for m in filling.heard if m.channel_label == "general"]
    assert general == ["before", *(f"missed {n}" for n in range(5)), "live"]
    assert twice(filling) == []
    stats = filling.stats()
    assert (stats.gap_filled, stats.duplicates) == (6, 0)
    # In the store and in the caches as if they had come by the socket.
    missed = next(m for m in filling.heard if m.content["t"] == "missed 3")
    stored = await filling.message_db.get_message_by_id(missed.message_id, missed.channel_id)
    assert stored is not None
    assert stored.content == {"t": "missed 3"}
    channel = filling.channels.get(missed.channel_id)
    assert channel is not None
    assert channel.messages.get(missed.message_id) is not None


async def test_without_it_nothing_is_fetched(gateway: LocalGateway, bot: Bot) -> None:
    await gateway.say("general", "alice", "before")
    await bot.until_heard("before")
    await away(gateway, bot, ("general", "missed"))
    await gateway.say("general", "alice", "live")
    await bot.until_heard("live")
    assert bot.texts == ["before", "live"]
    assert "ListChannelMessages" not in [request.name for request in gateway.requests]
    assert bot.gaps[0].seconds >= 0


async def test_live_messages_of_the_channel_wait_and_others_do_not(
    gateway: LocalGateway, filling: Bot
) -> None:
    await gateway.say("general", "alice", "before")
    await filling.until_heard("before")
    gateway.http_delay("ListChannelMessages", 0.4)
    await away(gateway, filling, ("general", "missed"))
    await gateway.say("general", "alice", "live")
    # No message of this channel is known, so its messages are not held.
    await gateway.say("random", "bob", "elsewhere")
    await filling.until_heard("elsewhere")
    assert filling.texts == ["before", "elsewhere"]
    await filling.until_heard("live")
    assert filling.texts == ["before", "elsewhere", "missed", "live"]


async def test_a_history_that_cannot_be_had_is_a_warning(
    gateway: LocalGateway, filling: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    await gateway.say("general", "alice", "before")
    await filling.until_heard("before")
    gateway.http_status("ListChannelMessages", 500, times=None)
    await away(gateway, filling, ("general", "missed"))
    await gateway.say("general", "alice", "live")
    await filling.until_heard("live")
    assert filling.texts == ["before", "live"]
    # The report follows the live message.
    await until(
        lambda: any("history" in r.message and r.levelno == logging.WARNING for r in caplog.records),
        "the warning",
    )
    # The next reconnect fills both gaps.
    gateway.clear_faults()
    await away(gateway, filling, ("general", "missed too"))
    await filling.until_heard("missed", "missed too")
    assert twice(filling) == []


async def test_a_history_that_hangs_holds_the_channel_up_for_a_bounded_time(
    gateway: LocalGateway, make_bot: MakeBot
) -> None:
    bot = await make_bot(fill_gaps=GapOptions(timeout=0.2))
    await gateway.say("general", "alice", "before")
    await bot.until_heard("before")
    gateway.http_delay("ListChannelMessages", 5.0)
    await away(gateway, bot, ("general", "missed"))
    await gateway.say("general", "alice", "live")
    await bot.until_heard("live")
    assert bot.texts == ["before", "live"]


async def test_the_bounds_hold(gateway: LocalGateway, make_bot: MakeBot) -> None:
    bot = await make_bot(
        fill_gaps=GapOptions(channels=1, messages_per_channel=3, max_age=600.0, timeout=60.0)
    )
    await gateway.say("random", "bob", "heard first, so fetched last")
    await gateway.say("general", "alice", "before")
    await bot.until_heard("before")
    unfilled: list[UnfilledGap] = []
    bot.on_gap_unfilled(unfilled.append)
    await gateway.stop()
    await gateway.say("general", "alice", "too old", created=1_600_000_000)
    for number in range(5):
        await gateway.say("general", "alice", f"missed {number}")
    await gateway.say("random", "bob", "missed elsewhere")
    await gateway.start()
    await bot.until_heard("missed 4")
    await gateway.say("general", "alice", "live")
    await bot.until_heard("live")
    await bot.until_heard("missed elsewhere")
    texts = [text for text in bot.texts[1:] if text != "missed elsewhere"]
    assert texts == ["before", "missed 2", "missed 3", "missed 4", "live"]
    assert bot.texts.index("missed 4") < bot.texts.index("missed elsewhere")
    assert twice(bot) == []
    [event] = unfilled
    assert event.final
    assert "more than 3 messages were missed" in event.reason


async def test_too_many_waiting_messages_end_the_wait(gateway: LocalGateway, make_bot: MakeBot) -> None:
    bot = await make_bot(fill_gaps=GapOptions(max_waiting=10, timeout=60.0))
    await gateway.say("general", "alice", "before")
    await bot.until_heard("before")
    gateway.http_delay("ListChannelMessages", 30.0)
    await away(gateway, bot, ("general", "missed"))
    for number in range(12):
        await gateway.say("general", "alice", f"live {number}")
    await bot.until_heard("live 11")
    assert bot.texts == ["before", *(f"live {number}" for number in range(12))]


async def test_more_than_a_page_was_missed(gateway: LocalGateway, make_bot: MakeBot) -> None:
    bot = await make_bot(fill_gaps=GapOptions(messages_per_channel=500, timeout=60.0))
    await gateway.say("general", "alice", "before")
    await bot.until_heard("before")
    await away(gateway, bot, *(("general", f"missed {number}") for number in range(250)))
    await until(lambda: len(bot.heard) == 251, "the missed messages")
    assert in_order(bot)
    assert twice(bot) == []


async def test_topics_are_filled_too(gateway: LocalGateway, filling: Bot) -> None:
    topic = gateway.world.next_id()
    await gateway.say("general", "alice", "before")
    await gateway.say("general", "alice", "in the topic", topic_id=topic)
    await filling.until_heard("in the topic")
    await gateway.stop()
    await gateway.say("general", "alice", "missed 1")
    await gateway.say("general", "alice", "missed 2, in the topic", topic_id=topic)
    await gateway.say("general", "alice", "missed 3")
    await gateway.start()
    await filling.until_heard("missed 3")
    assert filling.texts[2:] == ["missed 1", "missed 2, in the topic", "missed 3"]


async def test_a_second_loss_while_the_history_comes(gateway: LocalGateway, filling: Bot) -> None:
    await gateway.say("general", "alice", "before")
    await filling.until_heard("before")
    gateway.http_delay("ListChannelMessages", 30.0, times=1)
    await away(gateway, filling, ("general", "missed 1"))
    await gateway.say("general", "alice", "live 1")
    await gateway.wait_until(
        lambda: any(request.name == "ListChannelMessages" for request in gateway.requests), what="the fetch"
    )
    await away(gateway, filling, ("general", "missed 2"))
    await gateway.say("general", "alice", "live 2")
    await filling.until_heard("live 2")
    assert filling.texts == ["before", "missed 1", "live 1", "missed 2", "live 2"]
    assert twice(filling) == []


async def test_a_message_that_comes_twice_is_dispatched_once(gateway: LocalGateway, filling: Bot) -> None:
    number = await gateway.say("general", "alice", "once")
    message = gateway.world.message(number)
    await gateway.push(channel_message=message)
    await gateway.edit(number, "edited")
    await filling.until_heard("edited")
    assert filling.texts == ["once", "edited"], "an edit speaks of the same message and is none"
    assert filling.stats().duplicates == 1


async def test_the_bound_of_handlers_holds_for_filled_messages(
    gateway: LocalGateway, make_bot: MakeBot
) -> None:
    bot = await make_bot(fill_gaps=PATIENT, max_concurrent_handlers=4)
    running = most = done = 0

    @bot.on_channel_message
    async def slow(message: ChannelMessage) -> None:
        nonlocal running, most, done
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.002)
        running -= 1
        done += 1

    await gateway.say("general", "alice", "before")
    await bot.until_heard("before")
    await away(gateway, bot, *(("general", f"missed {number}") for number in range(60)))
    await until(lambda: done == 61, "all handlers")
    assert most <= 4
    assert in_order(bot)


async def test_content_as_json_holds_for_filled_messages(gateway: LocalGateway, make_bot: MakeBot) -> None:
    bot = await make_bot(fill_gaps=PATIENT, content_as_json=True, login=False)
    contents: list[str] = []
    bot.event_manager.off("channel_message")

    @bot.on_channel_message
    def note(message: ChannelMessage) -> None:
        contents.append(message.content)

    await bot.login()
    await gateway.say("general", "alice", "before")
    await until(lambda: contents, "the first message")
    await away(gateway, bot, ("general", "missed"))
    await until(lambda: len(contents) == 2, "the missed message")
    assert [json.loads(content)["t"] for content in contents] == ["before", "missed"]


@pytest.mark.parametrize("seed", range(3))
async def test_nothing_is_lost_and_nothing_comes_twice(
    gateway: LocalGateway, make_bot: MakeBot, seed: int
) -> None:
    """Lose the connection twenty times at random moments while users write in three channels."""
    dice = random.Random(seed)
    bot = await make_bot(fill_gaps=PATIENT)
    rooms = ["general", "random", gateway.world.add_channel("third").label]
    said: dict[str, list[str]] = {room: [] for room in rooms}
    for room in rooms:
        said[room].append("first")
        await gateway.say(room, "alice", "first")
    await until(lambda: len(bot.heard) == 3, "the first messages")
    gateway.http_delay("ListChannelMessages", 0.01)
    for loss in range(1, 21):
        for number in range(dice.randrange(12)):
            room = dice.choice(rooms)
            said[room].append(f"{loss}.{number}")
            await gateway.say(room, "alice", said[room][-1])
            if dice.random() < 0.2:
                await asyncio.sleep(0.01)
        if dice.random() < 0.5:
            await gateway.drop(reset=dice.random() < 0.5)
        else:
            await gateway.restart()
        if dice.random() < 0.7:
            await bot.until_back(bot.stats().reconnects + (bot.state != "ready"))
    total = sum(map(len, said.values()))
    await until(lambda: len(bot.heard) >= total, f"all {total} messages; {len(bot.heard)} came")
    await asyncio.sleep(0.05)
    heard = {room: [m.content["t"] for m in bot.heard if m.channel_label == room] for room in rooms}
    assert heard == said


# What fails in the middle of it


class Boom(BaseException):
    """Not an Exception, like a panic of native code."""


async def told_of(bot: Bot) -> list[tuple[str, str]]:
    """Record what is passed to ``on_error``."""
    told: list[tuple[str, str]] = []
    bot.on_error(lambda error, name: told.append((name, str(error))))
    return told


@pytest.mark.parametrize("raised", [OSError, Boom])
async def test_a_store_that_fails_loses_no_message(
    gateway: LocalGateway, filling: Bot, caplog: pytest.LogCaptureFixture, raised: type[BaseException]
) -> None:
    told = await told_of(filling)
    await gateway.say("general", "alice", "before")
    await filling.until_heard("before")

    def accept(body: bytes) -> None:
        raise raised("the disk is full")

    filling.message_db.accept = accept  # type: ignore[method-assign]
    gateway.http_delay("ListChannelMessages", 0.1)
    await away(gateway, filling, ("general", "missed 1"), ("general", "missed 2"))
    await gateway.say("general", "alice", "live")
    await filling.until_heard("live")
    assert filling.texts == ["before", "missed 1", "missed 2", "live"]
    assert told == [("message_db", "the disk is full")] * 2
    assert (
        sum("could not be stored" in r.getMessage() and r.exc_info is not None for r in caplog.records) == 2
    )
    # The channel does not stall, and the next loss is filled again.
    await gateway.say("general", "alice", "later")
    await filling.until_heard("later")
    await away(gateway, filling, ("general", "missed 3"))
    await filling.until_heard("missed 3")


@pytest.mark.parametrize("raised", [ValueError, Boom])
async def test_a_message_that_cannot_be_decoded_costs_itself_alone(
    gateway: LocalGateway,
    make_bot: MakeBot,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    raised: type[BaseException],
) -> None:
    plan = gap_filling.origin_plan

    class Broken:
        def __init__(self, *given: Any) -> None:
            self._plan = plan(*given)

        def decode(self, body: bytes) -> Any:
            message = self._plan.decode(body)
            if message.content["t"] == "broken":
                raise raised("not what it seems")
            return message

    monkeypatch.setattr(gap_filling, "origin_plan", Broken)
    bot = await make_bot(fill_gaps=PATIENT)
    told = await told_of(bot)
    await gateway.say("general", "alice", "before")
    await bot.until_heard("before")
    gateway.http_delay("ListChannelMessages", 0.1)
    await away(gateway, bot, *(("general", text) for text in ("missed 1", "broken", "missed 2")))
    await gateway.say("general", "alice", "live")
    await bot.until_heard("live")
    assert bot.texts == ["before", "missed 1", "missed 2", "live"]
    assert told == [("channel_message", "not what it seems")]
    assert "could not be decoded and is skipped" in caplog.text
    await gateway.say("general", "alice", "later")
    await bot.until_heard("later")


async def test_an_unforeseen_error_of_the_history_lets_go_what_waits(
    gateway: LocalGateway, filling: Bot, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = await told_of(filling)
    await gateway.say("general", "alice", "before")
    await filling.until_heard("before")
    asked = asyncio.Event()

    async def fail(*given: Any, **options: Any) -> Any:
        asked.set()
        await until(lambda: live_waits(filling), "a live message")
        raise Boom("nobody thought of it")

    monkeypatch.setattr(filling.api_client, "list_raw_channel_messages", fail)
    await away(gateway, filling, ("general", "missed"))
    await asked.wait()
    await gateway.say("general", "alice", "live")
    await filling.until_heard("live")
    assert filling.texts == ["before", "live"]
    assert told == [("channel_message", "nobody thought of it")]
    assert "could not be read" in caplog.text
    await gateway.say("general", "alice", "later")
    await filling.until_heard("later")


def live_waits(bot: Bot) -> bool:
    gaps = bot._login.gaps
    assert gaps is not None
    return any(channel.held for channel in gaps._channels.values())


async def test_a_cache_that_fails_loses_no_message(
    gateway: LocalGateway, filling: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error after the dispatch of a missed message does not hold back the next ones."""
    told = await told_of(filling)
    await gateway.say("general", "alice", "before")
    await filling.until_heard("before")
    channel = filling.heard[0].channel
    assert channel is not None

    def fail(*given: Any) -> None:
        raise LookupError("no room")

    monkeypatch.setattr(type(channel.messages), "set", fail)
    await away(gateway, filling, ("general", "missed 1"), ("general", "missed 2"))
    await gateway.say("general", "alice", "live")
    await filling.until_heard("live")
    assert filling.texts == ["before", "missed 1", "missed 2", "live"]
    assert len(told) >= 2
    assert set(told) == {("channel_message", "no room")}


@pytest.mark.parametrize("when", ["at once", "during the fetch"])
async def test_a_cancelled_task_lets_go_what_waits(
    gateway: LocalGateway, make_bot: MakeBot, when: str
) -> None:
    """All tasks are cancelled, and the client keeps running."""
    filling = await make_bot(fill_gaps=GapOptions(timeout=0.5))
    await gateway.say("general", "alice", "before")
    await filling.until_heard("before")
    gateway.http_delay("ListChannelMessages", 30.0)

    def cancel() -> None:
        for task in asyncio.all_tasks():
            if task.get_name() in ("mezon: gap filling", "mezon: dispatching messages after a reconnect"):
                task.cancel()

    if when == "at once":
        # Handlers of `reconnected` start before the tasks; a turn later these have not begun.
        filling.on_reconnected(lambda gap: asyncio.get_running_loop().call_soon(cancel))
    await away(gateway, filling, ("general", "missed"))
    if when != "at once":
        await gateway.say("general", "alice", "live")
        await until(lambda: live_waits(filling), "the live message")
        cancel()
    await gateway.say("general", "alice", "later")
    await filling.until_heard("later")
    assert filling.texts == ["before", *(["live"] if when != "at once" else []), "later"]
