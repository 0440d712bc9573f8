"""An RPC: a protobuf message to ``/mezon.api.Mezon/<Method>`` or over the socket, a protobuf message back."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mezon._http.call import Call, Caller, is_idempotent
from mezon._http.limiter import Priority
from mezon.api.utils import build_headers, build_params
from mezon.protobuf._rpcs import find_rpc
from mezon.utils.own import is_own
from mezon.utils.renamed import renamed

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from mezon._http.reply import Reply
    from mezon.api._routes import Routes
    from mezon.protobuf._rpcs import Rpc

__all__ = ["RpcCaller"]


#: The call that the package makes by a bot's own ``call_api``, and how it goes over the socket.
_PLANNED: ContextVar[tuple[Call | None, Rpc | None]] = ContextVar("mezon_planned_call", default=(None, None))


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

    @renamed("harmless", "idempotent", deprecated=True)
    async def rpc(
        self,
        token: str,
        name: str,
        request: Message | Mapping[str, Any] | None = None,
        *,
        idempotent: bool | None = None,
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
        return await self._rpc(
            name, token, message, rpc.response_class, idempotent=idempotent, options=options
        )

    async def _rpc(
        self,
        method: str,
        token: str,
        request: Message | None,
        answer: type | None,
        *,
        idempotent: bool | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> Any:
        """Call a method. ``idempotent`` ones are repeated after a lost connection, by default what the table says; None
        as answer ignores the body."""
        rpc = find_rpc(method)
        call = Call(
            method,
            "POST",
            self._url(f"/mezon.api.Mezon/{method}"),
            body=b"" if request is None else request.SerializeToString(),
            headers=build_headers(bearer_token=token, accept_binary=True, send_binary=True),
            idempotent=rpc.idempotent if idempotent is None else idempotent,
        )
        return await self._make(self._with(call, options), answer, rpc)

    async def _make(self, call: Call, answer: type | None, rpc: Rpc | None = None) -> Any:
        """Make a call of the package's own; by ``call_api`` if that is the bot's.

        Args:
            call: The call.
            answer: The message its answer is read as; None ignores the body.
            rpc: As it goes over the socket; None for a call that only HTTP carries.
        """
        from mezon._http.reply import decode_message

        if is_own(self, "call_api"):
            reply = await self._carry(call, rpc)
            return None if answer is None else decode_message(reply, answer)
        kind = answer if answer is not None or rpc is None else rpc.response_class
        planned = _PLANNED.set((call, rpc))
        try:
            found = await self.call_api(
                method=call.method,
                url_path=call.url.removeprefix(self.base_url.rstrip("/")),
                query_params=None,
                body=call.body,
                headers=call.headers,
                accept_binary=True,
                response_proto_class=kind,
            )
        finally:
            _PLANNED.reset(planned)
        return None if answer is None else found

    async def _carry(self, call: Call, rpc: Rpc | None) -> Reply:
        if rpc is None:
            return await self.perform(call)
        return await self.routes.carry(call, rpc, self.perform, self._renew)

    @renamed("harmless", "idempotent", deprecated=True)
    async def call_api(
        self,
        method: str,
        url_path: str,
        query_params: dict[str, Any] | None = None,
        body: str | bytes | None = None,
        headers: dict[str, Any] | None = None,
        accept_binary: bool = False,
        response_proto_class: type | None = None,
        *,
        idempotent: bool | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> Any:
        """Make a call of your own.

        When it is overridden in a subclass or replaced on the instance, every RPC and the login go through it, with the
        arguments that mezon-sdk passes; what it gives is taken for the answer.

        Args:
            method: The HTTP method.
            url_path: A path below ``base_url``, or a whole URL.
            query_params: The query; None values are left out.
            body: The body.
            headers: The headers; see `mezon.api.utils.build_headers`.
            accept_binary: Kept for old callers: the answer's Content-Type decides.
            response_proto_class: The message a binary answer is read as.
            idempotent: Whether it may be repeated after a lost connection; by default what HTTP says of the
                method.
            options: See the class.

        Returns:
            See `mezon.api.utils.parse_response`.
        """
        from mezon._http.reply import decode

        params = build_params(query_params)
        call = Call(
            url_path.partition("?")[0].rstrip("/").rpartition("/")[2] or url_path,
            method,
            self._url(url_path),
            params=params,
            body=body,
            headers=dict(headers or {}),
            idempotent=is_idempotent(method) if idempotent is None else idempotent,
            secrets=tuple(value for value in params.values() if isinstance(value, str) and len(value) >= 8),
        )
        planned, rpc = _PLANNED.get()
        if planned is None or planned.url != call.url:
            return decode(await self.perform(self._with(call, options)), response_proto_class)
        # A call of the package's own that an override hands on: it keeps what the package knows of it.
        call = replace(
            planned, method=method, params=params, body=body, headers=dict(headers or {}), began=False
        )
        return decode(await self._carry(call, rpc), response_proto_class)
