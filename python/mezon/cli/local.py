"""The local gateway and the bot's process, shared by ``gateway``, ``dev`` and ``chat``."""

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


def make_gateway(*, port: int = 0, tls: bool = False, state_file: Path | None = None) -> LocalGateway:
    """Create a gateway without starting it. Exits with an error message if the file of ``--world`` is invalid."""
    from mezon.testing.gateway import LocalGateway
    from mezon.testing.world import load_world

    options: dict[str, Any] = {}
    if state_file is not None:
        try:
            state = load_world(state_file)
        except (ValueError, OSError) as error:
            fail(str(error), WRONG_USE)
        options = {"world": state, "bot_username": state.bot.username}
    return LocalGateway(port=port, tls=tls, **options)


@contextlib.asynccontextmanager
async def listening(*servers: Any) -> AsyncIterator[None]:
    """Run servers while the block runs. Exits with an error message if a port is not available."""
    async with contextlib.AsyncExitStack() as stack:
        for server in servers:
            try:
                await stack.enter_async_context(server)
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    fail(
                        f"port {server.port} is taken: stop its listener, or choose another port with --port",
                        FAILED,
                    )
                if isinstance(error, PermissionError):
                    fail(
                        f"port {server.port} may not be opened by this user: choose one above 1023 with --port",
                        FAILED,
                    )
                raise
        yield


def local_environment(gateway: LocalGateway) -> dict[str, str]:
    """Return the variables that point a bot's process at the gateway, whatever the bot passes to its client."""
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
    """Create the bot's process without starting it, and stop it after the block.

    ``on_report`` gets the reports of the bot, and those of its process (started, restarting, ended).
    """

    def changed(kind: str, text: str) -> None:
        on_report({"kind": kind, "text": text})

    async with ReportServer(on_report) as reports:
        environment = {**local_environment(gateway), **reports.environment}
        process = BotProcess(target, environment, changed, capture)
        try:
            yield process
        finally:
            await process.stop()
