"""A clan with its channels and roles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mezon.constants.enum import ChannelType
from mezon.errors import InvalidArgumentError
from mezon.structures._clan_members import ClanMembers
from mezon.structures.text_channel import TextChannel
from mezon.utils.ids import required_id
from mezon.utils.single_flight import SingleFlight

if TYPE_CHECKING:
    from mezon.api.mezon_api import MezonApi
    from mezon.managers.cache import CacheManager
    from mezon.managers.socket import SocketManager
    from mezon.models import ApiClanDesc, ApiRoleListEventResponse, ApiVoiceChannelUserList, ClanUpdatedEvent
    from mezon.ports import MessageStore
    from mezon.structures._owner import Owner
    from mezon.structures.user import User

_MAX_VOICE_USERS = 500


class Clan(ClanMembers):
    """A clan. The clan with the id 0 stands for direct messages.

    Attributes:
        id: Its id.
        name: Its name.
        welcome_channel_id: The channel newcomers see first.
        client: The client it belongs to.
        client_id: The bot's id.
        channels: Its channels that are known; ``fetch`` gets others from the server.
    """

    def __init__(
        self,
        clan_id: int,
        clan_name: str,
        welcome_channel_id: int,
        client: Owner,
        api_client: MezonApi,
        socket_manager: SocketManager,
        session_token: str,
        message_db: MessageStore | None,
    ) -> None:
        from mezon.managers.cache import CacheManager

        self.id = clan_id
        self.name: str = clan_name
        self.welcome_channel_id: int = welcome_channel_id
        self.client = client
        self.client_id: int = client.client_id
        self.api_client = api_client
        self.socket_manager = socket_manager
        self.session_token = session_token
        self.message_db = message_db
        self.channels: CacheManager[int, TextChannel] = CacheManager(self._fetch_channel)
        self._channels_loaded = False
        self._loading: SingleFlight[None, None] = SingleFlight()

    @property
    def users(self) -> CacheManager[int, User]:
        """The users the client knows."""
        return self.client.users

    @property
    def current_token(self) -> str:
        """The token of the session as it is now; ``session_token`` is from when the clan was made."""
        manager = self.client.session_manager
        session = manager.get_session() if manager is not None else None
        return session.token if session is not None else self.session_token

    def update_from(self, description: ApiClanDesc | ClanUpdatedEvent) -> None:
        """Take over a description of this clan, or an event about it. What it leaves open stays."""
        self.name = description.clan_name or self.name
        if description.welcome_channel_id is not None:
            self.welcome_channel_id = description.welcome_channel_id

    async def _fetch_channel(self, channel_id: int) -> TextChannel:
        return await self.client.channels.fetch(channel_id)

    async def load_channels(self) -> None:
        """Get the list of the clan's channels, once; concurrent calls share one request."""
        if not self._channels_loaded:
            await self._loading.run(None, self._load_channels)

    async def _load_channels(self) -> None:
        answer = await self.api_client.list_channel_descs(
            token=self.current_token, channel_type=ChannelType.CHANNEL_TYPE_CHANNEL, clan_id=self.id
        )
        for description in (answer.channeldesc if answer is not None else None) or ():
            channel_id = description.channel_id
            if not channel_id:
                continue
            known = self.client.channels.get(channel_id) or self.channels.get(channel_id)
            if known is None:
                known = TextChannel(description, self, self.socket_manager, self.message_db)
            else:
                known.update_from(description)
            self.channels.set(channel_id, known)
            self.client.channels.set(channel_id, known)
        self._channels_loaded = True

    async def list_channel_voice_users(
        self,
        channel_id: int = 0,
        channel_type: int | None = None,
        limit: int = _MAX_VOICE_USERS,
        state: int | None = None,
        cursor: str | None = None,
    ) -> ApiVoiceChannelUserList:
        """List who is in the voice channels of the clan, or in one of them.

        Args:
            channel_id: One channel; 0 for all.
            channel_type: The type of the voice channels.
            limit: How many at most: 1 to 500.
            state: A filter of the server.
            cursor: From an earlier answer, to go on.

        Raises:
            ValueError: If the limit is out of range.
        """
        if not 0 < limit <= _MAX_VOICE_USERS:
            raise InvalidArgumentError(f"limit must be 1 to {_MAX_VOICE_USERS}, not {limit}")
        return await self.api_client.list_channel_voice_users(
            token=self.current_token,
            clan_id=self.id,
            channel_id=required_id("channel_id", channel_id),
            channel_type=ChannelType.CHANNEL_TYPE_GMEET_VOICE if channel_type is None else channel_type,
            limit=limit,
            state=state or 0,
            cursor=cursor or "",
        )

    async def update_role(self, role_id: int | str, request: dict[str, Any]) -> bool:
        """Change a role: only the given keys of ``UpdateRoleRequest``. True if the server took it."""
        await self.api_client.update_role(
            token=self.current_token, role_id=required_id("role_id", role_id), request=request
        )
        return True

    async def list_roles(
        self, limit: int | None = None, state: int | None = None, cursor: str | None = None
    ) -> ApiRoleListEventResponse:
        """Fetch the roles of the clan: ``answer.roles.roles``."""
        return await self.api_client.list_roles(
            token=self.current_token, clan_id=self.id, limit=limit, state=state, cursor=cursor
        )

    def __repr__(self) -> str:
        return f"<Clan id={self.id} name={self.name}>"
