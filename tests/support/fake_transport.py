"""An HTTP transport in memory: no sockets, no aiohttp."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from mezon.ports import HttpAnswer, HttpLane, HttpRequest, HttpStream

Said = HttpAnswer | Exception | Callable[[HttpRequest], HttpAnswer]


@dataclass
class FakeTransport:
    """Answers come from ``script`` in order, then ``default``. ``streams`` are the pieces of streams."""

    script: list[Said] = field(default_factory=list)
    default: Said = field(default_factory=lambda: HttpAnswer(200))
    streams: list[list[bytes]] = field(default_factory=list)
    seen: list[HttpRequest] = field(default_factory=list)
    held: list[tuple[HttpLane, float]] = field(default_factory=list)
    closed: int = 0

    async def send(self, request: HttpRequest) -> HttpAnswer:
        if request.on_turn is not None:
            request.on_turn()
        self.seen.append(request)
        said = self.script.pop(0) if self.script else self.default
        if isinstance(said, Exception):
            raise said
        return said if isinstance(said, HttpAnswer) else said(request)

    @contextlib.asynccontextmanager
    async def stream(self, request: HttpRequest) -> AsyncIterator[HttpStream]:
        self.seen.append(request)
        yield FakeStream(self.streams.pop(0))

    def hold(self, lane: HttpLane, seconds: float) -> None:
        self.held.append((lane, seconds))

    async def close(self) -> None:
        self.closed += 1


class FakeStream:
    def __init__(self, pieces: list[bytes]) -> None:
        self.status = 200
        self.headers = {"Content-Type": "text/event-stream"}
        self._pieces = pieces

    async def chunks(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece
