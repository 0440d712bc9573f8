"""A server that answers as told, and a client of it that never waits."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from http_doubles import HastyClock, Server
from loopback import serving
from mezon.api import Limiter, MezonApi


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    state = Server()
    async with serving(state.handle) as state.url:
        yield state


@pytest.fixture
def clock() -> HastyClock:
    return HastyClock()


@pytest.fixture
async def api(server: Server, clock: HastyClock) -> AsyncIterator[MezonApi]:
    """A client of `server` without a rate limit, whose pauses jump its clock."""
    client = MezonApi(77, "the-secret-key", server.url, 5000, limiter=Limiter(0, 0, clock=clock))
    yield client
    await client.close()
