from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from loopback import serving
from sse_server import StreamServer


@pytest.fixture
async def server() -> AsyncIterator[StreamServer]:
    made = StreamServer()
    async with serving(made.handle) as made.url:
        yield made
        for stream in list(made.open_connections):
            stream.end()
    await asyncio.sleep(0)
