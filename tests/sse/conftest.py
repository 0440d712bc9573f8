from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from sse_server import StreamServer


@pytest.fixture
async def server() -> AsyncIterator[StreamServer]:
    made = StreamServer()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    made.url = f"http://{host}:{port}"
    yield made
    for stream in list(made.open_connections):
        stream.end()
    await runner.cleanup()
    await asyncio.sleep(0)
