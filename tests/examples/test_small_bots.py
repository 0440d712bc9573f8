"""Five small bots written for mezon-sdk."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from mezon import MezonClient, MezonError
from mezon.models import ApiSentTokenRequest, ChannelMessageContent
from mezon.testing import LocalGateway
from patience import patient


async def test_handlers_registered_after_login(gateway: LocalGateway) -> None:
    client = MezonClient(**gateway.client_options())
    await client.login()

    async def handle_message(message: Any) -> None:
        if message.sender_id == client.client_id:
            return
        channel = await client.channels.fetch(message.channel_id)
        if message.content.get("t") == "!ping":
            await channel.send(content=ChannelMessageContent(t="Pong!"))

    client.on_channel_message(handle_message)
    await gateway.say("general", "alice", "!ping")
    assert (await gateway.next_sent("channel_message_send")).text == "Pong!"
    await client.disconnect()


async def test_a_decorator(gateway: LocalGateway) -> None:
    client = MezonClient(**gateway.client_options())

    @client.on_channel_message
    async def greet(message: Any) -> None:
        if message.sender_id != client.client_id:
            channel = await client.channels.fetch(message.channel_id)
            received = await channel.messages.fetch(message.message_id)
            await received.reply(ChannelMessageContent(t=f"Hello {message.display_name}!"))

    await client.login()
    await gateway.say("random", "alice", "hi")
    sent = await gateway.next_sent("channel_message_send")
    assert sent.text == "Hello Alice!"
    await client.disconnect()


async def test_a_sync_handler(gateway: LocalGateway) -> None:
    client = MezonClient(**gateway.client_options())
    seen: list[str] = []
    done = asyncio.Event()

    def log(message: Any) -> None:
        seen.append(f"{message.username}: {message.content['t']}")
        done.set()

    client.on("channel_message", log)
    await client.login()
    await gateway.say("general", "bob", "one")
    await asyncio.wait_for(done.wait(), patient(5))
    assert seen == ["bob: one"]
    await client.disconnect()


async def test_ids_as_strings(gateway: LocalGateway) -> None:
    options = gateway.client_options()
    client = MezonClient(**{**options, "client_id": str(options["client_id"])})
    await client.login()
    # As read from a JSON configuration.
    config = json.loads(
        json.dumps(
            {
                "clan": str(gateway.world.clan().id),
                "channel": str(gateway.world.channel("general").id),
                "admin": str(gateway.world.user("alice").id),
            }
        )
    )
    channel = await client.channels.fetch(config["channel"])
    await channel.send("started")
    assert (await gateway.next_sent("channel_message_send")).text == "started"
    await client.send_message(config["clan"], config["channel"], 2, True, "by ids")
    assert (await gateway.next_sent("channel_message_send")).text == "by ids"
    await channel.send_ephemeral([config["admin"]], "psst")
    assert list((await gateway.next_sent("ephemeral_message_send")).message.receiver_ids) == [
        int(config["admin"])
    ]
    admin = await client.users.fetch(config["admin"])
    await admin.send_dm_message("hello")
    assert (await gateway.next_sent("channel_message_send")).channel_id == gateway.world.dm("alice").id
    await client.disconnect()


async def test_get_zk_proof_replaced(gateway: LocalGateway) -> None:
    gateway.http_status("/zk-api/prove", 500, times=None)
    client = MezonClient(**gateway.client_options())
    calls = 0

    async def skip() -> None:
        nonlocal calls
        calls += 1

    client.get_zk_proof = skip  # type: ignore[method-assign, assignment]
    await client.login()
    assert calls == 1
    assert await client.socket_manager.is_connected()
    # Without a proof nothing is paid; the bot keeps running.
    with pytest.raises(MezonError, match="proof"):
        await client.send_token(ApiSentTokenRequest(receiver_id=gateway.world.user("alice").id, amount=1))
    assert gateway.transactions == []
    channel = await client.channels.fetch(gateway.world.channel("general").id)
    await channel.send("still here")
    assert (await gateway.next_sent("channel_message_send")).text == "still here"
    await client.disconnect()
