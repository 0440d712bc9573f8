"""Event loops: asyncio's and uvloop's, in sequence, in threads, blocked, and without watched descriptors."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop
from bot_process import quiet_options
from client_types import Connect
from mezon import GatewayOptions, MezonClient
from mezon.errors import MezonConnectionError
from mezon.models import ChannelMessage
from mezon.testing import GatewayThread, LocalGateway
from patience import patient
from waiting import until

LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


class NoDescriptors(asyncio.SelectorEventLoop):
    """A loop that cannot watch descriptors, like the proactor loop of Windows; its own sockets work."""

    def add_reader(self, fd: Any, callback: Any, *args: Any) -> None:
        raise NotImplementedError


def run(coroutine: Coroutine[Any, Any, Any], factory: Callable[[], asyncio.AbstractEventLoop]) -> Any:
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(coroutine)


async def converse(gateway: LocalGateway, client: MezonClient, count: int = 500) -> None:
    """Log in, receive `count` messages in order, send one, get its ack, disconnect."""
    heard: list[ChannelMessage] = []
    done = asyncio.Event()

    async def hear(message: ChannelMessage) -> None:
        heard.append(message)
        if len(heard) == count:
            done.set()

    client.on_channel_message(hear)
    await client.login()
    await gateway.blast(count, mix="plain")
    await asyncio.wait_for(done.wait(), patient(20))
    ids = [message.message_id for message in heard]
    assert ids == sorted(ids)
    channel = await client.channels.fetch(gateway.world.channel("general").id)
    ack = await channel.send("hello")
    assert ack.message_id == gateway.world.messages("general")[-1].message_id
    await client.disconnect()
    assert client.state == "closed"


@pytest.mark.parametrize("factory", LOOPS.values(), ids=LOOPS)
def test_on_each_loop(factory: Callable[[], asyncio.AbstractEventLoop]) -> None:
    async def main() -> None:
        async with LocalGateway() as gateway:
            await converse(gateway, MezonClient(**quiet_options(gateway)))

    run(main(), factory)


@pytest.mark.parametrize("factory", LOOPS.values(), ids=LOOPS)
def test_reconnect_on_each_loop(factory: Callable[[], asyncio.AbstractEventLoop]) -> None:
    async def main() -> None:
        async with LocalGateway() as gateway:
            client = MezonClient(**quiet_options(gateway))
            back = asyncio.Event()
            client.on("reconnected", lambda gap: back.set())
            await client.login()
            await gateway.drop()
            await asyncio.wait_for(back.wait(), patient(10))
            await gateway.wait_joined()
            assert client.state == "ready"
            await client.disconnect()

    run(main(), factory)


@pytest.mark.parametrize("factory", LOOPS.values(), ids=LOOPS)
def test_one_client_on_two_loops_one_after_the_other(
    factory: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    with GatewayThread() as server:
        client = MezonClient(**quiet_options(server.gateway))
        heard: list[str] = []

        @client.on_channel_message
        async def hear(message: ChannelMessage) -> None:
            heard.append(message.content["t"])

        async def main(text: str) -> None:
            await client.login()
            await server.arun(server.gateway.say("general", "alice", text))
            await until(lambda: text in heard)
            await client.disconnect()

        run(main("one"), factory)
        run(main("two"), factory)
        assert heard == ["one", "two"]
        assert server.gateway.connections.total == 2


def test_two_loops_in_two_threads() -> None:
    failures: list[BaseException] = []
    ready = threading.Barrier(2)

    def work(factory: Callable[[], asyncio.AbstractEventLoop]) -> None:
        async def main() -> None:
            async with LocalGateway() as gateway:
                ready.wait(10)
                await converse(gateway, MezonClient(**quiet_options(gateway)))

        try:
            run(main(), factory)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(factory,)) for factory in LOOPS.values()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(40)
    assert not any(thread.is_alive() for thread in threads)
    assert failures == []


async def test_two_clients_in_one_process(gateway: LocalGateway, connect: Connect) -> None:
    gateway.add_bot(77, "key-of-the-other", "other")
    heard: dict[str, list[str]] = {"one": [], "two": []}

    def ear(name: str) -> Callable[[ChannelMessage], None]:
        return lambda message: heard[name].append(message.content["t"])

    one = await connect(ear("one"))
    two = await connect(ear("two"), client_id=77, api_key="key-of-the-other")
    channel = await two.channels.fetch(gateway.world.channel("general").id)
    await channel.send("from two")
    await until(lambda: heard == {"one": ["from two"], "two": ["from two"]})
    await two.disconnect()
    await gateway.say("general", "alice", "to one")
    await until(lambda: heard["one"] == ["from two", "to one"])
    assert heard["two"] == ["from two"]
    assert (one.state, two.state) == ("ready", "closed")


def test_a_loop_that_watches_no_descriptors() -> None:
    async def main() -> None:
        async with LocalGateway() as gateway:
            await converse(gateway, MezonClient(**quiet_options(gateway)))

    run(main(), NoDescriptors)


def test_between_loops_with_and_without_watched_descriptors() -> None:
    with GatewayThread() as server:
        client = MezonClient(**quiet_options(server.gateway))

        async def main() -> None:
            await client.login()
            channel = await client.channels.fetch(server.gateway.world.channel("general").id)
            await channel.send("hello")
            await client.disconnect()

        for factory in (asyncio.new_event_loop, NoDescriptors, asyncio.new_event_loop):
            run(main(), factory)
        assert len(server.gateway.world.messages("general")) == 3


def test_a_call_from_another_loop_raises() -> None:
    with GatewayThread() as server:
        client = MezonClient(**quiet_options(server.gateway))

        async def main() -> None:
            await client.login()

            def elsewhere() -> None:
                channel = server.gateway.world.channel("general")
                asyncio.run(client.send_message(channel.clan_id, channel.id, 2, True, "hello"))

            with pytest.raises(MezonConnectionError, match="another event loop"):
                await asyncio.to_thread(elsewhere)
            await client.disconnect()

        asyncio.run(main())


@pytest.mark.parametrize("factory", LOOPS.values(), ids=LOOPS)
def test_a_blocked_loop_loses_nothing(factory: Callable[[], asyncio.AbstractEventLoop]) -> None:
    count = 5000
    # The heartbeat is so short that a client that leaves it to the loop times out, and long enough for a gateway
    # in the same process on a busy machine.
    with GatewayThread() as server:
        gateway = server.gateway

        async def main() -> None:
            options = quiet_options(gateway) | {
                "gateway": GatewayOptions(heartbeat_interval=0.3, heartbeat_timeout=2.0)
            }
            client = MezonClient(**options)
            ids: list[int] = []
            done = asyncio.Event()
            blocked = False

            @client.on_channel_message
            async def hear(message: ChannelMessage) -> None:
                nonlocal blocked
                if not blocked:
                    blocked = True
                    time.sleep(3)  # noqa: ASYNC251 (that is the point)
                ids.append(message.message_id)
                if len(ids) == count:
                    done.set()

            await client.login()
            await server.arun(gateway.blast(count))
            await asyncio.wait_for(done.wait(), patient(30))
            assert ids == sorted(ids)
            assert client.stats().reconnects == 0
            assert gateway.connections.total == 1
            # Pings were sent while the loop was blocked.
            assert sum(sent.kind == "ping" for sent in gateway.sent) >= 5
            await client.disconnect()

        run(main(), factory)
