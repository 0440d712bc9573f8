"""A bot that counts the events of a burst, with a handler of the kind asked for, and checks their order."""

from __future__ import annotations

import asyncio
import json
import os
import time
from pathlib import Path
from typing import Any

from _bot import (
    come_online,
    cpu,
    drift,
    leave,
    make_client,
    memory,
    options,
    percentile,
    reset_peak,
    tell,
    wait_stored,
)

OPTIONS = options()
WARM: int = OPTIONS["warm"]
TOTAL: int = WARM + OPTIONS["n"]

received = disorder = letters = others = 0
commands = clicks = sends = 0
#: A busy day: the replies under way, and how many commands there are for each.
sending: set[asyncio.Task[None]] = set()
PER_SEND = 100
BOT_ID = int(os.environ["MEZON_BOT_ID"])
last: dict[int, int] = {}
warmed = asyncio.Event()
done = asyncio.Event()
done_at = 0.0
client: Any = None


def take(message: Any) -> None:
    global disorder
    channel, number = message.channel_id, message.message_id
    if last.get(channel, 0) >= number:
        disorder += 1
    last[channel] = number
    count()


def count() -> None:
    global received, disorder, done_at
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


async def suspending(message: Any) -> None:
    """Wait once, as a handler does that asks for something."""
    take(message)
    await asyncio.sleep(0)


async def rarely(message: Any) -> None:
    """Wait at 2 % of the messages."""
    take(message)
    if received % 50 == 0:
        await asyncio.sleep(0)


async def reading(message: Any) -> None:
    """Read ids and content."""
    global letters
    read = len(message.content["t"])
    if received >= WARM:
        letters += read
    take(message)


async def busy(message: Any) -> None:
    """Look for a command in each text, and answer some."""
    global commands
    if message.sender_id == BOT_ID:
        return
    text = message.content["t"]
    if text.startswith("!"):
        name, most, *_ = text.split()
        assert (name, most.isdigit()) == ("!roll", True)
        commands += 1
        if commands % PER_SEND == 0:
            sending.add(asyncio.ensure_future(answer(message.channel_id, most)))
    take(message)


async def answer(channel_id: int, text: str) -> None:
    from mezon.models import ChannelMessageContent

    global sends
    channel = await client.channels.fetch(channel_id)
    await channel.send(ChannelMessageContent(t=text))
    sends += 1


async def click(event: Any) -> None:
    """Read a click, and the values of its form."""
    global clicks
    if event.extra_data:
        assert json.loads(event.extra_data)["name"]
    clicks += event.button_id in ("vote:yes", "order:send")
    count()


async def another(message: Any) -> None:
    """Read nothing; counted, so that none can be left out."""
    global others
    others += 1


HANDLERS: dict[str, Any] = {
    "async": quick,
    "sync": sync,
    "slow": slow,
    "suspending": suspending,
    "rarely": rarely,
    "reading": reading,
    "busy": busy,
}


class Watch:
    """The most that the store has had, rows by its own count, and bytes of its log.

    Nobody reads the file meanwhile: each reader is in the way of the log's end.
    """

    def __init__(self, store: Any) -> None:
        self.store = store
        self.rows = self.log = self.looks = self.last = 0

    async def look_on(self) -> None:
        log = Path(f"{self.store.db_path}-wal")
        while True:
            stats = self.store.stats()
            self.last = stats["rows_written"] - stats["pruned"]
            self.rows = max(self.rows, self.last)
            self.log = max(self.log, log.stat().st_size)  # noqa: ASYNC240
            self.looks += 1
            await asyncio.sleep(0.02)

    def told(self) -> dict[str, int]:
        return {"most_rows": self.rows, "last_rows": self.last, "most_log": self.log, "looks": self.looks}


async def main() -> None:
    global client
    more = {"max_concurrent_handlers": OPTIONS["bound"]} if "bound" in OPTIONS else {}
    client = make_client(**more)
    if OPTIONS["handler"] == "batch":
        client.on_batch("channel_message", each)
    else:
        client.on_channel_message(HANDLERS[OPTIONS["handler"]])
    if OPTIONS["handler"] == "busy":
        client.on("message_button_clicked", click)
    for _ in range(OPTIONS.get("others", 0)):
        client.on_channel_message(another)
    await come_online(client, warmed)
    lags: list[float] = []
    ticker = asyncio.ensure_future(drift(lags)) if OPTIONS.get("lag") else None
    watch = Watch(client.message_db) if OPTIONS.get("watch") else None
    watching = asyncio.ensure_future(watch.look_on()) if watch is not None else None
    reset_peak()
    cpu_before, rss_before = cpu(), memory("VmRSS")
    tell(ready=True)
    await done.wait()
    if ticker is not None:
        ticker.cancel()
    peak = memory("VmHWM") - rss_before
    tell(done=done_at)
    if sending:
        await asyncio.wait(sending)
    await wait_stored()
    if watching is not None:
        await asyncio.sleep(0.1)
        watching.cancel()
    leave(
        done=done_at,
        cpu=cpu() - cpu_before,
        disorder=disorder,
        peak=peak,
        lag_p99=percentile(lags, 0.99) if lags else None,
        lag_max=max(lags, default=None),
        letters=letters,
        others=others,
        commands=commands,
        clicks=clicks,
        sends=sends,
        **(watch.told() if watch is not None else {}),
    )


asyncio.run(main())
