"""A bot that answers itself: ``ignore_self``, the warning, and the limit of the local gateway."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from mezon import ChannelMessage, MezonClient, filters
from mezon.errors import MezonError
from mezon.testing import Limits, LocalGateway
from patience import patient


async def test_ignore_self_skips_the_messages_of_the_bot_only(gateway: LocalGateway) -> None:
    client = MezonClient(**gateway.client_options())
    heard: list[Any] = []
    both: list[Any] = []
    everything: asyncio.Queue[Any] = asyncio.Queue()

    @client.on_channel_message(ignore_self=True)
    async def others(message: ChannelMessage) -> None:
        heard.append(message.content["t"])

    client.on_channel_message(
        lambda message: both.append(message.content["t"]), filter=filters.prefix("!"), ignore_self=True
    )
    client.on_channel_message(lambda message: everything.put_nowait(message.content["t"]))
    await client.login()
    try:
        await gateway.wait_joined()
        room = await client.channels.fetch(gateway.world.channel("general").id)
        await room.send("!mine")
        assert await everything.get() == "!mine"
        for text in ("hello", "!hers"):
            await gateway.say("general", "alice", text)
            assert await everything.get() == text
        # Each event has its own task; the last one may not have started.
        await asyncio.sleep(0)
        assert heard == ["hello", "!hers"]
        assert both == ["!hers"]
    finally:
        await client.disconnect()


@pytest.mark.parametrize("way", ["reply", "send"])
async def test_the_gateway_stops_a_bot_that_answers_itself(
    gateway: LocalGateway, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    # The bot may take longer than 5 s for 50 messages on a busy machine.
    monkeypatch.setattr("mezon.testing.limits._LOOP_SECONDS", 1e6)
    monkeypatch.setattr("mezon.managers.socket._LOOP_SECONDS", 1e6)
    if way == "send":
        gateway.limits = Limits(uninterrupted_sends=50)
    client = MezonClient(**gateway.client_options())
    stopped: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()

    @client.on_channel_message
    async def parrot(message: ChannelMessage) -> None:
        await (message.reply("again") if way == "reply" else message.channel.send("again"))

    @client.on_error
    def failed(error: BaseException, name: str) -> None:
        stopped.set_result(error)

    await client.login()
    try:
        await gateway.wait_joined()
        await gateway.say("general", "alice", "hello")
        async with asyncio.timeout(patient(60)):
            error = await stopped
        assert isinstance(error, MezonError)
        assert "the bot answers itself" in str(error)
        assert "ignore_self=True" in str(error)
        # The first reply is one to Alice.
        assert len(gateway.world.messages("general")) == 1 + 50 + (way == "reply")
        assert any("answers itself" in breach for breach in gateway.breaches)
        warnings = [record for record in caplog.records if "The bot answers itself" in record.getMessage()]
        assert len(warnings) == (way == "reply")
    finally:
        await client.disconnect()


async def test_a_message_of_anyone_else_starts_a_new_count(
    gateway: LocalGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mezon.testing.limits._LOOP_SECONDS", 1e6)
    gateway.limits = Limits(uninterrupted_sends=3)
    client = MezonClient(**gateway.client_options())
    await client.login()
    try:
        await gateway.wait_joined()
        room = await client.channels.fetch(gateway.world.channel("general").id)
        for _ in range(2):
            await gateway.say("general", "alice", "hello")
            for _ in range(3):
                await room.send("one of three")
        with pytest.raises(MezonError, match="the bot answers itself"):
            await room.send("the fourth")
        elsewhere = await client.channels.fetch(gateway.world.channel("random").id)
        await elsewhere.send("channels are counted separately")
    finally:
        await client.disconnect()
