"""The message a handler receives, and the user it names."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from mezon.models._answers import MessageAnswers
from mezon.models._base import LEFT_OUT, ByName, Model, SentBool, SentInt, SentStr
from mezon.models._lazy import LazyDict, read_later
from mezon.models.parts import ApiMessageAttachment, ApiMessageMention, ApiMessageReaction, ApiMessageRef

_Part = TypeVar("_Part", bound=BaseModel)


class ChannelMessage(ByName, MessageAnswers, Model):
    """A message in a channel, thread, DM or group. Times are UNIX seconds.

    ``content`` is the body as a dict, ``{}`` when it is no JSON object: ``raw_content`` has the text then.

    ```python
    from mezon import ChannelMessage

    @client.on_channel_message
    async def look(message: ChannelMessage) -> None:
        print(message.username, "said", message.content.get("t"), "in", message.channel_label)
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
        # What came from the socket is decoded when it is read, and whole for pydantic.
        __dict__ = LazyDict()

        def __delattr__(self, name: str) -> None:
            vars(self)  # what is not decoded yet can be taken away, too
            super().__delattr__(name)

    @property
    def id(self) -> int:
        """The same as ``message_id``."""
        return self.message_id

    @property
    def raw_content(self) -> str:
        """The body as text: as it was sent if it was no JSON object, else ``content`` as compact JSON.

        Whoever builds an instance from the wire keeps the text of such a body as ``raw_content`` in the
        instance's ``__dict__``, beside ``content = {}``. It is no field: dumps and comparisons ignore it.
        """
        content: Any = self.content
        if isinstance(content, str):  # MezonClient(content_as_json=True)
            return content
        if not content and isinstance(raw := self.__dict__.get("raw_content"), str):
            return raw
        return json.dumps(content, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_protobuf(cls, message: Any) -> Self:
        """Read a ``mezon.api.ChannelMessage``. It never fails: what cannot be read is left empty."""
        from mezon.models._convert import build_channel_message

        return build_channel_message(cls, message)

    def to_message_dict(self) -> dict[str, Any]:
        """Give all fields by name."""
        return self.model_dump(by_alias=False)

    def to_db_dict(self) -> dict[str, Any]:
        """Give the fields the message store keeps."""
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
        """Read a row of the message store, or what ``to_db_dict`` gave.

        Lists and content may be JSON text or values already; what is missing or broken is left empty.

        Raises:
            KeyError: If the row names no message, clan, channel or sender.
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


read_later(ChannelMessage)


def _json_value(value: Any) -> Any:
    if not isinstance(value, str | bytes):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None


def _parts(kind: type[_Part], value: Any) -> list[_Part]:
    entries = _json_value(value)
    if not isinstance(entries, list):
        return []
    return [kind.model_validate(entry) for entry in entries if isinstance(entry, dict)]


class UserInitData(ByName, Model):
    """What a message says about its sender."""

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
        """Read the sender of a message, a protobuf one or a ``ChannelMessage``."""
        return cls(
            id=message.sender_id,
            username=message.username or "",
            clan_nick=message.clan_nick or "",
            clan_avatar=message.clan_avatar or "",
            avatar=message.avatar or "",
            display_name=message.display_name or "",
            dm_channel_id=dm_channel_id,
        )

    def to_user_dict(self) -> dict[str, Any]:
        """Give the fields by their wire names."""
        return self.model_dump(by_alias=True)
