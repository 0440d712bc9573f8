"""What a client needs from outside, each as a Protocol: another implementation is one class.

The client and everything it holds know these alone; which implementation stands behind one is decided where the
client is put together.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

from mezon.errors import MezonConnectionError, MezonError

# ---- HTTP

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
        exact: The URL goes out byte for byte: quoting it anew would break a signature over it.
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
        """The body as it comes.

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
        self.reason = reason or text
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
        """End what waits and what is under way. Safe at any time, and twice; a later request opens anew."""
