"""The relay's side of the connection to Mezon: publishes events unchanged, and makes the calls of workers."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from mezon._cluster.directory import DIRECT_EVENTS, DIRECTORY_EVENTS, Listing
from mezon._cluster.event_decoder import UNFILLED
from mezon._cluster.interest_filter import InterestFilter
from mezon._cluster.protocol import partition_of
from mezon._cluster.publisher import OutgoingEvent
from mezon._events.gap_filling import REFERRING_CODES
from mezon._gateway.codec import MESSAGES, dict_plan, event_plan, protobuf_event
from mezon.errors import InvalidArgumentError, MezonError
from mezon.models.message import ChannelMessage
from mezon.options import UnfilledGap
from mezon.ports import HttpAnswer

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Callable, Mapping, Sequence

    from mezon._cluster.directory import Directory
    from mezon._cluster.protocol import Names
    from mezon._cluster.publisher import Publisher
    from mezon._events.gap_filling import GapFiller
    from mezon._gateway.connection import CoreConnection
    from mezon.ports import ConnectionListener

_MESSAGE: Final = "channel_message"

#: The headers of an answer over the socket.
_PROTOBUF: Final = {"Content-Type": "application/x-protobuf"}

#: The event of the relay's own client: its renewed session.
_SESSION_EVENT: Final = "refresh_session_event"

#: Subjects to cache, because computing one takes a hash.
_MAX_SUBJECTS: Final = 50_000

#: The fields that determine an event's partition, in order of precedence.
_PARTITION_FIELDS: Final = ("channel_id", "clan_id", "user_id", "sender_id", "receiver_id")


class EventForwarder:
    """Listens to the core in place of the client. Publishes events, and passes the client its own.

    Args:
        names: The bot's names.
        partitions: The number of partitions.
        publisher: Publishes the events.
        epoch: The relay's epoch, for the ids of events that have none.
        directory: What the relay knows of clans, channels and users.
        copy: Publishes a copy of an event for workers that wait for it: subject, body.

    Attributes:
        client: The client's listener.
        gaps: Fills the gap after a reconnect, and passes messages on in order.
        generation: The number of the current connection.
        interests: The events that workers listen to.
        filter: The combined filters of all workers.
    """

    def __init__(
        self,
        names: Names,
        partitions: int,
        publisher: Publisher,
        epoch: int,
        directory: Directory,
        copy: Callable[[str, bytes], object],
    ) -> None:
        self._names = names
        self._partitions = partitions
        self._publisher = publisher
        self._epoch = epoch
        self._number = 0
        self.client: ConnectionListener | None = None
        self.gaps: GapFiller | None = None
        self.directory = directory
        self._copy = copy
        self.generation = 0
        self.interests: frozenset[str] = frozenset()
        self.filter = InterestFilter()
        self._subjects: dict[tuple[str, int], str] = {}
        plan = event_plan(_MESSAGE)
        assert plan is not None
        self._plan = plan

    # ---- mezon.ports.ConnectionListener

    def capacity(self) -> int:
        """Return the publisher's room: the core reads no more from the socket while there is none."""
        return self._publisher.room

    def on_event(self, name: str, event: Any, /) -> None:
        """Publish an event."""
        body: bytes = event
        if name == _MESSAGE:
            message = self.decode(body)
            if self.gaps is not None:
                self.gaps.on_event(name, message)
            else:
                self.publish_message(message)
            return
        if name == _SESSION_EVENT:
            if self.client is not None:
                self.client.on_event(name, protobuf_event(name, body))
            return
        if name in DIRECTORY_EVENTS:
            self.directory.on_event(name, body)
        if name in self.interests and self.filter.passes(name, body):
            key, clan = self._partition_key(name, body)
            if name in DIRECT_EVENTS and not clan:
                self._copy_direct(name, key, body)
            self._put(name, key, body, self._next_id())

    def on_state(self, state: str, generation: int, reason: str, /) -> None:
        """Notify the gap filler and the client."""
        self.generation = generation
        if state == "backoff":
            self.directory.forget_listings()
        if self.gaps is not None:
            self.gaps.state_changed(state)
        if self.client is not None:
            self.client.on_state(state, generation, reason)

    async def new_urls(self, attempt: int, /) -> Sequence[str]:
        """Return the client's URLs, which contain its token."""
        if self.client is None:
            raise MezonError("the relay is not logged in")
        return await self.client.new_urls(attempt)

    def on_reconnected(self, lost_at: float, back_at: float, /) -> None:
        """Fill the gap before new messages are published."""
        self.directory.forget_listings()
        if self.gaps is not None:
            self.gaps.fill()
        if self.client is not None:
            self.client.on_reconnected(lost_at, back_at)

    # ---- publishing

    def decode(self, body: bytes) -> ChannelMessage:
        """Decode a message and attach its encoded form."""
        message: ChannelMessage = self._plan.decode(body)
        message.__dict__["relayed"] = body
        return message

    def decode_missed(self, body: bytes) -> ChannelMessage:
        """Decode a message of the history. It may have been published before."""
        message = self.decode(body)
        message.__dict__["missed"] = True
        return message

    def publish_message(self, message: ChannelMessage) -> None:
        """Publish a message returned by `decode`, if a worker wants it."""
        values = message.__dict__
        self.directory.on_message(values["relayed"], values)
        if not self.filter.passes(_MESSAGE, values["relayed"], values):
            return
        number, missed = values["message_id"], "missed" in values
        # An edit or a removal has the id of the message it is about, and is an event of its own.
        event_id = f"m{number}" if number and values["code"] not in REFERRING_CODES else self._next_id()
        if missed and event_id in self._publisher.published:
            return
        key = values["channel_id"] or values["clan_id"] or 0
        if not values["clan_id"]:
            self._copy_direct(_MESSAGE, key, values["relayed"])
        self._put(_MESSAGE, key, values["relayed"], event_id, missed)

    def _copy_direct(self, name: str, key: int, body: bytes) -> None:
        self._copy(self._names.direct(partition_of(key, self._partitions), name), body)

    def publish_unfilled(self, gap: UnfilledGap) -> None:
        """Publish channels whose gap is not filled, if a worker wants to know."""
        if UNFILLED in self.interests:
            self._put(UNFILLED, 0, json.dumps(asdict(gap)).encode(), self._next_id())

    def replay(self, partition: int, name: str, body: bytes, event_id: str) -> None:
        """Publish an event again, as a new one.

        Raises:
            InvalidArgumentError: There is no such partition.
        """
        if not 0 <= partition < self._partitions:
            raise InvalidArgumentError(
                f"there is no partition {partition}: the stream has {self._partitions}"
            )
        new_id = f"{self._next_id()}/{event_id}"
        self._publisher.put(OutgoingEvent(self._names.event(partition, name), body, new_id))

    def _next_id(self) -> str:
        self._number += 1
        return f"e{self._epoch}.{self._number}"

    def _partition_key(self, name: str, body: bytes) -> tuple[int, int]:
        """Return the id that determines an event's partition, and the clan of the event."""
        plan = dict_plan(MESSAGES[name])
        try:
            values: dict[str, Any] = plan.decode(body)
        except ValueError:
            return 0, 0
        clan = values.get("clan_id")
        clan = clan if isinstance(clan, int) else 0
        for field in _PARTITION_FIELDS:
            number = values.get(field)
            if isinstance(number, int) and number:
                return number, clan
        for inner in values.values():
            if isinstance(inner, dict) and isinstance(inner.get("channel_id"), int) and inner["channel_id"]:
                return int(inner["channel_id"]), clan
        return 0, clan

    def _put(self, name: str, key: int, body: bytes, event_id: str, repeated: bool = False) -> None:
        subject = self._subjects.get((name, key))
        if subject is None:
            if len(self._subjects) >= _MAX_SUBJECTS:
                self._subjects.clear()
            subject = self._names.event(partition_of(key, self._partitions), name)
            self._subjects[name, key] = subject
        self._publisher.put(OutgoingEvent(subject, body, event_id, repeated))


class GapTarget:
    """Receives the messages of gap filling and publishes them, as far as the publisher has room."""

    def __init__(self, forwarder: EventForwarder, publisher: Publisher) -> None:
        self._forwarder = forwarder
        self._publisher = publisher

    @property
    def full(self) -> bool:
        """Whether the publisher has no room."""
        return self._publisher.room <= 0

    async def wait_room(self) -> None:
        """Wait until the publisher has room."""
        await self._publisher.wait_room()

    def on_event(self, name: str, event: Any, /) -> None:
        """Publish a message."""
        self._forwarder.publish_message(event)

    def dispatch(self, name: str, event: Any, /) -> None:
        """Publish the event about gaps that are not filled."""
        if isinstance(event, UnfilledGap):
            self._forwarder.publish_unfilled(event)


class RelayConnection:
    """Implements `mezon.ports.Connection` for the relay's client, with the forwarder between core and client.

    The client logs in, joins and reconnects as usual. The events it subscribes to are ignored: the relay publishes
    those that workers want.

    Args:
        core: A connection that returns events and answers as bytes.
        forwarder: Receives the events.
        lease: Returns the seconds for which this relay is certainly in charge.
    """

    around = None

    def __init__(self, core: CoreConnection, forwarder: EventForwarder, lease: Callable[[], float]) -> None:
        self._core = core
        self._forwarder = forwarder
        self._lease = lease
        core.listener = forwarder
        for name in (_SESSION_EVENT, *DIRECTORY_EVENTS):
            core.want(name)
        self._interests: frozenset[str] = frozenset()

    @property
    def listener(self) -> ConnectionListener | None:
        """The client's listener."""
        return self._forwarder.client

    @listener.setter
    def listener(self, value: ConnectionListener | None) -> None:
        self._forwarder.client = value

    @property
    def state(self) -> str:
        """The core's state."""
        return self._core.state

    @property
    def generation(self) -> int:
        """The number of the current connection. Joins are valid for one."""
        return self._forwarder.generation

    @property
    def latency(self) -> float | None:
        """The core's latency."""
        return self._core.latency

    def stats(self) -> Mapping[str, Any]:
        """Return the core's counters."""
        return self._core.stats()

    def set_interests(self, names: frozenset[str]) -> None:
        """Forward these events from now on."""
        for name in names - self._interests:
            self._core.want(name, True)
        for name in self._interests - names - DIRECTORY_EVENTS - {_SESSION_EVENT}:
            self._core.want(name, False)
        self._interests = self._forwarder.interests = names

    def want(self, name: str, wanted: bool = True) -> None:
        """Do nothing: workers handle the events."""

    async def open(self, urls: Sequence[str], auto_reconnect: bool) -> None:
        """Implement `Connection.open`."""
        await self._core.open(urls, auto_reconnect)
        self.renew_lease(self._lease())

    def renew_lease(self, left: float) -> None:
        """Let the core send calls for ``left`` seconds from now on.

        A relay whose process was paused would otherwise resume by sending calls that the next relay has made meanwhile.
        """
        self._core.renew_lease(left)

    async def close(self) -> None:
        """Implement `Connection.close`."""
        await self._core.close()

    def reconnect(self) -> bool:
        """Implement `Connection.reconnect`."""
        return self._core.reconnect()

    def hold(self) -> None:
        """Do nothing: workers handle the events."""

    def resume(self) -> None:
        """Let the core ask for the room again."""
        self._core.resume()

    async def call(self, name: str, value: Mapping[str, Any] | bytes, timeout: float) -> tuple[str, Any]:
        """Make a call of the relay's own client."""
        field, body = await self._core.call(name, value, timeout)
        plan = event_plan(field) if field in MESSAGES and isinstance(body, bytes) else None
        return field, body if plan is None else plan.decode(body)

    async def call_encoded(self, name: str, value: bytes, timeout: float) -> tuple[str, bytes]:
        """Make the encoded call of a worker and return the encoded answer."""
        field, body = await self._core.call(name, value, timeout)
        return field, body

    async def call_raw(self, name: str, value: Mapping[str, Any] | bytes, timeout: float) -> bytes:
        """Implement `Connection.call_raw`. The answer to a listing of the relay's own client is kept for workers."""
        directory = self._forwarder.directory
        version = directory.version
        answer = await self._core.call_raw(name, value, timeout)
        if not isinstance(value, bytes) and version == directory.version:
            listing = Listing.of(str(value.get("api_name", "")), value.get("body") or b"")
            if listing is not None:
                directory.keep(listing, HttpAnswer(200, "OK", _PROTOBUF, answer))
        return answer

    def post(self, name: str, value: Mapping[str, Any] | bytes, timeout: float) -> None:
        """Implement `Connection.post`."""
        self._core.post(name, value, timeout)

    def in_flight(self) -> Mapping[int, Future[Any]]:
        """Implement `Connection.in_flight`."""
        return self._core.in_flight()

    def take_recent(self, channel_id: int) -> Sequence[ChannelMessage]:
        """Return nothing: workers store the recent messages."""
        return []
