"""Plans: how the core turns protobuf bytes into models, and keyword arguments into protobuf bytes.

A decode plan is made from a model's fields, the schema and the two tables of ``mezon.models._envelopes``; the
core then builds instances from the wire without pydantic's validation. An encode plan has the names of the
protobuf message itself and takes a mapping.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple, get_args

from pydantic import BaseModel

from mezon import _core
from mezon.models._answers import OfClient
from mezon.models._base import NO_SOURCE, WHOLE_MESSAGE
from mezon.models._envelopes import ENVELOPE_TO_PYDANTIC_MAP, PROTO_FIELDS
from mezon.models._lazy import EAGER_FIELDS, SEPARATE_FIELD
from mezon.models._origin import KEY
from mezon.models.message import ChannelMessage
from mezon.models.parts import PARTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from mezon.models._origin import Origin

ENVELOPE: Final = "mezon.realtime.Envelope"


class SchemaField(NamedTuple):
    """A field of a protobuf message, as the schema has it."""

    number: int
    name: str
    #: ``message``, ``enum``, or the scalar's name in lower case.
    kind: str
    #: The full name of the message or enum; empty for a scalar.
    type_name: str
    repeated: bool


@cache
def schema_of(message: str) -> dict[str, SchemaField]:
    """Give the fields of a message by name, in the order of their numbers.

    Raises:
        ValueError: If the schema has no such message.
    """
    return {row[1]: SchemaField(*row) for row in _core.schema_fields(message)}


@dataclass(frozen=True, slots=True)
class PartList:
    """A bytes field holds a list message, or JSON."""

    #: The field of the list message that has the items.
    list_field: int
    item: _core.Plan
    from_json: Callable[[bytes], list[Any]]


@dataclass(frozen=True, slots=True)
class JsonText:
    """A string field holds a JSON object."""

    json: bool = True


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """Where a field of the message goes."""

    name: str
    #: Its names in the instance.
    names: list[str]
    #: What its value has inside: a message, parts, JSON; None for a plain value.
    inside: _core.Plan | PartList | JsonText | None


@dataclass(frozen=True, slots=True)
class WholeSpec:
    """A name that gets the whole message as a dict."""

    name: str
    plan: _core.Plan


@dataclass(frozen=True, slots=True)
class Later:
    """Events are decoded when they are read, but for these fields."""

    #: Decoded at once.
    at_once: list[str]
    #: Decoded by itself, and with nothing else.
    alone: str


@dataclass(slots=True)
class PlanSpec:
    """A plan, as the core takes it."""

    message: str
    #: The class of the instances; None makes dicts.
    model: type[BaseModel] | None
    #: Every name with its zero, in the order of the model's fields.
    template: dict[str, Any] = field(default_factory=dict)
    #: The names that count as set.
    given: set[str] = field(default_factory=set)
    fields: list[FieldSpec] = field(default_factory=list)
    #: Names whose zero is a new list, or a new dict, each time.
    fresh_lists: list[str] = field(default_factory=list)
    fresh_dicts: list[str] = field(default_factory=list)
    whole: WholeSpec | None = None
    #: None to decode events at once.
    later: Later | None = None

    def zero(self, name: str, value: Any) -> None:
        """Give what `name` is when the message does not say."""
        self.template[name] = value
        if isinstance(value, list):
            self.fresh_lists.append(name)
        elif isinstance(value, dict):
            self.fresh_dicts.append(name)


#: Envelope field -> its number, which the core calls the tag; and the message it carries.
TAGS: Final[dict[str, int]] = {}
MESSAGES: Final[dict[str, str]] = {}
for _field in schema_of(ENVELOPE).values():
    if _field.kind == "message":
        TAGS[_field.name] = _field.number
        MESSAGES[_field.name] = _field.type_name

#: Tag -> envelope field.
NAMES: Final[dict[int, str]] = {tag: name for name, tag in TAGS.items()}


def event_plan(name: str, origin: Origin | None = None) -> _core.Plan | None:
    """Give the plan for an envelope field, or None when it has no model; with the origin of what can be answered."""
    model = ENVELOPE_TO_PYDANTIC_MAP.get(name)
    if model is None:
        return None
    if origin is not None and issubclass(model, OfClient):
        return origin_plan(model, MESSAGES[name], origin)
    return model_plan(model, MESSAGES[name])


@cache
def model_plan(model: type[BaseModel], message: str) -> _core.Plan:
    """Plan how `message` becomes an instance of `model`.

    Raises:
        TypeError: As `origin_plan` does.
    """
    return origin_plan(model, message, None)


def origin_plan(model: type[BaseModel], message: str, origin: Origin | None) -> _core.Plan:
    """Plan how `message` becomes an instance of `model` that knows its client, without a cost for each.

    Raises:
        TypeError: If the model has validators, which a raw-built instance would skip, or a required field that
            the message does not have.
    """
    spec = _spec(model, message)
    if origin is not None:
        # One plan for each client, from what they share: a thousand of them look up their models once.
        spec = replace(spec, template={**spec.template, KEY: origin})
    return _core.Plan(spec)


@cache
def _spec(model: type[BaseModel], message: str) -> PlanSpec:
    """Say what the plan of a model has, whoever it is for."""
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
def dict_plan(message: str) -> _core.Plan:
    """Plan how `message` becomes a dict of all its fields by name, and such a mapping the message.

    Used for both directions: zeros are filled in when decoding, and left out when encoding.
    """
    return _dict_plan(message, 8)


def _dict_plan(message: str, depth: int) -> _core.Plan:
    spec = PlanSpec(message, None)
    for found in schema_of(message).values():
        if found.kind == "message" and depth == 0 and not _is_value(message, found):
            continue
        inside, zero = _inside(None, message, found, None, depth)
        spec.fields.append(FieldSpec(found.name, [found.name], inside))
        spec.zero(found.name, zero)
    return _core.Plan(spec)


def _is_value(message: str, field: SchemaField) -> bool:
    """Say whether the field's message stands for a value: a wrapper, or the entries of a map."""
    return field.type_name.startswith("google.protobuf.") or (
        field.type_name.endswith("Entry") and field.type_name.startswith(f"{message}.")
    )


def _inside(
    owner: type[BaseModel] | None,
    message: str,
    field: SchemaField,
    model: type[BaseModel] | None,
    depth: int = 8,
) -> tuple[_core.Plan | PartList | JsonText | None, Any]:
    """Give what a plan needs to know of the inside of a field, and the field's zero."""
    if owner is not None and issubclass(owner, ChannelMessage):
        if field.name == "content" and owner is not JsonContentMessage:
            return JsonText(), {}
        if field.name in PARTS:
            parts = PARTS[field.name]
            items = schema_of(f"mezon.api.{parts.message}")[parts.field]
            item = model_plan(parts.item, items.type_name)
            return PartList(items.number, item, _json_reader(parts.item)), []
    if field.kind != "message":
        return None, [] if field.repeated else _core.schema_zero(message, field.name)
    if field.type_name.startswith("google.protobuf."):
        return None, [] if field.repeated else None
    if _is_value(message, field):
        return None, {}
    plan = model_plan(model, field.type_name) if model else _dict_plan(field.type_name, depth - 1)
    return plan, [] if field.repeated else None


def _json_reader(item: type[BaseModel]) -> Callable[[bytes], list[Any]]:
    def read(data: bytes) -> list[Any]:
        from mezon.models.parts import read_parts

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
            "without running them, so models of this package must have none"
        )


class JsonContentMessage(ChannelMessage):
    """A message whose content is the JSON text as it came, for ``MezonClient(content_as_json=True)``."""

    content: Any = ""
