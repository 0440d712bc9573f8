"""A minimal client of abridged TCP for tests of the gateway: asyncio streams and google.protobuf."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from types import TracebackType
from typing import Any

from abridged_reader import AbridgedReader, Item
from gateway_peer import Peer
from google.protobuf.message import Message
from mezon.protobuf.rtapi import realtime_pb2
from patience import patient


def handshake(token: str) -> bytes:
    """Return the first bytes of a connection."""
    padded = token.encode() + bytes(-len(token) % 4)
    words = len(padded) // 4
    length = bytes((words,)) if words < 127 else b"\x7f" + words.to_bytes(3, "little")
    return b"\xef" + length + padded


def frame(envelope: bytes) -> bytes:
    """Return a client frame."""
    padded = envelope + bytes(-len(envelope) % 4)
    words = len(padded) // 4
    return (bytes((words,)) if words < 127 else b"\x7f" + words.to_bytes(3, "little")) + padded


def with_cid_last(cid: int, **field: Any) -> bytes:
    """Return an envelope that does not end in a zero, because the cid is last."""
    return (
        realtime_pb2.Envelope(**field).SerializeToString()
        + realtime_pb2.Envelope(cid=cid).SerializeToString()
    )


class TcpPeer(Peer):
    """A :class:`Peer` whose socket is the abridged TCP stream."""

    async def connect(self) -> None:
        await self.open()
        self.send(handshake(self.session.token))

    async def open(self) -> None:
        """Connect without sending a handshake."""
        host, _, port = self.session.tcp_url.rpartition(":")
        context = ssl.create_default_context(cafile=self.gateway.ca_file) if self.gateway.tls else None
        self.reader, self.writer = await asyncio.open_connection(host.strip("[]"), int(port), ssl=context)
        self._writers.append(self.writer)
        self._parser = AbridgedReader()
        self._items: list[Item] = []

    async def __aenter__(self) -> TcpPeer:
        self._writers: list[asyncio.StreamWriter] = []
        await super().__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for writer in self._writers:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        await super().__aexit__(kind, error, trace)

    def send(self, data: bytes) -> None:
        """Write raw bytes."""
        self.writer.write(data)

    def ping(self, cid: int) -> None:
        """Write a ping of three bytes."""
        self.send(b"\0" + cid.to_bytes(2, "big"))

    async def write(self, cid: int | None = None, **field: Any) -> int:
        self._cid += 1
        number = self._cid if cid is None else cid
        self.send(frame(with_cid_last(number, **field)))
        return number

    async def item(self, timeout: float = 5) -> Item:
        """Return the next frame from the server. Raises EOFError at the end of the stream."""
        async with asyncio.timeout(patient(timeout)):
            while not self._items:
                data = await self.reader.read(65536)
                if not data:
                    raise EOFError
                self._items += self._parser.feed(data)
        return self._items.pop(0)

    async def read_bytes(self) -> bytes:
        """Return the next message in WebSocket form: an envelope, or a raw chunk with its short header."""
        item = await self.item()
        if item.kind == "raw":
            flags = item.code << 16 | (0xFF if item.last else 0)
            return b"\xff" + item.cid.to_bytes(2, "big") + flags.to_bytes(4, "big") + item.data
        assert item.kind in ("abridged", "websocket"), item
        return item.data

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()

    async def cut(self) -> None:
        self.writer.transport.abort()

    async def ended(self) -> None:
        with contextlib.suppress(ConnectionResetError):
            assert await self._rest() == b""

    async def _rest(self) -> bytes:
        """Read to the end of the stream. Return the bytes of an incomplete frame."""
        try:
            while True:
                await self.item()
        except EOFError:
            return self._parser.rest

    async def is_silent(self) -> bool:
        try:
            item = await self.item(timeout=0.1)
        except TimeoutError:
            return True
        self._items.insert(0, item)
        return False

    async def read_text(self) -> str:
        item = await self.item()
        assert item.kind == "text", item
        return item.data.decode()

    async def raw_items(self, name: str, body: Message) -> list[Item]:
        """Return the frames up to the last chunk of an API answer."""
        event = realtime_pb2.ApiRequestEvent(api_name=name, body=body.SerializeToString())
        cid = await self.write(api_request_event=event)
        items: list[Item] = []
        while not (items and items[-1].kind == "raw" and items[-1].cid == cid and items[-1].last):
            items.append(await self.item())
        return items
