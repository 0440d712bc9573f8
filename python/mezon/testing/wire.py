"""Write to one TCP connection: the legal forms of the gateway's output, and a pipe that holds, splits and gathers."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from mezon.testing.frames import Padding

__all__ = ["HIGH_WATER", "Pipe", "WireForm"]

HIGH_WATER: Final = 4 * 1024 * 1024
"""Number of buffered bytes of a connection above which a writer waits."""

_HELD_LIMIT: Final = 64 * 1024 * 1024


@dataclass(slots=True)
class WireForm:
    """The form of the gateway's output. Every form is legal: a client must be able to read all of them.

    Attributes:
        split: Maximum number of bytes in one write, with one iteration of the event loop between writes; None for
            whole frames. 1 delivers every frame in pieces.
        gather: Collect writes for this number of seconds and send them as one write.
        interleave: Send other frames, and chunks of other answers, between the chunks of a raw API answer.
        pushes: The form of events on TCP: ``websocket`` frames (0x82), ``abridged``, or alternating (``mixed``).
        padding: How frames on TCP are padded to a multiple of 4 bytes; see ``mezon.testing.frames.Padding``.
    """

    split: int | None = None
    gather: float = 0.0
    interleave: bool = False
    pushes: Literal["mixed", "websocket", "abridged"] = "mixed"
    padding: Padding = "zeros"


class Pipe:
    """The output of one connection.

    Args:
        transport: The transport to write to.
        form: Read at each write, so that a test can change it.
        stalled: Whether output is paused. Paused output waits for ``release``.
    """

    def __init__(self, transport: asyncio.Transport, form: WireForm, stalled: Callable[[], bool]) -> None:
        self._transport = transport
        self._form = form
        self._stalled = stalled
        self._held = bytearray()
        self._writer: asyncio.Task[None] | None = None

    @property
    def is_open(self) -> bool:
        """Whether the TCP connection is open."""
        return not self._transport.is_closing()

    def write(self, data: bytes) -> None:
        """Write bytes (whole frames), or hold them while the gateway is stalled."""
        if not self.is_open:
            return
        plain = self._form.split is None and not self._form.gather
        if plain and not self._held and not self._stalled():
            self._transport.write(data)
            return
        if len(self._held) + len(data) > _HELD_LIMIT:
            raise RuntimeError("too much output is held by stall(); call resume() before sending more")
        self._held += data
        self.release()

    def release(self) -> None:
        """Write the held bytes unless the gateway is stalled."""
        if not self._held or self._stalled() or self._writer is not None:
            return
        self._writer = asyncio.get_running_loop().create_task(self._write_held())

    async def _write_held(self) -> None:
        try:
            while self._held and self.is_open and not self._stalled():
                if self._form.gather:
                    await asyncio.sleep(self._form.gather)
                size = self._form.split or len(self._held)
                self._transport.write(bytes(self._held[:size]))
                del self._held[:size]
                await asyncio.sleep(0)
        finally:
            self._writer = None

    async def drain(self, below: int = HIGH_WATER) -> None:
        """Wait until fewer than ``below`` bytes are buffered, or the connection is closed."""
        # Polling, because aiohttp does not expose the transport's write callbacks. With this buffer size a poll each
        # millisecond keeps the connection busy.
        while self.is_open and self._buffered() >= below:  # noqa: ASYNC110
            await asyncio.sleep(0.001)

    def _buffered(self) -> int:
        return len(self._held) + self._transport.get_write_buffer_size()

    async def finish(self) -> None:
        """Close the connection after everything written so far."""
        while self._held and self.is_open and not self._stalled():  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        self._transport.close()

    def abort(self, *, reset: bool = False) -> None:
        """Abort the TCP connection; with ``reset`` the peer receives a reset."""
        raw = self._transport.get_extra_info("socket")
        if reset and raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def end(self) -> None:
        """Discard the held bytes."""
        self._held.clear()
        if self._writer is not None:
            self._writer.cancel()
