"""``client.rpc``: every RPC of the server by name. The stub beside it is generated: one overload for each RPC."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mezon.utils.renamed import renamed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from google.protobuf.message import Message

__all__ = ["rpc"]


@renamed("harmless", "idempotent", deprecated=True)
async def rpc(
    self: Any,
    name: str,
    request: Message | Mapping[str, Any] | None = None,
    *,
    timeout: float | None = None,
    idempotent: bool | None = None,
) -> Any:
    """Call any RPC of the server, over HTTP or the socket as the client's ``api`` selects.

    ```python
    members = await client.rpc("ListClanUsers", {"clan_id": channel.clan.id})
    print([member.user.username for member in members.clan_users])
    ```

    For most RPCs it is not known what the server permits a bot; a refused call raises an error that says so.

    Args:
        name: The name of the RPC; `docs/guide/rpc.md` lists all RPCs with their messages.
        request: Its message, or a mapping of its fields. Ids may be digit strings.
        timeout: Seconds; None for the timeout of the client.
        idempotent: Whether the call may be repeated after a lost connection; None for the default of the RPC.

    Returns:
        Its protobuf message; None if the answer has no content.

    Raises:
        InvalidArgumentError: The RPC does not exist, or a field does not fit.
        ApiError: The server refuses the call over HTTP.
        ServerError: The server refuses the call over the socket.
        MezonTimeoutError, MezonConnectionError, DeliveryUnknownError: See `mezon.errors`.
    """
    options: dict[str, Any] = {} if timeout is None else {"timeout_ms": timeout * 1000}
    token = self._sessions.token()
    return await self.api_client.rpc(token, name, request, idempotent=idempotent, options=options)
