"""``mezon relay``, ``mezon worker`` and ``mezon dlq``. Needs the NATS client; imported when one of them runs.

``broker`` stands for the address and the credentials of NATS: what ``Broker`` takes, without a name.
"""

from __future__ import annotations

import contextlib
import datetime
import logging
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from mezon._client.assembly import PortSettings, provided_by
from mezon._cluster import process
from mezon._cluster.broker import connect, disconnect
from mezon._cluster.dead_letters import dead_events, drop, replay
from mezon._cluster.protocol import OPERATOR, Names, check_worker_name
from mezon._cluster.relay import Relay
from mezon._cluster.relay_settings import (
    BotSettings,
    RelaySettings,
    gap_options,
    gateway_options,
    message_store,
    parse_bytes,
    parse_pairs,
    parse_rate,
    rate_of_environment,
    read_bots,
)
from mezon._cluster.settings import Broker, Layout, Timing
from mezon._cluster.state_bucket import BucketBackend
from mezon._cluster.status import ClusterStatus, read_status
from mezon._cluster.worker_ports import WorkerPorts
from mezon.cli.find import find, load_env_file, short, trim_traceback
from mezon.cli.output import FAILED, WRONG_USE, as_json, fail, out, print_error, say, size
from mezon.cli.top import View
from mezon.errors import InvalidArgumentError, MezonError
from mezon.testing.bots import BotError, load_bot
from mezon.utils.signals import ForcedExit, run_process

if TYPE_CHECKING:
    from mezon._cluster.direct_client import DirectClient


def run_relay(
    broker: dict[str, Any],
    *,
    api_key_file: Path | None,
    bots: Path | None,
    partitions: int,
    replicas: int,
    max_bytes: str,
    buffer: str,
    cache: str,
    token_transfers: bool,
    http_rate: str,
    gateway: list[str],
    gap: list[str],
    lock_ttl: float,
    health: str | None,
) -> None:
    """Hold the connections of one or several bots until a signal arrives."""
    _log_to_stderr()
    try:
        settings = RelaySettings(
            layout=Layout(partitions=partitions, replicas=replicas, max_bytes=parse_bytes(max_bytes)),
            message_db=message_store(cache),
            buffer=parse_bytes(buffer),
            token_transfers=token_transfers,
            http_rate=parse_rate(http_rate) if http_rate else rate_of_environment(),
            gateway=gateway_options(parse_pairs("--gateway", gateway)),
            gap=None if gap == ["off"] else gap_options(parse_pairs("--gap", gap)),
            lock_ttl=lock_ttl,
        )
        if bots is None:
            client_id, key = process.read_bot(api_key_file)
            found = [BotSettings(client_id=client_id, api_key=key, settings=settings)]
        elif api_key_file is not None:
            raise InvalidArgumentError("--bots names the key of each bot: leave out --api-key-file")
        else:
            found = read_bots(bots, settings)
        relays = [
            Relay(
                bot.client_id,
                bot.api_key,
                Broker(**broker, name=f"mezon relay {bot.client_id}"),
                **bot.settings.for_relay(),
            )
            for bot in found
        ]
    except (MezonError, ValueError) as error:
        fail(str(error), WRONG_USE)
    _run(lambda forced_exit: process.run_relays(relays, health=health, report=say, forced_exit=forced_exit))


def run_worker(
    broker: dict[str, Any],
    bot: str | None,
    *,
    env_file: Path | None,
    drain: float,
    acknowledge_early: bool,
    attempts: int,
    retry_delay: float,
    name: str,
    health: str | None,
) -> None:
    """Run a bot's handlers behind its relay until a signal arrives."""
    _log_to_stderr()
    target = find(bot)
    load_env_file(env_file, Path.cwd())
    if health is not None:
        # This command serves the health endpoint, even before the login; the bot's client must not serve it too.
        os.environ.pop("MEZON_HEALTH", None)
    sys.path.insert(0, str(Path.cwd()))
    try:
        check_worker_name(name)
        layout = Layout(acknowledge_early=acknowledge_early, attempts=attempts, retry_delay=retry_delay)
        named = Broker(**broker, name=f"mezon worker {target.module}")
    except MezonError as error:
        fail(str(error), WRONG_USE)

    def ports(settings: PortSettings) -> WorkerPorts:
        return WorkerPorts(settings, named, layout, Timing(drain_timeout=drain), name)

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
        lambda forced_exit: process.run_worker(
            client, health=health, drain=drain, report=say, forced_exit=forced_exit
        )
    )


def show_status(broker: dict[str, Any], *, json: bool, watch: bool, bots: Sequence[str] = ()) -> None:
    """Show relays, workers, backlog and streams, and the bots at ``bots``. Exits with 1 if events are not handled."""
    failed = False
    try:
        view = View(bots)
    except InvalidArgumentError as error:
        fail(str(error), WRONG_USE)

    async def action(client: DirectClient, names: Names) -> None:
        nonlocal failed
        while True:
            await view.read()
            status = await read_status(
                client, names
            )  # listens for a few seconds: rates are those of this time
            await view.read()
            failed = bool(status.problems) or view.failed
            if json:
                as_json({**asdict(status), "problems": status.problems})
            else:
                if watch:
                    out.clear()
                _print_status(status)
            view.show(as_lines=not json)
            if not watch:
                return

    _run_as_operator(broker, action)
    if failed:
        raise typer.Exit(FAILED)


def _print_status(status: ClusterStatus) -> None:
    relay, bound = status.relay, status.stream_max_bytes
    if relay is None:
        say(f"relay    none, {status.standby} standing by")
    else:
        say(f"relay    {relay['state']}, version {relay['version'] or '?'}, {status.standby} standing by")
        say(f"http     {relay['http_waiting']} calls wait for the limit ({relay['http_rate'] or '?'})")
    say(f"workers  {len(status.workers)}")
    for name, worker in sorted(status.workers.items()):
        state = " leaving" if worker["leaving"] else ""
        if worker["blocked"]:
            state += f" blocked for {worker['blocked']:g} s"
        say(
            f"         {name}  version {worker['version'] or '?'}, {worker['partitions']} partitions, "
            f"{worker['running']} events running, {worker['queued']} queued{state}"
        )
    oldest = f", the oldest {max(status.age.values()):.1f} s old" if status.age else ""
    say(f"backlog  {sum(status.backlog.values())} events in {len(status.backlog)} partitions{oldest}")
    for partition, count in status.backlog.items():
        age = f", {status.age[partition]:.1f} s old" if partition in status.age else ""
        say(f"         partition {partition}: {count}{age}")
    say(f"stream   {size(status.stream_bytes)} of {size(bound) if bound > 0 else 'unlimited'}")
    say(f"dead     {status.dead} events")
    for problem in status.problems:
        print_error(f"problem: {problem}")


def list_dead(broker: dict[str, Any], limit: int, *, json: bool) -> None:
    """List dead events, oldest first."""

    async def action(client: DirectClient, names: Names) -> None:
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

    _run_as_operator(broker, action)


def replay_dead(broker: dict[str, Any], numbers: list[int]) -> None:
    """Publish dead events to the workers again."""

    async def action(client: DirectClient, names: Names) -> None:
        for number in numbers:
            one = await replay(client, names, number)
            say(f"{number}: {one.name} was published to partition {one.partition} again")

    _run_as_operator(broker, action)


def drop_dead(broker: dict[str, Any], numbers: list[int]) -> None:
    """Delete dead events."""

    async def action(client: DirectClient, names: Names) -> None:
        for number in numbers:
            await drop(client, names, number)
            say(f"{number}: dropped")

    _run_as_operator(broker, action)


@contextlib.asynccontextmanager
async def open_state(broker: dict[str, Any], bot_id: int) -> AsyncIterator[BucketBackend]:
    """Open the durable state of a bot, as the operator."""
    names = Names(bot_id)
    client = await connect(replace(Broker(**broker, name="mezon state"), inbox=names.inbox(OPERATOR)))

    async def connected() -> DirectClient:
        return client

    try:
        yield BucketBackend(connected, names.state_bucket)
    finally:
        await disconnect(client)


def _run_as_operator(
    broker: dict[str, Any], action: Callable[[DirectClient, Names], Awaitable[None]]
) -> None:
    """Connect to NATS as the operator, and run a coroutine function."""

    async def connect_and_run() -> None:
        operator = Broker(**broker, name="mezon dlq")
        client = await connect(replace(operator, inbox=names.inbox(OPERATOR)))
        try:
            await action(client, names)
        finally:
            await disconnect(client)

    try:
        names = Names(int(process.read_bot_id()))
    except (MezonError, ValueError) as error:
        fail(str(error), WRONG_USE)
    _run(lambda forced_exit: connect_and_run())


def _run(work: Callable[[ForcedExit], Coroutine[Any, Any, None]]) -> None:
    """Run a coroutine; an error of this package ends the command with a sentence instead of a traceback."""
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
