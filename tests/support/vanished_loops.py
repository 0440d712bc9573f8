"""A loop that is closed in the middle of everything, as scripts and some frameworks close theirs."""

from __future__ import annotations

import asyncio
from typing import Any

#: Collecting an unfinished task outside of its loop raises in whatever it was at, so they stay to the end.
_unfinished: list[asyncio.Task[Any]] = []


def vanish(loop: asyncio.AbstractEventLoop) -> None:
    """Close a loop of asyncio that has unfinished tasks and open connections.

    What asyncio reports of them comes whenever they are collected, and would fail another test. So the connections are
    closed, and the tasks kept.
    """
    for task in asyncio.all_tasks(loop):
        task._log_destroy_pending = False  # type: ignore[attr-defined]
        _unfinished.append(task)
    transports: list[Any] = list(loop._transports.values())  # type: ignore[attr-defined]
    loop.close()
    for transport in transports:
        if transport._sock is not None:
            transport._sock.close()
            transport._sock = None
