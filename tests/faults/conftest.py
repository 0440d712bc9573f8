"""The fixture of the fault tests: bots that are closed at the end, whatever happened."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from fault_kit import PATIENT, Bot
from fault_types import MakeBot
from mezon.testing import LocalGateway
from over_transports import over_this_transport, pytest_generate_tests  # noqa: F401


@pytest_asyncio.fixture
async def make_bot(gateway: LocalGateway) -> AsyncIterator[MakeBot]:
    """``bot = await make_bot()``: logged in at the gateway; ``login=False`` leaves that to the test."""
    bots: list[Bot] = []

    async def make(
        settings: dict[str, Any] | None = None,
        *,
        login: bool = True,
        at: LocalGateway | None = None,
        **options: Any,
    ) -> Bot:
        bot = Bot(at or gateway, settings, **options)
        bots.append(bot)
        if login:
            await bot.login()
            await (at or gateway).wait_joined()
        return bot

    yield make
    for bot in bots:
        await bot.disconnect()


@pytest_asyncio.fixture
async def bot(make_bot: MakeBot) -> Bot:
    """A bot that is logged in."""
    return await make_bot()


@pytest_asyncio.fixture
async def filling(make_bot: MakeBot) -> Bot:
    """A bot with gap filling that is logged in."""
    return await make_bot(fill_gaps=PATIENT)
