"""The bot of ``mezon bench``. Runs as a script on either package, so it uses only what both packages have.

Argument: options as JSON. Reports measurements to the parent process in lines that begin with @.
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
from mezon import MezonClient  # noqa: E402 (the import is measured)

IMPORTED = time.perf_counter()
from mezon.models import ChannelMessageContent  # noqa: E402


def rss() -> float:
    """Return the resident memory in MB, as the operating system counts it."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * resource.getpagesize() / 1e6
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def cpu() -> float:
    """Return the CPU seconds of this process, user and system."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def report(**facts: object) -> None:
    """Print a line for the parent process."""
    print("@" + json.dumps(facts), flush=True)


async def main() -> None:
    """Log in, count messages, send messages."""
    memory = rss()
    client = MezonClient(**OPTIONS["client"])
    warm, wanted = OPTIONS["warm"], OPTIONS["messages"]
    seen, began = 0, 0.0
    warmed, done = asyncio.Event(), asyncio.Event()

    async def count(message: object) -> None:
        nonlocal seen, began
        seen += 1
        if seen == warm:
            warmed.set()
            began = cpu()
        elif seen == warm + wanted:
            report(done=time.monotonic(), cpu=cpu() - began)
            done.set()

    client.on_channel_message(count)
    start = time.perf_counter()
    await client.login()
    report(login=time.perf_counter() - start, imported=IMPORTED - BEGAN, rss=memory)
    await warmed.wait()
    report(warm=True)
    await done.wait()
    channel = await client.channels.fetch(OPTIONS["channel"])
    content = ChannelMessageContent(t="to be acknowledged")
    taken = []
    for _ in range(OPTIONS["sends"]):
        start = time.perf_counter()
        await channel.send(content)
        taken.append(time.perf_counter() - start)
    report(sends=sorted(taken))


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    # The shutdown is not measured and must not hang.
    sys.stdout.flush()
    os._exit(0)
