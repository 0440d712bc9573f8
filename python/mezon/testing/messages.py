"""Build ChannelMessage events as the server broadcasts them, and read the content of messages."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mezon.protobuf.api import api_pb2
from mezon.protobuf.rtapi import realtime_pb2
from mezon.testing.world import Channel, User, World

__all__ = [
    "BUTTON",
    "CHAT",
    "DATE",
    "INPUT",
    "RADIO",
    "REMOVED",
    "SELECT",
    "UPDATED",
    "Component",
    "build_message",
    "components_of",
    "content_of",
    "content_text",
    "make_attachments",
    "make_mentions",
    "make_reference",
    "message_from_send",
]

# ChannelMessage.code
CHAT = 0
UPDATED = 1
REMOVED = 2

# Component types on the wire (docs/protocol.md, "Forms").
BUTTON: Final = 1
SELECT: Final = 2
INPUT: Final = 3
DATE: Final = 4
RADIO: Final = 5


def content_text(content: str | Mapping[str, Any]) -> str:
    """Return the JSON text of a content: ``{"t": text}`` for a str, the mapping itself otherwise."""
    return json.dumps({"t": content} if isinstance(content, str) else dict(content), ensure_ascii=False)


def content_of(message: api_pb2.ChannelMessage) -> Any:
    """Return the decoded content of a message, or None if it is not valid JSON."""
    try:
        return json.loads(message.content)
    except ValueError:
        return None


@dataclass(slots=True, frozen=True)
class Component:
    """A button, select box, input, date picker or radio group of a message.

    Attributes:
        id: The id that the bot assigned.
        kind: The component type on the wire.
        options: The allowed values; empty if any value is allowed.
        many: Whether several options can be chosen.
        most: The maximum number of chosen options; 0 for no limit.
        label: The label of a button.
        place: Where it stands: ``row``, or ``field``, ``field button`` or ``shape`` of a field of an embed.
        default: The value that clients store when they draw the component, or None.
        disabled: Whether the bot disabled it.
        url: The link of a button, which sends no click.
    """

    id: str
    kind: int
    options: tuple[str, ...] = ()
    many: bool = False
    most: int = 0
    label: str = ""
    place: str = "row"
    default: Any = None
    disabled: bool = False
    url: str = ""


#: The keys of an embed's field under which components stand.
_PLACES: Final = {"inputs": "field", "button": "field button", "shape": "shape"}


def components_of(content: Any) -> list[Component]:
    """Return the components in a decoded message content, buttons last."""
    return sorted(_components(content, "row"), key=lambda component: component.kind == BUTTON)


def _components(value: Any, place: str) -> Iterator[Component]:
    if isinstance(value, list):
        for item in value:
            yield from _components(item, place)
    elif isinstance(value, dict):
        if isinstance(value.get("id"), str) and isinstance(value.get("type"), int) and "component" in value:
            yield _component(value, place)
        else:
            for key, item in value.items():
                yield from _components(item, _PLACES.get(key, place))


def _component(value: dict[str, Any], place: str) -> Component:
    inner = value["component"]
    settings: dict[str, Any] = inner if isinstance(inner, dict) else {}
    # A select box has its options in an object; a radio group is itself the list of options.
    listed = settings.get("options", ()) if isinstance(inner, dict) else inner
    choices = [one for one in listed or () if isinstance(one, dict)]
    many, most = False, 0
    if value["type"] == SELECT:
        most = _number(settings.get("max_options"))
        many = most >= 2 or _number(settings.get("min_options")) > 1
    elif value["type"] == RADIO and len(choices) > 1:
        # Options with one name exclude each other, as radio buttons do. The limit stands beside the id.
        many = bool(choices[0].get("name")) and choices[0].get("name") != choices[1].get("name")
        most = _number(value.get("max_options")) or 1
    selected = settings.get("valueSelected")
    if value["type"] == SELECT:
        default = selected.get("value") if isinstance(selected, dict) else None
    else:
        default = settings.get("defaultValue")
    return Component(
        value["id"],
        value["type"],
        tuple(str(one["value"]) for one in choices if "value" in one),
        many=many,
        most=most,
        label=str(settings.get("label") or ""),
        place=place,
        default=default if default not in ("", None) and isinstance(default, str | int | float) else None,
        disabled=bool(settings.get("disable") or settings.get("disabled")),
        url=str(settings.get("url") or ""),
    )


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0


def make_mentions(
    world: World, text: str, mentions: Iterable[User | int | str | api_pb2.MessageMention | Mapping[str, Any]]
) -> list[api_pb2.MessageMention]:
    """Build mentions from users, usernames or field mappings.

    If the text contains ``@username``, the mention gets its offsets (UTF-16 units, end exclusive).
    """
    made: list[api_pb2.MessageMention] = []
    for mention in mentions:
        if isinstance(mention, api_pb2.MessageMention):
            made.append(mention)
        elif isinstance(mention, Mapping):
            made.append(api_pb2.MessageMention(**mention))
        else:
            user = world.user(mention)
            tag = f"@{user.username}"
            at = text.find(tag)
            start = len(text[:at].encode("utf-16-le")) // 2 if at >= 0 else 0
            end = start + len(tag.encode("utf-16-le")) // 2 if at >= 0 else 0
            made.append(api_pb2.MessageMention(user_id=user.id, username=user.username, s=start, e=end))
    return made


def make_attachments(
    attachments: Iterable[str | api_pb2.MessageAttachment | Mapping[str, Any]],
) -> list[api_pb2.MessageAttachment]:
    """Build attachments from URLs or field mappings."""
    made: list[api_pb2.MessageAttachment] = []
    for attachment in attachments:
        if isinstance(attachment, api_pb2.MessageAttachment):
            made.append(attachment)
        elif isinstance(attachment, str):
            name = attachment.rsplit("/", 1)[-1] or "file"
            made.append(api_pb2.MessageAttachment(filename=name, url=attachment))
        else:
            made.append(api_pb2.MessageAttachment(**attachment))
    return made


def make_reference(message: api_pb2.ChannelMessage) -> api_pb2.MessageRef:
    """Build the reference that a reply to ``message`` contains."""
    return api_pb2.MessageRef(
        message_ref_id=message.message_id,
        content=message.content,
        has_attachment=bool(message.attachments),
        message_sender_id=message.sender_id,
        message_sender_username=message.username,
        message_sender_avatar=message.avatar,
        message_sender_clan_nick=message.clan_nick,
        message_sender_display_name=message.display_name,
    )


def build_message(
    world: World,
    channel: Channel,
    sender: User,
    content: str,
    *,
    message_id: int,
    code: int = CHAT,
    mentions: Sequence[api_pb2.MessageMention] = (),
    attachments: Sequence[api_pb2.MessageAttachment] = (),
    references: Sequence[api_pb2.MessageRef] = (),
    topic_id: int = 0,
    avatar: str = "",
    mode: int = 0,
    created: int = 0,
) -> api_pb2.ChannelMessage:
    """Build the event that announces a message."""
    clan = world.clans.get(channel.clan_id)
    now = created or int(time.time())
    message = api_pb2.ChannelMessage(
        clan_id=channel.clan_id,
        channel_id=channel.id,
        message_id=message_id,
        code=code,
        sender_id=sender.id,
        username=sender.username,
        avatar=avatar or sender.avatar_url,
        content=content,
        channel_label=channel.label,
        clan_logo=clan.logo if clan is not None else "",
        category_name=channel.category_name,
        display_name=sender.display_name,
        clan_nick=sender.clan_nicks.get(channel.clan_id, ""),
        create_time_seconds=now,
        update_time_seconds=now,
        mode=mode or channel.mode,
        is_public=not channel.private,
        # The server sets this until the first edit; apps show "edited" where it is false.
        hide_editted=True,
        topic_id=topic_id,
    )
    if mentions:
        message.mentions = api_pb2.MessageMentionList(mentions=mentions).SerializeToString()
    if attachments:
        message.attachments = api_pb2.MessageAttachmentList(attachments=attachments).SerializeToString()
    if references:
        message.references = api_pb2.MessageRefList(refs=references).SerializeToString()
    return message


def message_from_send(
    world: World, channel: Channel, sender: User, send: realtime_pb2.ChannelMessageSend, *, message_id: int
) -> api_pb2.ChannelMessage:
    """Build the event that announces the message of a ``channel_message_send``."""
    return build_message(
        world,
        channel,
        sender,
        send.content,
        message_id=message_id,
        code=send.code,
        mentions=send.mentions,
        attachments=send.attachments,
        references=send.references,
        topic_id=send.topic_id,
        avatar=send.avatar,
        mode=send.mode,
    )
