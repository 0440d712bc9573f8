"""The fixture of these tests: a peer that is logged in to the gateway and has an open socket."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from gateway_peer import Peer
from mezon.testing import LocalGateway
from over_transports import pytest_generate_tests  # noqa: F401
from tcp_peer import TcpPeer


@pytest.fixture
def peer_type(transport: str) -> type[Peer]:
    return {"websocket": Peer, "tcp": TcpPeer}[transport]


@pytest_asyncio.fixture
async def peer(gateway: LocalGateway, peer_type: type[Peer]) -> AsyncIterator[Peer]:
    async with peer_type(gateway) as peer:
        await peer.connect()
        yield peer
