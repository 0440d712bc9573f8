"""A server of event streams on loopback that a test drives."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class StreamServer:
    """``answers`` are used up one by one; after them every request gets an open stream."""

    url: str = ""
    requests: list[web.Request] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    opened: asyncio.Queue[Stream] = field(default_factory=asyncio.Queue)
    open_connections: set[Any] = field(default_factory=set)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        if self.answers:
            return await self.answers.pop(0)(request)
        stream = Stream(request)
        await stream.response.prepare(request)
        self.open_connections.add(stream)
        await self.opened.put(stream)
        try:
            await stream.done.wait()
        finally:
            self.open_connections.discard(stream)
        return stream.response


class Stream:
    """One connection."""

    def __init__(self, request: web.Request) -> None:
        self.request = request
        self.response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        self.done = asyncio.Event()

    async def send(self, text: str | bytes) -> None:
        await self.response.write(text.encode() if isinstance(text, str) else text)

    def end(self) -> None:
        """End the stream in good order."""
        self.done.set()

    def cut(self) -> None:
        """Cuts the connection."""
        assert self.request.transport is not None
        self.request.transport.abort()
        self.done.set()


def refuses(status: int, *, kind: str = "text/plain", headers: dict[str, str] | None = None) -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(
            status=status, text="data: x\n\n" if status != 204 else None, content_type=kind, headers=headers
        )

    return answer
