"""Protobuf messages: parsing, serialization, and the RPCs with their messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mezon import protobuf
from mezon.errors import InvalidArgumentError

if TYPE_CHECKING:
    from google.protobuf.descriptor import FieldDescriptor
    from google.protobuf.message import Message

    from mezon.protobuf.rtapi.realtime_pb2 import Envelope

#: The name of the oneof in ``Envelope``.
NEOF_NAME = "message"


def parse_protobuf(message: bytes) -> Envelope:
    """Parse an envelope.

    Raises:
        google.protobuf.message.DecodeError: If the bytes are invalid.
    """
    return protobuf.realtime_pb2.Envelope.FromString(message)


def encode_protobuf(message: Message) -> bytes:
    """Serialize a message."""
    return message.SerializeToString()


def parse_api_protobuf(data: bytes, message_class: type[Any]) -> Any:
    """Parse the body of an HTTP response as a ``message_class``.

    Raises:
        google.protobuf.message.DecodeError: If the bytes are invalid.
    """
    return message_class.FromString(data)


def is_repeated(field: FieldDescriptor) -> bool:
    """Return whether a field is repeated, with any supported version of protobuf.

    protobuf 5 has no ``is_repeated``; protobuf 7 deprecates ``label``.
    """
    repeated: bool | None = getattr(field, "is_repeated", None)
    return getattr(field, "label", None) == field.LABEL_REPEATED if repeated is None else repeated


@dataclass(frozen=True, slots=True)
class Rpc:
    """One RPC of the server.

    Attributes:
        index: Its number in ``api_request_event``.
        name: Its name, over HTTP and over the socket.
        request: The full name of the request message; "" for an empty body.
        response: The full name of the response message; "" if the response has no content.
        idempotent: Whether the call can be repeated after a lost connection.
    """

    index: int
    name: str
    request: str = ""
    response: str = ""
    idempotent: bool = False

    @property
    def request_class(self) -> type[Message] | None:
        """The class of the request; None for an empty body."""
        return message_class(self.request)

    @property
    def response_class(self) -> type[Message] | None:
        """The class of the response; None if the response has no content."""
        return message_class(self.response)


def find_rpc(name: str) -> Rpc:
    """Return the RPC of a name.

    Raises:
        InvalidArgumentError: If there is none, with the most similar name.
    """
    found = protobuf.RPCS.get(name)
    if found is None:
        # Start-up time: needed for this message only.
        import difflib

        near = difflib.get_close_matches(str(name), protobuf.RPCS, 1, 0.5)
        hint = f"; did you mean {near[0]}?" if near else "; docs/guide/rpc.md lists them"
        raise InvalidArgumentError(f"the server has no RPC {name!r}{hint}")
    return found


def message_class(full_name: str) -> type[Message] | None:
    """Return the class of a message by its full name, such as ``mezon.api.Session``; None for ""."""
    if not full_name:
        return None
    package, _, name = full_name.rpartition(".")
    found: Any = getattr(protobuf.api_pb2 if package == "mezon.api" else protobuf.realtime_pb2, name)
    return found  # type: ignore[no-any-return]
