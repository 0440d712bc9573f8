"""Members and roles of a clan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mezon.errors import InvalidArgumentError
from mezon.utils.ids import as_id

if TYPE_CHECKING:
    from mezon.models import ApiRole
    from mezon.protobuf.api import api_pb2
    from mezon.structures.clan import Clan

__all__ = ["Member", "Role", "user_id_of"]


def user_id_of(who: Any) -> int:
    """Return the id of a user, given by id, digits, ``User``, ``Member``, or an object with a ``sender_id``.

    Raises:
        InvalidArgumentError: If ``who`` is none of these.
    """
    if not isinstance(who, int | str):
        who = getattr(who, "sender_id", None) or getattr(who, "id", None)
    user_id = as_id("a user", who)
    if not user_id:
        raise InvalidArgumentError("pass a user: an id, a User or a Member")
    return user_id


class Member:
    """A member of a clan, as of the time the members were listed.

    Attributes:
        id: The id of the user.
        username: The unique name; "" if neither the list nor the client's cache has it.
        display_name: The name shown outside clans.
        clan_nick: The name shown in the clan.
        avatar: The URL of the avatar, preferably of the one in the clan.
        role_ids: The ids of the member's roles.
        clan: The clan.
    """

    def __init__(self, clan: Clan, user_id: int) -> None:
        self.id = user_id
        self.clan = clan
        self.username = ""
        self.display_name = ""
        self.clan_nick = ""
        self.avatar = ""
        self.role_ids: list[int] = []

    @classmethod
    def of_clan(cls, clan: Clan, entry: api_pb2.ClanUserList.ClanUser) -> Member:
        """Create a member from an entry of the clan's member list."""
        member = cls(clan, entry.user.id)
        member.username, member.display_name = entry.user.username, entry.user.display_name
        member.clan_nick, member.role_ids = entry.clan_nick, list(entry.role_id)
        member.avatar = entry.clan_avatar or entry.user.avatar_url
        return member

    @classmethod
    def of_channel(cls, clan: Clan, entry: api_pb2.ChannelUserList.ChannelUser) -> Member:
        """Create a member from an entry of a channel's member list, which has no names: they come from the cache."""
        member = cls(clan, entry.user_id)
        member.clan_nick, member.role_ids = entry.clan_nick, list(entry.role_id)
        member.avatar = entry.clan_avatar
        known = clan.client.users.get(member.id)
        if known is not None:
            member.username, member.display_name = known.username, known.display_name
            member.avatar = member.avatar or known.avatar
        return member

    @property
    def shown_name(self) -> str:
        """The name to show: the nickname in the clan, otherwise the display name, otherwise the unique name."""
        return self.clan_nick or self.display_name or self.username

    async def give_role(self, role: Role | int | str) -> None:
        """Assign a role to the member: the object, its id, or its name.

        Raises:
            InvalidArgumentError: If the clan has no such role.
            MezonError: If the server refuses.
        """
        found = await self.clan.role(role)
        await found.give(self)
        if found.id not in self.role_ids:
            self.role_ids.append(found.id)

    async def take_role(self, role: Role | int | str) -> None:
        """Remove a role from the member. Raises as `give_role`."""
        found = await self.clan.role(role)
        await found.take(self)
        if found.id in self.role_ids:
            self.role_ids.remove(found.id)

    async def kick(self) -> None:
        """Remove the member from the clan. Members can come back with an invitation."""
        await self.clan.kick(self)

    async def ban(self, *, reason: str = "", ban_time: int = 0) -> None:
        """Ban the member from the clan; see ``Clan.ban``."""
        await self.clan.ban(self, reason=reason, ban_time=ban_time)

    def __repr__(self) -> str:
        return f"<Member id={self.id} name={self.shown_name!r}>"


class Role:
    """A role of a clan, as of the time the roles were listed.

    Attributes:
        id: The id.
        name: The title.
        color: The colour, as the server formats it.
        description: The description.
        member_ids: The ids of the listed members.
        clan: The clan.
    """

    def __init__(self, clan: Clan, entry: ApiRole) -> None:
        self.id: int = entry.id or 0
        self.name: str = entry.title or ""
        self.color: str = entry.color or ""
        self.description: str = entry.description or ""
        listed = entry.role_user_list.role_users if entry.role_user_list is not None else None
        self.member_ids: list[int] = [user.id for user in listed or () if user.id]
        self.clan = clan
        # UpdateRole cannot distinguish 0 from an absent value, so a change of the members must repeat these.
        self._flags = {"display_online": entry.display_online or 0, "allow_mention": entry.allow_mention or 0}

    async def give(self, *users: Any) -> None:
        """Assign the role to users: ids, ``User`` or ``Member``.

        Raises:
            MezonError: If the server refuses.
        """
        ids = [user_id_of(user) for user in users]
        await self._change(add_user_ids=ids)
        self.member_ids += [user_id for user_id in ids if user_id not in self.member_ids]

    async def take(self, *users: Any) -> None:
        """Remove the role from users. Raises as `give`."""
        ids = [user_id_of(user) for user in users]
        await self._change(remove_user_ids=ids)
        self.member_ids = [user_id for user_id in self.member_ids if user_id not in ids]

    async def _change(self, **lists: list[int]) -> None:
        await self.clan.update_role(self.id, {**self._flags, "clan_id": self.clan.id, **lists})

    def __repr__(self) -> str:
        return f"<Role id={self.id} name={self.name!r}>"
