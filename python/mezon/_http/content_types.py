"""What the Content-Type of an answer says."""

from __future__ import annotations

__all__ = ["BINARY_CONTENT_TYPES", "is_binary_response"]

BINARY_CONTENT_TYPES = (
    "application/proto",
    "application/x-protobuf",
    "application/protobuf",
    "application/octet-stream",
    "text/plain; charset=utf-8",
)
_BINARY = frozenset(kind.replace(" ", "") for kind in BINARY_CONTENT_TYPES)


def is_binary_response(content_type: str) -> bool:
    """Say whether an answer with this Content-Type is protobuf."""
    kind = content_type.lower().replace(" ", "").replace('"', "")
    return kind in _BINARY or kind.partition(";")[0] in _BINARY
