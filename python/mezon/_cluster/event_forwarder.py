"""The relay's end of the connection: events go into the stream as they came, calls of workers go out as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mezon._cluster.interest_filter import Sieve
from mezon._cluster.names import partition_of
from mezon._cluster.publisher import Outgoing
from mezon._events.gap_filling import REFERRING_CODES
from mezon._gateway.codec import MESSAGES, dict_plan, event_plan
from mezon._gateway.protobuf_events import protobuf_event
from mezon.errors import InvalidArgumentError, MezonError
from mezon.models.message import ChannelMessage
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Callable, Mapping, Sequence

    from mezon._cluster.names import Names
    from mezon._cluster.publisher import Publisher
    from mezon._events.gap_filling import GapFiller
    from mezon._gateway.connection import CoreConnection
    from mezon.ports import ConnectionListener

logger = get_logger("mezon.cluster")

_MESSAGE: Final = "channel_message"

#: What the relay's own client has to hear: its session.
_OWN: Final = "refresh_session_event"

#: Subjects that are remembered: working one out takes a hash.
_SUBJECTS: Final = 50_000

#: Fields by which an event finds its partition, in this order.
_PLACES: Final = ("channel_id", "clan_id", "user_id", "sender_id", "receiver_id")


class Tap:
    """Listens to the core in place of the client, and gives the client what is its own.

    Args:
        names: The bot's names.
        partitions: How many.
        publisher: Where events go.
        epoch: The relay's epoch, for events that have no id of their own.
    """

    def __init__(self, names: Names, partitions: int, publisher: Publisher, epoch: int) -> None:
        self._names = names
        self._partitions = partitions
        self._publisher = publisher
        self._epoch = epoch
        self._number = 0
        self.client: ConnectionListener | None = None
        self.gaps: GapFiller | None = None
        self.generation = 0
        self.sieve = Sieve()
        self._subjects: dict[tuple[str, int], str] = {}
        plan = event_plan(_MESSAGE)
        assert plan is not None
        self._plan = plan

    # ---- a listener of the core

    def capacity(self) -> int:
        """As many events as the publisher takes: without NATS the socket is read no further."""
        return self._publisher.room

    def on_event(self, name: str, event: Any, /) -> None:
        """Publish an event as it came."""
        body: bytes = event
        if name == _MESSAGE:
            message = self.decode(body)
            if self.gaps is not None:
                self.gaps.on_event(name, message)
            else:
                self.publish_message(message)
        elif name == _OWN:
            if self.client is not None:
                self.client.on_event(name, protobuf_event(name, body))
        elif self.sieve.passes(name, body):
            self._number += 1
            place = self._place(name, body)
            self._put(name, place, body, f"e{self._epoch}.{self._number}")

    def on_state(self, state: str, generation: int, reason: str, /) -> None:
        """Tell the gaps and the client."""
        self.generation = generation
        if self.gaps is not None:
            self.gaps.state_changed(state)
        if self.client is not None:
            self.client.on_state(state, generation, reason)

    async def new_urls(self, attempt: int, /) -> Sequence[str]:
        """Ask the client: it has the key."""
        if self.client is None:
            raise MezonError("the relay is not logged in")
        return await self.client.new_urls(attempt)

    def on_reconnected(self, lost_at: float, back_at: float, /) -> None:
        """Fill the gap before what comes now goes on."""
        if self.gaps is not None:
            self.gaps.fill()
        if self.client is not None:
            self.client.on_reconnected(lost_at, back_at)

    # ---- into the stream

    def decode(self, body: bytes) -> ChannelMessage:
        """Decode a message that knows the bytes it came as."""
        message: ChannelMessage = self._plan.decode(body)
        message.__dict__["relayed"] = body
        return message

    def publish_message(self, message: ChannelMessage) -> None:
        """Bring a message that `decode` gave into the stream, if somebody wants it."""
        values = message.__dict__
        if not self.sieve.passes(_MESSAGE, values["relayed"], values):
            return
        number = values["message_id"]
        if number and values["code"] not in REFERRING_CODES:
            event_id = f"m{number}"
        else:
            # An edit or a removal speaks of a message that was there: it is an event of its own.
            self._number += 1
            event_id = f"e{self._epoch}.{self._number}"
        self._put(_MESSAGE, values["channel_id"] or values["clan_id"] or 0, values["relayed"], event_id)

    def again(self, partition: int, name: str, body: bytes, event_id: str) -> None:
        """Bring an event into the stream once more, as a new one.

        Raises:
            InvalidArgumentError: If there is no such partition.
        """
        if not 0 <= partition < self._partitions:
            raise InvalidArgumentError(
                f"there is no partition {partition}: the stream has {self._partitions}"
            )
        self._number += 1
        again_id = f"e{self._epoch}.{self._number}/{event_id}"
        self._publisher.put(Outgoing(self._names.event(partition, name), body, again_id))

    def _place(self, name: str, body: bytes) -> int:
        """Give the id that decides the partition."""
        plan = dict_plan(MESSAGES[name])
        try:
            values: dict[str, Any] = plan.decode(body)
        except ValueError:
            return 0
        for field in _PLACES:
            number = values.get(field)
            if isinstance(number, int) and number:
                return number
        for inner in values.values():
            if isinstance(inner, dict) and isinstance(inner.get("channel_id"), int) and inner["channel_id"]:
                return int(inner["channel_id"])
        return 0

    def _put(self, name: str, place: int, body: bytes, event_id: str) -> None:
        subject = self._subjects.get((name, place))
        if subject is None:
            if len(self._subjects) >= _SUBJECTS:
                self._subjects.clear()
            subject = self._names.event(partition_of(place, self._partitions), name)
            self._subjects[name, place] = subject
        self._publisher.put(Outgoing(subject, body, event_id))


class GapTarget:
    """Where gap filling brings what it lets go: into the stream, as far as there is room."""

    def __init__(self, tap: Tap, publisher: Publisher) -> None:
        self._tap = tap
        self._publisher = publisher

    @property
    def full(self) -> bool:
        """Can nothing more be taken?"""
        return self._publisher.room <= 0

    async def wait_room(self) -> None:
        """Wait until something can."""
        await self._publisher.wait_room()

    def on_event(self, name: str, event: Any, /) -> None:
        """Publish a message, in its order."""
        self._tap.publish_message(event)


class RelayConnection:
    """The core's connection with the tap between it and the client; see :class:`mezon.ports.Connection`.

    The client logs in, joins and reconnects over it as ever. What it wants to hear is not what workers want: the relay
    says the latter.

    Args:
        core: A connection that gives events and answers as bytes.
        tap: Who listens.
        lease: For how many seconds more this relay is certainly in charge.
    """

    around = None

    def __init__(self, core: CoreConnection, tap: Tap, lease: Callable[[], float]) -> None:
        self._core = core
        self._tap = tap
        self._lease = lease
        core.listener = tap
        core.want(_OWN)
        self._interests: frozenset[str] = frozenset()

    @property
    def listener(self) -> ConnectionListener | None:
        """The client's listener."""
        return self._tap.client

    @listener.setter
    def listener(self, value: ConnectionListener | None) -> None:
        self._tap.client = value

    @property
    def state(self) -> str:
        """As the core says."""
        return self._core.state

    @property
    def generation(self) -> int:
        """The number of the connection: joins hold for one."""
        return self._tap.generation

    @property
    def latency(self) -> float | None:
        """As the core says."""
        return self._core.latency

    def stats(self) -> Mapping[str, Any]:
        """As the core says."""
        return self._core.stats()

    def interest(self, names: frozenset[str]) -> None:
        """Relay these events from now on."""
        for name in names - self._interests:
            self._core.want(name, True)
        for name in self._interests - names - {_OWN}:
            self._core.want(name, False)
        self._interests = names

    def want(self, name: str, wanted: bool = True) -> None:
        """Do nothing: what the relay's client does with events, the workers' clients do."""

    async def open(self, urls: Sequence[str], auto_reconnect: bool) -> None:
        """As the core does."""
        await self._core.open(urls, auto_reconnect)
        self.renew_lease(self._lease())

    def renew_lease(self, left: float) -> None:
        """Let calls go out for so many seconds from now on, and no longer until this is said again.

        A relay that was stopped in the middle finds calls in the core when it goes on, which the next relay has made
        meanwhile.
        """
        self._core.renew_lease(left)

    async def close(self) -> None:
        """As the core does."""
        await self._core.close()

    def reconnect(self) -> bool:
        """As the core does."""
        return self._core.reconnect()

    def hold(self) -> None:
        """Do nothing: workers take events."""

    def resume(self) -> None:
        """Ask for room again."""
        self._core.resume()

    async def call(self, name: str, value: Mapping[str, Any] | bytes, timeout: float) -> tuple[str, Any]:
        """Make a call of the relay's own client."""
        field, body = await self._core.call(name, value, timeout)
        plan = event_plan(field) if field in MESSAGES and isinstance(body, bytes) else None
        return field, body if plan is None else plan.decode(body)

    async def call_encoded(self, name: str, value: bytes, timeout: float) -> tuple[str, bytes]:
        """Make a call of a worker: bytes in, bytes out."""
        field, body = await self._core.call(name, value, timeout)
        return field, body

    async def call_raw(self, name: str, value: Mapping[str, Any] | bytes, timeout: float) -> bytes:
        """As the core does."""
        return await self._core.call_raw(name, value, timeout)

    def post(self, name: str, value: Mapping[str, Any] | bytes, timeout: float) -> None:
        """As the core does."""
        self._core.post(name, value, timeout)

    def in_flight(self) -> Mapping[int, Future[Any]]:
        """As the core says."""
        return self._core.in_flight()

    def take_recent(self, channel_id: int) -> Sequence[ChannelMessage]:
        """Give nothing: workers remember what they saw."""
        return []
