"""A bot and its test in one file, run against an installed wheel: login, receive, reply, store, disconnect."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

import mezon
from mezon import MezonClient
from mezon.testing import LocalGateway


async def main() -> None:
    async with LocalGateway() as gateway:
        with tempfile.TemporaryDirectory() as folder:
            client = MezonClient(**{**gateway.client_options(), "message_db": Path(folder) / "messages.db"})

            @client.on_channel_message
            async def answer(message: mezon.ChannelMessage) -> None:
                if message.sender_id != client.client_id:
                    channel = await client.channels.fetch(message.channel_id)
                    await channel.send(f"hello {message.username}")

            await client.login()
            await gateway.say("general", "alice", "hi")
            sent = await gateway.next_sent("channel_message_send")
            assert sent.text == "hello alice", sent
            kept = await client.message_db.get_messages_by_channel(sent.channel_id)
            assert len(kept) >= 1, kept
            await client.disconnect()
    version = ".".join(map(str, sys.version_info[:3]))
    print(
        f"mezon-rs {mezon.__version__} on Python {version}: a bot logged in, answered and remembered ({mezon.__file__})"
    )


asyncio.run(main())
