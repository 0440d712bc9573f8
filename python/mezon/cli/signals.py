"""Ctrl-C and SIGTERM as an ordinary end."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Coroutine
from typing import Any


async def until_interrupted(work: Coroutine[Any, Any, Any], stop: asyncio.Event | None = None) -> None:
    """Run ``work`` until it is done, ``stop`` is set, or SIGINT or SIGTERM comes. Raises what ``work`` raises."""
    stopped = stop or asyncio.Event()
    loop = asyncio.get_running_loop()
    taken = []
    for number in (signal.SIGINT, signal.SIGTERM):
        # Windows loops have no signal handlers; Ctrl-C raises KeyboardInterrupt there.
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stopped.set)
            taken.append(number)
    task = asyncio.ensure_future(work)
    end = asyncio.ensure_future(stopped.wait())
    try:
        await asyncio.wait((task, end), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
    finally:
        for number in taken:
            loop.remove_signal_handler(number)
        for one in (task, end):
            one.cancel()
        await asyncio.gather(task, end, return_exceptions=True)
