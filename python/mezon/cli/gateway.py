"""``mezon gateway``: the local gateway with a live log. ``dev`` and ``chat`` start theirs with the same functions."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from shlex import quote
from typing import Any

from mezon.cli.output import FAILED, WRONG_USE, as_json, fail, say
from mezon.protobuf.rtapi import realtime_pb2
from mezon.testing.gateway import LocalGateway
from mezon.testing.limits import Limits
from mezon.testing.playground import Playground
from mezon.testing.playground.views import content_of
from mezon.testing.process import hello
from mezon.testing.records import HOUSEKEEPING, Request, Sent, Tap
from mezon.testing.world import BOT_NAME, USERNAMES, load_world
from mezon.utils.signals import run_until_signal


def serve(
    *, port: int, tls: bool, state_file: Path | None, playground: bool, export: bool, json_log: bool
) -> None:
    """Run until Ctrl-C or SIGTERM; with ``export`` only print lines for ``eval`` and return."""
    gateway = make_gateway(port=port, tls=tls, state_file=state_file)
    if export:
        if not port:
            fail(
                "--export needs --port: pass the port of the running gateway",
                WRONG_USE,
            )
        for name, value in gateway.environment().items():
            print(f"export {name}={quote(value)}")
        return

    async def main() -> None:
        page = Playground(gateway) if playground else None
        if page is not None:
            page.records.use_default_file()
        async with listening(gateway, *([page] if page is not None else [])):
            _introduce(gateway, page, json_log)
            gateway.taps.append(_Log(json_log, gateway.world.users))
            await run_until_signal(asyncio.Event().wait())

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())


def _introduce(gateway: Any, page: Playground | None, json_log: bool) -> None:
    if json_log:
        as_json({"kind": "hello", **hello(gateway), "playground": page.url if page is not None else None})
        return
    say(f"gateway {gateway.url}")
    if page is not None:
        say(f"page    {page.url}")
    if gateway.ca_file is not None:
        say(f"ca      {gateway.ca_file}: GatewayOptions(ca_file=...) trusts it")
    say(f"bot     id {gateway.bot_id}, key {gateway.api_key}")
    usernames = ", ".join(user.username for user in gateway.world.users.values() if not user.is_bot)
    channels = ", ".join(f"#{channel.label}" for channel in gateway.world.channels.values())
    say(f"world   {channels}; {usernames}")
    say(f'shell   eval "$(mezon gateway --port {gateway.port} --export)" points bots of another shell here')
    say("log     all traffic; Ctrl-C ends the gateway")


class _Log(Tap):
    """Print one line for each event of the gateway."""

    def __init__(self, json_log: bool, users: dict[int, Any]) -> None:
        self._json = json_log
        self._users = users

    def _line(self, kind: str, what: str, **details: Any) -> None:
        if self._json:
            as_json({"kind": kind, "time": time.time(), "what": what, **details})
        else:
            rest = " ".join(str(value) for value in details.values() if value not in ("", None))
            say(f"{time.strftime('%H:%M:%S')} {kind:<8} {what} {rest}".rstrip())

    def on_sent(self, sent: Sent) -> None:
        """Print a call of a bot, except pings and joins."""
        if sent.kind not in HOUSEKEEPING:
            self._line("bot", sent.api_name or sent.kind, text=sent.text)

    def on_published(self, envelope: realtime_pb2.Envelope, receivers: Sequence[int] = ()) -> None:
        """Print an event sent to clients."""
        kind = envelope.WhichOneof("message") or "nothing"
        details = {}
        if kind == "channel_message":
            message = envelope.channel_message
            details = {"user": message.username, "text": str(content_of(message.content).get("t") or "")}
        self._line("world", kind, **details)

    def on_request(self, request: Request) -> None:
        """Print an HTTP request."""
        self._line("http", f"{request.method} {request.name}", status=request.status or "cut")

    def on_connections(self, live: int) -> None:
        """Print the number of open sockets after a change."""
        self._line("socket", f"{live} open")


def make_gateway(
    *, port: int = 0, tls: bool = False, state_file: Path | None = None, bot: str | None = None
) -> LocalGateway:
    """Create a gateway without starting it. Exits with an error message if the file of ``--world`` is invalid.

    Args:
        port: The port; 0 for a free one.
        tls: Serve TLS.
        state_file: The file of ``--world``.
        bot: The username of the bot, unless the file names it or a user has this name.
    """
    username = bot if bot and bot not in USERNAMES else BOT_NAME
    options: dict[str, Any] = {"bot_username": username}
    if state_file is not None:
        try:
            state = load_world(state_file, bot or BOT_NAME)
        except (ValueError, OSError) as error:
            fail(str(error), WRONG_USE)
        options = {"world": state, "bot_username": state.bot.username}
    # A bot that answers its own messages would fill the conversation within seconds.
    return LocalGateway(port=port, tls=tls, limits=Limits(uninterrupted_sends=50), **options)


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
