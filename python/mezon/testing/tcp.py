"""The abridged TCP transport, and the multiplexer that serves it and HTTP on one port."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from ssl import SSLContext
from typing import ClassVar, Final, cast

from aiohttp import web

from mezon.protobuf.rtapi import realtime_pb2
from mezon.testing.connection import Connection, ConnectionRegistry, EnvelopeHandler
from mezon.testing.frames import (
    HANDSHAKE,
    SHORT_SIZE,
    Chunk,
    ClientStream,
    OutOfStepError,
    abridged_frame,
    short_pong,
    websocket_frame,
)
from mezon.testing.records import Handshake, Sent, Transport
from mezon.testing.wire import Pipe
from mezon.utils.background import BackgroundTasks
from mezon.utils.logger import get_logger

__all__ = ["PortMultiplexer", "TcpConnection", "TcpServer"]

logger: Final = get_logger("mezon.testing")

CANNOT_UNPACK: Final = 500

_READ: Final = 64 * 1024
_REASONS: Final = {401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 503: "Service Unavailable"}
# Compared by identity: marks a ping of three bytes, which is answered with three bytes.
_SHORT_PING: Final = realtime_pb2.Ping()


class TcpServer:
    """Serve connections that begin with the handshake byte of the abridged protocol."""

    def __init__(self, registry: ConnectionRegistry, handler: EnvelopeHandler) -> None:
        self._registry = registry
        self._handler = handler
        self._tasks = BackgroundTasks(logger, level=logging.ERROR)
        self._open: set[asyncio.StreamWriter] = set()

    def protocol(self) -> asyncio.Protocol:
        """Return the protocol for a new connection."""
        reader = asyncio.StreamReader(limit=_READ)

        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._tasks.spawn(self._serve(reader, writer), "a TCP connection")

        return _StreamProtocol(reader, connected)

    async def stop(self) -> None:
        """Abort every connection, including those that have not sent a token."""
        for writer in list(self._open):
            writer.transport.abort()
        await self._tasks.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        registry, settings = self._registry, self._registry.state.settings
        stream = ClientStream(settings.frame_limit)
        # A cast, because uvloop's transports do not inherit from asyncio.Transport.
        transport = cast(asyncio.Transport, writer.transport)
        pipe = Pipe(transport, settings.wire, lambda: registry.faults.stalled)
        self._open.add(writer)
        try:
            while (token := stream.handshake()) is None:
                async with asyncio.timeout(settings.silence_limit):
                    data = await reader.read(_READ)
                if not data:
                    return
                stream.feed(data)
            user_id = await self._authenticate(token, pipe)
            if user_id is None:
                return
            accepted = TcpConnection(registry, self._handler, pipe, user_id, reader, stream)
            with registry.admit(accepted) as connection:
                await connection.serve()
        except (TimeoutError, OSError, OutOfStepError):
            # After silence, a cut connection or undecodable bytes the server closes without a response.
            pass
        finally:
            pipe.end()
            writer.close()
            self._open.discard(writer)

    async def _authenticate(self, token: str, pipe: Pipe) -> int | None:
        """Return the user of a token. None if the connection was refused."""
        state, recorder = self._registry.state, self._registry.recorder
        fault = self._registry.faults.for_tcp()
        user_id = state.sessions.check(token, "access", "socket")
        if fault is not None:
            status: int | None = fault.status
        elif not state.settings.tcp:
            status = None
        elif user_id is None:
            status = 401 if state.settings.tcp_refusal == "http" else None
        else:
            recorder.record_handshake(Handshake("tcp", True, time.monotonic()))
            return user_id
        recorder.record_handshake(Handshake("tcp", False, time.monotonic(), status or 0))
        if status is not None:
            text = "the token is unknown or expired" if user_id is None else "refused by the test"
            pipe.write(
                f"HTTP/1.1 {status} {_REASONS.get(status, 'Refused')}\r\n"
                "Content-Type: text/plain; charset=utf-8\r\n"
                f"Content-Length: {len(text)}\r\nConnection: close\r\n\r\n{text}".encode()
            )
        await pipe.finish()
        return None


class _StreamProtocol(asyncio.StreamReaderProtocol):
    """Close both directions when the peer closes one."""

    def eof_received(self) -> bool:
        super().eof_received()
        return False


class TcpConnection(Connection):
    """One open abridged TCP connection."""

    transport: ClassVar[Transport] = "tcp"

    def __init__(
        self,
        registry: ConnectionRegistry,
        handler: EnvelopeHandler,
        pipe: Pipe,
        user_id: int,
        reader: asyncio.StreamReader,
        stream: ClientStream,
    ) -> None:
        super().__init__(registry, handler, pipe, user_id)
        self._reader = reader
        self._stream = stream
        self._pushes = 0

    async def serve(self) -> None:
        while True:
            await self.flowing()
            for frame in self._stream.frames():
                self._receive_frame(frame)
            since = time.monotonic()
            try:
                async with asyncio.timeout(self._settings.silence_limit):
                    data = await self._reader.read(_READ)
            except TimeoutError:
                if not self.was_silent(since):
                    continue
                await self.pipe.finish()
                return
            if not data:
                return
            self._stream.feed(data)

    def _receive_frame(self, frame: int | bytes) -> None:
        if isinstance(frame, int):
            now = time.monotonic()
            self.handle(Sent("ping", _SHORT_PING, frame, now, self.number, transport=self.transport))
        # The live server removes all trailing zeros, including those of the envelope, and then fails to decode it.
        elif not self.receive(frame.rstrip(b"\0")):
            self.send_error(0, CANNOT_UNPACK, "can not unpack payload")

    def send_pong(self, sent: Sent) -> None:
        if sent.message is _SHORT_PING:
            self.write(short_pong(sent.cid))
            self.record_written(realtime_pb2.Envelope(cid=sent.cid, pong=realtime_pb2.Pong()), SHORT_SIZE)
        else:
            super().send_pong(sent)

    async def close(self, code: int, reason: str = "") -> None:
        """Close the stream: TCP has no close frame, code or reason."""
        await self.pipe.finish()

    def push(self, data: bytes, *, fragments: int = 1) -> None:
        # Fragments exist only on the WebSocket: on the stream their opcode would be read as a length. An abridged
        # frame cannot be empty: a length of 0 is a pong.
        form = self._settings.wire.pushes if data else "websocket"
        self._pushes += 1
        if form == "abridged" or (form == "mixed" and self._pushes % 2 == 0):
            self.write(abridged_frame(data, self._settings.wire.padding))
        else:
            self.write(websocket_frame(data))

    def _write_answer(self, envelope: bytes) -> None:
        self.write(abridged_frame(envelope, self._settings.wire.padding))

    def write_chunk(self, chunk: Chunk) -> None:
        self.write(chunk.to_bytes(sized=True))


class PortMultiplexer(web.BaseSite):
    """Serve HTTP and abridged TCP on one port. As on the live service, the first byte selects the protocol.

    Args:
        runner: The HTTP server.
        host: The host to listen on.
        port: The port to listen on.
        tcp: Returns the protocol for an abridged connection.
        silence_limit: Seconds after which a connection that has sent nothing is closed; None for never.
    """

    def __init__(
        self,
        runner: web.AppRunner,
        host: str,
        port: int,
        *,
        tcp: Callable[[], asyncio.Protocol],
        silence_limit: float | None,
        ssl_context: SSLContext | None = None,
    ) -> None:
        super().__init__(runner, ssl_context=ssl_context)
        self._host = host
        self._port = port
        self._tcp = tcp
        self._silence_limit = silence_limit
        self._undecided: set[_FirstByte] = set()

    @property
    def name(self) -> str:
        """Host and port."""
        return f"{self._host}:{self._port}"

    async def start(self) -> None:
        """Start to listen. Raises OSError if the port is in use."""
        await super().start()
        self._server = await asyncio.get_running_loop().create_server(
            lambda: _FirstByte(self._protocol, self._undecided, self._silence_limit),
            self._host,
            self._port,
            ssl=self._ssl_context,
            backlog=self._backlog,
        )

    async def stop_accepting(self) -> None:
        """Accept no new connections, and let those that are being accepted reach their protocol.

        asyncio leaks the socket of a connection that is accepted in the iteration in which its listener is closed.
        """
        loop = asyncio.get_running_loop()
        for listener in getattr(self._server, "sockets", ()):
            with contextlib.suppress(NotImplementedError):  # an event loop without file descriptor watchers
                loop.remove_reader(listener.fileno())
        for _ in range(3):
            await asyncio.sleep(0)

    async def stop(self) -> None:
        """Stop listening and abort the connections that have sent nothing."""
        for connection in list(self._undecided):
            connection.abort()
        await super().stop()

    def _protocol(self, first: int) -> asyncio.Protocol:
        if first == HANDSHAKE:
            return self._tcp()
        http = self._runner.server
        assert http is not None
        return http()


class _FirstByte(asyncio.Protocol):
    """Wait for the first byte of a connection, then hand the connection to the selected protocol."""

    def __init__(
        self,
        select: Callable[[int], asyncio.Protocol],
        undecided: set[_FirstByte],
        silence_limit: float | None,
    ) -> None:
        self._select = select
        self._undecided = undecided
        self._silence_limit = silence_limit
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A cast, because uvloop's transports do not inherit from asyncio.Transport.
        self._transport = cast(asyncio.Transport, transport)
        self._undecided.add(self)
        if self._silence_limit is not None:
            self._timer = asyncio.get_running_loop().call_later(self._silence_limit, self.abort)

    def data_received(self, data: bytes) -> None:
        self._decided()
        protocol = self._select(data[0])
        self._transport.set_protocol(protocol)
        protocol.connection_made(self._transport)
        protocol.data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._decided()

    def abort(self) -> None:
        """Abort the connection."""
        self._transport.abort()

    def _decided(self) -> None:
        self._undecided.discard(self)
        if self._timer is not None:
            self._timer.cancel()
