"""Ids as bots give them: numbers, or the digits of one."""

from __future__ import annotations

from typing import Any, Final

from mezon.errors import InvalidArgumentError

__all__ = ["as_id", "optional_id", "required_id"]

_MAX: Final = 2**63


def required_id(name: str, value: Any) -> int:
    """Read an id that is given as an int or as digits.

    Args:
        name: What the id is of, for the error.
        value: The id.

    Raises:
        InvalidArgumentError: If it is neither, or does not fit 64 bits (a ValueError).
    """
    number = value
    if isinstance(value, str):
        try:
            number = int(value)
        except ValueError:
            number = None
    if not isinstance(number, int) or not -_MAX <= number < _MAX:
        raise InvalidArgumentError(f"{name} must be an id, an int or a string of digits, not {value!r}")
    return int(number)


def optional_id(name: str, value: Any) -> int | None:
    """Read an id that may be left out: None stays None."""
    return None if value is None else required_id(name, value)


def as_id(name: str, value: Any) -> int:
    """Read an id for the wire, where one that is left out is 0: None and "" are 0.

    Raises:
        InvalidArgumentError: If it is no id, or does not fit 64 bits (a ValueError).
    """
    return 0 if value is None or value == "" else required_id(name, value)
