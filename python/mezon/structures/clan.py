"""A clan with its channels and roles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mezon.constants.enum import ChannelType
from mezon.errors import InvalidArgumentError
from mezon.structures._clan_members import ClanMembers
from mezon.utils.ids import required_id

if TYPE_CHECKING:
    from mezon.managers.cache import CacheManager
    from mezon.models import ApiClanDesc, ApiVoiceChannelUserList, ClanUpdatedEvent
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
        channels: Its channels that are known: as many as the client's ``cache_size``, or as ``load_channels`` has
            listed, least recently used first out. ``fetch`` gets others from the server.
    """

    @property
    def users(self) -> CacheManager[int, User]:
        """The users the client knows."""
        return self.client.users

    def update_from(self, description: ApiClanDesc | ClanUpdatedEvent) -> None:
        """Take over a description of this clan, or an event about it. What it leaves open stays."""
        self.name = description.clan_name or self.name
        if description.welcome_channel_id is not None:
            self.welcome_channel_id = description.welcome_channel_id

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
            raise InvalidArgumentError(f"the limit must be 0 < limit <= {_MAX_VOICE_USERS}, not {limit}")
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

    def __repr__(self) -> str:
        return f"<Clan id={self.id} name={self.name}>"
