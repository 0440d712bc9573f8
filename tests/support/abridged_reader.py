"""Decode the abridged TCP stream as a client does (docs/protocol.md, "Frames from the server")."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["abridged", "websocket", "raw", "pong", "text", "refused"]


@dataclass(frozen=True)
class Item:
    """One frame from the server."""

    kind: Kind
    data: bytes = b""
    """The envelope without padding, the body of a raw chunk, a text, or the text of a refusal."""
    cid: int = 0
    code: int = 0
    last: bool = False


class OutOfStepError(Exception):
    pass


class AbridgedReader:
    def __init__(self) -> None:
        self._buffer = b""
        self._began = False

    def feed(self, data: bytes) -> Iterator[Item]:
        self._buffer += data
        while (item := self._next()) is not None:
            self._began = True
            yield item

    @property
    def rest(self) -> bytes:
        """The bytes of the incomplete frame."""
        return self._buffer

    def _next(self) -> Item | None:
        buffer = self._buffer
        if not buffer:
            return None
        if not self._began and b"HTTP/1."[: len(buffer)] == buffer[:7]:
            return self._refusal()
        first = buffer[0]
        if first == 0x00:
            return self._cut(3, 0, Item("pong", cid=int.from_bytes(buffer[1:3], "big")))
        if first < 0x7F:
            return self._envelope(1, first)
        if first == 0x7F:
            return self._envelope(4, int.from_bytes(buffer[1:4], "little")) if len(buffer) >= 4 else None
        if first == 0xFF:
            return self._chunk()
        if first in (0x81, 0x82):
            return self._frame("text" if first == 0x81 else "websocket")
        raise OutOfStepError(f"0x{first:02x} begins no frame")

    def _cut(self, head: int, size: int, item: Item) -> Item | None:
        if len(self._buffer) < head + size:
            return None
        self._buffer = self._buffer[head + size :]
        return item

    def _envelope(self, head: int, words: int) -> Item | None:
        frame = self._buffer[head : head + 4 * words]
        return self._cut(head, 4 * words, Item("abridged", without_padding(frame)))

    def _chunk(self) -> Item | None:
        head = self._buffer[:11]
        if len(head) < 11:
            return None
        size = int.from_bytes(head[7:11], "big")
        item = Item(
            "raw",
            self._buffer[11 : 11 + size],
            cid=int.from_bytes(head[1:3], "big"),
            code=int.from_bytes(head[3:5], "big"),
            last=head[6] == 0xFF,
        )
        return self._cut(11, size, item)

    def _frame(self, kind: Kind) -> Item | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        if buffer[1] & 0x80:
            raise OutOfStepError("a server does not mask")
        wide = {126: 2, 127: 8}.get(buffer[1], 0)
        if len(buffer) < 2 + wide:
            return None
        size = int.from_bytes(buffer[2 : 2 + wide], "big") if wide else buffer[1]
        head = 2 + wide
        return self._cut(head, size, Item(kind, buffer[head : head + size]))

    def _refusal(self) -> Item | None:
        head, gap, body = self._buffer.partition(b"\r\n\r\n")
        if not gap:
            return None
        lines = head.decode("ascii").split("\r\n")
        fields = dict(line.lower().split(": ", 1) for line in lines[1:])
        size = int(fields["content-length"])
        item = Item("refused", body[:size], code=int(lines[0].split(" ")[1]))
        return self._cut(len(head) + 4, size, item)


def without_padding(frame: bytes) -> bytes:
    """Return an envelope without trailing zeros: parse its fields up to a tag of 0."""
    at = end = 0
    while at < len(frame):
        tag, at = _varint(frame, at)
        if tag == 0:
            return frame[:end]
        match tag & 7:
            case 0:
                _, at = _varint(frame, at)
            case 1:
                at += 8
            case 2:
                size, at = _varint(frame, at)
                at += size
            case 5:
                at += 4
            case _:
                return frame[:end]
        if at > len(frame):
            return frame
        end = at
    return frame


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data):
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at
    return value, len(data) + 1
