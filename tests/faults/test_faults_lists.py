"""Batch handlers (``client.on_batch``) when a client closes and logs in again: no list is lost silently."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Callable
from typing import Any

import pytest
import uvloop
from fault_kit import Bot
from fault_types import MakeBot
from mezon.models import ChannelMessage
from mezon.testing import GatewayThread, LocalGateway
from vanished_loops import vanish
from waiting import until

LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}

#: Longest list, and more messages than may wait for a busy handler.
SIZE, MANY = 4, 100


class Index:
    """A batch handler that records its lists and ends when the test releases it."""

    def __init__(self, bot: Bot, max_wait: float = 3600) -> None:
        self.given: list[str] = []
        self.done: list[str] = []
        self.gate = asyncio.Event()
        bot.on_batch("channel_message", self.take, max_size=SIZE, max_wait=max_wait)

    async def take(self, messages: list[ChannelMessage]) -> None:
        texts = [message.content["t"] for message in messages]
        self.given += texts
        await self.gate.wait()
        self.done += texts


async def say(gateway: LocalGateway, first: int, count: int) -> list[str]:
    texts = [f"{number}" for number in range(first, first + count)]
    for text in texts:
        await gateway.say("general", "alice", text)
    return texts


def dropped(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if "were dropped" in record.getMessage()]


async def test_the_last_list_is_handed_over_and_the_next_login_hears(
    gateway: LocalGateway, make_bot: MakeBot, caplog: pytest.LogCaptureFixture
) -> None:
    """A disconnect without drain cancels the handler after its first step."""
    bot = await make_bot()
    index = Index(bot)
    last = await say(gateway, 0, 1)
    await bot.until_heard(*last)
    await bot.disconnect()
    assert (index.given, index.done) == (last, [])
    index.gate.set()
    await bot.login()
    await gateway.wait_joined()
    more = await say(gateway, 1, MANY)
    await until(lambda: len(index.done) == MANY, lambda: f"all lists; {len(index.done)} came")
    assert index.done == more
    assert dropped(caplog) == []


@pytest.mark.parametrize("factory", LOOPS.values(), ids=LOOPS)
def test_every_event_comes_after_a_second_login_on_each_loop(
    factory: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    with GatewayThread() as server, asyncio.Runner(loop_factory=factory) as runner:

        async def main() -> None:
            bot = Bot(server.gateway)
            index = Index(bot)
            await bot.login()
            last = await server.arun(say(server.gateway, 0, 1))
            await bot.until_heard(*last)
            await bot.disconnect()
            index.gate.set()
            await bot.login()
            await server.arun(server.gateway.wait_joined())
            more = await server.arun(say(server.gateway, 1, MANY))
            await bot.until_heard(*more)
            await until(lambda: len(index.done) == MANY, lambda: f"all lists; {len(index.done)} came")
            await bot.disconnect()

        runner.run(main())


async def test_lists_that_a_busy_handler_does_not_take_are_counted(
    gateway: LocalGateway, make_bot: MakeBot, caplog: pytest.LogCaptureFixture
) -> None:
    """The second list is delivered while the disconnect handlers run; the third is dropped."""
    bot = await make_bot()
    index = Index(bot)
    said = await say(gateway, 0, 3 * SIZE)
    await bot.until_heard(*said)
    with caplog.at_level(logging.WARNING, logger="mezon"):
        await bot.disconnect()
    assert index.given == said[: 2 * SIZE]
    assert dropped(caplog) == [
        f"{SIZE} events of channel_message were dropped: the client was closed before their handler could take them"
    ]
    assert bot.stats().handlers == 0
    # Nothing of it comes later, and the handler is idle again.
    index.given.clear()
    index.gate.set()
    await bot.login()
    await gateway.wait_joined()
    more = await say(gateway, 1000, MANY)
    await until(lambda: len(index.done) == MANY, "all lists")
    assert index.given == more


async def test_every_list_has_its_turn_within_the_drain(gateway: LocalGateway, make_bot: MakeBot) -> None:
    """`max_wait` does not apply when the client closes."""
    bot = await make_bot()
    index = Index(bot)
    said = await say(gateway, 0, 3 * SIZE + 1)
    await bot.until_heard(*said)
    closing = asyncio.ensure_future(bot.disconnect(drain=3600))
    await asyncio.sleep(0)
    index.gate.set()
    await closing
    assert index.done == said


async def test_a_handler_of_lists_may_disconnect(
    gateway: LocalGateway, make_bot: MakeBot, caplog: pytest.LogCaptureFixture
) -> None:
    bot = await make_bot()
    ended: list[int] = []

    @bot.on_batch("channel_message", max_size=SIZE, max_wait=3600)
    async def stop(messages: list[ChannelMessage]) -> None:
        if not ended:
            await until(lambda: len(bot.heard) == SIZE + 1, "one more than the list")
            await bot.disconnect(drain=3600)
        ended.append(len(messages))

    await say(gateway, 0, SIZE + 1)
    await bot.wait_closed()
    await until(lambda: ended == [SIZE], "the handler's end")
    assert len(dropped(caplog)) == 1, "the list that this handler could not take"
    await bot.login()
    await gateway.wait_joined()
    await say(gateway, 0, 16 * SIZE)
    await until(lambda: sum(ended) == 17 * SIZE, "all lists")


async def test_a_task_that_is_cancelled_before_it_begins_costs_its_list_alone(
    gateway: LocalGateway, make_bot: MakeBot, caplog: pytest.LogCaptureFixture
) -> None:
    """All tasks are cancelled; with eager tasks the list was delivered before."""
    bot = await make_bot()
    index = Index(bot)
    mine = asyncio.current_task()
    before = asyncio.all_tasks()

    @bot.on_channel_message
    def cancel_all(message: ChannelMessage) -> None:
        if message.content["t"] == f"{SIZE - 1}":
            for task in asyncio.all_tasks() - before:
                if task is not mine and task.get_name() == "channel_message":
                    task.cancel()

    said = await say(gateway, 0, SIZE)
    await bot.until_heard(*said)
    index.gate.set()
    more = await say(gateway, SIZE, MANY)
    await until(lambda: index.done[-MANY:] == more, "the lists after that")
    if not index.given[:-MANY]:
        assert dropped(caplog) == [
            f"{SIZE} events of channel_message were dropped: the task of their handler was cancelled before it began"
        ]


@pytest.mark.parametrize("busy", [False, True])
def test_a_loop_that_was_closed_takes_its_lists_with_it(busy: bool, caplog: pytest.LogCaptureFixture) -> None:
    with GatewayThread() as server:
        bot = Bot(server.gateway)
        given: list[list[str]] = []
        gate: list[Any] = [asyncio.Event()]

        @bot.on_batch("channel_message", max_size=SIZE, max_wait=3600)
        async def take(messages: list[ChannelMessage]) -> None:
            given.append([message.content["t"] for message in messages])
            await gate[0].wait()

        async def first() -> None:
            await bot.login()
            said = await server.arun(say(server.gateway, 0, SIZE + 1 if busy else 1))
            await bot.until_heard(*said)
            await until(lambda: bool(given) == busy, "the handler")

        loop = asyncio.new_event_loop()
        loop.run_until_complete(first())
        vanish(loop)
        given.clear()

        async def second() -> None:
            gate[0] = asyncio.Event()
            gate[0].set()
            await bot.login()
            await server.arun(server.gateway.wait_joined())
            await server.arun(say(server.gateway, 1000, MANY))
            await until(lambda: sum(map(len, given)) == MANY, lambda: f"all lists; there are {given}")
            await bot.disconnect()

        asyncio.run(second())
        del loop
        gc.collect()
        assert given[0] == [f"{number}" for number in range(1000, 1000 + SIZE)]
        assert dropped(caplog) == [
            "1 events of channel_message were dropped: the client was closed before their handler could take them"
        ]
