"""Many bots in one process: how long until all are logged in, what they cost in silence, threads and memory."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import time
from typing import Any

from _bot import cpu, leave, make_client, memory, options, tell
from _limits import raise_file_limit

OPTIONS = options()
heard: set[int] = set()
all_heard = asyncio.Event()


def make(client_id: int, key: str) -> Any:
    client = make_client(client_id=client_id, api_key=key)

    async def hear(message: Any) -> None:
        heard.add(client_id)
        if len(heard) == len(OPTIONS["bots"]):
            all_heard.set()

    client.on_channel_message(hear)
    return client


def threads() -> int:
    return len(os.listdir("/proc/self/task"))


async def main() -> None:
    limit = raise_file_limit()
    first, *others = OPTIONS["bots"]
    if limit < 6 * len(others):
        raise SystemExit(
            f"{limit} descriptors are not enough for {len(others)} bots: raise the hard limit of ulimit -n"
        )
    # The first one loads what they all share.
    clients = [make(*first)]
    await clients[0].login()
    await asyncio.sleep(1)
    gc.collect()
    before = memory("VmRSS")
    start = time.monotonic()
    clients += [make(*each) for each in others]
    await asyncio.gather(*(client.login() for client in clients[1:]))
    login = time.monotonic() - start
    # What a login leaves to be done is over then, and HTTP's connections are as they stay.
    await asyncio.sleep(5)
    rss, alive = (memory("VmRSS") - before) / len(others), threads()
    used = cpu()
    await asyncio.sleep(OPTIONS["idle"])
    used = cpu() - used
    tell(ready=True)
    # The benchmark compares how many have heard.
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(all_heard.wait(), 20)
    await asyncio.sleep(1)
    leave(
        login=login,
        idle=used / OPTIONS["idle"],
        rss=rss,
        threads=alive,
        threads_after=threads(),
        rss_after=(memory("VmRSS") - before) / len(others),
        heard=len(heard),
        states=dict.fromkeys((client.stats().state for client in clients), 1),
    )


asyncio.run(main())
