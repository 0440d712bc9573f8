"""Clients on ports in memory; whoever reaches for the core's gateway, its store or a socket fails."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from mezon import MezonClient, _core
from port_fakes import FakePorts, client_on


@pytest.fixture(autouse=True)
def _nothing_real(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("this test runs without the core and without the network")

    monkeypatch.setattr(_core, "Gateway", refuse)
    monkeypatch.setattr(_core, "Store", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture
def ports() -> FakePorts:
    return FakePorts()


@pytest_asyncio.fixture
async def client(ports: FakePorts) -> AsyncIterator[MezonClient]:
    client = client_on(ports)
    yield client
    await client.disconnect()
