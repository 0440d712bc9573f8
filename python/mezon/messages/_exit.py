"""The end of the process flushes the stores: a plain exit, an exception, ``sys.exit`` and SIGTERM."""

from __future__ import annotations

import atexit
import os
import signal
import threading
from typing import TYPE_CHECKING, Final

from mezon import _core

if TYPE_CHECKING:
    from types import FrameType

#: Seconds the end of the process waits for a disk that does not answer.
_PATIENCE: Final = 10.0

_armed = False


def arm(*, sigterm: bool) -> None:
    """Flush all stores when the process ends.

    Args:
        sigterm: Do so on SIGTERM too, whose default action would end the process on the spot. Only where
            nobody else handles SIGTERM, and only from the main thread; a handler set later takes over.
    """
    global _armed
    if not _armed:
        _armed = True
        atexit.register(_core.close_stores, _PATIENCE)
    if (
        sigterm
        and threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    ):
        signal.signal(signal.SIGTERM, _terminate)


def _terminate(signum: int, frame: FrameType | None) -> None:
    """Flush, then end the way the signal would have ended the process."""
    _core.close_stores(_PATIENCE)
    signal.signal(signum, signal.SIG_DFL)
    os.kill(os.getpid(), signum)
