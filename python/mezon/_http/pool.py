"""One aiohttp session per event loop, closed with its loop. Imported with the first request."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import weakref
from collections.abc import AsyncGenerator
from typing import Any

import aiohttp

from mezon.utils.process import ProcessGuard

__all__ = ["Pool"]

#: What a forked child has inherited: neither its descriptors nor its loop may be touched, not even to close them.
_inherited: list[Any] = []


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
        process = ProcessGuard()
        process.begin()
        # Holds the session, so that it outlives a client that is thrown away and can be closed after it.
        self._last = weakref.finalize(self, _abandon, loop, self.session, self._keeper, process)
        self._last.atexit = False

    async def open(self) -> None:
        """Have the session closed with the loop from now on."""
        await anext(self._keeper)

    async def close(self) -> None:
        """Close the session, on its own loop."""
        self._last.detach()
        await self.session.close()
        with contextlib.suppress(RuntimeError):  # the loop is just closing it
            await self._keeper.aclose()

    def drop(self) -> None:
        """Close without the loop, which is closed already."""
        self._last.detach()
        _drop(self.session)


def _drop(session: aiohttp.ClientSession) -> None:
    if session.closed:
        return
    closing = session.close()
    with contextlib.suppress(StopIteration, RuntimeError):
        for _ in range(10):  # nothing in it waits once the loop is closed
            closing.send(None)
    closing.close()


def _abandon(
    loop: asyncio.AbstractEventLoop,
    session: aiohttp.ClientSession,
    keeper: AsyncGenerator[None, None],
    process: ProcessGuard,
) -> None:
    """Close a pool that nobody holds any more. Called by the garbage collector, in any thread.

    On a living loop nothing is left to do: the generator is let go after this, and its loop then closes it, and it
    the session.
    """
    if process.elsewhere:
        _inherited.append((session, keeper))
    elif loop.is_closed():
        _drop(session)
