"""A bot that sends, one message after the other's ack, below the rate limit of the socket."""

from __future__ import annotations

import asyncio
import time

from _bot import cpu, leave, make_client, options, percentile, tell

OPTIONS = options()


async def main() -> None:
    from mezon.models import ChannelMessageContent

    client = make_client()
    await client.login()
    tell(online=True)
    channel = await client.channels.fetch(OPTIONS["channel"])
    for number in range(20):
        await channel.send(ChannelMessageContent(t=f"warm {number}"))
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


asyncio.run(main())
