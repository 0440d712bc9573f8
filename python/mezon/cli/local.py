"""What ``dev`` and ``chat`` stand on: a local gateway, and the bot as a process that talks to it."""

from __future__ import annotations

import contextlib
import errno
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mezon.cli.child import LOCAL
from mezon.cli.output import FAILED, WRONG_USE, fail
from mezon.cli.process import BotProcess
from mezon.cli.report import ReportServer
from mezon.testing.bots import Target

if TYPE_CHECKING:
    from mezon.testing.gateway import LocalGateway


def make_gateway(*, port: int = 0, tls: bool = False, world: Path | None = None) -> LocalGateway:
    """Make a gateway that is not started yet. Ends the command when the world file is wrong."""
    from mezon.testing.gateway import LocalGateway
    from mezon.testing.world_file import load_world

    options: dict[str, Any] = {}
    if world is not None:
        try:
            made = load_world(world)
        except (ValueError, OSError) as error:
            fail(str(error), WRONG_USE)
        options = {"world": made, "bot_username": made.bot.username}
    return LocalGateway(port=port, tls=tls, **options)


@contextlib.asynccontextmanager
async def listening(*servers: Any) -> AsyncIterator[None]:
    """Start servers (``async with`` each); a busy port is one sentence and the end."""
    async with contextlib.AsyncExitStack() as stack:
        for server in servers:
            try:
                await stack.enter_async_context(server)
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    fail(
                        f"port {server.port} is taken: stop what listens there, or choose another with --port",
                        FAILED,
                    )
                if isinstance(error, PermissionError):
                    fail(
                        f"port {server.port} may not be opened here: choose one above 1023 with --port",
                        FAILED,
                    )
                raise
        yield


def local_environment(gateway: LocalGateway) -> dict[str, str]:
    """Give what points a bot's process at the gateway, whatever the bot passes to its client."""
    options = gateway.client_options()
    options.pop("gateway", None)
    if gateway.ca_file is not None:
        options["ca_file"] = gateway.ca_file
    return {**gateway.environment(), LOCAL: json.dumps(options)}


@contextlib.asynccontextmanager
async def local_bot(
    target: Target,
    gateway: LocalGateway,
    on_report: Callable[[dict[str, Any]], None],
    capture: Callable[[str], None] | None = None,
) -> AsyncIterator[BotProcess]:
    """Make the bot's process, not started yet; it is ended with the block. ``on_report`` hears of its life too."""

    def changed(kind: str, text: str) -> None:
        on_report({"kind": kind, "text": text})

    async with ReportServer(on_report) as reports:
        environment = {**local_environment(gateway), **reports.environment}
        process = BotProcess(target, environment, changed, capture)
        try:
            yield process
        finally:
            await process.stop()
