"""Builders of protobuf messages, for code that was written for mezon-sdk. The client encodes in the core."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from mezon import protobuf
from mezon.models._outgoing import encode_content

if TYPE_CHECKING:
    from mezon.models import ApiMessageAttachment, ApiMessageMention, ApiMessageRef
    from mezon.protobuf.api.api_pb2 import MessageReaction
    from mezon.protobuf.rtapi.realtime_pb2 import (
        ChannelMessageSend,
        ChannelMessageUpdate,
        EphemeralMessageSend,
    )


def _given(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _parts(kind: Any, parts: Iterable[Any] | None) -> list[Any]:
    """Return mentions, attachments or references as protobuf messages."""
    names = kind.DESCRIPTOR.fields_by_name
    given = [part if isinstance(part, Mapping) else part.__dict__ for part in parts or ()]
    return [kind(**_given(**{name: part.get(name) for name in names})) for part in given]


def _text_of(content: Any) -> str:
    """Return content as JSON with the spaces of ``json.dumps``, like mezon-sdk. The client sends compact JSON."""
    return json.dumps(json.loads(encode_content(content)), ensure_ascii=False)


class ChannelMessageBuilder:
    """Builds ``ChannelMessageSend``."""

    @classmethod
    def build(
        cls,
        clan_id: int,
        channel_id: int,
        mode: int,
        is_public: bool,
        content: Any,
        mentions: list[ApiMessageMention] | None = None,
        attachments: list[ApiMessageAttachment] | None = None,
        references: list[ApiMessageRef] | None = None,
        anonymous_message: bool | None = None,
        mention_everyone: bool | None = None,
        avatar: str | None = None,
        code: int | None = None,
        topic_id: int | None = None,
    ) -> ChannelMessageSend:
        """Build a message to send.

        Raises:
            InvalidArgumentError: If ``content`` cannot be sent.
        """
        return protobuf.realtime_pb2.ChannelMessageSend(
            clan_id=clan_id,
            channel_id=channel_id,
            mode=mode,
            is_public=is_public,
            content=_text_of(content),
            mentions=_parts(protobuf.api_pb2.MessageMention, mentions),
            attachments=_parts(protobuf.api_pb2.MessageAttachment, attachments),
            references=_parts(protobuf.api_pb2.MessageRef, references),
            **_given(
                anonymous_message=anonymous_message,
                mention_everyone=mention_everyone,
                avatar=avatar,
                code=code,
                topic_id=topic_id,
            ),
        )


class EphemeralMessageBuilder:
    """Builds ``EphemeralMessageSend``."""

    @staticmethod
    def build(
        receiver_ids: list[int],
        clan_id: int,
        channel_id: int,
        mode: int,
        is_public: bool,
        content: Any,
        mentions: list[ApiMessageMention] | None = None,
        attachments: list[ApiMessageAttachment] | None = None,
        references: list[ApiMessageRef] | None = None,
        anonymous_message: bool | None = None,
        mention_everyone: bool | None = None,
        avatar: str | None = None,
        code: int | None = None,
        topic_id: int | None = None,
        message_id: int | None = None,
    ) -> EphemeralMessageSend:
        """Build a message that only ``receiver_ids`` can see.

        Raises:
            InvalidArgumentError: If ``content`` cannot be sent.
        """
        message = ChannelMessageBuilder.build(
            clan_id,
            channel_id,
            mode,
            is_public,
            content,
            mentions,
            attachments,
            references,
            anonymous_message,
            mention_everyone,
            avatar,
            code,
            topic_id,
        )
        if message_id is not None:
            message.id = message_id
        return protobuf.realtime_pb2.EphemeralMessageSend(receiver_ids=receiver_ids, message=message)


class ChannelMessageUpdateBuilder:
    """Builds ``ChannelMessageUpdate``."""

    @classmethod
    def build(
        cls,
        clan_id: int,
        channel_id: int,
        mode: int,
        is_public: bool,
        message_id: int,
        content: Any,
        mentions: list[ApiMessageMention] | None = None,
        attachments: list[ApiMessageAttachment] | None = None,
        hide_editted: bool | None = None,
        topic_id: int | None = None,
        is_update_msg_topic: bool | None = None,
    ) -> ChannelMessageUpdate:
        """Build an update of a message.

        Raises:
            InvalidArgumentError: If ``content`` cannot be sent.
        """
        return protobuf.realtime_pb2.ChannelMessageUpdate(
            clan_id=clan_id,
            channel_id=channel_id,
            mode=mode,
            is_public=is_public,
            message_id=message_id,
            content=_text_of(content),
            mentions=_parts(protobuf.api_pb2.MessageMention, mentions),
            attachments=_parts(protobuf.api_pb2.MessageAttachment, attachments),
            **_given(hide_editted=hide_editted, topic_id=topic_id, is_update_msg_topic=is_update_msg_topic),
        )


class MessageReactionBuilder:
    """Builds ``MessageReaction``."""

    @staticmethod
    def build(
        id: int,
        clan_id: int,
        channel_id: int,
        mode: int,
        is_public: bool,
        message_id: int,
        emoji_id: int,
        emoji: str,
        count: int,
        message_sender_id: int,
        action_delete: bool,
    ) -> MessageReaction:
        """Build a reaction, or its removal with ``action_delete``."""
        return protobuf.api_pb2.MessageReaction(
            id=id or 0,
            clan_id=clan_id,
            channel_id=channel_id,
            mode=mode,
            is_public=is_public,
            message_id=message_id,
            emoji_id=emoji_id or 0,
            emoji=emoji,
            count=count,
            message_sender_id=message_sender_id,
            action=action_delete,
        )
