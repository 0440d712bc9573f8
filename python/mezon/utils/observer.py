"""The base class of metrics and traces."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any


class Observer:
    """Observes handlers, calls and HTTP requests: ``client.observe(observer)``. Override the methods you need.

    Each method returns a context manager around the operation, which receives the exception if the operation raises.
    A coroutine is observed inside its own task. An exception of the method itself reaches the caller of the operation.
    """

    def handler(self, event: str, handler: Callable[..., Any]) -> AbstractContextManager[Any]:
        """Observe the handler of an event."""
        return nullcontext()

    def call(self, name: str) -> AbstractContextManager[Any]:
        """Observe a call over the socket, including its time in the queue. ``name`` is an envelope field or an RPC."""
        return nullcontext()

    def request(self, name: str, method: str) -> AbstractContextManager[Any]:
        """Observe an HTTP request, including its time in the queue. ``name`` is the name of the RPC."""
        return nullcontext()
