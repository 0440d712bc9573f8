"""The stores at the end of the process and at a fork."""

from __future__ import annotations

import atexit
import os
import signal
import threading
from typing import TYPE_CHECKING, Final

from mezon._core import after_fork, before_fork, close_stores
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from types import FrameType

logger: Final = get_logger("mezon.store")

#: The timeout of a flush at the end of the process in seconds, for a disk that does not respond.
_EXIT_TIMEOUT: Final = 10.0

#: The timeout in seconds of closing the files before a fork.
_FORK_TIMEOUT: Final = 5.0

_exit_registered = False
_fork_registered = False


def flush_at_exit(*, sigterm: bool) -> None:
    """Flush all stores at the end of the process: a normal exit, an exception, ``sys.exit``, and SIGTERM.

    Args:
        sigterm: Also flush on SIGTERM, whose default action ends the process immediately. Only if no other code handles
            SIGTERM, and only in the main thread; a handler that is installed later replaces this one.
    """
    global _exit_registered
    if not _exit_registered:
        _exit_registered = True
        atexit.register(close_stores, _EXIT_TIMEOUT)
    if (
        sigterm
        and threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    ):
        signal.signal(signal.SIGTERM, _terminate)


def _terminate(signum: int, frame: FrameType | None) -> None:
    """Flush, then end the process as the signal would have done."""
    close_stores(_EXIT_TIMEOUT)
    signal.signal(signum, signal.SIG_DFL)
    os.kill(os.getpid(), signum)


def close_before_fork() -> None:
    """Close the files of all stores before each fork of this process. The next read or write opens them again.

    The locks of SQLite do not survive a fork. ``subprocess`` does not run these hooks.
    """
    global _fork_registered
    if not _fork_registered and hasattr(os, "register_at_fork"):
        _fork_registered = True
        os.register_at_fork(
            before=_before_fork,
            after_in_parent=lambda: after_fork(False),
            after_in_child=lambda: after_fork(True),
        )


def _before_fork() -> None:
    if not before_fork(_FORK_TIMEOUT):
        logger.warning(
            "the process forks while the message cache is in use: its file may stay locked in the child. Fork before "
            "the bot logs in, or start the other process with subprocess or the spawn method of multiprocessing."
        )
