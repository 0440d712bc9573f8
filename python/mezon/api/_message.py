"""Conversion of mappings to protobuf requests."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from mezon.errors import InvalidArgumentError
from mezon.protobuf.utils import is_repeated
from mezon.utils.ids import as_id

if TYPE_CHECKING:
    from google.protobuf.descriptor import FieldDescriptor
    from google.protobuf.message import Message

__all__ = ["build_message"]

_WRAPPERS = "google.protobuf."


def build_message(kind: type[Message], value: Message | Mapping[str, Any] | None) -> Message:
    """Return the message of a request from a message or a mapping of its fields.

    Integers may be digit strings, and an optional text (a wrapper) is given as a str. None omits a field.

    Raises:
        InvalidArgumentError: If it is a message of another type, or if a field does not exist or does not fit.
    """
    name = kind.DESCRIPTOR.name
    if value is None:
        return kind()
    if isinstance(value, kind):
        return value
    if not isinstance(value, Mapping):
        raise InvalidArgumentError(
            f"the request must be a {name} or a mapping of its fields, not {type(value).__name__}"
        )
    message = kind()
    _fill(message, value)
    return message


def _fill(message: Any, values: Mapping[str, Any]) -> None:
    fields = message.DESCRIPTOR.fields_by_name
    for name, value in values.items():
        field = fields.get(name)
        if field is None:
            near = difflib.get_close_matches(str(name), fields, 1, 0.5)
            hint = f"; did you mean {near[0]}?" if near else f"; it has {', '.join(fields) or 'none'}"
            raise InvalidArgumentError(f"{message.DESCRIPTOR.name} has no field {name!r}{hint}")
        if value is None:
            continue
        try:
            _set(message, field, value)
        except (TypeError, ValueError, OverflowError) as error:
            if isinstance(error, InvalidArgumentError):
                raise
            what = f"{message.DESCRIPTOR.name}.{name}"
            raise InvalidArgumentError(f"{what} cannot hold {type(value).__name__} {value!r:.80}") from None


def _set(message: Any, field: FieldDescriptor, value: Any) -> None:
    if not is_repeated(field):
        if field.message_type is None:
            setattr(message, field.name, _scalar(field, value))
        else:
            part = getattr(message, field.name)
            _part(part, value)
            part.SetInParent()
        return
    target = getattr(message, field.name)
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        target.update(value)
        return
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
        raise TypeError("must be a list")
    for item in value:
        if field.message_type is None:
            target.append(_scalar(field, item))
        else:
            _part(target.add(), item)


def _part(part: Any, value: Any) -> None:
    """Fill a nested message."""
    if part.DESCRIPTOR.full_name.startswith(_WRAPPERS) and not isinstance(value, (Mapping, type(part))):
        part.value = value
    elif isinstance(value, Mapping):
        _fill(part, value)
    else:
        part.CopyFrom(value)


def _scalar(field: FieldDescriptor, value: Any) -> Any:
    whole = field.cpp_type in (
        field.CPPTYPE_INT32,
        field.CPPTYPE_INT64,
        field.CPPTYPE_UINT32,
        field.CPPTYPE_UINT64,
    )
    return as_id(field.name, value) if whole and isinstance(value, str) else value
