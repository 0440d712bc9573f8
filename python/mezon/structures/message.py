"""Messages: a message of a channel, and a handle that has only the ids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Self, Unpack

from mezon.constants.enum import TypeMessage
from mezon.errors import InvalidArgumentError
from mezon.managers.cache import CacheManager
from mezon.models._origin import RECEIVERS, set_origin
from mezon.models._outgoing import (
    OutgoingMessage,
    encode_content,
    mentions_of,
    received_content,
    require_content,
)
from mezon.models.message import ChannelMessage, text_of
from mezon.models.parts import ApiMessageRef
from mezon.structures._sending import channel_fields, send_into, upload_files
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mezon.managers.socket import SocketManager
    from mezon.models import (
        ApiMessageAttachment,
        ApiMessageMention,
        ApiMessageReaction,
        ChannelMessageAck,
    )
    from mezon.models._outgoing import Content, EditOptions, File, ReactOptions, SendOptions
    from mezon.structures._owner import Owner
    from mezon.structures.text_channel import TextChannel

logger: Final = get_logger("mezon.client")


class Message:
    """A message.

    Attributes:
        id: The id.
        sender_id: The id of the author.
        content: The content as a dict (as JSON text with ``content_as_json``).
        mentions: The mentions.
        attachments: The attachments.
        reactions: The reactions at the time the message was received.
        references: The messages it replies to.
        topic_id: The id of the topic, 0 for none.
        create_time_seconds: UNIX time.
        channel: The channel.
    """

    def __init__(
        self, message_raw: ChannelMessage, channel: TextChannel, socket_manager: SocketManager
    ) -> None:
        self.id: int = message_raw.message_id
        self.sender_id: int = message_raw.sender_id
        self.content: Any = message_raw.content
        self.mentions: list[ApiMessageMention] = message_raw.mentions
        self.attachments: list[ApiMessageAttachment] = message_raw.attachments
        set_origin(self.attachments, getattr(socket_manager, "origin", None))
        self.reactions: list[ApiMessageReaction] = message_raw.reactions
        self.references: list[ApiMessageRef] = message_raw.references
        self.topic_id: int | None = message_raw.topic_id
        self.create_time_seconds: int | None = message_raw.create_time_seconds
        self.channel = channel
        self.socket_manager = socket_manager
        self._raw = message_raw

    @property
    def text(self) -> str:
        """The text of the message, ``""`` if it has none; also with ``content_as_json=True``."""
        return text_of(self.content)

    @property
    def raw_content(self) -> str:
        """The content as text, also if it is not a JSON object."""
        if self.content is self._raw.content:
            return self._raw.raw_content
        return self.content if isinstance(self.content, str) else encode_content(self.content)

    def update_from(self, message_raw: ChannelMessage) -> None:
        """Update the message from an edit of the server; reactions and references stay if the edit has none."""
        self.content = message_raw.content
        self.mentions = message_raw.mentions
        self.attachments = message_raw.attachments
        set_origin(self.attachments, getattr(self.socket_manager, "origin", None))
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
        """Reply to the message, in its topic by default; the parameters are those of ``TextChannel.send``.

        ```python
        await message.reply("an answer")
        await message.reply("with a file", files=["cat.png"])
        ```

        Args:
            content: A str, a ``Text``, a dict or a ``ChannelMessageContent``.
            mentions: The mentions.
            attachments: Files that are already uploaded.
            mention_everyone: Mention all members of the channel.
            anonymous_message: Hide the sender.
            topic_id: Another topic.
            code: The code of the message.
            files: Files to upload and attach: paths, bytes, or pairs of a name and bytes.

        Raises:
            OSError: If a file cannot be read.
            MezonError: If the message cannot be sent.
        """
        require_content(content)
        message = OutgoingMessage(
            **channel_fields(self.channel),
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
        """Return the reference to this message for a reply."""
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
        """Return name and avatar of the sender, from the cache, the message or the server, in this order."""
        users = self.channel.clan.client.users
        if getattr(users.fetch, "__func__", None) is not CacheManager.fetch:
            # The bot has replaced `fetch`, or a test mocks it: mezon-sdk always calls it.
            who: Any = await users.fetch(self.sender_id)
        else:
            who = users.get(self.sender_id)
        if who is None:
            who = self._raw
            if not who.username and self.sender_id != self.channel.clan.client_id:
                try:
                    who = await users.fetch(self.sender_id)
                except Exception as error:
                    # A reply without the name is better than no reply.
                    logger.warning("Replying to user %s without a name: %s", self.sender_id, error)
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
        """Edit the message, which must be the bot's own.

        ```python
        sent = await channel.send("working ...")
        mine = await channel.messages.fetch(sent.message_id)
        await mine.update("done")
        ```

        Args:
            content: As for ``TextChannel.send``.
            mentions: The new mentions.
            attachments: The new attachments.
            hide_edited: Do not mark the message as edited.

        Raises:
            MezonError: If the server refuses the edit.
        """
        require_content(content)
        ack = await self.socket_manager.update_chat_message(
            **channel_fields(self.channel),
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
        new_mentions = mentions_of(content, mentions)
        if new_mentions is not None:
            self.mentions = list(new_mentions)
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
            emoji_id: The id of the emoji.
            emoji: The short name of the emoji.
            count: The number of reactions.
            id: The id of an existing reaction.
            action_delete: Remove the reaction.

        Raises:
            MezonError: If the server refuses the reaction.
        """
        return await self.socket_manager.write_message_reaction(
            **channel_fields(self.channel),
            id=id or 0,
            message_id=self.id,
            emoji_id=emoji_id,
            emoji=emoji,
            count=count,
            message_sender_id=self.sender_id,
            action_delete=action_delete,
        )

    async def delete(self) -> Any:
        """Delete the message on the server and from the channel's cache.

        ```python
        sent = await channel.send("never mind")
        mine = await channel.messages.fetch(sent.message_id)
        await mine.delete()
        ```

        Raises:
            MezonError: If the server refuses.
        """
        answer = await self.socket_manager.remove_chat_message(
            **channel_fields(self.channel), message_id=self.id, topic_id=self.topic_id
        )
        self.channel.messages.delete(self.id)
        return answer

    async def pin(self) -> None:
        """Pin the message in its channel.

        Raises:
            MezonError: If the server refuses.
        """
        await self.channel.pin(self.id)

    async def unpin(self) -> None:
        """Unpin the message. Raises as `pin`."""
        await self.channel.unpin(self.id)

    def __repr__(self) -> str:
        text = str(self.content)
        preview = f"{text[:50]}..." if len(text) > 50 else text
        return f"<Message id={self.id} sender={self.sender_id} content={preview!r}>"


class MessageHandle:
    """A message that may not be cached. Each method looks up the channel, or fetches it.

    Attributes:
        id: The id.
        channel_id: The id of the channel.
        sender_id: The id of the author.
    """

    __slots__ = ("_ack", "_client", "_receivers", "channel_id", "id", "sender_id")

    def __init__(self, client: Owner, channel_id: int, message_id: int, sender_id: int) -> None:
        self._client = client
        self.channel_id: int = int(channel_id)
        self.id: int = int(message_id)
        self.sender_id: int = int(sender_id)
        self._ack: ChannelMessageAck | None = None
        self._receivers: Sequence[int] = ()

    @classmethod
    def of_ack(cls, client: Owner, ack: ChannelMessageAck) -> Self:
        """Create the handle of an acknowledged message."""
        handle = cls(client, ack.channel_id or 0, ack.message_id or 0, client.client_id)
        handle._ack = ack
        handle._receivers = ack.__dict__.get(RECEIVERS, ())
        return handle

    async def channel(self) -> TextChannel:
        """Return the channel.

        Raises:
            InvalidArgumentError: If the channel does not exist or the bot cannot see it (a ValueError).
        """
        from mezon.structures._owner import channel_of_message

        if self._ack is not None:
            return channel_of_message(self._client, self._ack)
        return await self._client.channels.fetch(self.channel_id)

    async def fetch(self) -> Message:
        """Return the message with its content.

        Raises:
            ValueError: If it is neither in the cache nor in the store.
        """
        return await (await self.channel()).messages.fetch(self.id)

    async def _message(self) -> Message:
        """Return the message, without content if it is unknown: some operations need only the ids."""
        channel = await self.channel()
        try:
            return await channel.messages.fetch(self.id)
        except InvalidArgumentError:
            bare = ChannelMessage(
                message_id=self.id, clan_id=channel.clan.id, channel_id=channel.id, sender_id=self.sender_id
            )
            return Message(bare, channel, channel.socket_manager)

    async def reply(self, content: Content, **options: Unpack[SendOptions]) -> ChannelMessageAck:
        """Reply to the message; the options are those of ``Message.reply``."""
        return await (await self._message()).reply(content, **options)

    async def update(self, content: Content, **options: Unpack[EditOptions]) -> ChannelMessageAck:
        """Edit the message, which must be the bot's own; the options are those of ``Message.update``."""
        if self._is_ephemeral:
            channel = await self.channel()
            ack: ChannelMessageAck = await channel.update_ephemeral(
                self._receivers, self.id, content, options.get("mentions"), options.get("attachments")
            )
            return ack
        return await (await self._message()).update(content, **options)

    async def delete(self) -> Any:
        """Delete the message."""
        if self._is_ephemeral:
            return await (await self.channel()).delete_ephemeral(self._receivers, self.id)
        return await (await self._message()).delete()

    async def react(self, emoji_id: int, emoji: str, count: int = 1, **options: Unpack[ReactOptions]) -> Any:
        """React to the message; the options are those of ``Message.react``."""
        return await (await self._message()).react(emoji_id, emoji, count, **options)

    @property
    def _is_ephemeral(self) -> bool:
        return self._ack is not None and self._ack.code == TypeMessage.EPHEMERAL and bool(self._receivers)

    def __repr__(self) -> str:
        return f"<MessageHandle id={self.id} channel={self.channel_id}>"
