"""Clients of the local gateway, closed after the test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest_asyncio
from bot_process import quiet_options
from client_types import Connect
from mezon import MezonClient
from mezon.testing import LocalGateway
from over_transports import over_this_transport, pytest_generate_tests  # noqa: F401


@pytest_asyncio.fixture
async def connect(gateway: LocalGateway) -> AsyncIterator[Connect]:
    """``client = await connect(handler, timeout=500)``: logged in, with the handler listening to messages."""
    clients: list[MezonClient] = []

    async def make(handler: Callable[[Any], Any] | None = None, **options: Any) -> MezonClient:
        client = MezonClient(**{**quiet_options(gateway), **options})
        clients.append(client)
        if handler is not None:
            client.on_channel_message(handler)
        await client.login()
        return client

    yield make
    for client in clients:
        await client.disconnect()
