"""Whether the same bot runs twice on this machine: then both answer everything.

The mark is a lock on a file in the folder for temporary files, named after the bot, the server and the store. The
system lets go of it when the process ends, however it ends. Two bots on two machines are not seen.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path
from typing import IO

__all__ = ["Instance"]


class Instance:
    """The mark of one client.

    Args:
        bot_id: The bot.
        server: Where it logs in.
        store: The path of its message store.
    """

    def __init__(self, bot_id: int, server: str, store: str) -> None:
        place = f"{bot_id}\n{server}\n{os.path.abspath(store)}"
        user = getattr(os, "getuid", lambda: "user")()
        name = hashlib.sha256(place.encode()).hexdigest()[:24]
        self._path = Path(tempfile.gettempdir()) / f"mezon-{user}-{name}.lock"
        self._file: IO[str] | None = None

    def take(self) -> int | None:
        """Sets the mark. Returns the process id of who has it already, 0 if that is not known, None for nobody.

        A folder that cannot be written gives no warning: this is a courtesy, not a guard.
        """
        if self._file is not None:
            return None
        try:
            # Not for others: what is in it is a process id.
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError:
            return None
        file = os.fdopen(descriptor, "r+")
        if not _lock(file):
            text = ""
            with contextlib.suppress(OSError, ValueError):
                text = file.read(32)
            file.close()
            return int(text) if text.strip().isdecimal() else 0
        with contextlib.suppress(OSError):
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
        self._file = file
        return None

    def release(self) -> None:
        """Takes the mark away."""
        file, self._file = self._file, None
        if file is not None:
            file.close()


def _lock(file: IO[str]) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows: opening is no lock there, and msvcrt's would keep the id from being read
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
