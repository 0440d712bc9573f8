"""The figures as a table against the targets, on the screen, in JSON and on the pages."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from harness import Who

START: Final = "<!-- bench:start -->"
END: Final = "<!-- bench:end -->"

#: Case -> side -> figure -> its values, one a round.
Measured = dict[str, dict[Who, dict[str, list[float]]]]
Values = dict[Who, float]


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table and its target (see the design's TARGETS.md)."""

    case: str
    figure: str
    title: str
    unit: str
    #: Whether more is better.
    more: bool
    target: str
    holds: Callable[[Values], bool | None]


def ratio(factor: float, side: Who = "reference") -> Callable[[Values], bool | None]:
    """Ours is at least so many times that side's."""
    return lambda v: v["ours"] >= factor * v[side] if side in v else None


def share(factor: float, side: Who = "reference") -> Callable[[Values], bool | None]:
    """Ours is at most so much of that side's."""
    return lambda v: v["ours"] <= factor * v[side] if side in v else None


def at_least(bound: float) -> Callable[[Values], bool | None]:
    return lambda v: v["ours"] >= bound


def at_most(bound: float) -> Callable[[Values], bool | None]:
    return lambda v: v["ours"] <= bound


def both(*rules: Callable[[Values], bool | None]) -> Callable[[Values], bool | None]:
    """All rules that can be judged hold."""

    def holds(values: Values) -> bool | None:
        judged = [verdict for rule in rules if (verdict := rule(values)) is not None]
        return all(judged) if judged else None

    return holds


ROWS: Final[tuple[Row, ...]] = (
    Row(
        "messages_async",
        "rate",
        "messages, async handler",
        "/s",
        True,
        ">= 20 x reference, >= 1.5 x by hand",
        both(ratio(20), ratio(1.5, "handwritten")),
    ),
    Row("messages_async", "cpu", "CPU a message", "µs", False, "<= 1/18 of reference", share(1 / 18)),
    Row("messages_sync", "rate", "messages, sync handler", "/s", True, ">= 25 x reference", ratio(25)),
    Row("messages_sync", "cpu", "CPU a message", "µs", False, "", lambda v: None),
    Row(
        "messages_batch",
        "rate",
        "messages, lists of up to 256",
        "/s",
        True,
        ">= 600,000/s",
        at_least(600_000),
    ),
    Row("messages_batch", "cpu", "CPU a message", "µs", False, "<= 3.3 µs", at_most(3.3)),
    Row(
        "messages_filtered",
        "rate",
        "messages a filter drops, no store",
        "/s",
        True,
        ">= 2,000,000/s",
        at_least(2e6),
    ),
    Row("messages_filtered", "cpu", "CPU a message", "µs", False, "<= 0.5 µs", at_most(0.5)),
    Row("messages_filtered", "cpu_stored", "the same with the store", "µs", False, "<= 2.6 µs", at_most(2.6)),
    Row("transports", "rate", "messages over TCP, async handler", "/s", True, "", lambda v: None),
    Row("transports", "cpu", "CPU a message", "µs", False, "", lambda v: None),
    Row("transports", "share", "rate over TCP, of that over WebSocket", "x", True, ">= 0.9", at_least(0.9)),
    Row("store_cost", "lost", "rate lost with the store on", "%", False, "<= 10 %", at_most(10)),
    Row("store_cost", "cpu", "CPU of a row in the store", "µs", False, "", lambda v: None),
    Row("typing", "rate", "typing, nobody listens", "/s", True, ">= 1,000,000/s", at_least(1e6)),
    Row("typing", "cpu", "CPU an event", "µs", False, "<= 0.8 µs", at_most(0.8)),
    Row("presence", "rate", "presence, nobody listens", "/s", True, ">= 1,000,000/s", at_least(1e6)),
    Row("presence", "cpu", "CPU an event", "µs", False, "<= 0.8 µs", at_most(0.8)),
    Row("send", "p50", "send to ack, p50", "µs", False, "<= reference", share(1)),
    Row("send", "p99", "send to ack, p99", "µs", False, "<= reference", share(1)),
    Row("send", "cpu", "CPU an acked send", "µs", False, "<= 1/4 of reference", share(1 / 4)),
    Row("send_flight", "rate", "sends, 200 in flight, no limit", "/s", True, "", lambda v: None),
    Row("send_flight", "cpu", "CPU an acked send", "µs", False, "<= 17 µs", at_most(17)),
    Row("login", "login", "login, 40 clans", "ms", False, "<= reference", share(1)),
    Row("login", "first_max", "first messages of 40 clans, last", "ms", False, "<= 50 ms", at_most(50)),
    Row("imports", "seconds", "import", "ms", False, "<= 0.5 x reference", share(0.5)),
    Row("imports", "rss", "RSS after import", "MB", False, "<= 40 MB", at_most(40)),
    Row("lag", "p99", "lag of a coroutine in a burst, p99", "ms", False, "<= 3 ms", at_most(3)),
    Row("lag", "max", "the same, most", "ms", False, "<= 20 ms", at_most(20)),
    Row("latency_idle", "p50", "wire to handler, idle loop, p50", "µs", False, "<= 120 µs", at_most(120)),
    Row("latency_idle", "p99", "the same, p99", "µs", False, "<= 400 µs", at_most(400)),
    Row("latency_busy", "p50", "wire to handler, loop 80 % busy, p50", "µs", False, "", lambda v: None),
    Row(
        "latency_busy",
        "p99",
        "wire to handler, loop 80 % busy, p99",
        "µs",
        False,
        "<= 2,000 µs",
        at_most(2000),
    ),
    Row("memory_burst", "peak", "peak RSS growth, 20,000 burst", "MB", False, "<= 30 MB", at_most(30)),
    Row(
        "memory_slow",
        "peak",
        "the same, 40,000 in handlers of 1 s",
        "MB",
        False,
        "<= 1/3 of reference",
        share(1 / 3),
    ),
    Row("memory_bounded", "peak", "the same, at most 1,000 handlers", "MB", False, "<= 40 MB", at_most(40)),
    *(
        Row(
            "flat",
            figure,
            f"CPU a message, {title}, to 100,000 in 30 channels",
            "x",
            False,
            "<= 1.15",
            at_most(1.15),
        )
        for figure, title in (
            ("few", "10,000"),
            ("many", "1,000,000"),
            ("one_channel", "in 1 channel"),
            ("channels", "in 2,000 channels"),
            ("handlers", "20 handlers, each"),
        )
    ),
)


def machine() -> dict[str, Any]:
    """Where the figures come from."""
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
    """Give a row's median on each side."""
    sides = measured.get(row.case, {})
    return {who: statistics.median(f[row.figure]) for who, f in sides.items() if f.get(row.figure)}


def number(value: float | None) -> str:
    """Write a figure with as many digits as it deserves."""
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
                f"{row.title} ({row.unit})",
                number(reference),
                number(ours),
                f"{times:,.1f} x" if times is not None else "",
                number(values.get("handwritten")),
                row.target,
                "" if verdict is None else "yes" if verdict else "NO",
            )
        )
    return lines


HEAD: Final = ("figure", "mezon-sdk", "mezon-rs", "better", "by hand", "target", "met")


#: The rows of the README; docs/benchmark.md has them all.
SUMMARY: Final = frozenset(
    {
        ("messages_async", "rate"),
        ("messages_async", "cpu"),
        ("send", "cpu"),
        ("login", "first_max"),
        ("imports", "seconds"),
        ("latency_busy", "p99"),
        ("memory_burst", "peak"),
    }
)


def table(measured: Measured) -> str:
    """For the screen."""
    lines = [HEAD, *_lines(measured)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEAD))]
    left = {0, 5, 6}
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i in left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def markdown(measured: Measured, where: dict[str, Any], *, whole: bool) -> str:
    """For docs/benchmark.md, or the summary for the README: without targets, which are the project's own business."""
    chosen = [row for row in ROWS if whole or (row.case, row.figure) in SUMMARY]
    rows = [line[:5] for line in _lines(measured, chosen)]
    text = ["| " + " | ".join(HEAD[:5]) + " |", "|---|--:|--:|--:|--:|"]
    text += ["| " + " | ".join(row) + " |" for row in rows]
    text += ["", f"Medians of one `make bench` on {where['cores']} cores ({where['cpu']}), {where['system']}"]
    text[-1] += f" {where['kernel']}, Python {where['python']}; server, bots and store on the same machine."
    return "\n".join(text)


def write_page(path: Path, text: str) -> None:
    """Put the table between the markers.

    Raises:
        ValueError: If the file has no markers.
    """
    before, start, rest = path.read_text().partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise ValueError(f"{path.name} has no {START} and {END}")
    path.write_text(f"{before}{START}\n{text}\n{END}{after}")


def write_json(path: Path, measured: Measured, notes: list[str], quick: bool) -> None:
    """All values, for later."""
    path.parent.mkdir(exist_ok=True)
    result = {
        "taken": datetime.now(UTC).isoformat(timespec="seconds"),
        "quick": quick,
        "machine": machine(),
        "notes": notes,
        "measured": measured,
    }
    path.write_text(json.dumps(result, indent=1) + "\n")
