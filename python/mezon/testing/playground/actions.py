"""What a person can do on the page and at the prompt of ``mezon chat``: act as users, and inject faults."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from mezon.protobuf.api import api_pb2
from mezon.testing.gateway import LocalGateway
from mezon.testing.interactions import name_of_button
from mezon.testing.messages import components_of
from mezon.testing.playground.conversation import Conversation
from mezon.testing.playground.recording import Recording, mark, quoted, unmarked
from mezon.testing.profiles import Client
from mezon.testing.world import DM, GROUP, Channel

__all__ = ["FAULTS", "Actions"]

FILE_LIMIT: Final = 8 * 1024 * 1024
"""Maximum size of an attached file in bytes."""

#: Faults by name: the line of a test, and whether the bot must reconnect afterwards.
FAULTS: Final[Mapping[str, tuple[str, bool]]] = {
    "drop": ("await gateway.drop()", True),
    "restart": ("await gateway.restart()", True),
    "stall": ("gateway.stall()", False),
    "error": ('gateway.answer_with_error("channel_message_send", 7, "refused by the playground")', False),
    "429": ('gateway.answer_with_error("channel_message_send", 429, "Too many requests")', False),
    "slow": ('gateway.delay("*", 2.0)', False),
    "expire": ("gateway.expire_tokens()", False),
    "clear": ("gateway.clear_faults()", False),
}


class Actions:
    """The actions, one method each. Ids are ints or str. Raise LookupError or ValueError with a readable message."""

    def __init__(self, gateway: LocalGateway, conversation: Conversation, recording: Recording) -> None:
        self._gateway = gateway
        self._conversation = conversation
        self._recording = recording

    # Users

    async def say(
        self,
        channel: int | str,
        user: int | str,
        text: str,
        reply_to: int | str = 0,
        files: Sequence[Mapping[str, str]] = (),
    ) -> str:
        """Send a message as a user; ``@name`` mentions another user. Return the message id."""
        if not text.strip() and not files:
            raise ValueError("the message is empty")
        world = self._gateway.world
        room, sender = world.channel(_key(channel)), world.user(_key(user))
        known = {one.username: one for one in world.users.values()}
        names = [name for name in dict.fromkeys(re.findall(r"@([\w.-]+)", text)) if name in known]
        attachments = [self._attach(file) for file in files]
        reply = int(reply_to or 0)
        message_id = await self._gateway.say(
            room, sender, text, mentions=names, reply_to=reply or None, attachments=attachments
        )
        options = [f"mentions={quoted(names)}"] if names else []
        if reply:
            options.append(f"reply_to={mark(reply)}")
        if attachments:
            parts = [
                {"filename": one.filename, "filetype": one.filetype, "url": one.url} for one in attachments
            ]
            options.append(f"attachments={quoted(parts)}")
        line = (
            f"{self._line_of(room, sender.username, quoted(text))}{''.join(', ' + one for one in options)})"
        )
        self._recording.add(line, made=message_id)
        return str(message_id)

    def _line_of(self, room: Channel, username: str, text: str) -> str:
        if room.type in (DM, GROUP):
            return f'await gateway.say_dm("{username}", {text}'
        return f"await gateway.say({self._channel(room)}, {quoted(username)}, {text}"

    def _channel(self, room: Channel) -> str:
        labels = [one.label for one in self._gateway.world.channels.values()]
        return quoted(room.label) if labels.count(room.label) == 1 else str(room.id)

    def _attach(self, file: Mapping[str, str]) -> api_pb2.MessageAttachment:
        try:
            data = base64.b64decode(file["data"], validate=True)
        except (KeyError, binascii.Error):
            raise ValueError("the file is incomplete") from None
        if len(data) > FILE_LIMIT:
            raise ValueError(f"the file is larger than {FILE_LIMIT // 1024 // 1024} MB")
        name = file.get("name") or "file"
        kind = file.get("type") or "application/octet-stream"
        upload = self._gateway.state.add_upload(name, kind, data)
        return api_pb2.MessageAttachment(filename=name, filetype=kind, size=len(data), url=upload.url)

    async def dm(self, user: int | str) -> str:
        """Open the direct conversation of a user with the bot. Return the id of its channel."""
        return str(self._gateway.world.dm(_key(user)).id)

    async def add_user(self, username: str) -> str:
        """Add a user to every clan. Return the id."""
        if not re.fullmatch(r"[\w.-]{1,32}", username):
            raise ValueError("a username has 1 to 32 letters, digits, dots and hyphens")
        world = self._gateway.world
        if any(one.username == username for one in world.users.values()):
            raise ValueError(f"the user {username} already exists")
        user = world.add_user(username, display_name=username.capitalize())
        self._recording.add(
            f"gateway.world.add_user({quoted(username)}, display_name={quoted(user.display_name)})"
        )
        return str(user.id)

    async def toggle_role(self, user: int | str, title: str, clan: int | str | None = None) -> bool:
        """Give a user a role, or take it off. An unknown role is created. Return whether the user has it now."""
        member = self._gateway.world.user(_key(user))
        home = self._gateway.world.clan(_key(clan) if clan else None)
        known = self._gateway.world.roles.values()
        role = next((one for one in known if one.clan_id == home.id and one.title == title), None)
        given = role is None or member.id not in role.user_ids
        await (self._gateway.give_role if given else self._gateway.take_role)(member, title, home)
        verb = "give" if given else "take"
        self._recording.add(f"await gateway.{verb}_role({quoted(member.username)}, {quoted(title)})")
        return given

    async def add_channel(self, label: str, clan: int | str | None = None) -> str:
        """Create a text channel. Return the id."""
        if not re.fullmatch(r"[\w -]{1,64}", label):
            raise ValueError("a channel name has 1 to 64 letters, digits, spaces and hyphens")
        channel = self._gateway.world.add_channel(label, _key(clan) if clan else None)
        self._recording.add(f"gateway.world.add_channel({quoted(label)})")
        return str(channel.id)

    async def edit(self, message: int | str, text: str) -> None:
        """Change a message as its sender."""
        await self._gateway.edit(int(message), text)
        self._recording.add(f"await gateway.edit({mark(message)}, {quoted(text)})")

    async def delete(self, message: int | str) -> None:
        """Delete a message."""
        await self._gateway.remove(int(message))
        self._recording.add(f"await gateway.remove({mark(message)})")

    async def react(self, message: int | str, user: int | str, emoji: str, remove: bool = False) -> None:
        """Add or remove a user's reaction to a message."""
        if not emoji.strip():
            raise ValueError("the emoji is empty")
        sender = self._gateway.world.user(_key(user))
        await self._gateway.react(int(message), sender, emoji, remove=remove)
        more = ", remove=True" if remove else ""
        self._recording.add(
            f'await gateway.react({mark(message)}, "{sender.username}", {quoted(emoji)}{more})'
        )

    async def typing(self, channel: int | str, user: int | str) -> None:
        """Show a user as typing. Not recorded."""
        await self._gateway.typing(_key(channel), _key(user))

    async def click(
        self,
        message: int | str,
        user: int | str,
        button: str,
        values: Mapping[str, Any] | None = None,
        client: Client = "web",
    ) -> None:
        """Click a button as a user; ``values`` are the filled-in fields by id."""
        sender = self._gateway.world.user(_key(user))
        view = self._shown(message)
        await self._gateway.interactions.click(_target(view), sender, button, values=values, client=client)
        more = (f", values={quoted(dict(values))}" if values else "") + self._client(client)
        # The bot may generate a new id each time; the label stays.
        name = name_of_button(components_of(view["content"]), button)
        self._record_on(
            message, f'await gateway.click({mark(message)}, "{sender.username}", {quoted(name)}{more})'
        )

    async def select(
        self,
        message: int | str,
        user: int | str,
        select: str,
        values: Sequence[str],
        client: Client = "web",
    ) -> None:
        """Choose in a select box as a user."""
        sender = self._gateway.world.user(_key(user))
        target = _target(self._shown(message))
        await self._gateway.interactions.select(target, sender, select, list(values), client=client)
        arguments = f'"{sender.username}", {quoted(select)}, {quoted(list(values))}{self._client(client)}'
        self._record_on(message, f"await gateway.select({mark(message)}, {arguments})")

    async def deselect(
        self, message: int | str, user: int | str, select: str, value: str, client: Client = "web"
    ) -> None:
        """Remove a choice of a select box as a user."""
        sender = self._gateway.world.user(_key(user))
        target = _target(self._shown(message))
        await self._gateway.interactions.deselect(target, select, value, user=sender, client=client)
        arguments = f'{quoted(select)}, {quoted(value)}, user="{sender.username}"{self._client(client)}'
        self._record_on(message, f"await gateway.deselect({mark(message)}, {arguments})")

    async def choose_menu(self, message: int | str, user: int | str, menu: str) -> None:
        """Choose a quick menu on a message as a user."""
        sender = self._gateway.world.user(_key(user))
        self._shown(message)
        await self._gateway.choose_menu(int(message), menu, user=sender)
        self._record_on(
            message,
            f'await gateway.choose_menu({mark(message)}, {quoted(menu)}, user="{sender.username}")',
        )

    def _client(self, client: Client) -> str:
        return f', client="{client}"' if client != self._gateway.client else ""

    def _shown(self, message: int | str) -> dict[str, Any]:
        """Return a message as the page shows it. Raises LookupError if it was deleted."""
        view = self._conversation.find(int(message))
        if view is None or view["removed"]:
            raise LookupError("this message was deleted")
        return view

    def _record_on(self, message: int | str, line: str) -> None:
        view = self._conversation.find(int(message))
        if view is not None and view["only"]:
            self._recording.add(f"# on an ephemeral message, which cannot be replayed: {unmarked(line)}")
        else:
            self._recording.add(line)

    # Faults

    async def fault(self, name: str) -> None:
        """Inject one of ``FAULTS``."""
        if name not in FAULTS:
            raise ValueError(f"there is no fault {name}; the faults are {', '.join(FAULTS)}")
        line, reconnects = FAULTS[name]
        gateway = self._gateway
        # A second click on the button must not add a second rule.
        if name in ("slow", "error", "429"):
            gateway.faults.clear()
        match name:
            case "drop":
                await gateway.drop()
            case "restart":
                await gateway.restart()
            case "stall":
                gateway.stall()
            case "error":
                gateway.answer_with_error("channel_message_send", 7, "refused by the playground")
            case "429":
                gateway.answer_with_error("channel_message_send", 429, "Too many requests")
            case "slow":
                gateway.delay("*", 2.0)
            case "expire":
                gateway.expire_tokens()
            case "clear":
                gateway.clear_faults()
        back = "\nawait gateway.wait_joined(timeout=30)" if reconnects else ""
        self._recording.add(line + back)
        await asyncio.sleep(0)


def _key(value: int | str) -> int | str:
    """Convert the text of an id to int; return a name unchanged."""
    return int(value) if isinstance(value, str) and value.isdecimal() and len(value) > 12 else value


def _target(view: dict[str, Any]) -> api_pb2.ChannelMessage:
    """Return the fields of a message that an interaction refers to."""
    return api_pb2.ChannelMessage(
        message_id=int(view["id"]),
        channel_id=int(view["channel"]),
        sender_id=int(view["sender"]),
        content=json.dumps(view["content"], ensure_ascii=False),
    )
