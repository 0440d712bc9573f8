"""The cases of the benchmark: what a bot goes through, and the figures that come out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from harness import BenchError, Program, Server, Who, run_bot

ALL: Final[tuple[Who, ...]] = ("reference", "ours", "handwritten")
BOTH: Final[tuple[Who, ...]] = ("reference", "ours")
#: The burst that warms a bot up, after a single message.
BURST: Final = 300
WARM: Final = 1 + BURST
#: Seconds the reference takes for the first message of a clan: it asks for the list of channels first, for every
#: message anew until the list is there, one request in 1.25 s. That is measured by `login` and by no other case.
FIRST: Final = 1.6
SETTLE: Final = 0.5
CLANS: Final = 40

Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Setting:
    """What the cases run with."""

    python: dict[Who, str]
    small: Server
    large: Server
    quick: bool
    store: bool

    def scale(self, who: Who, reference: int, others: int) -> int:
        """How many: the reference takes long, so it gets fewer of the same kind. Rates are compared."""
        n = reference if who == "reference" else others
        return n // 4 if self.quick else n

    def bot(self, who: Who, **options: Any) -> dict[str, Any]:
        """Options of a bot."""
        without = {} if self.store or who != "ours" else {"store": False}
        return {"warm": WARM, "settle": SETTLE, **without, **options}


@dataclass(frozen=True, slots=True)
class Case:
    """One case: who takes part, and how it is run once."""

    name: str
    sides: tuple[Who, ...]
    run: Callable[[Setting, Who], Awaitable[Figures]]
    #: How often in a full run, and in a quick one.
    rounds: int = 5
    quick_rounds: int = 1


async def _warm_up(where: Server, who: Who, child: Program) -> None:
    """Lead a bot from being online to being ready: caches are filled, and what it asked for is there."""
    await child.line()
    await where.order("paced", n=1, rate=1)
    await asyncio.sleep(FIRST if who == "reference" else 0.3)
    await where.order("blast", n=BURST)
    await child.line()


async def _burst(
    setting: Setting, who: Who, n: int, mix: str = "messages", channels: int = 30, **options: Any
) -> dict[str, Any]:
    script = options.pop("script", "handwritten" if who == "handwritten" else "burst")
    where = setting.small
    await where.order("prepare", n=BURST, mix="messages")
    await where.order("prepare", n=n, mix=mix, channels=channels)

    async def conduct(child: Program) -> dict[str, Any]:
        await _warm_up(where, who, child)
        sent = await where.order("blast", n=n, mix=mix, channels=channels)
        if script == "nobody":
            await where.order("paced", n=1, rate=1000)
        told = await child.line()
        if script == "burst":
            end = told["done"]
            if options.get("store", setting.store or who != "ours"):
                end = max(end, await child.stored(WARM + n))
            (child.folder / "stored").touch()
            result = await child.line()
            return {**result, "seconds": end - sent["start"]}
        result = told if script == "nobody" else await child.line()
        return {**result, "seconds": result["done"] - sent["start"]}

    result = await run_bot(setting.python[who], script, where, setting.bot(who, n=n, **options), conduct)
    if result.get("disorder"):
        raise BenchError(f"{who}: {result['disorder']} of {n} messages came out of order")
    return result


def _rates(result: dict[str, Any], n: int) -> Figures:
    return {"rate": n / result["seconds"], "cpu": result["cpu"] / n * 1e6}


async def messages_async(setting: Setting, who: Who) -> Figures:
    n = setting.scale(who, 20_000, 100_000)
    return _rates(await _burst(setting, who, n, handler="async"), n)


async def store_cost(setting: Setting, who: Who) -> Figures:
    n = setting.scale(who, 20_000, 100_000)

    async def once(**options: Any) -> Figures:
        return _rates(await _burst(setting, who, n, handler="async", **options), n)

    # In an order that gives neither side the advantage of going second.
    off, on, again, back = await once(store=False), await once(), await once(), await once(store=False)
    rate = (on["rate"] + again["rate"]) / (off["rate"] + back["rate"])
    return {"lost": (1 - rate) * 100, "cpu": (on["cpu"] + again["cpu"] - off["cpu"] - back["cpu"]) / 2}


async def flat(setting: Setting, who: Who) -> Figures:
    """CPU an event under other loads, as a share of what it is in `messages_async`."""

    async def cpu(n: int, **options: Any) -> float:
        return _rates(await _burst(setting, who, n, handler="async", **options), n)["cpu"]

    base = await cpu(100_000)
    return {
        "few": await cpu(10_000) / base,
        # With what warms up, a million: more than that the store does not keep.
        "many": await cpu(1_000_000 - WARM) / base,
        "one_channel": await cpu(100_000, channels=1) / base,
        "channels": await cpu(100_000, channels=2_000) / base,
        "handlers": await cpu(100_000, others=19) / 20 / base,
    }


async def messages_sync(setting: Setting, who: Who) -> Figures:
    n = setting.scale(who, 20_000, 100_000)
    return _rates(await _burst(setting, who, n, handler="sync"), n)


async def messages_batch(setting: Setting, who: Who) -> Figures:
    n = setting.scale(who, 20_000, 100_000)
    return _rates(await _burst(setting, who, n, handler="batch"), n)


async def transports(setting: Setting, who: Who) -> Figures:
    """The same burst over both, in an order that gives neither the advantage of going second."""
    n = setting.scale(who, 20_000, 100_000)

    async def once(transport: str) -> Figures:
        return _rates(await _burst(setting, who, n, handler="async", transport=transport), n)

    runs = [await once(name) for name in ("websocket", "tcp", "tcp", "websocket")]
    web, tcp = (
        {key: (a[key] + b[key]) / 2 for key in a} for a, b in ((runs[0], runs[3]), (runs[1], runs[2]))
    )
    return {"rate": tcp["rate"], "cpu": tcp["cpu"], "share": tcp["rate"] / web["rate"]}


async def messages_filtered(setting: Setting, who: Who) -> Figures:
    n = setting.scale(who, 20_000, 200_000)
    options: dict[str, Any] = {"script": "nobody", "filtered": True}
    bare = _rates(await _burst(setting, who, n, store=False, **options), n)
    stored = _rates(await _burst(setting, who, n, **options), n)
    return {**bare, "cpu_stored": stored["cpu"]}


async def typing(setting: Setting, who: Who) -> Figures:
    n = setting.scale(who, 40_000, 800_000)
    return _rates(await _burst(setting, who, n, "typing", script="nobody"), n)


async def presence(setting: Setting, who: Who) -> Figures:
    n = setting.scale(who, 40_000, 800_000)
    return _rates(await _burst(setting, who, n, "presence", script="nobody"), n)


async def lag(setting: Setting, who: Who) -> Figures:
    n = setting.scale(who, 20_000, 100_000)
    result = await _burst(setting, who, n, handler="async", lag=True)
    return {"p99": result["lag_p99"] * 1e3, "max": result["lag_max"] * 1e3}


async def memory_burst(setting: Setting, who: Who) -> Figures:
    return {"peak": (await _burst(setting, who, 20_000, handler="async"))["peak"]}


async def memory_slow(setting: Setting, who: Who) -> Figures:
    return {"peak": (await _burst(setting, who, 40_000, handler="slow"))["peak"]}


async def memory_bounded(setting: Setting, who: Who) -> Figures:
    n = 10_000 if setting.quick else 40_000
    return {"peak": (await _burst(setting, who, n, handler="slow", bound=1000))["peak"]}


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

    options = setting.bot(who, clans=CLANS, patience=4.0 if setting.quick else 70.0)
    result = await run_bot(setting.python[who], "login", where, options, conduct)
    return {
        "login": result["login"] * 1e3,
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
        await _warm_up(where, who, child)
        await where.order("paced", n=n, rate=rate)
        return await child.line()

    result = await run_bot(setting.python[who], "latency", where, setting.bot(who, n=n, busy=busy), conduct)
    return {"p50": result["p50"] * 1e6, "p99": result["p99"] * 1e6}


async def latency_idle(setting: Setting, who: Who) -> Figures:
    return await _latency(setting, who, 0.0)


async def latency_busy(setting: Setting, who: Who) -> Figures:
    return await _latency(setting, who, 0.8)


CASES: Final[tuple[Case, ...]] = (
    Case("messages_async", ALL, messages_async),
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
    Case("latency_idle", BOTH, latency_idle, 3),
    Case("latency_busy", BOTH, latency_busy, 3, 0),
    Case("memory_burst", BOTH, memory_burst, 1, 0),
    Case("memory_slow", BOTH, memory_slow, 1, 0),
    Case("memory_bounded", ("ours",), memory_bounded, 1, 0),
    Case("flat", ("ours",), flat, 1, 0),
)
