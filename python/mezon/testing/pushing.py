"""Sending events, and bytes that no server would send, to every bot that is connected."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from mezon.protobuf.rtapi import realtime_pb2
from mezon.testing.connection import Connection
from mezon.testing.frames import TEXT, Chunk, websocket_frame
from mezon.testing.weather import Weather

__all__ = ["Pushing"]


class Pushing(Weather):
    """The events of a ``mezon.testing.LocalGateway``."""

    async def push(self, envelope: realtime_pb2.Envelope | None = None, **field: Any) -> int:
        """Send an envelope, or an event by name (``push(channel_message=...)``), to every connection.

        Returns how many connections it went to.
        """
        if (envelope is None) == (not field):
            raise TypeError("push() takes an envelope, or one field by name")
        if envelope is None:
            envelope = realtime_pb2.Envelope(**field)
        payload = envelope.SerializeToString()
        for tap in self.taps:
            tap.told(envelope)
        for connection in self.live:
            connection.tell_taps(envelope, len(payload))
        return await self.push_raw(payload)

    async def push_raw(self, data: bytes, *, fragments: int = 1) -> int:
        """Send these bytes as one message; on the WebSocket cut into ``fragments`` frames."""
        return await self._to_all(lambda connection: connection.push(data, fragments=fragments))

    async def push_chunks(self, chunks: Iterable[Chunk]) -> int:
        """Send pieces of a raw API answer (``mezon.testing.frames.raw_answer`` makes them)."""
        pieces = list(chunks)

        def send(connection: Connection) -> None:
            for chunk in pieces:
                connection.write_chunk(chunk)

        return await self._to_all(send)

    async def push_text(self, text: str) -> int:
        """Send a text WebSocket message."""
        return await self.push_wire(websocket_frame(text.encode(), TEXT))

    async def push_wire(self, data: bytes) -> int:
        """Put these bytes on the TCP connection as they are: broken frames, half frames, anything."""
        return await self._to_all(lambda connection: connection.write(data))

    async def _to_all(self, send: Callable[[Connection], None]) -> int:
        live = [c for c in self.live if c.is_open]
        for connection in live:
            send(connection)
        await self._drain()
        return len(live)

    async def _drain(self) -> None:
        # While stalled nothing moves, and what is said waits without holding the one who says it.
        if not self.stalled:
            for connection in list(self.live):
                await connection.drain()
        await asyncio.sleep(0)
