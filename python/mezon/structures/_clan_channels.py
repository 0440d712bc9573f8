"""What a clan is and which channels it has: the ground that ``mezon.structures.Clan`` stands on."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from mezon.constants.enum import ChannelType
from mezon.structures.text_channel import TextChannel
from mezon.utils.single_flight import SingleFlight

if TYPE_CHECKING:
    from mezon.api.mezon_api import MezonApi
    from mezon.managers.cache import CacheManager
    from mezon.managers.socket import SocketManager
    from mezon.models import ApiRoleListEventResponse
    from mezon.ports import MessageStore
    from mezon.structures._owner import Owner
    from mezon.structures.clan import Clan

__all__ = ["ClanChannels"]


class ClanChannels:
    """A clan with its channels and its roles. Nobody makes one but as a ``Clan``."""

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
        # A stand-in for a client need not know a size.
        self.channels: CacheManager[int, TextChannel] = CacheManager(
            self._fetch_channel, getattr(client.channels, "max_size", None)
        )
        self._channels_loaded = False
        self._loading: SingleFlight[None, None] = SingleFlight()

    @property
    def current_token(self) -> str:
        """The token of the session as it is now; ``session_token`` is from when the clan was made."""
        # Absent in stand-ins for a client: mezon-sdk takes the token that the clan was made with.
        manager = getattr(self.client, "session_manager", None)
        session = manager.get_session() if manager is not None else None
        return session.token if session is not None else self.session_token

    async def _fetch_channel(self, channel_id: int) -> TextChannel:
        return await self.client.channels.fetch(channel_id)

    async def load_channels(self) -> None:
        """Get the list of the clan's channels, once; concurrent calls share one request.

        ``channels`` keeps the whole list, also one that is longer than the client's ``cache_size``. A call that failed
        is made again by the next one.
        """
        if not self._channels_loaded:
            await self._loading.run(None, self._load_channels)

    async def _load_channels(self) -> None:
        answer = await self.api_client.list_channel_descs(
            token=self.current_token, channel_type=ChannelType.CHANNEL_TYPE_CHANNEL, clan_id=self.id
        )
        listed = (answer.channeldesc if answer is not None else None) or ()
        self.channels.grow(len(listed))
        # A stand-in for a client may do no more than take channels.
        known_to_client = getattr(self.client.channels, "get", self.channels.get)
        for description in listed:
            channel_id = description.channel_id
            if not channel_id:
                continue
            known = known_to_client(channel_id) or self.channels.get(channel_id)
            if known is None:
                known = TextChannel(description, cast("Clan", self), self.socket_manager, self.message_db)
            else:
                known.update_from(description)
            self.channels.set(channel_id, known)
            self.client.channels.set(channel_id, known)
        self._channels_loaded = True

    async def list_roles(
        self, limit: int | None = None, state: int | None = None, cursor: str | None = None
    ) -> ApiRoleListEventResponse:
        """Fetch the roles of the clan: ``answer.roles.roles``."""
        return await self.api_client.list_roles(
            token=self.current_token, clan_id=self.id, limit=limit, state=state, cursor=cursor
        )
