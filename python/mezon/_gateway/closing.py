"""Closing the core where no loop is told when it is done."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mezon import _core

#: Seconds a close may take, and the seconds between two looks whether it is done.
CLOSING: Final = 5.0
_LOOK: Final = 0.01


async def close_unheard(core: _core.Gateway) -> None:
    """Close the core, and look until it is closed: its own loop is gone, or is another one."""
    core.close()
    for _ in range(int(CLOSING / _LOOK)):
        if core.state in ("idle", "closed"):
            return
        await asyncio.sleep(_LOOK)
