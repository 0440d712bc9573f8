"""A bot that gets events it does not listen to; a message tells it that they are over."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from _bot import come_online, cpu, leave, make_client, options, tell

OPTIONS = options()
WARM: int = OPTIONS["warm"]

received = 0
warmed = asyncio.Event()
done = asyncio.Event()
done_at = 0.0


async def count(message: Any) -> None:
    global received, done_at
    received += 1
    if received == WARM:
        warmed.set()
    elif received > WARM:
        done_at = time.monotonic()
        done.set()


async def every_message_dropped(client: Any, cpu_before: float) -> None:
    """From now on a filter wants none of the messages: the core's count says when all have come."""
    from mezon import filters

    client.off("channel_message", count)
    client.on_channel_message(count, filter=filters.prefix("no message begins so"))
    tell(ready=True)
    while client.stats().events.get("channel_message", 0) < WARM + OPTIONS["n"]:  # noqa: ASYNC110
        await asyncio.sleep(0.002)
    leave(done=time.monotonic(), cpu=cpu() - cpu_before)


async def main() -> None:
    client = make_client()
    client.on_channel_message(count)
    await come_online(client, warmed)
    cpu_before = cpu()
    if OPTIONS.get("filtered"):
        await every_message_dropped(client, cpu_before)
    tell(ready=True)
    await done.wait()
    leave(done=done_at, cpu=cpu() - cpu_before)


asyncio.run(main())
