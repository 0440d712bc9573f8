"""How a loop comes to know that the core has something: it watches a descriptor, or is called by a thread."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable
from typing import Protocol


class Watcher(Protocol):
    """A connection whose core has something to drain now and then."""

    def notify(self) -> None: ...


#: Open connections whose loop watches no descriptor: nothing but the core's own thread knows them.
_notified: set[Watcher] = set()


class Watch:
    """The place of one connection in its event loop."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._descriptor: int | None = None

    @property
    def is_set(self) -> bool:
        """Does a loop watch the descriptor?"""
        return self._descriptor is not None

    def set(self, loop: asyncio.AbstractEventLoop, descriptor: int, ready: Callable[[], None]) -> bool:
        """Have the loop call ``ready``; False when it watches no descriptors, as Windows' proactor loop."""
        try:
            loop.add_reader(descriptor, ready)
        except NotImplementedError:
            return False
        self._loop, self._descriptor = loop, descriptor
        return True

    def keep(self, owner: Watcher) -> None:
        """Keep a connection alive that only the core's thread knows."""
        _notified.add(owner)

    def end(self, owner: Watcher) -> None:
        """Leave nothing in the loop. Safe at any time."""
        _notified.discard(owner)
        loop, self._loop = self._loop, None
        descriptor, self._descriptor = self._descriptor, None
        if loop is not None and descriptor is not None and not loop.is_closed():
            loop.remove_reader(descriptor)


def weakly(owner: Watcher) -> Callable[[], None]:
    """Make what the core's thread calls: the core must not keep its owner alive."""
    known = weakref.ref(owner)

    def notify() -> None:
        if (living := known()) is not None:
            living.notify()

    return notify
