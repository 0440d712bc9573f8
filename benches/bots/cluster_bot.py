"""A bot that counts, for benches/cluster.py: the same file in one process and in workers."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

from mezon import MezonClient

MODE = os.environ.get("BENCH_MODE", "count")
FOLDER = Path(os.environ["BENCH_FOLDER"])
NAME = os.environ["BENCH_NAME"]

client = MezonClient(
    os.environ.get("MEZON_BOT_ID") or os.environ["BOT_ID"],
    os.environ.get("MEZON_API_KEY", "none"),
    message_db=False,
    mmn_api_url=None,
    zk_api_url=None,
    max_concurrent_handlers=10 if MODE == "wait" else None,
    http_rate_period=0.0,
)
#: For each event when and in which channel, for who asks which worker has a channel.
handled = os.open(FOLDER / f"{NAME}.handled", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
seen = 0
times: list[str] = []


async def write_down() -> None:
    while True:
        (FOLDER / f"{NAME}.count").write_text(str(seen))
        if times:
            (FOLDER / f"{NAME}.times").write_text("\n".join(times))
        await asyncio.sleep(0.1)


@client.on_ready
async def begin() -> None:
    client.writing = asyncio.create_task(write_down())  # type: ignore[attr-defined]


@client.on_channel_message
async def handle(message: object) -> None:
    global seen
    if MODE == "wait":
        await asyncio.sleep(0.05)
    elif MODE == "shares":
        os.write(handled, f"{time.time():.3f} {message.channel_id}\n".encode())  # type: ignore[attr-defined]
        await asyncio.sleep(0.1)  # so that a worker that goes has something open
    elif MODE == "latency":
        if message.sender_id == client.client_id:  # type: ignore[attr-defined]
            return
        came = time.time()
        said = float(message.content["t"].split()[0])  # type: ignore[attr-defined]
        channel = await client.channels.fetch(message.channel_id)  # type: ignore[attr-defined]
        before = time.perf_counter()
        await channel.send("x")
        times.append(f"{came - said:.6f} {time.perf_counter() - before:.6f}")
    seen += 1


if __name__ == "__main__":
    client.run()
