"""``mezon bench``: this package beside mezon-sdk, on this machine, in one run.

The same bot runs on both, by turns, against the same local gateway in a process of its own. It is the short form of
the project's benchmark (``make bench`` in a clone), which the wheel does not hold.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from statistics import median
from typing import Final

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from mezon.cli.bench.environment import NoReferenceError, reference_python
from mezon.cli.bench.rounds import BenchError, Round, play
from mezon.cli.output import INTERRUPTED, as_json, err, fail, out, say

#: Figure, unit, whether more is better.
FIGURES: Final = {
    "rate": ("messages a second, async handler", "/s", True),
    "cpu": ("CPU a message", "µs", False),
    "send_p50": ("send to ack, p50", "µs", False),
    "login": ("login", "ms", False),
    "import": ("import", "ms", False),
    "rss": ("memory after import", "MB", False),
}


def measure(*, quick: bool, python: Path | None, alone: bool, json_output: bool) -> None:
    """Run the rounds and print the table. Ends with 1 when a bot does not do its part."""
    if (busy := _busy()) is not None:
        err.print(busy, markup=False)
    try:
        sides: dict[str, str | None]
        sides = {"mezon-rs": None} if alone else {"mezon-sdk": reference_python(python), "mezon-rs": None}
        results = asyncio.run(_rounds(sides, quick))
    except (NoReferenceError, BenchError) as error:
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
    _table(figures)


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
            # By turns, and the other one first each time: who goes second finds a warmer machine.
            for side in list(sides)[:: 1 if number % 2 == 0 else -1]:
                progress.update(task, description=f"{side}, round {number + 1}")
                n = (3_000 if quick else 10_000) if side == "mezon-sdk" else (10_000 if quick else 50_000)
                results[side].append(await play(Round(sides[side], messages=n, sends=70)))
                progress.advance(task)
    return results


def _busy() -> str | None:
    """Say that others use the machine, where that can be known: server and bot need a core each."""
    load, cores = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0, os.cpu_count() or 1
    if load < cores / 2:
        return None
    return f"This machine is busy (load {load:.1f} on {cores} cores): the figures say little, ratios too."


def _table(figures: dict[str, dict[str, float]]) -> None:
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
