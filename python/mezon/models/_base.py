"""The base classes of all models, and the construction of models from ``google.protobuf`` messages.

No class in this package has validators: the core builds instances by setting their attributes, which a test checks.
Schemas are built on first use, which keeps ``import mezon`` quick. A protobuf message is read through its descriptor,
so importing this module imports no protobuf.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple, Self, TypeAlias, TypeVar, get_args

from pydantic import BaseModel, ConfigDict

from mezon.protobuf.utils import is_repeated

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor, FieldDescriptor

_M = TypeVar("_M", bound=BaseModel)

# Fields that are always on the wire. Their type has no None, so that editors do not ask for a check. A model made by
# hand may still omit them or set them to None, as with mezon-sdk.
if TYPE_CHECKING:
    SentInt: TypeAlias = int
    SentStr: TypeAlias = str
    SentBool: TypeAlias = bool
else:
    SentInt = int | None
    SentStr = str | None
    SentBool = bool | None

#: The default of such a field.
LEFT_OUT: Final[Any] = None

#: A field is filled with the whole message, as a dict by field name.
WHOLE_MESSAGE: Final = "*"

#: A field has no source: the message has a field of that name, but mezon-sdk never passed its value on.
NO_SOURCE: Final = ""


def raw_instance(model: type[_M], values: dict[str, Any], given: set[str]) -> _M:
    """Return an instance of ``model`` with these values, without validation.

    The models of this package have no validators, so nothing is skipped if the values have the right types. Unlike
    ``model_construct``, this does not inspect the signature of the class on each call.
    """
    instance = model.__new__(model)
    object.__setattr__(instance, "__dict__", values)
    object.__setattr__(instance, "__pydantic_fields_set__", given)
    object.__setattr__(instance, "__pydantic_extra__", None)
    object.__setattr__(instance, "__pydantic_private__", None)
    return instance


class ByName:
    """A model whose fields can be given by name as well as by alias.

    pydantic reads ``model_config``. ``Config`` exists for code that inspects the models of mezon-sdk.
    """

    class Config:
        """The settings, in the notation of pydantic 1."""

        populate_by_name = True


class Model(BaseModel):
    """The base class of all models."""

    # A bytes field can hold any bytes, so JSON output carries base64.
    model_config: ClassVar[ConfigDict] = ConfigDict(
        defer_build=True, ser_json_bytes="base64", val_json_bytes="base64"
    )

    #: Model field -> protobuf field, where the names differ; also `WHOLE_MESSAGE` and `NO_SOURCE`.
    proto_fields: ClassVar[Mapping[str, str]] = {}

    @property
    def model_fields_set(self) -> set[str]:
        """The names of the fields that were given on construction or by assignment.

        As in pydantic, the set may be changed: instances made by the core share one set until this property copies it.
        """
        given = self.__pydantic_fields_set__
        if len(given) == len(type(self).model_fields):
            given = set(given)
            object.__setattr__(self, "__pydantic_fields_set__", given)
        return given


class MezonBaseModel(Model):
    """A model that can be read from a protobuf message."""

    #: The fields that are set even if they are zero in the message.
    always_set: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def from_protobuf(cls, message: Any) -> Self:
        """Read a ``google.protobuf`` message, or a dict such as a custom ``call_api`` may return.

        A field that is zero in the message keeps the model's default, which is usually None, unless it is in
        ``always_set``.
        """
        if isinstance(message, dict):
            return cls.model_validate(message)
        return build(cls, message, zeros=False, always_set=cls.always_set)


# ---- construction from protobuf


class _Step(NamedTuple):
    """How one field of a model is filled."""

    name: str
    source: str  # a protobuf field; WHOLE_MESSAGE; NO_SOURCE
    read: Callable[[Any], Any]  # takes the message
    default: Callable[[], Any] | None  # None: the field is required


def build(model: type[_M], message: Any, *, zeros: bool, always_set: frozenset[str] = frozenset()) -> _M:
    """Build a ``model`` from a protobuf message.

    With ``zeros``, a field that is not on the wire gets its protobuf zero; otherwise it gets the model's default,
    unless it is in ``always_set``.
    """
    present = None if zeros else {field.name for field, _ in message.ListFields()}
    values: dict[str, Any] = {}
    given: set[str] = set()
    for step in _plan(model, message.DESCRIPTOR):
        zero = present is not None and step.source not in present and step.name not in always_set
        absent = step.source == NO_SOURCE or zero
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
    renamed = model.__dict__.get("proto_fields", {})
    steps = []
    for name, info in model.model_fields.items():
        source = renamed.get(name, name)
        field = descriptor.fields_by_name.get(source)
        if field is None and source != WHOLE_MESSAGE:
            source = NO_SOURCE
        default = None if info.is_required() else partial(info.get_default, call_default_factory=True)
        if source == NO_SOURCE and default is None:
            raise TypeError(
                f"{model.__name__}.{name} is required, but {descriptor.full_name} has no such field: give it a default"
            )
        read = as_dict if field is None else _reader(field, _model_in(info.annotation))
        steps.append(_Step(name, source, read, default))
    return tuple(steps)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the model inside an annotation such as ``list[Model] | None``."""
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
    """Return all fields of a message by name, including zeros; an absent message is None."""
    return {field.name: _reader(field, None)(message) for field in message.DESCRIPTOR.fields}


def json_or_none(text: str | bytes) -> Any:
    """Return the value of a JSON text, or None if the text is not JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
