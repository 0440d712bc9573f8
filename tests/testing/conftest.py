"""The fixture of these tests: a peer that has logged in to the gateway and holds an open WebSocket."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from gateway_peer import Peer
from mezon.testing import LocalGateway


@pytest_asyncio.fixture
async def peer(gateway: LocalGateway) -> AsyncIterator[Peer]:
    async with Peer(gateway) as peer:
        await peer.connect()
        yield peer
