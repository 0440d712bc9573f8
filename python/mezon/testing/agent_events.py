"""AI agent events: one stream of server-sent events for each bot that listens, at ``/api/sse/metadata``."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import time
from collections.abc import Callable
from typing import Any

from aiohttp import web

from mezon.testing.sessions import Sessions

__all__ = ["AgentEvents"]


class AgentEvents:
    """The open event streams.

    Args:
        sessions: Authenticates bots.
        notify: Called when a stream is opened or closed.
    """

    def __init__(self, sessions: Sessions, notify: Callable[[], None]) -> None:
        self._sessions = sessions
        self._notify = notify
        self._streams: dict[web.StreamResponse, asyncio.Event] = {}
        self._transports: dict[web.StreamResponse, asyncio.Transport] = {}
        self._numbers = itertools.count(1)

    @property
    def live(self) -> int:
        """The number of open streams."""
        return len(self._streams)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve a stream until the client disconnects or ``end_all`` is called."""
        if self._sessions.login(request.query.get("appid"), request.query.get("token")) is None:
            raise web.HTTPUnauthorized(text="the app id or token is not valid")
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
        )
        await response.prepare(request)
        done = asyncio.Event()
        self._streams[response] = done
        if isinstance(request.transport, asyncio.Transport):
            self._transports[response] = request.transport
        self._notify()
        try:
            # Shows the client that the stream is open before the first event.
            await response.write(b": connected\n\n")
            await done.wait()
            with contextlib.suppress(ConnectionError):
                await response.write_eof()
        except ConnectionError:
            pass
        finally:
            self._streams.pop(response, None)
            self._transports.pop(response, None)
            self._notify()
        return response

    async def send(self, event_type: str, **fields: Any) -> dict[str, Any]:
        """Send an event to every stream. ``fields`` override the default fields. Return the event."""
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
        """Send raw bytes to every stream."""
        for response in list(self._streams):
            with contextlib.suppress(ConnectionError):
                await response.write(data)

    async def end_all(self, *, abort: bool = False) -> None:
        """End every stream: cleanly, or by aborting the TCP connection."""
        for response, done in list(self._streams.items()):
            transport = self._transports.get(response)
            if abort and transport is not None:
                transport.abort()
            done.set()
        await asyncio.sleep(0)
