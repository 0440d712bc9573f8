"""Cases with large numbers: clans, channels and users of one bot, and bots of one process."""

from __future__ import annotations

from typing import Any

from harness import BenchError, Program, Who, run_bot, server
from running import Figures, Setting, burst, rates

BOTS = 1_000
#: Seconds without events in which the idle bots are measured; each sends one ping.
IDLE = 10.0


async def large_world(setting: Setting, who: Who) -> Figures:
    """300 clans, 20,000 channels, 200,000 users: messages from random users in random channels."""
    n = setting.scale(who, 10_000, 200_000)
    async with server(300, channels=20_000, users=200_000) as where:
        cost = await burst(setting, who, n, "everywhere", where=where, handler="async")
        late = await burst(setting, who, n, "everywhere", where=where, handler="async", lag=True)
    return {"cpu": rates(cost, n)["cpu"], "lag_p99": late["lag_p99"] * 1e3, "lag_max": late["lag_max"] * 1e3}


async def thousand_bots(setting: Setting, who: Who) -> Figures:
    """Run a thousand clients in one process; measure their resources and the time of their logins."""
    count = 100 if setting.quick else BOTS
    async with server(bots=count) as where:

        async def conduct(child: Program) -> dict[str, Any]:
            await child.line()
            # One message for each bot, after the idle period.
            await where.order("paced", n=1, rate=1)
            return await child.line()

        options = setting.bot(who, bots=where.bots, idle=IDLE)
        result = await run_bot(setting.python[who], "thousand", where, options, conduct)
    if result["heard"] != count:
        raise BenchError(f"{result['heard']} of {count} bots have heard the message")
    return {
        "login": result["login"],
        "idle": result["idle"] * 1e3,
        "rss": result["rss"] * 1024,
        "rss_after": result["rss_after"] * 1024,
        "threads": result["threads"],
        "threads_after": result["threads_after"],
    }
