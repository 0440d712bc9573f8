"""The events of AI agents, which come over HTTP, with or without a login."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from mezon.utils.masked import masked

if TYPE_CHECKING:
    from collections.abc import Callable

    from mezon._agents.stream import AgentEventStream
    from mezon._client.view import ClientView
    from mezon.models import SSEMessage
    from mezon.ports import Ports


class Agents:
    """The stream of the AI agents' events of one client.

    Args:
        client: The client.
        ports: Where HTTP requests go.
        emit: Called with the name of an event and its payload.
        own_take: Return what takes the messages of the stream in place of the package's own, or None.
    """

    def __init__(
        self,
        client: ClientView,
        ports: Ports,
        emit: Callable[[str, object], None],
        own_take: Callable[[], Callable[[SSEMessage], None] | None],
    ) -> None:
        self._client = client
        self._ports = ports
        self._emit = emit
        self._own_take = own_take
        self._stream: AgentEventStream | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def connect(self, path: str) -> None:
        """Start to receive them. Nothing happens while the stream is open.

        Raises:
            InvalidArgumentError: If the client has no ``agent_event_url``.
        """
        from mezon._agents.stream import AgentEventStream

        self._forget_with_the_loop()
        if self._stream is None:
            client = self._client
            self._stream = AgentEventStream(
                client.agent_event_url,
                client.client_id,
                masked(client.api_key),
                self._emit,
                path=path,
                http=self._ports.http(),
                take=self._own_take(),
            )
        self._loop = asyncio.get_running_loop()
        await self._stream.start()

    async def disconnect(self) -> None:
        """Stop to receive them. Safe at any time."""
        self._forget_with_the_loop()
        stream, self._stream = self._stream, None
        if stream is not None:
            await stream.close()

    def _forget_with_the_loop(self) -> None:
        """Forget the streams of a loop that is closed: they have ended with it."""
        if self._loop is not None and self._loop.is_closed():
            self._stream = self._loop = None
