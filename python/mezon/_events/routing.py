"""Which way an event goes: what the SDK does on it, who is awaited first, and the bot's handlers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from mezon._events.batches import Batch
from mezon._events.filtered import Filtered, union
from mezon._events.tasks import Handlers
from mezon.constants.enum import Events

if TYPE_CHECKING:
    from mezon._events.waiting import Waiters
    from mezon.managers.event import EventManager
    from mezon.ports import Connection

#: The event's name, the SDK's own effect, the handlers that are awaited first, and the bot's handlers.
Route: TypeAlias = "tuple[str, Callable[[Any], None] | None, Handlers, Handlers]"


class Routes:
    """The ways of one client's events. A way is made when somebody begins or ceases to listen, not for each event.

    Args:
        events: Who listens to what.
        waiters: Who waits for an event.
        around: Gives what is called in place of a handler of an event.

    Attributes:
        effects: By envelope field, what the SDK does on an event before its handlers start.
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
        self._events = events
        self._waiters = waiters
        self.around = around
        self.effects: Mapping[str, Callable[[Any], None]] = {}
        self.table: dict[str, Route] = {}
        self.lists: tuple[Batch, ...] = ()
        self._connection: Connection | None = None
        #: Tells the connection what handlers want of an event.
        self._narrow: Callable[[str, Mapping[str, Any] | None], None] | None = None
        events.on_change = waiters.on_change = self.changed

    def lead_from(self, connection: Connection, *, whole: bool) -> None:
        """Tell a connection what is wanted, now and when it changes.

        Args:
            connection: Where events come from.
            whole: Somebody else than handlers needs every event, so that filters tell the connection nothing.
        """
        # A port of somebody else's need not know filters: they hold all the same.
        self._narrow = None if whole else getattr(connection, "narrow", None)
        self._connection = connection
        interesting = self._events.listeners.keys() | self._events.defaults.keys() | self.effects.keys()
        for name in interesting | self._waiters.names:
            self.changed(name)

    def changed(self, name: str) -> None:
        """Tell the connection that somebody began or ceased to listen, and set the way to the handlers again."""
        wanted = name in self.effects or self._events.has_listeners(name) or self._waiters.has(name)
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
        if others or self._waiters.has(name) or self._events.defaults.get(name):
            return None
        return union(self._events.listeners.get(name, ()))

    def route(self, name: str) -> Route:
        """Give the way of an event as things are now."""
        events, effect = self._events, self.effects.get(name)
        if self._waiters.has(name):
            effect = self._waiters.after(effect, name)
        defaults = events.defaults.get(name, ())
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
