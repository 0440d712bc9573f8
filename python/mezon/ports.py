"""The ports of a client: the interfaces between it and the network and disk.

A client has three ports: a *connection* to the gateway, a *transport* for HTTP and a *store* for messages, each of them
one Protocol. ``mezon/_client/assembly.py`` creates the implementations of this package (the core, aiohttp, SQLite); all
other modules depend on this one. ``MezonClient(ports=...)`` accepts other implementations, for example fakes in a test.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, Protocol

from mezon.errors import MezonConnectionError, MezonError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence

    from mezon.models import ChannelMessage

__all__ = [
    "CLOSED",
    "AnswerTooLongError",
    "Connection",
    "ConnectionListener",
    "HttpAnswer",
    "HttpFailure",
    "HttpLane",
    "HttpRequest",
    "HttpStream",
    "HttpTransport",
    "MessageStore",
    "NarrowConnection",
    "Ports",
    "SessionRefusedError",
    "SharedEventListener",
    "WaitingConnection",
]

#: The reason of the state ``closed`` after a call of ``Connection.close``.
CLOSED: Final = "closed by the client"


class SessionRefusedError(MezonError):
    """Raised by ``new_urls``: the server refuses the credentials, so further attempts are pointless."""


class ConnectionListener(Protocol):
    """The listener of a connection. Its methods are called on the event loop that opened the connection."""

    def capacity(self) -> int:
        """Return how many events may be delivered now. Called before each batch; answers to calls are not limited."""

    def on_event(self, name: str, event: Any, /) -> None:
        """Receive an event.

        Args:
            name: The envelope field, as a member of ``Events`` names it.
            event: The model, or the protobuf message if the event has no model.
        """

    def on_state(self, state: str, generation: int, reason: str, /) -> None:
        """Receive a state change, before any event of the new state.

        Args:
            state: idle, authenticating, connecting, joining, ready, backoff or closed.
            generation: The number of the connection, incremented by each attempt.
            reason: Why the connection ended, for backoff and closed; ``CLOSED`` after a call of ``close``.
        """

    async def new_urls(self, attempt: int, /) -> Sequence[str]:
        """Return the addresses for a reconnect, the best first, as for ``Connection.open``.

        Args:
            attempt: 1 for the first attempt after a loss.

        Raises:
            SessionRefusedError: The connection stops reconnecting.
            Exception: The connection retries later.
        """

    def on_reconnected(self, lost_at: float, back_at: float, /) -> None:
        """Receive the end of a loss. No events arrived between the two UNIX times in seconds."""


class Connection(Protocol):
    """One connection to the gateway. It can be opened again after a close, also on another event loop.

    The connection itself reconnects, rejoins, sends heartbeats and limits the rate of frames. It saves a received
    message to the message store before it delivers the event.

    Attributes:
        listener: Receives events and state changes. Set before ``open``.
    """

    listener: ConnectionListener | None

    @property
    def around(self) -> Callable[[str, Callable[..., Any], int], Callable[..., Any]] | None:
        """Returns a wrapper of a handler, given the event name, the handler and its index.

        For a connection that must know when the handlers of an event have ended; None to call handlers unwrapped.
        """

    @property
    def state(self) -> str:
        """idle, authenticating, connecting, joining, ready, backoff or closed."""

    @property
    def latency(self) -> float | None:
        """The last round trip of a ping in seconds; None before the first."""

    def stats(self) -> Mapping[str, Any]:
        """Return the counters by the names of ``mezon.Stats``, and possibly others."""

    async def open(self, urls: Sequence[str], auto_reconnect: bool) -> None:
        """Open the connection on the running loop. Returns when calls can be made.

        Args:
            urls: The addresses, the best first. The scheme selects the transport: ws, wss, tcp, tcps. They contain the
                token of the session: never log them.
            auto_reconnect: Reconnect when the connection is lost.

        Raises:
            MezonConnectionError: If the connection cannot be opened, or is already open.
            ForkError: In a process that was forked after its parent had connected.
        """

    async def close(self) -> None:
        """Close the connection and release the event loop. Can be called at any time and twice.

        Raises:
            ForkError: In a process that was forked after its parent had connected; nothing is closed.
        """

    def reconnect(self) -> bool:
        """Replace the connection at once; returns False if it is neither open nor being opened."""

    def want(self, name: str, wanted: bool = True) -> None:
        """Deliver the events of an envelope field, or only count them. Can be called before ``open``."""

    def hold(self) -> None:
        """Stop delivering events: the client is closing and waits for its handlers. Calls remain possible."""

    def resume(self) -> None:
        """Call ``capacity`` again: it has returned 0 and would not now."""

    async def call(self, name: str, value: Mapping[str, Any] | bytes, timeout: float) -> tuple[str, Any]:
        """Send ``value`` in the envelope field ``name`` and wait for the answer.

        Args:
            name: The envelope field.
            value: The fields by their protobuf names, or the encoded message.
            timeout: Seconds, including the time in the queue.

        Returns:
            The envelope field of the answer and its model; the encoded message if the answer has no model.

        Raises:
            ServerError: If the server refuses the call.
            MezonTimeoutError: If no answer arrives in time.
            DeliveryUnknownError: If the connection is lost before the answer.
            MezonConnectionError: If nothing was sent: there is no connection, or it belongs to another event loop.
            InvalidArgumentError: If a value does not fit its field.
        """

    async def call_raw(self, name: str, value: Mapping[str, Any] | bytes, timeout: float) -> bytes:
        """Implement ``call`` for calls whose answer is the body of an API call, and return the body."""

    def post(self, name: str, value: Mapping[str, Any] | bytes, timeout: float) -> None:
        """Send without waiting for an answer. Raises as ``call`` if nothing could be sent."""

    def in_flight(self) -> Mapping[int, asyncio.Future[Any]]:
        """Return a copy of the pending calls by their id."""

    def take_recent(self, channel_id: int) -> Sequence[ChannelMessage]:
        """Return and remove the messages of a channel that arrived since the last call, oldest first."""


class SharedEventListener(Protocol):
    """An optional part of a listener: learns of events that another process of the same bot handles."""

    def on_shared_event(self, name: str, event: Any, /) -> None:
        """Apply an event to the caches of clans, channels and users. No handler and no waiter gets it."""

    def on_direct_event(self, name: str, event: Any, /) -> None:
        """Pass an event to the waiters. No handler gets it, and it changes no cache."""


class WaitingConnection(Protocol):
    """An optional part of a connection: learns when the program begins to wait for an event."""

    def on_wait(self, name: str) -> None:
        """Note a call of ``wait_for`` or ``stream``, in the context of the caller."""


class NarrowConnection(Protocol):
    """An optional part of a connection: applies the filters of handlers, so that unwanted events are not decoded."""

    def narrow(self, name: str, spec: Mapping[str, Any] | None) -> None:
        """Deliver only the events of a name that match a filter (`mezon.filters`); None for all of them.

        The filters of handlers are evaluated again, so delivering more is allowed. Messages with an unknown channel or
        sender, or with a changed profile of the sender, are always delivered.
        """


#: The default maximum length of an answer, in bytes after decompression.
MAX_ANSWER = 64 * 1024 * 1024


class HttpLane(Enum):
    """The rate limit that applies to a request."""

    #: The rate limit of API calls.
    API = "api"
    #: The rate limit of logins, so that queued calls do not delay a login.
    LOGIN = "login"
    #: No rate limit: uploads, token services and agent events do not count as API calls.
    FREE = "free"


@dataclass(slots=True)
class HttpRequest:
    """One request. An object that is sent again keeps its position in the queue of its lane.

    Attributes:
        name: Its name in errors and logs, such as the name of the RPC.
        method: The HTTP method.
        url: An http or https URL.
        exact: Send the URL byte for byte: quoting it again would invalidate a signature of it.
        headers, params, body: Omitted from the repr because they contain secrets.
        timeout: Seconds from the end of the queue to the end of the answer (for a stream: to its headers); None for no
            limit.
        named_timeout: The seconds in the text of a timeout error, if not ``timeout``.
        read_timeout: Seconds a stream may be silent; None for no limit.
        max_answer: The maximum length of the answer in bytes.
        lane: The rate limit that applies.
        priority: The position among queued requests (`mezon.api.Priority`); None for that of the context.
        on_turn: Called on the loop before the request is sent. It may change headers, or raise to abort the request.
        ticket: Used by the transport for the position in the queue.
    """

    name: str
    method: str
    url: str = field(repr=False)
    headers: dict[str, Any] = field(default_factory=dict, repr=False)
    params: Mapping[str, Any] | None = field(default=None, repr=False)
    body: Any = field(default=None, repr=False)
    timeout: float | None = None
    named_timeout: float | None = None
    read_timeout: float | None = None
    max_answer: int = MAX_ANSWER
    lane: HttpLane = HttpLane.FREE
    priority: int | None = None
    on_turn: Callable[[], None] | None = field(default=None, repr=False)
    exact: bool = False
    ticket: Any = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An answer of any status. The keys of ``headers`` have their usual spelling."""

    status: int
    reason: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class HttpExchange:
    """One request and its answer, as the flight recorder keeps them.

    Attributes:
        name: The name of the RPC.
        status: The HTTP status; 0 if no answer came.
        seconds: How long it took.
        error: The kind of the failure if no answer came.
    """

    name: str
    method: str
    path: str
    status: int
    seconds: float
    request: bytes = b""
    response: bytes = b""
    error: str = ""

    def encode(self) -> bytes:
        """Return the bytes that the recorder keeps."""
        head = json.dumps(
            [self.name, self.method, self.path, self.status, self.seconds, self.error, len(self.request)]
        ).encode()
        return b"".join((len(head).to_bytes(4, "big"), head, self.request, self.response))

    @classmethod
    def decode(cls, data: bytes) -> HttpExchange:
        """Return the exchange that `encode` has encoded."""
        end = 4 + int.from_bytes(data[:4], "big")
        name, method, path, status, seconds, error, size = json.loads(data[4:end])
        request, response = data[end : end + size], data[end + size :]
        return cls(name, method, path, status, seconds, request, response, error)


class HttpStream(Protocol):
    """An answer whose body is received in chunks."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers; the keys have their usual spelling."""

    def chunks(self) -> AsyncIterator[bytes]:
        """Iterate over the chunks of the body.

        Raises:
            MezonTimeoutError: No data arrived for ``read_timeout`` seconds.
            HttpFailure: The connection was lost.
        """


class HttpFailure(MezonConnectionError):
    """A request without an answer. Contains no headers, query or body, and chains no exception that does.

    Attributes:
        reason: The text without the name of the call.
        sent: Whether the server may have received the request.
        lasting: Whether a retry is pointless (a wrong address, an untrusted certificate, a closed client).
    """

    def __init__(self, text: str, *, reason: str = "", sent: bool, lasting: bool = False) -> None:
        super().__init__(text)
        self.reason: str = reason or text
        self.sent = sent
        self.lasting = lasting


class AnswerTooLongError(MezonError):
    """The answer is longer than the ``max_answer`` of the request; the rest was not read.

    Attributes:
        answer: The answer without its body.
    """

    def __init__(self, text: str, answer: HttpAnswer) -> None:
        super().__init__(text)
        self.answer = answer


class HttpTransport(Protocol):
    """Sends HTTP requests: rate limits, connections and TLS. Redirects are not followed."""

    async def send(self, request: HttpRequest) -> HttpAnswer:
        """Wait for the rate limit, send the request once and return the complete answer of any status.

        Raises:
            MezonTimeoutError: The answer was not complete within the timeout.
            HttpFailure: There was no answer.
            AnswerTooLongError: The answer is longer than ``max_answer``.
            InvalidArgumentError: The request is invalid.
        """

    def stream(self, request: HttpRequest) -> AbstractAsyncContextManager[HttpStream]:
        """Send a request with an endless answer, which is closed when the block is left."""

    def hold(self, lane: HttpLane, seconds: float) -> None:
        """Pause this lane for ``seconds`` (the server's Retry-After)."""

    async def close(self) -> None:
        """Abort all requests and close. Can be called at any time and twice; a later request reopens the transport."""


class MessageStore(Protocol):
    """Messages by channel and id. Ids may be ints or digit strings.

    Attributes:
        on_error: Called with a ``MessageStoreError`` if the store loses messages.
    """

    on_error: Callable[[Exception], object] | None

    def attach_loop(self, loop: asyncio.AbstractEventLoop) -> None:
        """Call ``on_error`` on this loop from now on."""

    def accept(self, body: bytes) -> None:
        """Save an encoded ``mezon.api.ChannelMessage`` of the server, without blocking."""

    def came(self, channel_id: int, message_id: int) -> bool:
        """Return whether the server's copy of a message has arrived, from memory and without blocking."""

    async def save_message(self, message: ChannelMessage | Mapping[str, Any]) -> None:
        """Save a message; replaces one with the same channel and id."""

    async def update_message(
        self,
        message_id: int | str,
        channel_id: int | str,
        content: Any,
        mentions: Any = None,
        attachments: Any = None,
    ) -> None:
        """Apply an edit to a message: replace its content, mentions and attachments."""

    async def get_message_by_id(self, message_id: int | str, channel_id: int | str) -> ChannelMessage | None:
        """Return a message; None if it is not stored."""

    async def get_messages_by_channel(
        self, channel_id: int | str, limit: int = 50, offset: int = 0
    ) -> list[dict[str, Any]]:
        """Return messages of a channel as dicts, newest first; a negative limit means no limit."""

    async def search_messages(
        self, text: str, channel_id: int | str | None = None, limit: int = 50
    ) -> list[dict[str, Any]]:
        """Return messages that contain every word of ``text``, newest first."""

    async def delete_message(self, message_id: int | str, channel_id: int | str) -> bool:
        """Delete a message; returns whether it was stored."""

    async def clear_channel_messages(self, channel_id: int | str) -> int:
        """Delete the messages of a channel and return their number."""

    async def get_message_count(self, channel_id: int | str | None = None) -> int:
        """Return the number of stored messages, of one channel or of all."""

    async def flush(self) -> bool:
        """Wait until all saved messages are on disk; returns False if that takes too long."""

    async def close(self) -> None:
        """Flush and close the store. Using it again reopens it."""

    def stats(self) -> Mapping[str, Any]:
        """Return the counters since the creation of the store."""


class Ports(Protocol):
    """The ports of one client. Each is created by its first call, and later calls return the same object."""

    def http(self) -> HttpTransport:
        """Return the HTTP transport."""

    def store(self) -> MessageStore | None:
        """Return the message store; None for a client without one."""

    def connection(self, store: MessageStore | None) -> Connection:
        """Return the connection, which saves received messages to the store."""
