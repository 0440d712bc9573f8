"""Renews a session shortly before it ends, so that HTTP calls find a good token."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final

from mezon.errors import AuthenticationError
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from mezon.session import Session

logger = get_logger("mezon.client")

#: Seconds before its end that a session is renewed, or this part of its life when that is less.
_MARGIN: Final = 60.0
_PART: Final = 0.2

#: The shortest and the longest sleep, and the pause after a failure. A loop takes no timer of a hundred years.
_SHORTEST: Final = 0.5
_LONGEST: Final = 86_400.0
_PAUSE: Final = 30.0


class Renewal:
    """The timer of one client's session.

    Args:
        renew: Brings a new session and calls `begin` with it.
        in_background: Runs a coroutine that nobody waits for.
    """

    def __init__(
        self,
        renew: Callable[[], Awaitable[None]],
        in_background: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self._renew = renew
        self._in_background = in_background
        self._timer: asyncio.TimerHandle | None = None
        self._expires_at = 0.0
        self._warned = False

    def begin(self, session: Session) -> None:
        """Watch the end of this session from now on."""
        self.stop()
        if session.expires_at is None:
            return
        self._expires_at = float(session.expires_at)
        left = self._expires_at - time.time()
        if left <= 0:
            # A session that is over when it comes: the two clocks differ, so nothing can be said of its end.
            if not self._warned:
                self._warned = True
                logger.warning(
                    "The server's new session is over by this machine's clock: set the clock. "
                    "Sessions are renewed when the server refuses one"
                )
            return
        self._sleep(left - min(_MARGIN, left * _PART))

    def stop(self) -> None:
        """Watch no session."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _sleep(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(min(max(seconds, _SHORTEST), _LONGEST), self._wake)

    def _wake(self) -> None:
        self._timer = None
        left = self._expires_at - time.time()
        if left > 2 * _MARGIN:
            # The sleep was shorter than the session's life.
            self._sleep(left - _MARGIN)
        else:
            self._in_background(self._try())

    async def _try(self) -> None:
        try:
            await self._renew()
        except Exception as error:
            left = self._expires_at - time.time()
            again = left > 0 and not isinstance(error, AuthenticationError)
            logger.warning(
                "The session could not be renewed; %s: %s",
                "it is tried again" if again else "the next call that the server refuses tries again",
                error,
            )
            if again and self._timer is None:
                self._sleep(min(_PAUSE, left * _PART))
