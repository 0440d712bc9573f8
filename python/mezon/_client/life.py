"""What a client does when its connection tells something: the listener of the connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mezon.constants.enum import Events
from mezon.errors import ConnectionLostError
from mezon.options import Disconnect, Gap
from mezon.ports import CLOSED, SessionRefusedError
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mezon._client.background import Background
    from mezon._client.directory import Directory
    from mezon._client.sessions import Sessions
    from mezon._client.shutdown import Shutdown
    from mezon._client.view import ClientView
    from mezon._events.dispatcher import Dispatcher
    from mezon._events.gap_filling import GapFiller

logger = get_logger("mezon.client")


class Life:
    """Follows a connection from loss to loss; a ``mezon.ports.ConnectionListener``.

    Args:
        client: The client.
        dispatcher: Where events go.
        sessions: Brings the session for a reconnect.
        directory: Hears of new clans after a reconnect.
        background: Runs what nobody waits for.
        shutdown: Is told of the end.
    """

    def __init__(
        self,
        client: ClientView,
        dispatcher: Dispatcher,
        sessions: Sessions,
        directory: Directory,
        background: Background,
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
        #: Says whether a lost connection is to be made again.
        self.may_return: Callable[[], bool] = lambda: True
        # Every event comes through here: what it calls is the dispatcher's own method, or that of the gaps.
        self.capacity: Callable[[], int] = dispatcher.capacity
        self.on_event: Callable[[str, Any], None] = dispatcher.on_event

    def begin(self, gaps: GapFiller | None) -> None:
        """Get ready for the connection of a login; with ``gaps``, its events go through them."""
        self._lost = self._logged_in = False
        self._gaps = gaps
        if gaps is not None:
            gaps.begin()
        self.on_event = self._dispatcher.on_event if gaps is None else gaps.on_event

    def logged_in(self) -> None:
        """Take the login as done: an end of the connection is told from now on."""
        self._logged_in = True

    def on_state(self, state: str, generation: int, reason: str, /) -> None:
        """Tell handlers of a loss and of the end, then the functions of the socket."""
        try:
            self._follow(state, generation, reason)
        finally:
            self._client.socket_manager.socket.state_changed(state, reason)

    def _follow(self, state: str, generation: int, reason: str) -> None:
        logger.debug("Connection %d is %s%s", generation, state, f": {reason}" if reason else "")
        if self._gaps is not None:
            self._gaps.state_changed(state)
        if state == "ready":
            self._lost = False
            self._sessions.connected()
        elif state == "backoff" and self._lost:
            self._attempts += 1
            logger.warning(
                "Attempt %d to come back failed: %s. The next %s", self._attempts, reason, self._next()
            )
        elif state == "backoff":
            self._lost = True
            self._attempts = 0
            logger.warning(
                "The connection was lost and is being made again at once: %s",
                reason,
                extra={"reason": reason},
            )
            self._dispatcher.dispatch(Events.DISCONNECT.value, Disconnect(reason, will_reconnect=True))
        elif state == "closed" and self._logged_in:
            self._logged_in = False
            self._ended(reason)

    def _next(self) -> str:
        """Say by when the next attempt comes; when exactly is drawn at random, so that bots do not come all at once."""
        options = self._client.gateway
        try:
            most = options.backoff_base * options.backoff_factor ** (self._attempts - 1)
        except OverflowError:
            most = options.backoff_max
        return f"comes within {min(options.backoff_max, most):.3g} s"

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
            self._shutdown.tell_end()

    def on_reconnected(self, lost_at: float, back_at: float, /) -> None:
        """Tell handlers, fetch what was missed, and look for clans that are new."""
        gap = Gap(lost_at, back_at)
        # At the level of the loss: who sees that one shall see this one.
        logger.warning(
            "The connection is back; nothing came for %.1f s", gap.seconds, extra={"seconds": gap.seconds}
        )
        try:
            self._dispatcher.dispatch(Events.RECONNECTED.value, gap)
        finally:
            if self._gaps is not None:
                self._gaps.fill()
            self._background.run(self._look_for_clans(), "looking for new clans after the reconnect")

    async def _look_for_clans(self) -> None:
        """Bring the clans up to date, and join those that are new or could not be joined before."""
        listed = {0, *(await self._directory.refresh_clans())}
        manager = self._client.socket_manager
        await manager.join_clans(listed - manager.joined_clans)

    async def new_urls(self, attempt: int, /) -> Sequence[str]:
        """Bring the addresses for a reconnect, with a fresh session."""
        if not self.may_return():
            raise SessionRefusedError("the client was told not to connect again")
        return await self._sessions.new_urls()
