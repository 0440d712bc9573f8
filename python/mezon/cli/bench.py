"""``mezon bench``: compare this package with mezon-sdk on this machine, in one run.

The same bot (``bench_bot.py``) runs on both packages in turn, against the same local gateway in its own process.
This is the short form of the project's benchmark (``make bench`` in a clone), which the wheel does not contain.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import sysconfig
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from mezon.cli.output import INTERRUPTED, as_json, err, fail, out, say
from mezon.testing.process import GatewayProcess

REFERENCE: Final = "mezon-sdk==1.8.3"

#: Name, unit, whether a higher value is better.
FIGURES: Final = {
    "rate": ("messages a second, async handler", "/s", True),
    "cpu": ("CPU a message", "µs", False),
    "send_p50": ("send to ack, p50", "µs", False),
    "login": ("login", "ms", False),
    "import": ("import", "ms", False),
    "rss": ("memory after import", "MB", False),
}

_SCRIPT: Final = Path(__file__).with_name("bench_bot.py")
_WARM_UP_MESSAGES: Final = 500
_REPORT_TIMEOUT: Final = 120.0


class BenchError(Exception):
    """The benchmark cannot be run; the message says why and what to do."""


def measure(*, quick: bool, python: Path | None, alone: bool, json_output: bool) -> None:
    """Run the rounds and print the table. Exits with 1 if a bot does not complete its round."""
    if (busy := _busy()) is not None:
        err.print(busy, markup=False)
    try:
        sides: dict[str, str | None]
        sides = {"mezon-rs": None} if alone else {"mezon-sdk": reference_python(python), "mezon-rs": None}
        results = asyncio.run(_rounds(sides, quick))
    except BenchError as error:
        fail(str(error))
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    figures = {
        side: {name: median(one[name] for one in rounds) for name in FIGURES}
        for side, rounds in results.items()
    }
    if json_output:
        as_json(
            {
                "quick": quick,
                "rounds": {side: len(rounds) for side, rounds in results.items()},
                "figures": figures,
            }
        )
        return
    _print_table(figures)


def reference_python(given: Path | None) -> str:
    """Return the interpreter that has mezon-sdk.

    Without ``given``, a virtual environment is created once in the user's cache.

    Raises:
        BenchError: If the environment cannot be created, or ``given`` has no mezon-sdk.
    """
    if given is not None:
        done = subprocess.run([str(given), "-c", "import mezon"], capture_output=True, text=True)
        if done.returncode:
            raise BenchError(f"{given} cannot import mezon: run pip install {REFERENCE} there first")
        return str(given)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mezon"
    folder = (
        cache / f"bench-{REFERENCE.replace('==', '-')}-py{sys.version_info.major}.{sys.version_info.minor}"
    )
    python = Path(sysconfig.get_path("scripts", "venv", {"base": str(folder)})) / "python"
    stamp = folder / ".complete"
    if not stamp.exists():
        err.print(f"Creating {folder} with {REFERENCE} (once) ...", markup=False)
        pip = [
            *("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--ignore-requires-python"),
            REFERENCE,
        ]
        for command in ([sys.executable, "-m", "venv", str(folder)], [str(python), *pip]):
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                last = (done.stderr or done.stdout).strip().splitlines()[-1:]
                raise BenchError(
                    f"cannot create the environment for {REFERENCE} ({' '.join(last)}): pass a Python that has it "
                    "with --python, or measure mezon-rs only with --alone"
                )
        stamp.touch()
    return str(python)


@dataclass(frozen=True, slots=True)
class Round:
    """One run of the bot. ``python`` is an interpreter with mezon-sdk; None means this one, with this package."""

    python: str | None
    messages: int
    sends: int


async def _rounds(sides: dict[str, str | None], quick: bool) -> dict[str, list[dict[str, float]]]:
    results: dict[str, list[dict[str, float]]] = {side: [] for side in sides}
    count = 1 if quick else 3
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=err,
        disable=not err.is_terminal,
    ) as progress:
        task = progress.add_task("bench", total=count * len(sides))
        for number in range(count):
            # Alternate the order: the side that runs second finds a warmer machine.
            for side in list(sides)[:: 1 if number % 2 == 0 else -1]:
                progress.update(task, description=f"{side}, round {number + 1}")
                n = (3_000 if quick else 10_000) if side == "mezon-sdk" else (10_000 if quick else 50_000)
                results[side].append(await play(Round(sides[side], messages=n, sends=70)))
                progress.advance(task)
    return results


async def play(round_: Round) -> dict[str, float]:
    """Run one round and return its value for each of ``FIGURES``.

    Raises:
        BenchError: If the bot ends or stops reporting before the round is complete.
    """
    async with GatewayProcess() as gateway:
        info = gateway.info
        options = {
            "client": {
                "client_id": info["bot_id"],
                "api_key": info["api_key"],
                "host": info["host"],
                "port": str(info["port"]),
                "use_ssl": False,
                "mmn_api_url": info["environment"]["MEZON_MMN_API_URL"],
                "zk_api_url": info["environment"]["MEZON_ZK_API_URL"],
            },
            "channel": next(iter(info["world"]["channels"].values())),
            "warm": _WARM_UP_MESSAGES,
            "messages": round_.messages,
            "sends": round_.sends,
        }
        env = {name: value for name, value in os.environ.items() if not name.startswith("MEZON_")}
        if round_.python is not None:
            # PYTHONPATH may make this package importable in the other interpreter.
            env.pop("PYTHONPATH", None)
        with tempfile.TemporaryDirectory(prefix="mezon-bench-") as folder:
            process = await asyncio.create_subprocess_exec(
                *(round_.python or sys.executable, str(_SCRIPT), json.dumps(options)),
                cwd=folder,
                env=env,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                limit=1 << 20,
            )
            try:
                return await _conduct(gateway, _Bot(process, round_.python or "mezon-rs"), round_)
            finally:
                if process.returncode is None:
                    process.kill()
                await process.communicate()


async def _conduct(gateway: GatewayProcess, bot: _Bot, round_: Round) -> dict[str, float]:
    start = await bot.report("login")
    await gateway.wait_joined(timeout=30)
    # For the first message of a channel mezon-sdk asks the server, at most once a second.
    await gateway.say("general", "alice", "hello")
    await asyncio.sleep(1.5)
    await gateway.blast(_WARM_UP_MESSAGES - 1, channels=1)
    await bot.report("warm")
    prepared = await gateway.prepare_blast(round_.messages, channels=1)
    before = asyncio.get_running_loop().time()
    await gateway.blast(prepared)
    end = await bot.report("done")
    sends = (await bot.report("sends"))["sends"]
    seconds = end["done"] - before
    return {
        "rate": round_.messages / seconds,
        "cpu": end["cpu"] / round_.messages * 1e6,
        "send_p50": sends[len(sends) // 2] * 1e6,
        "login": start["login"] * 1e3,
        "import": start["imported"] * 1e3,
        "rss": start["rss"],
    }


class _Bot:
    """The process of the benchmark's bot."""

    def __init__(self, process: asyncio.subprocess.Process, name: str) -> None:
        self._process, self._name = process, name

    async def report(self, fact: str) -> dict[str, Any]:
        """Wait for the next report that contains ``fact``."""
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(_REPORT_TIMEOUT):
                while line := await self._process.stdout.readline():
                    if line.startswith(b"@"):
                        value: dict[str, Any] = json.loads(line[1:])
                        if fact in value:
                            return value
        except TimeoutError:
            raise BenchError(
                f"the bot on {self._name} did not report {fact!r} within {_REPORT_TIMEOUT:g} s"
            ) from None
        raise BenchError(
            f"the bot on {self._name} ended before it reported {fact!r}; run its script to see why: {_SCRIPT}"
        )


def _busy() -> str | None:
    """Return a warning if the machine is busy: server and bot need a core each."""
    load, cores = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0, os.cpu_count() or 1
    if load < cores / 2:
        return None
    return f"This machine is busy (load {load:.1f} on {cores} cores): figures and ratios are unreliable."


def _print_table(figures: dict[str, dict[str, float]]) -> None:
    sides = list(figures)
    rows = []
    for name, (label, unit, more) in FIGURES.items():
        values = [figures[side][name] for side in sides]
        row = [f"{label} ({unit})", *(_number(value) for value in values)]
        if len(values) == 2 and min(values) > 0:
            row.append(f"{values[1] / values[0] if more else values[0] / values[1]:.1f} x")
        rows.append(row)
    heads = ["figure", *sides, *(["better"] if len(sides) == 2 else [])]
    if not out.is_terminal:
        widths = [max(len(row[i]) for row in [heads, *rows] if i < len(row)) for i in range(len(heads))]
        for row in [heads, *rows]:
            say(
                "  ".join(
                    cell.ljust(widths[i]) if i == 0 else cell.rjust(widths[i]) for i, cell in enumerate(row)
                )
            )
        return
    table = Table(*heads[:1])
    for head in heads[1:]:
        table.add_column(head, justify="right")
    for row in rows:
        table.add_row(*row)
    out.print(table)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
