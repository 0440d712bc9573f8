"""Events that have no model: handlers get the protobuf message itself."""

from __future__ import annotations

from typing import Any, Final

from mezon._gateway.codec import MESSAGES
from mezon.models._answers import add_answers
from mezon.models._origin import Origin, held
from mezon.utils.logger import get_logger

logger = get_logger("mezon.gateway")

#: The one of them that can be answered.
_ANSWERABLE: Final = "message_button_clicked"

_classes: dict[str, Any] = {}


def protobuf_event(name: str, body: bytes, origin: Origin | None = None) -> Any:
    """Give the protobuf message of an envelope field; None, logged, when it cannot be read.

    Args:
        name: The envelope field.
        body: The encoded message.
        origin: Whose it is, for the one that can be answered.
    """
    kind = _classes.get(name)
    if kind is None:
        from mezon.protobuf.api import api_pb2
        from mezon.protobuf.rtapi import realtime_pb2

        package, _, message = MESSAGES[name].rpartition(".")
        kind = _classes[name] = getattr(api_pb2 if package == "mezon.api" else realtime_pb2, message)
        if name == _ANSWERABLE:
            add_answers(kind)
    try:
        event = kind.FromString(body)
    except Exception as error:
        logger.warning("An event %s could not be read and is left out: %s", name, error)
        return None
    if name == _ANSWERABLE and origin is not None:
        held.add(event, origin)
    return event
