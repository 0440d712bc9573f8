"""Log lines that would otherwise repeat at the rate of the events that cause them."""

from __future__ import annotations

import logging
import time
from typing import Final

__all__ = ["LogThrottle"]

#: Seconds between two lines.
_INTERVAL: Final = 30.0


class LogThrottle:
    """Logs one kind of warning at most once per interval, with the number of warnings left out.

    Args:
        logger: The logger of the warnings.
        interval: Seconds between two lines.
    """

    def __init__(self, logger: logging.Logger, interval: float = _INTERVAL) -> None:
        self._logger = logger
        self._interval = interval
        self._next = float("-inf")
        self._left_out = 0

    def warning(self, text: str, *values: object) -> None:
        """Log a warning, or count it if the last line is too recent."""
        now = time.monotonic()
        if now < self._next:
            self._left_out += 1
            return
        if self._left_out:
            text, values = f"{text} (%d more since the last line)", (*values, self._left_out)
        self._next, self._left_out = now + self._interval, 0
        self._logger.warning(text, *values)
