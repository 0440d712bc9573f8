"""What is looked at when a handler is registered: mistakes that would else show with the first event, or never."""

from __future__ import annotations

import inspect
import os
import sys
import warnings
from collections.abc import Callable
from functools import cache, wraps
from typing import Any, Final

from mezon.constants.enum import Events, InternalAgentEvents, SSEEvents
from mezon.errors import InvalidArgumentError

__all__ = ["check_handler", "fitting", "warn_of_typo"]


@cache
def _members() -> frozenset[str]:
    return frozenset(event.value for event in Events)


def _known(name: str) -> bool:
    if name in _members():
        return True
    # Any envelope field may be named as well. The table comes with all models: most bots never ask.
    from mezon._gateway.codec import MESSAGES

    return name in MESSAGES


_PACKAGE: Final = os.path.dirname(os.path.dirname(__file__)) + os.sep


def _bots_line() -> int:
    """Say how far up the first frame is that is not of this package, as ``warnings`` counts from our caller."""
    level, frame = 1, sys._getframe(0)
    while frame.f_code.co_filename.startswith(_PACKAGE) and frame.f_back is not None:
        level, frame = level + 1, frame.f_back
    return level


@cache
def _of_agents() -> frozenset[str]:
    return frozenset(str(event.value) for kind in (SSEEvents, InternalAgentEvents) for event in kind)


def warn_of_typo(name: str, so: str = "this handler is never called by Mezon") -> None:
    """Warn of a name that no event has and that is close to one that has. Names of a bot's own are fine.

    Args:
        so: What comes of it.
    """
    if _known(name) or name in _of_agents():
        return
    import difflib

    near = difflib.get_close_matches(name.strip().lower(), _members() | _of_agents(), 1, 0.8)
    if near:
        warnings.warn(
            f"there is no event {name!r}, so {so}; did you mean {near[0]!r}?",
            UserWarning,
            stacklevel=_bots_line() - 1,
        )


def check_handler(name: str, handler: Callable[..., Any]) -> None:
    """Refuse a handler that cannot take the one argument that every event of Mezon has.

    Raises:
        InvalidArgumentError: If it takes none, or asks for more.
    """
    if not _known(name) or name == Events.READY.value:
        return  # one of the bot's own, or the one whose handlers may take nothing
    try:
        signature = inspect.signature(handler)
    except (TypeError, ValueError):
        return  # written in C, or a mock: nothing is known
    try:
        signature.bind(object())
    except TypeError:
        said = getattr(handler, "__qualname__", None) or type(handler).__qualname__
        raise InvalidArgumentError(
            f"a handler of {name!r} gets one argument, the event; {said}{_shown(signature)} does not take exactly one. "
            f"Write: async def {said.rpartition('.')[2]}(event): ..."
        ) from None


def _shown(signature: inspect.Signature) -> str:
    return f"({', '.join(signature.parameters)})"


def fitting(handlers: tuple[Callable[..., Any], ...]) -> tuple[Callable[..., Any], ...]:
    """Give the handlers, so that each can be given the event: those that take nothing are given nothing."""
    return tuple(handler if _takes_one(handler) else _without_argument(handler) for handler in handlers)


def _takes_one(handler: Callable[..., Any]) -> bool:
    try:
        inspect.signature(handler).bind(None)
    except TypeError:
        return False
    except ValueError:
        pass  # callables of C need not say what they take
    return True


def _without_argument(handler: Callable[..., Any]) -> Callable[[Any], Any]:
    @wraps(handler)
    def call(event: Any) -> Any:
        return handler()

    return call
