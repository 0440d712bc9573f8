"""``python -m mezon.testing``: run a local gateway from the shell. Prints one JSON line and serves until stopped."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import errno
import json
import runpy
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from mezon.testing.gateway import LocalGateway
from mezon.testing.process import hello, serve_control
from mezon.testing.state import API_KEY
from mezon.testing.world import BOT_ID
from mezon.utils.signals import stop_on_signal


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m mezon.testing", description="A local Mezon gateway.")
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="0 for a free port (default)")
    parser.add_argument("--bot-id", type=int, default=BOT_ID)
    parser.add_argument("--api-key", default=API_KEY)
    parser.add_argument("--bot-username", default="echo")
    parser.add_argument("--tls", action="store_true", help="serve https and wss with a temporary certificate")
    parser.add_argument("--no-websocket", action="store_true", help="refuse WebSockets")
    parser.add_argument("--no-tcp", action="store_true", help="refuse abridged TCP")
    parser.add_argument(
        "--strict", action="store_true", help="enforce the documented limits of the live service"
    )
    parser.add_argument("--require-join", action="store_true", help="refuse messages to unjoined channels")
    parser.add_argument("--clans", type=int, default=1, help="number of clans")
    parser.add_argument(
        "--script", help="a Python file with 'async def main(gateway)' to run after the start"
    )
    parser.add_argument(
        "--playground", action="store_true", help="serve the playground; the first line contains its URL"
    )
    parser.add_argument(
        "--control", action="store_true", help="accept JSON calls on stdin (see mezon.testing.process)"
    )
    return parser.parse_args()


async def _main(options: argparse.Namespace) -> None:
    script: Callable[[LocalGateway], Awaitable[Any]] | None = None
    if options.script is not None:
        script = runpy.run_path(options.script)["main"]
    gateway = LocalGateway(
        host=options.host,
        port=options.port,
        tls=options.tls,
        websocket=not options.no_websocket,
        tcp=not options.no_tcp,
        bot_id=options.bot_id,
        api_key=options.api_key,
        bot_username=options.bot_username,
        require_join=options.require_join,
        strict=options.strict,
    )
    for number in range(1, options.clans):
        clan = gateway.world.add_clan(f"Clan {number + 1}")
        gateway.world.add_channel(f"general-{number + 1}", clan)
    stopped = asyncio.Event()
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(stop_on_signal(lambda name: stopped.set()))
        await stack.enter_async_context(gateway)
        first = hello(gateway)
        if options.playground:
            from mezon.testing.playground import Playground

            page = await stack.enter_async_context(Playground(gateway))
            page.records.use_default_file()
            first["playground"] = page.url
        print(json.dumps(first, ensure_ascii=False), flush=True)
        async with asyncio.TaskGroup() as group:
            ends = [group.create_task(stopped.wait())]
            if options.control:
                ends.append(group.create_task(serve_control(gateway)))  # type: ignore[arg-type]
            side = [group.create_task(_run(script, gateway))] if script is not None else []
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for task in [*ends, *side]:
                task.cancel()


async def _run(script: Callable[[LocalGateway], Awaitable[Any]], gateway: LocalGateway) -> None:
    await script(gateway)


def main() -> None:
    """Run a gateway until it is interrupted. Exit with code 1 and a message if the port is in use."""
    options = _arguments()
    try:
        asyncio.run(_main(options))
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        sys.exit(f"port {options.port} is taken: stop what listens there, or choose another with --port")


if __name__ == "__main__":
    main()
