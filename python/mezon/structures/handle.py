"""A message by its ids: what a click names, and what was sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from mezon.constants.enum import TypeMessage
from mezon.errors import InvalidArgumentError
from mezon.models._origin import RECEIVERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mezon.models import ChannelMessageAck
    from mezon.models._outgoing import Content
    from mezon.structures._owner import Owner
    from mezon.structures.message import Message
    from mezon.structures.text_channel import TextChannel


class MessageHandle:
    """A message that need not be here: its channel is found, or asked for, when something is done with it.

    Attributes:
        id: Its id.
        channel_id: Where it is.
        sender_id: Who wrote it.
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
        """Make the handle of the message that an acknowledgement is for."""
        handle = cls(client, ack.channel_id or 0, ack.message_id or 0, client.client_id)
        handle._ack = ack
        handle._receivers = ack.__dict__.get(RECEIVERS, ())
        return handle

    async def channel(self) -> TextChannel:
        """Find where it is.

        Raises:
            InvalidArgumentError: If there is no such channel, or the bot may not see it (a ValueError).
        """
        from mezon.structures._found import channel_of_message

        if self._ack is not None:
            return channel_of_message(self._client, self._ack)
        return await self._client.channels.fetch(self.channel_id)

    async def fetch(self) -> Message:
        """Fetch the message with what it says.

        Raises:
            ValueError: If it is neither in memory nor in the store.
        """
        return await (await self.channel()).messages.fetch(self.id)

    async def _message(self) -> Message:
        """Find the message as far as it is known: for what needs its ids alone."""
        from mezon.models.message import ChannelMessage
        from mezon.structures.message import Message

        channel = await self.channel()
        try:
            return await channel.messages.fetch(self.id)
        except InvalidArgumentError:
            bare = ChannelMessage(
                message_id=self.id, clan_id=channel.clan.id, channel_id=channel.id, sender_id=self.sender_id
            )
            return Message(bare, channel, channel.socket_manager)

    async def reply(self, content: Content, **options: Any) -> ChannelMessageAck:
        """Answer it; the options are those of ``Message.reply``."""
        return await (await self._message()).reply(content, **options)

    async def update(self, content: Content, **options: Any) -> ChannelMessageAck:
        """Change it; the options are those of ``Message.update``. Only the bot's own messages can be changed."""
        if self._is_ephemeral:
            channel = await self.channel()
            ack: ChannelMessageAck = await channel.update_ephemeral(
                self._receivers, self.id, content, **options
            )
            return ack
        return await (await self._message()).update(content, **options)

    async def delete(self) -> Any:
        """Delete it."""
        if self._is_ephemeral:
            return await (await self.channel()).delete_ephemeral(self._receivers, self.id)
        return await (await self._message()).delete()

    async def react(self, emoji_id: int, emoji: str, count: int = 1, **options: Any) -> Any:
        """React to it; the options are those of ``Message.react``."""
        return await (await self._message()).react(emoji_id, emoji, count, **options)

    @property
    def _is_ephemeral(self) -> bool:
        return self._ack is not None and self._ack.code == TypeMessage.EPHEMERAL and bool(self._receivers)

    def __repr__(self) -> str:
        return f"<MessageHandle id={self.id} channel={self.channel_id}>"
