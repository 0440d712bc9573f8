"""Imports ahead of a login: in one thread, while nothing else is imported, and never why a login fails."""

from __future__ import annotations

import importlib
import sys
import threading
from types import ModuleType

import mezon.managers.channel
import mezon.structures.clan
import pytest
import pytest_asyncio
from mezon import MezonClient
from port_fakes import FakePorts, client_on

MODULES = {"mezon.managers.channel": mezon.managers.channel, "mezon.structures.clan": mezon.structures.clan}


@pytest.fixture
def ports() -> FakePorts:
    return FakePorts()


@pytest_asyncio.fixture
async def client(ports: FakePorts, monkeypatch: pytest.MonkeyPatch) -> MezonClient:
    """A client in a process that has imported everything but these modules."""
    other = client_on(FakePorts())
    await other.login()
    await other.disconnect()
    for name in MODULES:
        monkeypatch.delitem(sys.modules, name)
    return client_on(ports)


async def test_a_login_survives_a_preload_that_fails(
    client: MezonClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def fail(name: str) -> ModuleType:
        asked.append(name)
        # As if the module were imported where it is used.
        if name in MODULES:
            monkeypatch.setitem(sys.modules, name, MODULES[name])
        raise SystemError("AST constructor recursion depth mismatch")

    monkeypatch.setattr(importlib, "import_module", fail)
    await client.login()
    assert set(asked) >= set(MODULES)
    assert client.state == "ready"
    await client.disconnect()


async def test_the_login_waits_for_the_imports(
    client: MezonClient, ports: FakePorts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pytest's import hook calls `ast.parse`, which fails in two threads at once in Python 3.11."""
    threads: set[int] = set()
    requests: list[int] = []
    load = importlib.import_module

    def note(name: str) -> ModuleType:
        threads.add(threading.get_ident())
        requests.append(len(ports.the_http.requests))
        if name in MODULES:
            # Not loaded a second time: other tests compare its classes.
            monkeypatch.setitem(sys.modules, name, MODULES[name])
        return load(name)

    monkeypatch.setattr(importlib, "import_module", note)
    await client.login()
    await client.disconnect()
    [thread] = threads
    assert thread != threading.get_ident(), "the loop is not blocked"
    assert set(requests) == {0}
    assert ports.the_http.requests
