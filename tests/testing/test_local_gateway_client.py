"""The gateway with the SDK, as in the documentation of the gateway."""

from __future__ import annotations

import textwrap
from collections.abc import Awaitable, Callable
from typing import Any

import mezon.testing
from mezon import MezonClient
from mezon.models import ChannelMessage
from mezon.testing import LocalGateway


async def test_the_example_of_the_documentation(gateway: LocalGateway) -> None:
    text = mezon.testing.__doc__ or ""
    block = text.split("::\n", 1)[1].split("\n\nThe world", 1)[0]
    names: dict[str, Any] = {}
    exec(compile(textwrap.dedent(block), "mezon.testing", "exec"), names)
    await names["test_the_bot_greets_back"](gateway)
    assert gateway.connections.max_live == 1


async def test_a_bot_over_tls(gateway_factory: Callable[..., Awaitable[LocalGateway]]) -> None:
    gateway = await gateway_factory(tls=True)
    client = MezonClient(**gateway.client_options())
    heard: list[str] = []

    @client.on_channel_message
    async def listen(message: ChannelMessage) -> None:
        heard.append(message.content["t"])
        if message.sender_id != client.client_id:
            channel = await client.channels.fetch(message.channel_id)
            await channel.send("heard")

    await client.login()
    await gateway.wait_joined()
    await gateway.say("general", "alice", "chào")
    assert (await gateway.next_sent()).text == "heard"
    await client.disconnect()
    await gateway.wait_disconnected()
    assert heard[0] == "chào"
