"""A worker's HTTP: what goes to Mezon's API goes by the relay, which has the key, the token and the limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mezon._cluster.packets import Packet, answer_of
from mezon.ports import HttpAnswer, HttpLane, HttpRequest

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from mezon._cluster.relay_client import Courier
    from mezon.ports import HttpStream, HttpTransport

#: Calls that only ask: their answer is not remembered, and asking twice does no harm.
_HARMLESS = ("List", "Get", "Search", "Check")


class WorkerHttp:
    """One transport behind which two ways lie; see :class:`mezon.ports.HttpTransport`.

    Requests in the lanes of API and login are made by the relay. Free ones (uploads to a signed place, the services of
    token transfers) carry nothing of the relay's and need none of its limits: they go out here.

    Args:
        courier: The way to the relay; waits until the worker is connected.
        own: The transport for free requests.
    """

    def __init__(self, courier: Callable[[], Any], own: HttpTransport) -> None:
        self._courier = courier
        self._own = own

    async def send(self, request: HttpRequest) -> HttpAnswer:
        """Make a request; see the port."""
        if request.lane is HttpLane.FREE:
            return await self._own.send(request)
        courier: Courier = await self._courier()
        if request.lane is HttpLane.LOGIN:
            answer = await courier.ask("session", Packet(), request.timeout, request.name, harmless=True)
            return answer_of(answer)
        if request.on_turn is not None:
            request.on_turn()
        path = request.url.partition("://")[2].partition("/")[2]
        values: dict[str, Any] = {
            "name": request.name,
            "method": request.method,
            "path": f"/{path}",
            "params": dict(request.params) if request.params else None,
            "headers": {
                name: str(value)
                for name, value in request.headers.items()
                if name.lower() in ("accept", "content-type")
            },
            "timeout": request.timeout,
            "max_answer": request.max_answer,
            "priority": request.priority,
        }
        body = request.body if isinstance(request.body, bytes) else str(request.body or "").encode()
        harmless = request.method == "GET" or request.name.startswith(_HARMLESS)
        # The limit may keep a request waiting for long: its own time runs from its turn on.
        patience = None if request.timeout is None else request.timeout + 120.0
        answer = await courier.ask("http", Packet(values, body), patience, request.name, harmless=harmless)
        return answer_of(answer)

    def stream(self, request: HttpRequest) -> AbstractAsyncContextManager[HttpStream]:
        """Open an answer without an end; those are free requests, made here."""
        return self._own.stream(request)

    def hold(self, lane: HttpLane, seconds: float) -> None:
        """Start nothing in this lane for so long. The relay's lanes are the relay's: it reads the same answers."""
        if lane is HttpLane.FREE:
            self._own.hold(lane, seconds)

    async def close(self) -> None:
        """Close what is here; the relay's transport is its own."""
        await self._own.close()
