"""A bot and the local gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from mezon.ext.commands import Bot
from mezon.testing import LocalGateway
from small import free_port


@pytest_asyncio.fixture
async def bot(gateway: LocalGateway) -> AsyncIterator[Bot]:
    """A bot that is not logged in yet."""
    made = Bot(**gateway.client_options())
    yield made
    await made.disconnect()


@pytest.fixture(name="free_port")
def _free_port() -> int:
    return free_port()
