"""One event at a worker: it is acknowledged when all it started has ended, and calls made for it carry its name."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Final

Handler = Callable[..., Any]


@dataclass(slots=True, eq=False)
class Delivery:
    """One event as it was delivered.

    Attributes:
        event_id: What the stream knows it by: the same at each delivery.
        name: The envelope field.
        body: The encoded message.
        reply: Where it is acknowledged.
        times: How often it was delivered, this time included.
        sequence: Its place in the stream.
        turn: Its place among all deliveries of the partition, repeated ones counted.
        partition: Which partition it came from.
        excused: How many of the earlier deliveries ended without the death of a worker: they were given back, or the
            event came once more to the worker that had it.
        untouched: How many of the earlier deliveries started no handler.
        on_end: Called once, when it counts as done: with whether it is, or has to come again.
    """

    event_id: str
    name: str
    body: bytes = field(repr=False)
    reply: str
    times: int
    sequence: int
    turn: int
    partition: int
    on_end: Callable[[Delivery, bool], None]
    excused: int = 0
    untouched: int = 0
    extended_at: float = 0.0
    _open: int = 0
    _started: bool = False
    _early: bool = False
    _given_up: bool = False
    _ended: bool = False
    _end: asyncio.Event | None = None

    @property
    def ended(self) -> bool:
        """Does it count as done, or was it left to another worker?"""
        return self._ended

    @property
    def lives(self) -> int:
        """How many workers may have died with it, counting the one that has it now."""
        return self.times - self.excused

    @property
    def began_before(self) -> bool:
        """May a handler have been started for it by an earlier delivery?"""
        return self.times - self.untouched > 1

    def leave(self) -> bool:
        """Leave it to another worker, if no handler has seen it; False if one has."""
        if self._started or self._open or self._ended:
            return False
        self._ended = True
        if self._end is not None:
            self._end.set()
        return True

    async def wait_ended(self, patience: float) -> None:
        """Wait until it has ended, or for so many seconds."""
        if self._ended:
            return
        self._end = asyncio.Event()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._end.wait()

    def begin(self) -> None:
        """Count one more thing that runs for it."""
        self._open += 1

    def end(self) -> None:
        """Count one thing less that runs for it."""
        self._open -= 1
        self._look()

    def give_up(self) -> None:
        """Give the event up, as a handler was stopped in the middle: it has to come again."""
        self._given_up = True

    def all_started(self, early: bool = False) -> None:
        """Note that every handler has been called; ``early`` waits for the end of none."""
        self._started, self._early = True, early
        self._look()

    def _look(self) -> None:
        if self._started and (self._open == 0 or self._early) and not self._ended:
            self._ended = True
            if self._end is not None:
                self._end.set()
            self.on_end(self, not self._given_up)


@dataclass(slots=True)
class Scope:
    """One handler of one event. Its calls are numbered, so that the same call of a repeated handler has the same name.

    Attributes:
        delivery: The event.
        handler: Which handler.
    """

    delivery: Delivery
    handler: str
    _calls: int = 0

    def next_key(self) -> str:
        """Give the name of the next call."""
        self._calls += 1
        return f"{self.delivery.event_id}/{self.handler}/{self._calls}"


#: The event whose handlers are being started.
DELIVERED: Final[ContextVar[Delivery | None]] = ContextVar("mezon_delivered", default=None)

#: The handler that runs; tasks it starts belong to it too.
SCOPE: Final[ContextVar[Scope | None]] = ContextVar("mezon_scope", default=None)


def around(name: str, handler: Handler, place: int) -> Handler:
    """Make what is called in place of a handler, so that its end is seen.

    Args:
        name: The event.
        handler: The handler.
        place: Its place among the handlers of the event: one function may stand twice.
    """
    module = getattr(handler, "__module__", "")
    label = f"{module}.{getattr(handler, '__qualname__', type(handler).__qualname__)}#{place}"

    @wraps(handler, updated=())
    def call(*event: Any) -> Any:
        delivery = DELIVERED.get()
        if delivery is None:
            return handler(*event)
        scope = Scope(delivery, label)
        delivery.begin()
        token = SCOPE.set(scope)
        try:
            outcome = handler(*event)
            if inspect.isawaitable(outcome):
                return _run(outcome, scope)
        except BaseException:
            delivery.end()
            raise
        finally:
            SCOPE.reset(token)
        delivery.end()
        return outcome

    return call


async def _run(outcome: Any, scope: Scope) -> Any:
    SCOPE.set(scope)
    # Tasks that the handler starts are its own; an event they cause is not this one.
    DELIVERED.set(None)
    try:
        return await outcome
    except asyncio.CancelledError:
        scope.delivery.give_up()
        raise
    finally:
        scope.delivery.end()
