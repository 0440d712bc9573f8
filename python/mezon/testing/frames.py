"""Bytes of both transports: a server's WebSocket frames, raw API answers (RFC 6455; docs/protocol.md, "WebSocket")."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Final

__all__ = ["BINARY", "LAST_CHUNK", "RAW_MARK", "TEXT", "Chunk", "raw_answer", "websocket_frame"]

TEXT: Final = 0x1
BINARY: Final = 0x2

RAW_MARK: Final = 0xFF
LAST_CHUNK: Final = 0x00FF


def websocket_frame(payload: bytes, opcode: int = BINARY, *, final: bool = True) -> bytes:
    """Give a server frame (unmasked): header and payload."""
    first = (0x80 if final else 0x00) | opcode
    size = len(payload)
    if size < 126:
        return bytes((first, size)) + payload
    if size < 65536:
        return bytes((first, 126)) + size.to_bytes(2, "big") + payload
    return bytes((first, 127)) + size.to_bytes(8, "big") + payload


@dataclass(slots=True, frozen=True)
class Chunk:
    """A piece of a raw API answer."""

    cid: int
    code: int
    last: bool
    body: bytes

    def to_bytes(self, *, sized: bool) -> bytes:
        """Give header and body: 7 bytes of header on the WebSocket, 11 with the length (``sized``) on TCP."""
        flags = self.code << 16 | (LAST_CHUNK if self.last else 0)
        head = bytes((RAW_MARK,)) + self.cid.to_bytes(2, "big") + flags.to_bytes(4, "big")
        return head + (len(self.body).to_bytes(4, "big") if sized else b"") + self.body


def raw_answer(
    cid: int, body: bytes, *, code: int = 0, chunk_size: int | None = None, chunk_count: int | None = None
) -> list[Chunk]:
    """Give the chunks of a raw API answer.

    Args:
        chunk_size: At most this many bytes of the body in a chunk; None for one chunk.
        chunk_count: Exactly this many chunks, empty ones if need be; wins over ``chunk_size``.
    """
    if chunk_count is not None:
        count, size = chunk_count, ceil(len(body) / chunk_count)
    elif chunk_size is not None:
        count, size = max(1, ceil(len(body) / chunk_size)), chunk_size
    else:
        count, size = 1, len(body)
    return [
        Chunk(cid, code, number == count - 1, body[number * size : (number + 1) * size])
        for number in range(count)
    ]
