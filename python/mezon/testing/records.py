"""What a gateway records: envelopes from the bot, HTTP requests, uploads, connections; and taps that observe them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from google.protobuf.message import DecodeError, Message

from mezon.protobuf.api import api_pb2
from mezon.protobuf.rtapi import realtime_pb2
from mezon.testing.messages import BUTTON, components_of

__all__ = [
    "HOUSEKEEPING",
    "KINDS",
    "MAKES",
    "MAX_PENDING",
    "Answer",
    "Connections",
    "Handshake",
    "Request",
    "Sent",
    "Tap",
    "Transport",
    "Upload",
    "keep",
]

Transport = Literal["websocket", "tcp"]

_T = TypeVar("_T")

HOUSEKEEPING = frozenset({"ping", "pong", "clan_join", "channel_join", "channel_leave"})
"""Kinds that a client sends on its own. ``next_sent()`` without a kind skips them."""

MAKES = frozenset({"channel_message_send", "ephemeral_message_send"})
"""Kinds that create a message."""

MAX_PENDING = 1_000
"""Maximum number of sends without a message id that are tracked. A refused send never gets an id."""

KINDS = {
    "message": "channel_message_send",
    "ephemeral": "ephemeral_message_send",
    "update": "UpdateChannelMessage",
    "channel_message_update": "UpdateChannelMessage",
    "delete": "DeleteChannelMessage",
    "channel_message_remove": "DeleteChannelMessage",
    "reaction": "message_reaction_event",
    "typing": "message_typing_event",
}
"""The envelope field or API name behind each short name. Updates and deletions are API calls."""

_NAMES = {name: short for short, name in reversed(KINDS.items())}

# API request bodies that the gateway decodes.
_API_BODIES: dict[str, type[Message]] = {
    "UpdateChannelMessage": realtime_pb2.ChannelMessageUpdate,
    "DeleteChannelMessage": realtime_pb2.ChannelMessageRemove,
    "SendChannelMessage": realtime_pb2.ChannelMessageSend,
    "ListChannelMessages": api_pb2.ListChannelMessagesRequest,
}


@dataclass(slots=True, frozen=True)
class Sent:
    """One envelope that the bot sent.

    Attributes:
        kind: The envelope's field name, such as ``channel_message_send``.
        message: The decoded protobuf message of that field.
        cid: The request number, which the answer repeats.
        time: ``time.monotonic()`` of its arrival.
        connection: Number of its connection, counted from 1.
        api_name: For ``api_request_event`` the name of the API, such as ``UpdateChannelMessage``.
        body: For ``api_request_event`` the decoded body (bytes if the gateway does not know the API).
        transport: The transport of its connection.
    """

    kind: str
    message: Any
    cid: int
    time: float
    connection: int
    api_name: str = ""
    body: Any = None
    transport: Transport = "websocket"
    made: list[int] = field(default_factory=list, repr=False, compare=False)
    """The id of the message it created. Set by the gateway."""

    @classmethod
    def from_envelope(
        cls,
        envelope: realtime_pb2.Envelope,
        *,
        time: float,
        connection: int,
        transport: Transport = "websocket",
    ) -> Sent:
        """Create a record from an envelope."""
        kind = envelope.WhichOneof("message") or ""
        message = getattr(envelope, kind) if kind else None
        api_name, body = "", None
        if kind == "api_request_event":
            event = envelope.api_request_event
            api_name, body = event.api_name, _decode_api_body(event.api_name, event.body)
        return cls(kind, message, envelope.cid, time, connection, api_name, body, transport)

    def is_a(self, kind: str) -> bool:
        """Return whether this is of a kind: an envelope field, an API name, or a short name from ``KINDS``."""
        return KINDS.get(kind, kind) in (self.kind, self.api_name)

    @property
    def name(self) -> str:
        """The short name of its kind; otherwise the API name or the envelope field."""
        exact = self.api_name or self.kind
        return _NAMES.get(exact, exact)

    @property
    def payload(self) -> Any:
        """The inner message of an ephemeral message, the body of an API call, otherwise ``message``."""
        if self.kind == "ephemeral_message_send":
            return self.message.message
        return self.body if self.kind == "api_request_event" else self.message

    @property
    def message_id(self) -> int:
        """The message it created, or that it updates, deletes or reacts to; 0 for a refused send and other kinds."""
        return self.made[0] if self.made else int(getattr(self.payload, "message_id", 0))

    @property
    def content(self) -> Any:
        """The decoded JSON content of a sent, ephemeral or updated message; None for other kinds."""
        text = getattr(self.payload, "content", None)
        if not isinstance(text, str):
            return None
        try:
            return json.loads(text)
        except ValueError:
            return None

    @property
    def text(self) -> str:
        """The ``t`` of the content, or ""."""
        content = self.content
        return str(content.get("t") or "") if isinstance(content, dict) else ""

    @property
    def buttons(self) -> list[str]:
        """The labels of its buttons, in order."""
        return [one.label for one in components_of(self.content) if one.kind == BUTTON]

    @property
    def channel_id(self) -> int:
        """The id of its channel, or 0."""
        return int(getattr(self.payload, "channel_id", 0))


def _decode_api_body(name: str, body: bytes) -> Any:
    message_type = _API_BODIES.get(name)
    if message_type is None:
        return body
    message = message_type()
    try:
        message.ParseFromString(body)
    except DecodeError:
        return body
    return message


@dataclass(slots=True)
class Request:
    """One HTTP request that the gateway received. Its repr contains no credentials."""

    method: str
    path: str
    name: str
    """The RPC's method name; otherwise the path."""
    time: float
    """``time.monotonic()`` of its arrival."""
    query: Mapping[str, str] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    message: Any = field(default=None, repr=False)
    """The body as a protobuf message or JSON value."""
    status: int = 0
    """The status of the response, 0 until it is sent."""


@dataclass(slots=True, frozen=True)
class Upload:
    """A file that was PUT to the gateway."""

    filename: str
    filetype: str
    url: str
    body: bytes = field(repr=False)


@dataclass(slots=True, frozen=True)
class Handshake:
    """One attempt to open a socket."""

    transport: Transport
    accepted: bool
    time: float
    """``time.monotonic()`` of the response; on TCP, which has none, of the decision."""
    status: int = 0
    """The HTTP status of a refusal; 0 for a TCP connection that was closed without a response."""


@dataclass(slots=True)
class Connections:
    """Counts of socket connections, WebSocket and TCP."""

    live: int = 0
    """Open now."""
    total: int = 0
    """Accepted so far."""
    max_live: int = 0
    """The largest number open at the same time."""


@dataclass(slots=True, frozen=True)
class Answer:
    """What the gateway wrote to one connection: an envelope, or the answer to an API call.

    Attributes:
        connection: Number of the connection, counted from 1.
        time: ``time.monotonic()``.
        cid: The request number of the call it answers; 0 for a push.
        size: Size of the payload in bytes.
        envelope: The envelope; None for the answer to an API call.
        code, body: The response code and the whole body of an answer to an API call.
    """

    connection: int
    time: float
    cid: int
    size: int
    envelope: realtime_pb2.Envelope | None
    code: int = 0
    body: bytes = field(default=b"", repr=False)


class Tap:
    """Observe the traffic of a gateway: override methods and append an instance to ``gateway.taps``.

    The gateway calls the methods on its event loop while it handles the traffic: they must be fast and must not
    raise. Bursts (``blast``) and raw bytes (``push_wire``) are not reported.
    """

    def on_sent(self, sent: Sent) -> None:
        """Handle an envelope from a bot."""

    def on_written(self, answer: Answer) -> None:
        """Handle an envelope or answer that the gateway wrote to a connection."""

    def on_published(self, envelope: realtime_pb2.Envelope, receivers: Sequence[int] = ()) -> None:
        """Handle an event, whether or not a bot is connected.

        ``receivers`` are the only users who can see it (an ephemeral message); empty for everyone.
        """

    def on_request(self, request: Request) -> None:
        """Handle an HTTP request that was answered."""

    def on_connections(self, live: int) -> None:
        """Handle a change of the number of open sockets."""


def keep(items: list[_T], item: _T, limit: int) -> None:
    """Append ``item``. If the list is full, drop its oldest tenth first."""
    if len(items) >= limit:
        del items[: max(1, limit // 10)]
    items.append(item)
