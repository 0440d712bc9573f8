"""What all tests share: a test that asks for the fixture ``transport`` runs over each of them."""

from __future__ import annotations

import pytest

TRANSPORTS = ("websocket", "tcp")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrizes ``transport``; ``@pytest.mark.transports("websocket")`` names those a test is about."""
    if "transport" in metafunc.fixturenames:
        marker = metafunc.definition.get_closest_marker("transports")
        metafunc.parametrize("transport", marker.args if marker is not None else TRANSPORTS)
