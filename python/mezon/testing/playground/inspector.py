"""Record every frame in both directions and every HTTP request. They are decoded on demand."""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from google.protobuf.message import DecodeError, Message

from mezon.protobuf.api import api_pb2
from mezon.protobuf.rtapi import realtime_pb2
from mezon.testing.playground.views import plain, python_of
from mezon.testing.records import HOUSEKEEPING, Answer, Request, Sent, Tap

__all__ = ["FRAMES", "Inspector"]

FRAMES: Final = 2_000
"""Maximum number of recorded frames."""

_QUIET: Final = HOUSEKEEPING | {"pong", "channel", "last_seen_message_event"}

# The types of the answers to API calls over the socket.
_ANSWERS: Final[dict[str, Any]] = {
    "ListChannelMessages": api_pb2.ChannelMessageList,
    "SendChannelMessage": realtime_pb2.ChannelMessageAck,
    "UpdateChannelMessage": realtime_pb2.ChannelMessageUpdate,
    "DeleteChannelMessage": realtime_pb2.ChannelMessageRemove,
}


@dataclass(slots=True)
class _Frame:
    number: int
    when: float
    direction: str
    kind: str
    connection: int
    cid: int
    size: int
    payload: Any = field(repr=False)
    python: str | None
    quiet: bool
    latency: float | None = None
    note: str = ""

    def summary(self) -> dict[str, Any]:
        return {
            "n": self.number,
            "time": self.when,
            "direction": self.direction,
            "kind": self.kind,
            "connection": self.connection,
            "cid": self.cid,
            "size": self.size,
            "quiet": self.quiet,
            "latency": None if self.latency is None else round(self.latency * 1000, 1),
            "note": self.note,
        }


def _decoded(name: str, body: bytes) -> Any:
    kind = _ANSWERS.get(name)
    try:
        return kind.FromString(body) if kind is not None else body
    except DecodeError:
        return body


class Inspector(Tap):
    """Records the last frames. Calls ``publish`` with ``{"event": "frame", "frame": summary}`` for each."""

    def __init__(self, bot_id: int, publish: Callable[[dict[str, Any]], None]) -> None:
        self._bot_id = bot_id
        self._publish = publish
        self._frames: deque[_Frame] = deque(maxlen=FRAMES)
        self._numbers = itertools.count(1)
        self._calls: dict[tuple[int, int], tuple[float, str]] = {}
        self._last_event: float | None = None

    def clear(self) -> None:
        """Discard the recorded frames."""
        self._frames.clear()
        self._calls.clear()
        self._last_event = None

    def summaries(self) -> list[dict[str, Any]]:
        """Return every recorded frame without its content."""
        return [frame.summary() for frame in self._frames]

    def details(self, number: int) -> dict[str, Any]:
        """Return a frame with its content as JSON and as Python. Raises LookupError."""
        frame = next((one for one in self._frames if one.number == number), None)
        if frame is None:
            raise LookupError("this frame is no longer recorded")
        python = frame.python
        if python is None and isinstance(frame.payload, Message):
            expression = python_of(frame.payload)
            python = (
                f"await gateway.push({frame.kind}={expression})" if frame.direction == "out" else expression
            )
        return {**frame.summary(), "json": plain(frame.payload), "python": python or repr(frame.payload)}

    def _add(self, frame: _Frame) -> None:
        self._frames.append(frame)
        self._publish({"event": "frame", "frame": frame.summary()})

    # Implementation of Tap

    def on_sent(self, sent: Sent) -> None:
        """Record a frame from the bot. Its latency is the time since the last event to the bot."""
        kind = sent.api_name or sent.kind or "nothing"
        if len(self._calls) > FRAMES:
            self._calls.clear()
        self._calls[sent.connection, sent.cid & 0xFFFF] = (sent.time, kind)
        payload = sent.body if sent.kind == "api_request_event" else sent.message
        latency = None
        if sent.kind not in _QUIET and self._last_event is not None:
            latency, self._last_event = sent.time - self._last_event, None
        size = sent.message.ByteSize() if isinstance(sent.message, Message) else 0
        self._add(
            _Frame(
                *(
                    next(self._numbers),
                    time.time(),
                    "in",
                    kind,
                    sent.connection,
                    sent.cid,
                    size,
                    payload,
                    None,
                ),
                quiet=sent.kind in _QUIET,
                latency=latency,
            )
        )

    def on_written(self, answer: Answer) -> None:
        """Record a frame to the bot. The latency of an answer is the time since its call."""
        began, of = (
            self._calls.pop((answer.connection, answer.cid & 0xFFFF), (None, ""))
            if answer.cid
            else (None, "")
        )
        latency = None if began is None else answer.time - began
        note = f"answer to {of}" if of else ""
        if answer.envelope is None:
            kind = f"error {answer.code}" if answer.code else "answer"
            payload: Any = answer.body.decode(errors="replace") if answer.code else _decoded(of, answer.body)
        else:
            kind = answer.envelope.WhichOneof("message") or "nothing"
            payload = getattr(answer.envelope, kind) if kind != "nothing" else None
            if not answer.cid and kind not in _QUIET and not self._own(kind, payload):
                self._last_event = answer.time
        self._add(
            _Frame(
                *(next(self._numbers), time.time(), "out", kind, answer.connection, answer.cid, answer.size),
                payload,
                None,
                quiet=kind in _QUIET or of in _QUIET,
                latency=latency,
                note=note,
            )
        )

    def _own(self, kind: str, payload: Any) -> bool:
        """Return whether the bot caused the event. (In a click, ``sender_id`` is the sender of the message.)"""
        return kind in ("channel_message", "message_reaction_event") and payload.sender_id == self._bot_id

    def on_request(self, request: Request) -> None:
        """Record an HTTP request and its status."""
        payload = request.message if request.message is not None else ""
        if request.name.endswith("/authenticate/token"):
            payload = "the login; id and key are hidden"
        self._add(
            _Frame(
                *(next(self._numbers), time.time(), "http", request.name, 0, 0, len(request.body), payload),
                python=python_of(payload) if isinstance(payload, Message) else repr(payload),
                quiet=request.name == "/ws",
                latency=time.monotonic() - request.time,
                note=f"{request.method} {request.status or 'cut'}",
            )
        )
