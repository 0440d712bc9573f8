"""The logger of the core: what it does, step by step (states, attempts, losses), when it is switched on."""

from __future__ import annotations

from typing import Final

from mezon.utils.logger import get_logger

logger = get_logger("mezon.core")

#: No record has this level: the core makes none.
_OFF: Final = 255


def level() -> int:
    """Give the level from which the core tells what it does, asked when a connection is opened. Off costs nothing."""
    wanted = logger.getEffectiveLevel()
    return min(wanted, _OFF) if logger.isEnabledFor(wanted) else _OFF
