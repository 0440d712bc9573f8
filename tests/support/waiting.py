"""Waiting for what nobody announces, and looking at this process."""

from __future__ import annotations

import asyncio
import inspect
import os
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from patience import patient

TASKS = Path("/proc/self/task")


async def until(
    condition: Callable[[], Any] | Callable[[], Awaitable[Any]],
    what: str | Callable[[], str] = "a condition",
    *,
    timeout: float = 20.0,
    every: float = 0.005,
) -> Any:
    """Wait until a condition, plain or awaitable, is true, and give what it was.

    AssertionError after ``timeout`` seconds; ``what`` (a function: asked then) says what was waited for. A condition
    that takes long to look at is looked at ``every`` so many seconds.
    """
    timeout = patient(timeout)
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if inspect.isawaitable(value):
            value = await value
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {timeout:g} s for {what() if callable(what) else what}")
        await asyncio.sleep(every)


async def settle() -> None:
    """Lets every task that can run do so."""
    for _ in range(20):
        await asyncio.sleep(0)


def rss() -> int:
    """The resident memory of this process in bytes."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def system_threads() -> dict[str, str]:
    """The threads of this process, Rust's among them: the system's number of each, and its name."""
    found = {}
    for task in TASKS.iterdir():
        with suppress(OSError):  # it ended since it was listed
            found[task.name] = (task / "comm").read_text().strip()
    return found
