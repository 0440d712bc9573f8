"""A bot that hears a steady stream and sends now and then while its store is asked for the first time.

The file is full, and has no index yet. What counts is how long the longest of the messages and of the sends took.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from typing import Any

from _bot import come_online, leave, make_client, options, tell

OPTIONS = options()
WARM: int = OPTIONS["warm"]

received = 0
trips: list[float] = []
sends: list[float] = []
warmed = asyncio.Event()


async def hear(message: Any) -> None:
    global received
    now = time.monotonic_ns()
    received += 1
    if received == WARM:
        warmed.set()
    elif received > WARM and message.content["t"].isdecimal():
        trips.append((now - int(message.content["t"])) / 1e9)


async def send_on(channel: Any) -> None:
    from mezon.models import ChannelMessageContent

    while True:
        start = time.perf_counter()
        await channel.send(ChannelMessageContent(t="what a bot says"))
        sends.append(time.perf_counter() - start)
        await asyncio.sleep(0.05)


async def first(query: Awaitable[list[Any]]) -> dict[str, float]:
    """Wait for a query, and a second longer; give its time and the longest trip of a message meanwhile."""
    heard = len(trips)
    start = time.perf_counter()
    found = await query
    took = time.perf_counter() - start
    await asyncio.sleep(1)
    if not found:
        raise SystemExit("the query has found nothing")
    return {"took": took, "stop": max(trips[heard:])}


async def main() -> None:
    client = make_client()
    client.on_channel_message(hear)
    await come_online(client, warmed)
    tell(ready=True)
    channel = await client.channels.fetch(OPTIONS["channel"])
    sending = asyncio.ensure_future(send_on(channel))
    await asyncio.sleep(2)
    # What the machine does by itself.
    quiet = max(trips)
    sends.clear()
    history = await first(client.message_db.get_messages_by_channel(OPTIONS["channel"]))
    search = await first(client.message_db.search_messages("deploy xong"))
    sending.cancel()
    leave(
        history=history["took"],
        history_stop=history["stop"],
        search=search["took"],
        search_stop=search["stop"],
        send_stop=max(sends),
        quiet_stop=quiet,
    )


asyncio.run(main())
