"""The world, messages and frames as JSON for the page. Ids are strings: JavaScript numbers have only 53 bits."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError, Message

from mezon.protobuf.api import api_pb2
from mezon.protobuf.utils import is_repeated
from mezon.testing.profiles import CLIENTS
from mezon.testing.world import DM, GROUP, VOICE, World

__all__ = ["clients_view", "content_of", "message_view", "plain", "python_of", "world_view"]

# The bytes fields of a message: type and field of their content.
_PACKED: dict[str, tuple[Any, str]] = {
    "mentions": (api_pb2.MessageMentionList, "mentions"),
    "attachments": (api_pb2.MessageAttachmentList, "attachments"),
    "references": (api_pb2.MessageRefList, "refs"),
    "reactions": (api_pb2.MessageReactionList, "reactions"),
}


def content_of(text: str) -> dict[str, Any]:
    """Return the content object of a message. Text that is not a JSON object becomes ``{"t": text}``."""
    try:
        content = json.loads(text)
    except ValueError:
        content = None
    return content if isinstance(content, dict) else {"t": text}


def plain(message: Any) -> Any:
    """Convert a protobuf message, a JSON value or bytes to JSON, with packed and JSON fields decoded."""
    if not isinstance(message, Message):
        return message.hex() if isinstance(message, bytes) else message
    value: dict[str, Any] = MessageToDict(message, preserving_proto_field_name=True)
    for field, found in message.ListFields():
        name = field.name
        if name == "content" and isinstance(found, str):
            value[name] = content_of(found)
        elif name in _PACKED and isinstance(found, bytes):
            value[name] = _unpacked(name, found)
        elif field.type == FieldDescriptor.TYPE_MESSAGE and not is_repeated(field) and name in value:
            # A wrapper message is already converted to its value.
            value[name] = plain(found) if isinstance(value[name], dict) else value[name]
    return value


def _unpacked(name: str, data: bytes) -> Any:
    kind, inside = _PACKED[name]
    try:
        parsed = kind.FromString(data)
    except DecodeError:
        return data.hex()
    return [plain(part) for part in getattr(parsed, inside)]


def python_of(message: Message) -> str:
    """Return a Python expression for a message, with the module names used in the docs."""
    name = message.DESCRIPTOR.full_name
    module = {"mezon.api": "api_pb2", "mezon.realtime": "realtime_pb2"}.get(
        name.rpartition(".")[0], "wrappers_pb2"
    )
    parts = []
    for field, value in message.ListFields():
        if is_repeated(field):
            items = [python_of(one) if isinstance(one, Message) else repr(one) for one in value]
            text = f"[{', '.join(items)}]"
            if field.message_type is not None and field.message_type.GetOptions().map_entry:
                text = repr(dict(value))
        else:
            text = python_of(value) if isinstance(value, Message) else repr(value)
        parts.append(f"{field.name}={text}")
    return f"{module}.{message.DESCRIPTOR.name}({', '.join(parts)})"


def message_view(message: api_pb2.ChannelMessage, receivers: Sequence[int], bots: set[int]) -> dict[str, Any]:
    """Return a message as the page shows it."""
    fields = plain(message)
    references = fields.get("references") or []
    return {
        "id": str(message.message_id),
        "channel": str(message.channel_id),
        "sender": str(message.sender_id),
        "name": message.clan_nick or message.display_name or message.username,
        "username": message.username,
        "bot": message.sender_id in bots,
        "time": message.create_time_seconds or int(time.time()),
        "content": content_of(message.content),
        "mentions": fields.get("mentions") or [],
        "attachments": fields.get("attachments") or [],
        "reply": _reply(references[0]) if isinstance(references, list) and references else None,
        "reactions": [],
        "edited": False,
        "removed": False,
        "only": [str(receiver) for receiver in receivers],
    }


def _reply(reference: dict[str, Any]) -> dict[str, str]:
    content = reference.get("content") or {}
    return {
        "id": reference.get("message_ref_id", ""),
        "name": reference.get("message_sender_display_name") or reference.get("message_sender_username", ""),
        "text": str(content.get("t") or "") if isinstance(content, dict) else "",
    }


def clients_view() -> dict[str, dict[str, Any]]:
    """Return what each client draws, by its name."""
    return {
        name: {
            "rows": sorted(profile.rows),
            "fields": sorted(profile.fields),
            "field_buttons": profile.field_buttons,
            "checks_disabled": profile.checks_disabled,
            "lists": profile.lists,
            "removes_choices": profile.removes_choices,
        }
        for name, profile in CLIENTS.items()
    }


def world_view(world: World) -> dict[str, Any]:
    """Return the clans with their channels, the direct conversations, people and bots."""
    return {
        "clans": [
            {
                "id": str(clan.id),
                "name": clan.name,
                "channels": [
                    {"id": str(channel.id), "label": channel.label, "thread": bool(channel.parent_id)}
                    for channel in world.channels.values()
                    if channel.clan_id == clan.id and channel.type not in (DM, GROUP, VOICE)
                ],
            }
            for clan in world.clans.values()
        ],
        "dms": [
            {
                "id": str(channel.id),
                "label": channel.label,
                "members": [str(member) for member in channel.member_ids],
            }
            for channel in world.channels.values()
            if channel.type in (DM, GROUP)
        ],
        "users": [
            {
                "id": str(user.id),
                "username": user.username,
                "name": user.display_name or user.username,
                "roles": [role.title for role in world.roles.values() if user.id in role.user_ids],
            }
            for user in world.users.values()
            if not user.is_bot
        ],
        "bots": [
            {"id": str(user.id), "username": user.username, "name": user.display_name or user.username}
            for user in world.users.values()
            if user.is_bot
        ],
        "menus": [{"name": menu.menu_name, "channel": str(menu.channel_id)} for menu in world.menus.values()],
    }
