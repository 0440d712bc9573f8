"""Protection of objects that must not be used in a forked child process."""

from __future__ import annotations

import os

from mezon.errors import ForkError

__all__ = ["ProcessGuard"]


class ProcessGuard:
    """Binds an object to a process.

    A forked child has a copy of the object and shares its descriptors: a command from the child, or a descriptor that
    it removes from a shared ``epoll``, would break the parent. The guarded object checks before each use.
    """

    __slots__ = ("_process",)

    def __init__(self) -> None:
        self._process: int | None = None

    def begin(self) -> None:
        """Bind to the current process."""
        self._process = os.getpid()

    @property
    def elsewhere(self) -> bool:
        """Whether the object is bound to another process."""
        return self._process is not None and self._process != os.getpid()

    def check(self) -> None:
        """Raise if the object is bound to another process.

        Raises:
            ForkError: In a forked child.
        """
        if self.elsewhere:
            raise ForkError(
                "the process was forked after this client had started: create and log in the client in the child "
                "process"
            )
