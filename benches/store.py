"""The message cache compared with that of mezon-sdk in one run: rows per second, reads, CPU per row.

Alone, without a bot. What a bot's store is at its bound, and what a first query stops, is in `make bench` (stores.py).

.venv/bin/python benches/store.py [--reference /path/to/a/venv/with/mezon-sdk/bin/python] [--rows 1000000]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

CHANNEL = 1830000000000000000
MESSAGE = 1840000000000000000


def row(number: int) -> dict[str, Any]:
    return {
        "message_id": MESSAGE + number * 4096,
        "clan_id": 1820000000000000000,
        "channel_id": CHANNEL + number * 7919 % 100,
        "sender_id": 1810000000000000000 + number % 50,
        "content": {"t": "hello world, this is a message of some words"},
        "create_time_seconds": 1700000000 + number // 100,
    }


def quantiles(times: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(times, n=100)
    return {"p50_us": round(cuts[49] * 1e6, 1), "p99_us": round(cuts[98] * 1e6, 1)}


async def reads(store: Any, numbers: list[int]) -> dict[str, float]:
    times = []
    for number in numbers:
        one = row(number)
        started = time.perf_counter()
        found = await store.get_message_by_id(one["message_id"], one["channel_id"])
        times.append(time.perf_counter() - started)
        assert found is not None
    return quantiles(times)


async def reference(folder: str) -> dict[str, Any]:
    """Measure mezon-sdk; runs in its environment."""
    from mezon.messages import MessageDB

    rows = 3000
    async with MessageDB(f"{folder}/reference.db") as store:
        started = time.perf_counter()
        for number in range(rows):
            await store.save_message(row(number))
        took = time.perf_counter() - started
        return {"rows_per_second": round(rows / took), "get": await reads(store, list(range(0, rows, 3)))}


def payloads(first: int, count: int) -> list[bytes]:
    from mezon.protobuf.api import api_pb2

    message = api_pb2.ChannelMessage(
        username="someone",
        avatar="https://cdn.example/avatars/1810000000000000000.png",
        channel_label="general",
        display_name="Some One",
        category_name="text",
        mode=2,
        is_public=True,
    )
    bodies = []
    for number in range(first, first + count):
        one = row(number)
        for name in ("message_id", "clan_id", "channel_id", "sender_id", "create_time_seconds"):
            setattr(message, name, one[name])
        message.content = json.dumps(one["content"], separators=(",", ":"))
        bodies.append(message.SerializeToString())
    return bodies


async def ours(folder: str, rows: int) -> dict[str, Any]:
    from mezon.messages import MessageDB

    def cpu() -> float:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return usage.ru_utime + usage.ru_stime

    result: dict[str, Any] = {}
    async with MessageDB(f"{folder}/ours.db", max_messages=None) as store:
        core = store.core
        steps = {}
        for first in range(0, rows, 100_000):
            bodies = payloads(first, min(100_000, rows - first))
            before, started = cpu(), time.perf_counter()
            for body in bodies:
                core.accept(body)
            assert await store.flush(60)
            took, spent = time.perf_counter() - started, cpu() - before
            steps[first] = {
                "rows_per_second": round(len(bodies) / took),
                "cpu_us_per_row": round(spent / len(bodies) * 1e6, 2),
            }
        result["accept_by_rows_already_there"] = steps
        result["get_from_memory"] = await reads(store, [rows - 1 - n for n in range(5000)])
        result["get_from_disk"] = await reads(store, list(range(0, rows // 2, max(1, rows // 5000))))
        started = time.perf_counter()
        await store.get_messages_by_channel(CHANNEL)
        result["first_list_s"] = round(time.perf_counter() - started, 3)
        times = []
        for number in range(500):
            started = time.perf_counter()
            await store.get_messages_by_channel(CHANNEL + number % 100)
            times.append(time.perf_counter() - started)
        result["list_50"] = quantiles(times)
        started = time.perf_counter()
        await store.search_messages("some wor")
        result["first_search_s"] = round(time.perf_counter() - started, 3)
        times = []
        for _ in range(20):
            started = time.perf_counter()
            await store.search_messages("hello message", CHANNEL + 5)
            times.append(time.perf_counter() - started)
        result["search_p50_ms"] = round(statistics.median(times) * 1e3, 2)
        bodies = payloads(rows, 100_000)
        before, started = cpu(), time.perf_counter()
        for body in bodies:
            core.accept(body)
        assert await store.flush(60)
        result["accept_with_channel_index"] = {
            "rows_per_second": round(len(bodies) / (time.perf_counter() - started)),
            "cpu_us_per_row": round((cpu() - before) / len(bodies) * 1e6, 2),
        }
        result["stats"] = store.stats()
    async with MessageDB(f"{folder}/rows.db", max_messages=None) as store:
        started = time.perf_counter()
        for number in range(50_000):
            await store.save_message(row(number))
        assert await store.flush(60)
        result["save_message_rows_per_second"] = round(50_000 / (time.perf_counter() - started))
    return result


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--reference", help="the Python of a venv with mezon-sdk")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--as-reference", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.as_reference:
        print(json.dumps(asyncio.run(reference(given.as_reference))))
        return
    with tempfile.TemporaryDirectory(dir=Path(__file__).parent) as folder:
        result: dict[str, Any] = {"mezon-rs": asyncio.run(ours(folder, given.rows))}
        if given.reference:
            done = subprocess.run(
                [given.reference, __file__, "--as-reference", folder],
                capture_output=True,
                text=True,
                check=True,
            )
            result["mezon-sdk"] = json.loads(done.stdout.splitlines()[-1])
    json.dump(result, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
