"""The cases of the benchmark and their figures."""

from __future__ import annotations

from typing import Any, Final

import crowds
import handlers
import stores
from harness import BenchError, Program, Who, run_bot, server
from running import ALL, BOTH, CLANS, Case, Figures, Setting, burst, rates, warm_up


async def messages_async(setting: Setting, who: Who) -> Figures:
    n = setting.scale(who, 20_000, 100_000)
    return rates(await burst(setting, who, n, handler="async"), n)


async def busy_day(setting: Setting, who: Who) -> Figures:
    """Events of a busy day. The bot reads each text, answers every hundredth command and counts the clicks."""
    n = setting.scale(who, 20_000, 100_000)
    result = await burst(setting, who, n, "busy", handler="busy")
    if not (result["commands"] and result["clicks"] and result["sends"]):
        raise BenchError(f"{who}: a busy day without commands, clicks or sends")
    return rates(result, n)


async def store_cost(setting: Setting, who: Who) -> Figures:
    n = setting.scale(who, 20_000, 100_000)

    async def once(**options: Any) -> Figures:
        return rates(await burst(setting, who, n, handler="async", **options), n)

    # This order gives neither side the advantage of running second.
    off, on, again, back = await once(store=False), await once(), await once(), await once(store=False)
    rate = (on["rate"] + again["rate"]) / (off["rate"] + back["rate"])
    return {"lost": (1 - rate) * 100, "cpu": (on["cpu"] + again["cpu"] - off["cpu"] - back["cpu"]) / 2}


async def flat(setting: Setting, who: Who) -> Figures:
    """Return the CPU per event under other loads, relative to `messages_async`."""

    async def cpu(n: int, times: int = 1, **options: Any) -> float:
        result = await burst(setting, who, n, times=times, handler="async", **options)
        return rates(result, n * times)["cpu"]

    base = await cpu(100_000)
    figures = {
        "few": await cpu(10_000) / base,
        # Ten times the bound of the store.
        "many": await cpu(100_000, 100, timeout=600.0) / base,
        "one_channel": await cpu(100_000, channels=1) / base,
        "channels": await cpu(100_000, channels=2_000) / base,
        "handlers": await cpu(100_000, others=19) / 20 / base,
    }
    # A separate server: the bots of the other cases would list its channels, too.
    async with server() as where:
        figures["all_channels"] = await cpu(200_000, where=where, channels=20_000) / base
    return figures


async def messages_sync(setting: Setting, who: Who) -> Figures:
    n = setting.scale(who, 20_000, 100_000)
    return rates(await burst(setting, who, n, handler="sync"), n)


async def messages_batch(setting: Setting, who: Who) -> Figures:
    n = setting.scale(who, 20_000, 100_000)
    return rates(await burst(setting, who, n, handler="batch"), n)


async def transports(setting: Setting, who: Who) -> Figures:
    """Measure the same burst over both transports; the order gives neither the advantage of running second."""
    n = setting.scale(who, 20_000, 100_000)

    async def once(transport: str) -> Figures:
        return rates(await burst(setting, who, n, handler="async", transport=transport), n)

    runs = [await once(name) for name in ("websocket", "tcp", "tcp", "websocket")]
    web, tcp = (
        {key: (a[key] + b[key]) / 2 for key in a} for a, b in ((runs[0], runs[3]), (runs[1], runs[2]))
    )
    return {"rate": tcp["rate"], "cpu": tcp["cpu"], "share": tcp["rate"] / web["rate"]}


async def messages_filtered(setting: Setting, who: Who) -> Figures:
    n = setting.scale(who, 20_000, 200_000)
    options: dict[str, Any] = {"script": "nobody", "filtered": True}
    bare = rates(await burst(setting, who, n, store=False, **options), n)
    stored = rates(await burst(setting, who, n, **options), n)
    return {**bare, "cpu_stored": stored["cpu"]}


async def typing(setting: Setting, who: Who) -> Figures:
    n = setting.scale(who, 40_000, 800_000)
    return rates(await burst(setting, who, n, "typing", script="nobody"), n)


async def presence(setting: Setting, who: Who) -> Figures:
    n = setting.scale(who, 40_000, 800_000)
    return rates(await burst(setting, who, n, "presence", script="nobody"), n)


async def lag(setting: Setting, who: Who) -> Figures:
    n = setting.scale(who, 20_000, 100_000)
    result = await burst(setting, who, n, handler="async", lag=True)
    return {"p99": result["lag_p99"] * 1e3, "max": result["lag_max"] * 1e3}


async def memory_burst(setting: Setting, who: Who) -> Figures:
    return {"peak": (await burst(setting, who, 20_000, handler="async"))["peak"]}


async def memory_slow(setting: Setting, who: Who) -> Figures:
    return {"peak": (await burst(setting, who, 40_000, handler="slow"))["peak"]}


async def memory_bounded(setting: Setting, who: Who) -> Figures:
    n = 10_000 if setting.quick else 40_000
    return {"peak": (await burst(setting, who, n, handler="slow", bound=1000))["peak"]}


async def send(setting: Setting, who: Who) -> Figures:
    where = setting.small

    async def conduct(child: Program) -> dict[str, Any]:
        await child.line()
        return await child.line()

    options = setting.bot(who, channel=where.channel, turns=1 if setting.quick else 4, per_turn=70)
    result = await run_bot(setting.python[who], "send", where, options, conduct)
    return {"p50": result["p50"] * 1e6, "p99": result["p99"] * 1e6, "cpu": result["cpu"] * 1e6}


async def send_flight(setting: Setting, who: Who) -> Figures:
    where = setting.small

    async def conduct(child: Program) -> dict[str, Any]:
        await child.line()
        return await child.line()

    options = setting.bot(who, channel=where.channel, flight=200, n=2_000 if setting.quick else 20_000)
    result = await run_bot(setting.python[who], "send", where, options, conduct)
    return {"rate": result["rate"], "cpu": result["cpu"] * 1e6}


async def login(setting: Setting, who: Who) -> Figures:
    where = setting.large

    async def conduct(child: Program) -> dict[str, Any]:
        await child.line()
        await where.order("one_each")
        return await child.line()

    options = setting.bot(who, clans=CLANS, timeout=4.0 if setting.quick else 70.0)
    result = await run_bot(setting.python[who], "login", where, options, conduct)
    return {
        "login": result["login"] * 1e3,
        "stop": result["stop"] * 1e3,
        "rss": result["rss"],
        "first_p50": result["first_p50"] * 1e3,
        "first_max": result["first_max"] * 1e3,
    }


async def imports(setting: Setting, who: Who) -> Figures:
    result = await run_bot(setting.python[who], "imports", None, {}, lambda child: child.line())
    return {"seconds": result["seconds"] * 1e3, "rss": result["rss"]}


async def _latency(setting: Setting, who: Who, busy: float) -> Figures:
    where = setting.small
    n, rate = (400 if setting.quick else 2000), 200.0

    async def conduct(child: Program) -> dict[str, Any]:
        await warm_up(where, who, child)
        await where.order("paced", n=n, rate=rate)
        return await child.line()

    script = "handwritten" if who == "handwritten" else "latency"
    result = await run_bot(setting.python[who], script, where, setting.bot(who, n=n, busy=busy), conduct)
    return {"p50": result["p50"] * 1e6, "p99": result["p99"] * 1e6}


async def latency_idle(setting: Setting, who: Who) -> Figures:
    return await _latency(setting, who, 0.0)


async def latency_busy(setting: Setting, who: Who) -> Figures:
    return await _latency(setting, who, 0.8)


CASES: Final[tuple[Case, ...]] = (
    Case("busy_day", (*ALL, "typescript"), busy_day),
    Case("messages_async", (*ALL, "typescript"), messages_async),
    Case("messages_sync", BOTH, messages_sync, 3),
    Case("messages_batch", ("ours",), messages_batch, 5, 0),
    Case("messages_filtered", ("ours",), messages_filtered, 5, 0),
    Case("transports", ("ours",), transports, 3, 0),
    Case("store_cost", ("ours",), store_cost, 5),
    Case("typing", BOTH, typing, 3),
    Case("presence", BOTH, presence, 3, 0),
    Case("send", BOTH, send, 3),
    Case("send_flight", ("ours",), send_flight, 3, 0),
    Case("login", BOTH, login, 1),
    Case("imports", BOTH, imports, 7),
    Case("lag", BOTH, lag, 3),
    Case("latency_idle", ALL, latency_idle, 3),
    Case("latency_busy", BOTH, latency_busy, 3, 0),
    Case("memory_burst", BOTH, memory_burst, 1, 0),
    Case("memory_slow", BOTH, memory_slow, 1, 0),
    Case("memory_bounded", ("ours",), memory_bounded, 1, 0),
    Case("handlers", BOTH, handlers.handlers, 2, 0),
    Case("heavy", BOTH, handlers.heavy, 3, 0),
    Case("large_world", ("ours",), crowds.large_world, 1, 0),
    Case("thousand_bots", ("ours",), crowds.thousand_bots, 1, 0),
    Case("store_full", ("ours",), stores.store_full, 1, 0),
    Case("flat", ("ours",), flat, 1, 0),
)
