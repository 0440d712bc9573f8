"""``make soak``: two bots, a talkative world and random faults from a seed, for minutes; then a report.

One bot fills gaps, the other does not. What must hold: per channel, messages come in order and none twice; nothing
is lost outside a gap, and nothing at all with gap filling; memory stays flat. The exit status says whether it did.

    SOAK_SECONDS=600 SOAK_SEED=1 SOAK_TRANSPORT=auto python tests/soak.py

The transport is auto, websocket or tcp, as ``MezonClient`` has it; the report says what carried the bots at the end.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import random
import sys
import time
from collections import Counter
from pathlib import Path

from mezon import GapOptions, GatewayOptions, MessageDB, MezonClient, MezonError
from mezon.models import ChannelMessage

SECONDS = float(os.environ.get("SOAK_SECONDS", "600"))
SEED = int(os.environ.get("SOAK_SEED", "1"))
TRANSPORT = os.environ.get("SOAK_TRANSPORT", "auto")
OPTIONS = {"backoff_base": 0.05, "backoff_max": 1.0, "heartbeat_interval": 0.3, "heartbeat_timeout": 1.0}
#: A loss is noticed this much later than it began: a ping, its deadline, and a busy machine.
NOTICED_WITHIN = 3.0
WARM_UP = 60.0
#: How much memory may have grown after the warm-up. Allocators keep some; a leak of this load shows in minutes.
MAX_GROWTH = 16 << 20


class Listener:
    """A bot, and what it heard of each channel."""

    def __init__(self, rooms: list[int], client: MezonClient) -> None:
        self.client = client
        self.counts = {room: bytearray() for room in rooms}
        self.last = dict.fromkeys(rooms, -1)
        self.disorder = 0
        self.gaps: list[tuple[float, float]] = []
        self.sends: Counter[str] = Counter()
        client.on_channel_message(self.hear)
        client.on_reconnected(lambda gap: self.gaps.append((gap.lost_at, gap.back_at)))

    def hear(self, message: ChannelMessage) -> None:
        text = message.content.get("t", "")
        counts = self.counts.get(message.channel_id)
        if counts is None or not text.isdecimal():
            return
        number = int(text)
        if number >= len(counts):
            counts.extend(bytes(number + 1 - len(counts)))
        counts[number] = min(counts[number] + 1, 255)
        self.disorder += number <= self.last[message.channel_id]
        self.last[message.channel_id] = number

    async def talk(self, channel_id: int, until: float) -> None:
        """Send now and then, and note how it ended."""
        while time.time() < until:
            try:
                channel = await self.client.channels.fetch(channel_id)
                await channel.send("from the bot")
                self.sends["acknowledged"] += 1
            except MezonError as error:
                self.sends[type(error).__name__] += 1
            await asyncio.sleep(0.2)

    def report(self, said: dict[int, list[float]]) -> dict[str, object]:
        delivered = twice = inside = outside = 0
        for channel, times in said.items():
            counts = self.counts[channel]
            for number, said_at in enumerate(times):
                count = counts[number] if number < len(counts) else 0
                delivered += count > 0
                twice += count > 1
                if count == 0:
                    gap = any(lost - NOTICED_WITHIN <= said_at <= back + 0.5 for lost, back in self.gaps)
                    inside, outside = inside + gap, outside + (not gap)
        stats = self.client.stats()
        return {
            "delivered": delivered,
            "duplicated": twice,
            "out of order": self.disorder,
            "lost in gaps": inside,
            "lost outside": outside,
            "filled": stats.gap_filled,
            "transport": stats.transport,
            "reconnects": stats.reconnects,
            "malformed frames": stats.malformed,
            "handlers left": stats.handlers,
            "calls left": stats.pending,
            "sends": dict(self.sends),
        }


def rss() -> int:
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def mebibytes(size: int) -> float:
    return round(size / (1 << 20), 1)


async def main() -> int:
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, str(Path(__file__).with_name("soak_world.py")), str(SECONDS), str(SEED)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=64 << 20,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        return await soak(child.stdin, child.stdout)
    finally:
        child.stdin.close()
        await child.wait()


async def soak(orders: asyncio.StreamWriter, told: asyncio.StreamReader) -> int:
    dice = random.Random(SEED)
    hello = json.loads(await told.readline())
    bounds = GapOptions(messages_per_channel=2000, remembered=5000, max_waiting=5000, timeout=60.0)
    listeners: dict[str, Listener] = {}
    for name, bot, more in zip(("with fill_gaps", "without"), hello["bots"], (bounds, False), strict=True):
        client = MezonClient(
            **bot,
            gateway=GatewayOptions(**OPTIONS),  # type: ignore[arg-type]
            transport=TRANSPORT,  # type: ignore[arg-type]
            timeout=3000,
            fill_gaps=more,
            # As files would be, the stores are bounded.
            message_db=MessageDB(":memory:", max_messages=2000, memory_bytes=1 << 20),
        )
        listeners[name] = Listener(hello["rooms"], client)
    await asyncio.gather(*(listener.client.login() for listener in listeners.values()))
    orders.write(b"\n")
    began, until = time.time(), time.time() + SECONDS + 1
    sending = [
        asyncio.ensure_future(listener.talk(hello["rooms"][0], until)) for listener in listeners.values()
    ]
    await asyncio.sleep(min(WARM_UP, SECONDS / 4))
    sizes = [rss()]
    while time.time() < until:
        await asyncio.sleep(1)
        sizes.append(rss())
        if dice.random() < 0.03:
            time.sleep(dice.uniform(0.2, 1.5))  # noqa: ASYNC251 (a fault of the bot's own)
    result = json.loads(await told.readline())
    await asyncio.gather(*sending)
    clients = [listener.client for listener in listeners.values()]
    for _ in range(300):
        if {client.state for client in clients} == {"ready"}:
            break
        await asyncio.sleep(0.1)
    await asyncio.sleep(3)
    sizes.append(rss())
    said = {int(room): times for room, times in result["said"].items()}
    reports = {name: listener.report(said) for name, listener in listeners.items()}
    report = {
        "seed": SEED,
        "seconds": round(time.time() - began),
        "sent": sum(map(len, said.values())),
        "faults": result["faults"],
        **reports,
        "rss MiB at start, highest, at end": [mebibytes(n) for n in (sizes[0], max(sizes), sizes[-1])],
        "rss MiB each minute": [mebibytes(size) for size in sizes[::60]],
    }
    await asyncio.gather(*(client.disconnect(drain=2) for client in clients))
    print(json.dumps(report, indent=2))
    wrong = [
        f"{name}: {figures[what]} {what}"
        for name, figures in reports.items()
        for what in ("duplicated", "out of order", "lost outside", "handlers left", "calls left")
        if figures[what]
    ]
    if missed := reports["with fill_gaps"]["lost in gaps"]:
        wrong.append(f"with fill_gaps: {missed} lost in gaps")
    if sizes[-1] - sizes[0] > MAX_GROWTH:
        wrong.append(f"memory grew by {mebibytes(sizes[-1] - sizes[0])} MiB")
    print("\n".join(wrong) or "All that must hold held.")
    return 1 if wrong else 0


if __name__ == "__main__":
    level = os.environ.get("SOAK_LOG", "ERROR")
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    sys.exit(asyncio.run(main()))
