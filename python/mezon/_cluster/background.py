"""Work that nobody waits for, held until it ends: the loop holds tasks weakly."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Coroutine

logger = get_logger("mezon.cluster")

_running: set[asyncio.Future[None]] = set()


def beside(work: Coroutine[Any, Any, None]) -> None:
    """Run something nobody waits for."""

    async def run() -> None:
        try:
            await work
        except Exception as error:
            logger.debug("Nobody waited for it: %s", error or type(error).__name__)

    task = asyncio.ensure_future(run())
    _running.add(task)
    task.add_done_callback(_running.discard)
