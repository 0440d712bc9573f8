"""What a number or a flag of the settings may be: one check, and one sentence for whoever gave another."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

from mezon.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

#: The largest count: what the core's narrowest counter holds.
MOST_COUNT: Final = 2**32 - 1
#: The longest time in seconds, some three hundred years. Clocks cannot add much more than that.
MOST_SECONDS: Final = 10_000_000_000


def check_flag(name: str, value: Any) -> None:
    """Refuse what is neither True nor False: the text of an environment variable is true, whatever it says.

    Raises:
        InvalidArgumentError: If it is another.
    """
    if not isinstance(value, bool):
        raise InvalidArgumentError(f"{name} is True or False, not {value!r}")


def check_count(
    name: str, value: Any, such_as: Any, *, zero: bool = True, optional: bool = False, most: int = MOST_COUNT
) -> None:
    """Refuse what is no whole number between the bounds.

    Args:
        name: The setting, for the error.
        value: What was given.
        such_as: A good value, for the error.
        zero: Whether it may be 0.
        optional: Whether it may be None.
        most: The largest.

    Raises:
        InvalidArgumentError: If it is none.
    """
    least = 0 if zero else 1
    if optional and value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise InvalidArgumentError(
            f"{name} is a whole number from {least} to {most}{', or None' if optional else ''}"
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
    """Refuse what is no number between the bounds; the arguments are those of `check_count`.

    Raises:
        InvalidArgumentError: If it is none, or infinite or NaN.
    """
    if optional and value is None:
        return
    # NaN is neither above nor below anything.
    good = isinstance(value, int | float) and not isinstance(value, bool)
    if not good or not (0 <= value <= most if zero else 0 < value <= most):
        raise InvalidArgumentError(
            f"{name} is a number {'from 0' if zero else 'above 0 and up'} to {most}"
            f"{', or None' if optional else ''}{_example(such_as)}, not {shown(value)}"
        )


def _example(value: Any) -> str:
    return (
        ""
        if value is None or (isinstance(value, float) and not math.isfinite(value))
        else f", such as {value}"
    )


def shown(value: Any) -> str:
    """Give a value in the sentence of an error, whatever it is."""
    try:
        text = repr(value)
    except ValueError:  # Python writes no int of more than 4,300 digits
        return "a number of thousands of digits"
    return text if len(text) <= 80 else f"{text[:77]}..."


def check_fields(settings: Any, may_be_zero: AbstractSet[str]) -> None:
    """Check every field of a dataclass of settings by the type it is written with; its default is the example.

    Args:
        settings: An instance. Its fields are of the types ``bool``, ``int``, ``int | None`` and ``float``, or any
            other, which is not looked at.
        may_be_zero: The names of the numbers that may be 0.

    Raises:
        InvalidArgumentError: The first that is wrong.
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
