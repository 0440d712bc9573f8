"""Which way an event goes: what the SDK does on it, who is awaited first, and the bot's handlers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from mezon._events.batches import Batch
from mezon._events.filtered import Filtered, union
from mezon._events.tasks import Handlers
from mezon.constants.enum import Events
from mezon.managers.event import EventManager
from mezon.utils.own import is_own

if TYPE_CHECKING:
    from mezon._events.waiting import Waiters
    from mezon.ports import Connection

#: The event's name, the SDK's own effect, the handlers that are awaited first, and the bot's handlers.
Route: TypeAlias = "tuple[str, Callable[[Any], None] | None, Handlers, Handlers]"


class NoListeners:
    """The handlers of an event manager that does not tell them: its ``emit`` is called for each event instead."""

    def __init__(self) -> None:
        self.listeners: dict[str, Handlers] = {}
        self.defaults: dict[str, Handlers] = {}

    def has_listeners(self, event_name: str) -> bool:
        """Return False."""
        return False


class Routes:
    """The ways of one client's events. A way is made when somebody begins or ceases to listen, not for each event.

    When ``emit`` of the event manager is the bot's own, every event has a way, and its one handler is that ``emit``.

    Args:
        events: Who listens to what.
        waiters: Who waits for an event.
        around: Gives what is called in place of a handler of an event.

    Attributes:
        effects: By envelope field, what the SDK does on an event before its handlers start.
        first: By envelope field, what the SDK does and is awaited before the handlers start.
        table: By name, the ways of the events that somebody wants.
        lists: The handlers of lists.
        around: As given.
    """

    def __init__(
        self,
        events: EventManager,
        waiters: Waiters,
        around: Callable[[str, Callable[..., Any]], Callable[..., Any]],
    ) -> None:
        self._events: EventManager | NoListeners = events
        self._waiters = waiters
        self.around = around
        #: Makes the handler that calls a bot's own ``emit``; None while the handlers are called directly.
        self._emits: Callable[[str], Callable[[Any], Any]] | None = None
        self._manager = events
        self.effects: Mapping[str, Callable[[Any], None]] = {}
        self.first: Mapping[str, Handlers] = {}
        self.table: dict[str, Route] = {}
        self.lists: tuple[Batch, ...] = ()
        self._connection: Connection | None = None
        #: Tells the connection what handlers want of an event.
        self._narrow: Callable[[str, Mapping[str, Any] | None], None] | None = None
        waiters.on_change = self.changed
        self.use(events)

    def use(self, events: EventManager) -> None:
        """Lead events to the handlers of this event manager, and to those of no other."""
        before = self._events
        if isinstance(before, EventManager) and before is not events:
            before.on_change = before.on_emit_change = None
        self._manager = events
        # A bot's own manager need not be a subclass, nor a subclass call our constructor.
        known = isinstance(events, EventManager) and "listeners" in vars(events)
        self._events = events if known else NoListeners()
        if known:
            events.on_change, events.on_emit_change = self.changed, self.lead
        old = before.listeners.keys() | before.defaults.keys()
        self.lead(old)

    def lead(self, more: Iterable[str] = ()) -> None:
        """Set every way again: the event manager is another one, or its ``emit`` was replaced."""
        emitted = self._emits is not None
        known = isinstance(self._events, EventManager)
        self._emits = None if known and is_own(self._manager, "emit") else self._emit
        names = {*self.table, *self._interesting(), *more}
        if emitted or self._emits is not None:
            from mezon._gateway.codec import MESSAGES

            names |= MESSAGES.keys()
        for name in names:
            self.changed(name)

    def _emit(self, name: str) -> Callable[[Any], Any]:
        """Return the handler of an event that calls the manager's ``emit`` as it is then."""
        manager = self._manager

        def emit(event: Any) -> Any:
            return manager.emit(name, event)

        emit.__qualname__ = f"{type(manager).__qualname__}.emit"
        return emit

    def _interesting(self) -> set[str]:
        events = self._events
        return {*events.listeners, *events.defaults, *self.effects, *self.first, *self._waiters.names}

    def most_handlers(self) -> int:
        """Return the number of handlers that one event may start."""
        return max((len(handlers) for handlers in self._events.listeners.values()), default=1)

    def lead_from(self, connection: Connection, *, whole: bool) -> None:
        """Tell a connection what is wanted, now and when it changes.

        Args:
            connection: Where events come from.
            whole: Somebody else than handlers needs every event, so that filters tell the connection nothing.
        """
        # A port of somebody else's need not know filters: they hold all the same.
        self._narrow = None if whole else getattr(connection, "narrow", None)
        self._connection = connection
        self.lead()

    def changed(self, name: str) -> None:
        """Tell the connection that somebody began or ceased to listen, and set the way to the handlers again."""
        wanted = (
            self._emits is not None
            or name in self.effects
            or name in self.first
            or self._events.has_listeners(name)
            or self._waiters.has(name)
        )
        if wanted:
            self.table[name] = self.route(name)
        else:
            self.table.pop(name, None)
        listeners = self._events.listeners.values()
        self.lists = tuple(one for handlers in listeners for one in handlers if isinstance(one, Batch))
        if self._narrow is not None:
            self._narrow(name, self._wanted_of(name))
        if self._connection is not None:
            self._connection.want(name, wanted)

    def _wanted_of(self, name: str) -> Mapping[str, Any] | None:
        """Give what the handlers of an event want of it; None for everything.

        The effects of a message see what is new to them in any case: the core lets that through.
        """
        others = name in self.effects and name != Events.CHANNEL_MESSAGE.value
        if others or self._waiters.has(name) or self._events.defaults.get(name) or name in self.first:
            return None
        if self._emits is not None:
            return None
        return union(self._events.listeners.get(name, ()))

    def route(self, name: str) -> Route:
        """Give the way of an event as things are now."""
        events, effect = self._events, self.effects.get(name)
        if self._waiters.has(name):
            effect = self._waiters.after(effect, name)
        defaults = self.first.get(name, ())
        if self._emits is not None:
            handlers: Handlers = (self.around(name, self._emits(name)),)
        else:
            defaults += events.defaults.get(name, ())
            handlers = tuple(self._watched(name, handler) for handler in events.listeners.get(name, ()))
        around = None if self._connection is None else self._connection.around
        if around is not None:
            defaults = tuple(around(name, one, -1 - place) for place, one in enumerate(defaults))
            handlers = tuple(around(name, one, place) for place, one in enumerate(handlers))
        return name, effect, defaults, handlers

    def _watched(self, name: str, handler: Callable[..., Any]) -> Callable[..., Any]:
        if isinstance(handler, Batch):
            return handler
        if isinstance(handler, Filtered):
            # What a filter keeps out is no call of the handler.
            return Filtered(self.around(name, handler.handler), handler.spec)
        return self.around(name, handler)
