"""Plans: how the core turns protobuf bytes into models, and keyword arguments into protobuf bytes.

A decode plan is made from a model's fields, the schema and the two tables of ``mezon.models._envelopes``; the
core then builds instances from the wire without pydantic's validation. An encode plan has the names of the
protobuf message itself and takes a mapping.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final, get_args

from pydantic import BaseModel

from mezon import _core
from mezon.models._answers import OfClient
from mezon.models._envelopes import ENVELOPE_TO_PYDANTIC_MAP, NO_SOURCE, PROTO_FIELDS, WHOLE_MESSAGE
from mezon.models._origin import KEY
from mezon.models.message import ChannelMessage
from mezon.models.parts import ApiMessageAttachment, ApiMessageMention, ApiMessageReaction, ApiMessageRef

if TYPE_CHECKING:
    from collections.abc import Callable

    from mezon.models._origin import Origin

ENVELOPE: Final = "mezon.realtime.Envelope"

#: Envelope field -> its number, which the core calls the tag; and the message it carries.
TAGS: Final[dict[str, int]] = {}
MESSAGES: Final[dict[str, str]] = {}
for _number, _name, _kind, _type_name, _repeated in _core.schema_fields(ENVELOPE):
    if _kind == "message":
        TAGS[_name] = _number
        MESSAGES[_name] = _type_name

#: Tag -> envelope field.
NAMES: Final[dict[int, str]] = {tag: name for name, tag in TAGS.items()}

#: Bytes fields of ChannelMessage -> the field number of the list message inside, its item, the item's model.
_PARTS: Final[dict[str, tuple[str, type[BaseModel]]]] = {
    "mentions": ("mezon.api.MessageMentionList", ApiMessageMention),
    "attachments": ("mezon.api.MessageAttachmentList", ApiMessageAttachment),
    "reactions": ("mezon.api.MessageReactionList", ApiMessageReaction),
    "references": ("mezon.api.MessageRefList", ApiMessageRef),
}


def event_plan(name: str, origin: Origin | None = None) -> _core.Plan | None:
    """The plan for an envelope field, or None when it has no model; with the origin of what can be answered."""
    model = ENVELOPE_TO_PYDANTIC_MAP.get(name)
    if model is None:
        return None
    if origin is not None and issubclass(model, OfClient):
        return origin_plan(model, MESSAGES[name], origin)
    return model_plan(model, MESSAGES[name])


@cache
def model_plan(model: type[BaseModel], message: str) -> _core.Plan:
    """How `message` becomes an instance of `model`.

    Raises:
        TypeError: As `origin_plan` does.
    """
    return origin_plan(model, message, None)


def origin_plan(model: type[BaseModel], message: str, origin: Origin | None) -> _core.Plan:
    """How `message` becomes an instance of `model` that knows its client, without a cost for each.

    Raises:
        TypeError: If the model has validators, which a raw-built instance would skip, or a required field that
            the message does not have.
    """
    _refuse_validators(model)
    schema = {field[1]: field for field in _core.schema_fields(message)}
    renamed = PROTO_FIELDS.get(model, {})
    template: dict[str, Any] = {}
    sources: dict[str, list[str]] = {}
    nested: dict[str, Any] = {}
    given: set[str] = set()
    fresh_lists: list[str] = []
    fresh_dicts: list[str] = []
    whole: tuple[str, _core.Plan] | None = None
    for name, info in model.model_fields.items():
        source = renamed.get(name, name)
        if source == WHOLE_MESSAGE:
            template[name] = None
            given.add(name)
            whole = (name, dict_plan(message))
            continue
        field = schema.get(source)
        if field is None or source == NO_SOURCE:
            if info.is_required():
                raise TypeError(f"{model.__name__}.{name} is required, and {message} has no field for it")
            template[name] = default = info.get_default(call_default_factory=True)
            if isinstance(default, list):
                fresh_lists.append(name)
            elif isinstance(default, dict):
                fresh_dicts.append(name)
            continue
        given.add(name)
        sources.setdefault(source, []).append(name)
        nested[source], zero = _nested(model, message, field, _model_in(info.annotation))
        template[name] = zero
        if isinstance(zero, list):
            fresh_lists.append(name)
        elif isinstance(zero, dict):
            fresh_dicts.append(name)
    if origin is not None:
        template[KEY] = origin
    fields = [(source, names, nested[source]) for source, names in sources.items()]
    return _core.Plan(
        message=message,
        model=model,
        template=template,
        given=given,
        fields=fields,
        fresh_lists=fresh_lists,
        fresh_dicts=fresh_dicts,
        whole=whole,
    )


@cache
def dict_plan(message: str) -> _core.Plan:
    """How `message` becomes a dict of all its fields by name, and such a mapping the message.

    Used for both directions: zeros are filled in when decoding, and left out when encoding.
    """
    return _dict_plan(message, 8)


def _dict_plan(message: str, depth: int) -> _core.Plan:
    template: dict[str, Any] = {}
    fields = []
    fresh: dict[type, list[str]] = {list: [], dict: []}
    for field in _core.schema_fields(message):
        name = field[1]
        inner, zero = _nested(None, message, field, None, depth)
        if inner is _TOO_DEEP:
            continue
        template[name] = zero
        fields.append((name, [name], inner))
        if type(zero) in fresh:
            fresh[type(zero)].append(name)
    return _core.Plan(
        message=message,
        model=None,
        template=template,
        given=set(),
        fields=fields,
        fresh_lists=fresh[list],
        fresh_dicts=fresh[dict],
    )


_TOO_DEEP: Final = object()


def _nested(
    owner: type[BaseModel] | None,
    message: str,
    field: tuple[int, str, str, str, bool],
    model: type[BaseModel] | None,
    depth: int = 8,
) -> tuple[Any, Any]:
    """What a plan needs to know of the inside of a field, and the field's zero."""
    _, name, kind, type_name, repeated = field
    if owner is not None and issubclass(owner, ChannelMessage):
        if name == "content" and owner is not JsonContentMessage:
            return ("json",), {}
        if name in _PARTS:
            list_message, item = _PARTS[name]
            number, _, _, item_message, _ = _core.schema_fields(list_message)[0]
            return ("parts", number, model_plan(item, item_message), _json_reader(item)), []
    if kind != "message":
        return None, [] if repeated else _core.schema_zero(message, name)
    if type_name.startswith("google.protobuf."):
        return None, [] if repeated else None
    if type_name.endswith("Entry") and type_name.startswith(f"{message}."):
        return None, {}
    if depth == 0:
        return _TOO_DEEP, None
    inner = model_plan(model, type_name) if model is not None else _dict_plan(type_name, depth - 1)
    return inner, [] if repeated else None


def _json_reader(item: type[BaseModel]) -> Callable[[bytes], list[Any]]:
    def read(data: bytes) -> list[Any]:
        from mezon.models._convert import read_parts

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
