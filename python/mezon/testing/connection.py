"""One bot's connection, on either transport; and the registry of open connections, which delivers events."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from typing import Any, ClassVar, Final, TypeVar

from google.protobuf.message import DecodeError

from mezon.protobuf.api import api_pb2
from mezon.protobuf.rtapi import realtime_pb2
from mezon.testing.faults import FaultRules
from mezon.testing.frames import TEXT, Chunk, raw_answer, websocket_frame
from mezon.testing.limits import LimitEnforcer
from mezon.testing.recorder import Recorder
from mezon.testing.records import Answer, Sent, Transport
from mezon.testing.state import ServerState
from mezon.testing.wire import HIGH_WATER, Pipe
from mezon.testing.world import DM, GROUP
from mezon.utils.background import BackgroundTasks
from mezon.utils.logger import get_logger

__all__ = ["Connection", "ConnectionRegistry", "EnvelopeHandler"]

logger: Final = get_logger("mezon.testing")

_MAX_TASKS: Final = 10_000

_C = TypeVar("_C", bound="Connection")

EnvelopeHandler = Callable[["Connection", Sent], None]
"""Handles an envelope that arrived on a connection; see ``mezon.testing.calls.CallHandler``."""


class Connection(ABC):
    """One open connection of a bot. A transport decodes its frames and passes envelopes to ``receive``.

    Attributes:
        transport: ``websocket`` or ``tcp``.
        number: Counted from 1 over the lifetime of the gateway; 0 before ``ConnectionRegistry.admit``.
        user_id: The connected bot.
        clans: Ids of the joined clans (0 stands for direct messages).
        channels: Ids of the joined channels.
        pipe: The output.
        enforcer: Counts towards the limits of the gateway.
        service_enforcer: Counts towards the documented limits of the live service.
    """

    transport: ClassVar[Transport]

    def __init__(
        self, registry: ConnectionRegistry, handler: EnvelopeHandler, pipe: Pipe, user_id: int
    ) -> None:
        self._faults = registry.faults
        self._recorder = registry.recorder
        self._settings = registry.state.settings
        self._handler = handler
        self._tasks = BackgroundTasks(logger, level=logging.ERROR)
        self.pipe = pipe
        self.number = 0
        self.user_id = user_id
        self.clans: set[int] = set()
        self.channels: set[int] = set()
        self.enforcer: LimitEnforcer = LimitEnforcer()
        self.service_enforcer: LimitEnforcer = LimitEnforcer()

    # Implemented by the transports

    @abstractmethod
    async def serve(self) -> None:
        """Read until the connection ends."""

    @abstractmethod
    async def close(self, code: int, reason: str = "") -> None:
        """Close the connection with the transport's closing handshake, if it has one."""

    @abstractmethod
    def push(self, data: bytes, *, fragments: int = 1) -> None:
        """Send bytes, usually an envelope, that do not answer a call."""

    @abstractmethod
    def write_chunk(self, chunk: Chunk) -> None:
        """Send a chunk of a raw API answer."""

    @abstractmethod
    def _write_answer(self, envelope: bytes) -> None:
        """Send an envelope that answers a call."""

    # Reading

    async def flowing(self) -> None:
        """Wait while the gateway is stalled and the connection is open."""
        # Polling, because nothing reports the end of a TCP connection while it is not read.
        while self._faults.stalled and self.is_open:  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    def was_silent(self, since: float) -> bool:
        """Return whether the silence limit has expired since a ``time.monotonic()``.

        False while the gateway is stalled, and if a test has only moved the clock of the event loop.
        """
        limit = self._settings.silence_limit
        return limit is not None and not self._faults.stalled and time.monotonic() - since >= limit - 0.01

    def receive(self, data: bytes) -> bool:
        """Handle an envelope. Return False if the bytes are not an envelope."""
        envelope = realtime_pb2.Envelope()
        try:
            envelope.ParseFromString(data)
        except DecodeError:
            return False
        now = time.monotonic()
        self.handle(Sent.from_envelope(envelope, time=now, connection=self.number, transport=self.transport))
        return True

    def handle(self, sent: Sent) -> None:
        """Pass a decoded envelope to the handler."""
        self._handler(self, sent)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine until it is done or the connection ends."""
        if len(self._tasks) >= _MAX_TASKS:
            work.close()
            raise RuntimeError("too many answers are delayed; shorten the delay or send less")
        self._tasks.spawn(work, f"an answer on connection {self.number}")

    # Writing

    def send(self, cid: int, **field: Any) -> None:
        """Send an envelope with one field: an answer, or an event if ``cid`` is 0."""
        envelope = realtime_pb2.Envelope(cid=cid, **field)
        data = envelope.SerializeToString()
        if cid:
            self._write_answer(data)
        else:
            self.push(data)
        self.record_written(envelope, len(data))

    def send_pong(self, sent: Sent) -> None:
        """Answer a ping."""
        self.send(sent.cid, pong=realtime_pb2.Pong())

    def send_error(self, cid: int, code: int, message: str, context: Mapping[str, str] | None = None) -> None:
        """Send an error envelope."""
        self.send(cid, error=realtime_pb2.Error(code=code, message=message, context=dict(context or {})))

    def send_api_answer(self, cid: int, body: bytes, code: int = 0) -> None:
        """Answer an ``api_request_event``."""
        self._recorder.record_written(Answer(self.number, time.monotonic(), cid, len(body), None, code, body))
        settings = self._settings
        chunks = raw_answer(
            cid & 0xFFFF, body, code=code, chunk_size=settings.chunk_size, chunk_count=settings.chunk_count
        )
        if settings.wire.interleave:
            self.spawn(self._interleaved(chunks))
            return
        for chunk in chunks:
            self.write_chunk(chunk)

    async def _interleaved(self, chunks: list[Chunk]) -> None:
        """Send chunks with an event and other answers between them."""
        for number, chunk in enumerate(chunks):
            if number:
                self.send(0, status_presence_event=realtime_pb2.StatusPresenceEvent())
                await asyncio.sleep(0)
            self.write_chunk(chunk)

    def record_written(self, envelope: realtime_pb2.Envelope, size: int) -> None:
        """Report an envelope that was written to this connection."""
        self._recorder.record_written(Answer(self.number, time.monotonic(), envelope.cid, size, envelope))

    def write(self, data: bytes) -> None:
        """Write raw bytes, or hold them while the gateway is stalled."""
        self.pipe.write(data)

    async def drain(self, below: int = HIGH_WATER) -> None:
        """Wait until fewer than ``below`` bytes are buffered, or the connection is closed."""
        await self.pipe.drain(below)

    @property
    def is_open(self) -> bool:
        """Whether the TCP connection is open."""
        return self.pipe.is_open

    # Ending

    def release(self) -> None:
        """Write what was held during a stall."""
        self.pipe.release()

    def abort(self, *, reset: bool = False) -> None:
        """Abort the TCP connection; with ``reset`` the peer receives a reset."""
        self.pipe.abort(reset=reset)

    def end(self) -> None:
        """Cancel everything that still runs for this connection."""
        self._tasks.cancel()
        self.pipe.end()


class ConnectionRegistry:
    """The open connections, and delivery of events to them.

    Attributes:
        live: The open connections.
    """

    def __init__(self, state: ServerState, recorder: Recorder, faults: FaultRules) -> None:
        self.state = state
        self.recorder = recorder
        self.faults = faults
        self.live: list[Connection] = []

    def joined(self) -> list[set[int]]:
        """Return the clans that each open connection has joined."""
        return [connection.clans for connection in self.live]

    @contextlib.contextmanager
    def admit(self, connection: _C) -> Iterator[_C]:
        """Register a connection for the duration of the block."""
        self.recorder.connections.total += 1
        connection.number = self.recorder.connections.total
        self.live.append(connection)
        self.recorder.record_connections(len(self.live))
        try:
            yield connection
        finally:
            connection.end()
            self.live.remove(connection)
            self.recorder.record_connections(len(self.live))

    async def wait_joined(self, clan_ids: Iterable[int] | None = None, *, timeout: float = 5.0) -> None:
        """Wait until one open connection has joined these clans (default: clan 0 and every clan of the world)."""
        wanted = {0, *self.state.world.clans} if clan_ids is None else set(clan_ids)
        await self.recorder.wait_until(
            lambda: any(wanted <= clans for clans in self.joined()),
            timeout=timeout,
            what=f"the bot to join {len(wanted)} clans",
        )

    # Events as the server sends them

    def broadcast(self, **field: Any) -> int:
        """Send an event to the connections that should receive it. Return how many received it."""
        ((kind, message),) = field.items()
        envelope = realtime_pb2.Envelope(**field)
        data = envelope.SerializeToString()
        self.recorder.record_published(envelope)
        reached = 0
        for connection in self.live:
            if kind == "channel_message" and not self._should_receive(connection, message):
                continue
            connection.push(data)
            connection.record_written(envelope, len(data))
            reached += connection.is_open
        return reached

    def _should_receive(self, connection: Connection, message: api_pb2.ChannelMessage) -> bool:
        settings = self.state.settings
        if message.sender_id == connection.user_id and not settings.echo_own_messages:
            return False
        if not settings.joined_only:
            return True
        if message.channel_id in connection.channels:
            return True
        channel = self.state.world.channels.get(message.channel_id)
        if channel is None or channel.clan_id not in connection.clans:
            return False
        # Direct conversations belong to clan 0; private channels must be joined individually.
        return not channel.private or channel.type in (DM, GROUP)

    def broadcast_later(self, **field: Any) -> None:
        """Broadcast after the answer to the call that is being handled."""
        asyncio.get_running_loop().call_soon(lambda: self.broadcast(**field))

    def broadcast_change(self, message: api_pb2.ChannelMessage, code: int) -> None:
        """Announce that a message was updated (code 1) or removed (2), after the answer to the current call."""
        event = api_pb2.ChannelMessage()
        event.CopyFrom(message)
        event.code = code
        self.broadcast_later(channel_message=event)

    # Anything a test wants to send

    async def push(self, envelope: realtime_pb2.Envelope | None = None, **field: Any) -> int:
        """Send an envelope, or one event by field name, to every connection. Return how many received it."""
        if (envelope is None) == (not field):
            raise TypeError("push() takes an envelope or one field by name")
        if envelope is None:
            envelope = realtime_pb2.Envelope(**field)
        payload = envelope.SerializeToString()
        self.recorder.record_published(envelope)
        for connection in self.live:
            connection.record_written(envelope, len(payload))
        return await self.push_raw(payload)

    async def push_to(self, user_id: int, **field: Any) -> int:
        """Send one event by field name to the connections of a bot. Return how many received it."""
        envelope = realtime_pb2.Envelope(**field)
        payload = envelope.SerializeToString()
        self.recorder.record_published(envelope)
        reached = [c for c in self.live if c.is_open and c.user_id == user_id]
        for connection in reached:
            connection.push(payload)
            connection.record_written(envelope, len(payload))
        await self.drain()
        return len(reached)

    async def push_raw(self, data: bytes, *, fragments: int = 1) -> int:
        """Send bytes as one message; on the WebSocket split into ``fragments`` frames."""
        return await self._to_all(lambda connection: connection.push(data, fragments=fragments))

    async def push_chunks(self, chunks: Iterable[Chunk]) -> int:
        """Send chunks of a raw API answer."""
        pieces = list(chunks)

        def send(connection: Connection) -> None:
            for chunk in pieces:
                connection.write_chunk(chunk)

        return await self._to_all(send)

    async def push_text(self, text: str) -> int:
        """Send a WebSocket text message."""
        return await self.push_wire(websocket_frame(text.encode(), TEXT))

    async def push_wire(self, data: bytes) -> int:
        """Write raw bytes to the TCP connections."""
        return await self._to_all(lambda connection: connection.write(data))

    async def _to_all(self, send: Callable[[Connection], None]) -> int:
        live = [c for c in self.live if c.is_open]
        for connection in live:
            send(connection)
        await self.drain()
        return len(live)

    async def drain(self) -> None:
        """Wait until the output of every connection is below its high-water mark."""
        # Nothing moves during a stall, and the caller of `say` must not wait for its end.
        if not self.faults.stalled:
            for connection in list(self.live):
                await connection.drain()
        await asyncio.sleep(0)

    # Ending connections

    async def drop(self, *, reset: bool = False) -> int:
        """Abort every connection and wait until they have ended. Return their number."""
        live = list(self.live)
        for connection in live:
            connection.abort(reset=reset)
        await self._wait_ended(live)
        return len(live)

    async def close(self, code: int, reason: str) -> None:
        """Close every connection and wait until they have ended."""
        live = list(self.live)
        for connection in live:
            await connection.close(code, reason)
        await self._wait_ended(live)

    async def _wait_ended(self, connections: list[Connection]) -> None:
        await self.recorder.wait_until(
            lambda: not set(connections) & set(self.live), what="the connections to close"
        )

    def release(self) -> None:
        """Write what was held during a stall."""
        for connection in list(self.live):
            connection.release()
