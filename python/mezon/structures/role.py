"""A role of a clan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mezon.structures.member import user_id_of

if TYPE_CHECKING:
    from mezon.models import ApiRole
    from mezon.structures.clan import Clan

__all__ = ["Role"]


class Role:
    """A role, as the list of roles says.

    Attributes:
        id: Its id.
        name: Its title.
        color: Its colour, as the server writes it.
        description: What it is for.
        member_ids: Who has it, as far as the list says.
        clan: The clan.
    """

    def __init__(self, clan: Clan, said: ApiRole) -> None:
        self.id: int = said.id or 0
        self.name: str = said.title or ""
        self.color: str = said.color or ""
        self.description: str = said.description or ""
        listed = said.role_user_list.role_users if said.role_user_list is not None else None
        self.member_ids: list[int] = [user.id for user in listed or () if user.id]
        self.clan = clan
        # UpdateRole cannot tell 0 from "not given", so a change of the members has to repeat these.
        self._flags = {"display_online": said.display_online or 0, "allow_mention": said.allow_mention or 0}

    async def give(self, *users: Any) -> None:
        """Give the role to users: ids, ``User`` or ``Member``.

        Raises:
            MezonError: One of its kinds, if the server refuses.
        """
        ids = [user_id_of(user) for user in users]
        await self._change(add_user_ids=ids)
        self.member_ids += [user_id for user_id in ids if user_id not in self.member_ids]

    async def take(self, *users: Any) -> None:
        """Take the role from users. Raises as `give`."""
        ids = [user_id_of(user) for user in users]
        await self._change(remove_user_ids=ids)
        self.member_ids = [user_id for user_id in self.member_ids if user_id not in ids]

    async def _change(self, **lists: list[int]) -> None:
        await self.clan.update_role(self.id, {**self._flags, "clan_id": self.clan.id, **lists})

    def __repr__(self) -> str:
        return f"<Role id={self.id} name={self.name!r}>"
