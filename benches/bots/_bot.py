"""What the bots of the benchmark share. Runs on mezon-sdk and on mezon-rs alike, with what both offer."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any


def options() -> dict[str, Any]:
    """Read what the benchmark tells this bot: its last argument."""
    parsed: dict[str, Any] = json.loads(sys.argv[-1])
    return parsed


def make_client(**more: Any) -> Any:
    """Make a client with the defaults a user gets, pointed at the benchmark's server."""
    from mezon import MezonClient

    if options().get("store") is False:
        more["message_db"] = False
    if transport := options().get("transport"):
        more["transport"] = transport
    return MezonClient(
        client_id=more.pop("client_id", os.environ["MEZON_BOT_ID"]),
        api_key=more.pop("api_key", os.environ["MEZON_API_KEY"]),
        host=os.environ["MEZON_HOST"],
        port=os.environ["MEZON_PORT"],
        use_ssl=False,
        mmn_api_url=os.environ["MEZON_MMN_API_URL"],
        zk_api_url=os.environ["MEZON_ZK_API_URL"],
        **more,
    )


def tell(**values: Any) -> None:
    """One line to the benchmark."""
    print("@" + json.dumps(values), flush=True)


def leave(**values: Any) -> None:
    """Print the last line; the process ends here, whatever still runs in it."""
    tell(**values)
    os._exit(0)


def cpu() -> float:
    """User and system time of this process, all threads, in seconds."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def memory(key: str) -> float:
    """``VmRSS`` or ``VmHWM`` (the peak) of this process in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1]) / 1024
    return float("nan")


def reset_peak() -> None:
    """Let ``VmHWM`` start at the present size."""
    Path("/proc/self/clear_refs").write_text("5")


def percentile(values: list[float], part: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * part), len(ordered) - 1)]


async def drift(into: list[float]) -> None:
    """Note again and again how much later than asked for a coroutine has its turn, in seconds."""
    while True:
        start = time.perf_counter()
        await asyncio.sleep(0.001)
        into.append(time.perf_counter() - start - 0.001)


async def come_online(client: Any, warmed: Any) -> None:
    """Log in, and wait until the event says that the bot is warm."""
    import asyncio

    await client.login()
    tell(online=True)
    await warmed.wait()
    # Channel lists and the like, asked for by the first messages, are behind us then.
    await asyncio.sleep(options()["settle"])


async def wait_stored() -> None:
    """Wait until the benchmark has seen all rows in the message store.

    It looks, and not the bot: two SQLite libraries must not open one file in one process.
    """
    while not Path("stored").exists():  # noqa: ASYNC110, ASYNC240
        await asyncio.sleep(0.005)
