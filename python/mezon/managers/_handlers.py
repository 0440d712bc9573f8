"""Calling event handlers and owning their tasks.

`HandlerRunner` calls every handler of every event: for the dispatcher of a client, and for ``EventManager.emit``.
"""

from __future__ import annotations

import asyncio
import inspect
import sys
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from types import CoroutineType
from typing import Any, Final, TypeAlias

from mezon.errors import ConnectionLostError
from mezon.utils.logger import get_logger
from mezon.utils.user_code import origin_of, summary

logger = get_logger("mezon.events")

Handlers: TypeAlias = "tuple[Callable[..., Any], ...]"

#: What a handler returned to be awaited.
Outcome: TypeAlias = "Coroutine[Any, Any, Any] | asyncio.Future[Any]"

#: Exceptions that end the process. They are re-raised after the other handlers of the event were started.
EXIT_ERRORS: Final = (KeyboardInterrupt, SystemExit)

#: The number of tasks from which tasks that were cancelled before their first step are looked for.
_SWEEP: Final = 1024


class WaitEndedError(ConnectionLostError):
    """The client was closed while a handler waited for an event. Not counted as an error of the handler."""


#: Creates a task from a coroutine and a name. Passing a name costs less than letting asyncio generate one.
TaskFactory: TypeAlias = "Callable[[Coroutine[Any, Any, None], str], asyncio.Task[None]]"


def is_being_cancelled() -> bool:
    """Return whether the running task was asked to stop, rather than having raised ``CancelledError`` itself."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def is_failure(error: BaseException) -> bool:
    """Return whether an exception of an awaited handler is an error of the handler.

    ``GeneratorExit`` is one only if the handler raised it. If the awaiting coroutine was closed instead, the traceback
    has a single frame.
    """
    if isinstance(error, GeneratorExit):
        return error.__traceback__ is not None and error.__traceback__.tb_next is not None
    return not isinstance(error, (asyncio.CancelledError, *EXIT_ERRORS))


def describe(handler: Callable[..., Any] | None) -> str:
    """Return the name of a handler for log records and error messages."""
    return getattr(handler, "__qualname__", None) or type(handler).__qualname__


def task_factory(loop: asyncio.AbstractEventLoop) -> TaskFactory:
    """Return the cheapest way to create a task on a loop."""
    # Functions rather than `functools.partial`, which would merge two dicts of keywords at each call.
    if loop.get_task_factory() is not None or not isinstance(loop, asyncio.BaseEventLoop):
        return lambda coroutine, name: loop.create_task(coroutine, name=name)
    task = asyncio.Task
    if sys.version_info >= (3, 12):
        # A handler that does not suspend needs no iteration of the loop.
        return lambda coroutine, name: task(coroutine, loop=loop, name=name, eager_start=True)
    return lambda coroutine, name: task(coroutine, loop=loop, name=name)


def _create_on_running_loop(coroutine: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
    return asyncio.get_running_loop().create_task(coroutine, name=name)


async def _await(awaitable: Awaitable[Any]) -> None:
    await awaitable


class HandlerRunner:
    """Calls handlers, keeps the tasks of those that return an awaitable, and reports what they raise.

    Args:
        on_error: Called with the exception and the event's name after the exception of a handler was logged.
        bounded: Whether the number of running handlers is bounded, so that every end of a task has to be noticed.

    Attributes:
        tasks: The task of each running handler, by what the handler returned.
        upcoming: The number of handlers that start when the default handlers in a running task have ended.
        errors: The number of handlers that raised an exception.
        on_free: Called once when a running handler ends.
    """

    def __init__(self, on_error: Callable[[BaseException, str], None], *, bounded: bool = False) -> None:
        self.tasks: dict[Outcome, asyncio.Task[None]] = {}
        self.upcoming: dict[Outcome, int] = {}
        self.errors: int = 0
        self.on_free: Callable[[], None] | None = None
        self._on_error = on_error
        self._bounded = bounded
        self._create_task: TaskFactory = _create_on_running_loop
        self._sweep_at = _SWEEP

    def use(self, loop: asyncio.AbstractEventLoop) -> None:
        """Run handlers on this loop. Without a call of `use`, they run on the running loop."""
        self._create_task = task_factory(loop)

    # ---- running handlers

    @property
    def running(self) -> int:
        """The number of running handlers. Safe to read on any thread."""
        return sum(not task.done() for task in tuple(self.tasks.values()))

    @property
    def load(self) -> int:
        """The number of handlers that run or are about to start."""
        return len(self.tasks) + sum(self.upcoming.values())

    def owns(self, task: asyncio.Task[Any] | None) -> bool:
        """Return whether a task runs a handler, or is an awaitable that a handler has returned."""
        return any(task is own or task is outcome for outcome, own in self.tasks.items())

    def others(self, caller: asyncio.Task[Any] | None) -> set[asyncio.Task[None]]:
        """Return the unfinished tasks of handlers on the running loop, except the caller's."""
        loop = asyncio.get_running_loop()
        for outcome, task in list(self.tasks.items()):
            if task.get_loop() is not loop and task.get_loop().is_closed():
                # The task ended with its loop; the coroutine cannot be closed from here.
                del self.tasks[outcome]
                self.upcoming.pop(outcome, None)
        return {
            task
            for outcome, task in self.tasks.items()
            if task is not caller and outcome is not caller and task.get_loop() is loop and not task.done()
        }

    async def wait_any(self) -> None:
        """Wait until one of the running handlers ends."""
        if self.tasks:
            await asyncio.wait(set(self.tasks.values()), return_when=asyncio.FIRST_COMPLETED)

    # ---- calling handlers

    def call(self, name: str, handlers: Handlers, event: Any) -> BaseException | None:
        """Start every handler, even if others raise.

        Returns:
            The exception to re-raise if it must terminate the process.
        """
        end: BaseException | None = None
        for handler in handlers:
            try:
                outcome = handler(event)
                if outcome is None:
                    continue
                if type(outcome) is CoroutineType or inspect.isawaitable(outcome):
                    self.start(name, handler, outcome)
            except BaseException as error:
                end = self.failed(error, name, handler) or end
        return end

    async def call_after(self, name: str, defaults: Handlers, handlers: Handlers, event: Any) -> None:
        """Await the default handlers one after another, then start the others."""
        end: BaseException | None = None
        for default in defaults:
            try:
                outcome = default(event)
                if inspect.isawaitable(outcome):
                    await outcome
            except BaseException as error:
                if is_being_cancelled() or (isinstance(error, GeneratorExit) and not is_failure(error)):
                    raise
                end = self.failed(error, name, default) or end
        end = self.call(name, handlers, event) or end
        if end is not None:
            raise end

    def start_after(self, name: str, defaults: Handlers, handlers: Handlers, event: Any) -> None:
        """Start a task that awaits the default handlers and then starts the others."""
        sequence = self.call_after(name, defaults, handlers, event)
        self.upcoming[sequence] = len(handlers)
        self.start(name, defaults[0], sequence)

    def start(
        self,
        name: str,
        handler: Callable[..., Any],
        outcome: Awaitable[Any],
        on_end: Callable[[bool], None] | None = None,
    ) -> None:
        """Await what a handler returned in a task, which is kept until it ends.

        Args:
            name: The event's name, which is the name of the task.
            handler: The handler.
            outcome: What the handler returned.
            on_end: Called when the task has ended, with False if it was cancelled before its first step.
        """
        if type(outcome) is not CoroutineType and (
            not isinstance(outcome, asyncio.Future) or outcome in self.tasks
        ):
            # Two handlers may return the same future; other awaitables need not be hashable.
            outcome = _await(outcome)
        task = self._create_task(self._run(name, handler, outcome), name)
        if task.done():  # an eager task may be
            if on_end is not None:
                on_end(True)
            return
        tasks = self.tasks
        tasks[outcome] = task
        if self._bounded or on_end is not None:
            task.add_done_callback(partial(self._ended, outcome, on_end))
        elif len(tasks) >= self._sweep_at:
            self.sweep()
            self._sweep_at = max(_SWEEP, 2 * len(tasks))

    async def _run(self, name: str, handler: Callable[..., Any], outcome: Outcome) -> None:
        try:
            await outcome
        except BaseException as error:
            if not is_failure(error):
                raise
            end = self.failed(error, name, handler)
            if end is not None:
                raise end from None
        finally:
            self.tasks.pop(outcome, None)
            if self.upcoming:
                self.upcoming.pop(outcome, None)
            if self.on_free is not None:
                self._free()

    def _ended(
        self, outcome: Outcome, on_end: Callable[[bool], None] | None, task: asyncio.Task[None]
    ) -> None:
        # A task that was cancelled before its first step has not run the `finally` of `_run`.
        began = self.tasks.get(outcome) is not task
        if not began:
            self._forget(outcome)
        if on_end is not None:
            on_end(began)
        if not began and self.on_free is not None:
            self._free()

    def _free(self) -> None:
        on_free, self.on_free = self.on_free, None
        if on_free is not None:
            on_free()

    def sweep(self) -> None:
        """Remove the tasks that were cancelled before their first step."""
        for outcome in [outcome for outcome, task in self.tasks.items() if task.done()]:
            self._forget(outcome)

    def _forget(self, outcome: Outcome) -> None:
        del self.tasks[outcome]
        self.upcoming.pop(outcome, None)
        if inspect.iscoroutine(outcome):
            # Never started, so never awaited.
            outcome.close()

    # ---- errors

    def failed(
        self, error: BaseException, name: str, handler: Callable[..., Any] | None
    ) -> BaseException | None:
        """Log the exception of a handler with its traceback and report it.

        Returns:
            The exception to re-raise if it must terminate the process.
        """
        if isinstance(error, EXIT_ERRORS):
            return error
        if isinstance(error, WaitEndedError):
            logger.debug(
                "Handler %s of event %r waited for an event when the client was closed", handler, name
            )
            return None
        self.errors += 1
        where = describe(handler)
        logger.error(
            "%s failed: %s",
            origin_of(error) or f"Handler {where} of event {name!r}",
            summary(error),
            exc_info=error,
            extra={"event": name, "handler": where},
        )
        try:
            self._on_error(error, name)
        except EXIT_ERRORS as end:
            return end
        except BaseException:
            logger.exception("on_error failed")
        return None
