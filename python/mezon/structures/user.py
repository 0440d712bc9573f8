"""A user, and the way to talk to them alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mezon.constants.enum import ChannelStreamMode, TypeMessage
from mezon.errors import MezonError
from mezon.models._outgoing import require_content
from mezon.structures._files import upload_files

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mezon.managers.channel import ChannelManager
    from mezon.managers.socket import SocketManager
    from mezon.models import ApiChannelDescription, ApiMessageAttachment, ChannelMessageAck, UserInitData
    from mezon.models._lazy import SenderPreview
    from mezon.models._outgoing import Content
    from mezon.structures._files import File

_NAMES = ("username", "clan_nick", "clan_avatar", "avatar", "display_name", "dm_channel_id")


class User:
    """A user the bot has met.

    Attributes:
        id: The user's id.
        username: The unique name.
        display_name: The name shown outside clans.
        clan_nick: The name shown in the clan where the bot met them last.
        avatar: URL of the picture.
        clan_avatar: URL of the picture in that clan.
        dm_channel_id: The channel of their direct messages with the bot, 0 if there is none yet.
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
        """The name to call them by: in the clan, else outside, else the unique one."""
        return self.clan_nick or self.display_name or self.username

    def merge(self, data: Any) -> None:
        """Take over what ``data`` knows: its fields of the same names that are not empty.

        ``data`` may be a ``UserInitData``, a ``User``, a message or any event with such fields.
        """
        # A model that lacks a name answers `getattr` by way of Python and an exception, so its values are asked.
        values = data.__dict__ if hasattr(type(data), "model_fields") else None
        for name in _NAMES:
            value = getattr(data, name, None) if values is None else values.get(name)
            if value:
                setattr(self, name, value)

    async def create_dm_channel(self) -> ApiChannelDescription:
        """Open the channel for direct messages; an open one is found again.

        Raises:
            MezonError: If the server gives none.
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
            content: A str, a ``Text``, a dict or a ``ChannelMessageContent``.
            code: What kind of message.
            attachments: Files that are already uploaded.
            files: Files to upload and attach: paths, bytes, or pairs of a name and bytes.

        Raises:
            OSError: If a file cannot be read.
            MezonError: One of its kinds, if it cannot be sent.
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
