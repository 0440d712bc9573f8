"""A bot and the local gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from mezon.ext.commands import Bot
from mezon.testing import LocalGateway


@pytest_asyncio.fixture
async def bot(gateway: LocalGateway) -> AsyncIterator[Bot]:
    """A bot that is not logged in yet."""
    made = Bot(**gateway.client_options())
    yield made
    await made.disconnect()
