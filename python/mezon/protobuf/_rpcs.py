"""What an RPC is called, and which messages go with it."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mezon.errors import InvalidArgumentError

if TYPE_CHECKING:
    from google.protobuf.message import Message

__all__ = ["Rpc", "find_rpc"]


@dataclass(frozen=True, slots=True)
class Rpc:
    """One RPC of the server.

    Attributes:
        index: Its number in ``api_request_event``.
        name: Its name, over HTTP and over the socket.
        request: The full name of the message it takes; "" for an empty body.
        response: That of the message it answers; "" when nothing in the answer is of use.
        harmless: Repeating it after a lost connection does no harm.
    """

    index: int
    name: str
    request: str = ""
    response: str = ""
    harmless: bool = False

    @property
    def request_class(self) -> type[Message] | None:
        """The class of its request; None for an empty body."""
        return _class(self.request)

    @property
    def response_class(self) -> type[Message] | None:
        """The class of its answer; None when there is nothing to read."""
        return _class(self.response)


def find_rpc(name: str) -> Rpc:
    """Find the RPC of that name.

    Raises:
        InvalidArgumentError: There is none; the text names the nearest.
    """
    from mezon.protobuf._rpc_table import RPCS

    found = RPCS.get(name)
    if found is None:
        near = difflib.get_close_matches(str(name), RPCS, 1, 0.5)
        hint = f"; did you mean {near[0]}?" if near else "; docs/guide/rpc.md lists them"
        raise InvalidArgumentError(f"the server has no RPC {name!r}{hint}")
    return found


def _class(full_name: str) -> type[Message] | None:
    if not full_name:
        return None
    from mezon.protobuf.api import api_pb2
    from mezon.protobuf.rtapi import realtime_pb2

    package, _, name = full_name.rpartition(".")
    found: Any = getattr(api_pb2 if package == "mezon.api" else realtime_pb2, name)
    return found  # type: ignore[no-any-return]
