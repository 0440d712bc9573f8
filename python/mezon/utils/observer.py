"""Watching a client at work: the base of metrics and traces."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any


class Observer:
    """Watches handlers, calls and HTTP requests: ``client.observe(observer)``. Override what you want to see.

    Each method gives a context manager, entered when the thing begins and left when it ends, with its error if it
    has raised. A coroutine is watched inside its own task. What a method itself raises goes to whoever made the call,
    so it should raise nothing.
    """

    def handler(self, event: str, handler: Callable[..., Any]) -> AbstractContextManager[Any]:
        """Watch a handler of an event while it runs."""
        return nullcontext()

    def call(self, name: str) -> AbstractContextManager[Any]:
        """Watch a call over the socket, its wait for a turn included: an envelope field, or the name of an API."""
        return nullcontext()

    def request(self, name: str, method: str) -> AbstractContextManager[Any]:
        """Watch an HTTP request while it waits for its turn and its answer: the name of an RPC, and the HTTP method."""
        return nullcontext()
