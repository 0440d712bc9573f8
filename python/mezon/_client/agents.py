"""The events of AI agents, which come over HTTP; a part of :class:`mezon.MezonClient`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mezon._agents.stream import AgentEventStream
    from mezon._events.dispatch import Dispatcher
    from mezon.managers.event import EventManager
    from mezon.ports import HttpTransport


class ClientAgents:
    """The stream of the AI agents' events, with or without a login."""

    client_id: int
    api_key: str
    agent_event_url: str | None
    event_manager: EventManager
    _dispatcher: Dispatcher | None
    _http: HttpTransport
    _agent_events: AgentEventStream | None = None
    #: Dispatches before the first login, which makes the client's own.
    _early_dispatcher: Dispatcher | None = None

    if TYPE_CHECKING:

        def _report(self, error: Exception, name: str) -> None: ...

    async def connect_ai_agent_sse(self, path: str = "api/sse/metadata") -> None:
        """Start to receive the AI agents' events; possible before the login. They reconnect by themselves.

        Raises:
            InvalidArgumentError: If the client has no ``agent_event_url``.
        """
        from mezon._agents.stream import AgentEventStream

        if self._agent_events is None:
            self._agent_events = AgentEventStream(
                self.agent_event_url,
                self.client_id,
                self.api_key,
                self._emit_by_name,
                path=path,
                http=self._http,
            )
        await self._agent_events.start()

    async def disconnect_ai_agent_sse(self) -> None:
        """Stop to receive them. Safe at any time."""
        stream, self._agent_events = self._agent_events, None
        if stream is not None:
            await stream.close()

    def _emit_by_name(self, name: str, payload: object) -> None:
        dispatcher = self._dispatcher or self._early_dispatcher
        if dispatcher is None:
            from mezon._events.dispatch import Dispatcher

            dispatcher = self._early_dispatcher = Dispatcher(self.event_manager, {}, self._report, None)
        dispatcher.dispatch(name, payload)
