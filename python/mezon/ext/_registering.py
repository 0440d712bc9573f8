"""What is looked at when something is registered: mistakes that would else show with the first user, or never."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any

from mezon import InvalidArgumentError

__all__ = ["check_called", "check_handler", "check_seconds", "is_async", "name_of"]


def name_of(function: Any) -> str:
    """Give the name of a function for people."""
    return getattr(function, "__qualname__", None) or type(function).__qualname__


def is_async(function: Any) -> bool:
    """Say whether calling it gives something to await: a coroutine function, or an object that is one."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(type(function), "__call__", None)  # noqa: B004 (looked at, not asked for)
    )


def check_called(value: object, usage: str) -> None:
    """Refuse a decorator without its parentheses: the function comes in the place of the name.

    Raises:
        InvalidArgumentError: With how it is written.
    """
    if not isinstance(value, str):
        raise InvalidArgumentError(f"write {usage}, with parentheses; what it got is {name_of(value)}")


def check_handler(function: Any, what: str, gets: Iterable[str], fields: Iterable[str] = ()) -> None:
    """Refuse a function that cannot be called as it will be.

    Args:
        what: What it handles, for the sentence.
        gets: What it gets by position.
        fields: What it gets by name.

    Raises:
        InvalidArgumentError: If it is no coroutine function, or takes something else.
    """
    gets, fields = list(gets), list(fields)
    shown = f"async def {name_of(function).rpartition('.')[2]}({', '.join([*gets, *fields])})"
    if not callable(function) or not is_async(function):
        raise InvalidArgumentError(f"{what} is a coroutine function: {shown}")
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return  # a mock: nothing is known
    try:
        signature.bind(*gets, **dict.fromkeys(fields))
    except TypeError as error:
        raise InvalidArgumentError(
            f"{what} is called with {' and '.join([*gets, *fields])}: {shown}; {name_of(function)}{signature} does not "
            f"take that ({error})"
        ) from None


def check_seconds(what: str, *values: object) -> None:
    """Refuse what is no number.

    Raises:
        InvalidArgumentError: With what it is.
    """
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InvalidArgumentError(f"{what} takes numbers, not {value!r}")


def check_callable(function: Callable[..., Any] | None, what: str) -> None:
    """Refuse what cannot be called.

    Raises:
        InvalidArgumentError: With what it is.
    """
    if not callable(function):
        raise InvalidArgumentError(f"{what} is a function, not {function!r}")
