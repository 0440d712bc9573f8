"""Reading and writing protobuf messages by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from google.protobuf.descriptor import FieldDescriptor
    from google.protobuf.message import Message

    from mezon.protobuf.rtapi.realtime_pb2 import Envelope

#: The name of the oneof in ``Envelope`` that says which message it carries.
NEOF_NAME = "message"


def parse_protobuf(message: bytes) -> Envelope:
    """Read an envelope.

    Raises:
        google.protobuf.message.DecodeError: If the bytes are no such message.
    """
    from mezon.protobuf.rtapi.realtime_pb2 import Envelope

    return Envelope.FromString(message)


def encode_protobuf(message: Message) -> bytes:
    """Write a message."""
    return message.SerializeToString()


def parse_api_protobuf(data: bytes, message_class: type[Any]) -> Any:
    """Read a ``message_class`` from the body of an HTTP answer.

    Raises:
        google.protobuf.message.DecodeError: If the bytes are no such message.
    """
    return message_class.FromString(data)


def is_repeated(field: FieldDescriptor) -> bool:
    """Return whether a field is repeated, on every supported protobuf.

    protobuf 5 has no ``is_repeated``; protobuf 7 deprecates ``label``.
    """
    repeated: bool | None = getattr(field, "is_repeated", None)
    return getattr(field, "label", None) == field.LABEL_REPEATED if repeated is None else repeated
