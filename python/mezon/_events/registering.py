"""What is looked at when a handler is registered: mistakes that would else show when the first event comes, or never."""

from __future__ import annotations

import difflib
import inspect
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

from mezon.constants.enum import Events
from mezon.errors import InvalidArgumentError

__all__ = ["check_handler", "warn_of_typo"]


@cache
def _known() -> frozenset[str]:
    from mezon import _core

    fields = (name for _, name, *_ in _core.schema_fields("mezon.realtime.Envelope"))
    return frozenset(event.value for event in Events) | frozenset(fields)


def warn_of_typo(name: str, stacklevel: int) -> None:
    """Warn of a name that no event has and that is close to one that has. Names of a bot's own are fine."""
    if name in _known():
        return
    near = difflib.get_close_matches(name, _known(), 1, 0.8)
    if near:
        warnings.warn(
            f"there is no event {name!r}, so this handler is never called by Mezon; did you mean {near[0]!r}?",
            UserWarning,
            stacklevel=stacklevel + 1,
        )


def check_handler(name: str, handler: Callable[..., Any]) -> None:
    """Refuse a handler that cannot take the one argument that every event of Mezon has.

    Raises:
        InvalidArgumentError: If it takes none, or asks for more.
    """
    if name not in _known():
        return
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
