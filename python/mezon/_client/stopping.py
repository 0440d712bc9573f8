"""``client.stop()``: an order from anywhere, carried out on the client's own loop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final

__all__ = ["DRAIN", "Stop"]

#: Seconds handlers may take to end when the process is told to.
DRAIN: Final = 5.0


class Stop:
    """Ends ``run()`` if that runs, else disconnects.

    Args:
        disconnect: ``client.disconnect``.
    """

    def __init__(self, disconnect: Callable[[float], Awaitable[None]]) -> None:
        self._disconnect = disconnect
        self._run: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None
        self._tasks: set[asyncio.Future[Any]] = set()

    @contextlib.contextmanager
    def ends(self, stopped: asyncio.Event) -> Iterator[None]:
        """Let the order to end set ``stopped``, inside the block and on the running loop."""
        self._run = (asyncio.get_running_loop(), stopped)
        try:
            yield
        finally:
            self._run = None

    def __call__(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """Give the order; ``loop`` is that of the last login. Without a loop that runs there is nothing to stop."""
        run = self._run
        if run is not None:
            loop = run[0]
        if loop is None or loop.is_closed():
            return
        with contextlib.suppress(RuntimeError):  # it was closed a moment ago
            loop.call_soon_threadsafe(self._begin, run[1] if run is not None else None)

    def _begin(self, stopped: asyncio.Event | None) -> None:
        if stopped is not None:
            stopped.set()
            return
        task = asyncio.ensure_future(self._disconnect(DRAIN))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
