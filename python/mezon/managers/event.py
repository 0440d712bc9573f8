"""Who listens to what."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable
from enum import Enum
from functools import partial
from typing import Any, Final, TypeVar, overload

from mezon.constants.enum import Events
from mezon.errors import InvalidArgumentError
from mezon.managers._registering import check_handler, fitting, warn_of_typo

logger: Final = logging.getLogger("mezon.events")

Handler = Callable[..., Any]
_H = TypeVar("_H", bound=Handler)


class EventManager:
    """The handlers of each event, in the order of registration.

    ``listeners`` and ``defaults`` map an event's name to a tuple, replaced when it changes: whoever walks
    along one needs no copy.

    A client calls ``emit`` for each event when it is overridden in a subclass or replaced on the instance. Otherwise it
    dispatches to the handlers itself.

    Attributes:
        listeners: The handlers of the bot.
        defaults: What the SDK itself does, before the bot's handlers. ``off`` never touches these.
        served: The events that a client acts on without a handler in ``defaults``.
        on_change: Called with an event's name when its handlers have changed.
        on_emit_change: Called when ``emit`` was replaced on this object, or the replacement was removed.
        on_handler_error: Called with event name and exception when a handler has failed, after it was logged.
    """

    on_emit_change: Callable[[], None] | None = None

    def __init__(self) -> None:
        self.listeners: dict[str, tuple[Handler, ...]] = {}
        self.defaults: dict[str, tuple[Handler, ...]] = {}
        self.served: frozenset[str] = frozenset()
        self.on_change: Callable[[str], None] | None = None
        self.on_handler_error: Callable[[str, Exception], None] | None = None
        self._tasks: set[asyncio.Future[Any]] = set()

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        if name == "emit" and self.on_emit_change is not None:
            self.on_emit_change()

    def __delattr__(self, name: str) -> None:
        object.__delattr__(self, name)
        if name == "emit" and self.on_emit_change is not None:
            self.on_emit_change()

    @overload
    def on(self, event_name: str, handler: _H) -> _H: ...
    @overload
    def on(self, event_name: str, handler: None = None) -> Callable[[_H], _H]: ...
    def on(self, event_name: str, handler: _H | None = None) -> _H | Callable[[_H], _H]:
        """Call ``handler`` whenever the event occurs; without it, give a decorator.

        A handler that is registered twice is called twice.

        Args:
            event_name: A member of ``Events``, or the name of an envelope field.
            handler: A function, a coroutine function or any callable.

        Returns:
            The handler itself.

        Raises:
            InvalidArgumentError: If the handler cannot be called with one argument, or the name is no str.
        """
        name = _name_of(event_name)
        if handler is None:
            return lambda function: self.on(name, function)
        if not callable(handler):
            raise InvalidArgumentError(
                f"a handler of {name!r} must be callable, such as a function; got {type(handler).__name__}"
            )
        check_handler(name, handler)
        warn_of_typo(name)
        is_default = getattr(handler, "_is_default_handler", False) is True
        self._add(self.defaults if is_default else self.listeners, name, handler)
        return handler

    def add_default(self, event_name: str, handler: Handler) -> None:
        """Register something the SDK itself does on an event, before the bot's handlers start."""
        self._add(self.defaults, _name_of(event_name), handler)

    def off(self, event_name: str, handler: Handler | None = None) -> None:
        """Stop calling ``handler``, or every handler of the bot when none is given.

        A handler that was registered twice is called once from now on. One that is unknown is ignored.
        """
        name = _name_of(event_name)
        current = self.listeners.get(name, ())
        if handler is None:
            left: tuple[Handler, ...] = ()
        elif handler in current:
            place = current.index(handler)
            left = current[:place] + current[place + 1 :]
        else:
            return
        if left:
            self.listeners[name] = left
        elif self.listeners.pop(name, None) is None:
            return
        self._changed(name)

    def has_listeners(self, event_name: str) -> bool:
        """Say whether anything happens when the event occurs."""
        name = _name_of(event_name)
        return name in self.listeners or name in self.defaults or name in self.served

    async def emit(self, event_name: str, *args: Any, **kwargs: Any) -> None:
        """Let an event occur: what the SDK does is awaited, then the bot's handlers are started.

        A handler that fails is logged with its traceback, and stops nothing else.
        """
        name = _name_of(event_name)
        for default in self.defaults.get(name, ()):
            try:
                outcome = default(*args, **kwargs)
                if inspect.isawaitable(outcome):
                    await outcome
            except Exception as error:
                self._failed(name, default, error)
        listeners = self.listeners.get(name, ())
        for handler in fitting(listeners) if name == Events.READY.value else listeners:
            try:
                outcome = handler(*args, **kwargs)
            except Exception as error:
                self._failed(name, handler, error)
                continue
            if inspect.isawaitable(outcome):
                # The loop keeps weak references only.
                task = asyncio.ensure_future(outcome)
                self._tasks.add(task)
                task.add_done_callback(partial(self._handle_task_exception, event_name=name, handler=handler))

    def _handle_task_exception(
        self, task: asyncio.Future[Any], event_name: str, handler: Handler | None = None
    ) -> None:
        """Report what the task of a handler ended with."""
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception):
            self._failed(event_name, handler, error)

    def _failed(self, name: str, handler: Handler | None, error: Exception) -> None:
        where = getattr(handler, "__qualname__", None) or type(handler).__qualname__
        logger.error("handler %s of event %r failed", where, name, exc_info=error)
        if self.on_handler_error is None:
            return
        try:
            self.on_handler_error(name, error)
        except Exception:
            logger.exception("on_handler_error failed")

    def _add(self, table: dict[str, tuple[Handler, ...]], name: str, handler: Handler) -> None:
        table[name] = (*table.get(name, ()), handler)
        self._changed(name)

    def _changed(self, name: str) -> None:
        if self.on_change is not None:
            self.on_change(name)


def event_name(event: str) -> str:
    """Give the name of an event, from a member of ``Events`` or a str.

    Raises:
        InvalidArgumentError: If it is neither.
    """
    name = event.value if isinstance(event, Enum) else event
    if not isinstance(name, str):
        raise InvalidArgumentError(
            f"an event is named by a member of Events or by a str, not by {type(event).__name__}"
        )
    return name


#: Inside the methods above a parameter has the other name.
_name_of = event_name
