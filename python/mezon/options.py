"""The settings of the connection, and the counters it keeps."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from os import PathLike
from typing import TYPE_CHECKING, Any, Final

from mezon.errors import InvalidArgumentError
from mezon.utils.bounds import check_fields

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Of GatewayOptions: the numbers that mean something as 0, such as "no limit" or "none of them".
_MAY_BE_ZERO: Final = frozenset(
    {
        "rate_limit",
        "rate_period",
        "backoff_base",
        "backoff_max",
        "reconnect_max_attempts",
        "max_joined",
        "rejoin_timeout",
    }
)

#: The same of GapOptions: nothing is watched, nothing waits, everything goes on at once.
_GAPS_MAY_BE_ZERO: Final = frozenset({"channels", "max_age", "timeout", "max_waiting", "remembered"})


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayOptions:
    """Settings of the connection. The defaults suit a bot on the public gateway.

    ```python
    from mezon import GatewayOptions, MezonClient

    client = MezonClient(bot_id, key, gateway=GatewayOptions(ca_file="corporate.pem", backoff_max=30.0))
    ```

    Raises:
        InvalidArgumentError: A value of the wrong type, below zero, not finite, or 0 where that would stop the
            connection.

    Attributes:
        ca_file: A PEM file of further certificate authorities to trust, for HTTP and the socket.
        insecure: Take any certificate, for HTTP and the socket: whoever sits between bot and server can read the
            key and the token and act as the bot. For a server of your own with a certificate nobody vouches for;
            ``ca_file`` is the better way.
        max_frame: The largest message taken from the server, in bytes.
        inbox_events: Events held for the event loop before the socket is read no further; twice as many while a
            call waits, for its answer may lie behind them.
        inbox_bytes: The same bound in bytes. More than eight clients of a process share what eight may hold.
        max_pending: Calls that may wait for their turn or their answer.
        max_raw: The largest answer of an API call over the socket, in bytes; also of all together that are on their
            way.
        connect_timeout: Seconds for all of an attempt to connect: TCP, TLS and handshake, of each address that is
            tried.
        heartbeat_interval: Seconds between two pings.
        heartbeat_timeout: Seconds without any frame after a ping before the connection counts as dead.
        rate_limit: Frames sent in one ``rate_period``; 0 for no limit.
        rate_period: Seconds.
        backoff_base: Seconds; the bound of the delay before the second attempt to reconnect.
        backoff_factor: How much the bound grows with each attempt. The delay is random below it.
        backoff_max: Seconds; no delay is longer.
        reconnect_max_attempts: Attempts after a loss before the client gives up; None for no end.
        max_joined: Clans and channels that are joined again after a reconnect.
        rejoin_timeout: Seconds those joins may take.
        session_timeout: Seconds a new session for a reconnect may take.
        max_store_backlog: Bytes the message store may be behind before the socket is read no further.
    """

    ca_file: str | None = None
    insecure: bool = False
    max_frame: int = 64 * 1024 * 1024
    inbox_events: int = 20_000
    inbox_bytes: int = 32 * 1024 * 1024
    max_pending: int = 10_000
    max_raw: int = 64 * 1024 * 1024
    connect_timeout: float = 30.0
    heartbeat_interval: float = 10.0
    heartbeat_timeout: float = 10.0
    rate_limit: int = 80
    rate_period: float = 1.0
    backoff_base: float = 1.0
    backoff_factor: float = 2.0
    backoff_max: float = 60.0
    reconnect_max_attempts: int | None = None
    max_joined: int = 10_000
    rejoin_timeout: float = 10.0
    session_timeout: float = 120.0
    max_store_backlog: int = 16 * 1024 * 1024

    def __post_init__(self) -> None:
        check_fields(self, _MAY_BE_ZERO)
        ca_file: object = self.ca_file
        if ca_file is not None and not (isinstance(ca_file, str | PathLike) and str(ca_file)):
            raise InvalidArgumentError(
                f"GatewayOptions.ca_file is the path of a PEM file, such as 'ca.pem', or None, not {ca_file!r}"
            )

    def as_dict(self) -> dict[str, Any]:
        """Give the settings by name."""
        # Not `asdict`: they hold nothing that would have to be copied.
        return {one.name: getattr(self, one.name) for one in fields(self)}


def check_options(options: Mapping[str, Any]) -> None:
    """Check settings of the core that are given by their names, where no ``GatewayOptions`` is made of them.

    Raises:
        InvalidArgumentError: A name there is not, or a value as in ``GatewayOptions``.
    """
    known = {one.name for one in fields(GatewayOptions)}
    for name in options:
        if name not in known:
            raise InvalidArgumentError(f"the gateway has no option {name}: mezon.GatewayOptions lists them")
    GatewayOptions(**options)


@dataclass(frozen=True, slots=True, kw_only=True)
class GapOptions:
    """The bounds of ``MezonClient(fill_gaps=...)``: what is fetched after a reconnect.

    Each watched channel costs one HTTP call after a reconnect (more for more than 100 missed messages, and for the
    topics heard last), in the rate limit of HTTP and behind the calls of handlers. Its own messages wait as long.

    ```python
    from mezon import GapOptions, MezonClient

    client = MezonClient(bot_id, key, fill_gaps=GapOptions(channels=50))
    ```

    Raises:
        InvalidArgumentError: A value of the wrong type, below zero or not finite.

    Attributes:
        channels: How many channels are watched, the ones heard last.
        messages_per_channel: Missed messages of a channel and its topics; if there are more, the last ones.
        max_age: Seconds; older messages are not filled in.
        timeout: Seconds the messages of a channel wait for its history; then they go on without it.
        max_waiting: How many of them wait at most.
        remembered: Ids kept of each channel, so that no message is dispatched twice.
    """

    channels: int = 20
    messages_per_channel: int = 200
    max_age: float = 3600.0
    timeout: float = 60.0
    max_waiting: int = 1000
    remembered: int = 1500

    def __post_init__(self) -> None:
        check_fields(self, _GAPS_MAY_BE_ZERO)


@dataclass(frozen=True, slots=True)
class Stats:
    """Counters of a client since it was made. Taking them is cheap.

    Attributes:
        state: idle, authenticating, connecting, joining, ready, backoff or closed.
        latency: The last round trip of a ping in seconds; None before the first.
        transport: What carries the connection, or carried it last: websocket or tcp; "" before the first.
        frames_received, bytes_received, frames_sent, bytes_sent: The socket's traffic.
        events: Events received, by envelope field.
        skipped: Events nobody listens to, which were not decoded.
        filtered: Events that no handler's filter wanted, which were not decoded.
        malformed: Frames and bodies that could not be read.
        unclaimed: Answers to calls that were over.
        reconnects: Connections regained.
        pauses: How often reading stopped because the inbox was full or the store behind.
        queued, queued_bytes, queue_high_water: The inbox now, and at its fullest, in events.
        pending: Calls that wait for their turn or their answer.
        joined: Clans and channels that will be joined again.
        handlers: Handlers running now.
        handler_errors: Handlers that raised.
        gap_filled: Missed messages that were fetched and dispatched after a reconnect (``fill_gaps``).
        duplicates: Messages that came twice and were dispatched once (``fill_gaps``).
        store: The counters of the message store, such as ``rows_written``; empty without one.
    """

    state: str = "idle"
    latency: float | None = None
    transport: str = ""
    frames_received: int = 0
    bytes_received: int = 0
    frames_sent: int = 0
    bytes_sent: int = 0
    events: dict[str, int] = field(default_factory=dict)
    skipped: int = 0
    filtered: int = 0
    malformed: int = 0
    unclaimed: int = 0
    reconnects: int = 0
    pauses: int = 0
    queued: int = 0
    queued_bytes: int = 0
    queue_high_water: int = 0
    pending: int = 0
    joined: int = 0
    handlers: int = 0
    handler_errors: int = 0
    gap_filled: int = 0
    duplicates: int = 0
    store: dict[str, Any] = field(default_factory=dict)

    @property
    def dropped(self) -> int:
        """Everything that came and reached nobody: skipped, malformed, unclaimed, duplicates."""
        return self.skipped + self.malformed + self.unclaimed + self.duplicates


@dataclass(frozen=True, slots=True)
class Disconnect:
    """What handlers of ``disconnect`` get.

    Attributes:
        reason: Why the connection ended.
        will_reconnect: Whether the client tries again; if not, this was the end.
        error: The error that ended it, when it was one the bot has to act on, such as refused credentials.
    """

    reason: str
    will_reconnect: bool
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """What handlers of ``reconnected`` get: events of this time did not come. UNIX times in seconds."""

    lost_at: float
    back_at: float

    @property
    def seconds(self) -> float:
        """How long it was."""
        return self.back_at - self.lost_at
