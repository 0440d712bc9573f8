"""Sans-I/O parser for event streams as specified by the HTML standard (section 9.2.6)."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

MAX_EVENT_CHARS = 1 << 20
"""Maximum number of characters of an event. A longer event is dropped; the stream continues."""


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """One event. ``event`` is "message" unless the stream names another type."""

    event: str
    data: str
    last_event_id: str


class EventStreamParser:
    """Parse a byte stream, split at any positions, into events.

    Lines end in LF, CR or CRLF; a byte order mark at the start is skipped; invalid UTF-8 becomes U+FFFD. Data after the
    last blank line is not an event, so nothing has to be done at the end of a stream.

    Attributes:
        last_event_id: The id to send as ``Last-Event-ID`` on reconnect.
        retry_ms: The reconnection time requested by the server, in milliseconds, or None.
        dropped: The number of events dropped for their length.
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
        """Return the events that ``chunk`` completes, in order."""
        text = self._decoder.decode(chunk)
        if not text:
            return []
        if self._at_start:
            self._at_start = False
            text = text.removeprefix("\ufeff")
        if self._after_cr:
            self._after_cr = False
            # The second half of a CRLF that was split.
            text = text.removeprefix("\n")
        if not text:
            return []
        self._after_cr = text.endswith("\r")
        events: list[ServerSentEvent] = []
        *complete, rest = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        for part in complete:
            self._append(part)
            line = "".join(self._line)
            self._line.clear()
            self._line_size = 0
            if line:
                self._field(line)
            else:
                event = self._dispatch()
                if event is not None:
                    events.append(event)
        self._append(rest)
        return events

    def _append(self, part: str) -> None:
        """Append to the current line unless the event is too long."""
        if not part:
            return
        self._line_size += len(part)
        if self._line_size + self._data_size > self._limit:
            self._overflow = True
            self._data.clear()
        if self._overflow:
            # One character distinguishes the line from a blank one, which ends the event.
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
