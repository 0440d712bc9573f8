"""Settings of relay and workers: where the broker is, and how long things may take."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from mezon._cluster.names import DEFAULT_PARTITIONS
from mezon.errors import InvalidArgumentError

_SCHEMES: Final = frozenset({"nats", "tls", "ws", "wss"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """How to reach NATS.

    Attributes:
        urls: Servers, as ``nats://host:4222`` or ``tls://...``; a cluster's separated by commas. User and password, or
            a token, may stand in the URL. ``tls://`` in one of them requires TLS of all, as a TLS file does.
        credentials: A ``.creds`` file.
        nkey_seed: A file with the seed of an nkey.
        ca_file: PEM file of authorities to trust, for TLS.
        certificate, key: PEM files of a certificate of our own, for servers that ask for one.
        name: What the server's list of connections shows.
        inbox: The prefix of the subjects on which this client is answered; "" for that of every client of NATS.
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
            raise InvalidArgumentError("a certificate for NATS comes with its key: give both files, or none")

    @property
    def servers(self) -> list[str]:
        """Each server's URL."""
        return [url.strip() for url in self.urls.split(",") if url.strip()]

    @property
    def tls(self) -> bool:
        """Is TLS required? Then there is no connection without it."""
        files = (self.ca_file, self.certificate)
        return any(file is not None for file in files) or any(
            server.startswith(("tls://", "wss://")) for server in self.servers
        )

    @property
    def shown(self) -> str:
        """The servers without user and password."""
        return ", ".join(_host(server) for server in self.servers)


def _host(url: str) -> str:
    return url.rpartition("@")[2].rpartition("://")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long things may take, in seconds. Relay and workers of a bot have the same.

    The two sums that matter: a worker that dies loses its partitions after ``member_life``, and what it held comes
    again ``ack_wait`` after it had it; a relay that dies is replaced after ``lock_life``.

    Attributes:
        beat: Between two signs of life of a worker.
        member_life: Without a sign for so long a worker counts as dead.
        ack_wait: An event that is neither acknowledged nor said to be in progress for so long is delivered again.
        pin_life: The server gives a partition's consumer free when its owner has not asked for so long.
        pull: How long one request for events waits at the server.
        lock_beat: Between two signs of life of a relay.
        lock_life: Without one for so long another relay takes over.
        handoff: Handlers may run so long before a partition that is given away is let go without them.
        answer_life: How long the answer to a call is remembered.
        duplicate_window: How long the stream knows the id of an event.
    """

    beat: float = 0.75
    member_life: float = 3.0
    ack_wait: float = 5.0
    pin_life: float = 3.0
    pull: float = 1.5
    lock_beat: float = 1.0
    lock_life: float = 5.0
    handoff: float = 30.0
    answer_life: float = 600.0
    duplicate_window: float = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What is made at the broker for a bot, once.

    Attributes:
        partitions: How many; fixed when the stream is made.
        replicas: Copies of every stream and bucket: 1, or 3 and 5 in a cluster.
        max_bytes: Bytes of events that may wait; above it the relay stops to read the socket.
        max_age: Seconds an event may wait; 0 for no end.
        max_dead: Events the stream of dead events holds; the oldest go first.
        max_deliveries: How many workers may die with an event before it is dead.
        max_pending: Events of a partition that workers may have at a time.
        acknowledge_early: An event is acknowledged when its handlers have begun, not when they have ended: what a
            worker dies with does not come again.
    """

    partitions: int = DEFAULT_PARTITIONS
    replicas: int = 1
    max_bytes: int = 1024 * 1024 * 1024
    max_age: float = 0.0
    max_dead: int = 10_000
    max_deliveries: int = 5
    max_pending: int = 1_000
    acknowledge_early: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.partitions <= 4096:
            raise InvalidArgumentError(f"partitions are 1 to 4096, not {self.partitions}")
        if self.replicas not in (1, 2, 3, 4, 5):
            raise InvalidArgumentError(f"replicas are 1 to 5, not {self.replicas}")
