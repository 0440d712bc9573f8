"""What belongs to one process and must not be used in a forked child of it."""

from __future__ import annotations

import os

from mezon.errors import ForkError

__all__ = ["ProcessGuard"]


class ProcessGuard:
    """Remembers the process that began to use something.

    A forked child has a copy of the object and the same descriptors: an order it gives, or a descriptor it takes out
    of a shared ``epoll``, makes the parent deaf. So whoever is guarded asks first, and touches nothing.
    """

    __slots__ = ("_process",)

    def __init__(self) -> None:
        self._process: int | None = None

    def begin(self) -> None:
        """Use it in this process from now on."""
        self._process = os.getpid()

    @property
    def elsewhere(self) -> bool:
        """Does another process use it?"""
        return self._process is not None and self._process != os.getpid()

    def check(self) -> None:
        """Raise when another process uses it.

        Raises:
            ForkError: In a forked child.
        """
        if self.elsewhere:
            raise ForkError(
                "the process was forked after this client had started: create and log in the client in the child "
                "process"
            )
