"""A clan: its channels, members and roles, and moderation."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from mezon.constants.enum import ChannelType
from mezon.errors import InvalidArgumentError
from mezon.managers.cache import CacheManager
from mezon.models.message import UserInitData
from mezon.structures.member import Member, Role, user_id_of
from mezon.structures.paging import Pages, call_rpc, search
from mezon.structures.text_channel import TextChannel
from mezon.utils.ids import required_id
from mezon.utils.single_flight import SingleFlight

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mezon.api.mezon_api import MezonApi
    from mezon.managers.socket import SocketManager
    from mezon.models import ApiClanDesc, ApiRoleListEventResponse, ApiVoiceChannelUserList, ClanUpdatedEvent
    from mezon.ports import MessageStore
    from mezon.protobuf.api import api_pb2
    from mezon.structures._owner import Owner
    from mezon.structures.user import User

__all__ = ["Clan"]

_MAX_VOICE_USERS = 500
_SEARCH_RESULTS = 50


class Clan:
    """A clan. The clan with the id 0 stands for direct messages.

    Attributes:
        id: The id.
        name: The name.
        welcome_channel_id: The channel that new members see first.
        client: The client.
        client_id: The id of the bot.
        channels: The cached channels, up to the client's ``cache_size`` or as many as ``load_channels`` has listed; the
            least recently used ones are dropped first. ``fetch`` also asks the server.
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
        self.id = clan_id
        self.name: str = clan_name
        self.welcome_channel_id: int = welcome_channel_id
        self.client = client
        self.client_id: int = client.client_id
        self.api_client = api_client
        self.socket_manager = socket_manager
        self.session_token = session_token
        self.message_db = message_db
        # A test double of a client may have no maximum size.
        self.channels: CacheManager[int, TextChannel] = CacheManager(
            self._fetch_channel, getattr(client.channels, "max_size", None), id_name="channel_id"
        )
        self._channels_loaded = False
        self._listing: SingleFlight[None, None] = SingleFlight()

    @property
    def current_token(self) -> str:
        """The token of the current session; ``session_token`` is the token at the time the clan was created."""
        # A test double of a client may have no session manager: mezon-sdk uses the token of the creation.
        manager = getattr(self.client, "session_manager", None)
        session = manager.get_session() if manager is not None else None
        return session.token if session is not None else self.session_token

    async def _fetch_channel(self, channel_id: int) -> TextChannel:
        return await self.client.channels.fetch(channel_id)

    async def load_channels(self) -> None:
        """Fetch the list of the clan's channels once; concurrent calls share one request.

        ``channels`` keeps the whole list, even if it is longer than the client's ``cache_size``. After a failure, the
        next call tries again.
        """
        if not self._channels_loaded:
            await self._listing.run(None, self._list_channels)

    async def _list_channels(self) -> None:
        answer = await self.api_client.list_channel_descs(
            token=self.current_token, channel_type=ChannelType.CHANNEL_TYPE_CHANNEL, clan_id=self.id
        )
        listed = (answer.channeldesc if answer is not None else None) or ()
        self.channels.grow(len(listed))
        # The cache of a test double may only support `set`.
        known_to_client = getattr(self.client.channels, "get", self.channels.get)
        for description in listed:
            channel_id = description.channel_id
            if not channel_id:
                continue
            known = known_to_client(channel_id) or self.channels.get(channel_id)
            if known is None:
                known = TextChannel(description, self, self.socket_manager, self.message_db)
            else:
                known.update_from(description)
            self.channels.set(channel_id, known)
            self.client.channels.set(channel_id, known)
        self._channels_loaded = True

    @property
    def users(self) -> CacheManager[int, User]:
        """The users in the client's cache."""
        return self.client.users

    def update_from(self, description: ApiClanDesc | ClanUpdatedEvent) -> None:
        """Update the clan from a description or an event; unset fields keep their values."""
        self.name = description.clan_name or self.name
        if description.welcome_channel_id is not None:
            self.welcome_channel_id = description.welcome_channel_id

    # ---- channels, members and roles

    async def channel(self, which: int | str) -> TextChannel:
        """Return a channel by its name, with or without ``#``, or by its id.

        ```python
        general = await channel.clan.channel("#general")
        await general.send("hello")
        ```

        Raises:
            InvalidArgumentError: If no channel or more than one has that name.
            MezonError: If the channels cannot be listed.
        """
        for fresh in (False, True):
            await (self._list_channels() if fresh else self.load_channels())
            found = _find(which, self.channels.values())
            if len(found) > 1:
                ids = ", ".join(str(channel.id) for channel in found)
                raise InvalidArgumentError(
                    f"clan {self.name} has {len(found)} channels {which!r}: use the id of one, {ids}"
                )
            if found:
                return found[0]
        raise _not_found(
            "channel", which, self.name, [channel.name or "" for channel in self.channels.values()]
        )

    async def roles(self) -> list[Role]:
        """Return the roles of the clan."""
        answer = await self.list_roles()
        listed = answer.roles.roles if answer.roles is not None else None
        return [Role(self, role) for role in listed or ()]

    async def role(self, which: Role | int | str) -> Role:
        """Return a role by its name or its id. The roles are fetched on each call, so the result is up to date.

        Raises:
            InvalidArgumentError: If no role or more than one has that name.
            MezonError: If the roles cannot be listed.
        """
        if isinstance(which, Role):
            return which
        roles = await self.roles()
        found = _find(which, roles)
        if len(found) > 1:
            ids = ", ".join(str(role.id) for role in found)
            raise InvalidArgumentError(
                f"clan {self.name} has {len(found)} roles {which!r}: use the id of one, {ids}"
            )
        if not found:
            raise _not_found("role", which, self.name, [role.name for role in roles])
        return found[0]

    def members(self, limit: int | None = None) -> Pages[Member]:
        """Return the members of the clan: ``await clan.members()``, or ``async for member in clan.members()``.

        ```python
        async for member in channel.clan.members():
            print(member.username)
        ```

        Args:
            limit: The maximum number; None for all.
        """

        async def fetch(cursor: str) -> tuple[list[Member], str]:
            answer = await call_rpc(self, "ListClanUsers", {"clan_id": self.id})
            for entry in answer.clan_users:
                self.client.directory.remember_user(
                    UserInitData(
                        id=entry.user.id,
                        username=entry.user.username,
                        display_name=entry.user.display_name,
                        avatar=entry.user.avatar_url,
                        clan_nick=entry.clan_nick,
                        clan_avatar=entry.clan_avatar,
                    )
                )
            # The request has no cursor: the response is complete.
            return [Member.of_clan(self, entry) for entry in answer.clan_users], ""

        return Pages(fetch, limit)

    async def list_roles(
        self, limit: int | None = None, state: int | None = None, cursor: str | None = None
    ) -> ApiRoleListEventResponse:
        """Fetch the roles of the clan. They are in ``roles.roles`` of the response."""
        return await self.api_client.list_roles(
            token=self.current_token, clan_id=self.id, limit=limit, state=state, cursor=cursor
        )

    async def update_role(self, role_id: int | str, request: dict[str, Any]) -> bool:
        """Change the given fields of ``UpdateRoleRequest`` of a role; returns True."""
        await self.api_client.update_role(
            token=self.current_token, role_id=required_id("role_id", role_id), request=request
        )
        return True

    async def list_channel_voice_users(
        self,
        channel_id: int = 0,
        channel_type: int | None = None,
        limit: int = _MAX_VOICE_USERS,
        state: int | None = None,
        cursor: str | None = None,
    ) -> ApiVoiceChannelUserList:
        """Return the users in the voice channels of the clan, or in one of them.

        Args:
            channel_id: The channel; 0 for all.
            channel_type: The type of the voice channels.
            limit: The maximum number, 1 to 500.
            state: A filter of the server.
            cursor: The cursor of the previous response.

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

    # ---- moderation

    async def kick(self, *users: Any) -> None:
        """Remove users from the clan: ids, ``User`` or ``Member``. They can come back with an invitation.

        Raises:
            MezonError: If the server refuses.
        """
        await call_rpc(self, "RemoveClanUsers", {"clan_id": self.id, "user_ids": _ids(users)})

    async def ban(
        self, *users: Any, reason: str = "", ban_time: int = 0, channel: TextChannel | int | str | None = None
    ) -> None:
        """Ban users from the clan, or from one channel of it.

        Args:
            users: Ids, ``User`` or ``Member``.
            reason: The reason, which other users may see.
            ban_time: The duration, in the unit of the server, which is unknown. 0 for no end.
            channel: The channel, by object or id; None for the whole clan.

        Raises:
            MezonError: If the server refuses.
        """
        request = {"user_ids": _ids(users), "ban_time": ban_time, "reason": reason}
        await call_rpc(self, "BanClanUsers", {**self._scope(channel), **request})

    async def unban(self, *users: Any, channel: TextChannel | int | str | None = None) -> None:
        """Lift bans. Raises as `ban`."""
        await call_rpc(self, "UnbanClanUsers", {**self._scope(channel), "user_ids": _ids(users)})

    async def bans(self, channel: TextChannel | int | str | None = None) -> list[api_pb2.BannedUser]:
        """Return the users who are banned from the clan, or from a channel of it."""
        answer = await call_rpc(self, "ListBannedUsers", self._scope(channel))
        return list(answer.banned_users)

    def _scope(self, channel: TextChannel | int | str | None) -> dict[str, Any]:
        channel_id = channel if isinstance(channel, int | str | None) else channel.id
        return {"clan_id": self.id, "channel_id": channel_id or 0}

    # ---- emojis, search

    async def emojis(self) -> list[api_pb2.ClanEmoji]:
        """Return the clan's own emojis: ``shortname``, ``id``, ``src``."""
        answer = await call_rpc(self, "GetListEmojisByUserId")
        return [emoji for emoji in answer.emoji_list if emoji.clan_id == self.id]

    def search(self, text: str, limit: int | None = _SEARCH_RESULTS) -> Pages[api_pb2.SearchMessageDocument]:
        """Search the messages of the clan with the server's search.

        Args:
            text: The text to search for.
            limit: The maximum number; None for all.
        """
        return search(self, text, limit)

    def __repr__(self) -> str:
        return f"<Clan id={self.id} name={self.name}>"


def _ids(users: Iterable[Any]) -> list[int]:
    ids = [user_id_of(user) for user in users]
    if not ids:
        raise InvalidArgumentError("pass at least one user")
    return ids


class _Named(Protocol):
    id: int

    @property
    def name(self) -> str | None: ...


N = TypeVar("N", bound=_Named)


def _find(which: int | str, among: Iterable[N]) -> list[N]:
    """Return the items with that name, otherwise with that name in another case, otherwise with that id."""
    items = list(among)
    wanted = str(which).removeprefix("#")
    return (
        [item for item in items if item.name == wanted]
        or [item for item in items if (item.name or "").casefold() == wanted.casefold()]
        or [item for item in items if str(item.id) == wanted]
    )


def _not_found(kind: str, which: object, clan: str, names: list[str]) -> InvalidArgumentError:
    near = difflib.get_close_matches(str(which), names, 1, 0.5)
    hint = f"; did you mean {near[0]!r}?" if near else f"; the bot sees {', '.join(names[:20]) or 'none'}"
    return InvalidArgumentError(f"clan {clan} has no {kind} {which!r}{hint}")
