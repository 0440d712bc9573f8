"""How the gateway's bytes reach a peer: the forms a client has to read, and a pipe that holds, cuts and gathers."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from mezon.testing.abridged import Padding

__all__ = ["HIGH_WATER", "Pipe", "WireForm"]

HIGH_WATER: Final = 4 * 1024 * 1024
"""Bytes waiting in a connection's buffer above which a writer waits."""

_HELD_LIMIT: Final = 64 * 1024 * 1024


@dataclass(slots=True)
class WireForm:
    """The form in which the gateway writes. Every form is legal: a client has to read them all.

    Attributes:
        split: At most this many bytes in one write, with a turn of the loop between two; None for whole frames.
            1 lets a client see every frame in pieces.
        gather: For so many seconds what is written waits for company and then goes out as one write.
        interleave: Between two chunks of a raw API answer go other frames, and chunks of other answers.
        pushes: How events go out on TCP: as ``websocket`` frames (0x82), ``abridged``, or by turns (``mixed``).
        padding: How frames on TCP come to a multiple of 4 bytes; see ``mezon.testing.abridged.Padding``.
    """

    split: int | None = None
    gather: float = 0.0
    interleave: bool = False
    pushes: Literal["mixed", "websocket", "abridged"] = "mixed"
    padding: Padding = "zeros"


class Pipe:
    """The way out of one connection.

    Args:
        transport: Where the bytes go.
        form: Read at each write, so that a test may change it.
        stalled: Whether nothing may move now; what is written meanwhile waits for ``release``.
    """

    def __init__(self, transport: asyncio.Transport, form: WireForm, stalled: Callable[[], bool]) -> None:
        self._transport = transport
        self._form = form
        self._stalled = stalled
        self._held = bytearray()
        self._writer: asyncio.Task[None] | None = None

    @property
    def is_open(self) -> bool:
        """Whether the TCP connection stands."""
        return not self._transport.is_closing()

    def write(self, data: bytes) -> None:
        """Put bytes (whole frames) on the wire; while the gateway is stalled they wait."""
        if not self.is_open:
            return
        plain = self._form.split is None and not self._form.gather
        if plain and not self._held and not self._stalled():
            self._transport.write(data)
            return
        if len(self._held) + len(data) > _HELD_LIMIT:
            raise RuntimeError("too much waits behind stall(); call resume() before sending more")
        self._held += data
        self.release()

    def release(self) -> None:
        """Send what waits, unless the gateway is stalled."""
        if not self._held or self._stalled() or self._writer is not None:
            return
        self._writer = asyncio.get_running_loop().create_task(self._pass_on())

    async def _pass_on(self) -> None:
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
        """Wait until fewer than ``below`` bytes wait for the peer, or the connection is gone."""
        # Asked by the clock, not told by an event: aiohttp keeps the write callbacks to itself, and at this
        # buffer size one look a millisecond keeps the pipe full.
        while self.is_open and self._waiting() >= below:  # noqa: ASYNC110
            await asyncio.sleep(0.001)

    def _waiting(self) -> int:
        return len(self._held) + self._transport.get_write_buffer_size()

    async def finish(self) -> None:
        """End the connection after what was written so far."""
        while self._held and self.is_open and not self._stalled():  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        self._transport.close()

    def abort(self, *, reset: bool = False) -> None:
        """Cut the TCP connection; with ``reset`` the peer sees a reset."""
        raw = self._transport.get_extra_info("socket")
        if reset and raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def end(self) -> None:
        """Forget what waits."""
        self._held.clear()
        if self._writer is not None:
            self._writer.cancel()
