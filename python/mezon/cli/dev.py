"""``mezon dev``: local gateway, playground and bot in one terminal."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import time
import webbrowser
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

from mezon.cli.find import find, load_env_file, project_name, reload_env, short
from mezon.cli.gateway import listening, make_gateway
from mezon.cli.output import print_error, say
from mezon.cli.process import RESTARTS, BotProcess, changes, local_bot
from mezon.testing.bots import Target
from mezon.testing.playground import Playground
from mezon.utils.background import BackgroundTasks
from mezon.utils.logger import ColoredFormatter
from mezon.utils.signals import run_until_signal


class _Control:
    """The interface of the playground to the bot's process."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self.process: BotProcess

    @property
    def target(self) -> str:
        place = short(self._target.path)
        return f"{place}:{self._target.attribute}" if self._target.attribute else place

    async def restart(self, why: str) -> None:
        await self.process.restart(f"restart {why}")

    def run_task(self, name: str) -> None:
        self.process.run_task(name)

    def save_test(self, text: str) -> str:
        """Save a test as a new file in the current directory and return its name."""
        for number in range(1, 1000):
            path = Path.cwd() / f"test_played_{number}.py"
            try:
                with path.open("x", encoding="utf-8") as stream:
                    stream.write(text)
            except FileExistsError:
                continue
            say(f"saved   {path.name}: run pytest")
            return path.name
        raise ValueError("1,000 files test_played_*.py exist: remove some")


def develop(
    named: str | None,
    *,
    port: int,
    playground_port: int,
    state_file: Path | None,
    open_page: bool,
    reload: bool,
    env_file: Path | None,
) -> None:
    """Run until q, Ctrl-C or SIGTERM."""
    target = find(named)
    file, names = load_env_file(env_file, Path.cwd())
    gateway = make_gateway(port=port, state_file=state_file, bot=project_name(Path.cwd()))

    async def main() -> None:
        control = _Control(target)
        playground = Playground(gateway, port=playground_port, bot=control)

        def on_report(report: dict[str, Any]) -> None:
            if report["kind"] == "log" and report["shown"]:
                return  # part of the output already
            if report["kind"] == "records":
                # Not for the page: a URL may contain a password.
                playground.records.address = report["address"]
                return
            playground.report({"time": time.time(), **report})
            if report["kind"] in ("log", "error") and not report["shown"]:
                print(_log_line(report), file=sys.stderr, flush=True)
            elif report["kind"] == "crash":
                print_error(report["text"])
            elif report["kind"] in ("started", "restarting"):
                say(f"bot     {report['text']}")
            elif report["kind"] == "ended":
                print_error(f"bot     {report['text']}")

        def on_output(line: str) -> None:
            print(line, flush=True)
            playground.report({"kind": "output", "time": time.time(), "text": line})

        async with (
            listening(gateway, playground),
            local_bot(
                target, gateway, on_report, on_output, "INFO", RESTARTS if reload else "press r to restart it"
            ) as process,
        ):
            control.process = process
            say(f"gateway {gateway.url}: local, no account and no network needed")
            say(f"page    {playground.url}")
            stop = asyncio.Event()
            pressed = _hotkeys(gateway, process, playground.url, stop)
            await process.start()
            if open_page:
                _open(playground.url)
            folder = Path.cwd().resolve()
            from_file = set(names)

            async def changed(files: list[Path]) -> None:
                reload_env(env_file, folder, from_file)
                await process.restart(f"{short(files[0])} was saved")

            async with keys(pressed) as listens:
                if listens:
                    say("keys    o open the page, r restart the bot, d drop its connection, q quit")
                else:
                    say("keys    not available without a terminal; Ctrl-C or SIGTERM ends the command")
                work = changes(folder, file, changed) if reload else stop.wait()
                await run_until_signal(work, stop)

    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        say("")


def _log_line(report: dict[str, Any]) -> str:
    """Format a record of the bot's log as ``client.run()`` does in a terminal."""
    record = logging.makeLogRecord(
        {
            "name": report["logger"],
            "levelname": report["level"],
            "msg": report["text"],
            "created": report["time"],
        }
    )
    line = ColoredFormatter("[%(asctime)s] [%(name)s] [%(levelname)s] %(message)s").format(record)
    return f"{line}\n{report['traceback'].rstrip()}" if report["traceback"] else line


def _hotkeys(gateway: Any, process: BotProcess, url: str, stop: asyncio.Event) -> Any:
    async def pressed(key: str) -> None:
        match key:
            case "o":
                _open(url)
            case "r":
                await process.restart("restart requested")
            case "d":
                count = await gateway.drop()
                say(f"gateway {'dropped the connection' if count else 'no connection to drop'}")
            case "q":
                stop.set()

    return pressed


def _open(url: str) -> None:
    if not webbrowser.open(url):
        say(f"page    no browser found; open {url}")


@contextlib.asynccontextmanager
async def keys(pressed: Callable[[str], Coroutine[Any, Any, None]]) -> AsyncIterator[bool]:
    """Call ``pressed`` for each key while the block runs. Yields False if standard input is not a terminal."""
    try:
        import termios
        import tty
    except ImportError:  # Windows: only Ctrl-C works
        yield False
        return
    try:
        descriptor = sys.stdin.fileno()
        before = termios.tcgetattr(descriptor)
    except (termios.error, OSError, ValueError, AttributeError):  # no terminal
        yield False
        return
    loop = asyncio.get_running_loop()
    background = BackgroundTasks(logging.getLogger("mezon.cli"))

    def ready() -> None:
        for key in os.read(descriptor, 16).decode(errors="ignore"):
            background.spawn(pressed(key.lower()), f"key {key}")

    # cbreak leaves Ctrl-C alone.
    tty.setcbreak(descriptor)
    loop.add_reader(descriptor, ready)
    try:
        yield True
    finally:
        loop.remove_reader(descriptor)
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
        await background.stop()
