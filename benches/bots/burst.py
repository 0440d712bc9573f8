"""A bot that counts the messages of a burst, with a handler of the kind asked for, and checks their order."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from _bot import cpu, leave, make_client, memory, options, percentile, reset_peak, tell, wait_stored

OPTIONS = options()
WARM: int = OPTIONS["warm"]
TOTAL: int = WARM + OPTIONS["n"]

received = disorder = 0
last: dict[int, int] = {}
warmed = asyncio.Event()
done = asyncio.Event()
done_at = 0.0


def take(message: Any) -> None:
    global received, disorder, done_at
    channel, number = message.channel_id, message.message_id
    if last.get(channel, 0) >= number:
        disorder += 1
    last[channel] = number
    received += 1
    if received == WARM:
        # The bursts were built before: their ids start again.
        last.clear()
        disorder = 0
        warmed.set()
    elif received == TOTAL:
        done_at = time.monotonic()
        done.set()


async def quick(message: Any) -> None:
    take(message)


def sync(message: Any) -> None:
    take(message)


def each(messages: list[Any]) -> None:
    for message in messages:
        take(message)


async def slow(message: Any) -> None:
    if received >= WARM:
        await asyncio.sleep(1)
    take(message)


async def another(message: Any) -> None:
    pass


async def drift(into: list[float]) -> None:
    while True:
        start = time.perf_counter()
        await asyncio.sleep(0.001)
        into.append(time.perf_counter() - start - 0.001)


async def main() -> None:
    more = {"max_concurrent_handlers": OPTIONS["bound"]} if "bound" in OPTIONS else {}
    client = make_client(**more)
    if OPTIONS["handler"] == "batch":
        client.on_batch("channel_message", each)
    else:
        client.on_channel_message({"async": quick, "sync": sync, "slow": slow}[OPTIONS["handler"]])
    for _ in range(OPTIONS.get("others", 0)):
        client.on_channel_message(another)
    await client.login()
    tell(online=True)
    await warmed.wait()
    # Channel lists and the like, asked for by the first messages, are behind us then.
    await asyncio.sleep(OPTIONS["settle"])
    lags: list[float] = []
    ticker = asyncio.ensure_future(drift(lags)) if OPTIONS.get("lag") else None
    reset_peak()
    cpu_before, rss_before = cpu(), memory("VmRSS")
    tell(ready=True)
    await done.wait()
    if ticker is not None:
        ticker.cancel()
    peak = memory("VmHWM") - rss_before
    tell(done=done_at)
    await wait_stored()
    leave(
        done=done_at,
        cpu=cpu() - cpu_before,
        disorder=disorder,
        peak=peak,
        lag_p99=percentile(lags, 0.99) if lags else None,
        lag_max=max(lags, default=None),
    )


asyncio.run(main())
