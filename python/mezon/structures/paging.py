"""Lists that the server returns page by page, and the RPCs behind them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mezon.protobuf.api import api_pb2
    from mezon.structures.clan import Clan

__all__ = ["Pages", "call_rpc", "search"]

T = TypeVar("T")

#: The maximum number of pages: a server that always returns another cursor must not block a bot forever.
_MAX_PAGES = 10_000

_SEARCH_PAGE = 50


class Pages(Generic[T]):
    """A list that arrives page by page: ``await`` it for the whole list, or iterate over it with ``async for``.

    ```python
    members = await channel.members()
    async for member in channel.members():
        ...
    ```

    Each page is one call, made when the previous page is consumed. Each iteration starts over.

    Args:
        fetch: Returns the page of a cursor ("" for the first page) and the next cursor ("" after the last page).
        limit: The maximum number of items; None for all.
    """

    def __init__(
        self, fetch: Callable[[str], Awaitable[tuple[list[T], str]]], limit: int | None = None
    ) -> None:
        self._fetch = fetch
        self._limit = limit

    async def __aiter__(self) -> AsyncIterator[T]:
        count, cursor, seen = 0, "", {""}
        for _ in range(_MAX_PAGES):
            if self._limit is not None and count >= self._limit:
                return
            items, cursor = await self._fetch(cursor)
            for item in items:
                if self._limit is not None and count >= self._limit:
                    return
                count += 1
                yield item
            # Stop at an empty page, and at a cursor that was used before.
            if not items or cursor in seen:
                return
            seen.add(cursor)

    def __await__(self) -> Generator[Any, None, list[T]]:
        return self._all().__await__()

    async def _all(self) -> list[T]:
        return [item async for item in self]


async def call_rpc(clan: Clan, name: str, request: Mapping[str, Any] | None = None) -> Any:
    """Call an RPC with the session of the clan's client. Raises as ``MezonClient.rpc``."""
    return await clan.api_client.rpc(clan.current_token, name, request)


def search(
    clan: Clan, text: str, limit: int | None, channel_id: int = 0
) -> Pages[api_pb2.SearchMessageDocument]:
    """Return the pages of a search in a clan, or in one channel of it."""
    criteria = {"content": text, "clan_id": str(clan.id)} | (
        {"channel_id": str(channel_id)} if channel_id else {}
    )
    filters = [{"field_name": name, "field_value": value} for name, value in criteria.items()]

    async def fetch(cursor: str) -> tuple[list[api_pb2.SearchMessageDocument], str]:
        # The server counts pages from 1.
        page = int(cursor or 1)
        answer = await call_rpc(
            clan, "SearchMessage", {"filters": filters, "from": page, "size": _SEARCH_PAGE}
        )
        return list(answer.messages), str(page + 1) if page * _SEARCH_PAGE < answer.total else ""

    return Pages(fetch, limit)
