"""Child processes that do not outlive a test."""

from __future__ import annotations

import asyncio
import contextlib
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from typing import Any


@contextlib.asynccontextmanager
async def child_process(*command: str, **options: Any) -> AsyncIterator[Process]:
    """Run a command for the duration of the block, with its output in a pipe. It is killed at the end.

    Args:
        command: The program and its arguments.
        options: See ``asyncio.create_subprocess_exec``.
    """
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, **options)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
