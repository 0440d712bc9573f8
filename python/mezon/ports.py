"""What a client needs from outside, as interfaces.

A client needs three things that it cannot do by itself: a *connection* to the gateway, a *transport* for HTTP, and a
*store* for messages. Each is one small Protocol here. What this package itself puts behind them (the core, aiohttp,
SQLite) is made in one place, ``mezon/_client/assembly.py``, and handed in; everything else knows this file only.
``MezonClient(ports=...)`` takes others: fakes in a test, or an implementation that talks to another process.
"""

from __future__ import annotations

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
]

#: The reason of the state closed when ``Connection.close`` has brought it about.
CLOSED: Final = "closed by the client"


class SessionRefusedError(MezonError):
    """Raised by ``new_urls``: the server refuses the credentials, so no further attempt will help."""


class ConnectionListener(Protocol):
    """Who a connection tells what happens. Every method is called on the event loop that opened it."""

    def capacity(self) -> int:
        """Say how many events may come now; 0 for none. Asked before each batch. Answers to calls come all the same."""

    def on_event(self, name: str, event: Any, /) -> None:
        """Take an event.

        Args:
            name: The envelope field, as a member of ``Events`` names it.
            event: The model, or the protobuf message when there is no model.
        """

    def on_state(self, state: str, generation: int, reason: str, /) -> None:
        """Hear of a new state, before any event of that state.

        Args:
            state: idle, authenticating, connecting, joining, ready, backoff or closed.
            generation: The number of the connection; each attempt has the next one.
            reason: Why it ended, for backoff and closed; ``CLOSED`` when ``close`` has ended it.
        """

    async def new_urls(self, attempt: int, /) -> Sequence[str]:
        """Bring the addresses for a reconnect, the best first, as ``Connection.open`` takes them.

        Args:
            attempt: 1 for the first attempt after a loss.

        Raises:
            SessionRefusedError: The attempts end.
            Exception: Anything else; the connection tries again later.
        """

    def on_reconnected(self, lost_at: float, back_at: float, /) -> None:
        """Hear that a lost connection is back. Both are UNIX times in seconds; no event of that time came."""


class Connection(Protocol):
    """One connection to the gateway. It may be opened, closed and opened again, also on another event loop.

    It reconnects, joins again, keeps the heartbeat and the limit of frames by itself. A message that comes is in the
    message store before its event is told.

    Attributes:
        listener: Who is told what happens. Set before ``open``.
    """

    listener: ConnectionListener | None

    @property
    def around(self) -> Callable[[str, Callable[..., Any], int], Callable[..., Any]] | None:
        """What is called in place of a handler, given the event, the handler and its place among them.

        For a connection that has to know when the handlers of an event have ended; None for handlers as they are.
        """

    @property
    def state(self) -> str:
        """idle, authenticating, connecting, joining, ready, backoff or closed."""

    @property
    def latency(self) -> float | None:
        """The last round trip of a ping in seconds; None before the first."""

    def stats(self) -> Mapping[str, Any]:
        """Give the counters by the names of ``mezon.Stats``; others may be among them."""

    async def open(self, urls: Sequence[str], auto_reconnect: bool) -> None:
        """Open the connection on the running loop; returns when calls can be made.

        Args:
            urls: Where to connect, the best first. The scheme names the transport: ws, wss, tcp, tcps. They hold
                the session's token: never log them.
            auto_reconnect: Connect again when the connection is lost.

        Raises:
            MezonConnectionError: If it cannot be opened, or is open already.
            ForkError: In a process that was forked after its parent had connected.
        """

    async def close(self) -> None:
        """Close the connection and leave the event loop. Safe at any time, and twice.

        Raises:
            ForkError: In a process that was forked after its parent had connected; nothing is touched.
        """

    def reconnect(self) -> bool:
        """Make a new connection at once; False when there is none and none is being made."""

    def want(self, name: str, wanted: bool = True) -> None:
        """Have the events of an envelope field told, or counted and dropped. Possible before ``open``."""

    def hold(self) -> None:
        """Hear that the client takes no more events, and closes when its handlers have ended. Calls go on."""

    def resume(self) -> None:
        """Ask ``capacity`` again: it was 0 and there is room now."""

    async def call(self, name: str, value: Mapping[str, Any] | bytes, timeout: float) -> tuple[str, Any]:
        """Send ``value`` in the envelope field ``name`` and wait for the answer: its field and its model.

        Args:
            name: The envelope field.
            value: The fields by their protobuf names, or the encoded message.
            timeout: Seconds, the wait for its turn included.

        Returns:
            The answer's field and its model; the encoded message when there is no model.

        Raises:
            ServerError: If the server refuses the call.
            MezonTimeoutError: If no answer comes in time.
            DeliveryUnknownError: If the connection is lost before the answer.
            MezonConnectionError: If nothing was sent, because there is no connection or for another event loop.
            InvalidArgumentError: If a value does not fit its field.
        """

    async def call_raw(self, name: str, value: Mapping[str, Any] | bytes, timeout: float) -> bytes:
        """Call like ``call``, for calls whose answer is the body of an API call."""

    def post(self, name: str, value: Mapping[str, Any] | bytes, timeout: float) -> None:
        """Send without waiting for an answer. Raises what ``call`` raises when nothing could be sent."""

    def in_flight(self) -> Mapping[int, asyncio.Future[Any]]:
        """Give the calls that wait for their answers, by a number of the connection's own; a copy."""

    def take_recent(self, channel_id: int) -> Sequence[ChannelMessage]:
        """Take the messages of a channel that came since it was last asked, oldest first."""


class NarrowConnection(Protocol):
    """What a connection may do beside, so that handlers' filters spare it, and Python, the events they do not want."""

    def narrow(self, name: str, spec: Mapping[str, Any] | None) -> None:
        """Tell those alone of the wanted events of a name that handlers want (`mezon.filters`); None for all.

        Telling more does no harm: each handler's own filter is asked again. Messages that show a channel or a sender
        for the first time, or a sender's new looks, are told in any case.
        """


#: The longest answer that is read when a request sets no bound, in bytes after decompression.
MAX_ANSWER = 64 * 1024 * 1024


class HttpLane(Enum):
    """Which of the client's limits a request waits for."""

    #: The limit of the bot's calls.
    API = "api"
    #: A limit of its own, so that a login takes no longer because calls wait.
    LOGIN = "login"
    #: None: uploads, token services and agent events are not counted by the API.
    FREE = "free"


@dataclass(slots=True)
class HttpRequest:
    """One request. Sent again, the same object keeps its place in the line of its lane.

    Attributes:
        name: What errors and logs call it; an RPC's name.
        method: The HTTP method.
        url: Where it goes: http or https.
        exact: The URL goes out byte for byte: quoting it again would break a signature over it.
        headers, params, body: What it carries. They hold secrets, so they stay out of the repr.
        timeout: Seconds for the request from its turn on (for a stream: until the headers); None for no limit.
        named_timeout: The seconds to name in the error when they are over, if not ``timeout``.
        read_timeout: Seconds a stream may be silent; None for no limit.
        max_answer: The longest answer that is read, in bytes.
        lane: The limit it waits for.
        priority: Who goes first when requests wait (`mezon.api.Priority`); None for that of the context.
        on_turn: Called on the loop when it is about to go out. It may change headers, or raise to stop it.
        ticket: The transport's own note of the place in the line.
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
    """What came back, whatever its status. ``headers`` are looked up by their usual spelling."""

    status: int
    reason: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)


class HttpStream(Protocol):
    """An answer whose body comes piece by piece."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, looked up by their usual spelling."""

    def chunks(self) -> AsyncIterator[bytes]:
        """Give the body as it comes.

        Raises:
            MezonTimeoutError: It was silent for ``read_timeout`` seconds.
            HttpFailure: The connection broke.
        """


class HttpFailure(MezonConnectionError):
    """No answer. It holds no header, no query and no body, and no exception of a library that would.

    Attributes:
        reason: The same without the name of the call, for texts of one's own.
        sent: Whether the other side may have seen the request.
        lasting: Trying again will not help (a wrong address, an untrusted certificate, a closed client).
    """

    def __init__(self, text: str, *, reason: str = "", sent: bool, lasting: bool = False) -> None:
        super().__init__(text)
        self.reason: str = reason or text
        self.sent = sent
        self.lasting = lasting


class AnswerTooLongError(MezonError):
    """The answer is longer than the request's ``max_answer``, which was read no further.

    Attributes:
        answer: The answer without its body.
    """

    def __init__(self, text: str, answer: HttpAnswer) -> None:
        super().__init__(text)
        self.answer = answer


class HttpTransport(Protocol):
    """One request in, one answer out; limits, connections and TLS are behind it. No redirect is followed."""

    async def send(self, request: HttpRequest) -> HttpAnswer:
        """Wait for the request's turn, make it once, and read the answer whole, whatever its status.

        Raises:
            MezonTimeoutError: No whole answer within the timeout.
            HttpFailure: No answer at all.
            AnswerTooLongError: More than ``max_answer`` bytes.
            InvalidArgumentError: The request cannot be sent as it is.
        """

    def stream(self, request: HttpRequest) -> AbstractAsyncContextManager[HttpStream]:
        """As `send`, for an answer without an end; leaving the block ends it."""

    def hold(self, lane: HttpLane, seconds: float) -> None:
        """Start nothing in this lane for so long: the server asked for it."""

    async def close(self) -> None:
        """End what waits and what is under way. Safe at any time, and twice; a later request opens again."""


class MessageStore(Protocol):
    """Messages by channel and id. Ids may be ints or digit strings.

    Attributes:
        on_error: Called with a ``MessageStoreError`` when the store cannot keep what it is given.
    """

    on_error: Callable[[Exception], object] | None

    def attach_loop(self, loop: asyncio.AbstractEventLoop) -> None:
        """Call ``on_error`` on this loop from now on."""

    def accept(self, body: bytes) -> None:
        """Store an encoded ``mezon.api.ChannelMessage``, as it came from the server. Does not wait."""

    def came(self, channel_id: int, message_id: int) -> bool:
        """Say whether the server's own copy of a message is here already. Look into memory only, and do not wait."""

    async def save_message(self, message: ChannelMessage | Mapping[str, Any]) -> None:
        """Store a message, or replace the one with its channel and id."""

    async def update_message(
        self,
        message_id: int | str,
        channel_id: int | str,
        content: Any,
        mentions: Any = None,
        attachments: Any = None,
    ) -> None:
        """Change a message as an edit does: content, mentions and attachments; the rest stays."""

    async def get_message_by_id(self, message_id: int | str, channel_id: int | str) -> ChannelMessage | None:
        """Give the message, or None."""

    async def get_messages_by_channel(
        self, channel_id: int | str, limit: int = 50, offset: int = 0
    ) -> list[dict[str, Any]]:
        """Give a channel's messages as dicts, newest first; a limit below zero is none."""

    async def search_messages(
        self, text: str, channel_id: int | str | None = None, limit: int = 50
    ) -> list[dict[str, Any]]:
        """Give messages with every word of ``text``, newest first."""

    async def delete_message(self, message_id: int | str, channel_id: int | str) -> bool:
        """Remove a message; True if there was one."""

    async def clear_channel_messages(self, channel_id: int | str) -> int:
        """Remove a channel's messages and return their number."""

    async def get_message_count(self, channel_id: int | str | None = None) -> int:
        """Count the number of messages stored, of a channel or of all."""

    async def flush(self) -> bool:
        """Wait until all that was stored is safe; False if that takes too long."""

    async def close(self) -> None:
        """Keep what is left safe and close. Using the store again opens it again."""

    def stats(self) -> Mapping[str, Any]:
        """Give the counts since the store was made."""


class Ports(Protocol):
    """What one client needs from outside. Each is made when it is first asked for, and is the same from then on."""

    def http(self) -> HttpTransport:
        """Give the transport of every HTTP request."""

    def store(self) -> MessageStore | None:
        """Give the message store; None for a client without one."""

    def connection(self, store: MessageStore | None) -> Connection:
        """Give the connection, which puts what it receives into the store."""
