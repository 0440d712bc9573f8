"""The registry of event handlers."""

from __future__ import annotations

import inspect
import os
import sys
import warnings
from collections.abc import Callable
from enum import Enum
from functools import cache, wraps
from typing import Any, Final, TypeVar, overload

from mezon.constants.enum import Events, InternalAgentEvents, SSEEvents
from mezon.errors import InvalidArgumentError
from mezon.managers._handlers import HandlerRunner, describe

Handler = Callable[..., Any]
_H = TypeVar("_H", bound=Handler)

_PACKAGE: Final = os.path.dirname(os.path.dirname(__file__)) + os.sep


class EventManager:
    """The handlers of each event, in the order of registration.

    ``listeners`` and ``defaults`` map the name of an event to a tuple. A tuple is replaced when handlers are added or
    removed, so it can be iterated without a copy.

    A client calls ``emit`` for each event if ``emit`` is overridden in a subclass or replaced on the instance.
    Otherwise the client calls the handlers directly.

    Attributes:
        listeners: The handlers of the bot.
        defaults: Handlers that are awaited before those of the bot. ``off`` does not remove them.
        served: The events that a client processes without a handler in ``defaults``.
        runner: Calls the handlers for ``emit``. A client replaces it with its own.
        on_change: Called with the name of an event when its handlers have changed.
        on_emit_change: Called when ``emit`` was replaced on the instance, or the replacement was removed.
        on_handler_error: Called with the event's name and the exception after a failed handler was logged.
    """

    on_emit_change: Callable[[], None] | None = None
    on_handler_error: Callable[[str, Exception], None] | None = None

    def __init__(self) -> None:
        self.listeners: dict[str, tuple[Handler, ...]] = {}
        self.defaults: dict[str, tuple[Handler, ...]] = {}
        self.served: frozenset[str] = frozenset()
        self.runner: HandlerRunner = HandlerRunner(self.report)
        self.on_change: Callable[[str], None] | None = None

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
        """Register a handler of an event. Without a handler, return a decorator.

        A handler that is registered twice is called twice.

        Args:
            event_name: A member of ``Events``, or the name of an envelope field.
            handler: A function, a coroutine function or any other callable.

        Returns:
            The handler.

        Raises:
            InvalidArgumentError: If the handler cannot be called with one argument, or the name is not a str.
        """
        name = _name_of(event_name)
        if handler is None:
            return lambda function: self.on(name, function)
        check_handler(name, handler)
        warn_of_typo(name)
        is_default = getattr(handler, "_is_default_handler", False) is True
        self._add(self.defaults if is_default else self.listeners, name, handler)
        return handler

    def add_default(self, event_name: str, handler: Handler) -> None:
        """Register a handler that is awaited before the handlers of the bot start."""
        self._add(self.defaults, _name_of(event_name), handler)

    def off(self, event_name: str, handler: Handler | None = None) -> None:
        """Remove a handler of the bot, or all of them if ``handler`` is None.

        If the handler was registered twice, one registration is left. An unknown handler is ignored.
        """
        name = _name_of(event_name)
        current = self.listeners.get(name, ())
        if handler is None:
            left: tuple[Handler, ...] = ()
        elif handler in current:
            index = current.index(handler)
            left = current[:index] + current[index + 1 :]
        else:
            return
        if left:
            self.listeners[name] = left
        elif self.listeners.pop(name, None) is None:
            return
        self._changed(name)

    def has_listeners(self, event_name: str) -> bool:
        """Return whether the event is processed, by a handler or by the client itself."""
        name = _name_of(event_name)
        return name in self.listeners or name in self.defaults or name in self.served

    async def emit(self, event_name: str, *args: Any, **kwargs: Any) -> None:
        """Emit an event: await the default handlers, then start the handlers of the bot.

        The exception of a handler is logged with its traceback and does not affect the other handlers.
        """
        name = _name_of(event_name)
        handlers = self.listeners.get(name, ())
        if name == Events.READY.value:
            handlers = without_surplus_argument(handlers)
        defaults = self.defaults.get(name, ())
        if len(args) == 1 and not kwargs:
            await self.runner.call_after(name, defaults, handlers, args[0])
        else:
            bound = (_with_arguments(defaults, args, kwargs), _with_arguments(handlers, args, kwargs))
            await self.runner.call_after(name, *bound, None)

    def report(self, error: BaseException, name: str) -> None:
        """Call ``on_handler_error`` with the exception of a handler, if it is set."""
        if self.on_handler_error is not None and isinstance(error, Exception):
            self.on_handler_error(name, error)

    def _add(self, table: dict[str, tuple[Handler, ...]], name: str, handler: Handler) -> None:
        table[name] = (*table.get(name, ()), handler)
        self._changed(name)

    def _changed(self, name: str) -> None:
        if self.on_change is not None:
            self.on_change(name)


# ---- arguments of handlers


def without_surplus_argument(handlers: tuple[Handler, ...]) -> tuple[Handler, ...]:
    """Return handlers that accept the event as an argument, also where the given handler takes no argument."""
    return tuple(handler if _takes_one(handler) else _wrapped(handler, handler) for handler in handlers)


def _takes_one(handler: Handler) -> bool:
    try:
        inspect.signature(handler).bind(None)
    except TypeError:
        return False
    except ValueError:
        pass  # some callables written in C have no signature
    return True


def _with_arguments(
    handlers: tuple[Handler, ...], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Handler, ...]:
    """Return handlers that are called with these arguments, whatever event they are given."""

    def bound(handler: Handler) -> Handler:
        return _wrapped(handler, lambda: handler(*args, **kwargs))

    return tuple(map(bound, handlers))


def _wrapped(handler: Handler, call: Callable[[], Any]) -> Callable[[Any], Any]:
    @wraps(handler)
    def ignore_event(event: Any) -> Any:
        return call()

    ignore_event.__qualname__ = describe(handler)
    return ignore_event


# ---- validation at registration time


def event_name(event: str) -> str:
    """Return the name of an event, given a member of ``Events`` or a str.

    Raises:
        InvalidArgumentError: If it is neither.
    """
    name = event.value if isinstance(event, Enum) else event
    if not isinstance(name, str):
        raise InvalidArgumentError(
            f"an event is named by a member of Events or by a str, not by {type(event).__name__}"
        )
    return name


#: Alias for methods that have a parameter called ``event_name``.
_name_of = event_name


@cache
def _event_names() -> frozenset[str]:
    return frozenset(event.value for event in Events)


@cache
def _agent_event_names() -> frozenset[str]:
    return frozenset(str(event.value) for kind in (SSEEvents, InternalAgentEvents) for event in kind)


def _is_known(name: str) -> bool:
    if name in _event_names():
        return True
    # Start-up time: importing the codec imports all models, and most bots use the names of `Events` only.
    from mezon._gateway.codec import MESSAGES

    return name in MESSAGES


def check_handler(name: str, handler: Handler) -> None:
    """Validate a handler of an event.

    Raises:
        InvalidArgumentError: If it is not callable, or does not accept the one argument that every event of Mezon has.
    """
    if not callable(handler):
        raise InvalidArgumentError(
            f"a handler of {name!r} must be callable, such as a function; got {type(handler).__name__}"
        )
    if not _is_known(name) or name == Events.READY.value:
        return  # custom events may have any arguments, and handlers of ready may take none
    try:
        signature = inspect.signature(handler)
    except (TypeError, ValueError):
        return  # written in C, or a mock
    try:
        signature.bind(object())
    except TypeError:
        where, parameters = describe(handler), ", ".join(signature.parameters)
        raise InvalidArgumentError(
            f"a handler of {name!r} gets one argument, the event; {where}({parameters}) does not take exactly one. "
            f"Write: async def {where.rpartition('.')[2]}(event): ..."
        ) from None


def warn_of_typo(name: str, consequence: str = "this handler is never called by Mezon") -> None:
    """Warn if no event has this name but one has a similar name. Names of custom events are accepted.

    Args:
        name: The name of an event.
        consequence: The second half of the warning's sentence.
    """
    if _is_known(name) or name in _agent_event_names():
        return
    import difflib

    similar = difflib.get_close_matches(name.strip().lower(), _event_names() | _agent_event_names(), 1, 0.8)
    if similar:
        warnings.warn(
            f"there is no event {name!r}, so {consequence}; did you mean {similar[0]!r}?",
            UserWarning,
            stacklevel=_stacklevel_of_caller() - 1,
        )


def _stacklevel_of_caller() -> int:
    """Return the ``stacklevel`` of the first frame outside this package, counted from our caller."""
    level, frame = 1, sys._getframe(0)
    while frame.f_code.co_filename.startswith(_PACKAGE) and frame.f_back is not None:
        level, frame = level + 1, frame.f_back
    return level
