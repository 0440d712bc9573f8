"""The arguments of the send methods of mezon-sdk, as models."""

from typing import Any

from mezon.models._base import Model
from mezon.models.content import ChannelMessageContent
from mezon.models.parts import ApiMessageAttachment, ApiMessageMention, ApiMessageRef


class MessagePayLoad(Model):
    """A message to send."""

    clan_id: int
    channel_id: int
    mode: int
    is_public: bool
    msg: ChannelMessageContent
    mentions: list[ApiMessageMention] | None = None
    attachments: list[ApiMessageAttachment] | None = None
    ref: list[ApiMessageRef] | None = None
    hideEditted: bool | None = None
    topic_id: int | None = None


class EphemeralMessageData(Model):
    """A message that only its receiver sees."""

    receiver_id: int
    clan_id: int
    channel_id: int
    mode: int
    is_public: bool
    content: Any
    mentions: list[ApiMessageMention] | None = None
    attachments: list[ApiMessageAttachment] | None = None
    references: list[ApiMessageRef] | None = None
    anonymous_message: bool | None = None
    mention_everyone: bool | None = None
    avatar: str | None = None
    code: int | None = None
    topic_id: int | None = None
    message_id: int | None = None


class ReplyMessageData(Model):
    """A reply to send."""

    clan_id: int
    channel_id: int
    mode: int
    is_public: bool
    content: ChannelMessageContent
    mentions: list[ApiMessageMention] | None = None
    attachments: list[ApiMessageAttachment] | None = None
    references: list[ApiMessageRef] | None = None
    anonymous_message: bool | None = None
    mention_everyone: bool | None = None
    avatar: str | None = None
    code: int | None = None
    topic_id: int | None = None


class UpdateMessageData(Model):
    """An edit of a message."""

    clan_id: int
    channel_id: int
    mode: int
    is_public: bool
    message_id: int
    content: Any
    mentions: list[ApiMessageMention] | None = None
    attachments: list[ApiMessageAttachment] | None = None
    hideEditted: bool | None = None
    topic_id: int | None = None
    is_update_msg_topic: bool | None = None


class ReactMessagePayload(Model):
    """A reaction without its message."""

    id: int | None = None
    emoji_id: int
    emoji: str
    count: int
    action_delete: bool | None = None


class ReactMessageData(Model):
    """A reaction to send."""

    id: int | None = None
    clan_id: int
    channel_id: int
    mode: int
    is_public: bool
    message_id: int
    emoji_id: int
    emoji: str
    count: int
    message_sender_id: int
    action_delete: bool | None = None


class RemoveMessageData(Model):
    """A message to delete."""

    clan_id: int
    channel_id: int
    mode: int
    is_public: bool
    message_id: int
    topic_id: int | None = None


class SendTokenData(Model):
    """A token transfer with a note."""

    amount: int
    note: str | None = None
    extra_attribute: str | None = None


class MessageUserPayLoad(Model):
    """A direct message to send."""

    userId: int
    msg: str
    messOptions: dict[str, Any] | None = None
    attachments: list[ApiMessageAttachment] | None = None
    refs: list[ApiMessageRef] | None = None
