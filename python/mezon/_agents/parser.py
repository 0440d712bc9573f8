"""A parser for event streams, after the HTML standard (section 9.2.6): bytes in, events out, no I/O."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

MAX_EVENT_CHARS = 1 << 20
"""Characters one event may hold. A longer one is dropped; the stream goes on."""


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """One event. ``event`` is "message" unless the stream said otherwise."""

    event: str
    data: str
    last_event_id: str


class EventStreamParser:
    """Takes the bytes of a stream in any pieces and gives the events they complete.

    Lines end in LF, CR or CRLF, a byte order mark at the start is skipped, bytes that are no UTF-8 become
    U+FFFD. What follows the last blank line is no event, so nothing has to be done at the end of a stream.

    Attributes:
        last_event_id: The id to send as ``Last-Event-ID`` when connecting again.
        retry_ms: The reconnection time the server asked for, in milliseconds, or None.
        dropped: Events that were too long.
    """

    def __init__(self, *, last_event_id: str = "", max_event_chars: int = MAX_EVENT_CHARS) -> None:
        self.last_event_id = last_event_id
        self.retry_ms: int | None = None
        self.dropped = 0
        self._limit = max_event_chars
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._at_start = True
        self._after_cr = False
        self._line: list[str] = []
        self._line_size = 0
        self._data: list[str] = []
        self._data_size = 0
        self._overflow = False
        self._event = ""
        self._id = last_event_id

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """Give the events that ``chunk`` completes, in order."""
        text = self._decoder.decode(chunk)
        if not text:
            return []
        if self._at_start:
            self._at_start = False
            text = text.removeprefix("\ufeff")
        if self._after_cr:
            self._after_cr = False
            # The other half of a CRLF that was cut in two.
            text = text.removeprefix("\n")
        if not text:
            return []
        self._after_cr = text.endswith("\r")
        events: list[ServerSentEvent] = []
        *complete, rest = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        for part in complete:
            self._keep(part)
            line = "".join(self._line)
            self._line.clear()
            self._line_size = 0
            if line:
                self._field(line)
            else:
                event = self._dispatch()
                if event is not None:
                    events.append(event)
        self._keep(rest)
        return events

    def _keep(self, part: str) -> None:
        """Add to the line under way, unless the event is too long already."""
        if not part:
            return
        self._line_size += len(part)
        if self._line_size + self._data_size > self._limit:
            self._overflow = True
            self._data.clear()
        if self._overflow:
            # One character tells the line from a blank one, which ends the event.
            self._line[:] = [":"]
        else:
            self._line.append(part)

    def _field(self, line: str) -> None:
        if self._overflow or line.startswith(":"):
            return
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
            self._data_size += len(value) + 1
        elif name == "event":
            self._event = value
        elif name == "id":
            if "\0" not in value:
                self._id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            self.retry_ms = int(value[:18])

    def _dispatch(self) -> ServerSentEvent | None:
        data, self._data = self._data, []
        event, self._event = self._event, ""
        overflow, self._overflow = self._overflow, False
        self._data_size = 0
        if overflow:
            self.dropped += 1
            return None
        self.last_event_id = self._id
        if not data:
            return None
        return ServerSentEvent(event or "message", "\n".join(data), self.last_event_id)
