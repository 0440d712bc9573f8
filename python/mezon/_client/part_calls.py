"""The calls of a client that one of its parts answers; a face of ``mezon.MezonClient``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mezon.managers._home import SocketOwner
from mezon.utils.own import is_own

if TYPE_CHECKING:
    from collections.abc import Callable

    from mezon._client.agents import Agents
    from mezon._client.background import Background
    from mezon._client.directory import Directory
    from mezon._client.login import Login
    from mezon._client.reports import Reports
    from mezon._client.sessions import Sessions
    from mezon.managers._home import SocketHome
    from mezon.models import SSEMessage
    from mezon.session import Session
    from mezon.structures import TextChannel, User


class PartCalls(SocketOwner):
    """Sessions, objects by id, the events of AI agents. It has no state of its own."""

    directory: Directory
    _sessions: Sessions
    _login: Login
    _agents: Agents
    _reports: Reports
    _background: Background
    event_manager: Any

    async def setup_hook(self) -> None:
        """Override it to prepare the bot: called at each login, when calls can be made and before anything is told.

        The order at the start: this, then the handlers of ``ready`` start, then events do, in the order they came.
        What comes meanwhile waits, so that this must not wait for an event. What it raises fails the login.
        """

    def report_error(self, error: Exception, where: str) -> None:
        """Log an error with its traceback and hand it to ``on_error``, as is done for those of handlers.

        Args:
            error: What was raised.
            where: What raised it, in place of an event's name.
        """
        self._reports.tell(error, where)

    async def get_session(self) -> Session:
        """Get a fresh session, without logging in the client.

        Raises:
            AuthenticationError: If the server refuses the credentials, or answers without a usable session.
            MezonConnectionError, MezonTimeoutError: If it cannot be reached.
        """
        return await self._sessions.authenticate()

    async def initialize_managers(self, sock_session: Session) -> None:
        """Make the managers for a session, connect, join the clans and list the DMs. A part of ``login``.

        Raises:
            MezonConnectionError: If the gateway cannot be reached.
            MezonError: If clans or DMs cannot be listed.
        """
        await self._login.initialize_managers(sock_session)

    def _socket_home(self) -> SocketHome:
        return self._login

    @property
    def _enable_auto_reconnect(self) -> bool:
        """Whether a lost connection is made again. A login of a bot's own sets it, as that of mezon-sdk does."""
        return self._login.auto_reconnect

    @_enable_auto_reconnect.setter
    def _enable_auto_reconnect(self, value: bool) -> None:
        self._login.auto_reconnect = value

    def _setup_reconnect_handlers(self) -> None:
        """Do nothing: the connection is made again by itself. A login of a bot's own calls this."""

    async def get_channel_from_id(self, channel_id: int) -> TextChannel:
        """Do what ``channels.fetch`` does on a miss.

        Raises:
            InvalidArgumentError: If there is no such channel, or the bot is not in its clan (a ValueError).
        """
        return await self.directory.fetch_channel(channel_id)

    async def get_user_from_id(self, user_id: int) -> User:
        """Do what ``users.fetch`` does on a miss: opens the DM with the user.

        Raises:
            InvalidArgumentError: If the user cannot be reached (a ValueError).
        """
        return await self.directory.fetch_user(user_id)

    async def connect_ai_agent_sse(self, path: str = "api/sse/metadata") -> None:
        """Start to receive the AI agents' events; possible before the login. They reconnect by themselves.

        Raises:
            InvalidArgumentError: If the client has no ``agent_event_url``.
        """
        await self._agents.connect(path)

    async def _emit_ai_agent_event(self, message: SSEMessage) -> None:
        """Emit the event that a message of the agents' stream stands for. Bots override it, as that of mezon-sdk."""
        from mezon._agents.stream import agent_event

        found = agent_event(message)
        if found is not None:
            await self.event_manager.emit(*found)

    def _own_agent_messages(self) -> Callable[[SSEMessage], None] | None:
        """Return what calls `_emit_ai_agent_event`, if that is the bot's own."""
        if is_own(self, "_emit_ai_agent_event"):
            return None
        return lambda message: self._background.run(
            self._emit_ai_agent_event(message), "handling an event of the agents"
        )

    async def disconnect_ai_agent_sse(self) -> None:
        """Stop to receive them. Safe at any time."""
        await self._agents.disconnect()
