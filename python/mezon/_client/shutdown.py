"""How a client ends: in order, once, whoever asks for it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from mezon.errors import NotLoggedInError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mezon._client.agents import Agents
    from mezon._client.background import Background
    from mezon._client.operations import Operations
    from mezon._client.sessions import Sessions
    from mezon._events.dispatch import Dispatcher
    from mezon._events.waiting import Waiters

#: Seconds the handlers of ``disconnect`` have when the client is closed without ``drain``.
_LAST_WORDS: Final = 1.0


class Shutdown:
    """Closes what a login has opened, and tells those who wait for the end.

    Args:
        dispatcher: Runs the handlers.
        waiters: Who waits for an event: they wait no longer.
        sessions: Renews the session.
        agents: The stream of the AI agents' events.
        background: Runs what nobody waits for.
        operations: Tells those who run the bot how it is.
        close_connection: Stops gap filling and closes the connection.
        close_rest: Closes what handlers may need until they have ended: tokens, HTTP, the store.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        waiters: Waiters,
        sessions: Sessions,
        agents: Agents,
        background: Background,
        operations: Operations,
        close_connection: Callable[[], Awaitable[None]],
        close_rest: Callable[[], Awaitable[None]],
    ) -> None:
        self._dispatcher = dispatcher
        self._waiters = waiters
        self._sessions = sessions
        self._agents = agents
        self._background = background
        self._operations = operations
        self._close_connection = close_connection
        self._close_rest = close_rest
        self._closing: asyncio.Future[None] | None = None
        self._guard: asyncio.Task[None] | None = None
        self._ended: asyncio.Event | None = None
        self._error: Exception | None = None

    # ---- a login

    def begin(self) -> None:
        """Begin with a login: those who ask wait for its end from now on."""
        self._ended = asyncio.Event()
        self._error = None

    async def open(self) -> None:
        """Be seen by those who run the bot.

        Raises:
            MezonError: If that is impossible.
        """
        await self._operations.begin()

    def watch(self) -> None:
        """Watch a client that is logged in: close it in order when the loop ends without a word."""
        self._operations.ready()
        guard = self._guard = asyncio.ensure_future(self._close_with_the_loop())
        # Who stops a loop without cancelling its tasks is not to be told of this one.
        guard._log_destroy_pending = False  # type: ignore[attr-defined]

    async def fail(self, error: BaseException) -> None:
        """End a login that has failed: close what it had opened; those who wait for the end get the error."""
        self._error = error if isinstance(error, Exception) else None
        await self.close(0.0)

    # ---- the end of the connection

    def connection_ended(self, error: Exception | None) -> None:
        """Leave, as the connection is closed for good, nothing of the client in the loop.

        Args:
            error: Why, unless the client itself has closed it.
        """
        if error is not None:
            self._error = error
        self._waiters.end_all(str(error or "the connection was closed"))
        self._operations.connection_ended(lost=error is not None)
        self._sessions.stop()
        self._end_guard()

    def tell_end(self) -> None:
        """Tell those who wait; a close of everything tells them when it is done."""
        if self._ended is not None and self.closing_now() is None:
            self._ended.set()

    def closing_now(self) -> asyncio.Future[None] | None:
        """Give what is done when the close under way is; None when there is none."""
        closing = self._closing
        if closing is None or closing.done() or closing.get_loop() is not asyncio.get_running_loop():
            return None
        return closing

    async def wait_closed(self) -> None:
        """Wait for the end.

        Raises:
            NotLoggedInError: If there was no login.
            Exception: The error that ended it.
        """
        if self._ended is None:
            raise NotLoggedInError("there is nothing to wait for: await client.login() first")
        await self._ended.wait()
        if self._error is not None:
            raise self._error

    # ---- the close of everything

    async def close(self, drain: float) -> None:
        """Close everything, one at a time; who comes second waits, then looks that nothing is left.

        Args:
            drain: Seconds the running handlers may take to end.
        """
        while (closing := self.closing_now()) is not None:
            # One turn: an eager handler is known as one when it first waits.
            await asyncio.sleep(0)
            if self._dispatcher.runs(asyncio.current_task()):
                # The first waits for the handlers: waiting for it in one would be waiting for oneself.
                return
            await asyncio.wait([closing])
        mine = self._closing = asyncio.get_running_loop().create_future()
        try:
            await self._close_everything(drain)
        finally:
            mine.set_result(None)
            if self._ended is not None:
                self._ended.set()

    async def _close_everything(self, drain: float) -> None:
        self._end_guard()
        self._sessions.stop()
        self._operations.stopping()
        await self._agents.disconnect()
        # Handlers may need the socket for their last words: it closes after them.
        self._dispatcher.hold()
        self._waiters.end_all("the client was closed")
        await self._dispatcher.finish(drain)
        await self._close_connection()
        # Those that run now are those of the disconnect itself.
        await self._dispatcher.finish(max(drain, _LAST_WORDS))
        await asyncio.sleep(0)
        await self._background.stop()
        await self._close_rest()
        await self._operations.stop()

    async def _close_with_the_loop(self) -> None:
        """Close in order at the end of ``asyncio.run``, which cancels every task, this one too."""
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            if self._guard is asyncio.current_task():
                await self.close(0.0)
            raise

    def _end_guard(self) -> None:
        guard, self._guard = self._guard, None
        if guard is None or guard.get_loop().is_closed() or guard is asyncio.current_task():
            return
        guard.cancel()
