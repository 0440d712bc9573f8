"""A future with a deadline. The client itself does not need it; it is kept for those who built on it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from mezon.errors import MezonError


class PromiseExecutor:
    """A future of ``loop`` that somebody else resolves or rejects.

    Args:
        loop: The event loop.
        future: The future, when it is there already.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, future: asyncio.Future[Any] | None = None) -> None:
        self.future: asyncio.Future[Any] = loop.create_future() if future is None else future
        self.timeout_handle: asyncio.TimerHandle | None = None

    def resolve(self, result: Any) -> None:
        """Give the future its result, unless it is done."""
        self._stop_timer()
        if not self.future.done():
            self.future.set_result(result)

    def reject(self, error: Any) -> None:
        """Let the future fail, unless it is done. What is no exception becomes the text of one."""
        self._stop_timer()
        if not self.future.done():
            self.future.set_exception(error if isinstance(error, Exception) else MezonError(str(error)))

    def set_timeout(self, delay_seconds: float, callback: Callable[[], object]) -> None:
        """Call ``callback`` in ``delay_seconds`` unless the future is done by then."""
        self._stop_timer()
        self.timeout_handle = self.future.get_loop().call_later(delay_seconds, callback)

    def cancel(self) -> None:
        """Give up."""
        self._stop_timer()
        self.future.cancel()

    def _stop_timer(self) -> None:
        if self.timeout_handle is not None:
            self.timeout_handle.cancel()
            self.timeout_handle = None
