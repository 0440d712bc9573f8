"""A relay or a worker as a process: its environment, signals, health endpoint, and retries at the start."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mezon._client.operations import Health
from mezon._cluster.broker import BrokerError
from mezon._cluster.leader import LockLostError
from mezon._cluster.log_throttle import LogThrottle
from mezon._cluster.metrics import RELAY_METRICS, WORKER_METRICS, render
from mezon._cluster.worker_ports import worker_state
from mezon.errors import InvalidArgumentError, MezonConnectionError, MezonError
from mezon.ext.state import set_default_backend
from mezon.options import GapOptions
from mezon.utils.logger import get_logger
from mezon.utils.secrets import masked
from mezon.utils.signals import stop_on_signal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from mezon._cluster.relay import Relay
    from mezon.client import MezonClient
    from mezon.utils.signals import ForcedExit


logger = get_logger("mezon.cluster")

#: Seconds until one of several relays that has ended is started again.
_RESTART_INTERVAL: Final = 30.0

#: Seconds for telling users that their conversation has ended.
_FAREWELL: Final = 5.0

#: Seconds between two attempts to start.
_RETRY_INTERVAL: Final = 1.0


def read_bot(api_key_file: Path | None = None) -> tuple[str, str]:
    """Return the bot's id and key from the environment, or the key from a file.

    Raises:
        InvalidArgumentError: One of them is missing.
    """
    client_id = read_bot_id()
    if api_key_file is not None:
        try:
            key = masked(api_key_file.read_text("utf-8").strip())
        except OSError as error:
            raise InvalidArgumentError(f"{api_key_file} cannot be read: {error.strerror or error}") from None
    else:
        key = masked(os.environ.get("MEZON_API_KEY", ""))
    if not key:
        raise InvalidArgumentError(
            "the bot's key is missing: set MEZON_API_KEY, or name a file with --api-key-file"
        )
    return client_id, key


def read_bot_id() -> str:
    """Return the bot's id from the environment.

    Raises:
        InvalidArgumentError: It is missing or not a number.
    """
    client_id = os.environ.get("MEZON_CLIENT_ID") or os.environ.get("MEZON_BOT_ID", "")
    if not client_id.isdigit():
        raise InvalidArgumentError("the bot's id is missing: set MEZON_BOT_ID to the number of the bot")
    return client_id


async def run_relays(
    relays: Sequence[Relay],
    *,
    health: str | None,
    report: Callable[[str], None],
    forced_exit: ForcedExit | None = None,
) -> None:
    """Run relays until SIGINT or SIGTERM. Each stands by whenever another relay of its bot is in charge.

    A single relay that cannot continue ends the process; one of several is started again after a while.

    Args:
        relays: The relays, of one bot each.
        health: The address of the health endpoint; None for none.
        report: Receives a line when a relay is ready, and when all have stopped.
        forced_exit: Armed by a second signal.

    Raises:
        MezonError: The only relay cannot start or cannot continue.
    """
    for relay in relays:
        relay.on_ready = partial(_report_ready, relay, report)
    alone = relays[0] if len(relays) == 1 else None

    def stats() -> dict[str, Any]:
        return alone.stats() if alone is not None else {str(one.names.bot): one.stats() for one in relays}

    def metrics() -> str:
        return render(
            "mezon_relay", RELAY_METRICS, [({"bot": str(one.names.bot)}, one.figures()) for one in relays]
        )

    server = (
        None
        if health is None
        else Health(health, lambda: all(one.healthy() for one in relays), stats, metrics)
    )
    stopped = asyncio.Event()
    with stop_on_signal(lambda name: stopped.set(), forced_exit):
        if server is not None:
            await server.start()
        work = _run_and_stand_by(alone) if alone is not None else _run_all(relays)
        running = asyncio.create_task(work, name="mezon-relay-run")
        end = asyncio.create_task(stopped.wait())
        try:
            await asyncio.wait([running, end], return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                running.result()
        finally:
            for task in (running, end):
                task.cancel()
            await asyncio.wait([running, end])
            if server is not None:
                await server.stop()
    report("relay ended")


def _report_ready(relay: Relay, report: Callable[[str], None]) -> None:
    report(f"relay of bot {relay.names.bot} is ready (epoch {relay.stats()['epoch']})")


async def _run_all(relays: Iterable[Relay]) -> None:
    async with asyncio.TaskGroup() as group:
        for relay in relays:
            group.create_task(_run_again(relay), name=f"mezon-relay-{relay.names.bot}")


async def _run_again(relay: Relay) -> None:
    """Run one of several relays. An error of one bot does not concern the others."""
    while True:
        try:
            return await _run_and_stand_by(relay)
        except MezonError as error:
            logger.error(
                "The relay of bot %d has ended and starts again in %g s: %s",
                relay.names.bot,
                _RESTART_INTERVAL,
                error,
            )
        await asyncio.sleep(_RESTART_INTERVAL)


async def _run_and_stand_by(relay: Relay) -> None:
    """Run a relay again whenever it has lost the lock.

    An error before the relay has been in charge is raised, so that an operator sees it. Afterwards it is retried.
    """
    was_in_charge, failures = False, LogThrottle(logger)
    while True:
        try:
            return await relay.run()
        except LockLostError as error:
            was_in_charge = True
            logger.warning("%s and stands by", error)
        except (MezonConnectionError, BrokerError) as error:
            if not was_in_charge:
                raise
            failures.warning("The relay cannot stand by yet: %s", error)
            await asyncio.sleep(_RETRY_INTERVAL)


async def run_worker(
    client: MezonClient,
    *,
    health: str | None,
    drain: float,
    report: Callable[[str], None],
    forced_exit: ForcedExit | None = None,
) -> None:
    """Run a bot's handlers until SIGINT or SIGTERM, then wait for running handlers and release the partitions.

    Args:
        client: The bot's client, created with `WorkerPorts`.
        health: The address of the health endpoint; None for none.
        drain: Seconds that running handlers have.
        report: Receives a line when the worker is ready, and when it has stopped.
        forced_exit: Armed by a second signal.

    Raises:
        MezonError: The login failed.
    """

    for problem in _settings_of_relay(client):
        logger.warning("%s", problem)

    def stats() -> dict[str, Any]:
        return asdict(client.stats())

    set_default_backend(worker_state)

    def metrics() -> str:
        found: dict[str, Any] = {"ready": client.state == "ready"}
        labels = {"bot": str(client.client_id)}
        if client.state == "ready":
            figures = client.socket_manager.socket.connection.stats()
            labels["worker"] = str(figures.get("worker", ""))
            found.update(
                partitions=len(figures.get("partitions", ())),
                events_running=figures.get("running"),
                events_queued=figures.get("queued"),
                events_handled=figures.get("events", {}).get("all"),
                events_repeated=figures.get("repeated"),
                events_malformed=figures.get("malformed"),
                events_dead=figures.get("dead"),
            )
        return render("mezon_worker", WORKER_METRICS, [(labels, found)])

    server = None if health is None else Health(health, lambda: client.state == "ready", stats, metrics)
    stopped = asyncio.Event()
    with stop_on_signal(lambda name: stopped.set(), forced_exit):
        if server is not None:
            await server.start()
        end = asyncio.create_task(stopped.wait())
        login = asyncio.create_task(_log_in(client))
        try:
            await asyncio.wait([login, end], return_when=asyncio.FIRST_COMPLETED)
            if login.done():
                login.result()
                report(f"worker of bot {client.client_id} is ready")
                closed = asyncio.create_task(client.wait_closed())
                await asyncio.wait([closed, end], return_when=asyncio.FIRST_COMPLETED)
                if closed.done():
                    closed.result()
                else:
                    closed.cancel()
                    await asyncio.wait([closed])
        finally:
            for task in (login, end):
                task.cancel()
            await asyncio.wait([login, end])
            await _leave(client, drain)
            if server is not None:
                await server.stop()
            set_default_backend(None)
    report("worker ended")


def _settings_of_relay(client: MezonClient) -> list[str]:
    """Return a sentence for each setting of the client that only the relay can apply; see also `WorkerPorts`."""
    found = []
    if isinstance(client.fill_gaps, GapOptions):
        found.append(
            "fill_gaps of the bot has no effect in a worker, because the relay fills gaps: pass its fields as "
            f"mezon relay --gap channels={client.fill_gaps.channels}"
        )
    if client.transport != "auto" and "MEZON_TRANSPORT" not in os.environ:
        found.append(
            "transport of the bot has no effect in a worker, because the relay holds the connection: set "
            f"MEZON_TRANSPORT={client.transport} for the relay"
        )
    return found


async def _leave(client: MezonClient, drain: float) -> None:
    """Let running handlers and conversations end within ``drain`` seconds, then close the client.

    Conversations that are open even then end with an error, and their handlers have a moment to tell the user.
    """
    end = time.monotonic() + drain
    if client.state == "ready":
        leave = getattr(client.socket_manager.socket.connection, "leave", None)
        if leave is not None:
            await leave(drain)
    await client.disconnect(drain=max(end - time.monotonic(), min(drain, _FAREWELL)))


async def _log_in(client: MezonClient) -> None:
    """Log in, and retry until a relay is there: workers and relay may start in any order."""
    logged = ""
    while True:
        try:
            return await client.login()
        except MezonConnectionError as error:
            # Each error is logged once, although it may be retried for hours.
            if str(error) != logged:
                logged = str(error)
                logger.warning("The worker cannot start yet and tries again: %s", error)
            await asyncio.sleep(_RETRY_INTERVAL)
