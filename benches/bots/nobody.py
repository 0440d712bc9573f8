"""A bot that gets events it does not listen to; a message tells it that they are over."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from _bot import cpu, leave, make_client, options, tell

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


async def main() -> None:
    client = make_client()
    client.on_channel_message(count)
    await client.login()
    tell(online=True)
    await warmed.wait()
    await asyncio.sleep(OPTIONS["settle"])
    cpu_before = cpu()
    tell(ready=True)
    await done.wait()
    leave(done=done_at, cpu=cpu() - cpu_before)


asyncio.run(main())
