"""A bot in many clans joins all of them within the limits of frames and pending calls."""

from __future__ import annotations

import logging

import pytest
from bot_process import quiet_options
from mezon import GatewayOptions, MezonClient
from mezon.testing import LocalGateway


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("count", "rate_limit"), [(2_600, 80), (10_000, 0)])
async def test_all_are_joined(
    gateway: LocalGateway, caplog: pytest.LogCaptureFixture, count: int, rate_limit: int
) -> None:
    for number in range(count - len(gateway.world.clans)):
        gateway.world.add_clan(f"clan {number}")
    # The timeout of a call is one second, which fits 1,600 frames or 1,000 pending calls: fewer than all joins.
    options = GatewayOptions(rate_limit=rate_limit, rate_period=0.05, max_pending=1_000, max_joined=20_000)
    client = MezonClient(**quiet_options(gateway) | {"gateway": options, "timeout": 1_000, "cache_size": 20})
    with caplog.at_level(logging.WARNING, logger="mezon"):
        await client.login()
    assert client.socket_manager.joined_clans == {0, *gateway.world.clans}
    assert client.stats().joined == count + 1
    assert "could not be joined" not in caplog.text
    await client.disconnect()
