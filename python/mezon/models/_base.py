"""The two bases of all models.

No class in this package has validators: the core builds instances by setting their attributes, and the tests
see to it. Schemas are built on first use, which keeps ``import mezon`` quick.
"""

from typing import TYPE_CHECKING, Any, ClassVar, Final, Self, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict

_M = TypeVar("_M", bound=BaseModel)

# What the wire always brings. A bot that reads such a field need not ask for None, so no editor shall tell it to;
# a model that is made by hand may leave it out all the same, or give None, as with mezon-sdk.
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


def raw_instance(model: type[_M], values: dict[str, Any], given: set[str]) -> _M:
    """Make an instance of ``model`` with these values, which are taken as they are.

    No class of this package has validators, so nothing is skipped if the values have the right types. Unlike
    ``model_construct`` this does not look the class's signature up each time.
    """
    instance = model.__new__(model)
    object.__setattr__(instance, "__dict__", values)
    object.__setattr__(instance, "__pydantic_fields_set__", given)
    object.__setattr__(instance, "__pydantic_extra__", None)
    object.__setattr__(instance, "__pydantic_private__", None)
    return instance


class ByName:
    """A model whose fields are given by their names as well as by their aliases.

    ``Config`` says so as mezon-sdk's models do, for who looks at it; pydantic reads ``model_config``.
    """

    class Config:
        """The settings, by pydantic's names."""

        populate_by_name = True


class Model(BaseModel):
    """The base of every model here."""

    # Bytes may be any bytes, so JSON output carries them as base64.
    model_config: ClassVar[ConfigDict] = ConfigDict(
        defer_build=True, ser_json_bytes="base64", val_json_bytes="base64"
    )

    @property
    def model_fields_set(self) -> set[str]:
        """The names of the fields that were given, by whoever made the instance or by assignment.

        As everywhere in pydantic it may be changed. The core's instances share one set until it is asked for here.
        """
        given = self.__pydantic_fields_set__
        if len(given) == len(type(self).model_fields):
            given = set(given)
            object.__setattr__(self, "__pydantic_fields_set__", given)
        return given


class MezonBaseModel(Model):
    """A model that is read from a protobuf message."""

    @classmethod
    def from_protobuf(cls, message: Any) -> Self:
        """Read a ``google.protobuf`` message, or a dict as a ``call_api`` of a bot's own may return.

        A field that the message leaves at zero keeps the model's default, mostly None.
        """
        if isinstance(message, dict):
            return cls.model_validate(message)
        from mezon.models._convert import build

        return build(cls, message, zeros=False)
