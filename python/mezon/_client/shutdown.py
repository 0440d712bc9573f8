"""How a client ends: in order, once, whoever asks for it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from mezon.errors import NotLoggedInError
from mezon.managers._handlers import EXIT_ERRORS
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mezon._client.background import Background
    from mezon._client.operations import Operations
    from mezon._client.sessions import Sessions
    from mezon._events.dispatcher import Dispatcher
    from mezon._events.waiting import Waiters

logger = get_logger("mezon.client")

#: Seconds the handlers of ``disconnect`` have when the client is closed without ``drain``.
_LAST_WORDS: Final = 1.0


class Shutdown:
    """Closes what a login has opened, and tells those who wait for the end.

    Args:
        dispatcher: Runs the handlers.
        waiters: Who waits for an event: they wait no longer.
        sessions: Renews the session.
        close_agents: Ends the stream of the AI agents' events.
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
        close_agents: Callable[[], Awaitable[None]],
        background: Background,
        operations: Operations,
        close_connection: Callable[[], Awaitable[None]],
        close_rest: Callable[[], Awaitable[None]],
    ) -> None:
        self._dispatcher = dispatcher
        self._waiters = waiters
        self._sessions = sessions
        self._close_agents = close_agents
        self._background = background
        self._operations = operations
        self._close_connection = close_connection
        self._close_rest = close_rest
        #: Runs the close of everything. Callers wait for it: their cancellation does not end it.
        self._closing: asyncio.Task[None] | None = None
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
        try:
            await self.close(0.0)
        except Exception:
            # The login's own error is the one to raise.
            logger.exception("The client was closed with an error")

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

    def closing_now(self) -> asyncio.Task[None] | None:
        """Return the close under way on this loop; None when there is none."""
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

        A close that has begun is finished when its caller is cancelled, too. It cannot be cancelled itself: that only
        ends its patience with handlers.

        Args:
            drain: Seconds the running handlers may take to end.

        Raises:
            Exception: The first error of a step, after every step was taken.
        """
        caller = asyncio.current_task()
        while True:
            closing = self.closing_now()
            if closing is not None:
                # One turn: an eager handler is known as one when it first waits.
                await asyncio.sleep(0)
                if self._dispatcher.runs(caller):
                    # The first waits for the handlers: waiting for it in one would be waiting for oneself.
                    return None
                await asyncio.wait([closing])
                continue
            # Not loop.create_task: the first step of an eager task would come before `_closing` is set.
            mine = self._closing = asyncio.Task(
                self._close_everything(drain, caller), loop=asyncio.get_running_loop(), name="mezon-close"
            )
            try:
                await asyncio.wait([mine])
            except asyncio.CancelledError:
                mine.add_done_callback(_report)
                raise
            # Otherwise it was cancelled before its first step, and nothing is closed.
            if not mine.cancelled():
                return mine.result()

    async def _close_everything(self, drain: float, caller: asyncio.Task[Any] | None) -> None:
        self._end_guard(caller)
        self._sessions.stop()
        self._operations.stopping()
        failures: list[BaseException] = []
        try:
            for step in (
                lambda drain: self._close_agents(),
                lambda drain: self._end_handlers(drain, caller),
                lambda drain: self._close_connection(),
                # Those that run now are those of the disconnect itself.
                lambda drain: self._dispatcher.finish(max(drain, _LAST_WORDS), caller, last=True),
                lambda drain: self._stop_background(caller),
                lambda drain: self._close_rest(),
                lambda drain: self._operations.stop(),
            ):
                drain = await _take(step, drain, failures)
        finally:
            if self._ended is not None:
                self._ended.set()
        if not failures:
            return
        first = next((error for error in failures if isinstance(error, EXIT_ERRORS)), failures[0])
        for error in failures:
            if error is not first:
                logger.error("A further error while the client was closed", exc_info=error)
        raise first

    async def _end_handlers(self, drain: float, caller: asyncio.Task[Any] | None) -> None:
        """Let the handlers end while the socket is open, for their last words."""
        self._dispatcher.hold()
        self._waiters.end_all("the client was closed")
        await self._dispatcher.finish(drain, caller)

    async def _stop_background(self, caller: asyncio.Task[Any] | None) -> None:
        await asyncio.sleep(0)
        await self._background.stop(caller)

    async def _close_with_the_loop(self) -> None:
        """Close in order at the end of ``asyncio.run``, which cancels every task, this one too."""
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            if self._guard is asyncio.current_task():
                await self.close(0.0)
            raise

    def _end_guard(self, caller: asyncio.Task[Any] | None = None) -> None:
        guard, self._guard = self._guard, None
        if guard is None or guard.get_loop().is_closed() or guard is caller:
            return
        guard.cancel()


async def _take(
    step: Callable[[float], Awaitable[None]], drain: float, failures: list[BaseException]
) -> float:
    """Take a step of the close, so that the next one is taken whatever happens; returns the drain from then on.

    A step that is cancelled is taken once more, and handlers are not waited for any longer: ``asyncio.run`` cancels
    every task at its end.
    """
    for _ in range(2):
        try:
            await step(drain)
        except asyncio.CancelledError:
            drain = 0.0
            task = asyncio.current_task()
            if task is not None:
                task.uncancel()
        except BaseException as error:
            failures.append(error)
            return 0.0 if isinstance(error, EXIT_ERRORS) else drain
        else:
            break
    return drain


def _report(closing: asyncio.Task[None]) -> None:
    """Log the error of a close whose caller was cancelled."""
    error = None if closing.cancelled() else closing.exception()
    if error is not None:
        logger.error("The client was closed with an error", exc_info=error)
