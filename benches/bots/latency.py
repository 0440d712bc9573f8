"""A bot that looks at the stamp of each message: how long from the wire to the handler.

With `busy`, callbacks of 200 microseconds keep the loop so much of the time occupied besides.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from _bot import come_online, leave, make_client, options, percentile, tell

OPTIONS = options()
WARM: int = OPTIONS["warm"]
SPIN = 200e-6

received = 0
trips: list[float] = []
warmed = asyncio.Event()
done = asyncio.Event()


async def hear(message: Any) -> None:
    global received
    now = time.monotonic_ns()
    received += 1
    if received <= WARM:
        if received == WARM:
            warmed.set()
        return
    trips.append((now - int(message.content["t"])) / 1e9)
    if len(trips) == OPTIONS["n"]:
        done.set()


def load(loop: asyncio.AbstractEventLoop, share: float) -> None:
    """Spin `SPIN` seconds at a time, `share` of all time."""
    every = SPIN / share
    due = loop.time()

    def spin() -> None:
        nonlocal due
        end = time.perf_counter() + SPIN
        while time.perf_counter() < end:
            pass
        due = max(due + every, loop.time() - 0.01)
        # asyncio sleeps in whole milliseconds, so several fall due together; each has a turn of its own.
        if due <= loop.time():
            loop.call_soon(spin)
        else:
            loop.call_at(due, spin)

    loop.call_soon(spin)


async def main() -> None:
    client = make_client()
    client.on_channel_message(hear)
    await come_online(client, warmed)
    if OPTIONS["busy"]:
        load(asyncio.get_running_loop(), OPTIONS["busy"])
    tell(ready=True)
    await asyncio.wait_for(done.wait(), 60)
    leave(p50=percentile(trips, 0.5), p99=percentile(trips, 0.99), max=max(trips))


asyncio.run(main())
