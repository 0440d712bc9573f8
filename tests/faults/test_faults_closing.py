"""A close that has begun is finished, whatever becomes of its caller: cancelled, timed out, or gone with the loop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import Awaitable, Callable

import pytest
from fault_kit import Bot
from fault_types import MakeBot
from mezon.models import ChannelMessage
from mezon.testing import GatewayThread, LocalGateway
from vanished_loops import vanish
from waiting import until

#: More turns of the loop than the close of a bot takes, and a few in between.
TURNS = [1, 2, 3, 4, 5, 6, 8, 10, 13, 17, 25, 40, 80]


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.fixture
def gate() -> asyncio.Event:
    """Opened when a handler may end."""
    return asyncio.Event()


@pytest.fixture
async def busy(gateway: LocalGateway, make_bot: MakeBot, gate: asyncio.Event) -> Bot:
    """A bot with a handler that runs until the gate is opened."""
    bot = await make_bot(login=False)
    bot.on_channel_message(lambda message: gate.wait())
    await bot.login()
    await gateway.wait_joined()
    await gateway.say("general", "alice", "work")
    await until(lambda: bot.stats().handlers == 1, "the handler")
    return bot


async def give_up(bot: Bot, drain: float = 3600) -> None:
    """Begin to close the bot, and be cancelled."""
    closing = asyncio.ensure_future(bot.disconnect(drain))
    await turns(3)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing


async def hears(gateway: LocalGateway, bot: Bot, text: str) -> None:
    await gateway.wait_joined()
    await gateway.say("general", "alice", text)
    await bot.until_heard(text)


async def test_a_caller_that_times_out_leaves_a_close_that_goes_on(
    gateway: LocalGateway, busy: Bot, gate: asyncio.Event
) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(busy.disconnect(3600), 0.01)
    end = asyncio.ensure_future(busy.wait_closed())
    await turns(20)
    assert not end.done(), "the socket is still open"
    assert gateway.connections.live == 1
    gate.set()
    await end
    assert busy.state == "closed"
    await gateway.wait_disconnected()
    await busy.login()
    await hears(gateway, busy, "again")


@pytest.mark.parametrize("second", ["login", "disconnect"])
async def test_what_comes_next_waits_for_the_close(
    gateway: LocalGateway, busy: Bot, gate: asyncio.Event, second: str
) -> None:
    await give_up(busy)
    waiting = asyncio.ensure_future(getattr(busy, second)())
    await turns(20)
    assert not waiting.done()
    gate.set()
    await waiting
    await until(lambda: [loss.will_reconnect for loss in busy.lost] == [False], "the one end")
    if second == "disconnect":
        assert busy.state == "closed"
        await busy.login()
    assert busy.state == "ready"
    await hears(gateway, busy, "again")
    assert gateway.connections.max_live == 1


@pytest.mark.parametrize("end", ["disconnect", "wait_closed"])
async def test_one_of_several_waiters_is_cancelled(busy: Bot, gate: asyncio.Event, end: str) -> None:
    first = asyncio.ensure_future(busy.disconnect(3600))
    await turns(3)
    waiting = [asyncio.ensure_future(getattr(busy, end)()) for _ in range(3)]
    await turns(3)
    waiting[0].cancel()
    await turns(3)
    assert [one.done() for one in (*waiting, first)] == [True, False, False, False]
    gate.set()
    await asyncio.gather(first, *waiting[1:])
    assert busy.state == "closed"


@pytest.mark.parametrize("count", TURNS)
async def test_cancelled_anywhere(gateway: LocalGateway, make_bot: MakeBot, count: int) -> None:
    """Cancelled at each await of the close: it is closed all the same, and nothing is left of it."""
    bot = await make_bot(login=False)
    before = asyncio.all_tasks()
    await bot.login()
    await gateway.wait_joined()
    closing = asyncio.ensure_future(bot.disconnect())
    await turns(count)
    closing.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await closing
    await bot.wait_closed()
    assert bot.state == "closed"
    await gateway.wait_disconnected()

    def left() -> list[str]:
        return [task.get_name() for task in asyncio.all_tasks() - before if "mezon" in task.get_name()]

    await until(lambda: not left(), lambda: f"tasks to end: {left()}")
    assert [loss.will_reconnect for loss in bot.lost] == [False]
    await bot.login()
    await hears(gateway, bot, "again")


@pytest.mark.parametrize("count", [0, *TURNS])
def test_the_loop_ends_in_the_middle(count: int) -> None:
    """``asyncio.run`` cancels every task at its end, the close itself too: it then waits for no handler."""
    with GatewayThread() as server:
        bot = Bot(server.gateway)
        ended: list[str] = []

        @bot.on_channel_message
        async def work(message: ChannelMessage) -> None:
            try:
                await asyncio.sleep(3600)
            finally:
                ended.append("handler")

        async def main() -> None:
            await bot.login()
            await server.arun(server.gateway.wait_joined())
            await server.arun(server.gateway.say("general", "alice", "work"))
            await until(lambda: bot.stats().handlers == 1, "the handler")
            closing = asyncio.ensure_future(bot.disconnect(3600))
            await turns(count)
            assert not closing.done()

        asyncio.run(main())
        server.run(server.gateway.wait_disconnected())
        assert bot.state == "closed"
        assert ended == ["handler"]
        assert [loss.will_reconnect for loss in bot.lost] == [False]

        async def again() -> None:
            await bot.login()
            await server.arun(server.gateway.wait_joined())
            await bot.disconnect()

        asyncio.run(again())


Ends = Callable[[Bot], Awaitable[None]]


async def by_timeout(bot: Bot) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(bot.disconnect(3600), 0.001)


async def by_task(bot: Bot) -> None:
    await give_up(bot)


async def by_itself(bot: Bot) -> None:
    await bot.disconnect(3600)


@pytest.mark.parametrize("end", [by_timeout, by_task, by_itself])
async def test_a_handler_gives_up_the_close_it_began(
    gateway: LocalGateway, make_bot: MakeBot, end: Ends
) -> None:
    """The drain ends when the handler does: it never waits for a handler that waits for it."""
    bot = await make_bot(login=False)
    ended = asyncio.Event()

    @bot.on_channel_message
    async def stop(message: ChannelMessage) -> None:
        if message.content["t"] == "stop":
            await end(bot)
            ended.set()

    await bot.login()
    await gateway.wait_joined()
    await gateway.say("general", "alice", "stop")
    await ended.wait()
    await bot.wait_closed()
    assert bot.state == "closed"
    await bot.login()
    await hears(gateway, bot, "again")


async def test_a_handler_that_closes_is_cancelled_itself(gateway: LocalGateway, make_bot: MakeBot) -> None:
    bot = await make_bot(login=False)
    handlers: list[asyncio.Task[None]] = []
    gate = asyncio.Event()

    @bot.on_channel_message
    async def work(message: ChannelMessage) -> None:
        task = asyncio.current_task()
        assert task is not None
        handlers.append(task)
        await (bot.disconnect(3600) if message.content["t"] == "stop" else gate.wait())

    await bot.login()
    await gateway.wait_joined()
    await gateway.say("general", "alice", "work")
    await until(lambda: len(handlers) == 1, "the handler at work")
    await gateway.say("general", "alice", "stop")
    await until(lambda: len(handlers) == 2, "the handler that closes")
    await turns(3)
    handlers[1].cancel()
    end = asyncio.ensure_future(bot.wait_closed())
    await turns(20)
    assert not end.done()
    gate.set()
    await end
    assert bot.state == "closed"
    assert not handlers[0].cancelled(), "it had its time"


def test_a_loop_that_is_closed_in_the_middle() -> None:
    """``loop.close()`` while a close waits for a handler: the client is free for another loop."""
    with GatewayThread() as server:
        bot = Bot(server.gateway)

        @bot.on_channel_message
        async def work(message: ChannelMessage) -> None:
            if message.content["t"] == "work":
                await asyncio.sleep(3600)

        async def begin() -> None:
            await bot.login()
            await server.arun(server.gateway.wait_joined())
            await server.arun(server.gateway.say("general", "alice", "work"))
            await until(lambda: bot.stats().handlers == 1, "the handler")
            asyncio.ensure_future(bot.disconnect(3600))  # noqa: RUF006 (it ends with its loop)
            await turns(10)

        loop = asyncio.new_event_loop()
        loop.run_until_complete(begin())
        vanish(loop)

        async def again() -> None:
            await bot.disconnect()
            await bot.login()
            await server.arun(server.gateway.wait_joined())
            await server.arun(server.gateway.say("general", "alice", "again"))
            await bot.until_heard("again")
            await bot.disconnect()
            await bot.wait_closed()

        asyncio.run(again())
        del loop
        gc.collect()
        assert bot.state == "closed"
