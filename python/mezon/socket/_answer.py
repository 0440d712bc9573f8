"""The answers of the smaller calls: dicts as mezon-sdk makes them, readable by the protocol's names too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mezon._gateway.codec import schema_of

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The kinds that protobuf's JSON form writes as text, as JavaScript has no such integers.
_LONG: Final = frozenset({"int64", "uint64", "sint64", "fixed64", "sfixed64"})


class Answer(dict[str, Any]):
    """An answer in protobuf's JSON form: names in lowerCamelCase, long integers as text, zeros left out.

    That is what mezon-sdk returns, and what iteration, ``len``, ``==`` and ``json.dumps`` show. Reads by key take the
    names of the protocol too, as in ``answer["channel_id"]`` and ``answer.get("channel_id")``: ints, zeros included.

    Args:
        message: The full name of the protobuf message.
        fields: The values by the names of the protocol.
    """

    def __init__(self, message: str, fields: Mapping[str, Any]) -> None:
        self._fields = fields
        super().__init__()
        for name, field in schema_of(message).items():
            value = fields.get(name)
            if value:
                self[_camel(name)] = str(value) if field.kind in _LONG else value

    def __missing__(self, name: str) -> Any:
        return self._fields[name]

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or name in self._fields

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value of a name of either form, or ``default``."""
        return super().get(name, self._fields.get(name, default))


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
