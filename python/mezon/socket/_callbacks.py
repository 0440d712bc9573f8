"""What a socket tells a bot by the four functions that may be set on it."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from mezon.errors import ConnectionLostError
from mezon.options import Disconnect
from mezon.ports import CLOSED
from mezon.utils.logger import get_logger

logger = get_logger("mezon.gateway")

#: A function or coroutine function; what it gives is not looked at.
Callback: TypeAlias = Callable[..., object]


class SocketCallbacks:
    """The functions of a socket, as mezon-sdk names them, and who calls them.

    Each may be a plain function or a coroutine function, and is called on the event loop. What one raises is logged
    and changes nothing. The core reconnects by itself, whatever is set here.

    Attributes:
        onconnect: Called without an argument each time the socket has become ready, after a reconnect too.
        onheartbeattimeout: Called without an argument when a connection is given up because the server was silent.
        onerror: Called with an exception when an attempt to come back has failed, and when the connection has ended
            for good.
        come_back: What ``ondisconnect`` is while the bot has set nothing. The client's logs in again.
    """

    def __init__(self) -> None:
        self.onconnect: Callback | None = None
        self.onheartbeattimeout: Callback | None = None
        self.onerror: Callback | None = None
        self.come_back: Callable[[Any], Awaitable[None]] | None = None
        self._ondisconnect: Callback | None = None
        self._was_ready = False
        self._running: set[asyncio.Future[Any]] = set()

    @property
    def ondisconnect(self) -> Callback | None:
        """Called with a ``mezon.Disconnect`` when the connection is lost, and not when the bot closes it.

        While the bot has set nothing, it is what brings a closed connection back when it is called by hand.
        """
        return self._ondisconnect or self.come_back

    @ondisconnect.setter
    def ondisconnect(self, callback: Callback | None) -> None:
        self._ondisconnect = callback

    def state_changed(self, state: str, reason: str) -> None:
        """Call what has to be called. Whoever listens to the connection hands its states on to here.

        Args:
            state: The new state of the connection.
            reason: Why it ended, as the connection gives it.
        """
        if state == "ready":
            self._was_ready = True
            self._tell("onconnect", self.onconnect)
        elif state in ("backoff", "closed"):
            was_ready, self._was_ready = self._was_ready, False
            if reason != CLOSED:
                self._ended(reason, was_ready=was_ready, for_good=state == "closed")

    def _ended(self, reason: str, *, was_ready: bool, for_good: bool) -> None:
        error = ConnectionLostError(f"the connection has ended: {reason}") if for_good else None
        if was_ready:
            from mezon._gateway.failures import fell_silent

            if fell_silent(reason):
                self._tell("onheartbeattimeout", self.onheartbeattimeout)
            lost = Disconnect(reason, will_reconnect=not for_good, error=error)
            self._tell("ondisconnect", self._ondisconnect, lost)
        if error is None and not was_ready:
            error = ConnectionLostError(f"an attempt to connect has failed: {reason}")
        if error is not None:
            self._tell("onerror", self.onerror, error)

    def _tell(self, name: str, callback: Callback | None, *args: Any) -> None:
        if callback is None:
            return
        try:
            outcome = callback(*args)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException:
            logger.exception("The socket's %s itself failed", name)
            return
        if inspect.isawaitable(outcome):
            task = asyncio.ensure_future(outcome)
            self._running.add(task)
            task.add_done_callback(lambda done: self._told(name, done))

    def _told(self, name: str, task: asyncio.Future[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("The socket's %s itself failed", name, exc_info=error)


class CallbacksAlone:
    """The listener of a socket that no client listens to; a ``mezon.ports.ConnectionListener``.

    Args:
        callbacks: Who is told of states.
        urls: Gives the addresses for a reconnect.
        events: Gives the socket's event manager, whose ``emit`` is called for each event.
    """

    def __init__(
        self, callbacks: SocketCallbacks, urls: Callable[[], list[str]], events: Callable[[], Any]
    ) -> None:
        self._callbacks = callbacks
        self._urls = urls
        self._events = events
        self._emitting: set[asyncio.Future[Any]] = set()

    def capacity(self) -> int:
        """Return a batch: nothing holds events back."""
        return 32

    def on_event(self, name: str, event: Any, /) -> None:
        """Call ``emit`` of the event manager, if the socket has one."""
        events = self._events()
        outcome = None if events is None else events.emit(name, event)
        if inspect.isawaitable(outcome):
            task = asyncio.ensure_future(outcome)
            self._emitting.add(task)
            task.add_done_callback(self._emitted)

    def _emitted(self, task: asyncio.Future[Any]) -> None:
        self._emitting.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("The event manager's emit itself failed", exc_info=error)

    def on_state(self, state: str, generation: int, reason: str, /) -> None:
        """Tell the socket's functions."""
        self._callbacks.state_changed(state, reason)

    def on_reconnected(self, lost_at: float, back_at: float, /) -> None:
        """Do nothing: ``onconnect`` was called."""

    async def new_urls(self, attempt: int, /) -> list[str]:
        """Give the addresses of the session the socket was opened with."""
        return self._urls()
