"""A small HTTP server that says how a bot is: for containers, load balancers and people."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any, Final

from mezon.errors import InvalidArgumentError, MezonError
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

logger = get_logger("mezon.client")

#: Bytes of a line of a request that are read.
_MAX_LINE: Final = 8 * 1024
#: Seconds a connection may take, from its first byte to the end of the answer.
_TIMEOUT: Final = 5.0
#: Connections at once. One more ends the oldest: a probe sends its request at once, and is answered within a turn or
#: two of the loop, so what is old is idle.
MAX_CONNECTIONS: Final = 16


def address_of(health: str) -> tuple[str, int]:
    """Host and port of ``health="127.0.0.1:8080"``.

    Raises:
        InvalidArgumentError: If it is no such text.
    """
    host, separator, port = str(health).rpartition(":")
    if not separator or not host or not port.isdecimal() or int(port) > 65535:
        raise InvalidArgumentError(f'health is host and port, such as "127.0.0.1:8080", not {health!r}')
    return host.strip("[]"), int(port)


class Health:
    """Answers ``GET /live``, ``/ready`` and ``/stats``.

    ``/live`` is 200 as long as the event loop runs; ``/ready`` is 200 while ``ready`` says so and 503 else; ``/stats``
    is JSON. It knows nothing secret and changes nothing.

    Args:
        health: Where to listen, as ``"127.0.0.1:8080"``; port 0 takes a free one.
        ready: Can the bot hear and talk?
        stats: The numbers to show.
    """

    def __init__(
        self, health: str, ready: Callable[[], bool], stats: Callable[[], Mapping[str, Any]]
    ) -> None:
        self._host, self._port = address_of(health)
        self._ready = ready
        self._stats = stats
        self._server: asyncio.Server | None = None
        #: The open connections and the tasks that serve them, oldest first.
        self._open: dict[asyncio.StreamWriter, asyncio.Task[None]] = {}

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._port if self._server is None else int(self._server.sockets[0].getsockname()[1])

    async def start(self) -> None:
        """Listen; does nothing when it does already.

        Raises:
            MezonError: If the port is taken.
        """
        if self._server is not None:
            return
        try:
            # The backlog is also how many connections the loop accepts in one turn.
            self._server = await asyncio.start_server(
                self._accept, self._host, self._port, limit=_MAX_LINE, backlog=MAX_CONNECTIONS
            )
        except OSError as error:
            raise MezonError(
                f"the health server cannot listen on {self._host}:{self._port} ({error.strerror or error}): "
                "choose another port"
            ) from None
        logger.info("Health: http://%s:%d/live, /ready, /stats", self._host, self.port)

    def close(self) -> asyncio.Server | None:
        """Stop listening and end the open connections. Safe at any time."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
            for task in tuple(self._open.values()):
                if not task.get_loop().is_closed():
                    task.cancel()
        return server

    async def stop(self) -> None:
        """Listen no more. Safe at any time."""
        server = self.close()
        if server is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await server.wait_closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._open) >= MAX_CONNECTIONS:
            oldest = next(iter(self._open))
            self._open.pop(oldest).cancel()
            oldest.transport.abort()
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._open[writer] = task
        task.add_done_callback(lambda _: self._end(writer))

    def _end(self, writer: asyncio.StreamWriter) -> None:
        self._open.pop(writer, None)
        # Whatever has not been sent by now is not waited for.
        writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, ValueError, TimeoutError):
            async with asyncio.timeout(_TIMEOUT):
                line = await reader.readline()
                while (await reader.readline()).strip():
                    pass
                status, body = self._answer(line.decode("latin-1").split())
                head = (
                    f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
                )
                writer.write(f"{head}Cache-Control: no-store\r\nConnection: close\r\n\r\n".encode() + body)
                await writer.drain()
                writer.close()
                await writer.wait_closed()

    def _answer(self, words: list[str]) -> tuple[str, bytes]:
        if len(words) != 3 or words[0] not in ("GET", "HEAD"):
            return "405 Method Not Allowed", b"{}"
        match words[1].partition("?")[0]:
            case "/live":
                return "200 OK", b'{"live":true}'
            case "/ready":
                ready = self._ready()
                status = "200 OK" if ready else "503 Service Unavailable"
                return status, json.dumps({"ready": ready}).encode()
            case "/stats":
                return "200 OK", json.dumps(dict(self._stats()), default=str).encode()
            case _:
                return "404 Not Found", b"{}"
