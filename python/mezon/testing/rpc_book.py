"""The book of RPCs: what an answer is made by, and how one is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from google.protobuf.message import Message

if TYPE_CHECKING:
    from mezon.testing.core import GatewayCore

__all__ = ["INVALID_ARGUMENT", "METHODS", "NOT_FOUND", "UNIMPLEMENTED", "Method", "RpcError", "method"]

# Response codes of raw API answers, as gRPC counts them (unsure: the live service was not asked).
INVALID_ARGUMENT: Final = 3
NOT_FOUND: Final = 5
UNIMPLEMENTED: Final = 12


class RpcError(Exception):
    """A refused call: an HTTP status, and a code for the raw answer."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


@dataclass(slots=True, frozen=True)
class Method:
    """An RPC: its request type, and a function of the gateway, the caller's id and the request."""

    request: type[Message]
    run: Callable[[GatewayCore, int, Any], Message | None]


METHODS: dict[str, Method] = {}


def method(
    request: type[Message],
) -> Callable[[Callable[..., Message | None]], Callable[..., Message | None]]:
    """Register a function as the RPC of its name: ``list_roles`` is ``ListRoles``."""

    def register(function: Callable[..., Message | None]) -> Callable[..., Message | None]:
        name = "".join(part.capitalize() for part in function.__name__.split("_"))
        METHODS[name] = Method(request, function)
        return function

    return register
