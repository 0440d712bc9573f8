"""What can be typed at the prompt: text, and commands that begin with a slash."""

from __future__ import annotations

import asyncio
import re
import shlex
import unicodedata
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mezon.cli.chat.render import BUTTON, Renderer, options_of, parts_of
from mezon.cli.find import short
from mezon.cli.output import out
from mezon.testing.playground.actions import Actions
from mezon.testing.playground.conversation import Conversation
from mezon.testing.playground.recording import Recording

if TYPE_CHECKING:
    from mezon.cli.process import BotProcess
    from mezon.testing.gateway import LocalGateway

__all__ = ["COMMANDS", "Room", "UseError"]

COMMANDS: Final = {
    "as": "NAME: speak as somebody else (a new name makes a new user)",
    "in": "CHANNEL: go to a channel",
    "dm": "write to the bot directly",
    "click": "[#N] BUTTON: press a button, with what was filled in",
    "fill": "[#N] FIELD=VALUE ...: fill in a form",
    "select": "[#N] FIELD VALUE ...: choose in a select box",
    "react": "[#N] EMOJI: put a reaction on the last message, or take it back",
    "reply": "[#N] TEXT: reply to the last message of the bot",
    "edit": "[#N] TEXT: change your last message",
    "delete": "[#N]: delete your last message",
    "drop": "cut the bot's connection",
    "stall": "let the server hang; /resume ends it",
    "resume": "good weather",
    "restart": "start the bot's process again",
    "save": "[FILE]: what was played as a test",
    "help": "this list",
    "quit": "the end; Ctrl-D too",
}


class UseError(Exception):
    """What was typed cannot be done; the text says why."""


class Room:
    """Who speaks where, and what they type."""

    def __init__(
        self,
        gateway: LocalGateway,
        conversation: Conversation,
        recording: Recording,
        renderer: Renderer,
        process: BotProcess,
        user: str,
        channel: str,
    ) -> None:
        self.gateway = gateway
        self.conversation = conversation
        self._recording = recording
        self._renderer = renderer
        self._process = process
        self._actions = Actions(gateway, conversation, recording)
        self._filled: dict[str, dict[str, Any]] = {}
        self._user = gateway.world.user(user)
        self._go(gateway.world.channel(channel))

    @property
    def prompt(self) -> str:
        """``alice@general> ``"""
        where = self._channel
        return f"{self._user.username}@{where.label if where.clan_id else 'dm'}> "

    def _go(self, channel: Any) -> None:
        self._channel = channel
        self._renderer.where = channel.id

    async def do(self, text: str) -> bool:
        """Carry out a line. False ends the chat. Raises UseError."""
        try:
            if not text.startswith("/"):
                await self._actions.say(self._channel.id, self._user.id, text)
                return True
            name, _, rest = text[1:].partition(" ")
            if name in ("quit", "exit"):
                return False
            method: Callable[[str], Awaitable[None]] | None = getattr(self, f"_do_{name}", None)
            if name not in COMMANDS or method is None:
                raise UseError(f"there is no /{name}; /help lists the commands")
            await method(rest.strip())
        except (LookupError, ValueError) as error:
            raise UseError(str(error.args[0] if error.args else error)) from None
        return True

    # Which message is meant

    def _meant(
        self, rest: str, fits: Callable[[dict[str, Any]], bool], what: str
    ) -> tuple[dict[str, Any], str]:
        match = re.match(r"#(\d+)\s*", rest)
        if match:
            message_id = self._renderer.by_number(int(match[1]))
            message = self.conversation.find(int(message_id)) if message_id is not None else None
            if message is None:
                raise UseError(f"there is no message #{match[1]}")
            return message, rest[match.end() :]
        for message in reversed(self.conversation.messages()):
            if int(message["channel"]) == self._channel.id and not message["removed"] and fits(message):
                return message, rest
        raise UseError(f"there is no {what} here yet")

    def _form(self, rest: str, part_id: str | None = None) -> tuple[dict[str, Any], str]:
        def fits(message: dict[str, Any]) -> bool:
            parts = parts_of(message["content"])
            return any(part_id is None or _is_called(part, part_id) for part in parts)

        what = f"button or field {part_id}" if part_id else "form"
        return self._meant(rest, fits, what)

    # Commands

    async def _do_help(self, rest: str) -> None:
        for name, what in COMMANDS.items():
            usage, colon, explained = what.partition(": ")
            left, right = (f"/{name} {usage}", explained) if colon else (f"/{name}", usage)
            out.print(f"{left:<26} {right}", markup=False)

    async def _do_as(self, rest: str) -> None:
        if not rest:
            raise UseError("/as NAME")
        name = rest.removeprefix("@")
        try:
            self._user = self.gateway.world.user(name)
        except LookupError:
            await self._actions.add_user(name)
            self._user = self.gateway.world.user(name)
        if not self._channel.clan_id:
            self._go(self.gateway.world.channel())

    async def _do_in(self, rest: str) -> None:
        if not rest:
            raise UseError("/in CHANNEL")
        self._go(self.gateway.world.channel(rest.removeprefix("#")))

    async def _do_dm(self, rest: str) -> None:
        if rest:
            await self._do_as(rest)
        self._go(self.gateway.world.dm(self._user))

    async def _do_click(self, rest: str) -> None:
        button = re.sub(r"^#\d+\s*", "", rest).strip()
        if not button:
            raise UseError("/click BUTTON: the name in square brackets, or what the button says")
        message, _ = self._form(rest, button)
        part = next((one for one in parts_of(message["content"]) if _is_called(one, button)), None)
        if part is None:
            raise UseError(f"this message has no button {button}")
        if (part.get("component") or {}).get("disable"):
            raise UseError(f"the button {button} is switched off")
        await self._actions.click(
            message["id"], self._user.id, str(part["id"]), self._filled.get(message["id"])
        )

    async def _do_fill(self, rest: str) -> None:
        message, rest = self._form(rest)
        pairs = _pairs(rest)
        parts = {
            str(part.get("id")): part for part in parts_of(message["content"]) if part.get("type") != BUTTON
        }
        for name, value in pairs:
            field = name.rpartition(".")[2]
            if field not in parts:
                raise UseError(f"the form has no field {field}; it has {', '.join(parts)}")
            self._filled.setdefault(message["id"], {})[field] = _value(parts[field], value)
        filled = ", ".join(f"{field}={value}" for field, value in self._filled[message["id"]].items())
        out.print(f"   filled in: {filled}", markup=False)

    async def _do_select(self, rest: str) -> None:
        try:
            words = shlex.split(re.sub(r"^#\d+\s*", "", rest))
        except ValueError as error:
            raise UseError(str(error)) from None
        if len(words) < 2:
            raise UseError("/select FIELD VALUE, such as /select dish pho")
        field = words[0].rpartition(".")[2]
        message, _ = self._form(rest, field)
        part = next((one for one in parts_of(message["content"]) if one.get("id") == field), None)
        if part is None:
            raise UseError(f"this message has no select box {field}")
        values = [_value(part, word) for word in words[1:]]
        self._filled.setdefault(message["id"], {})[field] = values[0] if len(values) == 1 else values
        await self._actions.select(message["id"], self._user.id, field, values)

    async def _do_react(self, rest: str) -> None:
        # A number alone is no emoji: "1 :tada:" means message 1.
        rest = re.sub(r"^(\d+)\s+(?=\S)", r"#\1 ", rest)
        message, emoji = self._meant(rest, lambda message: True, "message")
        if not emoji:
            raise UseError("/react EMOJI, such as /react :thumbsup:")
        known = next((one for one in message["reactions"] if one["emoji"] == emoji), None)
        remove = known is not None and str(self._user.id) in known["users"]
        await self._actions.react(message["id"], self._user.id, emoji, remove)

    async def _do_reply(self, rest: str) -> None:
        message, text = self._meant(rest, lambda message: bool(message["bot"]), "message of the bot")
        await self._actions.say(self._channel.id, self._user.id, text, reply_to=message["id"])

    def _mine(self, rest: str) -> tuple[dict[str, Any], str]:
        me = str(self._user.id)
        message, rest = self._meant(rest, lambda message: message["sender"] == me, "message of yours")
        if message["sender"] != me:
            raise UseError("that message is somebody else's")
        return message, rest

    async def _do_edit(self, rest: str) -> None:
        message, text = self._mine(rest)
        if not text:
            raise UseError("/edit TEXT")
        await self._actions.edit(message["id"], text)

    async def _do_delete(self, rest: str) -> None:
        message, _ = self._mine(rest)
        await self._actions.delete(message["id"])

    async def _do_drop(self, rest: str) -> None:
        await self._actions.fault("drop")
        out.print("   the connection is cut; a bot comes back by itself", markup=False)

    async def _do_stall(self, rest: str) -> None:
        await self._actions.fault("stall")
        out.print("   the server hangs: nothing comes or goes until /resume", markup=False)

    async def _do_resume(self, rest: str) -> None:
        await self._actions.fault("clear")

    async def _do_restart(self, rest: str) -> None:
        await self._process.restart("the bot starts again")
        await self.gateway.wait_joined(timeout=30)

    async def _do_save(self, rest: str) -> None:
        if not len(self._recording):
            raise UseError("nothing was played yet")
        path = Path(rest or "test_played.py")
        text = self._recording.python(short(self._process.target.path))
        await asyncio.to_thread(_write_new, path, text)
        out.print(f"{path}: run pytest {path}", markup=False)


def _is_called(part: dict[str, Any], name: str) -> bool:
    component = part.get("component")
    label = component.get("label") if isinstance(component, dict) else None
    return part.get("id") == name or (isinstance(label, str) and label.lower() == name.lower())


def _pairs(rest: str) -> list[tuple[str, str]]:
    """Read ``FIELD=VALUE ...``; words without a field go on with the value before them."""
    try:
        words = shlex.split(rest)
    except ValueError as error:
        raise UseError(f"/fill FIELD=VALUE: {error}") from None
    pairs: list[tuple[str, str]] = []
    for word in words:
        name, equals, value = word.partition("=")
        if equals:
            pairs.append((name, value))
        elif pairs:
            pairs[-1] = (pairs[-1][0], f"{pairs[-1][1]} {word}")
        else:
            break
    if not pairs:
        raise UseError("/fill FIELD=VALUE ..., such as /fill dish=pho wish=no onions")
    return pairs


def _write_new(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise UseError(f"{path} is there already; /save ANOTHER.py") from None
    except OSError as error:
        raise UseError(f"{path} cannot be written: {error.strerror}") from None


def _value(part: dict[str, Any], text: str) -> str:
    """Give the value of a choice by its value or label; a date as Mezon writes it."""
    options = options_of(part)
    if options:
        for option in options:
            if text in (str(option.get("value")), str(option.get("label"))):
                return str(option.get("value"))
        # Nobody types "Phở bò" where "pho" can mean nothing else.
        begun = {
            str(option.get("value"))
            for option in options
            if any(_plain(str(option.get(name))).startswith(_plain(text)) for name in ("value", "label"))
        }
        if len(begun) == 1 and text:
            return begun.pop()
        known = ", ".join(str(option.get("value")) for option in options)
        raise UseError(f"{part.get('id')} offers {known}, not {text}")
    if part.get("type") == 4 and (match := re.fullmatch(r"(\d{4})-(\d\d?)-(\d\d?)", text)):
        return f"{int(match[3])}/{int(match[2])}/{match[1]}"
    return text


def _plain(text: str) -> str:
    """Take case and diacritics away."""
    apart = unicodedata.normalize("NFD", text.casefold())
    return "".join(sign for sign in apart if not unicodedata.combining(sign)).replace("đ", "d")
