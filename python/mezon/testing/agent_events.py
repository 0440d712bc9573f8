"""AI agent events: one stream of server-sent events for each bot that listens."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import time
from typing import TYPE_CHECKING, Any

from aiohttp import web

if TYPE_CHECKING:
    from mezon.testing.core import GatewayCore

__all__ = ["AgentEvents"]


class AgentEvents:
    """The streams at ``/api/sse/metadata``."""

    def __init__(self, gateway: GatewayCore) -> None:
        self._gateway = gateway
        self._streams: dict[web.StreamResponse, asyncio.Event] = {}
        self._transports: dict[web.StreamResponse, asyncio.Transport] = {}
        self._numbers = itertools.count(1)

    @property
    def live(self) -> int:
        """How many streams are open."""
        return len(self._streams)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve the route, which stays open until the client goes or ``end_all`` is called."""
        if self._gateway.sessions.login(request.query.get("appid"), request.query.get("token")) is None:
            raise web.HTTPUnauthorized(text="app id and token do not belong together")
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
        )
        await response.prepare(request)
        done = asyncio.Event()
        self._streams[response] = done
        if isinstance(request.transport, asyncio.Transport):
            self._transports[response] = request.transport
        self._gateway.notify()
        try:
            # Proves to the client that the stream is open before the first event comes.
            await response.write(b": connected\n\n")
            await done.wait()
            with contextlib.suppress(ConnectionError):
                await response.write_eof()
        except ConnectionError:
            pass
        finally:
            self._streams.pop(response, None)
            self._transports.pop(response, None)
            self._gateway.notify()
        return response

    async def send(self, event_type: str, **fields: Any) -> dict[str, Any]:
        """Send an event with sensible fields to every stream; the given ones win. Returns what was sent."""
        number = next(self._numbers)
        event = {
            "event_id": f"event-{number}",
            "event_type": event_type,
            "timestamp": int(time.time()),
            "room": {"room_id": "room-1", "room_name": "Room 1"},
            "metadata": {},
            **fields,
        }
        await self.send_raw(f"data: {json.dumps(event, ensure_ascii=False)}\n\n".encode())
        return event

    async def send_raw(self, data: bytes) -> None:
        """Send these bytes as they are to every stream."""
        for response in list(self._streams):
            with contextlib.suppress(ConnectionError):
                await response.write(data)

    async def end_all(self, *, abort: bool = False) -> None:
        """End every stream: properly, or by cutting the TCP connection."""
        for response, done in list(self._streams.items()):
            transport = self._transports.get(response)
            if abort and transport is not None:
                transport.abort()
            done.set()
        await asyncio.sleep(0)
