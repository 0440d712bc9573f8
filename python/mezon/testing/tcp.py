"""The abridged TCP side: a handshake without an answer, then frames both ways."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, ClassVar, Final, cast

from mezon.protobuf.rtapi import realtime_pb2
from mezon.testing.abridged import SHORT_SIZE, ClientStream, OutOfStepError, abridged_frame, short_pong
from mezon.testing.connection import Connection
from mezon.testing.frames import Chunk, websocket_frame
from mezon.testing.records import Handshake, Sent, Transport
from mezon.testing.wire import Pipe

if TYPE_CHECKING:
    from mezon.testing.core import GatewayCore

__all__ = ["TcpConnection", "TcpSide"]

CANNOT_UNPACK: Final = 500

_READ: Final = 64 * 1024
_REASONS: Final = {401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 503: "Service Unavailable"}
# Its identity marks a ping of three bytes, which is answered with three bytes.
_SHORT_PING: Final = realtime_pb2.Ping()


class TcpSide:
    """Takes in what begins with the byte of the abridged handshake."""

    def __init__(self, gateway: GatewayCore) -> None:
        self._gateway = gateway
        self._tasks: set[asyncio.Task[None]] = set()
        self._open: set[asyncio.StreamWriter] = set()

    def protocol(self) -> asyncio.Protocol:
        """Give what reads a new connection."""
        reader = asyncio.StreamReader(limit=_READ)

        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.get_running_loop().create_task(self._handle(reader, writer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        return _Ends(reader, connected)

    async def stop(self) -> None:
        """Cut every connection, those that have not said a token yet too."""
        for writer in list(self._open):
            writer.transport.abort()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        gateway = self._gateway
        stream = ClientStream(gateway.frame_limit)
        # A cast, for uvloop's transports are no asyncio.Transport.
        pipe = Pipe(cast(asyncio.Transport, writer.transport), gateway.wire, lambda: gateway.stalled)
        self._open.add(writer)
        try:
            while (token := stream.handshake()) is None:
                async with asyncio.timeout(gateway.silence_limit):
                    data = await reader.read(_READ)
                if not data:
                    return
                stream.feed(data)
            user_id = await self._admit(token, pipe)
            if user_id is None:
                return
            with gateway.admit(TcpConnection(gateway, pipe, user_id, reader, stream)) as connection:
                await connection.serve()
        except (TimeoutError, OSError, OutOfStepError):
            # Silence, a cut, or bytes that are no frame: the server says nothing and closes.
            pass
        finally:
            pipe.end()
            writer.close()
            self._open.discard(writer)

    async def _admit(self, token: str, pipe: Pipe) -> int | None:
        """Say whose token it is; None when the connection was refused."""
        gateway = self._gateway
        fault = gateway.faults.for_tcp()
        user_id = gateway.sessions.check(token, "access", "socket")
        if fault is not None:
            status: int | None = fault.status
        elif not gateway.tcp:
            status = None
        elif user_id is None:
            status = 401 if gateway.tcp_refusal == "http" else None
        else:
            gateway.record_handshake(Handshake("tcp", True, time.monotonic()))
            return user_id
        gateway.record_handshake(Handshake("tcp", False, time.monotonic(), status or 0))
        if status is not None:
            text = "the token is unknown or expired" if user_id is None else "refused by the test"
            pipe.write(
                f"HTTP/1.1 {status} {_REASONS.get(status, 'Refused')}\r\n"
                "Content-Type: text/plain; charset=utf-8\r\n"
                f"Content-Length: {len(text)}\r\nConnection: close\r\n\r\n{text}".encode()
            )
        await pipe.finish()
        return None


class _Ends(asyncio.StreamReaderProtocol):
    """A stream that is over in both directions when the peer has ended its own."""

    def eof_received(self) -> bool:
        super().eof_received()
        return False


class TcpConnection(Connection):
    """One open abridged TCP connection."""

    transport: ClassVar[Transport] = "tcp"

    def __init__(
        self,
        gateway: GatewayCore,
        pipe: Pipe,
        user_id: int,
        reader: asyncio.StreamReader,
        stream: ClientStream,
    ) -> None:
        super().__init__(gateway, pipe, user_id)
        self._reader = reader
        self._stream = stream
        self._pushes = 0

    async def serve(self) -> None:
        while True:
            await self.flowing()
            for frame in self._stream.frames():
                self._take_frame(frame)
            since = time.monotonic()
            try:
                async with asyncio.timeout(self._gateway.silence_limit):
                    data = await self._reader.read(_READ)
            except TimeoutError:
                if not self.was_silent(since):
                    continue
                await self.pipe.finish()
                return
            if not data:
                return
            self._stream.feed(data)

    def _take_frame(self, frame: int | bytes) -> None:
        if isinstance(frame, int):
            now = time.monotonic()
            self._carry_out(Sent("ping", _SHORT_PING, frame, now, self.number, transport=self.transport))
        # The live server cuts every zero at the end, an envelope's own too, and then cannot read it.
        elif not self._take(frame.rstrip(b"\0")):
            self.send_error(0, CANNOT_UNPACK, "can not unpack payload")

    def _on_ping(self, sent: Sent) -> None:
        if sent.message is _SHORT_PING:
            self.write(short_pong(sent.cid))
            self.tell_taps(realtime_pb2.Envelope(cid=sent.cid, pong=realtime_pb2.Pong()), SHORT_SIZE)
        else:
            super()._on_ping(sent)

    async def close(self, code: int, reason: str = "") -> None:
        """End the stream: TCP has no close frame, no code and no reason."""
        await self.pipe.finish()

    def push(self, data: bytes, *, fragments: int = 1) -> None:
        # Fragments are a thing of the WebSocket: on the stream their opcode would be a length. And an abridged
        # frame cannot be empty: a length of 0 is a pong.
        form = self._gateway.wire.pushes if data else "websocket"
        self._pushes += 1
        if form == "abridged" or (form == "mixed" and self._pushes % 2 == 0):
            self.write(abridged_frame(data, self._gateway.wire.padding))
        else:
            self.write(websocket_frame(data))

    def _write_answer(self, envelope: bytes) -> None:
        self.write(abridged_frame(envelope, self._gateway.wire.padding))

    def write_chunk(self, chunk: Chunk) -> None:
        self.write(chunk.to_bytes(sized=True))
