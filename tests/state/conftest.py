"""The backends of state, each with a server or file of its own."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from mezon.ext.state import Backend
from nats_servers import SERVER, free_ports, nats_server
from state_backends import open_backend

REDIS = shutil.which("redis-server")
KINDS = ["memory", "sqlite", "redis", "nats"]


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    if REDIS is None:
        pytest.skip("there is no redis-server on PATH")
    (port,) = free_ports(1)
    command = [REDIS, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert any("Ready to accept connections" in line for line in server.stdout)
        yield f"redis://127.0.0.1:{port}"
        server.terminate()


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def address(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """Where the backend is: empty at the beginning of the test."""
    if kind == "nats":
        if SERVER is None:
            pytest.skip("there is no nats-server")
        async with nats_server() as server:
            yield server.url
    elif kind == "redis":
        url = str(request.getfixturevalue("redis_url"))
        yield url
        flush = ["redis-cli", "-u", url, "flushall"]
        await asyncio.to_thread(subprocess.run, flush, check=True, stdout=subprocess.DEVNULL)
    else:
        yield str(tmp_path / "state.db")


@pytest.fixture
async def backend(kind: str, address: str) -> AsyncIterator[Backend]:
    async with open_backend(kind, address) as opened:
        yield opened
