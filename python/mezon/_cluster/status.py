"""The state of a bot's relays, workers and streams, for an operator."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from mezon._cluster.membership import LOAD, Member, Members
from mezon._cluster.metrics import read_ages, read_backlog, read_streams
from mezon._cluster.protocol import announced_protocol, is_token
from mezon._cluster.settings import Timing
from mezon.errors import MezonError

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg

    from mezon._cluster.protocol import Names

#: Seconds in which every relay and every worker announces itself at least once.
_LISTEN_TIME: Final = 2.5


@dataclass(frozen=True, slots=True)
class ClusterStatus:
    """The state of a bot on many machines.

    Attributes:
        relay: The relay in charge as it announces itself: epoch, state, trouble, reconnects; None without one.
        standby: The number of relays that stand by.
        workers: The living workers: leaving, version, protocol, partitions, running, queued, and for how many seconds
            a worker has been blocked.
        backlog: By partition, the events that no worker has acknowledged; partitions without any are left out.
        age: By partition, the age of the oldest of these events in seconds; empty without the permission to read it.
        dead: The number of dead events.
        stream_bytes: The size of the event stream.
        stream_max_bytes: The bound of the event stream; -1 without one.
    """

    relay: dict[str, Any] | None
    standby: int
    workers: dict[str, dict[str, Any]]
    backlog: dict[int, int] = field(default_factory=dict)
    age: dict[int, float] = field(default_factory=dict)
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
        if all(worker["leaving"] for worker in self.workers.values()):
            found.append("no worker takes events")
        found += [
            f"the worker {name} has been blocked for {worker['blocked']:g} s"
            for name, worker in sorted(self.workers.items())
            if worker["blocked"]
        ]
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
                    protocol=announced_protocol(values.get("protocol")),
                    version=str(values.get("version", "")),
                    http_waiting=int(values.get("http_waiting", 0)),
                    http_rate=str(values.get("http_rate", "")),
                )
        except (ValueError, KeyError, TypeError, AttributeError):
            return

    members = Members(client, names, Timing(member_ttl=_LISTEN_TIME), lambda: None)
    subscription = await client.subscribe(names.state, cb=receive)
    await members.start()
    try:
        await asyncio.sleep(_LISTEN_TIME)
        workers = {member.name: _about(member) for member in members.all}
    finally:
        await members.stop()
        await subscription.unsubscribe()
    streams = await read_streams(client, names)
    if streams is None:
        return ClusterStatus(leading or None, len(standby), workers)
    backlog = await read_backlog(client, names, streams)
    ages: dict[int, float] = {}
    # The permissions of an earlier version do not include them.
    with contextlib.suppress(MezonError):
        ages = await read_ages(client, names, backlog)
    return ClusterStatus(
        leading or None,
        len(standby),
        workers,
        {partition: left.events for partition, left in backlog.items()},
        ages,
        streams.dead,
        streams.bytes,
        streams.max_bytes,
    )


def _about(member: Member) -> dict[str, Any]:
    about = {"leaving": member.leaving, "version": member.version, "protocol": member.protocol}
    return {**about, **{name: member.load.get(name, 0) for name in LOAD}}
