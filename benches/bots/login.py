"""A bot that logs in to many clans and hears the first message of each."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from _bot import drift, leave, make_client, memory, options, percentile, tell

OPTIONS = options()
trips: list[float] = []
done = asyncio.Event()


async def hear(message: Any) -> None:
    trips.append(time.monotonic() - int(message.content["t"]) / 1e9)
    if len(trips) == OPTIONS["clans"]:
        done.set()


async def main() -> None:
    client = make_client()
    client.on_channel_message(hear)
    stops: list[float] = []
    ticker = asyncio.ensure_future(drift(stops))
    # The ticker's first turn is before the login's.
    await asyncio.sleep(0.02)
    stops.clear()
    start = time.monotonic()
    await client.login()
    login = time.monotonic() - start
    await asyncio.sleep(0.02)
    ticker.cancel()
    rss = memory("VmRSS")
    await asyncio.sleep(0.2)
    tell(ready=True)
    try:
        await asyncio.wait_for(done.wait(), OPTIONS["timeout"])
    except TimeoutError:
        # What has not come counts as the whole wait: a lower bound.
        trips.extend([OPTIONS["timeout"]] * (OPTIONS["clans"] - len(trips)))
    leave(
        login=login,
        stop=max(stops),
        rss=rss,
        first_p50=percentile(trips, 0.5),
        first_max=max(trips),
        heard=done.is_set(),
    )


asyncio.run(main())
