"""The metrics of relays and workers: the work that is left in the stream, and the text format of Prometheus."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mezon._cluster.broker import jetstream_api

if TYPE_CHECKING:
    from nats.aio.client import Client

    from mezon._cluster.protocol import Names

#: By name of a figure of a relay, its type and its description.
RELAY_METRICS: Final[Mapping[str, tuple[str, str]]] = {
    "in_charge": ("gauge", "1 if this relay is in charge, 0 if it stands by"),
    "ready": ("gauge", "1 if this relay is in charge, logged in, and can publish events"),
    "epoch": ("gauge", "Grows whenever a relay takes over"),
    "workers": ("gauge", "Living workers"),
    "lag_events": ("gauge", "Events that no worker has handled yet"),
    "lag_seconds": ("gauge", "Age of the oldest event that no worker has handled yet"),
    "stream_bytes": ("gauge", "Size of the event stream"),
    "stream_max_bytes": ("gauge", "Bound of the event stream; -1 without one"),
    "dead_events": ("gauge", "Dead events that are stored"),
    "events_waiting": ("gauge", "Events that NATS has not confirmed yet"),
    "http_waiting": ("gauge", "HTTP calls that wait for the rate limit of the bot"),
    "events_published": ("counter", "Events that NATS has confirmed"),
    "events_repeated": ("counter", "Published events that the stream already had"),
    "events_filtered": ("counter", "Events that no worker wanted"),
    "events_too_large": ("counter", "Events too large for NATS, which were dead-lettered"),
    "batches_retried": ("counter", "Attempts to publish that failed"),
    "calls": ("counter", "Calls of workers"),
    "calls_refused": ("counter", "Calls of workers that were refused"),
    "calls_remembered": ("counter", "Repeated calls that got a stored answer"),
    "listings_known": ("counter", "Listings that were answered without asking Mezon"),
    "gap_filled": ("counter", "Missed messages that were fetched after a reconnect"),
}

#: By name of a figure of a worker, its type and its description.
WORKER_METRICS: Final[Mapping[str, tuple[str, str]]] = {
    "ready": ("gauge", "1 if this worker receives events"),
    "partitions": ("gauge", "Partitions that this worker reads"),
    "events_running": ("gauge", "Events whose handlers run"),
    "events_queued": ("gauge", "Events that wait for a handler in this worker"),
    "events_handled": ("counter", "Events that were passed to handlers"),
    "events_repeated": ("counter", "Events that were delivered before, to this worker or to another one"),
    "events_malformed": ("counter", "Events that could not be decoded"),
    "events_dead": ("counter", "Events that this worker has dead-lettered"),
}

#: Matches the fraction of a second in a time of NATS, which may have nine digits.
_FRACTION: Final = re.compile(r"\.(\d{1,6})\d*")


@dataclass(frozen=True, slots=True)
class Backlog:
    """The work that is left in the stream of events.

    Attributes:
        events: Events that no worker has acknowledged.
        seconds: The age of the oldest of them by the clock of NATS.
        bytes: The size of the stream.
        max_bytes: The bound of the stream; -1 without one.
        partitions: The number of partitions.
        dead: The number of dead events.
    """

    events: int
    seconds: float
    bytes: int
    max_bytes: int
    partitions: int
    dead: int


async def read_backlog(client: Client, names: Names) -> Backlog | None:
    """Read the work that is left; None if there is no stream.

    Raises:
        MezonError: NATS does not answer or refuses.
    """
    stream = await jetstream_api(client, f"STREAM.INFO.{names.events}", missing_ok=True)
    if stream is None:
        return None
    dead = await jetstream_api(client, f"STREAM.INFO.{names.dead}", missing_ok=True)
    state, config = stream["state"], stream["config"]
    events = int(state["messages"])
    return Backlog(
        events,
        age(stream.get("ts"), state.get("first_ts")) if events else 0.0,
        int(state["bytes"]),
        int(config.get("max_bytes", -1)),
        int(config.get("metadata", {}).get("mezon-partitions", 0)),
        0 if dead is None else int(dead["state"]["messages"]),
    )


def age(now: object, then: object) -> float:
    """Return the seconds between two times as NATS writes them; 0 if one of them is missing or invalid."""
    try:
        first, last = (_parse(str(one)) for one in (then, now))
    except ValueError:
        return 0.0
    return max((last - first).total_seconds(), 0.0)


def _parse(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(_FRACTION.sub(lambda found: f".{found[1]:0<6}", text))


def render(
    prefix: str,
    metrics: Mapping[str, tuple[str, str]],
    figures: Iterable[tuple[Mapping[str, str], Mapping[str, Any]]],
) -> str:
    """Return figures in the text format of Prometheus.

    Args:
        prefix: The beginning of the names.
        metrics: By name of a figure, its type and its description.
        figures: Labels and figures of each source. A figure that is missing or None is left out.
    """
    sources, lines = list(figures), []
    for name, (kind, text) in metrics.items():
        full = f"{prefix}_{name}_total" if kind == "counter" else f"{prefix}_{name}"
        samples = [
            f"{full}{{{_labels(labels)}}} {float(found[name]):g}"
            if isinstance(found[name], float)
            else f"{full}{{{_labels(labels)}}} {int(found[name])}"
            for labels, found in sources
            if found.get(name) is not None
        ]
        if samples:
            lines += [f"# HELP {full} {text}", f"# TYPE {full} {kind}", *samples]
    return "\n".join(lines) + "\n"


def _labels(labels: Mapping[str, str]) -> str:
    # Values are ids and names of workers, which need no escapes.
    return ",".join(f'{name}="{value}"' for name, value in labels.items())
