"""``client.rpc``: every RPC of the server by its name. Its types, one overload an RPC, are in the stub beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from google.protobuf.message import Message

    from mezon._client.sessions import Sessions
    from mezon.api.mezon_api import MezonApi

__all__ = ["RpcDoor"]


class RpcDoor:
    """The whole API by one door; a part of ``mezon.MezonClient``."""

    api_client: MezonApi
    _sessions: Sessions

    async def rpc(
        self,
        name: str,
        request: Message | Mapping[str, Any] | None = None,
        *,
        timeout: float | None = None,
        harmless: bool | None = None,
    ) -> Any:
        """Call any RPC of the server, over HTTP or the socket as the client's ``api`` says.

        ```python
        members = await client.rpc("ListClanUsers", {"clan_id": channel.clan.id})
        print([member.user.username for member in members.clan_users])
        ```

        What the server lets a bot do is not known for most of them: a refusal is an error that says so.

        Args:
            name: As the server names it; `docs/guide/rpc.md` lists them with their messages.
            request: Its message, or a mapping by the fields of it. Ids may be digit strings.
            timeout: Seconds; None for the client's.
            harmless: Whether it may be repeated after a lost connection; None for what is known of it.

        Returns:
            Its protobuf message; None where the answer says nothing.

        Raises:
            InvalidArgumentError: There is no such RPC, or a field does not fit.
            ApiError: The server refuses it over HTTP.
            ServerError: The server refuses it over the socket.
            MezonTimeoutError, MezonConnectionError, DeliveryUnknownError: See `mezon.errors`.
        """
        options: dict[str, Any] = {} if timeout is None else {"timeout_ms": timeout * 1000}
        token = self._sessions.token()
        return await self.api_client.rpc(token, name, request, harmless=harmless, options=options)
