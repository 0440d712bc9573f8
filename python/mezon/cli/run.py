"""``mezon run``: print the bot and its server, then run it."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import typer

from mezon.cli.find import find, is_plain, load_env_file, reload_env, short, trim_traceback
from mezon.cli.output import FAILED, fail, say
from mezon.cli.process import RESTARTS, BotProcess, ReportServer, changes
from mezon.testing.bots import BotError, Target, load_bot, run_script
from mezon.testing.unregistered import warn_about_main
from mezon.utils.signals import run_until_signal


def run_bot(named: str | None, *, reload: bool, env_file: Path | None, health: str | None = None) -> None:
    """Find the bot and run it until it ends. ``health`` is the default of its client's ``health`` parameter."""
    target = find(named)
    if health:
        os.environ["MEZON_HEALTH"] = health
    file, names = load_env_file(env_file, Path.cwd())
    if file is not None:
        say(f"env     {short(file)}: {', '.join(names) or 'all variables were set already'}")
    say(f"bot     {short(target.path)} (import {target.module})")
    if reload:
        _run_with_reload(target, file, names)
        return
    _run_here(target)


def _run_here(target: Target) -> None:
    sys.path.insert(0, os.getcwd())
    try:
        client = load_bot(target)
        if client is None:
            say("client  none at the top level of the file: the bot runs as a script")
            run_script(target)
            return
        if (warning := warn_about_main(target.path, client, local=False)) is not None:
            say(f"warning {warning}")
        say(f"client  bot {client.client_id} at {client.login_url}")
        client.run()
    except BotError as error:
        fail(str(error))
    except KeyboardInterrupt:
        raise typer.Exit(0) from None
    except Exception as error:
        if is_plain(error):
            fail(f"{type(error).__name__}: {error}")
        fail(f"{target.path.name} ended with an error\n{trim_traceback(error).rstrip()}")


def _run_with_reload(target: Target, env_file: Path | None, names: list[str]) -> None:
    folder = Path.cwd().resolve()
    from_file = set(names)

    async def main() -> None:
        # The reports are ignored; the connection makes the bot end with this process.
        async with ReportServer(lambda report: None) as reports:
            process = BotProcess(
                target, reports.environment, lambda kind, text: say(f"mezon   {text}"), advice=RESTARTS
            )
            say(f"watch   {folder}; Ctrl-C ends the bot")
            await process.start()

            async def changed(files: list[Path]) -> None:
                reload_env(env_file, folder, from_file)
                await process.restart(f"{short(files[0])} was saved: restarting")

            try:
                await run_until_signal(changes(folder, env_file, changed))
            finally:
                await process.stop()

    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        raise typer.Exit(FAILED) from None
