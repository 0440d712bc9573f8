"""Validation of handlers at registration time, and conversion of text by the types of their parameters."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from enum import Enum
from types import UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BeforeValidator, TypeAdapter, ValidationError
from pydantic_core.core_schema import ErrorType

from mezon import InvalidArgumentError
from mezon.ext.errors import ArgumentError
from mezon.ext.texts import Sentence, sentence

__all__ = [
    "adapter_of",
    "check_handler",
    "check_parentheses",
    "check_seconds",
    "collection_name",
    "convert",
    "duration_text",
    "hints_of",
    "is_async",
    "key_part",
    "name_of",
    "problem_text",
    "read_duration",
    "seconds_of",
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
        return TypeAdapter(_from_text(hint))
    except Exception as error:
        raise InvalidArgumentError(f"no text can be converted to {hint!r}: {error}") from error


def _from_text(hint: Any) -> Any:
    """Return a type that is parsed from what users type: ``Literal[1, 2]`` from "1", ``timedelta`` from "1h30"."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Literal:
        named = {str(one.value if isinstance(one, Enum) else one): one for one in parts}
        return Annotated[
            hint, BeforeValidator(lambda text: named.get(text, text) if isinstance(text, str) else text)
        ]
    if hint is timedelta:
        return Annotated[hint, BeforeValidator(read_duration)]
    if origin is Annotated:
        return Annotated[(_from_text(parts[0]), *parts[1:])]
    if origin in (Union, UnionType):
        return Union[tuple(_from_text(part) for part in parts)]  # noqa: UP007 (built at run time)
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
        ArgumentError: If the text is invalid.
    """
    try:
        return adapter.validate_strings(text)
    except ValidationError as error:
        problem = problem_text(error.errors(include_url=False)[0])
        if not isinstance(problem, Sentence):
            problem = f"{problem[:1].lower()}{problem[1:]}"
        raise ArgumentError(
            sentence("invalid", name=name, value=shorten(text), problem=problem), name
        ) from None


# ---- durations

#: Seconds of each unit, by its names in English and Vietnamese; each unit is followed by the next smaller one.
_UNITS: Final = {
    604_800: ("w", "week", "weeks", "tuần"),
    86_400: ("d", "day", "days", "ngày"),
    3600: ("h", "hr", "hour", "hours", "giờ"),
    60: ("m", "min", "mins", "minute", "minutes", "phút"),
    1: ("s", "sec", "secs", "second", "seconds", "giây"),
}
_SECONDS: Final = {name: seconds for seconds, names in _UNITS.items() for name in names}
_SMALLER: Final = dict(zip(_UNITS, [*_UNITS][1:], strict=False))
_PART: Final = re.compile(r"([0-9]{1,9})\s*([^\W\d_]*)\s*")


def read_duration(value: Any) -> Any:
    """Return the ``timedelta`` of a text such as ``10m``, ``1h30`` or ``2 days``; any other value unchanged."""
    if not isinstance(value, str):
        return value
    text, position, total, unit = value.strip().casefold(), 0, 0, 0
    while position < len(text):
        found = _PART.match(text, position)
        if found is None:
            return value
        number, name = found.groups()
        # The number at the end of "1h30" counts the next smaller unit. Nothing else may lack its unit.
        at_end = found.end() == len(text)
        seconds = _SECONDS.get(name, 0) if name else _SMALLER.get(unit, 0) if at_end else 0
        if not seconds or (unit and seconds >= unit):
            return value
        total, unit, position = total + int(number) * seconds, seconds, found.end()
    try:
        return timedelta(seconds=total) if text else value
    except OverflowError:
        return value


def seconds_of(what: str, duration: object) -> float:
    """Return the seconds of a duration: a ``timedelta``, a number of seconds, or a text such as ``10m``.

    Raises:
        InvalidArgumentError: If the value is no duration.
    """
    read = read_duration(duration)
    if isinstance(read, timedelta):
        return read.total_seconds()
    if isinstance(read, bool) or not isinstance(read, int | float):
        raise InvalidArgumentError(
            f"{what} takes a timedelta, seconds, or a text such as '10m' or '1h30', not {duration!r}"
        )
    return read


def duration_text(duration: timedelta) -> str:
    """Return a duration as `read_duration` reads it, such as ``1h30m``, in whole seconds."""
    left, parts = round(duration.total_seconds()), ""
    for seconds, (name, *_) in _UNITS.items():
        count, left = divmod(left, seconds)
        parts += f"{count}{name}" if count else ""
    return parts or "0s"


def shorten(text: str) -> str:
    """Return the repr of a text, cut to 40 characters."""
    return repr(text if len(text) <= 40 else f"{text[:40]}…")


# ---- pydantic's errors

#: Types of pydantic's errors, without the end that says how the value was wrong -> the text.
_PROBLEMS: Final = {
    "missing": "value_missing",
    "int": "not_whole",
    "float": "no_number",
    "decimal": "no_number",
    "decimal_max": "not_valid",
    "decimal_whole": "not_valid",
    "fraction": "no_number",
    "complex": "no_number",
    "finite_number": "no_number",
    "bool": "no_bool",
    "date": "no_date",
    "datetime": "no_datetime",
    "timezone": "no_datetime",
    "time": "no_time",
    "time_delta": "no_duration",
    "url": "no_link",
    "date_past": "not_past",
    "datetime_past": "not_past",
    "date_future": "not_future",
    "datetime_future": "not_future",
    "literal_error": "no_choice",
    "enum": "no_choice",
    "greater_than": "not_greater",
    "greater_than_equal": "too_small",
    "less_than": "not_less",
    "less_than_equal": "too_large",
    "multiple_of": "no_multiple",
    "string_too_short": "too_short",
    "string_too_long": "too_long",
    "too_short": "too_few_choices",
    "too_long": "too_many_choices",
    "string_pattern_mismatch": "wrong_pattern",
}

#: The types of all of pydantic's errors.
_PYDANTIC: Final = frozenset(get_args(ErrorType))

#: The name of the limit in the context of such an error.
_LIMITS: Final = ("gt", "ge", "lt", "le", "multiple_of", "min_length", "max_length")

#: A choice in the list of pydantic's message: quoted, or a word other than the "or" between the last two.
_CHOICE: Final = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|(?<![^\s,])(?!or\b)[^\s,]+""")


def problem_text(problem: Mapping[str, Any]) -> str:
    """Return the text for one of pydantic's errors; for an error of the bot's own validator, the validator's message.

    Args:
        problem: An entry of ``ValidationError.errors()``.
    """
    kind, context = str(problem["type"]), problem.get("ctx") or {}
    if kind in ("value_error", "assertion_error"):
        raised = context.get("error")
        # Without an exception, it is of a type of pydantic, such as EmailStr.
        return str(raised) if isinstance(raised, Exception) and str(raised) else sentence("not_valid")
    if kind not in _PYDANTIC:
        return str(problem["msg"])
    found = _PROBLEMS.get(kind)
    name = kind
    while found is None and "_" in name:
        name = name.rpartition("_")[0]
        found = _PROBLEMS.get(name)
    if found == "no_choice":
        return sentence("no_choice", choices=", ".join(_CHOICE.findall(str(context.get("expected", "")))))
    limit = next((context[name] for name in _LIMITS if name in context), None)
    return sentence(found or "not_valid", limit=limit)
