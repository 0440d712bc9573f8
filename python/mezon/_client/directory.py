"""How a client comes to know clans, channels and users; a part of :class:`mezon.MezonClient`."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from mezon.errors import InvalidArgumentError, NotLoggedInError

if TYPE_CHECKING:
    from mezon.api import MezonApi
    from mezon.client import MezonClient
    from mezon.managers.cache import CacheManager
    from mezon.managers.channel import ChannelManager
    from mezon.managers.session import SessionManager
    from mezon.managers.socket import SocketManager
    from mezon.messages import MessageDB
    from mezon.models import ApiClanDesc
    from mezon.structures import Clan, TextChannel, User


class ClientObjects:
    """What is behind ``clans.fetch``, ``channels.fetch`` and ``users.fetch``."""

    clans: CacheManager[int, Clan]
    channels: CacheManager[int, TextChannel]
    users: CacheManager[int, User]
    api_client: MezonApi
    socket_manager: SocketManager
    session_manager: SessionManager
    channel_manager: ChannelManager

    if TYPE_CHECKING:

        @property
        def message_db(self) -> MessageDB: ...
        @message_db.setter
        def message_db(self, value: MessageDB) -> None: ...

    def _token(self) -> str:
        session = self.session_manager.get_session() if self.session_manager is not None else None
        if session is None:
            raise NotLoggedInError("this needs a session: await client.login() first")
        return session.token

    def _new_clan(self, clan_id: int, name: str = "", welcome_channel_id: int = 0, token: str = "") -> Clan:
        from mezon.structures import Clan

        clan = Clan(
            clan_id=clan_id,
            clan_name=name,
            welcome_channel_id=welcome_channel_id,
            client=cast("MezonClient", self),
            api_client=self.api_client,
            socket_manager=self.socket_manager,
            session_token=token or self._token(),
            message_db=self.message_db,
        )
        self.clans.set(clan_id, clan)
        return clan

    def _know_clan(self, description: ApiClanDesc, token: str = "") -> Clan:
        """The clan of a description: the object that is there, brought up to date, or a new one."""
        clan_id = description.clan_id or 0
        clan = self.clans.get(clan_id)
        if clan is None:
            return self._new_clan(
                clan_id, description.clan_name or "", description.welcome_channel_id or 0, token
            )
        clan.update_from(description)
        return clan

    async def _refresh_clans(self) -> dict[int, Clan]:
        """Get the list of clans; gives those that are in it, by id."""
        token = self._token()
        answer = await self.api_client.list_clans_descs(token)
        return {clan.id: clan for clan in map(self._know_clan, answer.clandesc or ())}

    async def _fetch_clan(self, clan_id: int) -> Clan:
        if clan_id == 0:
            # Where direct messages live; no list has it, and the cache may have dropped it.
            return self._new_clan(0)
        # Not by way of the cache: it may be small, or off.
        clan = (await self._refresh_clans()).get(clan_id)
        if clan is None:
            raise InvalidArgumentError(f"the bot is in no clan {clan_id}; add it to the clan first")
        return clan

    async def get_channel_from_id(self, channel_id: int) -> TextChannel:
        """What ``channels.fetch`` does on a miss.

        Raises:
            InvalidArgumentError: If there is no such channel, or the bot is not in its clan (a ValueError).
        """
        from mezon.structures import TextChannel

        known = self.channels.get(channel_id)
        if known is not None:
            return known
        channel_id = int(channel_id)
        token = self._token()
        detail = await self.api_client.get_channel_detail(token, channel_id)
        if not detail.channel_id:
            raise InvalidArgumentError(f"there is no channel {channel_id}, or the bot may not see it")
        clan = await self.clans.fetch(detail.clan_id or 0)
        known = self.channels.get(channel_id) or clan.channels.get(channel_id)
        if known is None:
            known = TextChannel(detail, clan, self.socket_manager, self.message_db)
            clan.channels.set(channel_id, known)
        self.channels.set(channel_id, known)
        return known

    async def get_user_from_id(self, user_id: int) -> User:
        """What ``users.fetch`` does on a miss: opens the DM with the user.

        Raises:
            InvalidArgumentError: If the user cannot be reached (a ValueError).
        """
        from mezon.models.message import UserInitData
        from mezon.structures import User

        self._token()
        channel = await self.channel_manager.create_dm_channel(user_id)
        if channel is None or not channel.channel_id:
            raise InvalidArgumentError(f"there is no user {user_id}, or the bot may not write to them")
        data = UserInitData(id=int(user_id), dm_channel_id=channel.channel_id)
        user = User(data, self.socket_manager, self.channel_manager)
        self.users.set(user.id, user)
        return user

    def _know_dm_users(self) -> None:
        from mezon.models.message import UserInitData
        from mezon.structures import User

        for user_id, channel_id in (self.channel_manager.get_all_dm_channels() or {}).items():
            known = self.users.get(user_id)
            if known is not None:
                known.dm_channel_id = known.dm_channel_id or channel_id
                continue
            data = UserInitData(id=user_id, dm_channel_id=channel_id)
            self.users.set(user_id, User(data, self.socket_manager, self.channel_manager))
