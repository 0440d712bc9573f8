"""A server, a gateway, and the file of a bot that writes down what it handles."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from mezon._cluster.broker import connect, disconnect
from mezon._cluster.layout import create_layout
from mezon._cluster.settings import Broker, Layout, Timing
from nats.aio.client import Client
from nats_servers import TIMING, NatsServer, nats_server

#: Appends "<channel> <text>" for each message it handles; answers those that begin with "?".
BOT = """
import asyncio, os
from mezon import MezonClient

client = MezonClient(
    os.environ["BOT_ID"],
    "a key that no worker needs",
    host="nowhere.invalid",
    mmn_api_url=None,
    zk_api_url=None,
    max_concurrent_handlers=200,
    timeout=60_000,  # a burst may wait that long for a limit, or for a relay
)
ledger = os.open(os.environ["LEDGER"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

@client.on_channel_message
async def handle(message):
    if message.sender_id == client.client_id:
        return
    text = message.content.get("t", "")
    os.write(ledger, f"{message.channel_id} {text}\\n".encode())
    if text.startswith("?"):
        await message.reply(f"!{text[1:]}")
    elif text.startswith("die"):
        os._exit(9)
    elif text.startswith("wait"):
        await asyncio.sleep(float(text[4:]))
        os.write(ledger, f"{message.channel_id} done {text}\\n".encode())
"""


@pytest.fixture
async def nats() -> AsyncIterator[NatsServer]:
    """A server of NATS."""
    async with nats_server() as server:
        yield server


@pytest.fixture
async def client(nats: NatsServer, request: pytest.FixtureRequest) -> AsyncIterator[Client]:
    """A connection to the server, with the streams of the bot that the module's NAMES names, in one partition."""
    client = await connect(Broker(urls=nats.url))
    await create_layout(client, request.module.NAMES, Layout(partitions=1), Timing(**TIMING))
    yield client
    await disconnect(client)


@pytest.fixture
def bot(tmp_path: Path) -> Path:
    """The bot's file."""
    path = tmp_path / "counting_bot.py"
    path.write_text(BOT)
    return path


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """Where it writes."""
    path = tmp_path / "ledger"
    path.touch()
    return path
