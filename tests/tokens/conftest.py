from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from loopback import serving
from token_node import Node

VECTORS = Path(__file__).parents[1] / "vectors" / "tokens.json"


@pytest.fixture(scope="session")
def vectors() -> dict[str, Any]:
    return json.loads(VECTORS.read_text(encoding="utf-8"))


@pytest.fixture
async def node() -> AsyncIterator[Node]:
    made = Node()
    async with serving(made.handle) as made.url:
        yield made
