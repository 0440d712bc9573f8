"""A message the bot has sent, as the cache and the store know it before the server's own copy comes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mezon.models._body import mentions_of, received_content

if TYPE_CHECKING:
    from mezon.models import ChannelMessage, ChannelMessageAck
    from mezon.models._outgoing import OutgoingMessage


#: What only the server's copy says.
_UNKNOWN = frozenset(
    {
        "avatar",
        "display_name",
        "clan_nick",
        "clan_avatar",
        "clan_logo",
        "category_name",
        "hide_editted",
        "referenced_message",
    }
)


def sent_message(
    ack: ChannelMessageAck,
    sender_id: int,
    message: OutgoingMessage,
    channel_label: str | None = None,
) -> ChannelMessage:
    """Make the message an acknowledgement is for. Channel, clan and mode are in the acknowledgement."""
    from mezon.models._base import raw_instance
    from mezon.models.message import ChannelMessage

    empty = dict.fromkeys(ChannelMessage.model_fields)
    values: dict[str, Any] = {
        **empty,
        "message_id": ack.message_id,
        "clan_id": ack.clan_id,
        "channel_id": ack.channel_id,
        "sender_id": sender_id,
        "content": received_content(message.content),
        "mentions": list(mentions_of(message.content, message.mentions) or ()),
        "attachments": list(message.attachments or ()),
        "references": list(message.references or ()),
        "reactions": [],
        "username": ack.username,
        "channel_label": channel_label,
        "create_time_seconds": ack.create_time_seconds,
        "update_time_seconds": ack.update_time_seconds,
        "mode": ack.mode,
        "is_public": ack.is_public,
        "topic_id": int(message.topic_id or 0),
        "code": ack.code,
    }
    return raw_instance(ChannelMessage, values, values.keys() - _UNKNOWN)
