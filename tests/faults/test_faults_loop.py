"""The bot's own faults: a loop that is blocked, handlers that raise or never end, calls nobody waits for."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
import threading
import time
from dataclasses import replace
from typing import Any

import pytest
from fault_kit import Bot, in_order, twice
from fault_types import MakeBot
from mezon._client.operations import Watchdog
from mezon.models import ChannelMessage
from mezon.testing import GatewayThread, LocalGateway
from mezon.testing.blast import Blast
from mezon.testing.records import Sent
from patience import patient
from waiting import until


@pytest.mark.timeout(150)
def test_a_blocked_loop_costs_no_connection_and_no_message() -> None:
    """Blocked for 9 s while 5,000 messages come in, at a server that drops who is silent for 3 s."""
    blocked, patience = patient(3.0), patient(1.0)

    async def spread(gateway: LocalGateway, blast: Blast) -> bool:
        """The burst in its pieces, over most of the time; True when all of it went out."""
        whole = True
        for piece in blast.chunks:
            whole &= (await gateway.blast(replace(blast, chunks=[piece]))).complete
            await asyncio.sleep(0.8 * blocked / len(blast.chunks))
        return whole

    async def impatient(gateway: LocalGateway) -> None:
        heard_at = time.monotonic()

        def hear(sent: Sent) -> None:
            nonlocal heard_at
            heard_at = time.monotonic()

        gateway.on_sent = hear
        while True:
            await asyncio.sleep(0.2)
            if time.monotonic() - heard_at > patience:
                await gateway.drop()

    async def main(server: GatewayThread) -> None:
        gateway, loop = server.gateway, server._running()
        # Built beforehand: the server must not be the one that is blocked.
        blast = server.call(gateway.prepare_blast, 5000)
        settings = {"heartbeat_interval": 0.3, "heartbeat_timeout": patient(0.7)}
        bot = Bot(gateway, settings, blocked_loop_warning=0)
        await bot.login()
        watching = asyncio.run_coroutine_threadsafe(impatient(gateway), loop)
        sending = asyncio.run_coroutine_threadsafe(spread(gateway, blast), loop)
        time.sleep(blocked)  # noqa: ASYNC251 (this is the fault)
        assert sending.result(patient(20)), "all was sent while the loop was blocked"
        assert bot.heard == []
        await until(lambda: len(bot.heard) == 5000, "all messages")
        watching.cancel()
        assert in_order(bot)
        assert twice(bot) == []
        assert (bot.lost, bot.gaps, bot.stats().reconnects) == ([], [], 0)
        assert gateway.connections.total == 1
        await bot.disconnect()

    with GatewayThread() as server:
        asyncio.run(main(server))


async def test_a_full_inbox_stops_the_reader_and_loses_nothing(
    gateway: LocalGateway, make_bot: MakeBot
) -> None:
    burst = gateway.prepare_blast(2000)
    bot = await make_bot(
        {"inbox_events": 50, "heartbeat_interval": 0.3, "heartbeat_timeout": 2.0},
        login=False,
        max_concurrent_handlers=20,
    )
    gate = asyncio.Event()
    running = most = 0

    @bot.on_channel_message
    async def slow(message: ChannelMessage) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await gate.wait()
        running -= 1

    await bot.login()
    sending = asyncio.ensure_future(gateway.blast(burst))
    await until(lambda: bot.stats().pauses > 0, "the reader to pause")
    await asyncio.sleep(3.0)
    stats = bot.stats()
    assert stats.handlers <= 20
    assert stats.queue_high_water <= 50 + 256, "the inbox stays at its bound, but for what one read brings"
    assert bot.lost == [], "a reader that pauses is no verdict against the server"
    gate.set()
    await sending
    await until(lambda: len(bot.heard) == 2000, "all messages")
    assert most <= 20
    assert in_order(bot)


@pytest.mark.transports("websocket")  # nothing is sent here
def test_the_watchdog_tells_once_where_the_loop_is_blocked(caplog: pytest.LogCaptureFixture) -> None:
    def blocks_the_loop(seconds: float) -> None:
        time.sleep(seconds)

    async def main() -> None:
        watchdog = Watchdog(0.5)
        watchdog.start()
        await asyncio.sleep(1.1)
        assert not caplog.records, "a loop that turns is not blocked"
        blocks_the_loop(2.5)
        await until(
            lambda: any("no longer blocked" in r.message for r in caplog.records), "the end of the block"
        )
        warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
        assert len(warnings) == 1
        assert "blocks_the_loop" in warnings[0].getMessage()
        blocks_the_loop(2.0)
        warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
        assert len(warnings) == 2, "a second block is told as well"
        watchdog.stop()
        watchdog.stop()

    caplog.set_level(logging.INFO, logger="mezon")
    asyncio.run(main())
    assert not [thread for thread in threading.enumerate() if thread.name == "mezon-watchdog"]


async def test_the_watchdog_lives_from_login_to_disconnect(gateway: LocalGateway, make_bot: MakeBot) -> None:
    bot = await make_bot()
    assert watchdogs() == 1
    await gateway.drop()
    await bot.until_back()
    assert watchdogs() == 1
    await bot.disconnect()
    assert watchdogs() == 0
    off = await make_bot(login=False, blocked_loop_warning=0)
    await off.login()
    assert watchdogs() == 0


def watchdogs() -> int:
    return sum(thread.name == "mezon-watchdog" for thread in threading.enumerate())


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Those of the watchdog: a loop in debug mode says something of its own."""
    return [
        one.getMessage()
        for one in caplog.records
        if one.name == "mezon.client" and one.levelno == logging.WARNING
    ]


@pytest.mark.transports("websocket")  # nothing is sent here
async def test_many_clients_of_a_loop_share_a_thread_a_timer_and_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    loop = asyncio.get_running_loop()
    ticks = 0
    call_later = loop.call_later

    def counted(*args: Any) -> asyncio.TimerHandle:
        nonlocal ticks
        ticks += 1
        return call_later(*args)

    crowd = [Watchdog(60.0) for _ in range(50)]
    hasty = Watchdog(0.5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "call_later", counted)
        for one in (*crowd, hasty, *crowd):
            one.start()
    assert watchdogs() == 1
    assert ticks == 2, "one for the first, one for the smaller limit"
    time.sleep(1.2)  # noqa: ASYNC251 (this is the fault)
    await until(lambda: len(warnings_of(caplog)) == 1, "the one warning")
    assert "blocked for 0.5 s" in warnings_of(caplog)[0]
    hasty.stop()
    assert watchdogs() == 1, "the others go on"
    time.sleep(1.2)  # noqa: ASYNC251
    await asyncio.sleep(0.1)
    assert len(warnings_of(caplog)) == 1, "nobody is left who wants to know of less than a minute"
    for one in crowd:
        assert watchdogs() == 1
        one.stop()
    assert watchdogs() == 0


@pytest.mark.transports("websocket")  # nothing is sent here
async def test_the_loops_of_a_process_share_the_thread(caplog: pytest.LogCaptureFixture) -> None:
    go_on = threading.Event()

    def blocks_the_other_loop() -> None:
        go_on.wait(30)

    async def other() -> None:
        watchdog = Watchdog(0.5)
        watchdog.start()
        await asyncio.sleep(0)
        blocks_the_other_loop()
        # Not stopped: the end of the loop is the end of the watch.

    mine = Watchdog(20.0)
    mine.start()
    running = asyncio.ensure_future(asyncio.to_thread(asyncio.run, other()))
    await until(lambda: len(warnings_of(caplog)) == 1, "the warning about the other loop")
    assert "blocks_the_other_loop" in warnings_of(caplog)[0]
    assert watchdogs() == 1
    go_on.set()
    await running
    assert watchdogs() == 1
    mine.stop()
    assert watchdogs() == 0


@pytest.mark.transports("websocket")  # nothing is sent here
async def test_the_watch_ends_with_a_loop_that_was_closed_without_a_word() -> None:
    async def forget() -> None:
        Watchdog(0.2).start()
        assert watchdogs() == 1

    await asyncio.to_thread(asyncio.run, forget())
    await until(lambda: watchdogs() == 0, "the thread to end")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.transports("websocket")  # nothing is sent here
def test_a_forked_child_watches_by_itself() -> None:
    """In a process of its own: pytest's has other threads, and what the child does there is not ours."""
    program = """
import asyncio, logging, os, sys, threading, time, warnings
from mezon._client.operations import Watchdog
warnings.simplefilter("ignore", DeprecationWarning)  # threads beside a fork: this is about them
logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(process)d %(message).60s")

async def in_child(inherited):
    inherited.stop()
    own = Watchdog(0.3)
    own.start()
    assert sum(t.name == "mezon-watchdog" for t in threading.enumerate()) == 1
    await asyncio.sleep(0.2)
    time.sleep(1.0)
    await asyncio.sleep(0.3)
    own.stop()
    assert not [t for t in threading.enumerate() if t.name == "mezon-watchdog"]

async def main():
    global child
    watchdog = Watchdog(20.0)
    watchdog.start()
    child = os.fork()
    if child == 0:
        asyncio.events._set_running_loop(None)
        asyncio.run(in_child(watchdog))
        sys.stdout.flush()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert sum(t.name == "mezon-watchdog" for t in threading.enumerate()) == 1
    watchdog.stop()
    print("the child was", child, flush=True)

asyncio.run(main())
"""
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=patient(60), check=False
    )
    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.splitlines()
    child = lines[-1].removeprefix("the child was ")
    assert [line for line in lines if "has been blocked for 0.3 s" in line and line.startswith(child)]


async def test_ten_thousand_handlers_that_raise(
    gateway: LocalGateway, make_bot: MakeBot, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, logger="mezon")
    bot = await make_bot()
    reported: list[str] = []

    @bot.on_error
    def note(error: Exception, name: str) -> None:
        reported.append(f"{name}: {error}")

    @bot.on_channel_message
    async def broken(message: ChannelMessage) -> None:
        raise ValueError("no good")

    await gateway.blast(10_000)
    await until(lambda: len(reported) == 10_000, "every error to be reported", timeout=40)
    assert set(reported) == {"channel_message: no good"}
    assert len(bot.heard) == 10_000, "the other handler hears everything"
    assert bot.stats().handler_errors == 10_000
    await until(lambda: bot.stats().handlers == 0, "no handler to be left")
    assert bot.lost == []


async def test_cancelled_sends_leave_nothing_behind(gateway: LocalGateway, bot: Bot) -> None:
    channel = await bot.channels.fetch(gateway.world.channel("general").id)
    gateway.silence("channel_message_send")
    sends = [asyncio.ensure_future(channel.send(f"{number}")) for number in range(40)]
    await gateway.next_sent("channel_message_send")
    for send in sends:
        send.cancel()
    outcomes = await asyncio.gather(*sends, return_exceptions=True)
    assert all(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes)
    await until(lambda: bot.stats().pending == 0, "the calls to be forgotten")
    gateway.clear_faults()
    ack = await channel.send("after")
    assert ack.message_id


async def test_a_send_cancelled_before_it_was_sent_never_is(gateway: LocalGateway, bot: Bot) -> None:
    channel = await bot.channels.fetch(gateway.world.channel("general").id)
    await gateway.stop()
    await until(lambda: bot.state != "ready", "the loss to be seen")
    doomed = asyncio.ensure_future(channel.send("never"))
    kept = asyncio.ensure_future(channel.send("kept"))
    await asyncio.sleep(0.02)
    doomed.cancel()
    with pytest.raises(asyncio.CancelledError):
        await doomed
    await gateway.start()
    await kept
    assert [s.text for s in gateway.sent if s.kind == "channel_message_send"] == ["kept"]


async def test_a_timeout_of_the_bot_is_a_timeout(gateway: LocalGateway, bot: Bot) -> None:
    channel = await bot.channels.fetch(gateway.world.channel("general").id)
    gateway.silence("channel_message_send")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await channel.send("nobody answers")
    await until(lambda: bot.stats().pending == 0, "the call to be forgotten")
