"""A channel, thread, DM or group, and what a bot does in it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any

from mezon.constants.enum import TypeMessage
from mezon.errors import InvalidArgumentError
from mezon.models._outgoing import OutgoingMessage, require_content
from mezon.structures._channel_members import ChannelMembers
from mezon.structures._files import upload_files
from mezon.structures._sending import place_of, send_into
from mezon.structures._typing import Typing
from mezon.text import Text, split_text
from mezon.utils.ids import required_id
from mezon.utils.renamed import renamed

if TYPE_CHECKING:
    from mezon.managers.socket import SocketManager
    from mezon.models import (
        ApiChannelDescription,
        ApiMessageAttachment,
        ApiMessageMention,
        ApiMessageRef,
        ChannelCreatedEvent,
        ChannelMessageAck,
        ChannelUpdatedEvent,
    )
    from mezon.models._lazy import ChannelPreview
    from mezon.models._outgoing import Content
    from mezon.ports import MessageStore
    from mezon.structures._files import File
    from mezon.structures._message_cache import MessageCache
    from mezon.structures.clan import Clan
    from mezon.structures.message import Message

    _Description = ApiChannelDescription | ChannelCreatedEvent | ChannelUpdatedEvent | ChannelPreview


class TextChannel(ChannelMembers):
    """A channel.

    Attributes:
        id: Its id.
        name: Its label.
        channel_type: A number of ``ChannelType``.
        is_private: Whether only its members see it.
        category_id: The category it stands in, 0 for none.
        category_name: That category's name.
        parent_id: The channel a thread belongs to, 0 for others.
        meeting_code: The room of a voice channel.
        clan: The clan it belongs to; DMs belong to the clan with the id 0.
    """

    #: How many messages ``messages`` keeps; ``clan.client`` may say otherwise with an attribute of this name.
    messages_per_channel: float = 200

    def __init__(
        self,
        init_channel_data: _Description,
        clan: Clan,
        socket_manager: SocketManager,
        message_db: MessageStore | None,
    ) -> None:
        self.id: int = init_channel_data.channel_id or 0
        self.name: str | None = None
        self.channel_type: int = 0
        self.is_private: bool = False
        self.category_id: int = 0
        self.category_name: str = ""
        self.parent_id: int = 0
        self.meeting_code: str = ""
        self.clan = clan
        self.socket_manager = socket_manager
        self.message_db = message_db
        self._messages: MessageCache | None = None
        self.update_from(init_channel_data)

    def update_from(self, description: _Description) -> None:
        """Take over a description of this channel, or an event about it. What it leaves open stays."""
        channel_type = getattr(description, "type", None) or getattr(description, "channel_type", None)
        self.channel_type = channel_type or self.channel_type or 0
        self.name = description.channel_label or self.name
        self.is_private = bool(description.channel_private)
        if description.category_id is not None:
            self.category_id = description.category_id
        if description.parent_id is not None:
            self.parent_id = description.parent_id
        self.category_name = getattr(description, "category_name", None) or self.category_name
        self.meeting_code = getattr(description, "meeting_code", None) or self.meeting_code

    @property
    def messages(self) -> MessageCache:
        """The last messages of the channel; ``fetch`` looks into the store too."""
        if self._messages is None:
            # Most channels never need one; and the managers' package may still be loading.
            from mezon.structures._message_cache import MessageCache

            size = getattr(self.clan.client, "messages_per_channel", self.messages_per_channel)
            self._messages = MessageCache(self, size)
        return self._messages

    async def message_fetcher(self, message_id: int) -> Message:
        """Fetch a message from the store.

        Raises:
            ValueError: If it is not there.
        """
        from mezon.structures.message import Message

        stored = None
        if self.message_db is not None:
            stored = await self.message_db.get_message_by_id(message_id, self.id)
        if stored is None:
            # The reference's words.
            raise InvalidArgumentError(f"Message {message_id} not found on channel {self.id}!")
        return Message(stored, self, self.socket_manager)

    async def send(
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
        """Send a message. It is in ``messages`` as soon as this returns.

        ```python
        sent = await channel.send("hello")
        await sent.update("hello again")
        await channel.send("two files", files=["cat.png", ("notes.txt", b"bytes")])
        ```

        Args:
            content: A str, a ``Text``, a dict or a ``ChannelMessageContent``.
            mentions: Who is mentioned.
            attachments: Files that are already uploaded.
            mention_everyone: Whether all of the channel are mentioned.
            anonymous_message: Whether the sender is hidden.
            topic_id: The topic it belongs to.
            code: What kind of message.
            files: Files to upload and attach: paths, bytes, or pairs of a name and bytes.

        Returns:
            The acknowledgement; it can ``update``, ``delete``, ``react`` to and ``reply`` to what was sent.

        Raises:
            OSError: If a file cannot be read.
            MezonError: One of its kinds, if it cannot be sent.
        """
        message = OutgoingMessage(
            **place_of(self),
            content=content,
            mentions=mentions,
            attachments=await upload_files(self.clan.client, files, attachments, content, mentions),
            mention_everyone=mention_everyone,
            anonymous_message=anonymous_message,
            topic_id=topic_id,
            code=code,
        )
        return await send_into(self, message)

    async def send_long(
        self, content: str | Text, *, topic_id: int | None = None, code: int | None = None
    ) -> list[ChannelMessageAck]:
        """Send a text that may be too long for one message, in as many as it takes, one after the other.

        It is cut as ``mezon.split_text`` and ``Text.split`` do. Nothing is sent for a text without anything
        in it.

        ```python
        await channel.send_long("a long story. " * 1000)
        ```

        Args:
            content: The text.
            topic_id: The topic the messages belong to.
            code: What kind of messages.

        Raises:
            MezonError: One of its kinds, if one of them cannot be sent; those before it are sent then.
        """
        if not isinstance(content, str | Text):
            raise InvalidArgumentError(f"send_long sends a str or a Text, not {type(content).__name__}")
        pieces = split_text(content, as_json=True) if isinstance(content, str) else content.split()
        return [await self.send(piece, topic_id=topic_id, code=code) for piece in pieces]

    @renamed("receiver_id", "receiver_ids")
    async def send_ephemeral(
        self,
        receiver_ids: Sequence[int | str] | int | str,
        content: Content,
        reference_message_id: int | str | None = None,
        mentions: list[ApiMessageMention] | None = None,
        attachments: list[ApiMessageAttachment] | None = None,
        mention_everyone: bool | None = None,
        anonymous_message: bool | None = None,
        topic_id: int | None = None,
        code: int = TypeMessage.EPHEMERAL,
    ) -> Any:
        """Send a message that only its receivers see.

        ```python
        await channel.send_ephemeral(user.id, "only you see this")
        ```

        Args:
            receiver_ids: Who sees it; ``receiver_id`` is an old name of it.
            content: A str, a ``Text``, a dict or a ``ChannelMessageContent``.
            reference_message_id: The message it replies to.
            mentions: Who is mentioned.
            attachments: Files that are already uploaded.
            mention_everyone: Whether all of the channel are mentioned.
            anonymous_message: Whether the sender is hidden.
            topic_id: The topic it belongs to.
            code: What kind of message.

        Raises:
            ValueError: If the message it replies to is neither in the cache nor in the store.
            MezonError: One of its kinds, if it cannot be sent.
        """
        require_content(content)
        references: list[ApiMessageRef] = []
        if reference_message_id:
            message = await self.messages.fetch(reference_message_id)
            references.append(await message.as_reference())
        receivers: Sequence[int | str] = (
            [receiver_ids] if isinstance(receiver_ids, int | str) else receiver_ids
        )
        return await self.socket_manager.write_ephemeral_message(
            receiver_ids=[required_id("receiver_ids", receiver) for receiver in receivers],
            **place_of(self),
            content=content,
            mentions=mentions,
            attachments=attachments,
            references=references,
            anonymous_message=anonymous_message,
            mention_everyone=mention_everyone,
            code=code,
            topic_id=topic_id,
        )

    async def update_ephemeral(
        self,
        receiver_ids: Sequence[int | str] | int | str,
        message_id: int | str,
        content: Content,
        mentions: list[ApiMessageMention] | None = None,
        attachments: list[ApiMessageAttachment] | None = None,
    ) -> Any:
        """Change a message that only its receivers see.

        Args:
            receiver_ids: Who sees it.
            message_id: The id that ``send_ephemeral`` gave.
            content: A str, a ``Text``, a dict or a ``ChannelMessageContent``.
            mentions: Who is mentioned now.
            attachments: What is attached now.

        Raises:
            MezonError: One of its kinds, if the server does not take it.
        """
        require_content(content)
        return await self._write_ephemeral(
            receiver_ids, message_id, content, mentions, attachments, TypeMessage.UPDATE_EPHEMERAL_MSG
        )

    async def delete_ephemeral(
        self, receiver_ids: Sequence[int | str] | int | str, message_id: int | str
    ) -> Any:
        """Take away a message that only its receivers see.

        Args:
            receiver_ids: Who sees it.
            message_id: The id that ``send_ephemeral`` gave.

        Raises:
            MezonError: One of its kinds, if the server does not do it.
        """
        return await self._write_ephemeral(
            receiver_ids, message_id, {}, None, None, TypeMessage.DELETE_EPHEMERAL_MSG
        )

    async def _write_ephemeral(
        self,
        receiver_ids: Sequence[int | str] | int | str,
        message_id: int | str,
        content: Content,
        mentions: list[ApiMessageMention] | None,
        attachments: list[ApiMessageAttachment] | None,
        code: int,
    ) -> Any:
        receivers = [receiver_ids] if isinstance(receiver_ids, int | str) else receiver_ids
        return await self.socket_manager.write_ephemeral_message(
            receiver_ids=[int(receiver) for receiver in receivers],
            **place_of(self),
            content=content,
            mentions=mentions,
            attachments=attachments,
            code=code,
            message_id=int(message_id),
        )

    def typing(self) -> Typing:
        """Show the bot as typing until the block ends: ``async with channel.typing(): ...``.

        ```python
        async with channel.typing():
            await channel.send("that took a while")
        ```
        """
        return Typing(self)

    async def play_media(
        self, url: str, participant_identity: str = "", participant_name: str = "", name: str = ""
    ) -> Any:
        """Play a sound or video in the voice room of this channel.

        Args:
            url: Where the file is.
            participant_identity: Who plays it, by id; the bot unless given.
            participant_name: The name that is shown for that.
            name: The title that is shown.

        Raises:
            ValueError: If the channel has no voice room.
        """
        if not self.meeting_code:
            raise InvalidArgumentError(f"channel {self.id} has no voice room to play media in")
        clan = self.clan
        body = {
            "room_name": self.meeting_code,
            "participant_identity": participant_identity or str(clan.client_id),
            "participant_name": participant_name,
            "url": url,
            "name": name,
        }
        return await clan.api_client.play_media(clan.current_token, body)

    async def history(
        self,
        limit: int | None = 100,
        before: int | str | None = None,
        after: int | str | None = None,
    ) -> AsyncIterator[Message]:
        """Fetch the channel's messages, the newest first, each once: from the store, then from the server.

        ```python
        async for old in channel.history(limit=50):
            print(old.id, old.content.get("t"))
        ```

        Args:
            limit: How many at most; None for all there are.
            before: Only messages older than the one with this id.
            after: Only messages newer than the one with this id.

        Raises:
            InvalidArgumentError: If ``before`` or ``after`` is no id.
            ApiError: If the server refuses.
        """
        from mezon.messages.history import history
        from mezon.structures.message import Message

        async for message in history(self.clan.client, self, limit, before, after):
            yield Message(message, self, self.socket_manager)

    def __repr__(self) -> str:
        return f"<TextChannel id={self.id} name={self.name} type={self.channel_type}>"
