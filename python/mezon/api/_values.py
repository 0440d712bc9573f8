"""What callers pass, as the wire wants it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mezon.errors import InvalidArgumentError
from mezon.utils.ids import as_id

if TYPE_CHECKING:
    from mezon.protobuf.api import api_pb2

__all__ = ["as_id", "update_role_request"]


_ROLE_TEXTS = ("title", "color", "role_icon", "description")
_ROLE_NUMBERS = ("display_online", "allow_mention")
_ROLE_ID_LISTS = ("add_user_ids", "active_permission_ids", "remove_user_ids", "remove_permission_ids")
_ROLE_IDS = ("clan_id", "max_permission_id")


def update_role_request(role_id: int | None, changes: Mapping[str, Any]) -> api_pb2.UpdateRoleRequest:
    """Give the message for UpdateRole. A text that is given is set, "" too; one that is not given stays as it is.

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
