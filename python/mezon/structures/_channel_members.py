"""Members, pins and search of a channel; a part of ``mezon.structures.TextChannel``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mezon.structures._clan_calls import ask, search
from mezon.structures.member import Member
from mezon.structures.paging import Pages

if TYPE_CHECKING:
    from mezon.protobuf.api import api_pb2
    from mezon.structures.clan import Clan

__all__ = ["ChannelMembers"]

_PAGE = 100
_FOUND = 50


class ChannelMembers:
    """Who is in a channel, and what is pinned and said there."""

    id: int
    channel_type: int
    clan: Clan

    def members(self, limit: int | None = None) -> Pages[Member]:
        """Give the members of the channel: ``await channel.members()``, or ``async for member in channel.members()``.

        They come in pages of 100, one call each. The list names no users: those whom the client has met have names.

        Args:
            limit: How many at most; None for all.
        """

        async def fetch(cursor: str) -> tuple[list[Member], str]:
            request = {
                "clan_id": self.clan.id,
                "channel_id": self.id,
                "channel_type": self.channel_type,
                "limit": _PAGE if limit is None else min(limit, _PAGE),
                "cursor": cursor,
            }
            answer = await ask(self.clan, "ListChannelUsers", request)
            return [Member.of_channel(self.clan, said) for said in answer.channel_users], answer.cursor

        return Pages(fetch, limit)

    async def pins(self) -> list[api_pb2.PinMessage]:
        """Give the pinned messages: ``message_id``, ``sender_id``, ``content`` as JSON text.

        Raises:
            MezonError: One of its kinds, if the server refuses.
        """
        request = {"channel_id": self.id, "clan_id": self.clan.id}
        return list((await ask(self.clan, "GetPinMessagesList", request)).pin_messages_list)

    async def pin(self, message_id: int | str) -> None:
        """Pin a message; ``message.pin()`` is shorter. Raises as `pins`."""
        request = {"message_id": message_id, "channel_id": self.id, "clan_id": self.clan.id}
        await ask(self.clan, "CreatePinMessage", request)

    async def unpin(self, message_id: int | str) -> None:
        """Unpin a message; ``message.unpin()`` is shorter. Raises as `pins`."""
        request = {"message_id": message_id, "channel_id": self.id, "clan_id": self.clan.id}
        await ask(self.clan, "DeletePinMessage", request)

    def search(self, text: str, limit: int | None = _FOUND) -> Pages[api_pb2.SearchMessageDocument]:
        """Search messages of the channel with this text, as the server's search finds them.

        ``client.message_db.search_messages`` looks into the bot's own store, without a call.

        Args:
            text: What to look for.
            limit: How many at most; None for all.
        """
        return search(self.clan, text, limit, self.id)
