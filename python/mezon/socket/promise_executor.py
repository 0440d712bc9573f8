"""A future with a timeout, for code that was written for mezon-sdk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from mezon.errors import MezonError


class PromiseExecutor:
    """A future of ``loop`` that other code resolves or rejects.

    Args:
        loop: The event loop.
        future: An existing future; None to create one.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, future: asyncio.Future[Any] | None = None) -> None:
        self.future: asyncio.Future[Any] = loop.create_future() if future is None else future
        self.timeout_handle: asyncio.TimerHandle | None = None

    def resolve(self, result: Any) -> None:
        """Set the result of the future, unless it is done."""
        self._stop_timer()
        if not self.future.done():
            self.future.set_result(result)

    def reject(self, error: Any) -> None:
        """Set the exception of the future, unless it is done. Other objects become the text of a `MezonError`."""
        self._stop_timer()
        if not self.future.done():
            self.future.set_exception(error if isinstance(error, Exception) else MezonError(str(error)))

    def set_timeout(self, delay_seconds: float, callback: Callable[[], object]) -> None:
        """Call ``callback`` after ``delay_seconds``, unless the future is done before."""
        self._stop_timer()
        self.timeout_handle = self.future.get_loop().call_later(delay_seconds, callback)

    def cancel(self) -> None:
        """Cancel the future and its timeout."""
        self._stop_timer()
        self.future.cancel()

    def _stop_timer(self) -> None:
        if self.timeout_handle is not None:
            self.timeout_handle.cancel()
            self.timeout_handle = None
