"""Run the same tests over both transports. The conftest of a folder imports these names::

    from over_transports import over_this_transport, pytest_generate_tests  # noqa: F401

With the hook a test that asks for ``transport`` runs over each; with the fixture every test of the folder does, and so
do the bots it makes, those of its child processes too.
"""

from __future__ import annotations

import importlib.util

import pytest

#: mezon-sdk, which the contract's tests run against as well, has no other.
TRANSPORTS = ("websocket", "tcp") if importlib.util.find_spec("mezon.errors") is not None else ("websocket",)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrize ``transport``; ``@pytest.mark.transports("websocket")`` selects the transports of a test."""
    if "transport" in metafunc.fixturenames:
        marker = metafunc.definition.get_closest_marker("transports")
        metafunc.parametrize("transport", marker.args if marker is not None else TRANSPORTS)


@pytest.fixture(autouse=True)
def over_this_transport(transport: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Make this the transport of clients that are created without one."""
    monkeypatch.setenv("MEZON_TRANSPORT", transport)
    return transport
