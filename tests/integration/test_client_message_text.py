"""``message.text`` and ``message.is_dm``, for content as a dict and as JSON text."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from mezon import MezonClient
from mezon.testing import LocalGateway


@pytest.mark.parametrize("as_json", [False, True])
async def test_text_and_is_dm(gateway: LocalGateway, as_json: bool) -> None:
    client = MezonClient(**{**gateway.client_options(), "content_as_json": as_json})
    heard: asyncio.Queue[Any] = asyncio.Queue()
    client.on_channel_message(lambda message: heard.put_nowait((message.text, message.is_dm)))
    await client.login()
    try:
        await gateway.wait_joined()
        await gateway.say("general", "alice", "hello")
        await gateway.say("general", "alice", {"embed": []})
        await gateway.say(gateway.world.dm(gateway.world.user("alice")), "alice", "psst")
        assert [await heard.get() for _ in range(3)] == [("hello", False), ("", False), ("psst", True)]
    finally:
        await client.disconnect()
