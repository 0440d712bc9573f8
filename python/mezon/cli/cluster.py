"""``mezon relay``, ``mezon worker`` and ``mezon dlq``: one bot on many machines, over NATS JetStream."""

from __future__ import annotations

import datetime
import logging
import os
import re
import sys
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mezon.cli.output import WRONG_USE, as_json, fail, out, say

if TYPE_CHECKING:
    from mezon.utils.signals import ForcedExit

NATS = typer.Option(
    "--nats",
    envvar="MEZON_NATS_URL",
    help="Address of NATS: nats://host:4222, or tls:// to require TLS. Separate several with commas.",
)
CREDENTIALS = typer.Option(
    "--nats-creds", envvar="MEZON_NATS_CREDS", help="Credentials file (.creds) for NATS."
)
NKEY = typer.Option("--nats-nkey", envvar="MEZON_NATS_NKEY", help="File with the seed of an nkey for NATS.")
CA_FILE = typer.Option(
    "--nats-ca",
    envvar="MEZON_NATS_CA",
    help="PEM file of the CA that signed the certificate of NATS; requires TLS.",
)
HEALTH = typer.Option(
    "--health", envvar="MEZON_HEALTH", help="Serve /live, /ready and /stats: 127.0.0.1:8080."
)
JSON = typer.Option("--json", help="Print JSON.")

dlq: typer.Typer = typer.Typer(
    name="dlq",
    help="Dead events, which no worker could handle: list, replay or drop them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def _broker(nats: str, creds: Path | None, nkey: Path | None, ca_file: Path | None, name: str) -> Any:
    from mezon._cluster.settings import Broker

    return Broker(urls=nats, credentials=creds, nkey_seed=nkey, ca_file=ca_file, name=name)


def _bytes(text: str) -> int:
    """Parse a size in bytes, as 1048576, 256MiB or 1GiB."""
    from mezon.errors import InvalidArgumentError

    found = re.fullmatch(r"(\d+) ?([KMGT]i?B?)?", text.strip(), re.IGNORECASE | re.ASCII)
    if found is None:
        raise InvalidArgumentError(f"--max-bytes takes a number of bytes, or 256MiB, 1GiB, not {text!r}")
    unit = (found[2] or "").upper()
    base = 1000 if unit.endswith("B") and "I" not in unit else 1024
    exponent: int = " KMGT".index(unit[0]) if unit else 0
    return int(int(found[1]) * base**exponent)


def _run(work: Callable[[ForcedExit], Coroutine[Any, Any, None]]) -> None:
    """Run a coroutine; an error of this package ends the command with a sentence instead of a traceback."""
    from mezon.errors import MezonError
    from mezon.utils.signals import run_process

    try:
        run_process(work)
    except MezonError as error:
        fail(f"{type(error).__name__}: {error}")
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


def _log_to_stderr() -> None:
    if not logging.getLogger().handlers:
        form = "%(asctime)s %(levelname)s %(name)s %(message)s"
        logging.basicConfig(level=logging.INFO, stream=sys.stderr, format=form)


def relay(
    nats: Annotated[str, NATS],
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
    cache: Annotated[str, typer.Option(help="File of the message cache; 'none' turns it off.")] = "",
    creds: Annotated[Path | None, CREDENTIALS] = None,
    nkey: Annotated[Path | None, NKEY] = None,
    ca_file: Annotated[Path | None, CA_FILE] = None,
    token_transfers: Annotated[
        bool,
        typer.Option(help="Give workers the identity token, which token transfers need."),
    ] = True,
    health: Annotated[str | None, HEALTH] = None,
) -> None:
    """Hold the connection of a bot, and pass its events to workers.

    MEZON_BOT_ID and MEZON_API_KEY identify the bot. MEZON_HOST, MEZON_PORT and MEZON_USE_SSL are the address of Mezon,
    as for every client. A second relay of the same bot stands by and takes over when the first one stops.
    """
    from mezon._cluster.process import read_bot, run_relay
    from mezon._cluster.relay import Relay
    from mezon._cluster.settings import Layout
    from mezon.errors import MezonError

    _log_to_stderr()
    try:
        client_id, key = read_bot(api_key_file)
        broker = _broker(nats, creds, nkey, ca_file, f"mezon relay {client_id}")
        layout = Layout(partitions=partitions, replicas=replicas, max_bytes=_bytes(max_bytes))
        store: Any = {"": None, "none": False}.get(cache, cache)
        period = float(os.environ.get("MEZON_HTTP_RATE_PERIOD", "1.25"))
        runner = Relay(
            client_id,
            key,
            broker,
            layout=layout,
            message_db=store,
            http_rate=(1, period),
            token_transfers=token_transfers,
        )
    except (MezonError, ValueError) as error:
        fail(str(error), WRONG_USE)
    _run(lambda forced_exit: run_relay(runner, health=health, report=say, forced_exit=forced_exit))


def worker(
    nats: Annotated[str, NATS],
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
    name: Annotated[
        str,
        typer.Option(
            "--name",
            envvar="MEZON_WORKER_NAME",
            help="The worker's name in the permissions of NATS. Several processes may share it.",
        ),
    ] = "worker",
    creds: Annotated[Path | None, CREDENTIALS] = None,
    nkey: Annotated[Path | None, NKEY] = None,
    ca_file: Annotated[Path | None, CA_FILE] = None,
    health: Annotated[str | None, HEALTH] = None,
) -> None:
    """Run a bot's handlers behind its relay. The bot's file is the same as for mezon run.

    Key, host and limits of its client are ignored in favour of the relay's. Start as many workers as you like.
    """
    from mezon._client.assembly import PortSettings, provided_by
    from mezon._cluster.process import run_worker
    from mezon._cluster.protocol import check_worker_name
    from mezon._cluster.settings import Layout, Timing
    from mezon._cluster.worker_ports import WorkerPorts
    from mezon.cli.find import find, load_env_file, short, trim_traceback
    from mezon.errors import InvalidArgumentError, MezonError
    from mezon.testing.bots import BotError, load_bot

    _log_to_stderr()
    target = find(bot)
    load_env_file(env_file, Path.cwd())
    if health is not None:
        # This command serves the health endpoint, even before the login; the bot's client must not serve it too.
        os.environ.pop("MEZON_HEALTH", None)
    sys.path.insert(0, str(Path.cwd()))
    try:
        check_worker_name(name)
        broker = _broker(nats, creds, nkey, ca_file, f"mezon worker {target.module}")
    except MezonError as error:
        fail(str(error), WRONG_USE)

    def ports(settings: PortSettings) -> WorkerPorts:
        layout = Layout(acknowledge_early=acknowledge_early)
        return WorkerPorts(settings, broker, layout, Timing(drain_timeout=drain), name)

    try:
        with provided_by(ports):
            client = load_bot(target)
    except BotError as error:
        fail(str(error))
    except InvalidArgumentError as error:
        has_id = os.environ.get("MEZON_BOT_ID") or os.environ.get("MEZON_CLIENT_ID")
        hint = "" if has_id else "; MEZON_BOT_ID is not set: set it to the number of the bot"
        fail(f"{target.path.name}: {error}{hint}", WRONG_USE)
    except Exception as error:
        fail(f"{target.path.name} ended with an error\n{trim_traceback(error).rstrip()}")
    if client is None:
        fail(
            f"{target.path.name} creates no client when it is imported, so a worker has nothing to run. "
            "Create the client at the top level of the file, and call run() under if __name__ == '__main__'",
            WRONG_USE,
        )
    say(f"bot     {short(target.path)} (import {target.module}), bot {client.client_id}")
    _run(
        lambda forced_exit: run_worker(
            client, health=health, drain=drain, report=say, forced_exit=forced_exit
        )
    )


def _run_dlq(nats: str, creds: Path | None, nkey: Path | None, ca_file: Path | None, action: Any) -> None:
    from mezon._cluster.broker import connect, disconnect
    from mezon._cluster.process import read_bot_id
    from mezon._cluster.protocol import OPERATOR, Names
    from mezon.errors import MezonError

    async def connect_and_run() -> None:
        broker = _broker(nats, creds, nkey, ca_file, "mezon dlq")
        client = await connect(replace(broker, inbox=names.inbox(OPERATOR)))
        try:
            await action(client, names)
        finally:
            await disconnect(client)

    try:
        names = Names(int(read_bot_id()))
    except (MezonError, ValueError) as error:
        fail(str(error), WRONG_USE)
    _run(lambda forced_exit: connect_and_run())


@dlq.command("list")
def dead_list(
    nats: Annotated[str, NATS],
    limit: Annotated[int, typer.Option(help="The maximum number of events.")] = 100,
    creds: Annotated[Path | None, CREDENTIALS] = None,
    nkey: Annotated[Path | None, NKEY] = None,
    ca_file: Annotated[Path | None, CA_FILE] = None,
    json: Annotated[bool, JSON] = False,
) -> None:
    """List dead events with their reason, oldest first. Their contents are not shown."""
    from mezon._cluster.dead_letters import dead_events

    async def action(client: Any, names: Any) -> None:
        found = await dead_events(client, names, limit)
        if json:
            keys = ("number", "name", "event_id", "partition", "reason", "worker", "at")
            as_json([{key: getattr(one, key) for key in keys} for one in found])
            return
        for one in found:
            when = datetime.datetime.fromtimestamp(one.at).astimezone().isoformat(" ", "seconds")
            out.print(f"{one.number:>6}  {when}  {one.name}  {one.event_id}: {one.reason}", markup=False)
        if not found:
            say("there are no dead events")

    _run_dlq(nats, creds, nkey, ca_file, action)


@dlq.command("replay")
def dead_replay(
    nats: Annotated[str, NATS],
    numbers: Annotated[list[int], typer.Argument(help="Numbers shown by list.")],
    creds: Annotated[Path | None, CREDENTIALS] = None,
    nkey: Annotated[Path | None, NKEY] = None,
    ca_file: Annotated[Path | None, CA_FILE] = None,
) -> None:
    """Publish dead events to the workers again."""
    from mezon._cluster.dead_letters import replay

    async def action(client: Any, names: Any) -> None:
        for number in numbers:
            one = await replay(client, names, number)
            say(f"{number}: {one.name} was published to partition {one.partition} again")

    _run_dlq(nats, creds, nkey, ca_file, action)


@dlq.command("drop")
def dead_drop(
    nats: Annotated[str, NATS],
    numbers: Annotated[list[int], typer.Argument(help="Numbers shown by list.")],
    creds: Annotated[Path | None, CREDENTIALS] = None,
    nkey: Annotated[Path | None, NKEY] = None,
    ca_file: Annotated[Path | None, CA_FILE] = None,
) -> None:
    """Delete dead events."""
    from mezon._cluster.dead_letters import drop

    async def action(client: Any, names: Any) -> None:
        for number in numbers:
            await drop(client, names, number)
            say(f"{number}: dropped")

    _run_dlq(nats, creds, nkey, ca_file, action)
