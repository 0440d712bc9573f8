"""The DM channels of the bot, by user."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mezon.constants import ChannelType
from mezon.errors import InvalidArgumentError, MezonError, NotLoggedInError
from mezon.models import ApiCreateChannelDescRequest
from mezon.models.message import UserInitData
from mezon.utils.ids import as_id
from mezon.utils.single_flight import SingleFlight

if TYPE_CHECKING:
    from mezon.api.mezon_api import MezonApi
    from mezon.managers.session import SessionManager
    from mezon.managers.socket import SocketManager
    from mezon.models import ApiChannelDescription

__all__ = ["ChannelManager"]


class ChannelManager:
    """Lists and opens DM channels.

    Attributes:
        all_dm_channels: The id of the DM channel by user id; None until listed.
    """

    def __init__(
        self, api_client: MezonApi, socket_manager: SocketManager, session_manager: SessionManager
    ) -> None:
        self.api_client = api_client
        self.socket_manager = socket_manager
        self.session_manager = session_manager
        self.all_dm_channels: dict[int, int] | None = None
        #: The users of the listed DM channels.
        self.dm_users: dict[int, UserInitData] = {}
        self._opening: SingleFlight[int, ApiChannelDescription] = SingleFlight()

    async def init_all_dm_channels(self, session_token: str) -> dict[int, int] | None:
        """List the DM channels of the bot. Without a token, do nothing.

        Returns:
            The channel id by user id; the previous value if there is no token.

        Raises:
            ApiError, MezonTimeoutError, MezonConnectionError: See `MezonApi`. The previous value is kept.
        """
        if not session_token:
            return self.all_dm_channels
        answer = await self.api_client.list_channel_descs(
            token=session_token,
            channel_type=ChannelType.CHANNEL_TYPE_DM,
            # During a login this is the second call, which would wait for the rate limit.
            options={"soon": True},
        )
        own_id = getattr(self.api_client, "client_id", None)
        found: dict[int, int] = {}
        users: dict[int, UserInitData] = {}
        for channel in answer.channeldesc or ():
            if channel.type != ChannelType.CHANNEL_TYPE_DM or not channel.channel_id:
                continue
            # The members of a DM channel may include the bot.
            others = [user_id for user_id in channel.user_ids or () if user_id != own_id]
            if others:
                found[others[0]] = channel.channel_id
                users[others[0]] = UserInitData.from_channel(channel, others[0])
        self.all_dm_channels, self.dm_users = found, users
        return found

    def get_all_dm_channels(self) -> dict[int, int] | None:
        """Return the id of the DM channel by user id; None until listed."""
        return self.all_dm_channels

    async def create_dm_channel(self, user_id: int | str) -> ApiChannelDescription:
        """Open the DM channel with a user and join it. An existing channel is reused.

        Concurrent calls for the same user share one request.

        Args:
            user_id: An int or a string of digits.

        Raises:
            InvalidArgumentError: If ``user_id`` is not a user id (a ValueError).
            NotLoggedInError: If there is no session yet.
            MezonError: If the server returns no channel.
            ApiError, MezonTimeoutError, MezonConnectionError: See `MezonApi`.
        """
        number = as_id("user_id", user_id)
        if not number:
            raise InvalidArgumentError("user_id must name a user, it is 0 or empty")
        return await self._opening.run(number, lambda: self._open(number))

    async def _open(self, user_id: int) -> ApiChannelDescription:
        session = self.session_manager.get_session()
        if session is None:
            raise NotLoggedInError(f"no session to open a DM with user {user_id}: await client.login() first")
        channel = await self.api_client.create_channel_desc(
            token=session.token,
            request=ApiCreateChannelDescRequest(
                clan_id=0,
                channel_id=0,
                category_id=0,
                type=ChannelType.CHANNEL_TYPE_DM,
                user_ids=[user_id],
                channel_private=1,
            ),
        )
        if not channel.channel_id:
            raise MezonError(f"the server gave no DM with user {user_id}; check that this user exists")
        await self.socket_manager.get_socket().join_chat(
            clan_id=channel.clan_id or 0,
            channel_id=channel.channel_id,
            # The server may omit the type.
            channel_type=channel.type or ChannelType.CHANNEL_TYPE_DM,
            is_public=False,
        )
        if self.all_dm_channels is None:
            self.all_dm_channels = {}
        self.all_dm_channels[user_id] = channel.channel_id
        return channel
