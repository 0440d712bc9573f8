"""Messages that Mezon's newer clients use and mezon-protocol 2.0.63 does not contain.

Their fields are seen in the web client; the field numbers are inferred: a message with one field numbers it 1.
The classes are built in a pool of their own, so that a later schema with the same names does not conflict.
"""

from __future__ import annotations

from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

__all__ = ["GENERATE_CDN_SIGNATURE", "SEARCH_MENTION_USERS", "CDNSignature", "CDNSignatureRequest"]

#: Numbers in ``api_request_event``.
SEARCH_MENTION_USERS: Final = 211
GENERATE_CDN_SIGNATURE: Final = 212

_Field = descriptor_pb2.FieldDescriptorProto


def _message_class(name: str, field: str, kind: int) -> Any:
    file = descriptor_pb2.FileDescriptorProto(
        name=f"mezon/reported/{name}.proto", package="mezon.reported", syntax="proto3"
    )
    message = file.message_type.add(name=name)
    message.field.add(name=field, number=1, type=kind, label=_Field.LABEL_OPTIONAL)
    _POOL.Add(file)
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"mezon.reported.{name}"))


_POOL: Final = descriptor_pool.DescriptorPool()

CDNSignatureRequest: Final = _message_class("CDNSignatureRequest", "channel_id", _Field.TYPE_INT64)
"""The request of ``GenerateCDNSignature``: ``channel_id``."""

CDNSignature: Final = _message_class("CDNSignature", "signature", _Field.TYPE_STRING)
"""The response of ``GenerateCDNSignature``: ``signature``, a query."""
