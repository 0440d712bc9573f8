"""The state of a bot's relays, workers and streams, for an operator."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from mezon._cluster.broker import jetstream_api
from mezon._cluster.membership import Members
from mezon._cluster.protocol import is_token
from mezon._cluster.settings import Timing

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg

    from mezon._cluster.protocol import Names

#: Seconds in which every relay and every worker announces itself at least once.
_LISTEN_TIME: Final = 2.5

#: Concurrent requests for the state of a partition.
_CONCURRENCY: Final = 16


@dataclass(frozen=True, slots=True)
class ClusterStatus:
    """The state of a bot on many machines.

    Attributes:
        relay: The relay in charge as it announces itself: epoch, state, trouble, reconnects; None without one.
        standby: The number of relays that stand by.
        workers: The living workers, with whether each is leaving.
        backlog: By partition, the events that no worker has acknowledged; partitions without any are left out.
        dead: The number of dead events.
        stream_bytes: The size of the event stream.
        stream_max_bytes: The bound of the event stream; -1 without one.
    """

    relay: dict[str, Any] | None
    standby: int
    workers: dict[str, bool]
    backlog: dict[int, int] = field(default_factory=dict)
    dead: int = 0
    stream_bytes: int = 0
    stream_max_bytes: int = -1

    @property
    def problems(self) -> list[str]:
        """What prevents events from being handled."""
        found = []
        if self.relay is None:
            found.append("no relay is in charge")
        elif self.relay["state"] != "ready":
            found.append(f"the relay is not connected to Mezon ({self.relay['state']})")
        if self.relay is not None and self.relay["trouble"]:
            found.append(f"the relay cannot publish events: {self.relay['trouble']}")
        if all(self.workers.values()):
            found.append("no worker takes events")
        return found


async def read_status(client: Client, names: Names) -> ClusterStatus:
    """Listen to the announcements of relays and workers, and read the state of the streams.

    Raises:
        MezonError: NATS does not answer or refuses.
    """
    leading: dict[str, Any] = {}
    standby: set[str] = set()

    async def receive(message: Msg) -> None:
        try:
            values = json.loads(message.data)
            holder = values.get("standby")
            if isinstance(holder, str) and is_token(holder):
                standby.add(holder)
            elif int(values["epoch"]) >= leading.get("epoch", 0):
                trouble = values.get("trouble")
                leading.update(
                    epoch=int(values["epoch"]),
                    state=str(values.get("state", "")),
                    trouble=None if trouble is None else str(trouble),
                    reconnects=int(values.get("reconnects", 0)),
                )
        except (ValueError, KeyError, TypeError, AttributeError):
            return

    members = Members(client, names, Timing(member_ttl=_LISTEN_TIME), lambda: None)
    subscription = await client.subscribe(names.state, cb=receive)
    await members.start()
    try:
        await asyncio.sleep(_LISTEN_TIME)
        workers = {member.name: member.leaving for member in members.all}
    finally:
        await members.stop()
        await subscription.unsubscribe()
    stream = await jetstream_api(client, f"STREAM.INFO.{names.events}", missing_ok=True)
    dead = await jetstream_api(client, f"STREAM.INFO.{names.dead}", missing_ok=True)
    if stream is None:
        return ClusterStatus(leading or None, len(standby), workers)
    partitions = int(stream["config"].get("metadata", {}).get("mezon-partitions", 0))
    return ClusterStatus(
        leading or None,
        len(standby),
        workers,
        await _read_backlog(client, names, partitions),
        0 if dead is None else int(dead["state"]["messages"]),
        int(stream["state"]["bytes"]),
        int(stream["config"].get("max_bytes", -1)),
    )


async def _read_backlog(client: Client, names: Names, partitions: int) -> dict[int, int]:
    limit = asyncio.Semaphore(_CONCURRENCY)

    async def read(partition: int) -> int:
        async with limit:
            subject = f"CONSUMER.INFO.{names.events}.{names.consumer(partition)}"
            info = await jetstream_api(client, subject, missing_ok=True) or {}
            return int(info.get("num_pending", 0)) + int(info.get("num_ack_pending", 0))

    counts = await asyncio.gather(*(read(partition) for partition in range(partitions)))
    return {partition: count for partition, count in enumerate(counts) if count}
