"""Plans: how the core decodes protobuf bytes to models, and encodes mappings to protobuf bytes.

A decode plan is built from the fields of a model, the schema, and the two tables of ``mezon.models._envelopes``. The
core then creates instances without pydantic's validation. An encode plan uses the field names of the protobuf message.

Events without a model are delivered as protobuf messages, see `protobuf_event`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar, get_args

from pydantic import BaseModel

from mezon._core import Plan, schema_fields, schema_zero
from mezon.models._answers import add_answers
from mezon.models._base import NO_SOURCE, WHOLE_MESSAGE, MezonBaseModel
from mezon.models._envelopes import ENVELOPE_TO_PYDANTIC_MAP, PROTO_FIELDS
from mezon.models._lazy import EAGER_FIELDS, SEPARATE_FIELD
from mezon.models._origin import KEY, OfClient, held, set_origin
from mezon.models.message import ChannelMessage
from mezon.models.parts import PARTS, ApiMessageAttachment, read_parts
from mezon.protobuf.utils import message_class
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mezon.models._origin import Origin

logger: Final = get_logger("mezon.gateway")

_Model = TypeVar("_Model", bound=MezonBaseModel)

ENVELOPE: Final = "mezon.realtime.Envelope"


class SchemaField(NamedTuple):
    """A field of a protobuf message in the schema."""

    number: int
    name: str
    #: ``message``, ``enum``, or the name of the scalar type in lower case.
    kind: str
    #: The full name of the message or enum; empty for a scalar.
    type_name: str
    repeated: bool


@cache
def schema_of(message: str) -> dict[str, SchemaField]:
    """Return the fields of a message by name, in the order of their numbers.

    Raises:
        ValueError: If the schema does not contain the message.
    """
    return {row[1]: SchemaField(*row) for row in schema_fields(message)}


@dataclass(frozen=True, slots=True)
class PartList:
    """A bytes field that contains a list message, or JSON."""

    #: The number of the repeated field in the list message.
    list_field: int
    item: Plan
    from_json: Callable[[bytes], list[Any]]


@dataclass(frozen=True, slots=True)
class JsonText:
    """A string field that contains a JSON object."""

    json: bool = True


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """The target of a field of the message."""

    name: str
    #: The names in the instance that get the value.
    names: list[str]
    #: The structure of the value; None for a plain value.
    inside: Plan | PartList | JsonText | None


@dataclass(frozen=True, slots=True)
class WholeSpec:
    """A name in the instance that gets the whole message as a dict."""

    name: str
    plan: Plan


@dataclass(frozen=True, slots=True)
class Later:
    """Lazy decoding: an event is decoded on first access, except for these fields."""

    #: Decoded immediately.
    at_once: list[str]
    #: Decoded on its own first access, separately from the rest.
    alone: str


@dataclass(slots=True)
class PlanSpec:
    """The specification of a plan, which the core reads."""

    message: str
    #: The class of the instances; None to create dicts.
    model: type[BaseModel] | None
    #: Every name with its default, in the order of the model's fields.
    template: dict[str, Any] = field(default_factory=dict)
    #: The names in ``model_fields_set``.
    given: set[str] = field(default_factory=set)
    fields: list[FieldSpec] = field(default_factory=list)
    #: Names whose default is a new list, or a new dict, for each instance.
    fresh_lists: list[str] = field(default_factory=list)
    fresh_dicts: list[str] = field(default_factory=list)
    whole: WholeSpec | None = None
    #: None to decode events immediately.
    later: Later | None = None

    def zero(self, name: str, value: Any) -> None:
        """Set the default of ``name`` for messages without the field."""
        self.template[name] = value
        if isinstance(value, list):
            self.fresh_lists.append(name)
        elif isinstance(value, dict):
            self.fresh_dicts.append(name)


#: Envelope field -> its number (the tag in the core), and its message.
TAGS: Final[dict[str, int]] = {}
MESSAGES: Final[dict[str, str]] = {}
for _field in schema_of(ENVELOPE).values():
    if _field.kind == "message":
        TAGS[_field.name] = _field.number
        MESSAGES[_field.name] = _field.type_name

#: Tag -> envelope field.
NAMES: Final[dict[int, str]] = {tag: name for name, tag in TAGS.items()}


def event_plan(name: str, origin: Origin | None = None) -> Plan | None:
    """Return the plan of an envelope field, or None if it has no model. Objects that can be answered get the origin."""
    model = ENVELOPE_TO_PYDANTIC_MAP.get(name)
    if model is None:
        return None
    if origin is not None and issubclass(model, OfClient):
        return origin_plan(model, MESSAGES[name], origin)
    return model_plan(model, MESSAGES[name])


@cache
def model_plan(model: type[BaseModel], message: str) -> Plan:
    """Return the plan that decodes ``message`` to ``model``.

    Raises:
        TypeError: See `origin_plan`.
    """
    return origin_plan(model, message, None)


def read_answer(model: type[_Model], message: str, body: bytes) -> _Model:
    """Decode the answer of an RPC, as ``model.from_protobuf`` does: a field that is zero keeps the model's default.

    Raises:
        ValueError: If the body is malformed.
    """
    answer = model_plan(model, message).decode(body)
    # A set of its own, which the model changes.
    values, given = answer.__dict__, answer.model_fields_set
    for name, info in model.model_fields.items():
        if not values[name] and name not in model.always_set:
            values[name] = info.get_default(call_default_factory=True)
            given.discard(name)
    found: _Model = answer
    return found


def origin_plan(model: type[BaseModel], message: str, origin: Origin | None) -> Plan:
    """Return the plan that decodes ``message`` to ``model``. Each instance refers to the client of ``origin``.

    Raises:
        TypeError: If the model has validators, which the core would skip, or a required field that the message does
            not have.
    """
    spec = _spec(model, message)
    if origin is not None:
        # One plan for each client, built from a shared specification.
        spec = replace(spec, template={**spec.template, KEY: origin})
        if issubclass(model, ChannelMessage):
            spec.fields = [_attachments_of(found, origin) for found in spec.fields]
    return Plan(spec)


def _attachments_of(spec: FieldSpec, origin: Origin) -> FieldSpec:
    """Let the attachments of a message know its client; return other fields unchanged."""
    parts = spec.inside
    if spec.name != "attachments" or not isinstance(parts, PartList):
        return spec
    message = schema_of("mezon.api.MessageAttachmentList")["attachments"].type_name

    def from_json(data: bytes) -> list[Any]:
        attachments = parts.from_json(data)
        set_origin(attachments, origin)
        return attachments

    item = origin_plan(ApiMessageAttachment, message, origin)
    return replace(spec, inside=replace(parts, item=item, from_json=from_json))


@cache
def _spec(model: type[BaseModel], message: str) -> PlanSpec:
    """Return the specification of a plan, which all clients share."""
    _refuse_validators(model)
    schema = schema_of(message)
    renamed = PROTO_FIELDS.get(model, {})
    spec = PlanSpec(message, model)
    sources: dict[str, FieldSpec] = {}
    for name, info in model.model_fields.items():
        source = renamed.get(name, name)
        if source == WHOLE_MESSAGE:
            spec.template[name] = None
            spec.given.add(name)
            spec.whole = WholeSpec(name, dict_plan(message))
            continue
        found = schema.get(source)
        if found is None or source == NO_SOURCE:
            if info.is_required():
                raise TypeError(f"{model.__name__}.{name} is required, and {message} has no field for it")
            spec.zero(name, info.get_default(call_default_factory=True))
            continue
        spec.given.add(name)
        inside, zero = _inside(model, message, found, _model_in(info.annotation))
        if source not in sources:
            sources[source] = FieldSpec(source, [], inside)
            spec.fields.append(sources[source])
        sources[source].names.append(name)
        spec.zero(name, zero)
    if issubclass(model, ChannelMessage):
        spec.later = Later(list(EAGER_FIELDS), SEPARATE_FIELD)
    return spec


@cache
def dict_plan(message: str) -> Plan:
    """Return the plan that decodes ``message`` to a dict of all its fields, and encodes such a mapping.

    Zero values are filled in when decoding, and omitted when encoding.
    """
    return _dict_plan(message, 8)


def _dict_plan(message: str, depth: int) -> Plan:
    spec = PlanSpec(message, None)
    for found in schema_of(message).values():
        if found.kind == "message" and depth == 0 and not _is_value(message, found):
            continue
        inside, zero = _inside(None, message, found, None, depth)
        spec.fields.append(FieldSpec(found.name, [found.name], inside))
        spec.zero(found.name, zero)
    return Plan(spec)


def _is_value(message: str, field: SchemaField) -> bool:
    """Return whether the message of a field represents a value: a wrapper, or the entries of a map."""
    return field.type_name.startswith("google.protobuf.") or (
        field.type_name.endswith("Entry") and field.type_name.startswith(f"{message}.")
    )


def _inside(
    owner: type[BaseModel] | None,
    message: str,
    field: SchemaField,
    model: type[BaseModel] | None,
    depth: int = 8,
) -> tuple[Plan | PartList | JsonText | None, Any]:
    """Return the structure of a field and its default."""
    if owner is not None and issubclass(owner, ChannelMessage):
        if field.name == "content" and owner is not JsonContentMessage:
            return JsonText(), {}
        if field.name in PARTS:
            parts = PARTS[field.name]
            items = schema_of(f"mezon.api.{parts.message}")[parts.field]
            item = model_plan(parts.item, items.type_name)
            return PartList(items.number, item, _json_reader(parts.item)), []
    if field.kind != "message":
        return None, [] if field.repeated else schema_zero(message, field.name)
    if field.type_name.startswith("google.protobuf."):
        return None, [] if field.repeated else None
    if _is_value(message, field):
        return None, {}
    plan = model_plan(model, field.type_name) if model else _dict_plan(field.type_name, depth - 1)
    return plan, [] if field.repeated else None


def _json_reader(item: type[BaseModel]) -> Callable[[bytes], list[Any]]:
    def read(data: bytes) -> list[Any]:
        return read_parts(item, data)

    return read


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for part in get_args(annotation) if (model := _model_in(part))), None)


def _refuse_validators(model: type[BaseModel]) -> None:
    decorators = model.__pydantic_decorators__
    if (
        decorators.validators
        or decorators.field_validators
        or decorators.model_validators
        or decorators.root_validators
        or model.model_post_init is not BaseModel.model_post_init
        or model.__private_attributes__
    ):
        raise TypeError(
            f"{model.__name__} has validators, a post-init or private attributes: the core builds instances "
            "without running them, so a model of this package must not have them"
        )


class JsonContentMessage(ChannelMessage):
    """A message whose content is the received JSON text, for ``MezonClient(content_as_json=True)``."""

    content: Any = ""


# ---- events without a model

#: The only event without a model that can be answered.
_ANSWERABLE: Final = "message_button_clicked"

_classes: dict[str, Any] = {}


def load_classes(names: Iterable[str]) -> None:
    """Import the protobuf classes of those events that have no model."""
    for name in names:
        if name in MESSAGES and name not in ENVELOPE_TO_PYDANTIC_MAP:
            _class_of(name)


def _class_of(name: str) -> Any:
    """Return the protobuf class of an event without a model."""
    kind: Any = _classes.get(name)
    if kind is None:
        kind = _classes[name] = message_class(MESSAGES[name])
        if name == _ANSWERABLE:
            add_answers(kind)
    return kind


def protobuf_event(name: str, body: bytes, origin: Origin | None = None) -> Any:
    """Decode an event without a model to its protobuf message. Return None, and log, if it is malformed.

    Args:
        name: The envelope field.
        body: The encoded message.
        origin: The client of the event, if the event can be answered.
    """
    try:
        event = _class_of(name).FromString(body)
    except Exception as error:
        logger.warning("An event %s is malformed and is dropped: %s", name, error)
        return None
    if name == _ANSWERABLE and origin is not None:
        held.add(event, origin)
    return event
