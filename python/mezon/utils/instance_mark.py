"""Marks of running processes: lock files in a private directory."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from pathlib import Path
from typing import Final

from mezon.utils.process import ProcessGuard

__all__ = ["InstanceMark"]

#: Length of a process id in bytes. A longer file is not a mark.
_MAX_ID: Final = 20
_FLAGS: Final = (
    os.O_RDWR
    | os.O_CREAT
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
)


class InstanceMark:
    """A lock file that shows which process on this machine uses something alone, such as a bot its message store.

    The file is in a directory that only this user can write: ``XDG_RUNTIME_DIR``, or one below the directory for
    temporary files. The system releases the lock when the process ends; `release` also removes the file. Two machines
    do not detect each other.

    Args:
        parts: What is used; the file is named after it.
    """

    def __init__(self, *parts: object) -> None:
        # Start-up time: most processes that import the package never log in.
        import hashlib

        place = "\n".join(map(str, parts))
        self._name = f"mezon-{hashlib.sha256(place.encode()).hexdigest()[:24]}.lock"
        self._path: Path | None = None
        self._descriptor: int | None = None
        self._process = ProcessGuard()

    def take(self) -> int | None:
        """Take the mark. Returns the id of the process that has it, 0 if that is unknown, None if no other has it.

        Without a private writable directory there is neither a mark nor a warning: the mark is advisory. A file that
        is not a mark is left unchanged.
        """
        if self._descriptor is not None:
            return None
        folder = _private_directory()
        if folder is None:
            return None
        self._path = folder / self._name
        while True:
            try:
                # Readable by this user alone.
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
            if self._is_current(descriptor):
                break
            # Its last owner removed the file after it was opened here.
            os.close(descriptor)
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.lseek(descriptor, 0, os.SEEK_SET)
            os.write(descriptor, str(os.getpid()).encode())
        self._descriptor = descriptor
        self._process.begin()
        return None

    def holder(self) -> int | None:
        """Return the id of the process that has the mark; None if no process has it or its id is unknown."""
        folder = _private_directory()
        if folder is None:
            return None
        try:
            descriptor = os.open(folder / self._name, _FLAGS & ~os.O_CREAT)
        except OSError:
            return None
        try:
            # Whoever gets the lock is alone: the file was left behind.
            return None if _lock(descriptor) else int(_content(descriptor) or 0) or None
        finally:
            os.close(descriptor)

    def _is_current(self, descriptor: int) -> bool:
        assert self._path is not None
        try:
            return os.path.samestat(os.fstat(descriptor), os.lstat(self._path))
        except OSError:
            return False

    def release(self) -> None:
        """Release the mark and remove the file."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return
        # In a forked child the mark is the parent's.
        if not self._process.elsewhere and self._path is not None:
            # Before the lock is released, so that no other process's file is removed. Windows removes no open file.
            with contextlib.suppress(OSError):
                os.unlink(self._path)
        os.close(descriptor)

    def __del__(self) -> None:
        # The client was discarded without a disconnect.
        self.release()


def _private_directory() -> Path | None:
    """Return a directory that only this user can write to; None if there is none."""
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
    # Windows has no user ids; its directory for temporary files is private.
    return not hasattr(os, "getuid") or (
        found.st_uid == os.getuid() and not stat.S_IMODE(found.st_mode) & (stat.S_IRWXG | stat.S_IRWXO)
    )


def _content(descriptor: int) -> bytes | None:
    """Return the process id in an open file, b"" for an empty file; None for a file that is not a mark."""
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
    except ImportError:  # Windows: a lock by msvcrt would prevent others from reading the id
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
