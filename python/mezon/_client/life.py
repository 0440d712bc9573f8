"""Losses, reconnects and new sessions of a client that is connected; a part of :class:`mezon.MezonClient`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from mezon._client.directory import ClientObjects
from mezon.constants.enum import Events
from mezon.errors import AuthenticationError, ConnectionLostError, MezonError
from mezon.options import Disconnect, Gap
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from mezon._client.renewal import Renewal
    from mezon._client.watchdog import Watchdog
    from mezon._events.dispatch import Dispatcher
    from mezon._events.gap_filling import GapFiller
    from mezon._events.waiting import Waiters
    from mezon.session import Session
    from mezon.utils.single_flight import SingleFlight

logger = get_logger(__name__)

#: States in which a reconnect is about to bring a new session by itself.
_SESSION_COMES: Final = ("backoff", "authenticating")

#: How often a reconnect takes a 403 without a reason for a rate limit before it believes it.
_DOUBTS: Final = 2


class RefusedError(MezonError):
    """The credentials are refused: no further attempt will help."""


class ClientLife(ClientObjects):
    """Hears of the connection's states and brings a session when one is wanted."""

    use_ssl: bool
    _dispatcher: Dispatcher | None
    _gaps: GapFiller | None
    _watchdog: Watchdog | None
    _renewal: Renewal
    _sessions: SingleFlight[None, Session]
    _tasks: set[asyncio.Task[Any]]
    _waiters: Waiters
    _logging_in: asyncio.Task[None] | None
    _closing: asyncio.Future[None] | None
    _ended: asyncio.Event | None
    _end_error: Exception | None
    _refused: Exception | None
    _doubts: int
    _lost: bool

    if TYPE_CHECKING:

        @property
        def state(self) -> str: ...
        async def get_session(self) -> Session: ...
        def _api_url(self, session: Session) -> str: ...
        def _closing_now(self) -> asyncio.Future[None] | None: ...

    def _state_changed(self, state: str, generation: int, reason: str) -> None:
        logger.debug("Connection %d is %s%s", generation, state, f": {reason}" if reason else "")
        if self._gaps is not None:
            self._gaps.state_changed(state)
        if state == "ready":
            self._lost = False
            self._doubts = 0
        elif state == "backoff" and not self._lost:
            self._lost = True
            logger.warning("The connection was lost and is being made again: %s", reason)
            self._emit(Events.DISCONNECT, Disconnect(reason, will_reconnect=True))
        elif state == "closed" and self._ended is not None and not self._logging_in_now():
            self._closed(reason)

    def _logging_in_now(self) -> bool:
        return self._logging_in is not None and not self._logging_in.done()

    def _closed(self, reason: str) -> None:
        error: Exception | None = None
        if reason != "closed by the client":
            error = self._refused or ConnectionLostError(f"the connection has ended: {reason}")
            logger.error("The connection has ended for good: %s", reason)
            self._end_error = error
        if self._watchdog is not None:
            self._watchdog.stop()
        self._renewal.stop()
        self._emit(Events.DISCONNECT, Disconnect(reason, will_reconnect=False, error=error))
        self._waiters.end_all(reason)
        # A close of everything says itself when it is done.
        if self._ended is not None and self._closing_now() is None:
            self._ended.set()

    def _reconnected(self, lost_at: float, back_at: float) -> None:
        gap = Gap(lost_at, back_at)
        logger.info("The connection is back after %.1f s", gap.seconds)
        self._emit(Events.RECONNECTED, gap)
        if self._gaps is not None:
            self._gaps.fill()
        self._beside(self._look_for_clans(), "looking for new clans after the reconnect")

    async def _look_for_clans(self) -> None:
        """Bring the clans up to date, and join those that are new or could not be joined before."""
        listed = {0, *(await self._refresh_clans())}
        await self.socket_manager.join_clans(listed - self.socket_manager.joined_clans)

    async def _new_url(self, attempt: int) -> str:
        from mezon.socket._url import socket_url

        try:
            session = await self._new_session()
        except AuthenticationError as error:
            if self._is_final(error):
                self._refused = error
                raise RefusedError(str(error)) from error
            raise
        self._use_session(session)
        return socket_url(session.ws_url, self.use_ssl, session.token)

    def _is_final(self, error: AuthenticationError) -> bool:
        """Do the credentials not hold any more? A bare 403 may be about the rate, so it counts when it stays."""
        status = getattr(error, "status", 0)
        if status == 403 and not getattr(error, "body", ""):
            self._doubts += 1
            return self._doubts > _DOUBTS
        return status in (401, 403)

    async def _new_session(self) -> Session:
        """A fresh session; those who want one at the same time share it."""
        return await self._sessions.run(None, self.get_session)

    def _use_session(self, session: Session) -> None:
        self.session_manager.session = session
        self.api_client.base_url = self._api_url(session)
        self._renewal.begin(session)

    async def _renew(self) -> None:
        """Renew the session for HTTP; the socket lives on."""
        if self.state not in _SESSION_COMES:
            self._use_session(await self._new_session())

    async def _reauthenticate(self, stale: str) -> str:
        """A new token for an HTTP call that was answered 401."""
        current = self.session_manager.get_session()
        if current.token != stale:
            return current.token
        session = await self._new_session()
        self._use_session(session)
        return session.token

    def _emit(self, event: Events, payload: Any) -> None:
        """Let an event of the client itself occur."""
        dispatcher = self._dispatcher
        if dispatcher is not None:
            dispatcher.dispatch(event.value, payload)

    def _beside(self, coroutine: Coroutine[Any, Any, Any], what: str) -> None:
        """Run something nobody waits for, behind the calls of handlers; its failure is a warning."""
        from mezon._events.dispatch import run_in_background
        from mezon.api import Priority, prioritized

        with prioritized(Priority.BACKGROUND):
            run_in_background(asyncio.get_running_loop(), self._tasks, coroutine, what)
