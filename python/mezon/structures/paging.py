"""Lists that the server gives page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from typing import Any, Generic, TypeVar

__all__ = ["Pages"]

T = TypeVar("T")

#: Pages that are asked for at most: a server that never ends must not hold a bot for ever.
_MOST_PAGES = 10_000


class Pages(Generic[T]):
    """A list that comes page by page: ``await`` it for all of it, or go through it with ``async for``.

    ```python
    members = await channel.members()
    async for member in channel.members():
        ...
    ```

    Each page is one call, made when the one before is used up. It can be gone through again, and asks again then.

    Args:
        fetch: Gets the page of a cursor ("" for the first) and the cursor of the next one, "" after the last.
        limit: How many items at most; None for all.
    """

    def __init__(
        self, fetch: Callable[[str], Awaitable[tuple[list[T], str]]], limit: int | None = None
    ) -> None:
        self._fetch = fetch
        self._limit = limit

    async def __aiter__(self) -> AsyncIterator[T]:
        given, cursor, seen = 0, "", {""}
        for _ in range(_MOST_PAGES):
            if self._limit is not None and given >= self._limit:
                return
            items, cursor = await self._fetch(cursor)
            for item in items:
                if self._limit is not None and given >= self._limit:
                    return
                given += 1
                yield item
            # A cursor that came before would lead in a circle, and an empty page leads nowhere.
            if not items or cursor in seen:
                return
            seen.add(cursor)

    def __await__(self) -> Generator[Any, None, list[T]]:
        return self._all().__await__()

    async def _all(self) -> list[T]:
        return [item async for item in self]
