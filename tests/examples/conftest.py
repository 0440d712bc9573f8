"""Fixtures for the examples."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from example_kit import Load, loader
from in_process_cluster import InProcess
from mezon.testing import LocalGateway
from mezon.testing.profiles import CLIENTS
from nats_servers import nats_server, needs_nats


@pytest.fixture(params=["in one process", pytest.param("behind a relay", marks=needs_nats)])
async def load(
    request: pytest.FixtureRequest, gateway: LocalGateway, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> AsyncIterator[Load]:
    """Import a bot of `examples/` with the gateway in its environment: no line of it knows where it runs."""
    for load in loader(gateway, monkeypatch, tmp_path):
        if request.param == "in one process":
            yield load
            continue
        async with nats_server() as nats, InProcess(gateway, nats, message_db=":memory:") as machines:

            def load_in_worker(name: str, load: Load = load, **environment: object) -> Any:
                with machines.workers():
                    return load(name, **environment)

            yield load_in_worker


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest, gateway: LocalGateway) -> str:
    """The client with which the users click and fill in forms."""
    gateway.client = request.param
    return gateway.client
