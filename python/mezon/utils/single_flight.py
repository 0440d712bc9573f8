"""Single flight: callers who want the same thing at the same time share one call."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

__all__ = ["SingleFlight"]

K = TypeVar("K")
T = TypeVar("T")


class _Flight(Generic[T]):
    __slots__ = ("passengers", "task")

    def __init__(self, task: asyncio.Task[T]) -> None:
        self.task = task
        self.passengers = 0


class SingleFlight(Generic[K, T]):
    """One running call per key and event loop; nothing is remembered once it is over.

    Cancelling one caller cancels only that one; when the last one is cancelled the call is too. A failure
    reaches every caller, and is marked as seen even if none is left.
    """

    def __init__(self) -> None:
        self._flights: dict[tuple[asyncio.AbstractEventLoop, K], _Flight[T]] = {}

    async def run(self, key: K, make: Callable[[], Awaitable[T]]) -> T:
        """Join the call of this key, or start it with ``make``."""
        place = (asyncio.get_running_loop(), key)
        flight = self._flights.get(place)
        if flight is None:
            flight = _Flight(asyncio.ensure_future(_call(make)))
            self._flights[place] = flight
            flight.task.add_done_callback(lambda task: self._land(place, task))
        flight.passengers += 1
        try:
            # Not shield(): newer Pythons report the failure of a shielded task whose caller was cancelled.
            await asyncio.wait([flight.task])
            return flight.task.result()
        finally:
            flight.passengers -= 1
            if not flight.passengers and not flight.task.done():
                # A caller who comes now must not join a call that is being cancelled.
                self._flights.pop(place, None)
                flight.task.cancel()

    def _land(self, place: tuple[asyncio.AbstractEventLoop, K], task: asyncio.Task[T]) -> None:
        flight = self._flights.get(place)
        if flight is not None and flight.task is task:
            del self._flights[place]
        if not task.cancelled():
            task.exception()


async def _call(make: Callable[[], Awaitable[T]]) -> T:
    return await make()
