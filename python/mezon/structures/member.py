"""A user as a member of a clan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mezon.errors import InvalidArgumentError

if TYPE_CHECKING:
    from mezon.protobuf.api import api_pb2
    from mezon.structures.clan import Clan
    from mezon.structures.role import Role

__all__ = ["Member", "user_id_of"]


def user_id_of(who: Any) -> int:
    """Give the id of a user: of an id, a digit string, a ``User``, a ``Member``, or anything with a ``sender_id``.

    Raises:
        InvalidArgumentError: It is none of these.
    """
    from mezon.utils.ids import as_id

    if not isinstance(who, int | str):
        who = getattr(who, "sender_id", None) or getattr(who, "id", None)
    user_id = as_id("a user", who)
    if not user_id:
        raise InvalidArgumentError("name a user: an id, a User or a Member")
    return user_id


class Member:
    """A member of a clan, as the list of members says.

    Attributes:
        id: The user's id.
        username: The unique name; "" where the list does not say and the client has not met them.
        display_name: The name shown outside clans.
        clan_nick: The name shown in the clan.
        avatar: URL of the picture, in the clan if there is one.
        role_ids: The roles they have.
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
    def of_clan(cls, clan: Clan, said: api_pb2.ClanUserList.ClanUser) -> Member:
        """Make one from the list of a clan's members."""
        member = cls(clan, said.user.id)
        member.username, member.display_name = said.user.username, said.user.display_name
        member.clan_nick, member.role_ids = said.clan_nick, list(said.role_id)
        member.avatar = said.clan_avatar or said.user.avatar_url
        return member

    @classmethod
    def of_channel(cls, clan: Clan, said: api_pb2.ChannelUserList.ChannelUser) -> Member:
        """Make one from the list of a channel's members, which names no users; those the client has met have names."""
        member = cls(clan, said.user_id)
        member.clan_nick, member.role_ids = said.clan_nick, list(said.role_id)
        member.avatar = said.clan_avatar
        known = clan.client.users.get(member.id)
        if known is not None:
            member.username, member.display_name = known.username, known.display_name
            member.avatar = member.avatar or known.avatar
        return member

    @property
    def shown_name(self) -> str:
        """The name to call them by: in the clan, else outside, else the unique one."""
        return self.clan_nick or self.display_name or self.username

    async def give_role(self, role: Role | int | str) -> None:
        """Give them a role: the object, its id, or its name.

        Raises:
            InvalidArgumentError: The clan has no such role.
            MezonError: One of its kinds, if the server refuses.
        """
        found = await self.clan.role(role)
        await found.give(self)
        if found.id not in self.role_ids:
            self.role_ids.append(found.id)

    async def take_role(self, role: Role | int | str) -> None:
        """Take a role from them. Raises as `give_role`."""
        found = await self.clan.role(role)
        await found.take(self)
        if found.id in self.role_ids:
            self.role_ids.remove(found.id)

    async def kick(self) -> None:
        """Remove them from the clan; they may come back with an invitation."""
        await self.clan.kick(self)

    async def ban(self, *, reason: str = "", ban_time: int = 0) -> None:
        """Ban them from the clan; see ``Clan.ban``."""
        await self.clan.ban(self, reason=reason, ban_time=ban_time)

    def __repr__(self) -> str:
        return f"<Member id={self.id} name={self.shown_name!r}>"
