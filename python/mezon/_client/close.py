"""The close of a client. What happens at a disconnect, in order: `Shutdown._close`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from mezon._client.view import manager_of
from mezon.errors import NotLoggedInError
from mezon.managers._handlers import EXIT_ERRORS
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mezon._client.operations import Operations
    from mezon._client.sessions import Sessions
    from mezon._client.view import ClientView
    from mezon._events.dispatcher import Dispatcher
    from mezon._events.waiting import Waiters
    from mezon.utils.background import BackgroundTasks

logger = get_logger("mezon.client")

#: Seconds the handlers of ``disconnect`` have when the client is closed without ``drain``.
_DISCONNECT_TIMEOUT: Final = 1.0


class ClosingStack:
    """The close functions of resources, called in reverse order of their opening.

    Unlike ``contextlib.AsyncExitStack`` it keeps its entries: the HTTP transport, the store and the token service
    reopen when they are used after a close, so the next close calls them again. The functions are idempotent.
    """

    def __init__(self) -> None:
        self._closes: list[Callable[[], Awaitable[None]]] = []

    def push(self, close: Callable[[], Awaitable[None]]) -> None:
        """Call `close` in every close of the client from now on."""
        self._closes.append(close)

    def unwind(self) -> list[Callable[[], Awaitable[None]]]:
        """Return the close functions, the last pushed first."""
        return self._closes[::-1]


class Shutdown:
    """Closes a client, once at a time, and notifies those who wait for its end.

    Args:
        client: The client.
        dispatcher: Runs the handlers.
        waiters: The callers of ``wait_for`` and ``stream``.
        sessions: Renews the session.
        background: The background tasks of the client.
        operations: Health endpoint, systemd and loop monitor.
        resources: What handlers may use until the last of them has ended: tokens, HTTP, the store.
    """

    def __init__(
        self,
        client: ClientView,
        dispatcher: Dispatcher,
        waiters: Waiters,
        sessions: Sessions,
        background: BackgroundTasks,
        operations: Operations,
        resources: ClosingStack,
    ) -> None:
        self._client = client
        self._dispatcher = dispatcher
        self._waiters = waiters
        self._sessions = sessions
        self._background = background
        self._operations = operations
        self._resources = resources
        #: What uses the connection and is closed with it: gap filling, above the connection itself.
        self.connection = ClosingStack()
        self.connection.push(self._close_socket)
        #: The task of the close under way. Callers wait for it; their cancellation does not reach it.
        self._closing: asyncio.Task[None] | None = None
        self._guard: asyncio.Task[None] | None = None
        self._ended: asyncio.Event | None = None
        self._error: Exception | None = None

    # ---- the close of everything

    async def close(self, drain: float) -> None:
        """Close everything. A second caller waits for the first, then closes what was opened meanwhile.

        The close runs in its own task: it is finished even if its caller is cancelled. Cancelling that task itself
        only ends its wait for handlers.

        Args:
            drain: Seconds the running handlers may take to end.

        Raises:
            Exception: The first error of a step, after every step was taken.
        """
        caller = asyncio.current_task()
        while True:
            closing = self.closing_now()
            if closing is not None:
                # An eager handler is registered as running when it first suspends.
                await asyncio.sleep(0)
                if self._dispatcher.runs(caller):
                    # The close waits for its handlers, so a handler must not wait for the close.
                    return None
                await asyncio.wait([closing])
                continue
            # Not loop.create_task: an eager task would take its first step before `_closing` is set.
            mine = self._closing = asyncio.Task(
                self._close(drain, caller), loop=asyncio.get_running_loop(), name="mezon-close"
            )
            try:
                await asyncio.wait([mine])
            except asyncio.CancelledError:
                mine.add_done_callback(_log_failure)
                raise
            # A task that was cancelled before its first step has closed nothing: try again.
            if not mine.cancelled():
                return mine.result()

    async def _close(self, drain: float, caller: asyncio.Task[Any] | None) -> None:
        """Take every step in order, whatever an earlier one raised.

        Args:
            drain: Seconds the running handlers may take to end.
            caller: The task that called ``disconnect``: it may be a handler or a background task, which is neither
                awaited nor cancelled here.
        """
        steps = _Steps(drain)
        try:
            # No renewal of the session and no close at the end of the loop from now on; systemd sees STOPPING.
            self._release_guard(caller)
            self._sessions.stop()
            self._operations.stopping()

            # Event sources: the stream of AI agent events, by attribute because a bot may override it, then the
            # connection, which still carries calls, and the callers of `wait_for`.
            await steps.take(lambda: self._client.disconnect_ai_agent_sse())
            self._dispatcher.hold()
            self._waiters.end_all("the client was closed")

            # Running handlers may finish their work while the connection is open.
            await steps.take(lambda: self._dispatcher.finish(steps.drain, caller))

            # Gap filling, then the connection, which dispatches `disconnect`; the handlers of that event run last.
            for close in self.connection.unwind():
                await steps.take(close)
            await steps.take(
                lambda: self._dispatcher.finish(max(steps.drain, _DISCONNECT_TIMEOUT), caller, last=True)
            )
            await steps.take(lambda: self._stop_background(caller))

            # Nothing of the client runs any more: close the API client, then token transfers, HTTP, the message
            # store, the single-instance mark and the health endpoint, in reverse order of their opening.
            await steps.take(self._close_api)
            for close in self._resources.unwind():
                await steps.take(close)
        finally:
            if self._ended is not None:
                self._ended.set()
        steps.raise_first()

    async def _close_socket(self) -> None:
        manager = manager_of(self._client)
        if manager is not None:
            await manager.get_socket().close()

    async def _stop_background(self, caller: asyncio.Task[Any] | None) -> None:
        await asyncio.sleep(0)
        await self._background.stop(caller)

    async def _close_api(self) -> None:
        if self._client.api_client is not None:
            await self._client.api_client.close()

    # ---- what a login tells

    def begin(self) -> None:
        """Start a login: `wait_closed` waits for its end from now on."""
        self._ended = asyncio.Event()
        self._error = None

    def watch(self) -> None:
        """Close the client at the end of ``asyncio.run``, which cancels every task, if nobody else does."""
        self._operations.ready()
        guard = self._guard = asyncio.ensure_future(self._close_with_loop())
        # A loop may be stopped without cancelling its tasks: asyncio must not report this one as destroyed. There is
        # no public way to say so.
        guard._log_destroy_pending = False  # type: ignore[attr-defined]

    async def fail(self, error: BaseException) -> None:
        """Close what a failed login has opened; `wait_closed` raises the error of the login."""
        self._error = error if isinstance(error, Exception) else None
        if self._error is not None:
            self._operations.failed(self._error)
        try:
            await self.close(0.0)
        except Exception:
            # The caller raises the error of the login.
            logger.exception("The client was closed with an error")

    # ---- what the connection tells

    def connection_ended(self, error: Exception | None) -> None:
        """Release every loop resource after the final close of the connection.

        Args:
            error: Why the connection ended, unless the client itself has closed it.
        """
        if error is not None:
            self._error = error
            self._operations.failed(error)
        self._waiters.end_all(str(error or "the connection was closed"))
        self._operations.connection_ended(lost=error is not None)
        self._sessions.stop()
        self._release_guard()

    def notify_ended(self) -> None:
        """Let `wait_closed` return, unless a close is under way: it does so when it is done."""
        if self._ended is not None and self.closing_now() is None:
            self._ended.set()

    # ---- waiting for the end

    def closing_now(self) -> asyncio.Task[None] | None:
        """Return the task of the close under way on this loop; None if there is none."""
        closing = self._closing
        if closing is None or closing.done() or closing.get_loop() is not asyncio.get_running_loop():
            return None
        return closing

    async def wait_closed(self) -> None:
        """Wait for the end of the client.

        Raises:
            NotLoggedInError: If there was no login.
            Exception: The error that ended the client.
        """
        if self._ended is None:
            raise NotLoggedInError("the client is not logged in: await client.login() first")
        await self._ended.wait()
        if self._error is not None:
            raise self._error

    # ---- the end of the loop

    async def _close_with_loop(self) -> None:
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            if self._guard is asyncio.current_task():
                await self.close(0.0)
            raise

    def _release_guard(self, caller: asyncio.Task[Any] | None = None) -> None:
        guard, self._guard = self._guard, None
        if guard is None or guard.get_loop().is_closed() or guard is caller:
            return
        guard.cancel()


class _Steps:
    """Takes the steps of one close and collects their errors.

    Attributes:
        drain: Seconds that handlers may still take to end.
    """

    def __init__(self, drain: float) -> None:
        self.drain = drain
        self._errors: list[BaseException] = []

    async def take(self, step: Callable[[], Awaitable[None]]) -> None:
        """Take a step; its error is raised by `raise_first`.

        A step that is cancelled is taken once more, without waiting for handlers: ``asyncio.run`` cancels every task
        at its end, this one included.
        """
        for _ in range(2):
            try:
                await step()
            except asyncio.CancelledError:
                self.drain = 0.0
                task = asyncio.current_task()
                if task is not None:
                    task.uncancel()
            except BaseException as error:
                self._errors.append(error)
                if isinstance(error, EXIT_ERRORS):
                    self.drain = 0.0
                return
            else:
                return

    def raise_first(self) -> None:
        """Raise the first error, or the first that ends the process; log the others."""
        if not self._errors:
            return
        first = next((error for error in self._errors if isinstance(error, EXIT_ERRORS)), self._errors[0])
        for error in self._errors:
            if error is not first:
                logger.error("A further error while the client was closed", exc_info=error)
        raise first


def _log_failure(closing: asyncio.Task[None]) -> None:
    """Log the error of a close whose caller was cancelled."""
    error = None if closing.cancelled() else closing.exception()
    if error is not None:
        logger.error("The client was closed with an error", exc_info=error)
