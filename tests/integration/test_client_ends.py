"""Ends of a client: a close at any time, exits without a close, signals, forks."""

from __future__ import annotations

import asyncio
import logging
import signal
import traceback

import pytest
from bot_process import HEAD, bot, quiet_options
from client_types import Connect
from mezon import MezonClient
from mezon.errors import MezonConnectionError
from mezon.models import ChannelMessage
from mezon.testing import LocalGateway
from patience import patient
from waiting import until

SEND = "channel_message_send"

#: run() configures logging unless the bot does; these tests check the rest of the output.
QUIET = "import logging; logging.basicConfig(level=logging.WARNING)\n"


async def nothing_is_left(gateway: LocalGateway, client: MezonClient) -> None:
    await gateway.wait_disconnected()
    assert client.stats().pending == 0
    assert client.stats().handlers == 0
    others = [task for task in asyncio.all_tasks() if (task.get_name() or "").startswith("mezon:")]
    assert others == []


@pytest.mark.parametrize("end", ["disconnect", "close_socket"])
class TestInTheMiddle:
    @pytest.mark.parametrize("turns", [0, 1, 2, 3, 5, 8, 13, 30])
    async def test_of_the_login(self, gateway: LocalGateway, end: str, turns: int) -> None:
        gateway.http_delay("ListClanDescs", 0.05)
        client = MezonClient(**quiet_options(gateway))
        login = asyncio.ensure_future(client.login())
        for _ in range(turns):
            await asyncio.sleep(0.001 if turns > 5 else 0)
        await asyncio.wait_for(getattr(client, end)(), patient(5))
        outcome = (await asyncio.wait_for(asyncio.gather(login, return_exceptions=True), patient(10)))[0]
        # Cancelled, refused without a connection, or completed: never stuck, and no other error.
        assert outcome is None or isinstance(outcome, asyncio.CancelledError | MezonConnectionError)
        await client.disconnect()
        await nothing_is_left(gateway, client)

    async def test_of_a_handler(self, gateway: LocalGateway, connect: Connect, end: str) -> None:
        after: list[str] = []

        async def goodbye(message: ChannelMessage) -> None:
            await getattr(client, end)()
            after.append(message.content["t"])

        client = await connect(goodbye)
        await gateway.say("general", "alice", "go away")
        await until(lambda: after == ["go away"])
        await client.disconnect()
        await nothing_is_left(gateway, client)

    async def test_of_a_send(self, gateway: LocalGateway, connect: Connect, end: str) -> None:
        client = await connect(timeout=60_000)
        channel = await client.channels.fetch(gateway.world.channel("general").id)
        gateway.silence(SEND)
        sends = [asyncio.ensure_future(channel.send(f"number {number}")) for number in range(5)]
        await gateway.next_sent(SEND)
        await asyncio.wait_for(getattr(client, end)(), patient(5))
        for outcome in await asyncio.wait_for(asyncio.gather(*sends, return_exceptions=True), patient(5)):
            assert isinstance(outcome, MezonConnectionError)
        with pytest.raises(MezonConnectionError):
            await channel.send("too late")
        await client.disconnect()
        await nothing_is_left(gateway, client)

    async def test_of_a_burst(self, gateway: LocalGateway, connect: Connect, end: str) -> None:
        heard = 0
        some = asyncio.Event()

        async def hear(message: ChannelMessage) -> None:
            nonlocal heard
            heard += 1
            if heard == 100:
                some.set()
            await asyncio.sleep(0.001)

        client = await connect(hear)
        burst = asyncio.ensure_future(gateway.blast(20_000, mix="plain"))
        await asyncio.wait_for(some.wait(), patient(10))
        await asyncio.wait_for(getattr(client, end)(), patient(5))
        await client.disconnect()
        at_the_end = heard
        await burst
        await nothing_is_left(gateway, client)
        await asyncio.sleep(0.05)
        assert heard == at_the_end

    async def test_of_a_reconnect(self, gateway: LocalGateway, connect: Connect, end: str) -> None:
        client = await connect()
        gateway.http_delay("/v2/apps/authenticate/token", 30.0)
        await gateway.drop()
        await until(lambda: client.state in ("backoff", "authenticating"))
        await asyncio.wait_for(getattr(client, end)(), patient(5))
        assert client.state == "closed"
        await client.disconnect()
        assert gateway.connections.total == 1


async def test_before_the_login_and_twice(gateway: LocalGateway) -> None:
    client = MezonClient(**quiet_options(gateway))
    await client.disconnect()
    await client.close_socket()
    await client.login()
    await client.disconnect()
    await client.disconnect()
    await client.close_socket()
    assert client.state == "closed"


async def test_handlers_survive_a_new_login(gateway: LocalGateway, connect: Connect) -> None:
    heard: list[str] = []
    client = await connect(lambda message: heard.append(message.content["t"]))
    await client.close_socket()
    await client.login()
    await gateway.say("general", "alice", "again")
    await until(lambda: heard == ["again"])


async def test_disconnect_lets_handlers_finish(gateway: LocalGateway, connect: Connect) -> None:
    async def hear(message: ChannelMessage) -> None:
        await asyncio.sleep(0.1)
        channel = await client.channels.fetch(message.channel_id)
        await channel.send("last words")

    client = await connect(hear)
    await gateway.say("general", "alice", "hello")
    await until(lambda: client.stats().handlers == 1)
    await client.disconnect(drain=5.0)
    assert (await gateway.next_sent(SEND)).text == "last words"


# Processes


async def test_exit_without_disconnect(gateway: LocalGateway) -> None:
    source = HEAD + (
        "async def main():\n"
        "    await client.login()\n"
        "    print(client.state)\n"
        "asyncio.run(main())\n"
        "print('after run')\n"
    )
    async with bot(source, gateway) as child:
        code, out, err = await child.end()
    assert (code, out, err) == (0, "ready\nafter run\n", "")
    await gateway.wait_disconnected()


async def test_exit_in_the_middle_of_a_burst(gateway: LocalGateway) -> None:
    source = HEAD + (
        "heard = 0\n"
        "async def main():\n"
        "    done = asyncio.Event()\n"
        "    @client.on_channel_message\n"
        "    async def hear(message):\n"
        "        global heard\n"
        "        heard += 1\n"
        "        if heard == 200: done.set()\n"
        "    await client.login()\n"
        "    print('online')\n"
        "    await done.wait()\n"
        "asyncio.run(main())\n"
    )
    async with bot(source, gateway) as child:
        assert await child.line() == "online"
        burst = asyncio.ensure_future(gateway.blast(20_000, mix="plain"))
        code, _, err = await child.end()
        await burst
    assert (code, err) == (0, "")


async def test_the_process_ends_with_the_exception_of_main(gateway: LocalGateway) -> None:
    source = HEAD + (
        "async def main():\n    await client.login()\n    raise LookupError('the bot gave up')\nasyncio.run(main())\n"
    )
    async with bot(source, gateway) as child:
        code, _, err = await child.end()
    assert code == 1
    assert err.rstrip().endswith("LookupError: the bot gave up")
    assert err.count("Traceback") == 1


async def test_sys_exit_in_a_handler(gateway: LocalGateway) -> None:
    source = HEAD + (
        "@client.on_channel_message\n"
        "def hear(message):\n"
        "    sys.exit(7)\n"
        "client.on('ready', lambda client: print('online'))\n"
        "client.run()\n"
    )
    async with bot(source, gateway) as child:
        assert await child.line() == "online"
        await gateway.say("general", "alice", "stop")
        code, _, _ = await child.end()
    assert code == 7


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_run_ends_by_signal(gateway: LocalGateway, number: signal.Signals) -> None:
    source = (
        HEAD
        + QUIET
        + "client.on('ready', lambda client: print('online'))\nclient.run()\nprint('after run')\n"
    )
    async with bot(source, gateway) as child:
        assert await child.line() == "online"
        child.process.send_signal(number)
        code, out, err = await child.end()
    assert (code, out, err) == (0, "after run\n", "")
    await gateway.wait_disconnected()


async def test_run_lets_a_handler_finish(gateway: LocalGateway) -> None:
    source = (
        HEAD
        + QUIET
        + (
            "@client.on_channel_message\n"
            "async def hear(message):\n"
            "    if message.sender_id == client.client_id: return\n"
            "    print('heard')\n"
            "    await asyncio.sleep(0.3)\n"
            "    channel = await client.channels.fetch(message.channel_id)\n"
            "    await channel.send('last words')\n"
            "client.on('ready', lambda client: print('online'))\n"
            "client.run()\n"
        )
    )
    async with bot(source, gateway) as child:
        assert await child.line() == "online"
        await gateway.say("general", "alice", "hello")
        assert await child.line() == "heard"
        child.process.send_signal(signal.SIGTERM)
        code, _, err = await child.end()
    assert (code, err) == (0, "")
    assert (await gateway.next_sent(SEND)).text == "last words"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_run_ends_by_signal_during_login(gateway: LocalGateway, number: signal.Signals) -> None:
    gateway.http_delay("/v2/apps/authenticate/token", 30.0)
    source = (
        HEAD
        + QUIET
        + (
            "import threading\n"
            "threading.Timer(0.5, lambda: print('logging in')).start()\n"
            "client.run()\n"
            "print('after run')\n"
        )
    )
    async with bot(source, gateway) as child:
        assert await child.line() == "logging in"
        child.process.send_signal(number)
        code, out, err = await child.end()
    assert (code, out, err) == (0, "after run\n", "")


async def test_run_raises_what_the_login_raises(gateway: LocalGateway) -> None:
    gateway.http_status("/v2/apps/authenticate/token", 401, times=None)
    async with bot(HEAD + "client.run()\n", gateway) as child:
        code, _, err = await child.end()
    assert code == 1
    assert "AuthenticationError" in err.rstrip().splitlines()[-1]


async def test_run_shows_the_line_of_the_bot_that_failed(gateway: LocalGateway) -> None:
    """The traceback of an SDK error that the bot's code causes has the bot's line and the cause."""
    source = HEAD + (
        "from mezon.errors import MezonError\n"
        "class Bot(MezonClient):\n"
        "    async def setup_hook(self):\n"
        "        try:\n"
        "            {}['missing']\n"
        "        except KeyError as error:\n"
        "            raise MezonError('no setup') from error\n"
        "bot = Bot(os.environ['MEZON_BOT_ID'], os.environ['MEZON_API_KEY'], message_db=False)\n"
        "bot.run()\n"
    )
    async with bot(source, gateway) as child:
        code, _, err = await child.end()
    assert code == 1
    assert err.rstrip().endswith("MezonError: no setup")
    assert err.count("in setup_hook") == 2
    assert "KeyError: 'missing'" in err
    assert "direct cause" in err


async def test_run_keeps_a_refused_login_short(gateway: LocalGateway) -> None:
    gateway.http_status("/v2/apps/authenticate/token", 401, times=None)
    async with bot(HEAD + "client.run()\n", gateway) as child:
        code, _, err = await child.end()
    assert code == 1
    assert err.count('File "') == 1, err
    assert "AuthenticationError: " in err


STUBBORN = (
    "@client.on_channel_message\n"
    "async def stubborn(message):\n"
    "    print('heard')\n"
    "    while True:\n"
    "        try:\n"
    "            await asyncio.sleep(3600)\n"
    "        except asyncio.CancelledError:\n"
    "            pass\n"
)


async def test_run_ends_although_a_handler_ignores_its_cancellation(gateway: LocalGateway) -> None:
    source = HEAD + QUIET + STUBBORN
    source += "client.on('ready', lambda client: print('online'))\nclient.run()\nprint('after run')\n"
    async with bot(source, gateway) as child:
        assert await child.line() == "online"
        await gateway.say("general", "alice", "hello")
        assert await child.line() == "heard"
        child.process.send_signal(signal.SIGTERM)
        code, out, err = await child.end(timeout=60)
    assert (code, out) == (0, "after run\n")
    [line] = err.splitlines()
    assert "The handler stubborn (<string>:" in line
    assert "of channel_message ignores its cancellation" in line


async def test_a_second_signal_does_not_wait_for_it(gateway: LocalGateway) -> None:
    source = HEAD + STUBBORN
    source += "client.on('ready', lambda client: print('online'))\nclient.run()\nprint('after run')\n"
    async with bot(source, gateway) as child:
        assert await child.line() == "online"
        await gateway.say("general", "alice", "hello")
        assert await child.line() == "heard"
        child.process.send_signal(signal.SIGTERM)
        assert child.process.stderr is not None
        async for line in child.process.stderr:
            if b"SIGTERM: the client is closing" in line:
                break
        child.process.send_signal(signal.SIGINT)
        code, out, err = await child.end(timeout=60)
    assert (code, out) == (0, "after run\n")
    assert "The handler stubborn (<string>:" in err


async def test_a_second_signal_ends_a_handler_that_blocks_and_catches_everything(
    gateway: LocalGateway,
) -> None:
    source = HEAD + (
        "@client.on_channel_message\n"
        "def block(message):\n"
        "    lines = ['heard']\n"
        "    while True:\n"
        "        try:\n"
        # Here, so that no signal comes before the try.
        "            while lines:\n"
        "                print(lines.pop())\n"
        # Not one long sleep: the kernel may deliver the second signal to another thread, which does not end the sleep.
        "            time.sleep(0.05)\n"
        "        except BaseException as error:\n"
        "            print(type(error).__name__)\n"
        "client.on('ready', lambda client: print('online'))\nclient.run()\n"
    )
    async with bot(source, gateway) as child:
        assert await child.line() == "online"
        await gateway.say("general", "alice", "hello")
        assert await child.line() == "heard"
        # The loop handles the first signal, and this handler blocks the loop.
        child.process.send_signal(signal.SIGTERM)
        child.process.send_signal(signal.SIGINT)
        assert await child.line() == "KeyboardInterrupt"
        code, _, err = await child.end(timeout=60)
    # The system decides which of the two is delivered first.
    assert code in (128 + signal.SIGINT, 128 + signal.SIGTERM)
    assert "The process did not end within 5 s after a second signal" in err
    assert "it exits now and abandons block (<string>:" in err


async def test_a_failing_async_on_error_is_logged_with_its_traceback(
    gateway: LocalGateway, caplog: pytest.LogCaptureFixture
) -> None:
    client = MezonClient(**quiet_options(gateway))

    @client.on_channel_message
    async def broken(message: ChannelMessage) -> None:
        raise LookupError("the handler's own")

    @client.on_error
    async def also_broken(error: Exception, where: str) -> None:
        raise LookupError("no one told")

    await client.login()
    await gateway.say("general", "alice", "hello")

    def failures() -> list[logging.LogRecord]:
        return [record for record in caplog.records if record.getMessage() == "on_error failed: no one told"]

    [record] = await until(failures)
    assert record.exc_info is not None
    frames = traceback.extract_tb(record.exc_info[2])
    assert (frames[-1].name, frames[-1].filename) == ("also_broken", __file__)
    await client.disconnect()


async def test_a_client_cannot_be_used_after_a_fork(gateway: LocalGateway) -> None:
    source = HEAD + (
        "from mezon.errors import ForkError\n"
        "async def main():\n"
        "    await client.login()\n"
        "    channel = await client.channels.fetch(int(os.environ['CHANNEL']))\n"
        "    await channel.send('parent before')\n"
        "    child = os.fork()\n"
        "    if child == 0:\n"
        "        try:\n"
        "            await channel.send('child')\n"
        "        except ForkError as error:\n"
        "            print(f'ForkError: {error}', flush=True)\n"
        "        os._exit(0)\n"
        "    os.waitpid(child, 0)\n"
        "    await channel.send('parent after')\n"
        "    await client.disconnect()\n"
        "asyncio.run(main())\n"
    )
    channel = gateway.world.channel("general").id
    async with bot(source, gateway, CHANNEL=str(channel)) as child:
        code, out, err = await child.end()
    assert (code, err) == (0, "")
    [line] = out.splitlines()
    assert line.startswith("ForkError: ")
    assert "create and log in the client in the child process" in line
    assert [m.content for m in gateway.world.messages("general")] == [
        '{"t":"parent before"}',
        '{"t":"parent after"}',
    ]


async def test_a_new_client_in_a_forked_child_of_a_parent_that_connected(gateway: LocalGateway) -> None:
    source = HEAD + (
        "from mezon.errors import ForkError\n"
        "async def use(one):\n"
        "    await one.login()\n"
        "    await one.disconnect()\n"
        "asyncio.run(use(client))\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    from mezon import MezonClient\n"
        "    mine = MezonClient(os.environ['MEZON_BOT_ID'], os.environ['MEZON_API_KEY'], message_db=False)\n"
        "    try:\n"
        "        asyncio.run(use(mine))\n"
        "        print('child logged in', flush=True)\n"
        "    except ForkError as error:\n"
        "        print('ForkError', flush=True)\n"
        "    os._exit(0)\n"
        "os.waitpid(child, 0)\n"
    )
    async with bot(source, gateway) as child:
        code, out, err = await child.end()
    assert (code, err) == (0, "")
    assert out == "child logged in\n"
