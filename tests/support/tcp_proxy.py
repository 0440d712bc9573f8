"""A loopback TCP proxy that can cut its connections and stop forwarding."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import Self


class TcpProxy:
    """Forwards connections to a port of 127.0.0.1.

    Args:
        target: The port that connections are forwarded to.

    Attributes:
        port: The port that it listens on.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.resume()
        while self._tasks:
            # Repeated for a connection to the target that is just being opened.
            self.cut()
            await asyncio.wait(self._tasks, timeout=0.1)

    def cut(self) -> None:
        """Reset every connection. New ones are accepted."""
        for writer in self._writers:
            if writer.is_closing():
                continue
            # Without lingering, closing sends a reset.
            connection = writer.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()

    def stall(self) -> None:
        """Stop forwarding. Connections stay open, and new ones are accepted but get no bytes."""
        self._flowing.clear()

    def resume(self) -> None:
        """Forward again, beginning with what arrived meanwhile."""
        self._flowing.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        try:
            with contextlib.suppress(OSError):
                far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
                self._writers.add(far_writer)
                try:
                    async with asyncio.TaskGroup() as both:
                        both.create_task(self._forward(reader, far_writer))
                        both.create_task(self._forward(far_reader, writer))
                finally:
                    self._writers.discard(far_writer)
                    far_writer.transport.abort()
        except* OSError:
            pass  # a side reset the connection
        finally:
            self._writers.discard(writer)
            writer.transport.abort()
            self._tasks.discard(task)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1 << 16):
            await self._flowing.wait()
            writer.write(data)
            await writer.drain()
        writer.write_eof()
