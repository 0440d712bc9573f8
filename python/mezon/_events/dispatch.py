"""From events to handlers: what the SDK itself does first, then the bot's handlers, in wire order, never waiting.

Runs on the loop, once for each event, so it is kept short. A coroutine function gets a task, which is held until it
ends, and its error is logged and reported.
"""

from __future__ import annotations

import asyncio
import inspect
import sys
from functools import partial
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from mezon._events.batches import Batch
from mezon._events.ending import finish
from mezon._events.routing import Route, Routes
from mezon._events.tasks import (
    ENDS,
    Handlers,
    MakeTask,
    being_cancelled,
    is_failure,
    task_maker,
    task_on_running_loop,
    wait_for,
)
from mezon._events.waiting import WaitEndedError, Waiters
from mezon.constants.enum import Events
from mezon.managers._registering import fitting
from mezon.managers.event import EventManager
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping

    from mezon.filters._spec import Spec
    from mezon.ports import Connection

logger = get_logger("mezon.events")

_Outcome: TypeAlias = "Coroutine[Any, Any, Any] | asyncio.Future[Any]"

#: Room where no bound is set; running handlers above which those that never began are looked for.
_UNBOUNDED: Final = sys.maxsize
_SWEEP: Final = 1024


class Dispatcher:
    """Dispatches every event of one client: those of the connection, of the AI agents, and its own.

    Args:
        events: Who listens to what.
        on_error: Called with what a handler raised and the name of the event.
        max_handlers: How many handlers may run before the connection has to wait; None for no bound.
        waiters: Who waits for an event; served before its handlers start.
        around: Gives what is called in place of a handler of an event.
    """

    def __init__(
        self,
        events: EventManager,
        on_error: Callable[[BaseException, str], None],
        max_handlers: int | None = None,
        waiters: Waiters | None = None,
        around: Callable[[str, Callable[..., Any]], Callable[..., Any]] = lambda name, handler: handler,
    ) -> None:
        self._waiters = waiters if waiters is not None else Waiters()
        self._on_error = on_error
        self._max = max_handlers
        self._routes = Routes(events, self._waiters, around)
        #: The same table, for the way that every event goes.
        self._ways = self._routes.table
        self._connection: Connection | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._make_task: MakeTask = task_on_running_loop
        #: What handlers returned and has not ended, and the task that waits for it.
        self._running: dict[_Outcome, asyncio.Task[None]] = {}
        #: By the task's coroutine, the handlers that start when what it awaits is done.
        self._promised: dict[_Outcome, int] = {}
        self._sweep_at = _SWEEP
        self._stopped = False
        self._early = False
        self._waiting = False
        #: Handlers that raised.
        self.errors = 0
        self.use_events(events)

    # ---- where events come from

    def use_events(self, events: EventManager) -> None:
        """Dispatch to the handlers of this event manager from now on.

        Its ``emit`` is called for each event if that is not this package's own.
        """
        self._routes.use(events)
        if isinstance(events, EventManager) and events.on_handler_error is None:
            events.on_handler_error = self._failed_in_emit

    def use_effects(
        self, effects: Mapping[str, Callable[[Any], None]], first: Mapping[str, Handlers] | None = None
    ) -> None:
        """Do this on an event before its handlers start, by envelope field.

        Args:
            effects: What is done at once.
            first: What is awaited.
        """
        self._routes.effects = effects
        self._routes.first = first or {}

    def attach(self, connection: Connection, loop: asyncio.AbstractEventLoop, *, whole: bool = True) -> None:
        """Tell a connection what is wanted, and dispatch its events on this loop from now on.

        Args:
            connection: Where events come from.
            loop: The running loop.
            whole: Somebody else than handlers needs every event, so that filters tell the connection nothing.
        """
        self._connection = connection
        self._loop = loop
        self._make_task = task_maker(loop)
        for one in self._routes.lists:
            one.use(loop)
        self._stopped = False
        self._routes.lead_from(connection, whole=whole)

    def wait_for_ready(self) -> None:
        """Let what comes during a login wait, in order, until `ready` has been told."""
        self._early = True

    def ready(self, client: Any) -> None:
        """Tell that the client is ready, and take what waits after that."""
        try:
            if self._early:
                self.dispatch(Events.READY.value, client)
        finally:
            self.stop_waiting()

    def stop_waiting(self) -> None:
        """Take events from now on, ready or not."""
        self._early = False
        if self._connection is not None and self._loop is not None and not self._loop.is_closed():
            # After the handlers of ready have begun.
            self._loop.call_soon(self._connection.resume)

    def hold(self) -> None:
        """Take no more events of the connection; answers to calls still come."""
        self._stopped = True
        if self._connection is not None:
            self._connection.hold()

    # ---- how many may run

    @property
    def running(self) -> int:
        """Handlers running now. Safe on any thread: it changes nothing, and reads a copy."""
        return sum(not task.done() for task in tuple(self._running.values()))

    def capacity(self) -> int:
        """Say how many events may come now: one starts as many handlers as listen to it."""
        if self._stopped or self._early:
            return 0
        if any(batch.full for batch in self._routes.lists):
            self._waiting = True
            return 0
        if self._max is None:
            return _UNBOUNDED
        room = self._room(self._max)
        self._waiting = room <= 0
        return room

    def _room(self, most: int) -> int:
        each = self._routes.most_handlers()
        busy = len(self._running)
        room = (most - busy - sum(self._promised.values())) // each
        if not busy:
            room = max(room, 1)
        return max(room, 0)

    @property
    def full(self) -> bool:
        """Do as many handlers run as may?"""
        if any(batch.full for batch in self._routes.lists):
            return True
        return self._max is not None and self._room(self._max) <= 0

    def runs(self, task: asyncio.Task[Any] | None) -> bool:
        """Say whether this is the task of a running handler, or one that a handler has returned."""
        return any(task is mine or task is outcome for outcome, mine in self._running.items())

    async def wait_room(self) -> None:
        """Wait until a handler ends, if one runs."""
        if self._running:
            await asyncio.wait(set(self._running.values()), return_when=asyncio.FIRST_COMPLETED)

    # ---- lists of events

    def batch(
        self,
        name: str,
        handler: Callable[[list[Any]], Any],
        max_size: int,
        max_wait: float,
        spec: Spec | None,
    ) -> Batch:
        """Give what collects events for a handler of lists."""
        return Batch(name, handler, max_size, max_wait, spec, self._call, self._room_again)

    def _call(
        self,
        name: str,
        handler: Callable[[list[Any]], Any],
        events: list[Any],
        on_end: Callable[[bool], None],
    ) -> None:
        """Start the handler of a list; `on_end` is called at its end, with False if it never began."""
        handler = self._routes.around(name, handler)
        end: BaseException | None = None
        try:
            outcome = handler(events)
            if inspect.isawaitable(outcome):
                self._start(name, handler, outcome, on_end)
                return
        except BaseException as error:
            end = self.failed(error, name, handler)
        on_end(True)
        if end is not None:
            raise end

    # ---- from an event to its handlers

    def on_event(self, name: str, event: Any) -> None:
        """Dispatch an event of the connection."""
        route = self._ways.get(name)
        # None: it was on its way when the last listener went.
        if route is not None:
            self._follow(route, event)

    def dispatch(self, name: str, event: Any) -> None:
        """Let an event occur that did not come by the connection. A handler that takes nothing is given nothing."""
        if self._loop is None or self._loop.is_closed():
            self._loop = asyncio.get_running_loop()
            self._make_task = task_maker(self._loop)
            for one in self._routes.lists:
                one.use(self._loop)
        name, effect, defaults, handlers = self._routes.route(name)
        self._follow((name, effect, fitting(defaults), fitting(handlers)), event)

    def _follow(self, route: Route, event: Any) -> None:
        name, effect, defaults, handlers = route
        end: BaseException | None = None
        if effect is not None:
            try:
                effect(event)
            except BaseException as error:
                end = self.failed(error, name, effect)
        if defaults:
            first = self._defaults_first(name, defaults, handlers, event)
            self._promised[first] = len(handlers)
            self._start(name, defaults[0], first)
        else:
            end = self._begin(name, handlers, event) or end
        if end is not None:
            raise end

    async def _defaults_first(self, name: str, defaults: Handlers, handlers: Handlers, event: Any) -> None:
        """Await what somebody registered as a default of the SDK, then go the way of every event."""
        end: BaseException | None = None
        for default in defaults:
            try:
                outcome = default(event)
                if inspect.isawaitable(outcome):
                    await outcome
            except BaseException as error:
                if being_cancelled() or (isinstance(error, GeneratorExit) and not is_failure(error)):
                    raise
                end = self.failed(error, name, default) or end
        end = self._begin(name, handlers, event) or end
        if end is not None:
            raise end

    def _begin(self, name: str, handlers: Handlers, event: Any) -> BaseException | None:
        """Start every handler, whatever the others do; gives what has to go on after that."""
        end: BaseException | None = None
        for handler in handlers:
            try:
                outcome = handler(event)
                if outcome is None:
                    continue
                if type(outcome) is CoroutineType or inspect.isawaitable(outcome):
                    self._start(name, handler, outcome)
            except BaseException as error:
                end = self.failed(error, name, handler) or end
        return end

    def _start(
        self,
        name: str,
        handler: Callable[..., Any],
        outcome: Awaitable[Any],
        on_end: Callable[[bool], None] | None = None,
    ) -> None:
        """Run what a handler returned, in a task that is held until it ends.

        `on_end` is called after that, with False if the task was cancelled before its first step.
        """
        if type(outcome) is not CoroutineType and (
            not isinstance(outcome, asyncio.Future) or outcome in self._running
        ):
            # A future may come of two handlers; anything else need not be hashable.
            outcome = wait_for(outcome)
        task = self._make_task(self._run(name, handler, outcome), name=name)
        if task.done():  # an eager one may be
            if on_end is not None:
                on_end(True)
            return
        running = self._running
        running[outcome] = task
        if self._max is not None or on_end is not None:
            task.add_done_callback(partial(self._ended, outcome, on_end))
        elif len(running) >= self._sweep_at:
            self._sweep()
            self._sweep_at = max(_SWEEP, 2 * len(running))

    async def _run(self, name: str, handler: Callable[..., Any], outcome: _Outcome) -> None:
        try:
            await outcome
        except BaseException as error:
            if not is_failure(error):
                raise
            end = self.failed(error, name, handler)
            if end is not None:
                raise end from None
        finally:
            self._running.pop(outcome, None)
            if self._promised:
                self._promised.pop(outcome, None)
            if self._waiting:
                self._resume()

    def _resume(self) -> None:
        self._waiting = False
        if self._connection is not None:
            # After those that are about to go on: an eager handler must not overtake them.
            asyncio.get_running_loop().call_soon(self._connection.resume)

    def _room_again(self) -> None:
        """Make room: handlers that shared a task have ended."""
        if self._waiting and self._loop is not None and not self._loop.is_closed():
            self._resume()

    def _ended(
        self, outcome: _Outcome, on_end: Callable[[bool], None] | None, task: asyncio.Task[None]
    ) -> None:
        """Take an ended task out. One that was cancelled before its first step has run no `finally`."""
        began = self._running.get(outcome) is not task
        if not began:
            self._forget(outcome)
        if on_end is not None:
            on_end(began)
        if not began and self._waiting:
            self._resume()

    def _sweep(self) -> None:
        """Forget handlers that were cancelled before their first step."""
        for outcome in [outcome for outcome, task in self._running.items() if task.done()]:
            self._forget(outcome)

    def _forget(self, outcome: _Outcome) -> None:
        del self._running[outcome]
        self._promised.pop(outcome, None)
        if inspect.iscoroutine(outcome):
            # It never ran, so nobody awaited it.
            outcome.close()

    # ---- failures and the end

    def failed(self, error: BaseException, name: str, handler: Callable[..., Any]) -> BaseException | None:
        """Log an error with its traceback, and report it; gives what has to go on because it ends the process."""
        if isinstance(error, ENDS):
            return error
        if isinstance(error, WaitEndedError):
            logger.debug("A handler of %s waited for an event when the client ended", name)
            return None
        self.errors += 1
        where = getattr(handler, "__qualname__", None) or type(handler).__qualname__
        fields = {"event": name, "handler": where}
        logger.error("The handler %s of %s raised", where, name, exc_info=error, extra=fields)
        try:
            self._on_error(error, name)
        except ENDS as end:
            return end
        except BaseException:
            logger.exception("on_error raised")
        return None

    def _failed_in_emit(self, name: str, error: Exception) -> None:
        """Report an error of a handler that ``emit`` of the event manager has called, and logged."""
        self.errors += 1
        self._on_error(error, name)

    async def finish(
        self, timeout: float, caller: asyncio.Task[Any] | None = None, *, last: bool = False
    ) -> None:
        """Let running handlers end, and cancel those that have not after `timeout` seconds.

        Args:
            timeout: Seconds until handlers are cancelled.
            caller: The task that waits for this, if it may be a handler's: neither waited for nor cancelled.
            last: Drop the events that could not be handed over to handlers of lists, with a warning.
        """
        lists = self._routes.lists
        await finish(self._running, self._forget_ended, lists, timeout, caller, last)
        self._sweep()

    def _forget_ended(self, outcome: Any) -> None:
        """Forget what ended with its loop."""
        del self._running[outcome]
        self._promised.pop(outcome, None)
