"""The WebSocket side: the route ``/ws`` and the connections that come by it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, ClassVar, Final

from aiohttp import WSMsgType, web

from mezon.testing.connection import Connection
from mezon.testing.frames import BINARY, Chunk, websocket_frame
from mezon.testing.records import Handshake, Transport
from mezon.testing.wire import Pipe

if TYPE_CHECKING:
    from mezon.testing.core import GatewayCore

__all__ = ["WebSocketConnection", "WebSocketSide"]

UNRECOGNIZED_PAYLOAD: Final = 1

_PONG: Final = 0xA
_MESSAGE_LIMIT: Final = 64 * 1024 * 1024
_ENDINGS: Final = (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR)


class WebSocketSide:
    """The route ``/ws``."""

    def __init__(self, gateway: GatewayCore) -> None:
        self._gateway = gateway

    @property
    def live(self) -> list[WebSocketConnection]:
        """The WebSockets that are open."""
        return [c for c in self._gateway.live if isinstance(c, WebSocketConnection)]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Take a connection in, check its token and serve it to its end."""
        gateway = self._gateway
        if not gateway.websocket:
            raise web.HTTPNotFound(text="this gateway serves no WebSocket")
        user_id = gateway.sessions.check(request.query.get("token", ""))
        if user_id is None:
            raise web.HTTPUnauthorized(text="the token is unknown or expired")
        transport = request.transport
        # uvloop's transports are no asyncio.Transport.
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
        gateway.record_handshake(Handshake("websocket", True, time.monotonic()))
        pipe = Pipe(transport, gateway.wire, lambda: gateway.stalled)
        with gateway.admit(WebSocketConnection(gateway, pipe, user_id, websocket)) as connection:
            await connection.serve()
        return websocket


class WebSocketConnection(Connection):
    """One open WebSocket.

    Attributes:
        protocol: The subprotocol agreed on, or None.
        close_code: The code of the close frame the client sent, or None.
    """

    transport: ClassVar[Transport] = "websocket"

    def __init__(
        self, gateway: GatewayCore, pipe: Pipe, user_id: int, websocket: web.WebSocketResponse
    ) -> None:
        super().__init__(gateway, pipe, user_id)
        self._websocket = websocket
        self.protocol: str | None = websocket.ws_protocol
        self.close_code: int | None = None

    async def serve(self) -> None:
        while True:
            since = time.monotonic()
            try:
                async with asyncio.timeout(self._gateway.silence_limit):
                    message = await self._websocket.receive()
            except TimeoutError:
                if not self.was_silent(since):
                    continue
                await self.pipe.finish()
                return
            await self.flowing()
            if message.type is WSMsgType.BINARY:
                if not self._take(message.data):
                    self.send_error(0, UNRECOGNIZED_PAYLOAD, "Unrecognized payload")
            elif message.type is WSMsgType.PING:
                self.write(websocket_frame(bytes(message.data), _PONG))
            elif message.type in _ENDINGS:
                self.close_code = self._websocket.close_code
                return

    async def close(self, code: int, reason: str = "") -> None:
        """Say goodbye with a close frame."""
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
