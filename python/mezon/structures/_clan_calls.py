"""RPCs with the session of a clan's client, and the search that clans and channels share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mezon.structures.paging import Pages

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mezon.protobuf.api import api_pb2
    from mezon.structures._clan_channels import ClanChannels

__all__ = ["ask", "search"]

_PAGE = 50


async def ask(clan: ClanChannels, name: str, request: Mapping[str, Any] | None = None) -> Any:
    """Call an RPC with the session of the clan's client. Raises as ``MezonClient.rpc``."""
    return await clan.api_client.rpc(clan.current_token, name, request)


def search(
    clan: ClanChannels, text: str, limit: int | None, channel_id: int = 0
) -> Pages[api_pb2.SearchMessageDocument]:
    """Give the pages of a search in a clan, or in one channel of it."""
    wanted = {"content": text, "clan_id": str(clan.id)} | (
        {"channel_id": str(channel_id)} if channel_id else {}
    )
    filters = [{"field_name": name, "field_value": value} for name, value in wanted.items()]

    async def fetch(cursor: str) -> tuple[list[api_pb2.SearchMessageDocument], str]:
        # The server counts pages from 1.
        page = int(cursor or 1)
        answer = await ask(clan, "SearchMessage", {"filters": filters, "from": page, "size": _PAGE})
        return list(answer.messages), str(page + 1) if page * _PAGE < answer.total else ""

    return Pages(fetch, limit)
