"""A user, and direct messages to the user."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mezon.constants.enum import ChannelStreamMode, TypeMessage
from mezon.errors import MezonError
from mezon.models._outgoing import require_content
from mezon.structures._sending import upload_files

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mezon.managers.channel import ChannelManager
    from mezon.managers.socket import SocketManager
    from mezon.models import ApiChannelDescription, ApiMessageAttachment, ChannelMessageAck, UserInitData
    from mezon.models._lazy import SenderPreview
    from mezon.models._outgoing import Content, File

_NAMES = ("username", "clan_nick", "clan_avatar", "avatar", "display_name", "dm_channel_id")


class User:
    """A user known to the client.

    Attributes:
        id: The id.
        username: The unique name.
        display_name: The name shown outside clans.
        clan_nick: The nickname in the clan of the user's latest message.
        avatar: The URL of the avatar.
        clan_avatar: The URL of the avatar in that clan.
        dm_channel_id: The id of the DM channel with the bot, 0 if there is none yet.
    """

    id: int
    username: str
    display_name: str
    clan_nick: str
    avatar: str
    clan_avatar: str
    dm_channel_id: int

    def __init__(
        self,
        user_init_data: UserInitData | SenderPreview,
        socket_manager: SocketManager,
        channel_manager: ChannelManager,
    ) -> None:
        self.id = user_init_data.id
        self.avatar = user_init_data.avatar
        self.dm_channel_id = user_init_data.dm_channel_id
        self.username = user_init_data.username
        self.clan_nick = user_init_data.clan_nick
        self.clan_avatar = user_init_data.clan_avatar
        self.display_name = user_init_data.display_name
        self.channel_manager = channel_manager
        self.socket_manager = socket_manager

    @property
    def shown_name(self) -> str:
        """The name to show: the nickname in the clan, otherwise the display name, otherwise the unique name."""
        return self.clan_nick or self.display_name or self.username

    def merge(self, data: Any) -> None:
        """Update the user from the non-empty fields of ``data`` with the same names.

        ``data`` can be a ``UserInitData``, a ``User``, a message or an event with such fields.
        """
        # Read from the dict of a model: `getattr` for a name that it lacks raises and catches an exception.
        values = data.__dict__ if hasattr(type(data), "model_fields") else None
        for name in _NAMES:
            value = getattr(data, name, None) if values is None else values.get(name)
            if value:
                setattr(self, name, value)

    async def create_dm_channel(self) -> ApiChannelDescription:
        """Open the DM channel, or return the existing one.

        Raises:
            MezonError: If the server returns no channel.
        """
        channel = await self.channel_manager.create_dm_channel(self.id)
        if channel is None or not channel.channel_id:
            raise MezonError(f"the server opened no direct message channel with user {self.id}")
        self.dm_channel_id = channel.channel_id
        return channel

    async def send_dm_message(
        self,
        content: Content,
        code: int = TypeMessage.CHAT,
        attachments: list[ApiMessageAttachment] | None = None,
        *,
        files: Sequence[File] | None = None,
    ) -> ChannelMessageAck:
        """Send a direct message, opening the channel first if needed.

        ```python
        await user.send_dm_message("in private")
        ```

        Args:
            content: As for ``TextChannel.send``, which describes the other parameters as well.

        Raises:
            OSError: If a file cannot be read.
            MezonError: If the message cannot be sent.
        """
        require_content(content)
        if files:
            attachments = await upload_files(self.socket_manager.mezon_client, files, attachments, content)
        if not self.dm_channel_id:
            await self.create_dm_channel()
        return await self.socket_manager.write_chat_message(
            clan_id=0,
            channel_id=self.dm_channel_id,
            mode=ChannelStreamMode.STREAM_MODE_DM,
            is_public=False,
            content=content,
            code=code,
            attachments=attachments,
        )

    def __repr__(self) -> str:
        return f"<User id={self.id} username={self.username} display_name={self.display_name}>"
