"""What the gateway saw: frames the bot sent, HTTP requests, uploads, connections."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from google.protobuf.message import DecodeError, Message

from mezon.protobuf.api import api_pb2
from mezon.protobuf.rtapi import realtime_pb2
from mezon.testing.inputs import BUTTON, parts_of

__all__ = [
    "HOUSEKEEPING",
    "KINDS",
    "MAKES",
    "MAX_WITHOUT",
    "Connections",
    "Handshake",
    "Request",
    "Sent",
    "Transport",
    "Upload",
    "keep",
]

Transport = Literal["websocket", "tcp"]

_T = TypeVar("_T")

HOUSEKEEPING = frozenset({"ping", "pong", "clan_join", "channel_join", "channel_leave"})
"""What a client sends by itself: ``next_sent()`` without a kind passes over these."""

MAKES = frozenset({"channel_message_send", "ephemeral_message_send"})
"""What a message comes of."""

MAX_WITHOUT = 1_000
"""How many of them may wait for theirs; of a refused one none ever comes."""

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
"""Short names, and the envelope field or API name that each stands for. Changes and deletions are API calls."""

_NAMES = {name: short for short, name in reversed(KINDS.items())}

# Bodies of api_request_event the gateway shows decoded.
_API_BODIES: dict[str, type[Message]] = {
    "UpdateChannelMessage": realtime_pb2.ChannelMessageUpdate,
    "DeleteChannelMessage": realtime_pb2.ChannelMessageRemove,
    "SendChannelMessage": realtime_pb2.ChannelMessageSend,
    "ListChannelMessages": api_pb2.ListChannelMessagesRequest,
}


@dataclass(slots=True, frozen=True)
class Sent:
    """One envelope the bot sent.

    Attributes:
        kind: The envelope's field name, such as ``channel_message_send``.
        message: The decoded protobuf message of that field.
        cid: The request number the answer carries.
        time: ``time.monotonic()`` of its arrival.
        connection: Number of the connection it came on, counted from 1.
        api_name: For ``api_request_event`` the name of the API, such as ``UpdateChannelMessage``.
        body: For ``api_request_event`` the decoded body (bytes when the gateway does not know the API).
        transport: What carried it.
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
    """Filled in by the gateway: the id of the message that came of it."""

    @classmethod
    def from_envelope(
        cls,
        envelope: realtime_pb2.Envelope,
        *,
        time: float,
        connection: int,
        transport: Transport = "websocket",
    ) -> Sent:
        """Take an envelope apart."""
        kind = envelope.WhichOneof("message") or ""
        message = getattr(envelope, kind) if kind else None
        api_name, body = "", None
        if kind == "api_request_event":
            event = envelope.api_request_event
            api_name, body = event.api_name, _decode_api_body(event.api_name, event.body)
        return cls(kind, message, envelope.cid, time, connection, api_name, body, transport)

    def is_a(self, kind: str) -> bool:
        """Say whether this is of that kind: an envelope field, an API name, or one of the short names in ``KINDS``."""
        return KINDS.get(kind, kind) in (self.kind, self.api_name)

    @property
    def name(self) -> str:
        """The short name of its kind, else the API name or the envelope field."""
        exact = self.api_name or self.kind
        return _NAMES.get(exact, exact)

    @property
    def payload(self) -> Any:
        """The message that matters: an ephemeral's inner message, an API call's body, else ``message``."""
        if self.kind == "ephemeral_message_send":
            return self.message.message
        return self.body if self.kind == "api_request_event" else self.message

    @property
    def message_id(self) -> int:
        """The message that came of it, or that it changes, deletes or reacts to; 0 for a refused send and the rest."""
        return self.made[0] if self.made else int(getattr(self.payload, "message_id", 0))

    @property
    def content(self) -> Any:
        """The decoded JSON content of a sent, ephemeral or updated message; None for anything else."""
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
        """What its buttons say, in their order."""
        return [part.label for part in parts_of(self.content) if part.kind == BUTTON]

    @property
    def channel_id(self) -> int:
        """The channel it is about, or 0."""
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
    """One HTTP request the gateway got. Credentials stay out of the repr."""

    method: str
    path: str
    name: str
    """The RPC's method name, else the path."""
    time: float
    """``time.monotonic()`` of its arrival."""
    query: Mapping[str, str] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    message: Any = field(default=None, repr=False)
    """The decoded protobuf message or JSON value of the body."""
    status: int = 0
    """The status of the answer, 0 while there is none."""


@dataclass(slots=True, frozen=True)
class Upload:
    """A file somebody PUT to the gateway."""

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
    """``time.monotonic()`` of the answer; on TCP, which has none, of the decision."""
    status: int = 0
    """The HTTP status of a refusal; 0 for a TCP connection that was closed without a word."""


@dataclass(slots=True)
class Connections:
    """Counts of socket connections, WebSocket and TCP."""

    live: int = 0
    """Open now."""
    total: int = 0
    """Ever accepted."""
    max_live: int = 0
    """The most that were open at one time: 1 for a client that never has two."""


def keep(items: list[_T], item: _T, limit: int) -> None:
    """Append; when the list is full, drop its oldest tenth first."""
    if len(items) >= limit:
        del items[: max(1, limit // 10)]
    items.append(item)
