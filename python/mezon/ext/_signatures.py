"""Validation of handlers at registration time, and conversion of text by the types of their parameters."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BeforeValidator, TypeAdapter, ValidationError

from mezon import InvalidArgumentError
from mezon.ext.errors import ArgumentError

__all__ = [
    "adapter_of",
    "check_handler",
    "check_parentheses",
    "check_seconds",
    "collection_name",
    "convert",
    "hints_of",
    "is_async",
    "key_part",
    "name_of",
    "problem_text",
    "shorten",
]


def name_of(function: Any) -> str:
    """Return the name of a function for messages."""
    return getattr(function, "__qualname__", None) or type(function).__qualname__


def key_part(name: str) -> str:
    """Return a part of a state key for a name: the name, or its bytes in hex if a key cannot contain it."""
    return name if name.isascii() and name.replace("_", "a").isalnum() else f"x{name.encode().hex()}"


def is_async(function: Any) -> bool:
    """Return whether the function is a coroutine function, or an object with an async ``__call__``."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(type(function), "__call__", None)  # noqa: B004 (inspected, not called)
    )


def check_parentheses(value: object, usage: str) -> None:
    """Refuse a decorator without parentheses, which receives the function in place of the name.

    Raises:
        InvalidArgumentError: With the correct usage.
    """
    if not isinstance(value, str):
        raise InvalidArgumentError(f"write {usage}, with parentheses; got {name_of(value)}")


def check_handler(function: Any, what: str, positional: Iterable[str], keywords: Iterable[str] = ()) -> None:
    """Refuse a handler that cannot be called with the given parameters.

    Args:
        what: Description of the handler for the error message.
        positional: The names of its positional arguments.
        keywords: The names of its keyword arguments.

    Raises:
        InvalidArgumentError: If the handler is not a coroutine function, or its signature does not fit.
    """
    positional, keywords = list(positional), list(keywords)
    shown = f"async def {name_of(function).rpartition('.')[2]}({', '.join([*positional, *keywords])})"
    if not callable(function) or not is_async(function):
        raise InvalidArgumentError(f"{what} must be a coroutine function: {shown}")
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return  # a mock has no signature
    try:
        signature.bind(*positional, **dict.fromkeys(keywords))
    except TypeError as error:
        raise InvalidArgumentError(
            f"{what} is called with {' and '.join([*positional, *keywords])}: {shown}; "
            f"{name_of(function)}{signature} does not accept that ({error})"
        ) from None


def check_seconds(what: str, *values: object) -> None:
    """Refuse values that are not numbers.

    Raises:
        InvalidArgumentError: With the wrong value.
    """
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InvalidArgumentError(f"{what} takes numbers, not {value!r}")


def hints_of(function: Callable[..., Any]) -> dict[str, Any]:
    """Return the types of a function's parameters.

    Raises:
        InvalidArgumentError: If a type cannot be resolved.
    """
    target = function if inspect.isroutine(function) else type(function).__call__  # a callable object
    try:
        return get_type_hints(target, include_extras=True)
    except Exception as error:
        raise InvalidArgumentError(
            f"a type in the signature of {name_of(function)} cannot be resolved ({error}): import it at the top of the "
            "module, not under TYPE_CHECKING or inside a function"
        ) from error


def adapter_of(hint: Any) -> TypeAdapter[Any]:
    """Return the pydantic adapter that converts a text to the type.

    Raises:
        InvalidArgumentError: If a single text cannot be converted to the type.
    """
    try:
        if collection_name(hint):
            raise InvalidArgumentError(f"a single text cannot be a {collection_name(hint)}")
        return TypeAdapter(_with_text_literals(hint))
    except Exception as error:
        raise InvalidArgumentError(f"no text can be converted to {hint!r}: {error}") from error


def _with_text_literals(hint: Any) -> Any:
    """Return a type whose literals are parsed from text: ``Literal[1, 2]`` accepts "1"."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Literal:
        named = {str(one.value if isinstance(one, Enum) else one): one for one in parts}
        return Annotated[
            hint, BeforeValidator(lambda text: named.get(text, text) if isinstance(text, str) else text)
        ]
    if origin is Annotated:
        return Annotated[(_with_text_literals(parts[0]), *parts[1:])]
    if origin in (Union, UnionType):
        return Union[tuple(_with_text_literals(part) for part in parts)]  # noqa: UP007 (built at run time)
    return hint


def collection_name(hint: Any) -> str:
    """Return the name of the collection type, such as ``list``; "" for types that a single text can hold."""
    for part in get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,):
        kind = get_origin(part) or part
        if kind in (list, set, frozenset, tuple, dict):
            return str(kind.__name__)
    return ""


def convert(adapter: TypeAdapter[Any], text: str, name: str) -> Any:
    """Convert a text.

    Raises:
        ArgumentError: If the text is invalid, with pydantic's explanation.
    """
    try:
        return adapter.validate_strings(text)
    except ValidationError as error:
        problem = problem_text(error.errors(include_url=False)[0])
        raise ArgumentError(
            f"{name} cannot be {shorten(text)}: {problem[:1].lower()}{problem[1:]}.", name
        ) from None


def problem_text(problem: Mapping[str, Any]) -> str:
    """Return pydantic's explanation; for an error raised by the bot's own validator, only its message."""
    text = str(problem["msg"])
    if problem["type"] in ("value_error", "assertion_error"):
        return text.partition(", ")[2] or text
    return text


def shorten(text: str) -> str:
    """Return the repr of a text, cut to 40 characters."""
    return repr(text if len(text) <= 40 else f"{text[:40]}…")
