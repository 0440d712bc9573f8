"""One port for both transports: the first byte of a connection says which it is, as on the live service."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from ssl import SSLContext
from typing import cast

from aiohttp import web

from mezon.testing.abridged import HANDSHAKE

__all__ = ["Entrance"]


class Entrance(web.BaseSite):
    """Listens, and hands each connection to aiohttp or to the abridged side.

    Args:
        runner: The HTTP side.
        host: Where to listen.
        port: On which port.
        tcp: Makes the protocol that reads an abridged connection.
        silence_limit: After so many seconds a connection that said nothing at all is closed; None for never.
    """

    def __init__(
        self,
        runner: web.AppRunner,
        host: str,
        port: int,
        *,
        tcp: Callable[[], asyncio.Protocol],
        silence_limit: float | None,
        ssl_context: SSLContext | None = None,
    ) -> None:
        super().__init__(runner, ssl_context=ssl_context)
        self._host = host
        self._port = port
        self._tcp = tcp
        self._silence_limit = silence_limit
        self._undecided: set[_FirstByte] = set()

    @property
    def name(self) -> str:
        """Where it listens."""
        return f"{self._host}:{self._port}"

    async def start(self) -> None:
        """Begin to listen. Raises OSError when the port is taken."""
        await super().start()
        self._server = await asyncio.get_running_loop().create_server(
            lambda: _FirstByte(self._choose, self._undecided, self._silence_limit),
            self._host,
            self._port,
            ssl=self._ssl_context,
            backlog=self._backlog,
        )

    async def stop(self) -> None:
        """Listen no more, and cut what has not said yet what it is."""
        for connection in list(self._undecided):
            connection.abort()
        await super().stop()

    def _choose(self, first: int) -> asyncio.Protocol:
        if first == HANDSHAKE:
            return self._tcp()
        http = self._runner.server
        assert http is not None
        return http()


class _FirstByte(asyncio.Protocol):
    def __init__(
        self,
        choose: Callable[[int], asyncio.Protocol],
        undecided: set[_FirstByte],
        silence_limit: float | None,
    ) -> None:
        self._choose = choose
        self._undecided = undecided
        self._silence_limit = silence_limit
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A cast, for uvloop's transports are no asyncio.Transport.
        self._transport = cast(asyncio.Transport, transport)
        self._undecided.add(self)
        if self._silence_limit is not None:
            self._timer = asyncio.get_running_loop().call_later(self._silence_limit, self.abort)

    def data_received(self, data: bytes) -> None:
        self._decided()
        protocol = self._choose(data[0])
        self._transport.set_protocol(protocol)
        protocol.connection_made(self._transport)
        protocol.data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._decided()

    def abort(self) -> None:
        """Cut the connection."""
        self._transport.abort()

    def _decided(self) -> None:
        self._undecided.discard(self)
        if self._timer is not None:
            self._timer.cancel()
