"""The end: clean from every state, nothing left behind, and a new beginning after it."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import textwrap
import threading
from collections.abc import Awaitable
from pathlib import Path

import pytest
from fault_kit import Bot
from fault_types import MakeBot
from mezon import Disconnect, MezonClient, MezonError
from mezon.errors import NotLoggedInError
from mezon.models import ChannelMessage
from mezon.testing import GatewayThread, LocalGateway
from patience import patient
from preloaded import PRELOADED
from waiting import system_threads, until


def threads() -> set[str]:
    """The threads of this process, but for the core's one, which all clients share."""
    return {f"{task} {name}" for task, name in system_threads().items() if "mezon-io" not in name}


def files() -> set[str]:
    """The open files of this process by descriptor."""
    found = set()
    for fd in os.listdir("/proc/self/fd"):
        try:
            found.add(f"{fd} {os.readlink(f'/proc/self/fd/{fd}')}")
        except OSError:
            continue
    return found


async def test_nothing_is_left(tmp_path: Path) -> None:
    """Tasks, threads, sockets and files after a full life, with the gateway elsewhere."""
    with GatewayThread() as server:

        async def life(number: int) -> None:
            bot = Bot(server.gateway, fill_gaps=True, message_db=str(tmp_path / "messages.db"))
            await bot.login()
            await server.arun(server.gateway.say("general", "alice", f"{number}"))
            await bot.until_heard(f"{number}")
            channel = await bot.channels.fetch(server.gateway.world.channel("general").id)
            await channel.send("hello")
            await server.arun(server.gateway.drop())
            await bot.until_back()
            await bot.disconnect(drain=1.0)

        await life(0)  # what is made once for the process is made now
        gc.collect()
        await asyncio.sleep(0.1)
        before = asyncio.all_tasks(), threads(), files()
        for number in (1, 2, 3):
            await life(number)
        gc.collect()
        await until(lambda: asyncio.all_tasks() <= before[0], f"tasks to end: {asyncio.all_tasks()}")
        await until(lambda: len(threads()) <= len(before[1]), f"threads to end: {threads() - before[1]}")
        await until(lambda: len(files()) <= len(before[2]), f"files to be closed: {files() - before[2]}")


async def test_disconnect_is_safe_at_any_time_and_twice(gateway: LocalGateway, make_bot: MakeBot) -> None:
    bot = await make_bot(login=False)
    await bot.disconnect()
    await bot.close_socket()
    await bot.login()
    await asyncio.gather(bot.disconnect(), bot.disconnect(), bot.close_socket())
    await bot.disconnect(drain=1.0)
    await bot.close_socket()
    await bot.wait_closed()
    assert (bot.state, gateway.connections.live) == ("closed", 0)


@pytest.mark.parametrize("seconds", [0.0, 0.001, 0.003, 0.01, 0.02, 0.03, 0.05, 0.08])
async def test_disconnect_during_login(gateway: LocalGateway, make_bot: MakeBot, seconds: float) -> None:
    bot = await make_bot(login=False)
    gateway.http_delay("*", 0.005)
    gateway.delay("clan_join", 0.01)
    login = asyncio.ensure_future(bot.login())
    await asyncio.sleep(seconds)
    await bot.disconnect()
    outcome = (await asyncio.gather(login, return_exceptions=True))[0]
    # Nobody has cancelled the task that logs in: asyncio would take a CancelledError for that.
    assert outcome is None or isinstance(outcome, MezonError)
    await gateway.wait_disconnected()
    assert bot.state in ("idle", "closed")
    gateway.clear_faults()
    await bot.login()
    await gateway.wait_joined()
    assert bot.state == "ready"


async def test_disconnect_during_an_outage(gateway: LocalGateway, make_bot: MakeBot) -> None:
    bot = await make_bot({"backoff_base": 60.0, "backoff_max": 60.0})
    channel = await bot.channels.fetch(gateway.world.channel("general").id)
    await gateway.stop()
    await until(lambda: bot.state == "backoff", "the outage")
    waiting = asyncio.ensure_future(channel.send("never"))
    await asyncio.sleep(0.01)
    await bot.disconnect()
    with pytest.raises(MezonError):
        await waiting
    await bot.wait_closed()
    assert [loss.will_reconnect for loss in bot.lost] == [True, False]
    assert bot.lost[-1].error is None, "the client wanted it so"
    await gateway.start()


async def test_disconnect_while_a_session_is_awaited(gateway: LocalGateway, make_bot: MakeBot) -> None:
    bot = await make_bot()
    gateway.http_delay("/v2/apps/authenticate/token", 5.0)
    await gateway.drop()
    await until(lambda: bot.state == "authenticating", "the new login")
    await bot.disconnect()
    assert bot.state == "closed"


async def test_two_logins_are_one(gateway: LocalGateway, make_bot: MakeBot) -> None:
    bot = await make_bot(login=False)
    await asyncio.gather(bot.login(), bot.login(), bot.login())
    await bot.login()
    assert gateway.connections.total == 1
    assert bot.readies == 1


async def test_login_again_and_again(gateway: LocalGateway, make_bot: MakeBot) -> None:
    bot = await make_bot(login=False, fill_gaps=True)
    for number in range(3):
        await bot.login()
        await gateway.wait_joined()
        await gateway.say("general", "alice", f"hello {number}")
        await bot.until_heard(f"hello {number}")
        await bot.disconnect()
        await gateway.wait_disconnected()
    assert bot.texts == ["hello 0", "hello 1", "hello 2"]
    assert bot.readies == 3


def test_login_again_on_another_loop() -> None:
    async def life(bot: Bot, server: GatewayThread, text: str, *, clean: bool) -> None:
        await bot.login()
        await server.arun(server.gateway.say("general", "alice", text))
        await bot.until_heard(text)
        channel = await bot.channels.fetch(server.gateway.world.channel("general").id)
        await channel.send("its own")
        await server.arun(server.gateway.drop())
        await bot.until_back(len(bot.gaps) + 1)
        if clean:
            await bot.disconnect()

    with GatewayThread() as server:
        bot = Bot(server.gateway)
        asyncio.run(life(bot, server, "first", clean=True))
        # The end of a loop is an end too.
        asyncio.run(life(bot, server, "second", clean=False))
        asyncio.run(life(bot, server, "third", clean=True))
        assert [text for text in bot.texts if text != "its own"] == ["first", "second", "third"]
        assert server.gateway.connections.max_live == 1


async def test_handlers_end_within_the_drain(gateway: LocalGateway, make_bot: MakeBot) -> None:
    bot = await make_bot(login=False)
    ended: list[str] = []

    @bot.on_channel_message
    async def slow(message: ChannelMessage) -> None:
        text = message.content["t"]
        if message.sender_id == bot.client_id:
            return
        try:
            await asyncio.sleep(0.1 if text == "quick" else 60)
            channel = await bot.channels.fetch(message.channel_id)
            await channel.send("last words")
        finally:
            ended.append(text)

    await bot.login()
    await gateway.wait_joined()
    await gateway.say("general", "alice", "quick")
    await gateway.say("general", "alice", "slow")
    await until(lambda: bot.stats().handlers == 2, "both handlers")
    await bot.disconnect(drain=1.0)
    assert ended == ["quick", "slow"]
    assert bot.stats().handlers == 0
    assert [s.text for s in gateway.sent if s.kind == "channel_message_send"] == ["last words"]


@pytest.mark.parametrize("by_task", [False, True])
@pytest.mark.parametrize("drain", [0.0, 3600.0])
async def test_a_handler_may_end_the_bot(
    gateway: LocalGateway, make_bot: MakeBot, drain: float, by_task: bool
) -> None:
    """The drain does not wait for it, nor for a task that it has returned."""
    bot = await make_bot(login=False)
    ended = asyncio.Event()

    async def end() -> None:
        await bot.disconnect(drain)
        ended.set()

    @bot.on_channel_message
    def stop(message: ChannelMessage) -> Awaitable[None]:
        return asyncio.ensure_future(end()) if by_task else end()

    await bot.login()
    await gateway.wait_joined()
    await gateway.say("general", "alice", "stop")
    await bot.wait_closed()
    await ended.wait()
    assert bot.state == "closed"


@pytest.mark.parametrize("pause", [0.0, 0.05])
@pytest.mark.parametrize("drain", [0.0, 3600.0])
async def test_a_handler_of_disconnect_may_disconnect(
    gateway: LocalGateway, make_bot: MakeBot, pause: float, drain: float
) -> None:
    """It does not wait for the drain that waits for it: that would take an hour here."""
    bot = await make_bot(login=False)
    ended: list[bool] = []

    @bot.on_disconnect
    async def stop(loss: Disconnect) -> None:
        if pause:
            await asyncio.sleep(pause)
        await bot.disconnect(drain)
        await asyncio.sleep(0)
        ended.append(loss.will_reconnect)

    await bot.login()
    await bot.disconnect(drain)
    assert (ended, bot.state) == ([False], "closed")
    # After a loss it is the first to close, and so there is a second call from the handler of that.
    await bot.login()
    await gateway.wait_joined()
    await gateway.drop()
    await bot.wait_closed()
    await until(lambda: len(ended) == 3, "both handlers")
    assert (sorted(ended[1:]), bot.state) == ([False, True], "closed")


async def test_several_handlers_may_end_the_bot_at_once(gateway: LocalGateway, make_bot: MakeBot) -> None:
    """None waits for another that waits for it, and neither does a task that a handler returns."""
    bot = await make_bot(login=False)
    now = asyncio.Event()
    ended: list[str] = []

    @bot.on_channel_message
    async def stop(message: ChannelMessage) -> None:
        await now.wait()
        await bot.disconnect(drain=3600)
        ended.append(message.content["t"])

    @bot.on_channel_message
    def stop_by_task(message: ChannelMessage) -> asyncio.Task[None] | None:
        if message.content["t"] != "second":
            return None

        async def run() -> None:
            await now.wait()
            await bot.disconnect(drain=3600)
            ended.append("by task")

        return asyncio.ensure_future(run())

    await bot.login()
    await gateway.wait_joined()
    await gateway.say("general", "alice", "first")
    await gateway.say("general", "alice", "second")
    await until(lambda: bot.stats().handlers == 3, "the handlers")
    now.set()
    await bot.wait_closed()
    await until(lambda: len(ended) == 3, "all handlers")
    assert bot.state == "closed"
    assert gateway.connections.live == 0


async def test_handlers_of_disconnect_run_to_their_end(gateway: LocalGateway, make_bot: MakeBot) -> None:
    bot = await make_bot(login=False)
    told: list[Disconnect] = []

    @bot.on_disconnect
    async def note(loss: Disconnect) -> None:
        await asyncio.sleep(0.05)
        told.append(loss)

    await bot.login()
    await bot.disconnect()
    assert [loss.will_reconnect for loss in told] == [False]


async def test_close_socket_is_an_end_too(gateway: LocalGateway, make_bot: MakeBot) -> None:
    bot = await make_bot()
    waiting = asyncio.ensure_future(bot.wait_closed())
    await bot.close_socket()
    await waiting
    assert [(loss.will_reconnect, loss.error) for loss in bot.lost] == [(False, None)]
    await bot.login()
    await gateway.wait_joined()
    await gateway.say("general", "alice", "hello again")
    await bot.until_heard("hello again")


async def test_waiting_for_the_end_of_what_never_began(make_bot: MakeBot) -> None:
    bot = await make_bot(login=False)
    with pytest.raises(NotLoggedInError):
        await bot.wait_closed()


def run_until(server: GatewayThread, act: str) -> MezonClient:
    """``client.run()`` in this thread; the bot does `act` when it is ready."""
    bot = Bot(server.gateway, {"reconnect_max_attempts": 2})

    @bot.on_ready
    async def ready() -> None:
        await getattr(server.gateway if act == "stop" else bot, act)()

    bot.run()
    return bot


def test_run_ends_with_disconnect_and_with_close_socket() -> None:
    with GatewayThread() as server:
        assert run_until(server, "disconnect").state == "closed"
        assert run_until(server, "close_socket").state == "closed"


def test_run_ends_with_the_error_that_ended_the_bot() -> None:
    with GatewayThread() as server:
        bot = Bot(server.gateway)
        told: list[Disconnect] = []

        @bot.on_disconnect
        async def note(loss: Disconnect) -> None:
            await asyncio.sleep(0.01)
            told.append(loss)

        @bot.on_ready
        async def ready() -> None:
            server.call(
                server.gateway.http_status, "/v2/apps/authenticate/token", 401, times=None, body="no such bot"
            )
            await server.arun(server.gateway.drop())

        with pytest.raises(MezonError) as caught:
            bot.run()
        assert caught.value.status == 401  # type: ignore[attr-defined]
        assert told[-1].error is caught.value
    assert not [thread for thread in threading.enumerate() if thread.name == "mezon-watchdog"]


BOT = """
import asyncio, logging, sys, time
from mezon import MezonClient, GatewayOptions
logging.basicConfig(level=logging.WARNING)  # run() shows what happens unless logging is configured
client = MezonClient("{bot_id}", "{api_key}", "127.0.0.1", "{port}", use_ssl=False, blocked_loop_warning=0,
                     mmn_api_url=None, zk_api_url=None, message_db=False, http_rate_period=0)

@client.on_ready
async def ready():
    print("ready", flush=True)
    if "block" in sys.argv:
        time.sleep(60)

@client.on_channel_message
async def slow(message):
    print("heard", flush=True)
    await asyncio.sleep(0.2)
    print("done", flush=True)

@client.on_disconnect
async def gone(loss):
    await asyncio.sleep(0)
    print("told", flush=True)

client.run()
print("clean", flush=True)
"""


def start_bot(server: GatewayThread, *arguments: str) -> subprocess.Popen[str]:
    gateway = server.gateway
    source = BOT.format(bot_id=gateway.bot_id, api_key=gateway.api_key, port=gateway.port)
    return subprocess.Popen(
        [PRELOADED, "-W", "error", "-c", textwrap.dedent(source), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_run_in_order(number: signal.Signals) -> None:
    with GatewayThread() as server, start_bot(server) as bot:
        assert bot.stdout is not None
        assert bot.stdout.readline() == "ready\n"
        server.run(server.gateway.say("general", "alice", "hello"))
        assert bot.stdout.readline() == "heard\n"
        bot.send_signal(number)
        out, errors = bot.communicate(timeout=patient(20))
        assert (out, errors, bot.returncode) == ("done\ntold\nclean\n", "", 0)


def test_a_second_signal_ends_a_blocked_bot() -> None:
    with GatewayThread() as server, start_bot(server, "block") as bot:
        assert bot.stdout is not None
        assert bot.stdout.readline() == "ready\n"
        bot.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            bot.wait(0.5)
        bot.send_signal(signal.SIGINT)
        out, _ = bot.communicate(timeout=patient(20))
        assert out.endswith("clean\n")
        assert bot.returncode == 0
