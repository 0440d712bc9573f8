"""Settings of the connection and of gap filling, the counters of a client, and the payloads of lifecycle events."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any, Final, Literal, cast, get_args

from mezon.errors import InvalidArgumentError
from mezon.utils.bounds import check_fields, shown
from mezon.utils.ids import required_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: The transport of the socket.
TransportChoice = Literal["auto", "websocket", "tcp"]

#: The route of the RPCs.
ApiRoute = Literal["auto", "http", "socket"]


def check_transport(value: str) -> TransportChoice:
    """Validate the setting ``transport``.

    Raises:
        InvalidArgumentError: If the value is not a transport.
    """
    _check_choice("transport", value, get_args(TransportChoice))
    return cast("TransportChoice", value)


def check_route(value: str) -> ApiRoute:
    """Validate the setting ``api``.

    Raises:
        InvalidArgumentError: If the value is not a route.
    """
    _check_choice("api", value, get_args(ApiRoute))
    return cast("ApiRoute", value)


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise InvalidArgumentError(f"{name} is one of {', '.join(choices)}, not {value!r}")


#: Fields of GatewayOptions that may be 0, for "no limit" or "none".
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

#: Fields of GapOptions that may be 0.
_GAPS_MAY_BE_ZERO: Final = frozenset({"channels", "max_age", "timeout", "max_waiting", "remembered"})


#: Fields of GatewayOptions that the core does not know.
_NOT_OF_THE_CORE: Final = frozenset({"clans"})


def _clan_ids(clans: Any) -> tuple[int, ...]:
    if isinstance(clans, str) or not isinstance(clans, Iterable):
        raise InvalidArgumentError(f"GatewayOptions.clans must be a list of ids, not {shown(clans)}")
    given = tuple(clans)
    ids = tuple(dict.fromkeys(required_id("GatewayOptions.clans", clan_id) for clan_id in given))
    if any(isinstance(clan_id, bool) for clan_id in given) or any(clan_id <= 0 for clan_id in ids):
        raise InvalidArgumentError(
            f"GatewayOptions.clans must be ids of clans, numbers > 0, not {shown(given)}"
        )
    return ids


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
        insecure: Accept any certificate, for HTTP and the socket: an attacker between bot and server can read the key
            and the token and act as the bot. Prefer ``ca_file`` for a server with its own CA.
        max_frame: The largest frame accepted from the server, in bytes.
        inbox_events: Events buffered for the event loop before reading from the socket pauses; twice as many while a
            call is pending, because its answer may be behind them.
        inbox_bytes: The same limit in bytes. More than eight clients of one process share the budget of eight.
        max_pending: Calls that may be queued or waiting for their answer.
        max_raw: The largest answer of an API call over the socket in bytes, and the largest sum of such answers that
            are being received.
        connect_timeout: Seconds for an attempt to connect to one address: TCP, TLS and handshake.
        heartbeat_interval: Seconds between two pings.
        heartbeat_timeout: Seconds without a frame after a ping before the connection counts as lost.
        rate_limit: Frames sent in one ``rate_period``; 0 for no limit.
        rate_period: Seconds.
        backoff_base: The maximum delay in seconds before the second attempt to reconnect.
        backoff_factor: The growth of the maximum with each attempt. The delay is random below the maximum.
        backoff_max: The maximum delay in seconds.
        reconnect_max_attempts: Attempts after a loss before the client gives up; None for no limit.
        max_joined: Clans and channels that are rejoined after a reconnect.
        rejoin_timeout: Seconds the rejoins may take.
        session_timeout: Seconds the creation of a session for a reconnect may take.
        max_store_backlog: Bytes of unsaved messages before reading from the socket pauses.
        clans: Ids of clans to join at login besides those that the server lists: it lists 100 at most.
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
    clans: Sequence[int | str] = ()

    def __post_init__(self) -> None:
        check_fields(self, _MAY_BE_ZERO)
        object.__setattr__(self, "clans", _clan_ids(self.clans))
        ca_file: object = self.ca_file
        if ca_file is not None and not (isinstance(ca_file, str | PathLike) and str(ca_file)):
            raise InvalidArgumentError(
                f"GatewayOptions.ca_file must be the path of a PEM file, such as 'ca.pem', or None, not {ca_file!r}"
            )

    def as_dict(self) -> dict[str, Any]:
        """Return the settings of the core by name."""
        # Not `asdict`, which copies the values.
        return {one.name: getattr(self, one.name) for one in fields(self) if one.name not in _NOT_OF_THE_CORE}


def check_options(options: Mapping[str, Any]) -> None:
    """Validate settings of the core that are passed as a mapping instead of ``GatewayOptions``.

    Raises:
        InvalidArgumentError: An unknown name, or a value that ``GatewayOptions`` refuses.
    """
    known = {one.name for one in fields(GatewayOptions)} - _NOT_OF_THE_CORE
    for name in options:
        if name not in known:
            raise InvalidArgumentError(f"the gateway has no option {name}: mezon.GatewayOptions lists them")
    GatewayOptions(**options)


@dataclass(frozen=True, slots=True, kw_only=True)
class GapOptions:
    """The bounds of ``MezonClient(fill_gaps=...)``: what is fetched after a reconnect.

    The list of a clan's channels shows which of them missed something. Each of those costs one HTTP call (more for over
    100 missed messages, and for recently active topics), within the rate limit of HTTP and behind the calls of
    handlers. Channels with new messages come first. New messages of a channel are held until its history is fetched,
    for at most ``timeout``.

    Last come the channels and direct conversations that were not tracked: the lists of all joined clans (at most 100),
    one call each, show those whose last message is newer than every message received before the loss. If no message was
    received before it, nothing can be fetched.

    ```python
    from mezon import GapOptions, MezonClient

    client = MezonClient(bot_id, key, fill_gaps=GapOptions(channels=50))
    ```

    Raises:
        InvalidArgumentError: A value of the wrong type, below zero or not finite.

    Attributes:
        channels: How many channels are tracked, the most recently active ones, and how many others are fetched after a
            loss, those with the latest messages of each list.
        messages_per_channel: The maximum of missed messages per channel and its topics; the newest are fetched.
        max_age: The maximum age of a missed message in seconds.
        timeout: Seconds that new messages of a channel are held for its history, from the first one on. Then they are
            dispatched, and the missed messages follow when they are fetched (see ``UnfilledGap``).
        max_waiting: The maximum of held messages per channel.
        remembered: Message ids remembered per channel, so that no message is dispatched twice.
    """

    channels: int = 20
    messages_per_channel: int = 200
    max_age: float = 3600.0
    timeout: float = 2.0
    max_waiting: int = 1000
    remembered: int = 1500

    def __post_init__(self) -> None:
        check_fields(self, _GAPS_MAY_BE_ZERO)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordOptions:
    """The flight recorder of ``MezonClient(record=...)``: where a trace is written, and its bounds.

    ```python
    from mezon import MezonClient, RecordOptions

    client = MezonClient(bot_id, key, record=RecordOptions(path="trace.mzt", seconds=600))
    ```

    Raises:
        InvalidArgumentError: An empty path, or a bound of the wrong type or not above 0.

    Attributes:
        path: The trace file. It is replaced each time a trace is written.
        seconds: The maximum age of a record.
        max_bytes: The maximum size of all records in memory; the oldest are dropped first.
        texts: Keep texts of messages. Tokens, keys and passwords are redacted nevertheless.
    """

    path: str
    seconds: float = 300.0
    max_bytes: int = 8 * 1024 * 1024
    texts: bool = False

    def __post_init__(self) -> None:
        check_fields(self, frozenset())
        path: object = self.path
        if not (isinstance(path, str | PathLike) and str(path)):
            raise InvalidArgumentError(
                f"RecordOptions.path must be a path, such as 'trace.mzt', not {path!r}"
            )
        object.__setattr__(self, "path", fspath(path))


@dataclass(frozen=True, slots=True)
class Stats:
    """Counters of a client since its creation.

    Attributes:
        state: idle, authenticating, connecting, joining, ready, backoff or closed.
        latency: The last round trip of a ping in seconds; None before the first.
        transport: The transport of the current or last connection: websocket or tcp; "" before the first.
        frames_received, bytes_received, frames_sent, bytes_sent: Traffic of the socket.
        events: Events received, by envelope field.
        skipped: Events without a handler, which were not decoded.
        filtered: Events rejected by the filters of all handlers, which were not decoded.
        malformed: Frames and bodies that could not be decoded.
        unclaimed: Answers to calls that had ended, for example by a timeout.
        reconnects: Successful reconnects.
        pauses: How often reading paused because the inbox or the backlog of the store was full.
        queued, queued_bytes, queue_high_water: The inbox now in events and bytes, and its maximum in events.
        pending: Calls that are queued or waiting for their answer.
        joined: Clans and channels that are rejoined after a reconnect.
        handlers: Running handlers.
        handler_errors: Handlers that raised an exception.
        http_waiting: HTTP requests that wait for the rate limit.
        gap_filled: Missed messages that were fetched and dispatched after a reconnect (``fill_gaps``).
        duplicates: Messages that arrived twice and were dispatched once (``fill_gaps``).
        store: The counters of the message store, such as ``rows_written``; empty without a store.
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
    http_waiting: int = 0
    gap_filled: int = 0
    duplicates: int = 0
    store: dict[str, Any] = field(default_factory=dict)

    @property
    def dropped(self) -> int:
        """The number of frames that were not dispatched: skipped, malformed, unclaimed and duplicates."""
        return self.skipped + self.malformed + self.unclaimed + self.duplicates


@dataclass(frozen=True, slots=True)
class Disconnect:
    """The payload of ``disconnect``.

    Attributes:
        reason: Why the connection ended.
        will_reconnect: Whether the client reconnects; False if this is the end.
        error: The error that ended the connection if the bot has to act on it, such as refused credentials.
    """

    reason: str
    will_reconnect: bool
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class UnfilledGap:
    """The payload of ``gap_unfilled``: channels whose missed messages are not fetched yet (``fill_gaps``).

    The event is dispatched at the end of ``GapOptions.timeout``, after each failed attempt to fetch the messages, and
    if more messages were missed than ``GapOptions.messages_per_channel``, or in more untracked channels than
    ``GapOptions.channels``.

    Attributes:
        channel_ids: The ids of the channels.
        reason: Why the messages are not fetched yet.
        final: Whether the messages are lost to the bot. Otherwise they follow, perhaps behind live ones.
    """

    channel_ids: tuple[int, ...]
    reason: str
    final: bool = False


@dataclass(frozen=True, slots=True)
class Gap:
    """The payload of ``reconnected``: no events arrived in this interval of UNIX times in seconds."""

    lost_at: float
    back_at: float

    @property
    def seconds(self) -> float:
        """The length of the interval."""
        return self.back_at - self.lost_at
