"""How errors of handlers reach the bot's ``on_error``."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from mezon._client.background import Background

logger = get_logger("mezon.client")


class Reports:
    """Calls ``on_error``, however the bot has set it.

    Args:
        assigned: Gives the function that was assigned to ``client.on_error``, or None.
        background: Runs an ``on_error`` that is a coroutine function.
    """

    def __init__(self, assigned: Callable[[], Any], background: Background) -> None:
        self._assigned = assigned
        self._background = background
        #: The function that was registered by ``client.on_error(...)``.
        self.handler: Callable[[Exception, str], Any] | None = None

    def report(self, error: Any, name: str) -> None:
        """Tell the bot of an error.

        Args:
            error: What was raised.
            name: The event whose handler raised it, or ``message_db``.
        """
        handler = self._assigned() or self.handler
        if handler is not None:
            outcome = handler(error, name)
            if asyncio.iscoroutine(outcome):
                self._background.run(outcome, "on_error")

    def tell(self, error: Exception, where: str) -> None:
        """Log an error with its traceback, and tell the bot of it."""
        logger.error("%s failed", where, exc_info=error)
        self.report(error, where)
