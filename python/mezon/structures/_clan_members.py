"""Members, roles, bans, emojis and search of a clan; a part of ``mezon.structures.Clan``."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from mezon.errors import InvalidArgumentError
from mezon.structures._clan_calls import ask, search
from mezon.structures._clan_channels import ClanChannels
from mezon.structures.member import Member, user_id_of
from mezon.structures.paging import Pages
from mezon.structures.role import Role

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mezon.protobuf.api import api_pb2
    from mezon.structures.clan import Clan
    from mezon.structures.text_channel import TextChannel

__all__ = ["ClanMembers"]

_PAGE = 50


class ClanMembers(ClanChannels):
    """Who is in a clan, and what a bot that moderates does there.

    What the server lets a bot do is not known: a refusal is an error that says so.
    """

    # ---- finding

    async def channel(self, which: int | str) -> TextChannel:
        """Give a channel by its name (with ``#`` or without), or by its id.

        ```python
        general = await channel.clan.channel("#general")
        await general.send("hello")
        ```

        Raises:
            InvalidArgumentError: There is none, or more than one of that name.
            MezonError: One of its kinds, if the channels cannot be listed.
        """
        for fresh in (False, True):
            await (self._load_channels() if fresh else self.load_channels())
            found = _find(which, self.channels.values())
            if len(found) > 1:
                ids = ", ".join(str(channel.id) for channel in found)
                raise InvalidArgumentError(
                    f"clan {self.name} has {len(found)} channels {which!r}: name one by its id, {ids}"
                )
            if found:
                return found[0]
        raise _none("channel", which, self.name, [channel.name or "" for channel in self.channels.values()])

    async def roles(self) -> list[Role]:
        """Give the roles of the clan."""
        answer = await self.list_roles()
        listed = answer.roles.roles if answer.roles is not None else None
        return [Role(cast("Clan", self), role) for role in listed or ()]

    async def role(self, which: Role | int | str) -> Role:
        """Give a role by its name or its id. It is asked for again each time, so that it is up to date.

        Raises:
            InvalidArgumentError: There is none, or more than one of that name.
            MezonError: One of its kinds, if the roles cannot be listed.
        """
        if isinstance(which, Role):
            return which
        roles = await self.roles()
        found = _find(which, roles)
        if len(found) > 1:
            ids = ", ".join(str(role.id) for role in found)
            raise InvalidArgumentError(
                f"clan {self.name} has {len(found)} roles {which!r}: name one by its id, {ids}"
            )
        if not found:
            raise _none("role", which, self.name, [role.name for role in roles])
        return found[0]

    def members(self, limit: int | None = None) -> Pages[Member]:
        """Give the members of the clan: ``await clan.members()``, or ``async for member in clan.members()``.

        ```python
        async for member in channel.clan.members():
            print(member.username)
        ```

        Args:
            limit: How many at most; None for all.
        """

        async def fetch(cursor: str) -> tuple[list[Member], str]:
            answer = await ask(self, "ListClanUsers", {"clan_id": self.id})
            # The request has no cursor: this is all there is.
            return [Member.of_clan(cast("Clan", self), said) for said in answer.clan_users], ""

        return Pages(fetch, limit)

    # ---- moderating

    async def kick(self, *users: Any) -> None:
        """Remove users from the clan: ids, ``User`` or ``Member``. They may come back with an invitation.

        Raises:
            MezonError: One of its kinds, if the server refuses.
        """
        await ask(self, "RemoveClanUsers", {"clan_id": self.id, "user_ids": _ids(users)})

    async def ban(
        self, *users: Any, reason: str = "", ban_time: int = 0, channel: TextChannel | int | str | None = None
    ) -> None:
        """Ban users from the clan, or from one channel of it.

        Args:
            users: Ids, ``User`` or ``Member``.
            reason: Why; others may see it.
            ban_time: How long. It is passed on as it is: in which unit the server counts is not known. 0 for no end.
            channel: The channel, by object or id; None for the whole clan.

        Raises:
            MezonError: One of its kinds, if the server refuses.
        """
        request = {"user_ids": _ids(users), "ban_time": ban_time, "reason": reason}
        await ask(self, "BanClanUsers", {**self._place(channel), **request})

    async def unban(self, *users: Any, channel: TextChannel | int | str | None = None) -> None:
        """Lift bans. Raises as `ban`."""
        await ask(self, "UnbanClanUsers", {**self._place(channel), "user_ids": _ids(users)})

    async def bans(self, channel: TextChannel | int | str | None = None) -> list[api_pb2.BannedUser]:
        """List who is banned from the clan, or from a channel of it."""
        answer = await ask(self, "ListBannedUsers", self._place(channel))
        return list(answer.banned_users)

    def _place(self, channel: TextChannel | int | str | None) -> dict[str, Any]:
        channel_id = channel if isinstance(channel, int | str | None) else channel.id
        return {"clan_id": self.id, "channel_id": channel_id or 0}

    # ---- emojis, search

    async def emojis(self) -> list[api_pb2.ClanEmoji]:
        """Give the clan's own emojis: ``shortname``, ``id``, ``src``."""
        answer = await ask(self, "GetListEmojisByUserId")
        return [emoji for emoji in answer.emoji_list if emoji.clan_id == self.id]

    def search(self, text: str, limit: int | None = _PAGE) -> Pages[api_pb2.SearchMessageDocument]:
        """Search messages of the clan with this text, as the server's search finds them.

        Args:
            text: What to look for.
            limit: How many at most; None for all.
        """
        return search(self, text, limit)


def _ids(users: Iterable[Any]) -> list[int]:
    ids = [user_id_of(user) for user in users]
    if not ids:
        raise InvalidArgumentError("name at least one user")
    return ids


class _Named(Protocol):
    id: int

    @property
    def name(self) -> str | None: ...


N = TypeVar("N", bound=_Named)


def _find(which: int | str, among: Iterable[N]) -> list[N]:
    """Find those of that name; of that id when no name fits. Case counts only when it decides."""
    everything = list(among)
    wanted = str(which).removeprefix("#")
    return (
        [thing for thing in everything if thing.name == wanted]
        or [thing for thing in everything if (thing.name or "").casefold() == wanted.casefold()]
        or [thing for thing in everything if str(thing.id) == wanted]
    )


def _none(kind: str, which: object, clan: str, names: list[str]) -> InvalidArgumentError:
    near = difflib.get_close_matches(str(which), names, 1, 0.5)
    hint = f"; did you mean {near[0]!r}?" if near else f"; the bot sees {', '.join(names[:20]) or 'none'}"
    return InvalidArgumentError(f"clan {clan} has no {kind} {which!r}{hint}")
