"""What a person can do on the page (and at the prompt of ``mezon chat``): as users, and to the weather."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from mezon.protobuf.api import api_pb2
from mezon.protobuf.rtapi import realtime_pb2
from mezon.testing.inputs import name_of_button, parts_of
from mezon.testing.playground.conversation import Conversation
from mezon.testing.playground.recording import Recording, mark, quoted, unmarked
from mezon.testing.world import DM, GROUP, Channel

if TYPE_CHECKING:
    from mezon.testing.gateway import LocalGateway

__all__ = ["FAULTS", "Actions"]

FILE_LIMIT: Final = 8 * 1024 * 1024
"""Bytes of a file a person attaches."""

#: Faults by name: the line of a test, and whether the bot has to come back after it.
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
    """Every method is a thing to do; ids are ints or texts. They raise LookupError and ValueError with sentences."""

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
        """Let a user say something; ``@name`` mentions. Returns the message id."""
        if not text.strip() and not files:
            raise ValueError("there is nothing to say")
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
            raise ValueError("the file did not arrive whole") from None
        if len(data) > FILE_LIMIT:
            raise ValueError(f"a file may have {FILE_LIMIT // 1024 // 1024} MB here")
        name = file.get("name") or "file"
        kind = file.get("type") or "application/octet-stream"
        gateway = self._gateway
        url = gateway.expect_upload(name, kind)
        key = next(key for key, expected in gateway.expected_uploads.items() if expected.url == url)
        gateway.uploads[url] = replace(gateway.expected_uploads.pop(key), body=data)
        return api_pb2.MessageAttachment(filename=name, filetype=kind, size=len(data), url=url)

    async def dm(self, user: int | str) -> str:
        """Open the direct conversation of a user with the bot; returns the id of its channel."""
        return str(self._gateway.world.dm(_key(user)).id)

    async def add_user(self, username: str) -> str:
        """Add somebody new, in every clan. Returns the id."""
        if not re.fullmatch(r"[\w.-]{1,32}", username):
            raise ValueError("a name has up to 32 letters, digits, dots and hyphens")
        world = self._gateway.world
        if any(one.username == username for one in world.users.values()):
            raise ValueError(f"there is a user {username} already")
        user = world.add_user(username, display_name=username.capitalize())
        self._recording.add(
            f"gateway.world.add_user({quoted(username)}, display_name={quoted(user.display_name)})"
        )
        return str(user.id)

    async def add_channel(self, label: str, clan: int | str | None = None) -> str:
        """Make a new text channel. Returns the id."""
        if not re.fullmatch(r"[\w -]{1,64}", label):
            raise ValueError("a channel's name has up to 64 letters, digits, blanks and hyphens")
        channel = self._gateway.world.add_channel(label, _key(clan) if clan else None)
        self._recording.add(f"gateway.world.add_channel({quoted(label)})")
        return str(channel.id)

    async def edit(self, message: int | str, text: str) -> None:
        """Let the sender change a message."""
        await self._gateway.edit(int(message), text)
        self._recording.add(f"await gateway.edit({mark(message)}, {quoted(text)})")

    async def delete(self, message: int | str) -> None:
        """Delete a message."""
        await self._gateway.remove(int(message))
        self._recording.add(f"await gateway.remove({mark(message)})")

    async def react(self, message: int | str, user: int | str, emoji: str, remove: bool = False) -> None:
        """Let a user put a reaction on a message, or take it back."""
        if not emoji.strip():
            raise ValueError("name an emoji")
        sender = self._gateway.world.user(_key(user))
        await self._gateway.react(int(message), sender, emoji, remove=remove)
        more = ", remove=True" if remove else ""
        self._recording.add(
            f'await gateway.react({mark(message)}, "{sender.username}", {quoted(emoji)}{more})'
        )

    async def typing(self, channel: int | str, user: int | str) -> None:
        """Show a user as typing. Not worth a line in a test."""
        await self._gateway.typing(_key(channel), _key(user))

    async def click(
        self, message: int | str, user: int | str, button: str, values: Mapping[str, Any] | None = None
    ) -> None:
        """Let a user press a button; ``values`` are what they filled in, by the id of the field."""
        sender = self._gateway.world.user(_key(user))
        extra = json.dumps(dict(values), ensure_ascii=False) if values else ""
        event = self._event(message, realtime_pb2.MessageButtonClicked, user_id=sender.id)
        await self._gateway.push(message_button_clicked=_with(event, button_id=button, extra_data=extra))
        more = f", extra_data={quoted(extra)}" if extra else ""
        view = self._conversation.find(int(message))
        # A bot may make the id up each time: what stays is what the button says.
        name = name_of_button(parts_of(view["content"]) if view else [], button)
        self._record_on(
            message, f'await gateway.click({mark(message)}, "{sender.username}", {quoted(name)}{more})'
        )

    async def select(self, message: int | str, user: int | str, select: str, values: Sequence[str]) -> None:
        """Let a user choose in a select box."""
        sender = self._gateway.world.user(_key(user))
        event = self._event(message, realtime_pb2.DropdownBoxSelected, user_id=sender.id)
        await self._gateway.push(dropdown_box_selected=_with(event, selectbox_id=select, values=list(values)))
        line = f'await gateway.select({mark(message)}, "{sender.username}", {quoted(select)}, {quoted(list(values))})'
        self._record_on(message, line)

    def _event(self, message: int | str, kind: Callable[..., Any], user_id: int) -> Any:
        view = self._conversation.find(int(message))
        if view is None or view["removed"]:
            raise LookupError("this message is gone")
        return kind(
            message_id=int(view["id"]),
            channel_id=int(view["channel"]),
            sender_id=int(view["sender"]),
            user_id=user_id,
        )

    def _record_on(self, message: int | str, line: str) -> None:
        view = self._conversation.find(int(message))
        if view is not None and view["only"]:
            self._recording.add(
                f"# on a message that only its receiver sees, which cannot be replayed: {unmarked(line)}"
            )
        else:
            self._recording.add(line)

    # Weather

    async def fault(self, name: str) -> None:
        """Give one of ``FAULTS``."""
        if name not in FAULTS:
            raise ValueError(f"no fault {name}; there are {', '.join(FAULTS)}")
        line, comes_back = FAULTS[name]
        gateway = self._gateway
        # As a person expects a button: the second click is no second rule.
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
        back = "\nawait gateway.wait_joined(timeout=30)" if comes_back else ""
        self._recording.add(line + back)
        await asyncio.sleep(0)


def _key(value: int | str) -> int | str:
    """Read an id that came as text; a name stays a name."""
    return int(value) if isinstance(value, str) and value.isdecimal() and len(value) > 12 else value


def _with(event: Any, **fields: Any) -> Any:
    for name, value in fields.items():
        if isinstance(value, list):
            getattr(event, name).extend(value)
        else:
            setattr(event, name, value)
    return event
