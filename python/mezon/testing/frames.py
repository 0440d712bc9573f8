"""Encode and decode the bytes of both transports, without I/O.

WebSocket frames of a server (RFC 6455), raw API answers (docs/protocol.md, "WebSocket") and the abridged stream
(docs/protocol.md, "Abridged TCP").
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import Final, Literal

__all__ = [
    "BINARY",
    "HANDSHAKE",
    "LAST_CHUNK",
    "MIN_FRAME_LIMIT",
    "RAW_MARK",
    "SHORT_SIZE",
    "TEXT",
    "Chunk",
    "ClientStream",
    "OutOfStepError",
    "Padding",
    "abridged_frame",
    "raw_answer",
    "short_pong",
    "websocket_frame",
]

TEXT: Final = 0x1
BINARY: Final = 0x2

RAW_MARK: Final = 0xFF
LAST_CHUNK: Final = 0x00FF


def websocket_frame(payload: bytes, opcode: int = BINARY, *, final: bool = True) -> bytes:
    """Return a server frame (unmasked): header and payload."""
    first = (0x80 if final else 0x00) | opcode
    size = len(payload)
    if size < 126:
        return bytes((first, size)) + payload
    if size < 65536:
        return bytes((first, 126)) + size.to_bytes(2, "big") + payload
    return bytes((first, 127)) + size.to_bytes(8, "big") + payload


@dataclass(slots=True, frozen=True)
class Chunk:
    """One chunk of a raw API answer."""

    cid: int
    code: int
    last: bool
    body: bytes

    def to_bytes(self, *, sized: bool) -> bytes:
        """Return header and body. The header has 7 bytes on the WebSocket, 11 with the length (``sized``) on TCP."""
        flags = self.code << 16 | (LAST_CHUNK if self.last else 0)
        head = bytes((RAW_MARK,)) + self.cid.to_bytes(2, "big") + flags.to_bytes(4, "big")
        return head + (len(self.body).to_bytes(4, "big") if sized else b"") + self.body


def raw_answer(
    cid: int, body: bytes, *, code: int = 0, chunk_size: int | None = None, chunk_count: int | None = None
) -> list[Chunk]:
    """Return the chunks of a raw API answer.

    Args:
        chunk_size: Maximum number of body bytes in a chunk; None for one chunk.
        chunk_count: The exact number of chunks, some of them possibly empty. Overrides ``chunk_size``.
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


# Abridged TCP

HANDSHAKE: Final = 0xEF
SHORT_SIZE: Final = 3
"""Size of a ping or pong without an envelope."""

_PING: Final = 0x00
_LONG: Final = 0x7F
_WORD: Final = 4

MIN_FRAME_LIMIT: Final = 64
"""Minimum of ``frame_limit``: a ping envelope and a join must fit."""

Padding = Literal["zeros", "more", "none"]
"""How an envelope is padded to a multiple of 4 bytes: with as few zeros as necessary, with one more word of zeros, or
without zeros (an unknown field fills the gap)."""

# Field 2047 as a varint, by the number of missing bytes (modulo 4).
_FILLERS: Final = {
    0: b"",
    1: b"\xf8\x7f\x81\x81\x01",
    2: b"\xf8\x7f\x81\x81\x81\x01",
    3: b"\xf8\x7f\x01",
}


class OutOfStepError(Exception):
    """The received bytes are not a frame, and the rest of the stream cannot be decoded."""


class ClientStream:
    """Decode the stream of a client: one handshake, then frames. Accepts bytes in pieces of any size.

    Args:
        frame_limit: Maximum size of an envelope or token in bytes.
    """

    def __init__(self, frame_limit: int) -> None:
        self._limit = frame_limit
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """Append bytes that were read from the socket."""
        self._buffer += data

    def handshake(self) -> str | None:
        """Return the token, or None while it is incomplete. Raises OutOfStepError."""
        if not self._buffer:
            return None
        if self._buffer[0] != HANDSHAKE:
            raise OutOfStepError("the stream does not begin with a handshake")
        token = self._words(1)
        if token is None:
            return None
        try:
            return token.rstrip(b"\0").decode("ascii")
        except UnicodeDecodeError:
            raise OutOfStepError("the token is not ASCII text") from None

    def frames(self) -> Iterator[int | bytes]:
        """Yield the complete frames: the number of a ping, or the bytes of an envelope with its padding.

        Raises OutOfStepError.
        """
        while self._buffer:
            if self._buffer[0] == _PING:
                if len(self._buffer) < SHORT_SIZE:
                    return
                cid = int.from_bytes(self._buffer[1:SHORT_SIZE], "big")
                del self._buffer[:SHORT_SIZE]
                yield cid
                continue
            envelope = self._words(0)
            if envelope is None:
                return
            yield envelope

    def _words(self, at: int) -> bytes | None:
        """Remove and return the data behind the length field at ``at``, with everything before it."""
        buffer = self._buffer
        if len(buffer) <= at:
            return None
        words, start = buffer[at], at + 1
        if words == _LONG:
            start += 3
            if len(buffer) < start:
                return None
            words = int.from_bytes(buffer[at + 1 : start], "little")
        elif not 0 < words < _LONG:
            raise OutOfStepError(f"0x{words:02x} is not a length")
        size = words * _WORD
        if size > self._limit:
            raise OutOfStepError(f"a frame of {size} bytes exceeds the limit of {self._limit}")
        if len(buffer) < start + size:
            return None
        taken = bytes(buffer[start : start + size])
        del buffer[: start + size]
        return taken


def abridged_frame(envelope: bytes, padding: Padding = "zeros") -> bytes:
    """Return a server frame that contains this envelope."""
    missing = -len(envelope) % _WORD
    if padding == "none":
        envelope += _FILLERS[missing]
    else:
        envelope += bytes(missing + (_WORD if padding == "more" else 0))
    words = len(envelope) // _WORD
    if words < _LONG:
        return bytes((words,)) + envelope
    return bytes((_LONG,)) + words.to_bytes(3, "little") + envelope


def short_pong(cid: int) -> bytes:
    """Return the answer to a ping of three bytes."""
    return bytes((_PING,)) + cid.to_bytes(2, "big")
