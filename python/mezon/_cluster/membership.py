"""The living workers of a bot: each announces itself and its subscriptions with heartbeats in a bucket."""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from mezon._cluster.event_decoder import UNFILLED
from mezon._cluster.protocol import PROTOCOL, announced_protocol, are_tokens
from mezon._core import __version__
from mezon._gateway.codec import MESSAGES
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from nats.aio.client import Client
    from nats.aio.msg import Msg

    from mezon._cluster.protocol import Names
    from mezon._cluster.settings import Timing

logger = get_logger("mezon.cluster")

#: The maximum length of a version.
_MAX_VERSION: Final = 40

#: The figures of a worker's load.
LOAD: Final = ("partitions", "running", "queued", "blocked")

#: The events of a worker: those of Mezon, and the one of the relay.
_EVENTS: Final = MESSAGES.keys() | {UNFILLED}

#: Events that the relay handles itself.
_RELAY_EVENTS: Final = frozenset({"refresh_session_event"})


@dataclass(slots=True)
class Member:
    """A worker as it announces itself.

    Attributes:
        name: Its name, new at each start.
        interests: The events its handlers listen to.
        leaving: It takes no more partitions and is about to stop.
        filters: Filters as JSON, for events of which its handlers do not want all.
        protocol: The version of the protocol that it speaks.
        version: The version of its package.
        load: Figures for `mezon status`: partitions, running and queued events, and for how long it has been blocked.
        seen: When its last heartbeat arrived, by the clock of `Members`.
    """

    name: str
    interests: frozenset[str] = frozenset()
    leaving: bool = False
    filters: Mapping[str, str] = field(default_factory=dict)
    protocol: int = PROTOCOL
    version: str = ""
    load: Mapping[str, float] = field(default_factory=dict)
    seen: float = 0.0

    def encode(self) -> bytes:
        """Encode the announcement."""
        values = {
            "interests": sorted(self.interests),
            "filters": dict(self.filters),
            "leaving": self.leaving,
            "protocol": self.protocol,
            "version": self.version,
            "load": dict(self.load),
        }
        return json.dumps(values).encode()

    @classmethod
    def decode(cls, name: str, data: bytes) -> Member:
        """Decode an announcement. Events unknown to this version are left out.

        Raises:
            ValueError: The data is not an announcement.
        """
        try:
            values = json.loads(data)
        except RecursionError:
            raise ValueError("it is nested too deeply") from None
        interests = values.get("interests") if isinstance(values, dict) else None
        if not isinstance(interests, list):
            raise ValueError("it has no list of interests")
        known = frozenset(one for one in interests if isinstance(one, str) and one in _EVENTS)
        filters = values.get("filters", {})
        if not isinstance(filters, dict) or not all(isinstance(text, str) for text in filters.values()):
            raise ValueError("its filters do not map events to texts")
        return cls(
            name,
            known,
            bool(values.get("leaving")),
            {event: text for event, text in filters.items() if event in known},
            announced_protocol(values.get("protocol")),
            str(values.get("version", ""))[:_MAX_VERSION],
            _figures(values.get("load")),
        )


def _figures(values: Any) -> dict[str, float]:
    """Return the known figures of a worker's load."""
    if not isinstance(values, dict):
        return {}
    numbers = {name: values.get(name) for name in LOAD}
    return {
        name: number
        for name, number in numbers.items()
        if isinstance(number, int | float) and not isinstance(number, bool) and math.isfinite(number)
    }


class Subscriptions:
    """The events and filters of this worker's handlers. Another thread may read the announcement.

    Args:
        worker: The worker's name.

    Attributes:
        leaving: The worker takes no more partitions.
        load: The last figures of the worker's load.
    """

    def __init__(self, worker: str) -> None:
        self._worker = worker
        self.leaving = False
        self.load: Mapping[str, float] = {}
        #: Replaced at each change and never changed in place, because the liveness thread reads them.
        self._names: frozenset[str] = frozenset()
        self._filters: dict[str, str] = {}
        #: Events that are not filtered any more.
        self._unfiltered: set[str] = set()

    def set_wanted(self, name: str, wanted: bool) -> bool:
        """Subscribe to an event or unsubscribe from it. Return whether the relay must publish more than before."""
        if name not in _EVENTS or name in _RELAY_EVENTS or (name in self._names) == wanted:
            return False
        self._names = self._names | {name} if wanted else self._names - {name}
        return wanted

    def set_filter(self, name: str, spec: Mapping[str, Any] | None, running: bool) -> bool:
        """Set the filter of an event. Return whether the relay must publish more than before.

        An event whose filter is removed while the worker runs stays unfiltered: a handler waits for an answer, and the
        next wait must not miss one before the relay has the new filter.
        """
        if spec is None:
            if running:
                self._unfiltered.add(name)
            found = name in self._filters
            self._filters = {one: text for one, text in self._filters.items() if one != name}
            return found
        if name not in self._unfiltered:
            self._filters = {**self._filters, name: json.dumps(spec)}
        return False

    def announcement(self) -> Member:
        """Return the worker's current announcement."""
        return Member(
            self._worker, self._names, self.leaving, self._filters, PROTOCOL, __version__, self.load
        )


class Members:
    """The living workers of a bot as one process sees them. The relay and each worker have one.

    Clocks need not agree, because the age of a heartbeat is measured by the process that receives it. It does not
    include the time in which no heartbeat could arrive, because NATS was away or this process did not run: then every
    worker would seem dead. A worker knows that from its own heartbeats, which it receives as well, and the relay from
    its connection.

    All methods but the properties, `interests`, `filters` and `register` run in one loop, which may be that of another
    thread.

    Args:
        client: The connection to NATS.
        names: The bot's names.
        timing: The interval and the time to live of heartbeats.
        on_change: Called when the members or their subscriptions have changed.
        own: The name of this worker; empty if this process is none.
    """

    def __init__(
        self,
        client: Client,
        names: Names,
        timing: Timing,
        on_change: Callable[[], None],
        own: str = "",
    ) -> None:
        self._client = client
        self._prefix = f"$KV.{names.members}."
        self._timing = timing
        self._on_change = on_change
        self._own = own
        #: Seconds in which heartbeats could arrive, and the time of their last count.
        self._clock = 0.0
        self._counted_at = time.monotonic()
        self._known: dict[str, Member] = {}
        self._published: tuple[object, ...] = ()
        self._task: asyncio.Task[None] | None = None
        self._subscription: Any = None

    @property
    def all(self) -> list[Member]:
        """Every living worker."""
        limit = self._clock - self._timing.member_ttl
        return [member for member in list(self._known.values()) if member.seen >= limit]

    @property
    def accepting(self) -> list[str]:
        """The names of the workers that take partitions."""
        return sorted(member.name for member in self.all if not member.leaving)

    def interests(self) -> frozenset[str]:
        """Return the events that some living worker listens to."""
        return frozenset().union(*(member.interests for member in self.all))

    def filters(self) -> dict[str, frozenset[str]]:
        """Return the filters of the events of which no worker wants all."""
        found = {}
        for name in self.interests():
            texts = [member.filters.get(name) for member in self.all if name in member.interests]
            some = frozenset(text for text in texts if text is not None)
            if None not in texts:
                found[name] = some
        return found

    async def start(self) -> None:
        """Watch the bucket. The living workers are known after one ``heartbeat``."""
        self._subscription = await self._client.subscribe(f"{self._prefix}>", cb=self._receive)
        self._task = asyncio.create_task(self._expire(), name="mezon-members")

    async def stop(self) -> None:
        """Stop watching."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        if self._subscription is not None and not self._client.is_closed:
            try:
                await self._subscription.unsubscribe()
            except Exception as error:
                logger.debug("Unsubscribing from the bucket of workers failed: %s", error)
        self._subscription = None

    async def announce(self, member: Member) -> None:
        """Send a heartbeat. Watchers receive it, and a process that starts later finds it in the bucket."""
        await self._client.publish(f"{self._prefix}{member.name}", member.encode())

    async def remove(self, member: Member) -> None:
        """Remove a worker from the bucket."""
        await self._client.publish(
            f"{self._prefix}{member.name}", b"", headers={"KV-Operation": "PURGE", "Nats-Rollup": "sub"}
        )
        await self._client.flush(timeout=2)

    def register(self, member: Member) -> None:
        """Add a worker that has announced itself by a call, before its heartbeat arrives."""
        self._add(member)
        self._notify()

    def _add(self, member: Member) -> None:
        member.seen = self._clock
        self._known[member.name] = member

    def _advance_clock(self) -> None:
        """Count the time since the last call, but not a pause of the heartbeats."""
        now = time.monotonic()
        self._clock += min(now - self._counted_at, 2 * self._timing.heartbeat)
        self._counted_at = now

    async def _receive(self, message: Msg) -> None:
        name = message.subject.removeprefix(self._prefix)
        if not are_tokens(name):
            return
        if not message.data:
            # An answer of NATS itself, for which a request may name any reply subject, is empty too.
            if "KV-Operation" in (message.headers or {}):
                self._known.pop(name, None)
                self._notify()
            return
        if name == self._own:
            self._advance_clock()
        try:
            self._add(Member.decode(name, message.data))
        except ValueError as error:
            logger.warning("The bucket of workers contains an invalid announcement of %s: %s", name, error)
            return
        self._notify()

    async def _expire(self) -> None:
        """Remove workers without a heartbeat."""
        while True:
            await asyncio.sleep(self._timing.heartbeat / 2)
            if not self._own:
                if self._client.is_connected:
                    self._advance_clock()
                else:
                    self._counted_at = time.monotonic()
            limit = self._clock - self._timing.member_ttl
            for name in [name for name, member in list(self._known.items()) if member.seen < limit]:
                logger.info("Worker %s sends no heartbeats any more", name)
                self._known.pop(name, None)
            self._notify()

    def _notify(self) -> None:
        current = (tuple(self.accepting), self.interests(), self.filters())
        if current != self._published:
            self._published = current
            self._on_change()
