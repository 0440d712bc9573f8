"""A bot and the local gateway."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from mezon.ext.commands import Bot
from mezon.testing import LocalGateway


@pytest_asyncio.fixture
async def bot(gateway: LocalGateway) -> AsyncIterator[Bot]:
    """A bot that is not logged in yet."""
    made = Bot(**gateway.client_options())
    yield made
    await made.disconnect()


@pytest.fixture
def free_port() -> int:
    """A port of the loopback that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
