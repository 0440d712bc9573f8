"""From events to handlers.

For each event, in the order of the connection: the default effect of the SDK, the waiters (``wait_for`` and
``stream``), the default handlers, which are awaited, and the handlers of the bot. The dispatcher does not wait for the
handlers; `HandlerRunner` calls them and owns their tasks.
"""

from __future__ import annotations

import asyncio
import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from mezon._events.batches import Batch
from mezon._events.waiting import Waiters
from mezon.constants.enum import Events
from mezon.filters._program import FilteredHandler, union
from mezon.managers._handlers import HandlerRunner, Handlers
from mezon.managers.event import EventManager, without_surplus_argument
from mezon.utils.own import is_own

if TYPE_CHECKING:
    from mezon.filters._program import Spec
    from mezon.ports import Connection

#: The default effect of an event, the handlers that are awaited first, and the handlers of the bot.
Route: TypeAlias = "tuple[Callable[[Any], None] | None, Handlers, Handlers]"

#: Wraps a handler of an event, for observers.
WrapHandler: TypeAlias = "Callable[[str, Callable[..., Any]], Callable[..., Any]]"

#: Takes the name and the list of consecutive events.
ReceiveList: TypeAlias = "Callable[[str, list[Any]], None]"

#: The capacity without `max_handlers`.
_UNBOUNDED: Final = sys.maxsize


def _ignore(name: str) -> None:
    pass


def _unwrapped(name: str, handler: Callable[..., Any]) -> Callable[..., Any]:
    return handler


class Dispatcher:
    """Dispatches every event of one client: from the connection, from AI agents, and from the client itself.

    Args:
        events: The registry of handlers.
        on_error: Called with the exception of a handler and the event's name.
        max_handlers: The maximum number of running handlers before the connection has to wait; None for no maximum.
        waiters: The waiters, which are served before handlers start.
        wrap_handler: Returns the callable to call in place of a handler of an event.
    """

    def __init__(
        self,
        events: EventManager,
        on_error: Callable[[BaseException, str], None],
        max_handlers: int | None = None,
        waiters: Waiters | None = None,
        wrap_handler: WrapHandler = _unwrapped,
    ) -> None:
        self._on_error = on_error
        self._max = max_handlers
        self._runner = HandlerRunner(self._report, bounded=max_handlers is not None)
        self._events = events
        self._wrap_handler = wrap_handler
        self._routes = RouteTable(events, waiters if waiters is not None else Waiters(), wrap_handler)
        #: The same table, for the hot path.
        self._route_of = self._routes.table
        self._connection: Connection | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopped = False
        #: Whether events are held back until `ready`.
        self._early = False
        self.use_events(events)

    # ---- sources of events

    def use_events(self, events: EventManager) -> None:
        """Dispatch to the handlers of this event manager from now on.

        If its ``emit`` is not the one of this package, it is called for each event instead.
        """
        self._events = events
        self._routes.use(events)
        if isinstance(events, EventManager):
            events.runner = self._runner

    def use_effects(
        self, effects: Mapping[str, Callable[[Any], None]], first: Mapping[str, Handlers] | None = None
    ) -> None:
        """Set the default effects, which are applied before the handlers of an event start.

        Args:
            effects: By envelope field, a function that is called.
            first: By envelope field, handlers that are awaited.
        """
        self._routes.effects = effects
        self._routes.first = first or {}

    def attach(self, connection: Connection, loop: asyncio.AbstractEventLoop, *, whole: bool = True) -> None:
        """Subscribe to the events of a connection and run handlers on this loop from now on.

        Args:
            connection: The source of events.
            loop: The running loop.
            whole: Do not pass filters to the connection, because more than handlers depends on the events.
        """
        self._connection = connection
        self._use_loop(loop)
        self._stopped = False
        self._routes.attach(connection, self.on_events, whole=whole)

    def _use_loop(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._runner.use(loop)
        for batch in self._routes.batches:
            batch.use(loop)

    def wait_for_ready(self) -> None:
        """Hold back the events of the connection, in order, until `ready` is called."""
        self._early = True

    def ready(self, client: Any) -> None:
        """Emit `ready`, then dispatch the events that were held back."""
        try:
            if self._early:
                self.dispatch(Events.READY.value, client)
        finally:
            self.stop_waiting()

    def stop_waiting(self) -> None:
        """Dispatch events from now on, without `ready`."""
        self._early = False
        if self._connection is not None and self._loop is not None and not self._loop.is_closed():
            # After the handlers of ready have started.
            self._loop.call_soon(self._connection.resume)

    def hold(self) -> None:
        """Take no further events from the connection. Answers to calls are still received."""
        self._stopped = True
        if self._connection is not None:
            self._connection.hold()

    # ---- capacity

    @property
    def running(self) -> int:
        """The number of running handlers. Safe to read on any thread."""
        return self._runner.running

    @property
    def errors(self) -> int:
        """The number of handlers that raised an exception."""
        return self._runner.errors

    def capacity(self) -> int:
        """Return how many events can be dispatched now. If none, the connection is resumed when a handler ends."""
        if self._stopped or self._early:
            return 0
        if any(batch.full for batch in self._routes.batches):
            room = 0
        elif self._max is None:
            return _UNBOUNDED
        else:
            room = self._room(self._max)
        self._runner.on_free = self._resume if room <= 0 else None
        return room

    def _room(self, max_handlers: int) -> int:
        # An event starts as many handlers as are registered for it.
        room = (max_handlers - self._runner.load) // self._routes.most_handlers()
        if not self._runner.tasks:
            # An event with more handlers than the maximum is dispatched alone.
            room = max(room, 1)
        return max(room, 0)

    @property
    def full(self) -> bool:
        """Whether no further event can be dispatched now."""
        if any(batch.full for batch in self._routes.batches):
            return True
        return self._max is not None and self._room(self._max) <= 0

    def runs(self, task: asyncio.Task[Any] | None) -> bool:
        """Return whether a task runs a handler, or is an awaitable that a handler has returned."""
        return self._runner.owns(task)

    async def wait_room(self) -> None:
        """Wait until a handler ends, if any is running."""
        await self._runner.wait_any()

    def _resume(self) -> None:
        if self._connection is not None:
            # Handlers that are about to continue come first: an eager handler must not overtake them.
            asyncio.get_running_loop().call_soon(self._connection.resume)

    def _batch_has_room(self) -> None:
        if self._runner.on_free is not None and self._loop is not None and not self._loop.is_closed():
            self._runner.on_free = None
            self._resume()

    # ---- batches

    def batch(
        self,
        name: str,
        handler: Callable[[list[Any]], Any],
        max_size: int,
        max_wait: float,
        spec: Spec | None,
    ) -> Batch:
        """Return a listener that collects the events of a batch handler."""
        return Batch(name, handler, max_size, max_wait, spec, self._call_batch_handler, self._batch_has_room)

    def _call_batch_handler(
        self,
        name: str,
        handler: Callable[[list[Any]], Any],
        events: list[Any],
        on_end: Callable[[bool], None],
    ) -> None:
        """Start a batch handler. ``on_end`` is called when it has ended, with False if it never started."""
        handler = self._wrap_handler(name, handler)
        end: BaseException | None = None
        try:
            outcome = handler(events)
            if inspect.isawaitable(outcome):
                self._runner.start(name, handler, outcome, on_end)
                return
        except BaseException as error:
            end = self._runner.failed(error, name, handler)
        on_end(True)
        if end is not None:
            raise end

    # ---- dispatch

    def on_event(self, name: str, event: Any, route: Route | None = None) -> None:
        """Dispatch an event of the connection. Its route is looked up unless it is given."""
        if route is None:
            route = self._route_of.get(name)
            # None if the last listener was removed while the event was in flight.
            if route is None:
                return
        effect, defaults, handlers = route
        end: BaseException | None = None
        if effect is not None:
            try:
                effect(event)
            except BaseException as error:
                end = self._runner.failed(error, name, effect)
        if defaults:
            self._runner.start_after(name, defaults, handlers, event)
        else:
            # `HandlerRunner.call` without its frame: every event takes this path.
            for handler in handlers:
                try:
                    outcome = handler(event)
                    if outcome is None:
                        continue
                    if type(outcome) is CoroutineType or inspect.isawaitable(outcome):
                        self._runner.start(name, handler, outcome)
                except BaseException as error:
                    end = self._runner.failed(error, name, handler) or end
        if end is not None:
            raise end

    def on_events(self, name: str, events: list[Any]) -> None:
        """Dispatch consecutive events of the connection, which delivers them together to batch handlers."""
        route, batches = self._route_of.get(name), self._routes.batches_of.get(name)
        if route is None:
            return
        end: BaseException | None = None
        if batches is None:
            # The handlers have changed while the events were in flight.
            for event in events:
                try:
                    self.on_event(name, event)
                except BaseException as error:
                    end = error
        else:
            effect = route[0]
            if effect is not None:
                for event in events:
                    try:
                        effect(event)
                    except BaseException as error:
                        end = self._runner.failed(error, name, effect) or end
            for batch in batches:
                try:
                    batch.extend(events)
                except BaseException as error:
                    end = self._runner.failed(error, name, batch) or end
        if end is not None:
            raise end

    def apply_effect(self, name: str, event: Any) -> None:
        """Apply the default effect of an event that another process of the bot handles."""
        effect = self._routes.effects.get(name)
        if effect is not None:
            try:
                effect(event)
            except Exception as error:
                self._runner.failed(error, name, effect)

    def serve_waiters(self, name: str, event: Any) -> None:
        """Pass an event that another process of the bot handles to the waiters."""
        self._routes.waiters.serve(name, event)

    def dispatch(self, name: str, event: Any) -> None:
        """Dispatch an event that is not from the connection. Handlers without a parameter are called without it."""
        if self._loop is None or self._loop.is_closed():
            self._use_loop(asyncio.get_running_loop())
        effect, defaults, handlers = self._routes.route(name)
        defaults, handlers = without_surplus_argument(defaults), without_surplus_argument(handlers)
        self.on_event(name, event, (effect, defaults, handlers))

    def _report(self, error: BaseException, name: str) -> None:
        try:
            self._on_error(error, name)
        finally:
            if isinstance(self._events, EventManager):
                self._events.report(error, name)

    # ---- closing

    async def finish(
        self, timeout: float, caller: asyncio.Task[Any] | None = None, *, last: bool = False
    ) -> None:
        """Deliver the collected batches, wait for running handlers, and cancel them after `timeout` seconds.

        Args:
            timeout: Seconds until handlers are cancelled.
            caller: The task that awaits this call, if it may run a handler: neither awaited nor cancelled.
            last: No batches are delivered after this call: drop what is left, with a warning. Handlers that ignored an
                earlier cancellation are not awaited again.
        """
        loop, runner, batches = asyncio.get_running_loop(), self._runner, self._routes.batches
        deadline = loop.time() + timeout
        ignored = {task for task in runner.others(caller) if task.cancelling()} if last else set()
        # One iteration, in which handlers that were just started make their first step.
        await asyncio.sleep(0)
        while True:
            for batch in batches:
                batch.flush()
            # One iteration for the first step of batch handlers, one for the end of those that do not suspend.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            if any(batch.ready for batch in batches):
                continue
            tasks, left = runner.others(caller) - ignored, deadline - loop.time()
            if not tasks or left <= 0:
                # All batches are delivered, or their handlers are busy; one of them may be the caller.
                break
            await asyncio.wait(tasks, timeout=left)
        if last:
            for batch in batches:
                batch.drop()
        tasks = runner.others(caller) - ignored
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=1.0)
        runner.sweep()


class _NoListeners:
    """Stands in for the handlers of an event manager that has no ``listeners``: only its ``emit`` is called."""

    def __init__(self) -> None:
        self.listeners: dict[str, Handlers] = {}
        self.defaults: dict[str, Handlers] = {}

    def has_listeners(self, event_name: str) -> bool:
        """Return False."""
        return False


class RouteTable:
    """The routes of one client's events. A route is computed when listeners change, not for each event.

    If the ``emit`` of the event manager is not the one of this package, every event has a route, whose only handler
    calls that ``emit``.

    Args:
        events: The registry of handlers.
        waiters: The waiters.
        wrap_handler: Returns the callable to call in place of a handler of an event.

    Attributes:
        effects: By envelope field, the function that is called before the handlers start.
        first: By envelope field, the handlers that are awaited before the others start.
        table: By name, the routes of the events that have listeners.
        batches: The batch handlers.
        batches_of: By name, the batch handlers of the events that have no other handlers.
        waiters: The waiters.
    """

    def __init__(self, events: EventManager, waiters: Waiters, wrap_handler: WrapHandler) -> None:
        self._manager = events
        self._events: EventManager | _NoListeners = events
        self.waiters = waiters
        self._wrap_handler = wrap_handler
        #: Whether the `emit` of the manager is called for each event.
        self._emits = False
        self.effects: Mapping[str, Callable[[Any], None]] = {}
        self.first: Mapping[str, Handlers] = {}
        self.table: dict[str, Route] = {}
        self.batches: tuple[Batch, ...] = ()
        self.batches_of: dict[str, tuple[Batch, ...]] = {}
        self._connection: Connection | None = None
        self._on_events: ReceiveList | None = None
        #: Passes the filters of an event to the connection.
        self._narrow: Callable[[str, Mapping[str, Any] | None], None] | None = None
        #: Lets the connection deliver consecutive events of a name together.
        self._deliver_lists: Callable[[str, ReceiveList | None], None] | None = None
        waiters.on_change = self.update

    def use(self, events: EventManager) -> None:
        """Route events to the handlers of this event manager."""
        before = self._events
        if isinstance(before, EventManager) and before is not events:
            before.on_change = before.on_emit_change = None
        self._manager = events
        # The manager of a bot may not be a subclass, and a subclass may not call our constructor.
        is_registry = isinstance(events, EventManager) and "listeners" in vars(events)
        self._events = events if is_registry else _NoListeners()
        if is_registry:
            events.on_change, events.on_emit_change = self.update, self.update_all
        self.update_all(before.listeners.keys() | before.defaults.keys())

    def attach(self, connection: Connection, on_events: ReceiveList, *, whole: bool) -> None:
        """Subscribe to events of a connection, now and when listeners change. See `Dispatcher.attach`."""
        # Both are optional for connections: handlers are filtered, and lists are collected, in any case.
        self._narrow = None if whole else getattr(connection, "narrow", None)
        self._deliver_lists = None if whole else getattr(connection, "deliver_lists", None)
        self._on_events = on_events
        self.waiters.on_wait = getattr(connection, "on_wait", _ignore)
        self._connection = connection
        self.update_all()

    def most_handlers(self) -> int:
        """Return the largest number of handlers that one event starts."""
        return max((len(handlers) for handlers in self._events.listeners.values()), default=1)

    def update_all(self, more: Iterable[str] = ()) -> None:
        """Recompute every route: the event manager is another one, or its ``emit`` was replaced."""
        emitted = self._emits
        self._emits = not (isinstance(self._events, EventManager) and is_own(self._manager, "emit"))
        events = self._events
        names = {*self.table, *events.listeners, *events.defaults, *self.effects, *self.first, *more}
        names |= self.waiters.names
        if emitted or self._emits:
            # Start-up time: the codec imports all models.
            from mezon._gateway.codec import MESSAGES

            names |= MESSAGES.keys()
        for name in names:
            self.update(name)

    def update(self, name: str) -> None:
        """Recompute the route of an event, and subscribe to it or unsubscribe from it."""
        wanted = (
            self._emits
            or name in self.effects
            or name in self.first
            or self._events.has_listeners(name)
            or self.waiters.has(name)
        )
        if wanted:
            self.table[name] = self.route(name)
        else:
            self.table.pop(name, None)
        listeners = self._events.listeners.values()
        self.batches = tuple(one for handlers in listeners for one in handlers if isinstance(one, Batch))
        batches = self._only_batches(name)
        if batches:
            self.batches_of[name] = batches
        else:
            self.batches_of.pop(name, None)
        if self._deliver_lists is not None:
            self._deliver_lists(name, self._on_events if batches else None)
        if self._narrow is not None:
            self._narrow(name, self._filter_of(name))
        if self._connection is not None:
            self._connection.want(name, wanted)

    def _only_batches(self, name: str) -> tuple[Batch, ...]:
        """Return the batch handlers of an event; none if it has other handlers, or handlers that are observed."""
        observed = self._connection is not None and self._connection.around is not None
        if self._emits or observed or name in self.first or self._events.defaults.get(name):
            return ()
        listeners = self._events.listeners.get(name, ())
        batches = tuple(one for one in listeners if isinstance(one, Batch))
        return batches if len(batches) == len(listeners) else ()

    def _filter_of(self, name: str) -> Spec | None:
        """Return the filter that lets every event through that is needed; None if there is none.

        The effect of `channel_message` needs none: the core lets messages through that would change the caches.
        """
        has_effect = name in self.effects and name != Events.CHANNEL_MESSAGE.value
        if has_effect or name in self.first or self._events.defaults.get(name):
            return None
        if self._emits or self.waiters.has(name):
            return None
        return union(self._events.listeners.get(name, ()))

    def route(self, name: str) -> Route:
        """Compute the route of an event."""
        events, effect = self._events, self.effects.get(name)
        if self.waiters.has(name):
            effect = self.waiters.after(effect, name)
        defaults = self.first.get(name, ())
        if self._emits:
            handlers: Handlers = (self._wrap_handler(name, self._call_emit(name)),)
        else:
            defaults += events.defaults.get(name, ())
            handlers = tuple(self._wrapped(name, handler) for handler in events.listeners.get(name, ()))
        around = None if self._connection is None else self._connection.around
        if around is not None:
            defaults = tuple(around(name, one, -1 - place) for place, one in enumerate(defaults))
            handlers = tuple(around(name, one, place) for place, one in enumerate(handlers))
        return effect, defaults, handlers

    def _call_emit(self, name: str) -> Callable[[Any], Any]:
        """Return a handler that calls the current ``emit`` of the manager."""
        manager = self._manager

        def emit(event: Any) -> Any:
            return manager.emit(name, event)

        emit.__qualname__ = f"{type(manager).__qualname__}.emit"
        return emit

    def _wrapped(self, name: str, handler: Callable[..., Any]) -> Callable[..., Any]:
        if isinstance(handler, Batch):
            return handler.collect
        if isinstance(handler, FilteredHandler):
            # An event that does not match is not a call of the handler.
            return FilteredHandler(self._wrap_handler(name, handler.handler), handler.spec)
        return self._wrap_handler(name, handler)
