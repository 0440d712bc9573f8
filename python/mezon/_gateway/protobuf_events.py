"""Events that have no model: handlers get the protobuf message itself."""

from __future__ import annotations

from typing import Any

from mezon._gateway.codec import MESSAGES
from mezon.utils.logger import get_logger

logger = get_logger("mezon.gateway")

_classes: dict[str, Any] = {}


def protobuf_event(name: str, body: bytes) -> Any:
    """The protobuf message of an envelope field; None, logged, when it cannot be read."""
    kind = _classes.get(name)
    if kind is None:
        from mezon.protobuf.api import api_pb2
        from mezon.protobuf.rtapi import realtime_pb2

        package, _, message = MESSAGES[name].rpartition(".")
        kind = _classes[name] = getattr(api_pb2 if package == "mezon.api" else realtime_pb2, message)
    try:
        return kind.FromString(body)
    except Exception as error:
        logger.warning("An event %s could not be read and is left out: %s", name, error)
        return None
