"""The metrics of relays and workers: the work that is left in the stream, and the text format of Prometheus."""

from __future__ import annotations

import asyncio
import datetime
import logging
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from mezon._cluster.broker import jetstream_api
from mezon._cluster.protocol import DEFAULT_PARTITIONS
from mezon.errors import MezonError
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from nats.aio.client import Client

    from mezon._cluster.protocol import Names

_Result = TypeVar("_Result")

logger = get_logger("mezon.cluster")

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

#: Concurrent requests for the state of a partition.
_CONCURRENCY: Final = 16

#: Seconds until the consumers are asked again after they could not be asked.
_REFUSED_INTERVAL: Final = 60.0

#: Matches the fraction of a second in a time of NATS, which may have nine digits.
_FRACTION: Final = re.compile(r"\.(\d{1,6})\d*")


@dataclass(frozen=True, slots=True)
class Streams:
    """The state of the streams of events and of dead events.

    Attributes:
        events: Events in the stream, some of which may be acknowledged: see `read_backlog`.
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


@dataclass(frozen=True, slots=True)
class PartitionBacklog:
    """The work that is left in a partition.

    Attributes:
        events: Events that no worker has acknowledged.
        floor: The sequence number up to which every event is acknowledged.
        at: When these were counted, as NATS writes times.
    """

    events: int
    floor: int
    at: str


async def read_streams(client: Client, names: Names) -> Streams | None:
    """Read the state of the streams; None if there are none.

    Raises:
        MezonError: NATS does not answer or refuses.
    """
    stream = await jetstream_api(client, f"STREAM.INFO.{names.events}", missing_ok=True)
    if stream is None:
        return None
    dead = await jetstream_api(client, f"STREAM.INFO.{names.dead}", missing_ok=True)
    state, config = stream["state"], stream["config"]
    events = int(state["messages"])
    return Streams(
        events,
        age(stream.get("ts"), state.get("first_ts")) if events else 0.0,
        int(state["bytes"]),
        int(config.get("max_bytes", -1)),
        int(config.get("metadata", {}).get("mezon-partitions", DEFAULT_PARTITIONS)),
        0 if dead is None else int(dead["state"]["messages"]),
    )


async def read_backlog(client: Client, names: Names, streams: Streams) -> dict[int, PartitionBacklog]:
    """Ask the consumers for the work that is left, by partition; partitions without any are left out.

    The number of events in the stream may be larger: a server that was killed can leave acknowledged ones there.

    Raises:
        MezonError: NATS does not answer or refuses, or the user has no permission for it.
    """

    async def read(partition: int) -> PartitionBacklog | None:
        subject = f"CONSUMER.INFO.{names.events}.{names.consumer(partition)}"
        info = await jetstream_api(client, subject, missing_ok=True) or {}
        events = int(info.get("num_pending", 0)) + int(info.get("num_ack_pending", 0))
        if not events:
            return None
        return PartitionBacklog(events, int(info["ack_floor"]["stream_seq"]), str(info.get("ts")))

    return await _read_each(read, range(streams.partitions) if streams.events else ())


async def read_ages(
    client: Client, names: Names, backlog: Mapping[int, PartitionBacklog]
) -> dict[int, float]:
    """Read the age of the oldest unacknowledged event of each partition, by the clock of NATS.

    Raises:
        MezonError: NATS does not answer or refuses, or the user has no permission for it.
    """

    async def read(partition: int) -> float | None:
        left = backlog[partition]
        # Events of the partition up to the floor are acknowledged, even if they are still in the stream.
        request = {"seq": left.floor + 1, "next_by_subj": names.partition_subjects(partition)}
        found = await jetstream_api(client, f"STREAM.MSG.GET.{names.events}", request, missing_ok=True)
        return None if found is None else age(left.at, found["message"].get("time"))

    return await _read_each(read, backlog)


async def _read_each(
    read: Callable[[int], Awaitable[_Result | None]], partitions: Iterable[int]
) -> dict[int, _Result]:
    """Call a function for each partition, and return the results that are not None."""
    asked = list(partitions)
    # The first one alone: without the permission, each takes the time limit of a request.
    batches = [asked[:1], *(asked[at : at + _CONCURRENCY] for at in range(1, len(asked), _CONCURRENCY))]
    found: dict[int, _Result] = {}
    for batch in batches:
        results = await asyncio.gather(*(read(partition) for partition in batch))
        found |= {part: result for part, result in zip(batch, results, strict=True) if result is not None}
    return found


class LagMeter:
    """Measures the work that is left for the metrics of a relay.

    If the relay has no permission to ask the consumers (the configuration of NATS is that of an earlier version), every
    event in the stream counts: an autoscaler would take a missing lag for none.

    Args:
        client: The connection to NATS.
        names: The bot's names.
    """

    def __init__(self, client: Client, names: Names) -> None:
        self._client = client
        self._names = names
        self._ask_at = 0.0
        self._warned = False

    async def measure(self) -> dict[str, float]:
        """Return the figures of the streams; none if there are no streams.

        Raises:
            MezonError: NATS does not answer or refuses.
        """
        streams = await read_streams(self._client, self._names)
        if streams is None:
            return {}
        events, seconds = await self._measure_lag(streams)
        return {
            "lag_events": events,
            "lag_seconds": seconds,
            "stream_bytes": streams.bytes,
            "stream_max_bytes": streams.max_bytes,
            "dead_events": streams.dead,
        }

    async def _measure_lag(self, streams: Streams) -> tuple[int, float]:
        if time.monotonic() >= self._ask_at:
            try:
                backlog = await read_backlog(self._client, self._names, streams)
                ages = await read_ages(self._client, self._names, backlog)
            except MezonError as error:
                self._ask_at = time.monotonic() + _REFUSED_INTERVAL
                logger.log(
                    logging.DEBUG if self._warned else logging.WARNING,
                    "The consumers of %s cannot be asked: %s. lag_events and lag_seconds include acknowledged events "
                    "that are left in the stream; check the relay's permissions in NATS",
                    self._names.events,
                    error,
                )
                self._warned = True
            else:
                return sum(left.events for left in backlog.values()), max(ages.values(), default=0.0)
        return streams.events, streams.seconds


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
