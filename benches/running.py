"""Shared by the cases of the benchmark: settings, warm-up and burst."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from harness import TIMEOUT, BenchError, Program, Server, Who, run_bot

ALL: Final[tuple[Who, ...]] = ("reference", "ours", "handwritten")
#: The sides that have a bot for bursts.
SCRIPTS: Final[dict[Who, str]] = {"handwritten": "handwritten", "typescript": "typescript.js"}
BOTH: Final[tuple[Who, ...]] = ("reference", "ours")
#: Size of the warm-up burst, sent after a single message.
BURST: Final = 300
WARM: Final = 1 + BURST
#: Seconds the reference needs for the first message of a clan: until it has the list of channels, it asks for the list
#: at each message, one request in 1.25 s. Only the case `login` measures that.
FIRST: Final = 1.6
SETTLE: Final = 0.5
CLANS: Final = 40
#: The default bound of the store.
STORED: Final = 1_000_000

Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Setting:
    """The settings of a run."""

    python: dict[Who, str]
    small: Server
    large: Server
    quick: bool
    store: bool

    def scale(self, who: Who, reference: int, others: int) -> int:
        """Return the number of messages for a side: fewer for the slow reference, because rates are compared.

        The TypeScript SDK waits for the disk at each message.
        """
        n = {"reference": reference, "typescript": reference // 5}.get(who, others)
        return n // 4 if self.quick else n

    def bot(self, who: Who, **options: Any) -> dict[str, Any]:
        """Return the options of a bot."""
        without = {} if self.store or who != "ours" else {"store": False}
        return {"warm": WARM, "settle": SETTLE, **without, **options}


@dataclass(frozen=True, slots=True)
class Case:
    """A case: the sides that take part, and the function that runs it once."""

    name: str
    sides: tuple[Who, ...]
    run: Callable[[Setting, Who], Awaitable[Figures]]
    #: Number of rounds in a full run and in a quick one.
    rounds: int = 5
    quick_rounds: int = 1


async def warm_up(where: Server, who: Who, child: Program) -> None:
    """Warm a bot up: wait until its caches are filled and its requests are answered."""
    await child.line()
    await where.order("paced", n=1, rate=1)
    await asyncio.sleep(FIRST if who in ("reference", "typescript") else 0.3)
    await where.order("blast", n=BURST)
    await child.line()


async def burst(
    setting: Setting,
    who: Who,
    n: int,
    mix: str = "messages",
    channels: int = 30,
    *,
    where: Server | None = None,
    times: int = 1,
    timeout: float = TIMEOUT,
    home: Path | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Send a bot a burst of n messages, `times` times with ascending ids."""
    script = options.pop("script", SCRIPTS.get(who, "burst"))
    at = where or setting.small
    total = n * times
    # The TypeScript SDK adds a scheme to the address of the session.
    await at.order("announce", shape="host:port" if who == "typescript" else "url")
    await at.order("prepare", n=BURST, mix="messages")
    prepared = await at.order("prepare", n=n, mix=mix, channels=channels, times=times)

    async def conduct(child: Program) -> dict[str, Any]:
        await warm_up(at, who, child)
        sent = await at.order("blast", n=n, mix=mix, channels=channels, times=times, timeout=timeout)
        if script == "nobody":
            await at.order("paced", n=1, rate=1000)
        told = await child.line()
        if script == "burst":
            end = told["done"]
            if options.get("store", setting.store or who != "ours"):
                rows = WARM + prepared["messages"]
                end = max(end, await child.stored(rows, STORED if who == "ours" else None))
            (child.folder / "stored").touch()
            result = await child.line()
            return {**result, "seconds": end - sent["start"]}
        result = told if script == "nobody" else await child.line()
        return {**result, "seconds": result["done"] - sent["start"]}

    bot = setting.bot(who, n=total, **options)
    result = await run_bot(setting.python[who], script, at, bot, conduct, home)
    if result.get("disorder"):
        raise BenchError(f"{who}: {result['disorder']} of {total} messages came out of order")
    return result


def rates(result: dict[str, Any], n: int) -> Figures:
    return {"rate": n / result["seconds"], "cpu": result["cpu"] / n * 1e6}
