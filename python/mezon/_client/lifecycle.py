"""The connection listener of a client: losses, reconnects and the final close."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mezon.constants.enum import Events
from mezon.errors import ConnectionLostError
from mezon.options import Disconnect, Gap
from mezon.ports import CLOSED, SessionRefusedError
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mezon._client.close import Shutdown
    from mezon._client.directory import Directory
    from mezon._client.sessions import Sessions
    from mezon._client.view import ClientView
    from mezon._events.dispatcher import Dispatcher
    from mezon._events.gap_filling import GapFiller
    from mezon.utils.background import BackgroundTasks

logger = get_logger("mezon.client")


class Lifecycle:
    """Follows a connection from state to state; implements ``mezon.ports.ConnectionListener``.

    Args:
        client: The client.
        dispatcher: Receives the events.
        sessions: Provides the session for a reconnect.
        directory: Refreshes the clans after a reconnect.
        background: The background tasks of the client.
        shutdown: Notified of the final close of the connection.
    """

    def __init__(
        self,
        client: ClientView,
        dispatcher: Dispatcher,
        sessions: Sessions,
        directory: Directory,
        background: BackgroundTasks,
        shutdown: Shutdown,
    ) -> None:
        self._client = client
        self._dispatcher = dispatcher
        self._sessions = sessions
        self._directory = directory
        self._background = background
        self._shutdown = shutdown
        self._gaps: GapFiller | None = None
        self._lost = False
        self._attempts = 0
        self._logged_in = False
        #: Reconnect when the connection is lost.
        self.auto_reconnect = True
        # Called for every event: the method of the dispatcher, or of the gap filler, without a frame in between.
        self.capacity: Callable[[], int] = dispatcher.capacity
        self.on_event: Callable[[str, Any], None] = dispatcher.on_event

    def begin(self, gaps: GapFiller | None) -> None:
        """Prepare for the connection of a login; its events pass through `gaps`, if given."""
        self._lost = self._logged_in = False
        self._gaps = gaps
        if gaps is not None:
            gaps.begin()
        self.on_event = self._dispatcher.on_event if gaps is None else gaps.on_event

    def on_shared_event(self, name: str, event: Any, /) -> None:
        """Implement `SharedEventListener.on_shared_event`."""
        self._dispatcher.apply_effect(name, event)

    def on_direct_event(self, name: str, event: Any, /) -> None:
        """Implement `SharedEventListener.on_direct_event`."""
        self._dispatcher.serve_waiters(name, event)

    def logged_in(self) -> None:
        """Finish the login: the end of the connection is reported from now on."""
        self._logged_in = True

    def on_state(self, state: str, generation: int, reason: str, /) -> None:
        """Implement `ConnectionListener.on_state`."""
        try:
            self._follow(state, generation, reason)
        finally:
            self._client.socket_manager.socket.state_changed(state, reason)

    def _follow(self, state: str, generation: int, reason: str) -> None:
        logger.debug("Connection %d: %s%s", generation, state, f" ({reason})" if reason else "")
        if self._gaps is not None:
            self._gaps.state_changed(state)
        if state == "ready":
            self._lost = False
            self._sessions.connected()
        elif state == "backoff" and self._lost:
            self._attempts += 1
            logger.warning(
                "Reconnect attempt %d failed: %s. The next one follows %s",
                self._attempts,
                reason,
                self._next_delay(),
            )
        elif state == "backoff":
            self._lost = True
            self._attempts = 0
            logger.warning(
                "The connection was lost (%s); reconnecting at once", reason, extra={"reason": reason}
            )
            self._dispatcher.dispatch(Events.DISCONNECT.value, Disconnect(reason, will_reconnect=True))
        elif state == "closed" and self._logged_in:
            self._logged_in = False
            self._ended(reason)

    def _next_delay(self) -> str:
        """Return the bound of the delay before the next attempt; the delay itself is random below it."""
        options = self._client.gateway
        try:
            bound = options.backoff_base * options.backoff_factor ** (self._attempts - 1)
        except OverflowError:
            bound = options.backoff_max
        return f"within {min(options.backoff_max, bound):.3g} s"

    def _ended(self, reason: str) -> None:
        error: Exception | None = None
        if reason != CLOSED:
            error = self._sessions.refused or ConnectionLostError(f"the connection has ended: {reason}")
            logger.error("The connection has ended for good: %s", reason, extra={"reason": reason})
        self._shutdown.connection_ended(error)
        try:
            self._dispatcher.dispatch(
                Events.DISCONNECT.value, Disconnect(reason, will_reconnect=False, error=error)
            )
        finally:
            self._shutdown.notify_ended()

    def on_reconnected(self, lost_at: float, back_at: float, /) -> None:
        """Implement `ConnectionListener.on_reconnected`: dispatch the event, fill gaps, refresh the clans."""
        gap = Gap(lost_at, back_at)
        # At the level of the loss, so that a log which shows the loss also shows its end.
        logger.warning(
            "The connection is back; no events arrived for %.1f s",
            gap.seconds,
            extra={"seconds": gap.seconds},
        )
        try:
            self._dispatcher.dispatch(Events.RECONNECTED.value, gap)
        finally:
            if self._gaps is not None:
                self._gaps.fill()
            self._background.spawn(self._refresh_clans(), "looking for new clans after the reconnect")

    async def _refresh_clans(self) -> None:
        """Update the clans, and join those that are new or could not be joined before."""
        listed = {0, *(await self._directory.refresh_clans())}
        manager = self._client.socket_manager
        await manager.join_clans(listed - manager.joined_clans)

    async def new_urls(self, attempt: int, /) -> Sequence[str]:
        """Implement `ConnectionListener.new_urls`: create a session and return its addresses."""
        if not self.auto_reconnect:
            raise SessionRefusedError("auto reconnect is off")
        return await self._sessions.new_urls()
