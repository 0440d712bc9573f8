"""What callers pass, as the wire wants it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mezon.errors import InvalidArgumentError

if TYPE_CHECKING:
    from mezon.protobuf.api import api_pb2

__all__ = ["as_id", "update_role_request"]

_MAX_ID = 2**63


def as_id(name: str, value: Any) -> int:
    """An id as an int; digit strings are taken, None and "" are 0.

    Raises:
        InvalidArgumentError: It is something else, or does not fit 64 bits (a ValueError).
    """
    if value is None or value == "":
        return 0
    try:
        number = value if isinstance(value, int) else int(value) if isinstance(value, str) else None
    except ValueError:
        number = None
    if number is None or not -_MAX_ID <= number < _MAX_ID:
        raise InvalidArgumentError(f"{name} must be an id, an int or a string of digits, not {value!r}")
    return int(number)


_ROLE_TEXTS = ("title", "color", "role_icon", "description")
_ROLE_NUMBERS = ("display_online", "allow_mention")
_ROLE_ID_LISTS = ("add_user_ids", "active_permission_ids", "remove_user_ids", "remove_permission_ids")
_ROLE_IDS = ("clan_id", "max_permission_id")


def update_role_request(role_id: int | None, changes: Mapping[str, Any]) -> api_pb2.UpdateRoleRequest:
    """The message for UpdateRole. A text that is given is set, "" too; one that is not given stays as it is.

    Raises:
        InvalidArgumentError: A key means nothing here.
    """
    from mezon.protobuf.api import api_pb2

    unknown = set(changes) - {*_ROLE_TEXTS, *_ROLE_NUMBERS, *_ROLE_ID_LISTS, *_ROLE_IDS, "role_id"}
    if unknown:
        raise InvalidArgumentError(f"a role has no {', '.join(sorted(unknown))} to change")
    message = api_pb2.UpdateRoleRequest(role_id=as_id("role_id", role_id or changes.get("role_id")))
    for name in _ROLE_TEXTS:
        if changes.get(name) is not None:
            getattr(message, name).value = str(changes[name])
    for name in _ROLE_NUMBERS:
        setattr(message, name, int(changes.get(name) or 0))
    for name in _ROLE_ID_LISTS:
        getattr(message, name).extend(as_id(name, value) for value in changes.get(name) or ())
    for name in _ROLE_IDS:
        setattr(message, name, as_id(name, changes.get(name)))
    return message
