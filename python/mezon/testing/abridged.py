"""The abridged stream (docs/protocol.md, "Abridged TCP"): a client's in any pieces, the server's as written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

__all__ = [
    "HANDSHAKE",
    "LEAST_FRAME_LIMIT",
    "SHORT_SIZE",
    "ClientStream",
    "OutOfStepError",
    "Padding",
    "abridged_frame",
    "short_pong",
]

HANDSHAKE: Final = 0xEF
SHORT_SIZE: Final = 3
"""Bytes of a ping or pong that is no envelope."""

_PING: Final = 0x00
_LONG: Final = 0x7F
_WORD: Final = 4

LEAST_FRAME_LIMIT: Final = 64
"""No limit on frames may be smaller: a ping envelope and a join have to fit."""

Padding = Literal["zeros", "more", "none"]
"""How an envelope comes to a multiple of 4 bytes: as few zeros as needed, a word of zeros more than that, or no
zeros at all (a field that no client knows fills the gap)."""

# Field 2047 as a varint, by the number of bytes that are missing (modulo 4).
_FILLERS: Final = {
    0: b"",
    1: b"\xf8\x7f\x81\x81\x01",
    2: b"\xf8\x7f\x81\x81\x81\x01",
    3: b"\xf8\x7f\x01",
}


class OutOfStepError(Exception):
    """What came is no frame: the connection cannot be read any further."""


class ClientStream:
    """What a client writes: one handshake, then frames. Takes bytes in any pieces.

    Args:
        frame_limit: The greatest envelope (and token) taken, in bytes.
    """

    def __init__(self, frame_limit: int) -> None:
        self._limit = frame_limit
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """Take what was read from the socket."""
        self._buffer += data

    def handshake(self) -> str | None:
        """Give the token, or None when it is not there as a whole. Raises OutOfStepError."""
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
            raise OutOfStepError("the token is no text") from None

    def frames(self) -> Iterator[int | bytes]:
        """Give the whole frames there are: the number of a ping, or the bytes of an envelope with its padding.

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
        """Take a length in words at this place and what it counts, with all that stands before."""
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
            raise OutOfStepError(f"0x{words:02x} is no length")
        size = words * _WORD
        if size > self._limit:
            raise OutOfStepError(f"a frame of {size} bytes is longer than {self._limit}")
        if len(buffer) < start + size:
            return None
        taken = bytes(buffer[start : start + size])
        del buffer[: start + size]
        return taken


def abridged_frame(envelope: bytes, padding: Padding = "zeros") -> bytes:
    """Give a frame of the server with this envelope."""
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
    """Give the answer to a ping of three bytes."""
    return bytes((_PING,)) + cid.to_bytes(2, "big")
