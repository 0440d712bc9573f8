"""The examples, loaded as their authors run them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from example_kit import Load, loader
from mezon.testing import LocalGateway


@pytest.fixture
def load(gateway: LocalGateway, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Load]:
    """Import a bot of `examples/` with the gateway in its environment."""
    yield from loader(gateway, monkeypatch, tmp_path)
