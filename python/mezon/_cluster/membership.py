"""Which worker owns which partition: who lives is told in a bucket, and every worker works out the same answer from it.

The design is that of NATS' own partitioned consumer groups (pcgroups, which has no official Python version): partitions
are given to members by a rule that all of them know, and the server's pinned consumers see to it that two never read
one partition at a time, whatever they believe. The rule here is rendezvous hashing with a bound: a partition goes to
the member that draws the highest number for it and still has room. When a worker comes or goes, little more than its
own share moves, and nobody has more than a fair share; without the bound, the fullest of eight workers would have
nearly half as much again, and the others would wait for it.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from mezon._cluster.names import are_tokens
from mezon._gateway.codec import MESSAGES
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from nats.aio.client import Client
    from nats.aio.msg import Msg

    from mezon._cluster.names import Names
    from mezon._cluster.settings import Timing

logger = get_logger("mezon.cluster")


def owners_of(partitions: int, members: Iterable[str]) -> Mapping[int, str]:
    """Give each partition to a member, none more than its share; empty without members. Every process says the same."""
    return _owners_of(partitions, tuple(sorted(set(members))))


@lru_cache(maxsize=4)
def _owners_of(partitions: int, members: tuple[str, ...]) -> Mapping[int, str]:
    if not members:
        return {}

    def weight(member: str, partition: int) -> bytes:
        return blake2b(f"{member}/{partition}".encode(), digest_size=8).digest()

    room = dict.fromkeys(members, -(-partitions // len(members)))
    pairs = [(weight(member, part), member, part) for member in members for part in range(partitions)]
    owners: dict[int, str] = {}
    for _, member, part in sorted(pairs, reverse=True):
        if part not in owners and room[member]:
            owners[part] = member
            room[member] -= 1
    return owners


@dataclass(slots=True)
class Member:
    """What a worker says of itself.

    Attributes:
        name: Its name, new at each start.
        interests: The events its handlers listen to.
        filters: Of some of these events, what its handlers want: filters as JSON. Of the others it wants all.
        leaving: It takes nothing more and is about to go.
        seen: When its last sign of life came, by this process' clock.
    """

    name: str
    interests: frozenset[str] = frozenset()
    leaving: bool = False
    filters: Mapping[str, str] = field(default_factory=dict)
    seen: float = field(default_factory=time.monotonic)

    def encode(self) -> bytes:
        """As it stands in the bucket."""
        said = {"interests": sorted(self.interests), "filters": dict(self.filters), "leaving": self.leaving}
        return json.dumps(said).encode()

    @classmethod
    def decode(cls, name: str, data: bytes) -> Member:
        """Read what a worker said. Events that this version does not know are left out.

        Raises:
            ValueError: If it is not what a worker says.
        """
        try:
            values = json.loads(data)
        except RecursionError:
            raise ValueError("it is nested too deep") from None
        interests = values.get("interests") if isinstance(values, dict) else None
        if not isinstance(interests, list):
            raise ValueError("it names no interests")
        known = frozenset(one for one in interests if isinstance(one, str) and one in MESSAGES)
        filters = values.get("filters", {})
        if not isinstance(filters, dict) or not all(isinstance(text, str) for text in filters.values()):
            raise ValueError("its filters are no texts by event")
        return cls(
            name,
            known,
            bool(values.get("leaving")),
            {event: text for event, text in filters.items() if event in known},
        )


class Members:
    """The living workers of a bot, as one process sees them. Relay and workers have one each.

    Signs of life are messages in the bucket; their age is taken by the clock of who reads them, so that clocks need
    not agree.
    """

    def __init__(self, client: Client, names: Names, timing: Timing, on_change: Callable[[], None]) -> None:
        self._client = client
        self._prefix = f"$KV.{names.members}."
        self._bucket = names.members
        self._timing = timing
        self._on_change = on_change
        self._known: dict[str, Member] = {}
        self._told: tuple[object, ...] = ()
        self._tasks: list[asyncio.Task[None]] = []
        self._subscription: Any = None

    @property
    def all(self) -> list[Member]:
        """Every living worker."""
        limit = time.monotonic() - self._timing.member_life
        return [member for member in self._known.values() if member.seen >= limit]

    @property
    def taking(self) -> list[str]:
        """The names of those that take partitions."""
        return sorted(member.name for member in self.all if not member.leaving)

    def interests(self) -> frozenset[str]:
        """Give the events that some living worker listens to."""
        return frozenset().union(*(member.interests for member in self.all))

    def filters(self) -> dict[str, frozenset[str]]:
        """Give the filters of the events of which no worker wants all."""
        found = {}
        for name in self.interests():
            texts = [member.filters.get(name) for member in self.all if name in member.interests]
            some = frozenset(text for text in texts if text is not None)
            if None not in texts:
                found[name] = some
        return found

    async def start(self) -> None:
        """Watch the bucket. Those that live are known after one ``beat``."""
        self._subscription = await self._client.subscribe(f"{self._prefix}>", cb=self._heard)
        self._tasks.append(asyncio.create_task(self._look(), name="mezon-members"))

    async def stop(self) -> None:
        """Watch no more."""
        for task in self._tasks:
            task.cancel()
        self._tasks.clear()
        if self._subscription is not None and not self._client.is_closed:
            try:
                await self._subscription.unsubscribe()
            except Exception as error:
                logger.debug("Leaving the bucket of workers: %s", error)
        self._subscription = None

    async def say(self, member: Member) -> None:
        """Give a sign of life. Others hear it by their watch, and those who come later find it in the bucket."""
        await self._client.publish(f"{self._prefix}{member.name}", member.encode())

    async def leave(self, member: Member) -> None:
        """Say that it is over."""
        await self._client.publish(
            f"{self._prefix}{member.name}", b"", headers={"KV-Operation": "PURGE", "Nats-Rollup": "sub"}
        )
        await self._client.flush(timeout=2)

    def meet(self, member: Member) -> None:
        """Know a worker that has said so itself, before its sign of life comes."""
        self._known[member.name] = member
        self._tell()

    async def _heard(self, message: Msg) -> None:
        name = message.subject.removeprefix(self._prefix)
        if not are_tokens(name):
            return
        if not message.data:
            # An answer of NATS itself, which a request may name any subject for, is empty too.
            if "KV-Operation" in (message.headers or {}):
                self._known.pop(name, None)
                self._tell()
            return
        try:
            self._known[name] = Member.decode(name, message.data)
        except ValueError as error:
            logger.warning("The bucket of workers holds something that is no worker: %s (%s)", name, error)
            return
        self._tell()

    async def _look(self) -> None:
        """Look for those that fell silent: they say nothing."""
        while True:
            await asyncio.sleep(self._timing.beat / 2)
            limit = time.monotonic() - self._timing.member_life
            for name in [name for name, member in self._known.items() if member.seen < limit]:
                logger.info("Worker %s gives no sign of life any more", name)
                del self._known[name]
            self._tell()

    def _tell(self) -> None:
        now = (tuple(self.taking), self.interests(), self.filters())
        if now != self._told:
            self._told = now
            self._on_change()


__all__ = ["Member", "Members", "owners_of"]
