"""Reports of the figures: table with targets, JSON, and the tables of the pages."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from harness import Who
from rows import ROWS, Row, Values

#: Case -> side -> figure -> values, one per round.
Measured = dict[str, dict[Who, dict[str, list[float]]]]


def machine() -> dict[str, Any]:
    """Origin of the figures: machine and versions."""
    model = ""
    if (info := Path("/proc/cpuinfo")).exists():
        model = next(
            (x.split(":", 1)[1].strip() for x in info.read_text().splitlines() if "model name" in x), ""
        )
    return {
        "cores": os.cpu_count(),
        "cpu": model,
        "python": platform.python_version(),
        "kernel": platform.release(),
        "system": platform.system(),
    }


def medians(measured: Measured, row: Row) -> Values:
    """Return the median of a row for each side."""
    sides = measured.get(row.case, {})
    return {who: statistics.median(f[row.figure]) for who, f in sides.items() if f.get(row.figure)}


def number(value: float | None) -> str:
    """Format a figure with an appropriate number of digits."""
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:,.1f}" if value >= 10 else f"{value:,.2f}"


def _lines(measured: Measured, rows: Iterable[Row] = ROWS) -> list[tuple[str, ...]]:
    lines = []
    for row in rows:
        values = medians(measured, row)
        if "ours" not in values:
            continue
        ours, reference = values["ours"], values.get("reference")
        times = (ours / reference if row.more else reference / ours) if reference and ours else None
        verdict = row.holds(values)
        lines.append(
            (
                f"{row.title} ({row.unit})" if row.unit else row.title,
                number(reference),
                number(ours),
                f"{times:,.1f} x" if times is not None else "",
                number(values.get("handwritten")),
                number(values.get("typescript")),
                row.target,
                "" if verdict is None else "yes" if verdict else "NO",
            )
        )
    return lines


HEAD: Final = ("figure", "mezon-sdk", "mezon-rs", "better", "by hand", "TypeScript", "target", "met")


#: The rows of the README; docs/benchmark.md shows all rows.
SUMMARY: Final = frozenset(
    {
        ("busy_day", "rate"),
        ("busy_day", "cpu"),
        ("messages_async", "rate"),
        ("messages_async", "cpu"),
        ("send", "cpu"),
        ("login", "first_max"),
        ("imports", "seconds"),
        ("latency_busy", "p99"),
        ("memory_burst", "peak"),
    }
)


def _filled(lines: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Remove the columns of sides that did not take part."""
    columns = list(zip(*lines, strict=True))
    return list(zip(*(column for column in columns if any(column[1:])), strict=True))


def table(measured: Measured) -> str:
    """Return the table for the terminal."""
    lines = _filled([HEAD, *_lines(measured)])
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    left = {0, len(widths) - 2, len(widths) - 1}
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i in left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def markdown(measured: Measured, where: dict[str, Any], *, whole: bool) -> str:
    """Return the table for docs/benchmark.md, or the summary for the README, without the internal targets."""
    chosen = [row for row in ROWS if whole or (row.case, row.figure) in SUMMARY]
    head, *rows = _filled([line[:6] for line in (HEAD, *_lines(measured, chosen))])
    text = ["| " + " | ".join(head) + " |", "|---" + "|--:" * (len(head) - 1) + "|"]
    text += ["| " + " | ".join(row) + " |" for row in rows]
    text += ["", f"Medians of one `make bench` on {where['cores']} cores ({where['cpu']}), {where['system']}"]
    text[-1] += f" {where['kernel']}, Python {where['python']}; server, bots and store on the same machine."
    return "\n".join(text)


def write_page(path: Path, text: str, block: str = "bench") -> None:
    """Replace what is between the markers of a generated block.

    Raises:
        ValueError: If the file has no markers.
    """
    first, last = f"<!-- {block}:start -->", f"<!-- {block}:end -->"
    before, start, rest = path.read_text().partition(first)
    _, end, after = rest.partition(last)
    if not start or not end:
        raise ValueError(f"{path.name} has no {first} and {last}")
    path.write_text(f"{before}{first}\n{text}\n{last}{after}")


def write_json(path: Path, measured: Measured, notes: list[str], quick: bool) -> None:
    """Return all values as JSON."""
    path.parent.mkdir(exist_ok=True)
    result = {
        "taken": datetime.now(UTC).isoformat(timespec="seconds"),
        "quick": quick,
        "machine": machine(),
        "notes": notes,
        "measured": measured,
    }
    path.write_text(json.dumps(result, indent=1) + "\n")
