"""A bot that sends: one message after the ack of the other, below the limit of frames; or many at once without it."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from _bot import cpu, leave, make_client, options, percentile, tell

OPTIONS = options()


async def main() -> None:
    from mezon.models import ChannelMessageContent

    flight = OPTIONS.get("flight", 0)
    client = make_client(**without_limit() if flight else {})
    await client.login()
    tell(online=True)
    channel = await client.channels.fetch(OPTIONS["channel"])
    for number in range(20):
        await channel.send(ChannelMessageContent(t=f"warm {number}"))
    if flight:
        await fly(channel, ChannelMessageContent, flight)
    trips: list[float] = []
    used = 0.0
    for turn in range(OPTIONS["turns"]):
        # 80 frames a second are allowed, pings too.
        await asyncio.sleep(1.2)
        before = cpu()
        for number in range(OPTIONS["per_turn"]):
            start = time.perf_counter()
            await channel.send(ChannelMessageContent(t=f"message {turn} {number}"))
            trips.append(time.perf_counter() - start)
        used += cpu() - before
    leave(p50=percentile(trips, 0.5), p99=percentile(trips, 0.99), cpu=used / len(trips))


def without_limit() -> dict[str, Any]:
    """Give the settings that only this package has."""
    from mezon import GatewayOptions

    return {"gateway": GatewayOptions(rate_limit=0)}


async def fly(channel: Any, content: Any, flight: int) -> None:
    """Keep so many sends under way, each followed by the next, and leave."""
    left = OPTIONS["n"]

    async def send() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            await channel.send(content(t=f"message {left}"))

    before, start = cpu(), time.perf_counter()
    await asyncio.gather(*(send() for _ in range(flight)))
    leave(rate=OPTIONS["n"] / (time.perf_counter() - start), cpu=(cpu() - before) / OPTIONS["n"])


asyncio.run(main())
