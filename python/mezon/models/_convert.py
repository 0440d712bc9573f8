"""From ``google.protobuf`` messages to models.

The core does the same for events, faster. This is the way for HTTP answers, and the yardstick in the tests.
The message is only looked at through its descriptor, so importing this imports no protobuf.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Final, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from mezon.models._base import raw_instance
from mezon.models._envelopes import (
    ENVELOPE_TO_PYDANTIC_MAP,
    NO_SOURCE,
    PARTS,
    PROTO_FIELDS,
    WHOLE_MESSAGE,
)
from mezon.models.message import ChannelMessage
from mezon.protobuf.utils import is_repeated

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor, FieldDescriptor

_M = TypeVar("_M", bound=BaseModel)
_C = TypeVar("_C", bound=ChannelMessage)

_PART_OF: Final = {parts.item: parts for parts in PARTS.values()}


@dataclass(frozen=True, slots=True)
class _Step:
    """How one field of a model is filled."""

    name: str
    source: str  # a protobuf field; WHOLE_MESSAGE; NO_SOURCE
    read: Callable[[Any], Any]  # takes the message
    default: Callable[[], Any] | None  # None: the field is required


def protobuf_to_pydantic(proto_message: Any, pydantic_class: type[_M]) -> _M:
    """Make the model that a ``google.protobuf`` message stands for.

    A field that the message leaves at zero is zero in the model, so this always succeeds for the models of
    this package. A class of your own gets the fields by their protobuf names and validates them.

    Raises:
        pydantic.ValidationError: If a class of your own does not take the values.
    """
    if issubclass(pydantic_class, ChannelMessage) and pydantic_class.__module__.startswith("mezon.models"):
        return pydantic_class.from_protobuf(proto_message)
    return build(pydantic_class, proto_message, zeros=True)


def convert_envelope_to_pydantic(field_name: str, protobuf_message: Any) -> Any:
    """Make the payload of an envelope as a handler receives it.

    A model if ``field_name`` has one in ``ENVELOPE_TO_PYDANTIC_MAP``, else the protobuf message itself.
    """
    model = ENVELOPE_TO_PYDANTIC_MAP.get(field_name)
    return protobuf_message if model is None else protobuf_to_pydantic(protobuf_message, model)


def build(model: type[_M], message: Any, *, zeros: bool) -> _M:
    """Make a ``model`` from ``message``.

    With ``zeros``, a field that is not on the wire has its protobuf zero; without, the model's default.
    """
    present = None if zeros else {field.name for field, _ in message.ListFields()}
    values: dict[str, Any] = {}
    given: set[str] = set()
    for step in _plan(model, message.DESCRIPTOR):
        absent = step.source == NO_SOURCE or (present is not None and step.source not in present)
        if absent and step.default is not None:
            values[step.name] = step.default()
        else:
            values[step.name] = step.read(message)
            given.add(step.name)
    if not model.__module__.startswith("mezon.models"):
        return model.model_validate({name: values[name] for name in given}, by_name=True, by_alias=False)
    return raw_instance(model, values, given)


@cache
def _plan(model: type[BaseModel], descriptor: Descriptor) -> tuple[_Step, ...]:
    renamed = PROTO_FIELDS.get(model, {})
    steps = []
    for name, info in model.model_fields.items():
        source = renamed.get(name, name)
        field = descriptor.fields_by_name.get(source)
        if field is None and source != WHOLE_MESSAGE:
            source = NO_SOURCE
        default = None if info.is_required() else partial(info.get_default, call_default_factory=True)
        if source == NO_SOURCE and default is None:
            raise TypeError(
                f"{model.__name__}.{name} is required, and {descriptor.full_name} has no field for it: "
                "give it a default"
            )
        read = as_dict if field is None else _reader(field, _model_in(info.annotation))
        steps.append(_Step(name, source, read, default))
    return tuple(steps)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Give the model inside an annotation such as ``list[Model] | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for part in get_args(annotation) if (model := _model_in(part))), None)


def _reader(field: FieldDescriptor, model: type[BaseModel] | None) -> Callable[[Any], Any]:
    name = field.name
    kind = field.message_type
    if kind is None:
        return (lambda message: list(getattr(message, name))) if is_repeated(field) else _getter(name)
    if kind.GetOptions().map_entry:
        return lambda message: dict(getattr(message, name))
    if model is not None:
        one: Callable[[Any], Any] = lambda item: build(model, item, zeros=True)  # noqa: E731
    elif kind.full_name.endswith("Value") and kind.full_name.startswith("google.protobuf."):
        one = _getter("value")
    else:
        one = as_dict
    if is_repeated(field):
        return lambda message: [one(item) for item in getattr(message, name)]
    return lambda message: one(getattr(message, name)) if message.HasField(name) else None


def _getter(name: str) -> Callable[[Any], Any]:
    return lambda message: getattr(message, name)


def as_dict(message: Any) -> dict[str, Any]:
    """Give all fields of a message by name, zeros too; a message that is not there is None."""
    return {field.name: _reader(field, None)(message) for field in message.DESCRIPTOR.fields}


def build_channel_message(model: type[_C], message: Any) -> _C:
    """Make a ``ChannelMessage`` from the protobuf message of that name."""
    values: dict[str, Any] = {}
    for name in model.model_fields:
        values[name] = getattr(message, name, None)
    content = _json_or_none(message.content)
    is_object = isinstance(content, dict)
    values["content"] = content if is_object else {}
    for name, parts in PARTS.items():
        values[name] = read_parts(parts.item, getattr(message, name))
    instance = raw_instance(model, values, set(values))
    if not is_object:
        instance.__dict__["raw_content"] = message.content
    return instance


def read_parts(part: type[_M], data: bytes) -> list[_M]:
    """Give the mentions, attachments, reactions or references of a message, by class.

    ``data`` is a serialised list message, or JSON text. Garbage gives an empty list.
    """
    if not data:
        return []
    from google.protobuf.message import DecodeError

    from mezon.protobuf.api import api_pb2

    list_name, field, _ = _PART_OF[part]
    container = getattr(api_pb2, list_name)
    entry_type: Any = container.DESCRIPTOR.fields_by_name[field].message_type._concrete_class
    # A list message begins with the tag of its only field (a line feed), so these can only begin JSON.
    if data[:1] in (b"[", b"{"):
        value = _json_or_none(data)
        entries: Any = value.get(field) if isinstance(value, dict) else value
        return _from_json(part, entry_type(), entries) if isinstance(entries, list) else []
    try:
        items: Iterable[Any] = getattr(container.FromString(data), field)
    except DecodeError:
        return []
    return [build(part, item, zeros=True) for item in items]


def _from_json(part: type[_M], empty: Any, entries: list[Any]) -> list[_M]:
    """Read entries as leniently as can be: a value of the wrong type counts as absent."""
    zeros = build(part, empty, zeros=True).__dict__
    parts = []
    for entry in entries:
        if not isinstance(entry, dict):
            continue
        given = {key: value for key, value in entry.items() if key in zeros and value is not None}
        try:
            parts.append(part.model_validate({**zeros, **given}))
        except ValidationError as error:
            wrong = {problem["loc"][0] for problem in error.errors()}
            kept = {key: value for key, value in given.items() if key not in wrong}
            parts.append(part.model_validate({**zeros, **kept}))
    return parts


def _json_or_none(text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
