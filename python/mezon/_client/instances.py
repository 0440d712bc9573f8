"""Whether the same bot runs twice on this machine: then both answer everything.

The mark is a lock on a file in the folder for temporary files, named after the bot, the server and the store. The
system lets go of it when the process ends, however it ends; who ends in order takes the file away, too. Two bots on
two machines are not seen.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from mezon.utils.process import ProcessGuard

__all__ = ["Instance"]


class Instance:
    """The mark of one client.

    Args:
        bot_id: The bot.
        server: Where it logs in.
        store: The path of its message store.
    """

    def __init__(self, bot_id: int, server: str, store: str) -> None:
        # Here and not above: no import of the package pays for them.
        import hashlib
        import tempfile

        place = f"{bot_id}\n{server}\n{os.path.abspath(store)}"
        user = getattr(os, "getuid", lambda: "user")()
        name = hashlib.sha256(place.encode()).hexdigest()[:24]
        self._path = Path(tempfile.gettempdir()) / f"mezon-{user}-{name}.lock"
        self._descriptor: int | None = None
        self._process = ProcessGuard()

    def take(self) -> int | None:
        """Set the mark. Returns the process id of who has it already, 0 if that is not known, None for nobody.

        A folder that cannot be written gives no warning: this is a courtesy, not a guard.
        """
        if self._descriptor is not None:
            return None
        while True:
            try:
                # Not for others: what is in it is a process id.
                descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
            except OSError:
                return None
            if not _lock(descriptor):
                text = b""
                with contextlib.suppress(OSError):
                    text = os.read(descriptor, 32).strip()
                os.close(descriptor)
                return int(text) if text.isdigit() else 0
            if self._is_there(descriptor):
                break
            # Who had it took the file away between the two.
            os.close(descriptor)
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.write(descriptor, str(os.getpid()).encode())
        self._descriptor = descriptor
        self._process.begin()
        return None

    def _is_there(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), os.stat(self._path))
        except OSError:
            return False

    def release(self) -> None:
        """Take the mark away."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return
        # In a forked child it is the parent's.
        if not self._process.elsewhere:
            # While it is locked, so that nobody's else is taken away. Windows lets no open file go.
            with contextlib.suppress(OSError):
                os.unlink(self._path)
        os.close(descriptor)

    def __del__(self) -> None:
        # A client that was thrown away without a disconnect.
        self.release()


def _lock(descriptor: int) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows: opening is no lock there, and msvcrt's would keep the id from being read
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
