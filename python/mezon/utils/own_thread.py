"""A thread for a single call, unlike the threads of the loop's executor, which stay as long as the loop."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar, cast

__all__ = ["in_a_thread"]

_T = TypeVar("_T")


def in_a_thread(call: Callable[[], _T]) -> asyncio.Future[_T]:
    """Run a function in a thread that ends with the call; returns a future of the result."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[_T] = loop.create_future()

    def resolve(result: _T | None, error: Exception | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(cast("_T", result))

    def run() -> None:
        result: _T | None = None
        failure: Exception | None = None
        try:
            result = call()
        except Exception as error:
            failure = error
        # RuntimeError: the loop is closed, so nothing waits for the result.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(resolve, result, failure)

    threading.Thread(target=run, name="mezon-aside").start()
    return future
