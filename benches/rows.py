"""The rows of the table and their targets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from harness import Who

Values = dict[Who, float]


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table and its target."""

    case: str
    figure: str
    title: str
    unit: str
    #: Whether a higher value is better.
    more: bool
    target: str
    holds: Callable[[Values], bool | None]


def ratio(factor: float, side: Who = "reference") -> Callable[[Values], bool | None]:
    """Require at least ``factor`` times the value of that side."""
    return lambda v: v["ours"] >= factor * v[side] if side in v else None


def share(factor: float, side: Who = "reference") -> Callable[[Values], bool | None]:
    """Require at most this share of the other side's value."""
    return lambda v: v["ours"] <= factor * v[side] if side in v else None


def above(extra: float, side: Who) -> Callable[[Values], bool | None]:
    """Require at most this much more than the other side's value."""
    return lambda v: v["ours"] <= v[side] + extra if side in v else None


def at_least(bound: float) -> Callable[[Values], bool | None]:
    return lambda v: v["ours"] >= bound


def at_most(bound: float) -> Callable[[Values], bool | None]:
    return lambda v: v["ours"] <= bound


def both(*rules: Callable[[Values], bool | None]) -> Callable[[Values], bool | None]:
    """Whether all rules with known values hold."""

    def holds(values: Values) -> bool | None:
        judged = [verdict for rule in rules if (verdict := rule(values)) is not None]
        return all(judged) if judged else None

    return holds


def no_target(values: Values) -> bool | None:
    return None


ROWS: Final[tuple[Row, ...]] = (
    Row("busy_day", "rate", "events of a busy day", "/s", True, "", no_target),
    Row("busy_day", "cpu", "CPU per event, a busy day", "µs", False, "", no_target),
    Row(
        "messages_async",
        "rate",
        "messages, async handler",
        "/s",
        True,
        ">= 400,000/s, >= 60 x reference, >= 3.5 x by hand",
        both(at_least(400_000), ratio(60), ratio(3.5, "handwritten")),
    ),
    Row(
        "messages_async",
        "cpu",
        "CPU per message, async handler",
        "µs",
        False,
        "<= 4.5 µs, <= 1/18 of reference",
        both(at_most(4.5), share(1 / 18)),
    ),
    Row("messages_sync", "rate", "messages, sync handler", "/s", True, ">= 25 x reference", ratio(25)),
    Row("messages_sync", "cpu", "CPU per message, sync handler", "µs", False, "", no_target),
    Row(
        "messages_batch",
        "rate",
        "messages, lists of up to 256",
        "/s",
        True,
        ">= 600,000/s",
        at_least(600_000),
    ),
    Row(
        "messages_batch", "cpu", "CPU per message, lists of up to 256", "µs", False, "<= 3.3 µs", at_most(3.3)
    ),
    Row(
        "messages_filtered",
        "rate",
        "messages that a filter drops, without a store",
        "/s",
        True,
        ">= 2,000,000/s",
        at_least(2e6),
    ),
    Row(
        "messages_filtered",
        "cpu",
        "CPU per dropped message, without a store",
        "µs",
        False,
        "<= 0.5 µs",
        at_most(0.5),
    ),
    Row(
        "messages_filtered",
        "cpu_stored",
        "CPU per dropped message, with the store",
        "µs",
        False,
        "<= 2.6 µs",
        at_most(2.6),
    ),
    Row("transports", "rate", "messages over TCP, async handler", "/s", True, "", no_target),
    Row("transports", "cpu", "CPU per message over TCP, async handler", "µs", False, "", no_target),
    Row("transports", "share", "rate over TCP, relative to WebSocket", "x", True, ">= 0.9", at_least(0.9)),
    Row("store_cost", "lost", "rate lost with the store on", "%", False, "<= 10 %", at_most(10)),
    Row("store_cost", "cpu", "CPU per row in the store", "µs", False, "", no_target),
    Row("typing", "rate", "typing events without a handler", "/s", True, ">= 1,000,000/s", at_least(1e6)),
    Row("typing", "cpu", "CPU per typing event without a handler", "µs", False, "<= 0.8 µs", at_most(0.8)),
    Row("presence", "rate", "presence events without a handler", "/s", True, ">= 1,000,000/s", at_least(1e6)),
    Row(
        "presence", "cpu", "CPU per presence event without a handler", "µs", False, "<= 0.8 µs", at_most(0.8)
    ),
    Row("send", "p50", "send to ack, p50", "µs", False, "<= 0.8 x reference", share(0.8)),
    Row("send", "p99", "send to ack, p99", "µs", False, "<= 0.8 x reference", share(0.8)),
    Row(
        "send",
        "cpu",
        "CPU per acked send",
        "µs",
        False,
        "<= 45 µs, <= 1/6 of reference",
        both(at_most(45), share(1 / 6)),
    ),
    Row("send_flight", "rate", "sends, 200 in flight, no limit", "/s", True, "", no_target),
    Row("send_flight", "cpu", "CPU per acked send, 200 in flight", "µs", False, "<= 17 µs", at_most(17)),
    Row(
        "login",
        "login",
        "login, 40 clans",
        "ms",
        False,
        "<= 250 ms, <= reference",
        both(at_most(250), share(1)),
    ),
    Row("login", "stop", "longest stop of the loop during login", "ms", False, "<= 25 ms", at_most(25)),
    Row("login", "rss", "RSS after login", "MB", False, "<= 45 MB", at_most(45)),
    Row("login", "first_max", "last of the first messages of 40 clans", "ms", False, "<= 50 ms", at_most(50)),
    Row("imports", "seconds", "import", "ms", False, "<= 0.5 x reference", share(0.5)),
    Row("imports", "rss", "RSS after import", "MB", False, "<= 40 MB", at_most(40)),
    Row("lag", "p99", "lag of a coroutine in a burst, p99", "ms", False, "<= 3 ms", at_most(3)),
    Row("lag", "max", "lag of a coroutine in a burst, maximum", "ms", False, "<= 20 ms", at_most(20)),
    Row(
        "latency_idle",
        "p50",
        "wire to handler, idle loop, p50",
        "µs",
        False,
        "<= by hand + 20 µs, <= 120 µs",
        both(above(20, "handwritten"), at_most(120)),
    ),
    Row("latency_idle", "p99", "wire to handler, idle loop, p99", "µs", False, "<= 400 µs", at_most(400)),
    Row("latency_busy", "p50", "wire to handler, loop 80 % busy, p50", "µs", False, "", no_target),
    Row(
        "latency_busy",
        "p99",
        "wire to handler, loop 80 % busy, p99",
        "µs",
        False,
        "<= 2,000 µs",
        at_most(2000),
    ),
    Row("memory_burst", "peak", "peak RSS growth, burst of 20,000", "MB", False, "<= 30 MB", at_most(30)),
    Row(
        "memory_slow",
        "peak",
        "peak RSS growth, 40,000 in handlers of 1 s",
        "MB",
        False,
        "<= 1/3 of reference",
        share(1 / 3),
    ),
    Row(
        "memory_bounded",
        "peak",
        "peak RSS growth, at most 1,000 handlers",
        "MB",
        False,
        "<= 40 MB",
        at_most(40),
    ),
    Row("handlers", "suspends", "CPU per message, handler that suspends once", "µs", False, "", no_target),
    Row("handlers", "rarely", "CPU per message, handler that suspends at 2 %", "µs", False, "", no_target),
    Row("handlers", "twenty", "CPU per message, 20 handlers", "µs", False, "", no_target),
    Row("handlers", "hundred", "CPU per message, 100 handlers", "µs", False, "", no_target),
    Row("heavy", "attachments", "CPU per message, 50 attachments", "µs", False, "<= 50 µs", at_most(50)),
    Row("heavy", "log", "CPU per message, 60 KB, ASCII", "µs", False, "<= 120 µs", at_most(120)),
    Row("heavy", "long", "CPU per message, 60 KB, Vietnamese", "µs", False, "", no_target),
    Row(
        "large_world",
        "cpu",
        "CPU per message, 300 clans, 20,000 channels, 200,000 users",
        "µs",
        False,
        "<= 7 µs",
        at_most(7),
    ),
    Row("large_world", "lag_p99", "lag of a coroutine, 300 clans, p99", "ms", False, "<= 5 ms", at_most(5)),
    Row("large_world", "lag_max", "lag of a coroutine, 300 clans, maximum", "ms", False, "", no_target),
    Row("thousand_bots", "login", "1,000 bots, login of all", "s", False, "<= 3 s", at_most(3)),
    Row("thousand_bots", "threads", "1,000 bots, threads", "", False, "<= 4", at_most(4)),
    Row(
        "thousand_bots",
        "threads_after",
        "1,000 bots, threads after a message each",
        "",
        False,
        "<= 4",
        at_most(4),
    ),
    Row("thousand_bots", "idle", "1,000 bots, CPU while idle", "ms/s", False, "<= 8 ms/s", at_most(8)),
    Row("thousand_bots", "rss", "1,000 bots, RSS of each", "KB", False, "<= 80 KB", at_most(80)),
    Row(
        "thousand_bots",
        "rss_after",
        "1,000 bots, RSS of each after a message each",
        "KB",
        False,
        "",
        no_target,
    ),
    Row("store_full", "rate", "full store (1,000,000 rows), messages", "/s", True, "", no_target),
    Row(
        "store_full",
        "rows",
        "full store, most rows relative to the bound",
        "x",
        False,
        "<= 1.1",
        at_most(1.1),
    ),
    Row("store_full", "log", "full store, size of the WAL", "MB", False, "<= 32 MB", at_most(32)),
    Row(
        "store_full",
        "history_stop",
        "full store, longest stop of events, first history",
        "ms",
        False,
        "<= 50 ms",
        at_most(50),
    ),
    Row(
        "store_full",
        "search_stop",
        "full store, longest stop of events, first search",
        "ms",
        False,
        "<= 50 ms",
        at_most(50),
    ),
    Row(
        "store_full",
        "send_stop",
        "full store, longest send during both",
        "ms",
        False,
        "<= 50 ms",
        at_most(50),
    ),
    Row(
        "store_full", "quiet_stop", "full store, longest stop of events, no query", "ms", False, "", no_target
    ),
    Row("store_full", "history", "full store, time of the first history", "s", False, "", no_target),
    Row("store_full", "search", "full store, time of the first search", "s", False, "", no_target),
    Row(
        "store_full",
        "rows_searched",
        "searched store, most rows relative to the bound",
        "x",
        False,
        "<= 1.1",
        at_most(1.1),
    ),
    Row("store_full", "rate_searched", "searched store, messages", "/s", True, "", no_target),
    Row(
        "store_full",
        "share",
        "file after reopening with a tenth of the bound, relative size",
        "x",
        False,
        "<= 0.25",
        at_most(0.25),
    ),
    Row("store_full", "shrink", "time until the file is that small", "s", False, "", no_target),
    *(
        Row(
            "flat",
            figure,
            f"CPU per message relative to 100,000 in 30 channels: {title}",
            "x",
            False,
            "<= 1.1",
            at_most(1.1),
        )
        for figure, title in (
            ("few", "10,000"),
            ("many", "10,000,000"),
            ("one_channel", "in 1 channel"),
            ("channels", "in 2,000 channels"),
            ("all_channels", "in 20,000 channels"),
            ("handlers", "20 handlers, each"),
        )
    ),
)
