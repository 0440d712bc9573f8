"""The running handlers of a bot, for ``mezon chat``, which waits for them between the lines of a pipe."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any, Final
from weakref import WeakSet

from mezon import Events, MezonClient, MezonError, Observer
from mezon._events.waiting import waits_for_event

__all__ = ["Activity"]

#: Seconds between two looks at the handlers; no event reports that a handler begins to wait for an event.
_INTERVAL: Final = 0.01
#: Iterations of the loop until a handler has started or resumed, with those of a future or a timeout in between.
_ITERATIONS: Final = 4


class Activity(Observer):
    """Tracks the running handlers and calls of clients, from their creation on.

    Attributes:
        loop: The loop of the last call; None before the first one.
    """

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        self._clients: WeakSet[MezonClient] = WeakSet()
        self._handlers: list[tuple[asyncio.Task[Any], str]] = []
        #: The handlers that `settle` no longer waits for.
        self._long_running: WeakSet[asyncio.Task[Any]] = WeakSet()
        self._last_call = 0.0

    def watch(self, client: MezonClient) -> None:
        """Track the handlers of a client that has not logged in yet."""
        client.observe(self)
        self._clients.add(client)

    @contextmanager
    def handler(self, event: str, handler: Callable[..., Any]) -> Iterator[None]:
        """Track a handler that runs in a task. Others end at once, and a handler of `ready` may never end."""
        task = asyncio.current_task()
        if task is None or event == Events.READY.value:
            yield
            return
        running = (task, getattr(handler, "__qualname__", event))
        self._handlers.append(running)
        try:
            yield
        finally:
            self._handlers.remove(running)

    @contextmanager
    def call(self, name: str) -> Iterator[None]:
        """Note the time of a call, which shows that the bot is at work."""
        self.loop = asyncio.get_running_loop()
        self._last_call = monotonic()
        yield

    async def settle(self, quiet: float, limit: float) -> list[str]:
        """Wait until every handler has ended or waits for an event, including those of events sent before.

        Args:
            quiet: Seconds without a call of the bot after which the running handlers are not waited for, now or later.
            limit: Seconds after which they are not waited for in any case.

        Returns:
            The names of these handlers.
        """
        start = monotonic()
        for client in list(self._clients):
            await self._receive_all(client, start + quiet)
        # An event that has been dispatched starts or resumes its handler in the next iteration of the loop.
        for _ in range(_ITERATIONS):
            await asyncio.sleep(0)
        while busy := self._busy():
            now = monotonic()
            if now - max(start, self._last_call) >= quiet or now - start >= limit:
                break
            await asyncio.sleep(_INTERVAL)
        self._long_running.update(task for task, _ in busy)
        return sorted({name for _, name in busy})

    async def _receive_all(self, client: MezonClient, deadline: float) -> None:
        """Wait until the client has dispatched what the server has sent to it so far."""
        while client.state != "closed" and monotonic() < deadline:
            try:
                # The server answers after the events that it has sent before.
                await client.socket_manager.socket.connection.call("ping", {}, deadline - monotonic())
            except MezonError:  # the connection was lost, or is not open yet
                await asyncio.sleep(_INTERVAL)
                continue
            while client.stats().queued and monotonic() < deadline:  # noqa: ASYNC110 (in another thread)
                await asyncio.sleep(_INTERVAL)
            return

    def _busy(self) -> list[tuple[asyncio.Task[Any], str]]:
        return [
            (task, name)
            for task, name in self._handlers
            if task not in self._long_running and not waits_for_event(task)
        ]
