"""Messages on their way out, by the names of their fields, and the acknowledgements that come back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mezon.models._body import encode_content, mentions_of
from mezon.models.realtime import ChannelMessageAck

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mezon.models import ApiMessageAttachment, ApiMessageMention, ApiMessageRef
    from mezon.models._body import Content


def message_fields(
    clan_id: int,
    channel_id: int,
    mode: int,
    is_public: bool,
    content: Content,
    mentions: Sequence[ApiMessageMention] | None,
    attachments: Sequence[ApiMessageAttachment] | None,
    references: Sequence[ApiMessageRef] | None,
    anonymous_message: bool | None,
    mention_everyone: bool | None,
    avatar: str | None,
    code: int | None,
    topic_id: int | None,
) -> dict[str, Any]:
    """A ``ChannelMessageSend`` by its field names."""
    return {
        "clan_id": clan_id,
        "channel_id": channel_id,
        "content": encode_content(content),
        "mentions": mentions_of(content, mentions),
        "attachments": attachments,
        "references": references,
        "mode": mode,
        "anonymous_message": anonymous_message,
        "mention_everyone": mention_everyone,
        "avatar": avatar,
        "is_public": is_public,
        "code": code,
        "topic_id": topic_id,
    }


def complete(ack: Any, sent: dict[str, Any]) -> ChannelMessageAck:
    """An acknowledgement with what the server leaves out of it: it was in the call."""
    if not isinstance(ack, ChannelMessageAck):
        # A server that answers with something else has taken the message all the same.
        ack = ChannelMessageAck(code=sent.get("code") or 0)
    answer: ChannelMessageAck = ack
    values = answer.__dict__
    values["channel_id"] = values["channel_id"] or int(sent["channel_id"])
    values["clan_id"] = values["clan_id"] or int(sent["clan_id"] or 0)
    values["mode"] = values["mode"] or sent["mode"]
    values["is_public"] = bool(sent["is_public"])
    return answer


def api_ack(sent: dict[str, Any], code: int) -> ChannelMessageAck:
    """The acknowledgement of a change over the API, which has no answer of its own."""
    return ChannelMessageAck(
        channel_id=int(sent["channel_id"]),
        mode=sent["mode"],
        message_id=int(sent["message_id"]),
        code=code,
        username="",
        clan_id=int(sent["clan_id"] or 0),
        is_public=bool(sent["is_public"]),
    )
