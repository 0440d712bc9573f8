"""One task begins the coroutines of many handlers (docs/guide/events.md, "Tasks of handlers").

A task is most of what a quick handler costs. So the handlers of a batch wait in line, and a *worker*, one real task,
begins them in order. One that suspends keeps the worker as its task for the rest of its life, and the next worker goes
on with the line. A handler that ends without suspending leaves the task to the next one, unless it left a mark on it.

Python 3.12 begins tasks eagerly, which costs less than this (docs/performance.md): the worker is for 3.11.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from sys import getrefcount
from typing import Any, Final, TypeAlias
from weakref import getweakrefcount

from mezon._events.tasks import is_failure

_Running: TypeAlias = "dict[Any, asyncio.Task[None]]"
_Waiting: TypeAlias = "tuple[str, Callable[..., Any], Coroutine[Any, Any, Any]]"

#: How fast the share of handlers that suspend is learned, from each worker's share of the line.
_LEARN: Final = 1 / 64
#: Turns of the loop a line may take: nobody waits longer because the guess was wrong.
_TURNS: Final = 3
#: Above this share a task for each is cheaper; for so many handlers, then the share is looked at again.
_MANY: Final = 0.4
_APART: Final = 512
#: A share below this is none.
_NONE: Final = 1e-3

_MISSING: Final = object()

_Variables: TypeAlias = "tuple[tuple[ContextVar[Any], Any], ...]"


class _Line:
    """Handlers that wait to be begun, and the workers on their way to them."""

    __slots__ = (
        "before",
        "count",
        "credit",
        "last",
        "more",
        "outcome",
        "queue",
        "turns",
        "watched",
        "worker",
    )

    def __init__(self) -> None:
        self.queue: deque[_Waiting] = deque()
        #: The worker hired last, until it begins: as long as it is there, somebody comes.
        self.last: asyncio.Task[None] | None = None
        #: The worker that has begun the coroutine `outcome`, and how long the line was before its first one. It is
        #: there until somebody else gets to run: then that handler has suspended.
        self.worker: asyncio.Task[None] | None = None
        self.outcome: Any = None
        self.before = 0
        #: Workers that handlers will suspend, as far as one can tell; a whole one is hired.
        self.credit = 0.0
        #: How many are hired when too few were: twice as many each time.
        self.more = 1
        self.watched = False
        self.turns = 0
        #: Handlers that have stood in it.
        self.count = 0


class Workers:
    """Begins handlers for a dispatcher.

    Args:
        running: What runs and its task; those that suspend are added, until they end.
        failed: Told what a handler raised, with the event's name and the handler; gives what has to go on.
        ended: Told that handlers of the line have ended.
        start: Gives a handler's coroutine a task of its own.
    """

    def __init__(
        self,
        running: _Running,
        failed: Callable[[BaseException, str, Callable[..., Any]], BaseException | None],
        ended: Callable[[], None],
        start: Callable[[str, Callable[..., Any], Coroutine[Any, Any, Any]], None],
    ) -> None:
        self._running = running
        self._failed = failed
        self._ended = ended
        self._start = start
        self._loop: asyncio.AbstractEventLoop | None = None
        self._context = Context()
        self._variables: _Variables = ()
        self._line: _Line | None = None
        self._lines: set[_Line] = set()
        #: The share of handlers that suspended of late: so many workers are hired beforehand.
        self._share = 0.0
        #: Handlers that get tasks of their own until the share is looked at again.
        self._apart = 0
        #: Was the last one of a turn of the loop its only one? Then a line for the next one costs more than it saves.
        self._alone = False
        self._one_this_turn = False

    def use(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin handlers on this loop, each in a copy of the context of now."""
        for line in tuple(self._lines):
            # Of a loop that has ended.
            self._drop(line)
        self._loop = loop
        self._alone = self._one_this_turn = False
        self._context = copy_context()
        self._variables = tuple(self._context.items())

    @property
    def waiting(self) -> int:
        """Handlers that have not begun, and the one in its first step. Safe on any thread."""
        return sum(len(line.queue) + (line.worker is not None) for line in tuple(self._lines))

    def begins(self, task: asyncio.Task[Any] | None) -> bool:
        """Say whether this is the task of a handler in its first step."""
        return task is not None and any(line.worker is task for line in self._lines)

    async def begun(self) -> None:
        """Wait until every handler of now has begun."""
        while self._loop is asyncio.get_running_loop() and self.waiting:  # noqa: ASYNC110
            # Each turn begins some.
            await asyncio.sleep(0)

    # ---- the line

    def add(self, name: str, handler: Callable[..., Any], outcome: Coroutine[Any, Any, Any]) -> None:
        """Have a handler's coroutine begun in its turn."""
        line = self._line
        if line is not None and (line.last.cancelling() if line.last is not None else not line.queue):
            # Who cancels a worker means the handlers that were there, not those to come. Or all have begun.
            line = None
        if line is None:
            if self._share > _MANY and self._apart > 0:
                self._apart -= 1
                self._context.run(self._start, name, handler, outcome)
                return
            if self._alone and self._loop is not None:
                if not self._one_this_turn:
                    self._one_this_turn = True
                    self._loop.call_soon(self._turn_over)
                    self._context.run(self._start, name, handler, outcome)
                    return
                self._alone = False
            line = self._line = _Line()
            self._apart = _APART
            self._lines.add(line)
            self._hire(line, name)
        elif self._share:
            line.credit += self._share
            if line.credit >= 1.0:
                line.credit -= 1.0
                self._hire(line, name)
        line.count += 1
        line.queue.append((name, handler, outcome))

    def _turn_over(self) -> None:
        self._one_this_turn = False

    def _hire(self, line: _Line, name: str) -> None:
        assert self._loop is not None
        context = self._context.copy()
        line.last = asyncio.Task(self._work(line), loop=self._loop, name=name, context=context)
        if not line.watched:
            line.watched = True
            self._loop.call_soon(self._watch, line)

    def _watch(self, line: _Line) -> None:
        """Look, behind the first step of a worker or of several, and before any second one, who has begun."""
        self._suspended(line)
        last = line.last
        line.watched = False
        if last is not None and last.done():
            # Cancelled before its first step: it has begun nothing.
            self._drop(line)
        elif last is not None and self._loop is not None:
            line.turns += 1
            if line.turns > _TURNS:
                self._start_all(line)
            line.watched = True
            self._loop.call_soon(self._watch, line)
        else:
            self._go_on(line)

    def _suspended(self, line: _Line) -> None:
        """Let somebody else run: what a worker has begun and not ended keeps it."""
        if line.worker is not None:
            self._running[line.outcome] = line.worker
            self._learn(max(1, line.before - len(line.queue)), 1)
            line.worker = line.outcome = None

    def _learn(self, begun: int, suspended: int) -> None:
        share = self._share + (suspended - begun * self._share) * _LEARN
        self._share = 0.0 if share < _NONE else min(share, 1.0)

    def _go_on(self, line: _Line) -> None:
        """Have what is left begun."""
        if line.last is not None:
            return
        if not line.queue:
            self._forget(line)
        elif self._loop is None or self._loop.is_closed():
            self._drop(line)
        elif self._share > _MANY:
            self._start_all(line)
        else:
            for _ in range(min(len(line.queue), line.more + int(len(line.queue) * self._share))):
                self._hire(line, line.queue[0][0])
            line.more *= 2

    def _start_all(self, line: _Line) -> None:
        """Start what is left in tasks of its own."""
        self._forget(line)
        while line.queue:
            self._context.run(self._start, *line.queue.popleft())

    def _drop(self, line: _Line) -> None:
        """Cancel the handlers of a line before their first step, with their worker."""
        self._forget(line)
        while line.queue:
            line.queue.popleft()[2].close()
        self._ended()

    def _forget(self, line: _Line) -> None:
        self._alone = line.count == 1 and not self._one_this_turn
        self._lines.discard(line)
        if self._line is line:
            self._line = None

    # ---- a worker

    async def _work(self, line: _Line) -> None:
        """Begin the handlers of the line until one suspends, which is then all this task does."""
        mine = asyncio.current_task()
        assert mine is not None
        self._suspended(line)
        if line.last is mine:
            line.last = None
        queue, variables, count = line.queue, self._variables, len(self._variables)
        known, outcome = mine.get_name(), None
        line.worker, line.before = mine, len(queue)
        # Who keeps a reference to a task, a weak one too, can tell it from another: it is not for the next handler.
        state = _state_of(mine)
        strong, weak = getrefcount(mine), getweakrefcount(mine)
        try:
            while queue:
                name, handler, outcome = queue.popleft()
                if name is not known:
                    mine.set_name(name)
                    known = name
                line.outcome = outcome
                try:
                    await outcome
                except BaseException as error:
                    if not is_failure(error):
                        raise
                    end = self._failed(error, name, handler)
                    if end is not None:
                        raise end from None
                if line.worker is not mine:
                    return
                # The rest is what a handler can have changed that the next one would see.
                if (
                    getrefcount(mine) != strong
                    or getweakrefcount(mine) != weak
                    or state._must_cancel
                    or state._callbacks
                    or mine.get_name() is not known
                    or len(copy_context()) != count
                    or (count and _changed(variables))
                ):
                    return
        finally:
            if line.worker is mine:
                line.worker = line.outcome = None
                self._learn(line.before - len(queue), 0)
                self._go_on(line)
            else:
                self._running.pop(outcome, None)
            self._ended()


def _state_of(task: Any) -> Any:
    """Give a task with attributes of asyncio's own: whether it is to be cancelled, and who is told of its end."""
    return task


def _changed(variables: _Variables) -> bool:
    """Compare by identity: two equal lists are two."""
    now = copy_context()
    return any(now.get(variable, _MISSING) is not value for variable, value in variables)
