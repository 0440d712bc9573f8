"""Validation of numbers and flags in the options."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

from mezon.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

#: The maximum count: the range of the core's narrowest counter.
MOST_COUNT: Final = 2**32 - 1
#: The maximum time in seconds, about three hundred years: clocks cannot add much more.
MOST_SECONDS: Final = 10_000_000_000


def check_flag(name: str, value: Any) -> None:
    """Refuse values that are not bools, such as the text of an environment variable, which is always true.

    Raises:
        InvalidArgumentError: With the wrong value.
    """
    if not isinstance(value, bool):
        raise InvalidArgumentError(f"{name} must be True or False, not {value!r}")


def check_count(
    name: str, value: Any, such_as: Any, *, zero: bool = True, optional: bool = False, most: int = MOST_COUNT
) -> None:
    """Refuse values that are not ints in range.

    Args:
        name: The option, for the error message.
        value: The value.
        such_as: A valid value, for the error message.
        zero: Whether 0 is allowed.
        optional: Whether None is allowed.
        most: The maximum.

    Raises:
        InvalidArgumentError: With the wrong value.
    """
    least = 0 if zero else 1
    if optional and value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise InvalidArgumentError(
            f"{name} must be a whole number from {least} to {most}{', or None' if optional else ''}"
            f"{_example(such_as)}, not {shown(value)}"
        )


def check_number(
    name: str,
    value: Any,
    such_as: Any,
    *,
    zero: bool = True,
    optional: bool = False,
    most: float = MOST_SECONDS,
) -> None:
    """Refuse values that are not finite numbers in range; the arguments are those of `check_count`.

    Raises:
        InvalidArgumentError: With the wrong value.
    """
    if optional and value is None:
        return
    # The comparison also refuses NaN.
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not (0 <= value <= most if zero else 0 < value <= most):
        raise InvalidArgumentError(
            f"{name} must be a number {'from 0' if zero else 'above 0 and up'} to {most}"
            f"{', or None' if optional else ''}{_example(such_as)}, not {shown(value)}"
        )


def _example(value: Any) -> str:
    return (
        ""
        if value is None or (isinstance(value, float) and not math.isfinite(value))
        else f", such as {value}"
    )


def shown(value: Any) -> str:
    """Return the repr of a value for an error message, at most 80 characters long."""
    try:
        text = repr(value)
    except ValueError:  # Python does not convert an int of more than 4,300 digits
        return "a number of thousands of digits"
    return text if len(text) <= 80 else f"{text[:77]}..."


def check_fields(settings: Any, may_be_zero: AbstractSet[str]) -> None:
    """Check the fields of an options dataclass by their annotations, with their defaults as examples.

    Args:
        settings: An instance. Only fields of type ``bool``, ``int``, ``int | None`` and ``float`` are checked.
        may_be_zero: The names of the numbers that may be 0.

    Raises:
        InvalidArgumentError: With the first invalid value.
    """
    owner = type(settings).__name__
    for field in fields(settings):
        name, value, zero = f"{owner}.{field.name}", getattr(settings, field.name), field.name in may_be_zero
        match field.type:
            case "bool":
                check_flag(name, value)
            case "int":
                check_count(name, value, field.default, zero=zero)
            case "int | None":
                check_count(name, value, field.default, zero=zero, optional=True)
            case "float":
                check_number(name, value, field.default, zero=zero)
            case _:
                pass
