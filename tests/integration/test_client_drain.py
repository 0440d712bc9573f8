"""The drain from the core to the loop continues whatever an item of a batch raises."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

import pytest
from bot_process import HEAD, bot, quiet_options
from client_types import Connect
from mezon import MezonClient, _core
from mezon.errors import MezonConnectionError
from mezon.models import ChannelMessage
from mezon.testing import GatewayThread, LocalGateway
from waiting import until


class Alien(BaseException):
    """Not an ``Exception``, like a panic of native code."""


class TroubledCore:
    """The core, with a ``drain`` that the test can make fail."""

    trouble: ClassVar[list[BaseException]] = []

    def __init__(self, *args: Any) -> None:
        self._core = REAL(*args)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._core, name)

    def drain(self, most: int) -> Any:
        if self.trouble:
            raise self.trouble.pop()
        return self._core.drain(most)


REAL = _core.Gateway


@pytest.mark.parametrize("raised", [ValueError, Alien, asyncio.CancelledError, MemoryError])
async def test_a_failed_drain_is_retried(
    gateway: LocalGateway, monkeypatch: pytest.MonkeyPatch, connect: Connect, raised: type[BaseException]
) -> None:
    monkeypatch.setattr(_core, "Gateway", TroubledCore)
    heard: list[str] = []
    client = await connect(lambda message: heard.append(message.content["t"]))
    monkeypatch.setattr(TroubledCore, "trouble", [raised(), raised()])
    await gateway.say("general", "alice", "hello")
    await until(lambda: heard == ["hello"])
    channel = await client.channels.fetch(gateway.world.channel("general").id)
    assert (await channel.send("and back")).message_id


@pytest.mark.parametrize("raised", [Alien, asyncio.CancelledError])
async def test_the_rest_of_a_batch_is_dispatched(
    gateway: LocalGateway, connect: Connect, raised: type[BaseException]
) -> None:
    """The messages fill more than one batch, and each handler call raises."""
    heard: list[int] = []

    def hear(message: ChannelMessage) -> None:
        heard.append(message.message_id)
        raise raised

    client = await connect(hear)
    await gateway.blast(200)
    await until(lambda: len(heard) == 200)
    assert client.stats().handler_errors == 200


async def test_a_batch_continues_when_the_listener_fails(gateway: LocalGateway, connect: Connect) -> None:
    heard: list[str] = []
    client = await connect(lambda message: heard.append(message.content["t"]))
    connection = client.socket_manager.get_socket().connection
    listener: Any = connection.listener
    tell, fails = listener.on_event, [Alien(), ValueError()]

    def on_event(name: str, event: Any) -> None:
        if fails:
            raise fails.pop()
        tell(name, event)

    listener.on_event = on_event
    for text in ("one", "two", "three"):
        await gateway.say("general", "alice", text)
    await until(lambda: heard == ["three"])


@pytest.mark.parametrize("raised", ["KeyboardInterrupt", "SystemExit(3)"])
async def test_exceptions_that_end_the_process_propagate(gateway: LocalGateway, raised: str) -> None:
    source = HEAD + (
        "@client.on_channel_message\n"
        "def stop(message):\n"
        f"    raise {raised}\n"
        "@client.on_channel_message\n"
        "def then(message):\n"
        "    print('the other handler', flush=True)\n"
        "@client.on_ready\n"
        "def ready(client):\n"
        "    print('ready', flush=True)\n"
        "client.run()\n"
    )
    async with bot(source, gateway) as child:
        assert await child.line() == "ready"
        await gateway.say("general", "alice", "x")
        assert await child.line() == "the other handler"
        code, _, _ = await child.end()
    assert code == (3 if "3" in raised else 0)


def test_a_send_from_another_loop_is_not_sent() -> None:
    with GatewayThread() as server:
        client = MezonClient(**quiet_options(server.gateway))
        channel = server.gateway.world.channel("general")

        async def main() -> None:
            await client.login()

            def elsewhere() -> None:
                asyncio.run(client.send_message(channel.clan_id, channel.id, 2, True, "from elsewhere"))

            with pytest.raises(MezonConnectionError, match="not sent: it was called on another event loop"):
                await asyncio.to_thread(elsewhere)
            await client.send_message(channel.clan_id, channel.id, 2, True, "from here")
            await client.disconnect()

        asyncio.run(main())
        assert [m.content for m in server.gateway.world.messages("general")] == ['{"t":"from here"}']
