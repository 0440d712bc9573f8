"""Single keys of a terminal, read without Enter."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable


@contextlib.asynccontextmanager
async def keys(pressed: Callable[[str], Awaitable[None]]) -> AsyncIterator[bool]:
    """Call ``pressed`` for each key while the block runs. Yields False if standard input is not a terminal."""
    try:
        import termios
        import tty
    except ImportError:  # Windows: only Ctrl-C works
        yield False
        return
    try:
        descriptor = sys.stdin.fileno()
        before = termios.tcgetattr(descriptor)
    except (termios.error, OSError, ValueError, AttributeError):  # no terminal
        yield False
        return
    loop = asyncio.get_running_loop()
    tasks: set[asyncio.Task[None]] = set()

    def ready() -> None:
        for key in os.read(descriptor, 16).decode(errors="ignore"):
            task = asyncio.ensure_future(pressed(key.lower()))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    # cbreak leaves Ctrl-C alone.
    tty.setcbreak(descriptor)
    loop.add_reader(descriptor, ready)
    try:
        yield True
    finally:
        loop.remove_reader(descriptor)
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
