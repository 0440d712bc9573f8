"""A fork finds no store's file open: what SQLite knows of its locks does not go through one. Not for ``subprocess``."""

from __future__ import annotations

import os
from typing import Final

from mezon import _core
from mezon.utils.logger import get_logger

logger: Final = get_logger("mezon.store")

#: Seconds a fork waits for a disk that does not answer, or for a query that reads a large file.
_PATIENCE: Final = 5.0

_armed = False


def arm() -> None:
    """Close the files of all stores before each fork of this process; the next read or write opens them again."""
    global _armed
    if not _armed and hasattr(os, "register_at_fork"):
        _armed = True
        os.register_at_fork(
            before=_before,
            after_in_parent=lambda: _core.after_fork(False),
            after_in_child=lambda: _core.after_fork(True),
        )


def _before() -> None:
    if not _core.before_fork(_PATIENCE):
        logger.warning(
            "the process forks while the message cache is busy: in the child its file may stay locked. Fork before the "
            "bot logs in, or start the other process with subprocess or multiprocessing's spawn."
        )
