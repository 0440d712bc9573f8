"""The WebSocket transport: the route ``/ws`` and its connections."""

from __future__ import annotations

import asyncio
import time
from typing import ClassVar, Final

from aiohttp import WSMsgType, web

from mezon.testing.connection import Connection, ConnectionRegistry, EnvelopeHandler
from mezon.testing.frames import BINARY, Chunk, websocket_frame
from mezon.testing.records import Handshake, Transport
from mezon.testing.wire import Pipe

__all__ = ["WebSocketConnection", "WebSocketServer"]

UNRECOGNIZED_PAYLOAD: Final = 1

_PONG: Final = 0xA
_MESSAGE_LIMIT: Final = 64 * 1024 * 1024
_ENDINGS: Final = (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR)


class WebSocketServer:
    """Accept WebSockets at ``/ws``."""

    def __init__(self, registry: ConnectionRegistry, handler: EnvelopeHandler) -> None:
        self._registry = registry
        self._handler = handler

    @property
    def live(self) -> list[WebSocketConnection]:
        """The open WebSockets."""
        return [c for c in self._registry.live if isinstance(c, WebSocketConnection)]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Check the token, accept the connection and serve it until it ends."""
        registry, state = self._registry, self._registry.state
        if not state.settings.websocket:
            raise web.HTTPNotFound(text="this gateway serves no WebSocket")
        user_id = state.sessions.check(request.query.get("token", ""))
        if user_id is None:
            raise web.HTTPUnauthorized(text="the token is unknown or expired")
        transport = request.transport
        if transport is None:
            raise web.HTTPServiceUnavailable
        websocket = web.WebSocketResponse(
            protocols=("protobuf",),
            timeout=2.0,
            autoping=False,
            compress=False,
            max_msg_size=_MESSAGE_LIMIT,
        )
        await websocket.prepare(request)
        registry.recorder.record_handshake(Handshake("websocket", True, time.monotonic()))
        pipe = Pipe(transport, state.settings.wire, lambda: registry.faults.stalled)
        accepted = WebSocketConnection(registry, self._handler, pipe, user_id, websocket)
        with registry.admit(accepted) as connection:
            await connection.serve()
        return websocket


class WebSocketConnection(Connection):
    """One open WebSocket.

    Attributes:
        protocol: The negotiated subprotocol, or None.
        close_code: The code of the client's close frame, or None.
    """

    transport: ClassVar[Transport] = "websocket"

    def __init__(
        self,
        registry: ConnectionRegistry,
        handler: EnvelopeHandler,
        pipe: Pipe,
        user_id: int,
        websocket: web.WebSocketResponse,
    ) -> None:
        super().__init__(registry, handler, pipe, user_id)
        self._websocket = websocket
        self.protocol: str | None = websocket.ws_protocol
        self.close_code: int | None = None

    async def serve(self) -> None:
        while True:
            since = time.monotonic()
            try:
                async with asyncio.timeout(self._settings.silence_limit):
                    message = await self._websocket.receive()
            except TimeoutError:
                if not self.was_silent(since):
                    continue
                await self.pipe.finish()
                return
            await self.flowing()
            if message.type is WSMsgType.BINARY:
                if not self.receive(message.data):
                    self.send_error(0, UNRECOGNIZED_PAYLOAD, "Unrecognized payload")
            elif message.type is WSMsgType.PING:
                self.write(websocket_frame(bytes(message.data), _PONG))
            elif message.type in _ENDINGS:
                self.close_code = self._websocket.close_code
                return

    async def close(self, code: int, reason: str = "") -> None:
        """Send a close frame and wait for the client's."""
        await self._websocket.close(code=code, message=reason.encode())

    def push(self, data: bytes, *, fragments: int = 1) -> None:
        size = max(1, -(-len(data) // fragments))
        parts = [data[i : i + size] for i in range(0, len(data), size)] or [b""]
        for number, part in enumerate(parts):
            self.write(websocket_frame(part, BINARY if number == 0 else 0, final=number == len(parts) - 1))

    def _write_answer(self, envelope: bytes) -> None:
        self.write(websocket_frame(envelope))

    def write_chunk(self, chunk: Chunk) -> None:
        self.write(websocket_frame(chunk.to_bytes(sized=False)))
