"""The four callbacks of a socket, and the listener that calls them."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from mezon._gateway.failures import fell_silent
from mezon.errors import ConnectionLostError
from mezon.options import Disconnect
from mezon.ports import CLOSED
from mezon.utils.background import BackgroundTasks
from mezon.utils.logger import get_logger

logger = get_logger("mezon.gateway")

#: A function or coroutine function; its result is ignored.
Callback: TypeAlias = Callable[..., object]


class SocketCallbacks:
    """The callbacks of a socket, with the names of mezon-sdk.

    Each is a function or a coroutine function, called on the event loop. Its exceptions are logged. The callbacks do
    not influence the reconnects of the core.

    Attributes:
        onconnect: Called without arguments each time the socket is ready, also after a reconnect.
        onheartbeattimeout: Called without arguments when a connection is closed because heartbeats were not answered.
        onerror: Called with an exception when a reconnect attempt has failed, and when the connection is closed for
            good.
        come_back: The default of ``ondisconnect``. That of a client logs in again.
    """

    def __init__(self) -> None:
        self.onconnect: Callback | None = None
        self.onheartbeattimeout: Callback | None = None
        self.onerror: Callback | None = None
        self.come_back: Callable[[Any], Awaitable[None]] | None = None
        self._ondisconnect: Callback | None = None
        self._was_ready = False
        self._background = BackgroundTasks(logger, level=logging.ERROR)

    @property
    def ondisconnect(self) -> Callback | None:
        """Called with a ``mezon.Disconnect`` when the connection is lost, but not when the bot closes it.

        The default reconnects a closed connection when the bot calls it.
        """
        return self._ondisconnect or self.come_back

    @ondisconnect.setter
    def ondisconnect(self, callback: Callback | None) -> None:
        self._ondisconnect = callback

    def state_changed(self, state: str, reason: str) -> None:
        """Call the callbacks for a state of the connection. Called by the listener of the connection.

        Args:
            state: The new state of the connection.
            reason: The reason of the connection for its end.
        """
        if state == "ready":
            self._was_ready = True
            self._run("onconnect", self.onconnect)
        elif state in ("backoff", "closed"):
            was_ready, self._was_ready = self._was_ready, False
            if reason != CLOSED:
                self._ended(reason, was_ready=was_ready, for_good=state == "closed")

    def _ended(self, reason: str, *, was_ready: bool, for_good: bool) -> None:
        error = ConnectionLostError(f"the connection has ended: {reason}") if for_good else None
        if was_ready:
            if fell_silent(reason):
                self._run("onheartbeattimeout", self.onheartbeattimeout)
            lost = Disconnect(reason, will_reconnect=not for_good, error=error)
            self._run("ondisconnect", self._ondisconnect, lost)
        if error is None and not was_ready:
            error = ConnectionLostError(f"an attempt to connect has failed: {reason}")
        if error is not None:
            self._run("onerror", self.onerror, error)

    def _run(self, name: str, callback: Callback | None, *args: Any) -> None:
        if callback is None:
            return
        try:
            outcome = callback(*args)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException:
            logger.exception("The callback %s of the socket failed", name)
            return
        if inspect.isawaitable(outcome):
            self._background.spawn(_wait_for(outcome), f"the callback {name} of the socket")


async def _wait_for(outcome: Awaitable[object]) -> None:
    await outcome


class CallbackListener:
    """The listener of a socket without a client. Implements `mezon.ports.ConnectionListener`.

    Args:
        callbacks: The callbacks of the socket.
        urls: Returns the URLs for a reconnect.
        events: Returns the event manager of the socket, whose ``emit`` is called for each event.
    """

    def __init__(
        self, callbacks: SocketCallbacks, urls: Callable[[], list[str]], events: Callable[[], Any]
    ) -> None:
        self._callbacks = callbacks
        self._urls = urls
        self._events = events
        self._background = BackgroundTasks(logger, level=logging.ERROR)

    def capacity(self) -> int:
        """Return the size of a batch: there is no backpressure."""
        return 32

    def on_event(self, name: str, event: Any, /) -> None:
        """Call ``emit`` of the event manager, if the socket has one."""
        events = self._events()
        outcome = None if events is None else events.emit(name, event)
        if inspect.isawaitable(outcome):
            self._background.spawn(_wait_for(outcome), "emit of the event manager")

    def on_state(self, state: str, generation: int, reason: str, /) -> None:
        """Call the callbacks of the socket."""
        self._callbacks.state_changed(state, reason)

    def on_reconnected(self, lost_at: float, back_at: float, /) -> None:
        """Do nothing: ``onconnect`` was called."""

    async def new_urls(self, attempt: int, /) -> list[str]:
        """Return the URLs of the session with which the socket was opened."""
        return self._urls()
