"""A relay or a worker as a process: signals, the line when it is ready, health."""

from __future__ import annotations

import asyncio
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mezon._client.operations import Health
from mezon._cluster.broker import BrokerError
from mezon._cluster.leader import LockLostError
from mezon.errors import InvalidArgumentError, MezonConnectionError
from mezon.utils.logger import get_logger
from mezon.utils.masked import masked
from mezon.utils.signals import stop_on_signal

if TYPE_CHECKING:
    from collections.abc import Callable

    from mezon._cluster.relay import Relay
    from mezon.client import MezonClient
    from mezon.utils.signals import ForcedExit


logger = get_logger("mezon.cluster")

#: Seconds between two tries to begin.
_PAUSE: Final = 1.0


def bot_of_environment(api_key_file: Path | None = None) -> tuple[str, str]:
    """Read the bot's id and key, from MEZON_CLIENT_ID and MEZON_API_KEY or a file with the key.

    Raises:
        InvalidArgumentError: If one of them is missing.
    """
    client_id = bot_id_of_environment()
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


def bot_id_of_environment() -> str:
    """Read the bot's id.

    Raises:
        InvalidArgumentError: If it is missing, or no number.
    """
    client_id = os.environ.get("MEZON_CLIENT_ID") or os.environ.get("MEZON_BOT_ID", "")
    if not client_id.isdigit():
        raise InvalidArgumentError("the bot's id is missing: set MEZON_BOT_ID to the number of the bot")
    return client_id


async def run_relay(
    relay: Relay,
    *,
    health: str | None,
    say: Callable[[str], None],
    forced_exit: ForcedExit | None = None,
) -> None:
    """Relay until a signal comes or it cannot go on; stand by while another one does.

    Raises:
        MezonError: What ended it.
    """

    def ready() -> None:
        say(f"relay of bot {relay.names.bot} is ready (epoch {relay.stats()['epoch']})")

    relay.on_ready = ready
    server = None if health is None else Health(health, relay.healthy, relay.stats)
    stopped = asyncio.Event()
    with stop_on_signal(lambda name: stopped.set(), forced_exit):
        if server is not None:
            await server.start()
        running = asyncio.create_task(_relay(relay), name="mezon-relay-run")
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
    say("relay ended")


async def _relay(relay: Relay) -> None:
    """Relay again and again: one that has lost its lock stands by, as good as a new one.

    What keeps it from beginning is an end at first, for a person to read, and a reason to wait later on.
    """
    began = False
    while True:
        try:
            return await relay.run()
        except LockLostError as error:
            began = True
            logger.warning("%s and stands by", error)
        except (MezonConnectionError, BrokerError) as error:
            if not began:
                raise
            logger.warning("The relay cannot stand by yet: %s", error)
            await asyncio.sleep(_PAUSE)


async def run_worker(
    client: MezonClient,
    *,
    health: str | None,
    drain: float,
    say: Callable[[str], None],
    forced_exit: ForcedExit | None = None,
) -> None:
    """Run a bot's handlers until a signal comes or it cannot go on; then let them end and give the partitions away.

    Raises:
        MezonError: What the login raised.
    """

    def stats() -> dict[str, Any]:
        return asdict(client.stats())

    server = None if health is None else Health(health, lambda: client.state == "ready", stats)
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
                say(f"worker of bot {client.client_id} is ready")
                closed = asyncio.create_task(client.wait_closed())
                await asyncio.wait([closed, end], return_when=asyncio.FIRST_COMPLETED)
                if closed.done():
                    closed.result()
                else:
                    closed.cancel()
        finally:
            for task in (login, end):
                task.cancel()
            await asyncio.wait([login, end])
            await client.disconnect(drain=drain)
            if server is not None:
                await server.stop()
    say("worker ended")


async def _log_in(client: MezonClient) -> None:
    """Log in, and wait for a relay as long as it takes: workers and relay may start in any order."""
    told = ""
    while True:
        try:
            return await client.login()
        except MezonConnectionError as error:
            # Once: it tries each second, for a night if need be.
            if str(error) != told:
                told = str(error)
                logger.warning("The worker cannot begin yet, and tries again: %s", error)
            await asyncio.sleep(_PAUSE)


__all__ = ["LockLostError", "bot_id_of_environment", "bot_of_environment", "run_relay", "run_worker"]
