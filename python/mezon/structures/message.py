"""A message in a channel, and what a bot does with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mezon.models._outgoing import (
    OutgoingMessage,
    encode_content,
    mentions_of,
    received_content,
    require_content,
)
from mezon.structures._files import upload_files
from mezon.structures._sending import place_of, send_into
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mezon.managers.socket import SocketManager
    from mezon.models import (
        ApiMessageAttachment,
        ApiMessageMention,
        ApiMessageReaction,
        ApiMessageRef,
        ChannelMessage,
        ChannelMessageAck,
    )
    from mezon.models._outgoing import Content
    from mezon.structures._files import File
    from mezon.structures.text_channel import TextChannel

logger: Final = get_logger("mezon.client")


class Message:
    """A message.

    Attributes:
        id: Its id.
        sender_id: Who wrote it.
        content: The body as a dict (as JSON text with ``content_as_json``).
        mentions: Who is mentioned.
        attachments: What is attached.
        reactions: How others reacted, when it came.
        references: What it replies to.
        topic_id: The topic it belongs to, 0 for none.
        create_time_seconds: UNIX time.
        channel: Where it was written.
    """

    def __init__(
        self, message_raw: ChannelMessage, channel: TextChannel, socket_manager: SocketManager
    ) -> None:
        self.id: int = message_raw.message_id
        self.sender_id: int = message_raw.sender_id
        self.content: Any = message_raw.content
        self.mentions: list[ApiMessageMention] = message_raw.mentions
        self.attachments: list[ApiMessageAttachment] = message_raw.attachments
        self.reactions: list[ApiMessageReaction] = message_raw.reactions
        self.references: list[ApiMessageRef] = message_raw.references
        self.topic_id: int | None = message_raw.topic_id
        self.create_time_seconds: int | None = message_raw.create_time_seconds
        self.channel = channel
        self.socket_manager = socket_manager
        self._raw = message_raw

    @property
    def raw_content(self) -> str:
        """The body as text, also when it is no JSON object."""
        if self.content is self._raw.content:
            return self._raw.raw_content
        return self.content if isinstance(self.content, str) else encode_content(self.content)

    def update_from(self, message_raw: ChannelMessage) -> None:
        """Take over an edit that came from the server. The reactions stay if it carries none."""
        self.content = message_raw.content
        self.mentions = message_raw.mentions
        self.attachments = message_raw.attachments
        self.reactions = message_raw.reactions or self.reactions
        self.references = message_raw.references or self.references
        self._raw = message_raw

    async def reply(
        self,
        content: Content,
        mentions: list[ApiMessageMention] | None = None,
        attachments: list[ApiMessageAttachment] | None = None,
        mention_everyone: bool | None = None,
        anonymous_message: bool | None = None,
        topic_id: int | None = None,
        code: int | None = None,
        *,
        files: Sequence[File] | None = None,
    ) -> ChannelMessageAck:
        """Answer this message, in its topic unless another is given.

        ```python
        await message.reply("an answer")
        await message.reply("with a file", files=["cat.png"])
        ```

        Args:
            content: A str, a ``Text``, a dict or a ``ChannelMessageContent``.
            mentions: Who is mentioned.
            attachments: Files that are already uploaded.
            mention_everyone: Whether all of the channel are mentioned.
            anonymous_message: Whether the sender is hidden.
            topic_id: Another topic.
            code: What kind of message.
            files: Files to upload and attach: paths, bytes, or pairs of a name and bytes.

        Raises:
            OSError: If a file cannot be read.
            MezonError: One of its kinds, if it cannot be sent.
        """
        require_content(content)
        message = OutgoingMessage(
            **place_of(self.channel),
            content=content,
            mentions=mentions,
            attachments=await upload_files(self.channel.clan.client, files, attachments, content, mentions),
            references=[await self.as_reference()],
            mention_everyone=mention_everyone,
            anonymous_message=anonymous_message,
            topic_id=topic_id or self.topic_id,
            code=code,
        )
        return await send_into(self.channel, message)

    async def as_reference(self) -> ApiMessageRef:
        """Give what a reply carries to say what it replies to."""
        from mezon.models.parts import ApiMessageRef

        name, avatar = await self._sender()
        return ApiMessageRef(
            message_ref_id=self.id,
            message_sender_id=self.sender_id,
            message_sender_username=name,
            message_sender_avatar=avatar,
            content=self.raw_content,
            has_attachment=True if self.attachments else None,
        )

    async def _sender(self) -> tuple[str, str]:
        """Name and picture of the sender: from the cache, else from the message, else from the server."""
        from mezon.managers.cache import CacheManager

        users = self.channel.clan.client.users
        if getattr(users.fetch, "__func__", None) is not CacheManager.fetch:
            # A fetch of the bot's own, or a mock of its tests: mezon-sdk always asks it.
            who: Any = await users.fetch(self.sender_id)
        else:
            who = users.get(self.sender_id)
        if who is None:
            who = self._raw
            if not who.username and self.sender_id != self.channel.clan.client_id:
                try:
                    who = await users.fetch(self.sender_id)
                except Exception as error:
                    # A reply without the name is better than none.
                    logger.warning("replying to user %s without a name: %s", self.sender_id, error)
        name = who.clan_nick or who.display_name or who.username or ""
        return name, who.clan_avatar or who.avatar or ""

    async def update(
        self,
        content: Content,
        mentions: list[ApiMessageMention] | None = None,
        attachments: list[ApiMessageAttachment] | None = None,
        *,
        hide_edited: bool = False,
    ) -> ChannelMessageAck:
        """Change the message, on the server and then here. Only the bot's own messages can be changed.

        ```python
        sent = await channel.send("working ...")
        mine = await channel.messages.fetch(sent.message_id)
        await mine.update("done")
        ```

        Args:
            content: A str, a ``Text``, a dict or a ``ChannelMessageContent``.
            mentions: Who is mentioned now.
            attachments: What is attached now.
            hide_edited: Do not show that it was edited.

        Raises:
            MezonError: One of its kinds, if the server does not take it.
        """
        require_content(content)
        ack = await self.socket_manager.update_chat_message(
            **place_of(self.channel),
            message_id=self.id,
            content=content,
            mentions=mentions,
            attachments=attachments,
            hide_editted=hide_edited,
            topic_id=self.topic_id,
            is_update_msg_topic=bool(self.topic_id),
            create_time_seconds=self.create_time_seconds,
        )
        self.content = encode_content(content) if isinstance(self.content, str) else received_content(content)
        now_mentioned = mentions_of(content, mentions)
        if now_mentioned is not None:
            self.mentions = list(now_mentioned)
        if attachments is not None:
            self.attachments = attachments
        return ack

    async def react(
        self, emoji_id: int, emoji: str, count: int = 1, id: int | None = 0, action_delete: bool = False
    ) -> Any:
        """React to the message.

        ```python
        await message.react(1, ":thumbsup:")
        ```

        Args:
            emoji_id: The emoji's id.
            emoji: The emoji's short name.
            count: How often.
            id: The id of an earlier reaction.
            action_delete: Take the reaction back.

        Raises:
            MezonError: One of its kinds, if the server does not take it.
        """
        return await self.socket_manager.write_message_reaction(
            **place_of(self.channel),
            id=id or 0,
            message_id=self.id,
            emoji_id=emoji_id,
            emoji=emoji,
            count=count,
            message_sender_id=self.sender_id,
            action_delete=action_delete,
        )

    async def delete(self) -> Any:
        """Delete the message, on the server and then from the channel's cache.

        ```python
        sent = await channel.send("never mind")
        mine = await channel.messages.fetch(sent.message_id)
        await mine.delete()
        ```

        Raises:
            MezonError: One of its kinds, if the server does not do it.
        """
        answer = await self.socket_manager.remove_chat_message(
            **place_of(self.channel), message_id=self.id, topic_id=self.topic_id
        )
        self.channel.messages.delete(self.id)
        return answer

    async def pin(self) -> None:
        """Pin the message in its channel.

        Raises:
            MezonError: One of its kinds, if the server refuses.
        """
        await self.channel.pin(self.id)

    async def unpin(self) -> None:
        """Unpin it. Raises as `pin`."""
        await self.channel.unpin(self.id)

    def __repr__(self) -> str:
        text = str(self.content)
        preview = f"{text[:50]}..." if len(text) > 50 else text
        return f"<Message id={self.id} sender={self.sender_id} content={preview!r}>"
