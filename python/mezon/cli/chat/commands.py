"""The input of ``mezon chat``: messages, and commands that begin with a slash."""

from __future__ import annotations

import asyncio
import re
import shlex
import unicodedata
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mezon.cli.chat.render import BUTTON, Renderer, buttons_of, names_of, options_of, parts_of
from mezon.cli.find import short
from mezon.cli.output import out
from mezon.testing.playground.actions import Actions
from mezon.testing.playground.conversation import Conversation
from mezon.testing.playground.recording import Recording

if TYPE_CHECKING:
    from mezon.cli.process import BotProcess
    from mezon.testing.gateway import LocalGateway
    from mezon.testing.world import Channel, User

__all__ = ["COMMANDS", "Room", "UsageError", "expects_answer", "runs_task"]

COMMANDS: Final = {
    "as": "NAME: send as another user (an unknown name creates the user)",
    "in": "CHANNEL: switch to a channel",
    "dm": "switch to the direct message with the bot",
    "click": "[#N] BUTTON: press a button and submit the filled-in form",
    "fill": "[#N] FIELD=VALUE ...: fill in a form",
    "select": "[#N] FIELD VALUE ...: choose options of a select menu",
    "react": "[#N] EMOJI: add a reaction to the last message, or remove it",
    "role": "NAME: give yourself a role, or take it off; without a name, list the roles",
    "run": "TASK: run a task of the bot now; without a name, list the tasks",
    "reply": "[#N] TEXT: reply to the bot's last message",
    "edit": "[#N] TEXT: edit your last message",
    "delete": "[#N]: delete your last message",
    "drop": "drop the bot's connection",
    "stall": "stall the server until /resume",
    "resume": "clear all faults",
    "restart": "restart the bot's process",
    "save": "[FILE]: save the conversation as a test",
    "help": "show this list",
    "quit": "end the chat; also Ctrl-D",
}

#: Commands of the chat itself, which the bot does not hear of: there is no answer to wait for.
_SILENT: Final = frozenset({"as", "in", "dm", "fill", "save", "help"})


def expects_answer(line: str) -> bool:
    """Return whether the bot hears of a line."""
    return not (line.startswith("/") and line[1:].partition(" ")[0] in _SILENT)


def runs_task(line: str) -> bool:
    """Return whether a line runs a task of the bot, which is no handler."""
    return line.startswith("/run ")


class UsageError(Exception):
    """The input cannot be carried out; the message says why."""


class Room:
    """The state of the chat: the current user and channel, and the commands."""

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
        #: The id of the message that the last line has sent; None if it was another command.
        self.sent_id: int | None = None
        self._filled: dict[str, dict[str, Any]] = {}
        self._user = _user_of(gateway, user)
        self._switch_to(_channel_of(gateway, channel))

    @property
    def prompt(self) -> str:
        """The prompt, such as ``alice@general> ``."""
        channel = self._channel
        return f"{self._user.username}@{channel.label if channel.clan_id else 'dm'}> "

    def _switch_to(self, channel: Channel) -> None:
        self._channel = channel
        self._renderer.channel_id = channel.id

    async def do(self, text: str) -> bool:
        """Send a message or run a command. Returns False if the line ends the chat.

        Raises:
            UsageError: If the line cannot be carried out.
        """
        self.sent_id = None
        try:
            if not text.startswith("/"):
                await self._send_message(text)
                return True
            name, _, rest = text[1:].partition(" ")
            if name in ("quit", "exit"):
                return False
            method: Callable[[str], Awaitable[None]] | None = getattr(self, f"_do_{name}", None)
            if name not in COMMANDS or method is None:
                raise UsageError(f"there is no /{name}; /help lists the commands")
            await method(rest.strip())
        except (LookupError, ValueError) as error:
            raise UsageError(str(error.args[0] if error.args else error)) from None
        return True

    async def _send_message(self, text: str, reply_to: int | str = 0) -> None:
        message_id = await self._actions.say(self._channel.id, self._user.id, text, reply_to=reply_to)
        self.sent_id = int(message_id)

    # Message lookup

    def _find_message(
        self, rest: str, fits: Callable[[dict[str, Any]], bool], what: str
    ) -> tuple[dict[str, Any], str]:
        match = re.match(r"#(\d+)\s*", rest)
        if match:
            message_id = self._renderer.by_number(int(match[1]))
            message = self.conversation.find(int(message_id)) if message_id is not None else None
            if message is None:
                raise UsageError(f"there is no message #{match[1]}")
            return message, rest[match.end() :]
        for message in reversed(self.conversation.messages()):
            if int(message["channel"]) == self._channel.id and not message["removed"] and fits(message):
                return message, rest
        raise UsageError(f"there is no {what} here yet")

    def _find_form(self, rest: str, part_id: str | None = None) -> tuple[dict[str, Any], str]:
        def fits(message: dict[str, Any]) -> bool:
            parts = parts_of(message["content"])
            return any(part_id is None or _is_called(part, part_id) for part in parts)

        what = f"button or field {part_id}" if part_id else "form"
        return self._find_message(rest, fits, what)

    def _find_buttons(self, rest: str, button: str) -> tuple[dict[str, Any], str]:
        """Return the last message with this button, or any message that ``#N`` names."""

        def has_button(message: dict[str, Any]) -> bool:
            return any(_is_called(one, button) for one in buttons_of(message["content"]))

        try:
            return self._find_message(rest, has_button, f"button {button}")
        except UsageError:
            if rest.startswith("#"):
                raise
        last, _ = self._find_message(
            rest, lambda one: bool(buttons_of(one["content"])), "message with a button"
        )
        number = self._renderer.number(last["id"])
        raise UsageError(
            f"there is no button {button} here; of the last message with buttons, #{number}, {_listed(last)}"
        )

    # Commands

    async def _do_help(self, rest: str) -> None:
        for name, what in COMMANDS.items():
            usage, colon, explained = what.partition(": ")
            left, right = (f"/{name} {usage}", explained) if colon else (f"/{name}", usage)
            out.print(f"{left:<26} {right}", markup=False)

    async def _do_as(self, rest: str) -> None:
        if not rest:
            raise UsageError("/as NAME")
        name = rest.removeprefix("@")
        try:
            self._user = self.gateway.world.user(name)
        except LookupError:
            await self._actions.add_user(name)
            self._user = self.gateway.world.user(name)
        if not self._channel.clan_id:
            self._switch_to(self.gateway.world.channel())

    async def _do_in(self, rest: str) -> None:
        if not rest:
            raise UsageError("/in CHANNEL")
        self._switch_to(_channel_of(self.gateway, rest.removeprefix("#")))

    async def _do_dm(self, rest: str) -> None:
        if rest:
            await self._do_as(rest)
        self._switch_to(self.gateway.world.dm(self._user))

    async def _do_click(self, rest: str) -> None:
        button = " ".join(_words(re.sub(r"^#\d+\s*", "", rest)))
        if not button:
            raise UsageError("/click BUTTON: the name in square brackets, or the label")
        message, _ = self._find_buttons(rest, button)
        part = next((one for one in buttons_of(message["content"]) if _is_called(one, button)), None)
        if part is None:
            raise UsageError(f"this message has no button {button}; {_listed(message)}")
        if (part.get("component") or {}).get("disable"):
            raise UsageError(f"the button {button} is disabled")
        await self._actions.click(
            message["id"], self._user.id, str(part["id"]), self._filled.get(message["id"])
        )

    async def _do_fill(self, rest: str) -> None:
        message, rest = self._find_form(rest)
        pairs = _pairs(rest)
        parts = {
            str(part.get("id")): part for part in parts_of(message["content"]) if part.get("type") != BUTTON
        }
        for name, value in pairs:
            field = name.rpartition(".")[2]
            if field not in parts:
                raise UsageError(f"the form has no field {field}; it has {', '.join(parts)}")
            self._filled.setdefault(message["id"], {})[field] = _value(parts[field], value)
        filled = ", ".join(f"{field}={value}" for field, value in self._filled[message["id"]].items())
        out.print(f"   filled in: {filled}", markup=False)

    async def _do_select(self, rest: str) -> None:
        words = _words(re.sub(r"^#\d+\s*", "", rest))
        if len(words) < 2:
            raise UsageError("/select FIELD VALUE, such as /select dish pho")
        field = words[0].rpartition(".")[2]
        message, _ = self._find_form(rest, field)
        part = next((one for one in parts_of(message["content"]) if one.get("id") == field), None)
        if part is None:
            raise UsageError(f"this message has no select menu {field}")
        values = [_value(part, word) for word in words[1:]]
        self._filled.setdefault(message["id"], {})[field] = values[0] if len(values) == 1 else values
        await self._actions.select(message["id"], self._user.id, field, values)

    async def _do_role(self, rest: str) -> None:
        title, state = " ".join(_words(rest)), self.gateway.world
        if title:
            given = await self._actions.toggle_role(self._user.id, title, self._channel.clan_id or None)
            did = "has" if given else "no longer has"
            out.print(f"   {self._user.username} {did} the role {title}", markup=False)
            return
        for role in state.roles.values():
            names = ", ".join(
                sorted(state.users[one].username for one in role.user_ids if one in state.users)
            )
            out.print(f"   {role.title}: {names or 'nobody'}", markup=False)
        if not state.roles:
            out.print("   there are no roles: /role NAME gives you one", markup=False)

    async def _do_run(self, rest: str) -> None:
        names = self._process.tasks
        if not rest:
            out.print(f"   tasks: {', '.join(names) or 'none'}", markup=False)
            return
        name = " ".join(_words(rest))
        if name not in names:
            raise UsageError(f"the bot has no task {name}; it has {', '.join(names) or 'none'}")
        self._process.run_task(name)
        out.print(f"   {name} runs", markup=False)

    async def _do_react(self, rest: str) -> None:
        # A bare number is a message number, not an emoji: "1 :tada:" means message 1.
        rest = re.sub(r"^(\d+)\s+(?=\S)", r"#\1 ", rest)
        message, emoji = self._find_message(rest, lambda message: True, "message")
        if not emoji:
            raise UsageError("/react EMOJI, such as /react :thumbsup:")
        known = next((one for one in message["reactions"] if one["emoji"] == emoji), None)
        remove = known is not None and str(self._user.id) in known["users"]
        await self._actions.react(message["id"], self._user.id, emoji, remove)

    async def _do_reply(self, rest: str) -> None:
        message, text = self._find_message(rest, lambda message: bool(message["bot"]), "message of the bot")
        await self._send_message(text, reply_to=message["id"])

    def _find_own(self, rest: str) -> tuple[dict[str, Any], str]:
        me = str(self._user.id)
        message, rest = self._find_message(rest, lambda message: message["sender"] == me, "message of yours")
        if message["sender"] != me:
            raise UsageError("that message belongs to another user")
        return message, rest

    async def _do_edit(self, rest: str) -> None:
        message, text = self._find_own(rest)
        if not text:
            raise UsageError("/edit TEXT")
        await self._actions.edit(message["id"], text)

    async def _do_delete(self, rest: str) -> None:
        message, _ = self._find_own(rest)
        await self._actions.delete(message["id"])

    async def _do_drop(self, rest: str) -> None:
        await self._actions.fault("drop")
        out.print("   the connection was dropped; the bot reconnects", markup=False)

    async def _do_stall(self, rest: str) -> None:
        await self._actions.fault("stall")
        out.print("   the server is stalled until /resume", markup=False)

    async def _do_resume(self, rest: str) -> None:
        await self._actions.fault("clear")

    async def _do_restart(self, rest: str) -> None:
        await self._process.restart("the bot restarts")
        await self.gateway.wait_joined(timeout=30)

    async def _do_save(self, rest: str) -> None:
        if not len(self._recording):
            raise UsageError("nothing to save yet: send a message first")
        path = Path(rest or "test_played.py")
        text = self._recording.python(short(self._process.target.path))
        await asyncio.to_thread(_write_new, path, text)
        out.print(f"{path}: run pytest {path}", markup=False)


def _is_called(part: dict[str, Any], name: str) -> bool:
    component = part.get("component")
    label = component.get("label") if isinstance(component, dict) else None
    return part.get("id") == name or (isinstance(label, str) and label.lower() == name.lower())


def _listed(message: dict[str, Any]) -> str:
    buttons = buttons_of(message["content"])
    return f"the buttons are {'   '.join(names_of(buttons))}" if buttons else "it has no buttons"


def _channel_of(gateway: LocalGateway, label: str) -> Channel:
    """Return a channel. Raises LookupError."""
    try:
        return gateway.world.channel(label)
    except LookupError:
        known = ", ".join(one.label for one in gateway.world.channels.values() if one.clan_id)
        raise LookupError(
            f"there is no channel {label!r}; the channels are {known}. To add channels, define them in a file: "
            "mezon chat --world world.json"
        ) from None


def _user_of(gateway: LocalGateway, name: str) -> User:
    """Return a user. Raises LookupError."""
    try:
        return gateway.world.user(name)
    except LookupError:
        known = ", ".join(one.username for one in gateway.world.users.values() if not one.is_bot)
        raise LookupError(
            f"there is no user {name!r}; the users are {known}. In the chat, /as {name} creates the user"
        ) from None


def _words(text: str) -> list[str]:
    """Split a text into words, of which quotation marks make one: the quoting of all commands.

    An apostrophe without a second one is part of its word, as in ``don't``.
    """
    try:
        return shlex.split(text)
    except ValueError as error:
        if '"' in text:
            raise UsageError(f'{error}: write \\" for a literal quotation mark') from None
        return text.split()


def _pairs(rest: str) -> list[tuple[str, str]]:
    """Parse ``FIELD=VALUE ...``; a word without ``=`` continues the value before it."""
    words = _words(rest)
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
        raise UsageError("/fill FIELD=VALUE ..., such as /fill dish=pho wish=no onions")
    return pairs


def _write_new(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise UsageError(f"{path} exists: use another name, such as /save another.py") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None


def _value(part: dict[str, Any], text: str) -> str:
    """Return the value of an option by its value, label or unique prefix; a date in Mezon's format."""
    options = options_of(part)
    if options:
        for option in options:
            if text in (str(option.get("value")), str(option.get("label"))):
                return str(option.get("value"))
        # "pho" is enough for "Phở bò" if no other option starts with it.
        matching = {
            str(option.get("value"))
            for option in options
            if any(_plain(str(option.get(name))).startswith(_plain(text)) for name in ("value", "label"))
        }
        if len(matching) == 1 and text:
            return matching.pop()
        known = ", ".join(str(option.get("value")) for option in options)
        raise UsageError(f"{part.get('id')} offers {known}, not {text}")
    if part.get("type") == 4 and (match := re.fullmatch(r"(\d{4})-(\d\d?)-(\d\d?)", text)):
        return f"{int(match[3])}/{int(match[2])}/{match[1]}"
    return text


def _plain(text: str) -> str:
    """Return the text without case and diacritics."""
    decomposed = unicodedata.normalize("NFD", text.casefold())
    return "".join(sign for sign in decomposed if not unicodedata.combining(sign)).replace("đ", "d")
