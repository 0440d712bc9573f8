"""The options of ``mezon relay``, ``mezon worker`` and ``mezon dlq``: one bot on many machines, over NATS JetStream."""

from __future__ import annotations

import os
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, TypeAlias

import typer

from mezon.cli.output import WRONG_USE, fail
from mezon.errors import MezonError

Nats: TypeAlias = Annotated[
    str,
    typer.Option(
        "--nats",
        envvar="MEZON_NATS_URL",
        help="Address of NATS: nats://host:4222, or tls:// to require TLS. Separate several with commas.",
    ),
]
Credentials: TypeAlias = Annotated[
    Path | None,
    typer.Option("--nats-creds", envvar="MEZON_NATS_CREDS", help="Credentials file (.creds) for NATS."),
]
Nkey: TypeAlias = Annotated[
    Path | None,
    typer.Option("--nats-nkey", envvar="MEZON_NATS_NKEY", help="File with the seed of an nkey for NATS."),
]
CaFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--nats-ca",
        envvar="MEZON_NATS_CA",
        help="PEM file of the CA that signed the certificate of NATS; requires TLS.",
    ),
]
Certificate: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--nats-cert",
        envvar="MEZON_NATS_CERT",
        help="PEM file of a client certificate for NATS, which a server with verify asks for; requires TLS.",
    ),
]
CertificateKey: TypeAlias = Annotated[
    Path | None,
    typer.Option("--nats-cert-key", envvar="MEZON_NATS_CERT_KEY", help="PEM file of its private key."),
]
Health: TypeAlias = Annotated[
    str | None,
    typer.Option("--health", envvar="MEZON_HEALTH", help="Serve /live, /ready and /stats: 127.0.0.1:8080."),
]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON.")]

dlq: typer.Typer = typer.Typer(
    name="dlq",
    help="Dead events, which no worker could handle: list, replay or drop them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def _broker(
    nats: str,
    creds: Path | None,
    nkey: Path | None,
    ca_file: Path | None,
    certificate: Path | None,
    certificate_key: Path | None,
) -> dict[str, Any]:
    """Return the arguments of `mezon._cluster.settings.Broker`, which needs the NATS client."""
    return {
        "urls": nats,
        "credentials": creds,
        "nkey_seed": nkey,
        "ca_file": ca_file,
        "certificate": certificate,
        "key": certificate_key,
    }


def _implementation() -> ModuleType:
    """Import the commands. Exits with an error message if the NATS client is not installed."""
    try:
        from mezon.cli import cluster_commands
    except MezonError as error:
        fail(str(error))
    return cluster_commands


def relay(
    nats: Nats,
    api_key_file: Annotated[
        Path | None, typer.Option(help="File with the key, instead of MEZON_API_KEY.")
    ] = None,
    partitions: Annotated[
        int, typer.Option(help="Partitions of a new stream. An existing one keeps its number.")
    ] = 64,
    replicas: Annotated[int, typer.Option(help="Copies of the stream: 1, or 3 in a cluster.")] = 1,
    max_bytes: Annotated[
        str,
        typer.Option(
            "--max-bytes",
            help="Size of a new event stream, which NATS reserves: a number of bytes, or 256MiB, 1GiB.",
        ),
    ] = "1GiB",
    buffer: Annotated[
        str,
        typer.Option(
            "--buffer",
            help="Size of the events to hold while NATS does not take them, before reading from Mezon pauses.",
        ),
    ] = "32MiB",
    bots: Annotated[
        Path | None,
        typer.Option("--bots", help="TOML file of several bots, which this process holds; see the guide."),
    ] = None,
    http_rate: Annotated[
        str, typer.Option("--http-rate", help="HTTP calls in seconds, as 1/1.25; 0 for no limit.")
    ] = "",
    gateway: Annotated[
        list[str] | None,
        typer.Option("--gateway", help="A field of GatewayOptions, as rate_limit=40. Repeat for several."),
    ] = None,
    gap: Annotated[
        list[str] | None,
        typer.Option("--gap", help="A field of GapOptions, as channels=50, or 'off'. Repeat for several."),
    ] = None,
    lock_ttl: Annotated[
        float,
        typer.Option("--lock-ttl", help="Seconds after which a standby takes over from a silent relay."),
    ] = 5.0,
    cache: Annotated[str, typer.Option(help="File of the message cache; 'none' turns it off.")] = "",
    creds: Credentials = None,
    nkey: Nkey = None,
    ca_file: CaFile = None,
    certificate: Certificate = None,
    certificate_key: CertificateKey = None,
    token_transfers: Annotated[
        bool,
        typer.Option(help="Give workers the identity token, which token transfers need."),
    ] = True,
    health: Health = None,
) -> None:
    """Hold the connection of a bot, and pass its events to workers.

    MEZON_BOT_ID and MEZON_API_KEY identify the bot, or --bots several of them. MEZON_HOST, MEZON_PORT and MEZON_USE_SSL
    are the address of Mezon, as for every client. A second relay of the same bot stands by and takes over when the
    first one stops.
    """
    broker = _broker(nats, creds, nkey, ca_file, certificate, certificate_key)
    _implementation().run_relay(
        broker,
        api_key_file=api_key_file,
        bots=bots,
        http_rate=http_rate,
        gateway=gateway or [],
        gap=gap or [],
        lock_ttl=lock_ttl,
        partitions=partitions,
        replicas=replicas,
        max_bytes=max_bytes,
        buffer=buffer,
        cache=cache,
        token_transfers=token_transfers,
        health=health,
    )


def worker(
    nats: Nats,
    bot: Annotated[
        str | None, typer.Argument(help="The bot's file, as for mezon run.", show_default=False)
    ] = None,
    env_file: Annotated[
        Path | None, typer.Option("--env-file", help="File with lines NAME=VALUE; .env by default.")
    ] = None,
    drain: Annotated[
        float, typer.Option(help="Seconds that running handlers have when the worker stops.")
    ] = 30.0,
    acknowledge_early: Annotated[
        bool,
        typer.Option(
            "--acknowledge-early",
            help="Acknowledge an event when its handlers have started. If the worker dies, it is not redelivered.",
        ),
    ] = False,
    attempts: Annotated[
        int,
        typer.Option(
            "--attempts",
            help="How often a handler that raises is called for an event, before the event becomes a dead letter.",
        ),
    ] = 1,
    retry_delay: Annotated[
        float, typer.Option("--retry-delay", help="Seconds between two attempts of a handler.")
    ] = 5.0,
    name: Annotated[
        str,
        typer.Option(
            "--name",
            envvar="MEZON_WORKER_NAME",
            help="The worker's name in the permissions of NATS. Several processes may share it.",
        ),
    ] = "worker",
    creds: Credentials = None,
    nkey: Nkey = None,
    ca_file: CaFile = None,
    certificate: Certificate = None,
    certificate_key: CertificateKey = None,
    health: Health = None,
) -> None:
    """Run a bot's handlers behind its relay. The bot's file is the same as for mezon run.

    Key, host and limits of its client are ignored in favour of the relay's. Start as many workers as you like.
    """
    broker = _broker(nats, creds, nkey, ca_file, certificate, certificate_key)
    _implementation().run_worker(
        broker,
        bot,
        env_file=env_file,
        drain=drain,
        acknowledge_early=acknowledge_early,
        attempts=attempts,
        retry_delay=retry_delay,
        name=name,
        health=health,
    )


def status(
    nats: Nats,
    creds: Credentials = None,
    nkey: Nkey = None,
    ca_file: CaFile = None,
    certificate: Certificate = None,
    certificate_key: CertificateKey = None,
    json: Json = False,
    watch: Annotated[bool, typer.Option("--watch", help="Show it again and again until Ctrl-C.")] = False,
) -> None:
    """Show the relays, workers, backlog and streams of a bot on many machines.

    MEZON_BOT_ID is the bot. Exits with 1 if events are not handled: no relay, no connection to Mezon, or no worker.
    """
    broker = _broker(nats, creds, nkey, ca_file, certificate, certificate_key)
    _implementation().show_status(broker, json=json, watch=watch)


def top(
    addresses: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[HOST:PORT]...",
            help="Health endpoints of bots. Default: MEZON_HEALTH, unless --nats is given.",
            show_default=False,
        ),
    ] = None,
    nats: Annotated[
        str,
        typer.Option("--nats", help="Address of NATS: show the relays and workers of MEZON_BOT_ID as well."),
    ] = "",
    creds: Credentials = None,
    nkey: Nkey = None,
    ca_file: CaFile = None,
    certificate: Certificate = None,
    certificate_key: CertificateKey = None,
    interval: Annotated[float, typer.Option(min=0.1, help="Seconds between two samples.")] = 2.0,
    once: Annotated[
        bool, typer.Option("--once", help="Print one sample and exit, with 1 for a problem.")
    ] = False,
    json: Json = False,
) -> None:
    """Show events, handlers, queue, latency, errors and waiting requests of running bots until Ctrl-C.

    A bot serves them with mezon run --health 127.0.0.1:8080, or MEZON_HEALTH.
    """
    health = os.environ.get("MEZON_HEALTH", "")
    found = addresses or ([health] if health and not nats else [])
    if nats:
        broker = _broker(nats, creds, nkey, ca_file, certificate, certificate_key)
        _implementation().show_status(broker, json=json, watch=not once, bots=found)
        return
    if not found:
        fail(
            "name the health endpoint of a bot, such as mezon top 127.0.0.1:8080, or set MEZON_HEALTH",
            WRONG_USE,
        )
    from mezon.cli.top import watch

    watch(found, interval=interval, once=once, json=json)


@dlq.command("list")
def dead_list(
    nats: Nats,
    limit: Annotated[int, typer.Option(help="The maximum number of events.")] = 100,
    creds: Credentials = None,
    nkey: Nkey = None,
    ca_file: CaFile = None,
    certificate: Certificate = None,
    certificate_key: CertificateKey = None,
    json: Json = False,
) -> None:
    """List dead events with their reason, oldest first. Their contents are not shown."""
    broker = _broker(nats, creds, nkey, ca_file, certificate, certificate_key)
    _implementation().list_dead(broker, limit, json=json)


@dlq.command("replay")
def dead_replay(
    nats: Nats,
    numbers: Annotated[list[int], typer.Argument(help="Numbers shown by list.")],
    creds: Credentials = None,
    nkey: Nkey = None,
    ca_file: CaFile = None,
    certificate: Certificate = None,
    certificate_key: CertificateKey = None,
) -> None:
    """Publish dead events to the workers again."""
    broker = _broker(nats, creds, nkey, ca_file, certificate, certificate_key)
    _implementation().replay_dead(broker, numbers)


@dlq.command("drop")
def dead_drop(
    nats: Nats,
    numbers: Annotated[list[int], typer.Argument(help="Numbers shown by list.")],
    creds: Credentials = None,
    nkey: Nkey = None,
    ca_file: CaFile = None,
    certificate: Certificate = None,
    certificate_key: CertificateKey = None,
) -> None:
    """Delete dead events."""
    broker = _broker(nats, creds, nkey, ca_file, certificate, certificate_key)
    _implementation().drop_dead(broker, numbers)
