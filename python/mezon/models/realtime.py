"""Messages of the socket that are not events: joins, acknowledgements, errors, presence."""

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from mezon.models._answers import ChannelMessageAck
from mezon.models._base import WHOLE_MESSAGE, Model
from mezon.models.parts import ApiMessageAttachment, ApiMessageMention, ApiMessageRef

__all__ = [
    "Channel",
    "ChannelJoin",
    "ChannelLeave",
    "ChannelMessageAck",
    "ChannelMessageRemove",
    "ChannelMessageSend",
    "ChannelMessageUpdate",
    "ClanJoin",
    "Ping",
    "Pong",
    "Presence",
    "Rpc",
    "SocketError",
    "SocketMessage",
]


class SocketMessage(Model):
    """Base class of messages that can carry the id of a call."""

    cid: str | None = None


class Presence(Model):
    """A user's presence in a channel."""

    user_id: int
    session_id: str
    username: str
    node: str
    status: str


class Channel(Model):
    """The response to joining a channel."""

    id: int
    chanel_label: str
    presences: list[Presence]
    self_presence: Presence = Field(alias="self")
    clan_logo: str
    category_name: str


class ClanJoin(SocketMessage):
    """A clan was joined."""

    clan_id: int = 0

    is_last_field: bool = False


class ChannelJoin(Model):
    """A channel was joined: ``channel_join`` holds the same fields as a dict."""

    proto_fields: ClassVar[Mapping[str, str]] = {"channel_join": WHOLE_MESSAGE}

    channel_join: dict[str, Any] = Field(default_factory=dict)

    clan_id: int = 0
    channel_id: int = 0
    channel_type: int = 0
    is_public: bool = False


class ChannelLeave(Model):
    """A channel was left: ``channel_leave`` holds the same fields as a dict."""

    proto_fields: ClassVar[Mapping[str, str]] = {"channel_leave": WHOLE_MESSAGE}

    channel_leave: dict[str, Any] = Field(default_factory=dict)

    clan_id: int = 0
    channel_id: int = 0
    channel_type: int = 0
    is_public: bool = False


class ChannelMessageSend(Model):
    """A message to send."""

    channel_id: int = 0
    mode: int = 0
    is_public: bool = False
    clan_id: int = 0
    content: Any = None
    mentions: list[ApiMessageMention] | None = None
    attachments: list[ApiMessageAttachment] | None = None
    references: list[ApiMessageRef] | None = None

    anonymous_message: bool = False
    mention_everyone: bool = False
    avatar: str = ""
    code: int = 0
    topic_id: int = 0
    id: int = 0


class ChannelMessageUpdate(Model):
    """A message was changed."""

    channel_id: int = 0
    mode: int = 0
    is_public: bool = False
    clan_id: int = 0
    message_id: int = 0
    content: Any = None

    mentions: list[ApiMessageMention] = Field(default_factory=list)
    attachments: list[ApiMessageAttachment] = Field(default_factory=list)
    hide_editted: bool = False
    topic_id: int = 0
    is_update_msg_topic: bool = False
    create_time_seconds: int = 0


class ChannelMessageRemove(Model):
    """A message was removed."""

    channel_id: int = 0
    mode: int = 0
    is_public: bool = False
    clan_id: int = 0
    message_id: int = 0

    has_attachment: bool = False
    topic_id: int = 0
    mentions: bytes = b""
    references: bytes = b""


class SocketError(Model):
    """An error from the server: code, text and details."""

    code: int = 0
    message: str = ""

    context: dict[str, str] = Field(default_factory=dict)


class Ping(Model):
    """The request of a heartbeat."""


class Pong(Model):
    """The response to a heartbeat."""


class Rpc(Model):
    """A remote procedure call."""

    id: str = ""
    payload: Any = None

    http_key: str = ""
