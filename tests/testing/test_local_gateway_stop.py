"""Stopping the gateway leaves no socket open, even if a connection arrives at that moment."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import warnings

from mezon.testing import LocalGateway


async def test_connections_that_arrive_at_a_stop_are_ended(gateway: LocalGateway) -> None:
    async def knock() -> None:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection(gateway.host, gateway.port)
            writer.close()

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for turns in range(40):
            knocking = [asyncio.ensure_future(knock()) for _ in range(5)]
            for _ in range(turns % 7):
                await asyncio.sleep(0)
            await gateway.restart()
            await asyncio.gather(*knocking)
        await asyncio.sleep(0.01)
        gc.collect()
    assert [str(warning.message) for warning in caught] == []
