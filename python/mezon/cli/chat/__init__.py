"""``mezon chat``: talk to a bot in the terminal."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import typer
from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.history import FileHistory
from prompt_toolkit.patch_stdout import patch_stdout

from mezon.cli.chat.commands import COMMANDS, Room, UsageError, expects_answer, runs_task
from mezon.cli.chat.render import BUTTON, Renderer, options_of, parts_of
from mezon.cli.find import find, load_env_file, project_name
from mezon.cli.gateway import listening, make_gateway
from mezon.cli.output import FAILED, WRONG_USE, fail, print_error, say
from mezon.cli.process import BotProcess, local_bot
from mezon.testing.playground.conversation import Conversation
from mezon.testing.playground.recording import Recording

#: Seconds without a call of the bot, and seconds in all, after which the handlers of a piped line are not waited for.
_QUIET: Final = 10.0
_LIMIT: Final = 60.0
#: Seconds to wait for the output of a task, or of what a handler left in the background; and seconds without output
#: that end it.
_ANSWER_TIMEOUT: Final = 3.0
_BACKGROUND_TIMEOUT: Final = 1.0
_ANSWER_IDLE: Final = 0.4
#: Seconds to wait until the bot is online.
_START_TIMEOUT: Final = 30.0


def talk(
    named: str | None, *, user: str, channel: str, state_file: Path | None, logs: bool, env_file: Path | None
) -> None:
    """Run until /quit, Ctrl-D, Ctrl-C, or the end of the piped input."""
    target = find(named)
    load_env_file(env_file, Path.cwd())
    gateway = make_gateway(state_file=state_file, bot=project_name(Path.cwd()))
    interactive = sys.stdin.isatty() and sys.stdout.isatty()
    renderer = Renderer(gateway, interactive)

    def on_report(report: dict[str, Any]) -> None:
        match report["kind"]:
            case "error" | "log" if report["shown"] or logs:
                # It is part of the output already.
                if report["kind"] == "error":
                    renderer.bot_acted.set()
            case "error":
                renderer.error(f"{report['text']}\n{report['traceback']}")
            case "log":
                renderer.note(f"{report['level']} {report['logger']}: {report['text']}")
            case "crash":
                renderer.error(report["text"])
            case "ended" | "restarting":
                renderer.note(report["text"])

    async def main() -> None:
        conversation = Conversation(gateway, renderer.take)
        recording = Recording(gateway)
        gateway.taps += [recording, conversation]
        level = None if logs else "WARNING"
        advice = "/restart starts it again" if interactive else ""
        async with (
            listening(gateway),
            local_bot(target, gateway, on_report, renderer.note, level, advice) as process,
        ):
            try:
                room = Room(gateway, conversation, recording, renderer, process, user, channel)
            except LookupError as error:
                fail(str(error), WRONG_USE)
            await process.start()
            await _wait_online(gateway, process)
            if interactive:
                say(
                    f"{gateway.world.bot.username} is online. Type a message, or /help. Ctrl-D ends the chat."
                )
                await _prompt(room, renderer, process)
            else:
                await _pipe(room, renderer, process)

    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        say("")


async def _wait_online(gateway: Any, process: BotProcess) -> None:
    joined = asyncio.ensure_future(gateway.wait_joined(timeout=_START_TIMEOUT))
    ended = asyncio.ensure_future(process.ended.wait())
    await asyncio.wait((joined, ended), return_when=asyncio.FIRST_COMPLETED)
    ended.cancel()
    if not joined.done():
        joined.cancel()
        fail(
            f"{process.target} ended with code {process.exit_code} before it was online; --logs shows its whole log"
        )
    try:
        joined.result()
    except TimeoutError:
        fail(
            f"{process.target} did not come online within {_START_TIMEOUT:g} s; --logs shows its whole log",
            FAILED,
        )


async def _pipe(room: Room, renderer: Renderer, process: BotProcess) -> None:
    """Send each line and wait for its answer. Exits with code 2 at the end if a line was a usage error."""
    loop = asyncio.get_running_loop()
    number, failed = 0, False
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        number += 1
        text = line.rstrip("\n")
        if not text.strip():
            continue
        renderer.bot_acted.clear()
        try:
            if not await room.do(text):
                break
        except UsageError as error:
            print_error(f"line {number}: {error}")
            failed = True
            continue
        if expects_answer(text) and not room.gateway.faults.stalled:
            await _wait_for_answer(room, process, renderer, text)
    if failed:
        raise typer.Exit(WRONG_USE)


async def _wait_for_answer(room: Room, process: BotProcess, renderer: Renderer, line: str) -> None:
    by_handler = not runs_task(line)
    if by_handler:
        await _wait_for_handlers(process, renderer)
        if renderer.bot_acted.is_set():
            return
        await _explain_silence(room, process, renderer)
    # Work of the bot outside of its handlers.
    try:
        async with asyncio.timeout(_BACKGROUND_TIMEOUT if by_handler else _ANSWER_TIMEOUT):
            await renderer.bot_acted.wait()
        while True:
            renderer.bot_acted.clear()
            async with asyncio.timeout(_ANSWER_IDLE):
                await renderer.bot_acted.wait()
    except TimeoutError:
        pass


async def _explain_silence(room: Room, process: BotProcess, renderer: Renderer) -> None:
    """Print why the bot did not answer the last line. Does nothing if that line was not a message."""
    if room.sent_id is None:
        return
    message = room.gateway.state.find_message(room.sent_id)
    with contextlib.suppress(TimeoutError):
        reason = await process.explain(message.SerializeToString())
        if reason and not renderer.bot_acted.is_set():
            renderer.note(f"no answer: {reason}")


async def _wait_for_handlers(process: BotProcess, renderer: Renderer) -> None:
    try:
        running = await process.settle(_QUIET, _LIMIT)
    except TimeoutError:
        renderer.note("the bot's event loop is blocked: the chat goes on without its answer")
        return
    if running:
        renderer.note(f"still running: {', '.join(running)}; the chat goes on without its answer")


async def _prompt(room: Room, renderer: Renderer, process: BotProcess) -> None:
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "mezon"
    state.mkdir(parents=True, exist_ok=True)
    session: PromptSession[str] = PromptSession(
        history=FileHistory(str(state / "chat-history")),
        completer=RoomCompleter(room),
        complete_while_typing=False,
    )
    watch: asyncio.Task[None] | None = None
    with patch_stdout(raw=True):
        try:
            while True:
                try:
                    text = await session.prompt_async(lambda: room.prompt)
                except EOFError:
                    return
                if not text.strip():
                    continue
                if watch is not None:
                    watch.cancel()
                    watch = None
                renderer.bot_acted.clear()
                try:
                    if not await room.do(text):
                        return
                except UsageError as error:
                    print_error(str(error))
                    continue
                if room.sent_id is not None and not room.gateway.faults.stalled:
                    watch = asyncio.create_task(_watch_answer(room, process, renderer))
        finally:
            if watch is not None:
                watch.cancel()


async def _watch_answer(room: Room, process: BotProcess, renderer: Renderer) -> None:
    with contextlib.suppress(TimeoutError):
        if not await process.settle(_QUIET, _LIMIT) and not renderer.bot_acted.is_set():
            await _explain_silence(room, process, renderer)


class RoomCompleter(Completer):
    """Complete the last word: commands, users, channels, buttons and form fields."""

    def __init__(self, room: Room) -> None:
        self._room = room

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:
        """Yield the completions of the last word, sorted."""
        text = document.text_before_cursor
        word = text.rpartition(" ")[2]
        for choice in sorted(set(self._choices(text))):
            if choice.startswith(word) and choice != word:
                yield Completion(choice, start_position=-len(word))

    def _choices(self, text: str) -> Iterator[str]:
        state = self._room.gateway.world
        usernames = [user.username for user in state.users.values()]
        command, space, _ = text.partition(" ")
        if not text.startswith("/"):
            yield from ("@" + name for name in usernames)
        elif not space:
            yield from ("/" + name for name in COMMANDS)
        elif command in ("/as", "/dm"):
            yield from usernames
        elif command == "/in":
            yield from (channel.label for channel in state.channels.values() if channel.clan_id)
        elif command in ("/click", "/fill", "/select"):
            for part in self._parts_of_last_form():
                yield from _names_of_part(command, part)

    def _parts_of_last_form(self) -> list[dict[str, Any]]:
        for message in reversed(self._room.conversation.messages()):
            if parts := parts_of(message["content"]):
                return parts
        return []


def _names_of_part(command: str, part: dict[str, Any]) -> Iterator[str]:
    name = str(part.get("id"))
    if (part.get("type") == BUTTON) is (command == "/click"):
        yield name + ("=" if command == "/fill" else "")
        if command == "/fill":
            yield from (f"{name}={option.get('value')}" for option in options_of(part))
