"""What the cases of the benchmark share: what they run with, how a bot is warmed up, and a burst."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from harness import PATIENCE, BenchError, Program, Server, Who, run_bot

ALL: Final[tuple[Who, ...]] = ("reference", "ours", "handwritten")
#: Who has a bot of its own in a burst.
SCRIPTS: Final[dict[Who, str]] = {"handwritten": "handwritten", "typescript": "typescript.js"}
BOTH: Final[tuple[Who, ...]] = ("reference", "ours")
#: The burst that warms a bot up, after a single message.
BURST: Final = 300
WARM: Final = 1 + BURST
#: Seconds the reference takes for the first message of a clan: it asks for the list of channels first, for every
#: message anew until the list is there, one request in 1.25 s. That is measured by `login` and by no other case.
FIRST: Final = 1.6
SETTLE: Final = 0.5
CLANS: Final = 40
#: What the store keeps by default.
STORED: Final = 1_000_000

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
        """How many: the reference takes long, so it gets fewer of the same kind. Rates are compared.

        The TypeScript SDK waits for the disk at each message.
        """
        n = {"reference": reference, "typescript": reference // 5}.get(who, others)
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


async def warm_up(where: Server, who: Who, child: Program) -> None:
    """Lead a bot from being online to being ready: caches are filled, and what it asked for is there."""
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
    patience: float = PATIENCE,
    home: Path | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Lead a bot through a burst of n messages, sent `times` times with ids that go on rising."""
    script = options.pop("script", SCRIPTS.get(who, "burst"))
    at = where or setting.small
    total = n * times
    # The TypeScript SDK sets a scheme before the address that a session names.
    await at.order("announce", shape="host:port" if who == "typescript" else "url")
    await at.order("prepare", n=BURST, mix="messages")
    await at.order("prepare", n=n, mix=mix, channels=channels, times=times)

    async def conduct(child: Program) -> dict[str, Any]:
        await warm_up(at, who, child)
        sent = await at.order("blast", n=n, mix=mix, channels=channels, times=times, patience=patience)
        if script == "nobody":
            await at.order("paced", n=1, rate=1000)
        told = await child.line()
        if script == "burst":
            end = told["done"]
            if options.get("store", setting.store or who != "ours"):
                end = max(end, await child.stored(WARM + total, STORED if who == "ours" else None))
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
