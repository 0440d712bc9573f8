"""Ids in arguments: ints or strings of digits."""

from __future__ import annotations

from typing import Any, Final

from mezon.errors import InvalidArgumentError

__all__ = ["as_id", "how_to_find", "optional_id", "required_id"]

_MAX: Final = 2**63

#: How to find what somebody names instead.
_BY_NAME: Final = {
    "channel_id": '; find a channel by its name with await clan.channel("general")',
    "user_id": "; find a member by name in await clan.members()",
    "clan_id": "; the bot's clans are in client.clans.values()",
}


def how_to_find(name: str) -> str:
    """Return how to find something by its name, as the end of a sentence; "" if ids of this argument have no names."""
    return _BY_NAME.get(name, "")


def required_id(name: str, value: Any) -> int:
    """Return an id as an int.

    Args:
        name: The argument, for the error message.
        value: An int or a string of digits.

    Raises:
        InvalidArgumentError: If the value is neither, or exceeds 64 bits (a ValueError).
    """
    number = value
    if isinstance(value, str):
        try:
            number = int(value)
        except ValueError:
            number = None
    if not isinstance(number, int) or not -_MAX <= number < _MAX:
        hint = how_to_find(name) if isinstance(value, str) else ""
        raise InvalidArgumentError(f"{name} must be an id, an int or a string of digits, not {value!r}{hint}")
    return int(number)


def optional_id(name: str, value: Any) -> int | None:
    """Return an id as an int, or None for None."""
    return None if value is None else required_id(name, value)


def as_id(name: str, value: Any) -> int:
    """Return an id as an int for the wire, where an absent id is 0: None and "" become 0.

    Raises:
        InvalidArgumentError: As for `required_id`.
    """
    return 0 if value is None or value == "" else required_id(name, value)
