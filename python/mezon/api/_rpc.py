"""An RPC: a protobuf message to ``/mezon.api.Mezon/<Method>`` or over the socket, a protobuf message back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mezon._http.call import Call, Caller
from mezon._http.limiter import Priority
from mezon.api.utils import build_headers
from mezon.protobuf._rpcs import find_rpc

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from mezon.api._routes import Routes

__all__ = ["RpcCaller"]


class RpcCaller(Caller):
    """What the groups of calls are written on."""

    base_url: str
    timeout_ms: int
    routes: Routes

    def _url(self, path: str) -> str:
        if path.startswith(("https://", "http://")):
            return path
        return self.base_url.rstrip("/") + path

    def _with(self, call: Call, options: Mapping[str, Any] | None) -> Call:
        options = options or {}
        timeout_ms = options.get("timeout_ms", self.timeout_ms)
        call.timeout = timeout_ms / 1000 if timeout_ms else None
        if call.priority is None and "priority" in options:
            call.priority = Priority(options["priority"])
        call.soon = bool(options.get("soon"))
        return call

    async def rpc(
        self,
        token: str,
        name: str,
        request: Message | Mapping[str, Any] | None = None,
        *,
        harmless: bool | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> Any:
        """Call any RPC of the server by its name; see ``mezon.MezonClient.rpc``."""
        from mezon.api._message import build_message

        rpc = find_rpc(name)
        kind = rpc.request_class
        if kind is None and request:
            from mezon.errors import InvalidArgumentError

            raise InvalidArgumentError(f"{name} takes no request; leave it out")
        message = None if kind is None else build_message(kind, request)
        return await self._rpc(name, token, message, rpc.response_class, harmless=harmless, options=options)

    async def _rpc(
        self,
        method: str,
        token: str,
        request: Message | None,
        answer: type | None,
        *,
        harmless: bool | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> Any:
        """Call a method. ``harmless`` ones are repeated after a lost connection, by default what the table says; None
        as answer ignores the body."""
        from mezon._http.reply import decode_message

        rpc = find_rpc(method)
        call = Call(
            method,
            "POST",
            self._url(f"/mezon.api.Mezon/{method}"),
            body=b"" if request is None else request.SerializeToString(),
            headers=build_headers(bearer_token=token, accept_binary=True, send_binary=True),
            harmless=rpc.harmless if harmless is None else harmless,
        )
        reply = await self.routes.carry(self._with(call, options), rpc, self.perform, self._renew)
        return None if answer is None else decode_message(reply, answer)
