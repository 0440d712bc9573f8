"""RPCs: protobuf messages to ``/mezon.api.Mezon/<Method>`` or over the socket, with protobuf responses."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from mezon._gateway.codec import dict_plan, read_answer
from mezon._http.call import Call, Caller, is_idempotent
from mezon._http.limiter import Priority
from mezon._http.reply import decode, decode_message, is_binary_response
from mezon.api._message import build_message
from mezon.api.utils import build_headers, build_params
from mezon.errors import InvalidArgumentError
from mezon.models._base import MezonBaseModel
from mezon.protobuf.utils import find_rpc, message_class
from mezon.utils.own import is_own
from mezon.utils.renamed import renamed

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from mezon._http.reply import Reply
    from mezon.api._routes import Routes
    from mezon.protobuf.utils import Rpc

__all__ = ["RpcCaller"]


#: The call that the package makes through a custom ``call_api``, and its RPC for the socket.
_PLANNED: ContextVar[tuple[Call | None, Rpc | None]] = ContextVar("mezon_planned_call", default=(None, None))


_Model = TypeVar("_Model", bound=MezonBaseModel)


class RpcCaller(Caller):
    """The base of `MezonApi`: one call over HTTP or the socket."""

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
        rpc = find_rpc(name)
        kind = rpc.request_class
        if kind is None and request:
            raise InvalidArgumentError(f"{name} takes no request; omit it")
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
        """Call an RPC.

        Args:
            method: The name of the RPC.
            token: The token of the session.
            request: The message of the request, or None for an empty body.
            answer: The class of the response; None to ignore the body.
            idempotent: Whether the call may be repeated after a lost connection; None for the default of the RPC.
            options: See `MezonApi`.
        """
        rpc = find_rpc(method)
        body = b"" if request is None else request.SerializeToString()
        call = self._rpc_call(rpc, token, body, rpc.idempotent if idempotent is None else idempotent)
        return await self._make(self._with(call, options), answer, rpc)

    async def _ask(
        self,
        method: str,
        token: str,
        request: Mapping[str, Any],
        model: type[_Model],
        options: Mapping[str, Any] | None,
    ) -> _Model:
        """Call an RPC and return its answer as a model. The core encodes and decodes: protobuf is not imported.

        Args:
            method: The name of the RPC.
            token: The token of the session.
            request: The fields of the request.
            model: The model of the response.
            options: See `MezonApi`.
        """
        rpc = find_rpc(method)
        call = self._with(
            self._rpc_call(rpc, token, dict_plan(rpc.request).encode(request), rpc.idempotent), options
        )
        return await self._make_model(call, model, rpc.response, rpc)

    def _rpc_call(self, rpc: Rpc, token: str, body: bytes, idempotent: bool) -> Call:
        return Call(
            rpc.name,
            "POST",
            self._url(f"/mezon.api.Mezon/{rpc.name}"),
            body=body,
            headers=build_headers(bearer_token=token, accept_binary=True, send_binary=True),
            idempotent=idempotent,
        )

    async def _make_model(
        self, call: Call, model: type[_Model], message: str, rpc: Rpc | None = None
    ) -> _Model:
        """Make a call of the package and return its answer, a ``message``, as a model."""
        if is_own(self, "call_api"):
            reply = await self._carry(call, rpc)
            if not reply.content_type or is_binary_response(reply.content_type):
                return _decode_model(reply, model, message)
            answer = decode_message(reply, _class_of(message))
        else:
            answer = await self._make(call, _class_of(message), rpc)
        return model.from_protobuf(answer)

    async def _make(self, call: Call, answer: type | None, rpc: Rpc | None = None) -> Any:
        """Make a call of the package, through ``call_api`` if the bot has replaced it.

        Args:
            call: The call.
            answer: The class of the response; None to ignore the body.
            rpc: The RPC for the socket; None for a call that only HTTP supports.
        """
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
        """Make a custom call.

        If it is overridden in a subclass or replaced on the instance, all RPCs and the login use it, with the arguments
        that mezon-sdk passes. Its result is used as the answer.

        Args:
            method: The HTTP method.
            url_path: A path below ``base_url``, or a URL.
            query_params: The query; None values are omitted.
            body: The body.
            headers: The headers; see `mezon.api.utils.build_headers`.
            accept_binary: Ignored; the Content-Type of the answer decides.
            response_proto_class: The class of a binary answer.
            idempotent: Whether the call may be repeated after a lost connection; None for the default of the HTTP
                method.
            options: See the class.

        Returns:
            See `mezon.api.utils.parse_response`.
        """
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
        # A call of the package that an override passes on: keep its settings.
        call = replace(
            planned, method=method, params=params, body=body, headers=dict(headers or {}), began=False
        )
        return decode(await self._carry(call, rpc), response_proto_class)


def _class_of(message: str) -> type[Message]:
    found = message_class(message)
    assert found is not None
    return found


def _decode_model(reply: Reply, model: type[_Model], message: str) -> _Model:
    try:
        return read_answer(model, message, reply.body)
    except ValueError:
        unusable = reply.unusable(f"is not a {message.rpartition('.')[2]} message")
    raise unusable
