"""The end of a process that a second signal could not interrupt."""

from __future__ import annotations

import _thread
import os
import signal
import sys
import threading
from typing import Final, Self

from mezon._client.user_code import frame_of_user
from mezon.utils.logger import get_logger

__all__ = ["ForcedExit"]

logger = get_logger("mezon.client")

#: Seconds a process may take to end after the second signal.
_TIMEOUT: Final = 5.0
#: Seconds the last log line may take: the thread that blocks may hold the lock of a log handler.
_LOG_TIMEOUT: Final = 1.0


class ForcedExit:
    """Exits the process some seconds after `arm`, unless the block has ended by then."""

    def __init__(self) -> None:
        self._main = threading.get_ident()
        self._ended = threading.Event()
        self._armed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()

    def arm(self, number: int) -> None:
        """Start the countdown. Safe in a signal handler.

        Args:
            number: The signal; the exit code is that of a process it has ended.
        """
        if not self._armed:
            self._armed = True
            # Not a threading.Thread: the signal may have come while this thread holds one of that module's locks.
            _thread.start_new_thread(self._wait, (number,))

    def _wait(self, number: int) -> None:
        if self._ended.wait(_TIMEOUT):
            return
        log = threading.Thread(target=self._log, args=(number,), daemon=True)
        log.start()
        log.join(_LOG_TIMEOUT)
        os._exit(128 + number)

    def _log(self, number: int) -> None:
        logger.critical(
            "The process did not end within %g s after a second signal (%s); it exits now, and leaves %s",
            _TIMEOUT,
            signal.Signals(number).name,
            frame_of_user(sys._current_frames().get(self._main)) or "its tasks",
        )
