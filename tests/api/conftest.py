"""A server that answers as told, and a client of it that never waits."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from http_doubles import HastyClock, Server
from mezon.api import Limiter, MezonApi


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    state = Server()
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", state.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    state.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield state
    await runner.cleanup()


@pytest.fixture
def clock() -> HastyClock:
    return HastyClock()


@pytest.fixture
async def api(server: Server, clock: HastyClock) -> AsyncIterator[MezonApi]:
    """A client of `server` without a rate limit, whose pauses jump its clock."""
    client = MezonApi(77, "the-secret-key", server.url, 5000, limiter=Limiter(0, 0, clock=clock))
    yield client
    await client.close()
