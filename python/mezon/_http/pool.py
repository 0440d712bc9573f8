"""One aiohttp session per event loop, closed with its loop. Imported with the first request."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncGenerator

import aiohttp

__all__ = ["Pool"]


async def _keep(session: aiohttp.ClientSession) -> AsyncGenerator[None, None]:
    # An event loop closes its open async generators when it shuts down (asyncio.run does that at its end).
    # So this one closes the session even for a program that never calls close().
    try:
        yield
    finally:
        await session.close()


class Pool:
    """The session of one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, ssl_context: ssl.SSLContext | None) -> None:
        self.loop = loop
        connector = aiohttp.TCPConnector(ssl=True if ssl_context is None else ssl_context)
        self.session = aiohttp.ClientSession(connector=connector)
        self._keeper = _keep(self.session)

    async def open(self) -> None:
        """Have the session closed with the loop from now on."""
        await anext(self._keeper)

    async def close(self) -> None:
        """Close the session, on its own loop."""
        await self.session.close()
        with contextlib.suppress(RuntimeError):  # the loop is just closing it
            await self._keeper.aclose()

    def drop(self) -> None:
        """Close without the loop, which is closed already."""
        if self.session.closed:
            return
        closing = self.session.close()
        with contextlib.suppress(StopIteration, RuntimeError):
            for _ in range(10):  # nothing in it waits once the loop is closed
                closing.send(None)
        closing.close()

    def __del__(self) -> None:
        if self.loop.is_closed():
            self.drop()
