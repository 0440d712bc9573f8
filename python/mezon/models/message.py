"""The message that handlers receive, and its sender."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from mezon.constants.enum import ChannelStreamMode
from mezon.models._answers import MessageAnswers
from mezon.models._base import (
    LEFT_OUT,
    ByName,
    Model,
    SentBool,
    SentInt,
    SentStr,
    json_or_none,
    raw_instance,
)
from mezon.models._lazy import LazyDict, decode_on_access
from mezon.models._outgoing import mentions_of, received_content
from mezon.models.parts import (
    PARTS,
    ApiMessageAttachment,
    ApiMessageMention,
    ApiMessageReaction,
    ApiMessageRef,
    read_parts,
)

if TYPE_CHECKING:
    from mezon.models._answers import ChannelMessageAck
    from mezon.models._outgoing import OutgoingMessage
    from mezon.models.api import ApiChannelDescription

_Part = TypeVar("_Part", bound=BaseModel)


class ChannelMessage(ByName, MessageAnswers, Model):
    """A message in a channel, thread, DM or group. Times are UNIX seconds.

    ``content`` is the content as a dict. It is ``{}`` if the content is not a JSON object; ``raw_content`` has the
    text.

    ```python
    from mezon import ChannelMessage

    @client.on_channel_message
    async def show(message: ChannelMessage) -> None:
        print(message.username, "wrote", message.text, "in", message.channel_label)
    ```
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(populate_by_name=True)

    message_id: int
    clan_id: int
    channel_id: int
    sender_id: int
    content: dict[str, Any] = Field(default_factory=dict)
    mentions: list[ApiMessageMention] = Field(default_factory=list)
    attachments: list[ApiMessageAttachment] = Field(default_factory=list)
    reactions: list[ApiMessageReaction] = Field(default_factory=list)
    references: list[ApiMessageRef] = Field(default_factory=list)
    username: SentStr = LEFT_OUT
    avatar: SentStr = LEFT_OUT
    display_name: SentStr = LEFT_OUT
    clan_nick: SentStr = LEFT_OUT
    clan_avatar: SentStr = LEFT_OUT
    channel_label: SentStr = LEFT_OUT
    clan_logo: SentStr = LEFT_OUT
    category_name: SentStr = LEFT_OUT
    create_time_seconds: SentInt = LEFT_OUT
    update_time_seconds: SentInt = LEFT_OUT
    mode: SentInt = LEFT_OUT
    is_public: SentBool = LEFT_OUT
    hide_editted: SentBool = LEFT_OUT
    topic_id: SentInt = LEFT_OUT
    code: SentInt = LEFT_OUT
    referenced_message: bytes | None = None

    if not TYPE_CHECKING:
        # A message from the socket is decoded on first access; pydantic reads the whole dict.
        __dict__ = LazyDict()

        def __delattr__(self, name: str) -> None:
            vars(self)  # decodes the message: a field can be deleted before it was read
            super().__delattr__(name)

    @property
    def id(self) -> int:
        """The same as ``message_id``."""
        return self.message_id

    @property
    def text(self) -> str:
        """The text of the message, ``""`` if it has none; also with ``content_as_json=True``."""
        return text_of(self.content)

    @property
    def mentions_me(self) -> bool:
        """Whether the message mentions the bot by name; mentions of its roles do not count.

        Raises:
            MezonError: If no client has received the message.
        """
        me = self.client.client_id
        return any(mention.user_id == me for mention in self.mentions)

    @property
    def is_dm(self) -> bool:
        """Whether the message is in a direct message channel of two users."""
        return self.mode == ChannelStreamMode.STREAM_MODE_DM

    @property
    def raw_content(self) -> str:
        """The content as text: as received if it is not a JSON object, otherwise ``content`` as compact JSON.

        It is not a field: dumps and comparisons ignore it.
        """
        # The decoder stores the text of such content under ``raw_content`` in the ``__dict__`` of the instance, next
        # to ``content = {}``.
        content: Any = self.content
        if isinstance(content, str):  # MezonClient(content_as_json=True)
            return content
        if not content and isinstance(raw := self.__dict__.get("raw_content"), str):
            return raw
        return json.dumps(content, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_protobuf(cls, message: Any) -> Self:
        """Read a ``mezon.api.ChannelMessage``. Never raises: parts that cannot be decoded are left empty."""
        values: dict[str, Any] = {name: getattr(message, name, None) for name in cls.model_fields}
        content = json_or_none(message.content)
        is_object = isinstance(content, dict)
        values["content"] = content if is_object else {}
        for name, parts in PARTS.items():
            values[name] = read_parts(parts.item, getattr(message, name))
        instance = raw_instance(cls, values, set(values))
        if not is_object:
            instance.__dict__["raw_content"] = message.content
        return instance

    def to_message_dict(self) -> dict[str, Any]:
        """Return all fields by name."""
        return self.model_dump(by_alias=False)

    def to_db_dict(self) -> dict[str, Any]:
        """Return the fields that the message store keeps."""
        return {
            "message_id": self.message_id,
            "clan_id": self.clan_id,
            "channel_id": self.channel_id,
            "sender_id": self.sender_id,
            "content": self.content,
            "reactions": [reaction.model_dump() for reaction in self.reactions],
            "mentions": [mention.model_dump() for mention in self.mentions],
            "attachments": [attachment.model_dump() for attachment in self.attachments],
            "references": [reference.model_dump() for reference in self.references],
            "create_time_seconds": self.create_time_seconds,
            "topic_id": self.topic_id,
        }

    @classmethod
    def from_db_dict(cls, dict: Mapping[str, Any]) -> Self:
        """Read a row of the message store, or the result of ``to_db_dict``.

        Lists and content can be JSON text or decoded values. Missing and invalid ones are left empty.

        Raises:
            KeyError: If the id of the message, the clan, the channel or the sender is missing.
        """
        row = dict
        content = _json_value(row.get("content"))
        return cls(
            message_id=row["id"] if "id" in row else row["message_id"],
            clan_id=row["clan_id"],
            channel_id=row["channel_id"],
            sender_id=row["sender_id"],
            content=content if isinstance(content, Mapping) else {},
            reactions=_parts(ApiMessageReaction, row.get("reactions")),
            mentions=_parts(ApiMessageMention, row.get("mentions")),
            attachments=_parts(ApiMessageAttachment, row.get("attachments")),
            references=_parts(ApiMessageRef, row.get("msg_references", row.get("references"))),
            create_time_seconds=row.get("create_time_seconds"),
            topic_id=row.get("topic_id"),
        )


decode_on_access(ChannelMessage)


def text_of(content: Any) -> str:
    """Return the text in the content of a message, given as a dict or as JSON text; "" if it has none."""
    if isinstance(content, str):
        content = json_or_none(content)
    text = content.get("t") if isinstance(content, Mapping) else None
    return text if isinstance(text, str) else ""


def _json_value(value: Any) -> Any:
    return json_or_none(value) if isinstance(value, str | bytes) else value


def _parts(kind: type[_Part], value: Any) -> list[_Part]:
    entries = _json_value(value)
    if not isinstance(entries, list):
        return []
    return [kind.model_validate(entry) for entry in entries if isinstance(entry, dict)]


class UserInitData(ByName, Model):
    """The profile of a sender in a message."""

    model_config: ClassVar[ConfigDict] = ConfigDict(populate_by_name=True)

    id: int = Field(alias="sender_id")
    username: str = ""
    clan_nick: str = ""
    clan_avatar: str = ""
    avatar: str = ""
    display_name: str = ""
    dm_channel_id: int = Field(default=0, alias="dmChannelId")

    @classmethod
    def from_protobuf(cls, message: Any, dm_channel_id: int = 0) -> Self:
        """Read the sender of a protobuf message or a ``ChannelMessage``."""
        return cls(
            id=message.sender_id,
            username=message.username or "",
            clan_nick=message.clan_nick or "",
            clan_avatar=message.clan_avatar or "",
            avatar=message.avatar or "",
            display_name=message.display_name or "",
            dm_channel_id=dm_channel_id,
        )

    @classmethod
    def from_channel(cls, description: ApiChannelDescription, user_id: int) -> Self:
        """Read a member of a DM or group in the channel's description, which may have no names."""
        members = description.user_ids or []
        index = members.index(user_id) if user_id in members else -1

        def of(values: list[str] | None) -> str:
            # The lists are parallel; a list of another length names somebody else.
            return values[index] or "" if values and index >= 0 and len(values) == len(members) else ""

        return cls(
            id=user_id,
            username=of(description.usernames),
            display_name=of(description.display_names),
            avatar=of(description.avatars),
            dm_channel_id=description.channel_id or 0,
        )

    def to_user_dict(self) -> dict[str, Any]:
        """Return the fields by their wire names."""
        return self.model_dump(by_alias=True)


#: Fields that only the server's copy of a message has.
_SERVER_FIELDS = frozenset(
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
    """Return the message that was acknowledged, for the cache and the store until the server's copy arrives.

    Channel, clan and mode come from the acknowledgement.
    """
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
    return raw_instance(ChannelMessage, values, values.keys() - _SERVER_FIELDS)
