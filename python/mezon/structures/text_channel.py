"""A channel, thread, DM or group: sending, history, members, pins and search."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any, Final, Self

from mezon.constants.enum import TypeMessage
from mezon.errors import InvalidArgumentError, MezonError
from mezon.messages.history import history
from mezon.models._outgoing import OutgoingMessage, require_content
from mezon.structures._sending import channel_fields, send_into, upload_files
from mezon.structures.member import Member
from mezon.structures.message import Message
from mezon.structures.paging import Pages, call_rpc, search
from mezon.text import Text, split_text
from mezon.utils.helper import convert_channeltype_to_channel_mode
from mezon.utils.ids import required_id
from mezon.utils.logger import get_logger
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
    from mezon.models._outgoing import Content, File
    from mezon.ports import MessageStore
    from mezon.protobuf.api import api_pb2
    from mezon.structures._message_cache import MessageCache
    from mezon.structures.clan import Clan

    _Description = ApiChannelDescription | ChannelCreatedEvent | ChannelUpdatedEvent | ChannelPreview


logger: Final = get_logger("mezon.client")

_MEMBERS_PAGE = 100
_SEARCH_RESULTS = 50

#: Seconds between two typing events: apps show a user as typing for a few seconds.
_TYPING_INTERVAL: Final = 4.0


class TextChannel:
    """A channel.

    Attributes:
        id: The id.
        name: The label.
        channel_type: A number of ``ChannelType``.
        is_private: Whether only members see the channel.
        category_id: The id of the category, 0 for none.
        category_name: The name of the category.
        parent_id: The id of a thread's channel, 0 for other channels.
        meeting_code: The room of a voice channel.
        clan: The clan; DMs belong to the clan with the id 0.
    """

    #: The size of ``messages``; an attribute of ``clan.client`` with this name takes precedence.
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
        """Update the channel from a description or an event; unset fields keep their values."""
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
            # Imported late, because most channels need no cache and its module imports the managers.
            from mezon.structures._message_cache import MessageCache

            size = getattr(self.clan.client, "messages_per_channel", self.messages_per_channel)
            self._messages = MessageCache(self, size)
        return self._messages

    async def message_fetcher(self, message_id: int) -> Message:
        """Read a message from the store.

        Raises:
            ValueError: If the store does not have it.
        """
        stored = None
        if self.message_db is not None:
            stored = await self.message_db.get_message_by_id(message_id, self.id)
        if stored is None:
            # The message of mezon-sdk.
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
        """Send a message and add it to ``messages``.

        ```python
        sent = await channel.send("hello")
        await sent.update("hello again")
        await channel.send("two files", files=["cat.png", ("notes.txt", b"bytes")])
        ```

        Args:
            content: A str, a ``Text``, a dict or a ``ChannelMessageContent``.
            mentions: The mentions.
            attachments: Files that are already uploaded.
            mention_everyone: Mention all members of the channel.
            anonymous_message: Hide the sender.
            topic_id: The id of the topic.
            code: The code of the message.
            files: Files to upload and attach: paths, bytes, or pairs of a name and bytes.

        Returns:
            The acknowledgement, with the methods ``update``, ``delete``, ``react`` and ``reply``.

        Raises:
            OSError: If a file cannot be read.
            MezonError: If the message cannot be sent.
        """
        message = OutgoingMessage(
            **channel_fields(self),
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
        """Send a text of any length, in as many messages as needed, one after the other.

        The text is split by ``mezon.split_text`` or ``Text.split``. Nothing is sent for a blank text.

        ```python
        await channel.send_long("a long story. " * 1000)
        ```

        Args:
            content: The text.
            topic_id: The id of the topic.
            code: The code of the messages.

        Raises:
            MezonError: If a message cannot be sent; the messages before it have been sent.
        """
        if not isinstance(content, str | Text):
            raise InvalidArgumentError(f"send_long takes a str or a Text, not {type(content).__name__}")
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
            receiver_ids: The receivers. ``receiver_id`` is the former name.
            content: As for ``send``, which describes the other parameters as well.
            reference_message_id: The id of the message to reply to.

        Raises:
            ValueError: If the message to reply to is neither in the cache nor in the store.
            MezonError: If the message cannot be sent.
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
            **channel_fields(self),
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
        """Edit a message that only its receivers see.

        Args:
            receiver_ids: The receivers.
            message_id: The id in the acknowledgement of ``send_ephemeral``.
            content: A str, a ``Text``, a dict or a ``ChannelMessageContent``.
            mentions: The new mentions.
            attachments: The new attachments.

        Raises:
            MezonError: If the server refuses the edit.
        """
        require_content(content)
        return await self._write_ephemeral(
            receiver_ids, message_id, content, mentions, attachments, TypeMessage.UPDATE_EPHEMERAL_MSG
        )

    async def delete_ephemeral(
        self, receiver_ids: Sequence[int | str] | int | str, message_id: int | str
    ) -> Any:
        """Delete a message that only its receivers see.

        Args:
            receiver_ids: The receivers.
            message_id: The id in the acknowledgement of ``send_ephemeral``.

        Raises:
            MezonError: If the server refuses.
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
            **channel_fields(self),
            content=content,
            mentions=mentions,
            attachments=attachments,
            code=code,
            message_id=int(message_id),
        )

    def typing(self) -> Typing:
        """Show the bot as typing until the block ends.

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
            url: The URL of the file.
            participant_identity: The id of the participant who plays it; the bot by default.
            participant_name: The name to show for the participant.
            name: The title to show.

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
        """Yield the messages of the channel, newest first and without duplicates: from the store, then from the server.

        ```python
        async for old in channel.history(limit=50):
            print(old.id, old.text)
        ```

        Args:
            limit: The maximum number; None for all.
            before: Only messages older than the message with this id.
            after: Only messages newer than the message with this id.

        Raises:
            InvalidArgumentError: If ``before`` or ``after`` is not an id.
            ApiError: If the server refuses.
        """
        async for message in history(self.clan.client, self, limit, before, after):
            yield Message(message, self, self.socket_manager)

    # ---- members, pins and search

    def members(self, limit: int | None = None) -> Pages[Member]:
        """Return the members of the channel: ``await channel.members()``, or ``async for member in channel.members()``.

        The server returns pages of 100 members without names; the names of cached users are added.

        Args:
            limit: The maximum number; None for all.
        """

        async def fetch(cursor: str) -> tuple[list[Member], str]:
            request = {
                "clan_id": self.clan.id,
                "channel_id": self.id,
                "channel_type": self.channel_type,
                "limit": _MEMBERS_PAGE if limit is None else min(limit, _MEMBERS_PAGE),
                "cursor": cursor,
            }
            answer = await call_rpc(self.clan, "ListChannelUsers", request)
            return [Member.of_channel(self.clan, entry) for entry in answer.channel_users], answer.cursor

        return Pages(fetch, limit)

    async def pins(self) -> list[api_pb2.PinMessage]:
        """Return the pinned messages: ``message_id``, ``sender_id``, ``content`` as JSON text.

        Raises:
            MezonError: If the server refuses.
        """
        request = {"channel_id": self.id, "clan_id": self.clan.id}
        return list((await call_rpc(self.clan, "GetPinMessagesList", request)).pin_messages_list)

    async def pin(self, message_id: int | str) -> None:
        """Pin a message; ``message.pin()`` is shorter. Raises as `pins`."""
        request = {"message_id": message_id, "channel_id": self.id, "clan_id": self.clan.id}
        await call_rpc(self.clan, "CreatePinMessage", request)

    async def unpin(self, message_id: int | str) -> None:
        """Unpin a message; ``message.unpin()`` is shorter. Raises as `pins`."""
        request = {"message_id": message_id, "channel_id": self.id, "clan_id": self.clan.id}
        await call_rpc(self.clan, "DeletePinMessage", request)

    def search(self, text: str, limit: int | None = _SEARCH_RESULTS) -> Pages[api_pb2.SearchMessageDocument]:
        """Search the messages of the channel with the server's search.

        ``client.message_db.search_messages`` searches the bot's own store, without a call.

        Args:
            text: The text to search for.
            limit: The maximum number; None for all.
        """
        return search(self.clan, text, limit, self.id)

    def __repr__(self) -> str:
        return f"<TextChannel id={self.id} name={self.name} type={self.channel_type}>"


class Typing:
    """Shows the bot as typing until the block ends: ``async with channel.typing(): ...``.

    A typing event that cannot be sent is logged and skipped.
    """

    def __init__(self, channel: TextChannel) -> None:
        self._channel = channel
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._repeat(), name=f"mezon typing in {self._channel.id}")
        return self

    async def __aexit__(self, *error: object) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def _repeat(self) -> None:
        channel = self._channel
        while True:
            try:
                await channel.socket_manager.get_socket().write_message_typing(
                    channel.clan.id,
                    channel.id,
                    convert_channeltype_to_channel_mode(channel.channel_type),
                    not channel.is_private,
                )
            except MezonError as error:
                logger.debug("The typing event of channel %s was not sent: %s", channel.id, error)
            await asyncio.sleep(_TYPING_INTERVAL)
