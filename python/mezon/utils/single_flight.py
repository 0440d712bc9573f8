"""Single flight: concurrent callers with the same key share one call."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

__all__ = ["SingleFlight"]

K = TypeVar("K")
T = TypeVar("T")


class _Flight(Generic[T]):
    __slots__ = ("task", "waiters")

    def __init__(self, task: asyncio.Task[T]) -> None:
        self.task = task
        self.waiters = 0


class SingleFlight(Generic[K, T]):
    """At most one running call per key and event loop; results are not cached.

    Cancelling a caller does not cancel the call unless it was the last caller. An exception reaches every caller, and
    is marked as retrieved if none is left.
    """

    def __init__(self) -> None:
        self._flights: dict[tuple[asyncio.AbstractEventLoop, K], _Flight[T]] = {}

    async def run(self, key: K, make: Callable[[], Awaitable[T]]) -> T:
        """Wait for the running call of the key, or start it with ``make``."""
        slot = (asyncio.get_running_loop(), key)
        flight = self._flights.get(slot)
        if flight is None:
            self._discard_closed_loops()
            flight = _Flight(asyncio.ensure_future(_call(make)))
            self._flights[slot] = flight
            flight.task.add_done_callback(lambda task: self._on_done(slot, task))
        flight.waiters += 1
        try:
            # Not shield(): newer Python versions report the exception of a shielded task whose caller was cancelled.
            await asyncio.wait([flight.task])
            return flight.task.result()
        finally:
            flight.waiters -= 1
            if not flight.waiters and not flight.task.done():
                # A new caller must not join a call that is being cancelled.
                self._flights.pop(slot, None)
                if not slot[0].is_closed():  # else this caller is not cancelled but collected
                    flight.task.cancel()

    def _discard_closed_loops(self) -> None:
        """Release the calls that a closed loop left unfinished, and with them the loop and its sockets."""
        for slot in [slot for slot in self._flights if slot[0].is_closed()]:
            del self._flights[slot]

    def _on_done(self, slot: tuple[asyncio.AbstractEventLoop, K], task: asyncio.Task[T]) -> None:
        flight = self._flights.get(slot)
        if flight is not None and flight.task is task:
            del self._flights[slot]
        if not task.cancelled():
            task.exception()


async def _call(make: Callable[[], Awaitable[T]]) -> T:
    return await make()
