"""Settings of relay and workers: the address of NATS, time limits, and the layout of streams."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from mezon._cluster.protocol import DEFAULT_PARTITIONS
from mezon.errors import InvalidArgumentError

_SCHEMES: Final = frozenset({"nats", "tls", "ws", "wss"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """How to connect to NATS.

    Attributes:
        urls: Servers, as ``nats://host:4222`` or ``tls://...``, separated by commas. A URL may contain user and
            password, or a token. ``tls://`` in one URL requires TLS of every server, and so does a TLS file.
        credentials: A ``.creds`` file.
        nkey_seed: A file with the seed of an nkey.
        ca_file: PEM file of certificate authorities to trust.
        certificate, key: PEM files of a client certificate.
        name: The name shown in the server's list of connections.
        inbox: The prefix of the client's reply subjects; "" for the default of NATS.
    """

    urls: str = field(repr=False)
    credentials: Path | None = None
    nkey_seed: Path | None = None
    ca_file: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    name: str = "mezon"
    inbox: str = ""

    def __post_init__(self) -> None:
        if not self.servers:
            raise InvalidArgumentError("the address of NATS is missing: --nats nats://host:4222")
        for server in self.servers:
            if server.partition("://")[0] not in _SCHEMES or "://" not in server:
                raise InvalidArgumentError(f"{_host(server)} is no address of NATS: write nats://host:4222")
        if self.credentials is not None and self.nkey_seed is not None:
            raise InvalidArgumentError("NATS takes a credentials file or an nkey, not both: leave one out")
        if (self.certificate is None) != (self.key is None):
            raise InvalidArgumentError(
                "a client certificate for NATS needs its key: pass both files, or none"
            )

    @property
    def servers(self) -> list[str]:
        """The URL of each server."""
        return [url.strip() for url in self.urls.split(",") if url.strip()]

    @property
    def tls(self) -> bool:
        """Whether TLS is required."""
        files = (self.ca_file, self.certificate)
        return any(file is not None for file in files) or any(
            server.startswith(("tls://", "wss://")) for server in self.servers
        )

    @property
    def shown(self) -> str:
        """The servers without user and password, for logs and errors."""
        return ", ".join(_host(server) for server in self.servers)


def _host(url: str) -> str:
    return url.rpartition("@")[2].rpartition("://")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Time limits in seconds. Relay and workers of a bot use the same ones.

    A worker that dies loses its partitions after ``member_ttl``, and its unacknowledged events are redelivered after
    ``ack_wait``. A relay that dies is replaced after ``lock_ttl``.

    Attributes:
        heartbeat: Interval of a worker's heartbeats.
        member_ttl: A worker without a heartbeat for this time counts as dead.
        ack_wait: An event without an acknowledgement or a progress report for this time is redelivered.
        pin_timeout: The server unpins a partition's consumer when its owner has not pulled for this time.
        pull_timeout: How long a pull request waits at the server.
        lock_heartbeat: Interval at which the relay renews its lock.
        lock_ttl: A lock that was not renewed for this time can be acquired by another relay.
        drain_timeout: How long handlers may run before their partition is handed over without them.
        answer_ttl: How long the answer to a call is cached.
        duplicate_window: How long the stream recognises the id of an event.
    """

    heartbeat: float = 0.75
    member_ttl: float = 3.0
    ack_wait: float = 5.0
    pin_timeout: float = 3.0
    pull_timeout: float = 1.5
    lock_heartbeat: float = 1.0
    lock_ttl: float = 5.0
    drain_timeout: float = 30.0
    answer_ttl: float = 600.0
    duplicate_window: float = 600.0


#: Bytes of events that the relay holds while they cannot be published, before it stops reading the socket.
DEFAULT_BUFFER: Final = 32 * 1024 * 1024

#: Bytes of a new event stream.
DEFAULT_MAX_BYTES: Final = 1024 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The streams and buckets of a bot, created once, and how workers treat their events.

    Attributes:
        partitions: The number of partitions. An existing stream keeps its number.
        replicas: Copies of every stream and bucket: 1, or 3 and 5 in a cluster.
        max_bytes: The size of a new event stream, which NATS reserves. The relay stops reading the socket while the
            stream is full.
        max_age: Seconds an event may wait; 0 for no limit.
        max_dead: The number of dead events to keep; the oldest are removed.
        max_deliveries: The number of workers that may die with an event before it is dead-lettered.
        max_pending: Unacknowledged events of a partition, over all workers.
        acknowledge_early: Acknowledge an event when its handlers have started instead of when they have ended. An event
            whose worker dies is then not redelivered.
        attempts: How often a handler that raises is called for an event, before the event is dead-lettered. With 1, an
            event whose handler raises counts as handled.
        retry_delay: Seconds between two attempts.
    """

    partitions: int = DEFAULT_PARTITIONS
    replicas: int = 1
    max_bytes: int = DEFAULT_MAX_BYTES
    max_age: float = 0.0
    max_dead: int = 10_000
    max_deliveries: int = 5
    max_pending: int = 1_000
    acknowledge_early: bool = False
    attempts: int = 1
    retry_delay: float = 5.0

    def __post_init__(self) -> None:
        if not 1 <= self.partitions <= 4096:
            raise InvalidArgumentError(f"partitions must be 1 to 4096, not {self.partitions}")
        if self.replicas not in (1, 2, 3, 4, 5):
            raise InvalidArgumentError(f"replicas must be 1 to 5, not {self.replicas}")
        if self.attempts < 1:
            raise InvalidArgumentError(f"attempts must be at least 1, not {self.attempts}")
        if not 0 <= self.retry_delay < float("inf"):
            raise InvalidArgumentError(f"retry_delay must be 0 or more seconds, not {self.retry_delay}")
        if self.max_bytes < 1:
            raise InvalidArgumentError(f"max_bytes must be at least 1, not {self.max_bytes}")
