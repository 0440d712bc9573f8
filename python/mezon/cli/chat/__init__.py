"""``mezon chat``: talk to a bot in the terminal."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any, Final

from mezon.cli.chat.commands import Room, UseError
from mezon.cli.chat.render import Renderer
from mezon.cli.find import find, load_env_file
from mezon.cli.local import listening, local_bot, make_gateway
from mezon.cli.output import FAILED, WRONG_USE, complain, fail, say
from mezon.cli.process import BotProcess
from mezon.testing.playground.conversation import Conversation
from mezon.testing.playground.recording import Recording

#: Seconds a line from a pipe waits for an answer, and for the end of one.
_ANSWER: Final = 3.0
_QUIET: Final = 0.4
#: Seconds a bot may take to come online.
_START: Final = 30.0


def talk(
    named: str | None, *, user: str, channel: str, world: Path | None, logs: bool, env_file: Path | None
) -> None:
    """Run until /quit, Ctrl-D, Ctrl-C, or the end of a pipe."""
    target = find(named)
    load_env_file(env_file, Path.cwd())
    gateway = make_gateway(world=world)
    interactive = sys.stdin.isatty() and sys.stdout.isatty()
    renderer = Renderer(gateway, interactive)

    def heard(report: dict[str, Any]) -> None:
        match report["kind"]:
            case "error":
                renderer.trouble(f"{report['text']}\n{report['traceback']}")
            case "crash":
                renderer.trouble(report["text"])
            case "ended" | "restarting":
                renderer.note(report["text"])

    async def main() -> None:
        conversation = Conversation(gateway, renderer.take)
        recording = Recording(gateway)
        gateway.taps += [recording, conversation]
        capture = (lambda line: renderer.note(line)) if logs else (lambda line: None)
        async with listening(gateway), local_bot(target, gateway, heard, capture) as process:
            try:
                room = Room(gateway, conversation, recording, renderer, process, user, channel)
            except LookupError as error:
                fail(str(error), WRONG_USE)
            await process.start()
            await _online(gateway, process)
            if interactive:
                say(f"{gateway.world.bot.username} is here. Say something, or /help. Ctrl-D ends it.")
                await _prompt(room)
            else:
                await _pipe(room, renderer)

    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        say("")


async def _online(gateway: Any, process: BotProcess) -> None:
    joined = asyncio.ensure_future(gateway.wait_joined(timeout=_START))
    ended = asyncio.ensure_future(process.ended.wait())
    await asyncio.wait((joined, ended), return_when=asyncio.FIRST_COMPLETED)
    ended.cancel()
    if not joined.done():
        joined.cancel()
        fail(
            f"{process.target} ended with code {process.exit_code} before it was online; --logs shows its output"
        )
    try:
        joined.result()
    except TimeoutError:
        fail(f"{process.target} did not come online within {_START:g} s; --logs shows its output", FAILED)


async def _pipe(room: Room, renderer: Renderer) -> None:
    """Say each line; then wait for the answer. Errors of use end it with code 2."""
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        text = line.rstrip("\n")
        if not text.strip():
            continue
        renderer.heard.clear()
        try:
            if not await room.do(text):
                return
        except UseError as error:
            fail(str(error), WRONG_USE)
        try:
            async with asyncio.timeout(_ANSWER):
                await renderer.heard.wait()
            while True:
                renderer.heard.clear()
                async with asyncio.timeout(_QUIET):
                    await renderer.heard.wait()
        except TimeoutError:
            pass


async def _prompt(room: Room) -> None:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.history import FileHistory
    from prompt_toolkit.patch_stdout import patch_stdout

    from mezon.cli.chat.complete import RoomCompleter

    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "mezon"
    state.mkdir(parents=True, exist_ok=True)
    session: PromptSession[str] = PromptSession(
        history=FileHistory(str(state / "chat-history")),
        completer=RoomCompleter(room),
        complete_while_typing=False,
    )
    with patch_stdout(raw=True):
        while True:
            try:
                text = await session.prompt_async(lambda: room.prompt)
            except EOFError:
                return
            if not text.strip():
                continue
            try:
                if not await room.do(text):
                    return
            except UseError as error:
                complain(str(error))
