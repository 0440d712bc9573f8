"""The bot of the benchmark. Runs on either package, so it uses what both have; started as a file, not as a module.

Argument: options as JSON. Tells its parent what happened in lines that begin with @.
"""

import asyncio
import json
import os
import resource
import sys
import time
import traceback

OPTIONS = json.loads(sys.argv[1])
BEGAN = time.perf_counter()
from mezon import MezonClient  # noqa: E402 (the import is what is measured)

IMPORTED = time.perf_counter()
from mezon.models import ChannelMessageContent  # noqa: E402


def rss() -> float:
    """Give the memory in MB, as the system counts it."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * resource.getpagesize() / 1e6
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def cpu() -> float:
    """Give the seconds of this process, user and system."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def tell(**facts: object) -> None:
    """Print a line for the parent."""
    print("@" + json.dumps(facts), flush=True)


async def main() -> None:
    """Log in, count, send."""
    memory = rss()
    client = MezonClient(**OPTIONS["client"])
    warm, wanted = OPTIONS["warm"], OPTIONS["messages"]
    seen, began = 0, 0.0
    warmed, done = asyncio.Event(), asyncio.Event()

    async def hear(message: object) -> None:
        nonlocal seen, began
        seen += 1
        if seen == warm:
            warmed.set()
            began = cpu()
        elif seen == warm + wanted:
            tell(done=time.monotonic(), cpu=cpu() - began)
            done.set()

    client.on_channel_message(hear)
    start = time.perf_counter()
    await client.login()
    tell(login=time.perf_counter() - start, imported=IMPORTED - BEGAN, rss=memory)
    await warmed.wait()
    tell(warm=True)
    await done.wait()
    channel = await client.channels.fetch(OPTIONS["channel"])
    content = ChannelMessageContent(t="to be acknowledged")
    taken = []
    for _ in range(OPTIONS["sends"]):
        start = time.perf_counter()
        await channel.send(content)
        taken.append(time.perf_counter() - start)
    tell(sends=sorted(taken))


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    # Neither side's end is measured, nor may it hang.
    sys.stdout.flush()
    os._exit(0)
