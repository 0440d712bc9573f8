"""Whether the same bot runs twice on this machine: then both answer everything.

The mark is a lock on a file named after the bot, the server and the store. It is in a directory that only this user
can write: ``XDG_RUNTIME_DIR``, else one in the directory for temporary files. The system releases the lock when the
process ends, however it ends; an orderly end removes the file, too. Two bots on two machines are not seen.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path
from typing import Final

from mezon.utils.process import ProcessGuard

__all__ = ["Instance"]

#: Bytes of a process id. A longer file is not ours.
_MAX_ID: Final = 20


class Instance:
    """The mark of one client.

    Args:
        bot_id: The bot.
        server: Where it logs in.
        store: The path of its message store.
    """

    def __init__(self, bot_id: int, server: str, store: str) -> None:
        # Here and not above: no import of the package pays for it.
        import hashlib

        place = f"{bot_id}\n{server}\n{os.path.abspath(store)}"
        self._name = f"mezon-{hashlib.sha256(place.encode()).hexdigest()[:24]}.lock"
        self._path: Path | None = None
        self._descriptor: int | None = None
        self._process = ProcessGuard()

    def take(self) -> int | None:
        """Set the mark. Returns the process id of who has it already, 0 if that is not known, None for nobody.

        Without a private directory that can be written there is neither a mark nor a warning: this is a courtesy, not
        a guard. A file that is not such a mark stays as it is.
        """
        if self._descriptor is not None:
            return None
        folder = _private_directory()
        if folder is None:
            return None
        self._path = folder / self._name
        while True:
            try:
                # Not for others: what is in it is a process id.
                descriptor = os.open(self._path, _FLAGS, 0o600)
            except OSError:
                return None
            held = _content(descriptor)
            if held is None:
                os.close(descriptor)
                return None
            if not _lock(descriptor):
                os.close(descriptor)
                return int(held or 0)
            if self._is_there(descriptor):
                break
            # Who had it took the file away between the two.
            os.close(descriptor)
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.lseek(descriptor, 0, os.SEEK_SET)
            os.write(descriptor, str(os.getpid()).encode())
        self._descriptor = descriptor
        self._process.begin()
        return None

    def _is_there(self, descriptor: int) -> bool:
        assert self._path is not None
        try:
            return os.path.samestat(os.fstat(descriptor), os.lstat(self._path))
        except OSError:
            return False

    def release(self) -> None:
        """Take the mark away."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return
        # In a forked child it is the parent's.
        if not self._process.elsewhere and self._path is not None:
            # While it is locked, so that nobody's else is taken away. Windows lets no open file go.
            with contextlib.suppress(OSError):
                os.unlink(self._path)
        os.close(descriptor)

    def __del__(self) -> None:
        # A client that was thrown away without a disconnect.
        self.release()


_FLAGS: Final = (
    os.O_RDWR
    | os.O_CREAT
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
)


def _private_directory() -> Path | None:
    """Return a directory that nobody but this user can write to; None if there is none."""
    import tempfile

    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if os.path.isabs(runtime) and _is_private(runtime):
        return Path(runtime)
    user = os.getuid() if hasattr(os, "getuid") else "user"
    try:
        folder = os.path.join(tempfile.gettempdir(), f"mezon-{user}")
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder, 0o700)
    except OSError:
        return None
    return Path(folder) if _is_private(folder) else None


def _is_private(folder: str) -> bool:
    try:
        found = os.lstat(folder)
    except OSError:
        return False
    if not stat.S_ISDIR(found.st_mode):
        return False
    # Windows has neither: its directory for temporary files is the user's own.
    return not hasattr(os, "getuid") or (
        found.st_uid == os.getuid() and not stat.S_IMODE(found.st_mode) & (stat.S_IRWXG | stat.S_IRWXO)
    )


def _content(descriptor: int) -> bytes | None:
    """Return the process id in an open file, b"" for an empty one; None for a file that is not a mark."""
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size > _MAX_ID or found.st_nlink > 1:
            return None
        text = os.read(descriptor, _MAX_ID)
    except OSError:
        return None
    return text if not text or text.isdigit() else None


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
