"""The base of `Socket`: its settings, the connection, and single calls with their answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from mezon._gateway.codec import MESSAGES, dict_plan, schema_of
from mezon.errors import InvalidArgumentError, NotLoggedInError, ServerError
from mezon.protobuf.utils import find_rpc
from mezon.socket._callbacks import CallbackListener, SocketCallbacks
from mezon.socket._url import socket_urls
from mezon.socket.promise_executor import PromiseExecutor
from mezon.socket.websocket_adapter import WebSocketAdapter, WebSocketAdapterPb
from mezon.utils.logger import get_logger
from mezon.utils.own import is_own

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from mezon._gateway.adapter import AdapterConnection, SentByAdapter
    from mezon.models._outgoing import MessageLimits
    from mezon.options import TransportChoice
    from mezon.ports import Connection
    from mezon.session import Session

logger = get_logger("mezon.gateway")


#: The types that the JSON form of protobuf writes as strings, because JavaScript has no 64-bit integers.
_LONG: Final = frozenset({"int64", "uint64", "sint64", "fixed64", "sfixed64"})


class Answer(dict[str, Any]):
    """An answer in the JSON form of protobuf: names in lowerCamelCase, 64-bit integers as strings, without zeros.

    mezon-sdk returns the same; iteration, ``len``, ``==`` and ``json.dumps`` use this form. Reading by key also accepts
    the protobuf names, as in ``answer["channel_id"]`` and ``answer.get("channel_id")``: ints, including zeros.

    Args:
        message: The full name of the protobuf message.
        fields: The values by their protobuf names.
    """

    def __init__(self, message: str, fields: Mapping[str, Any]) -> None:
        self._fields = fields
        super().__init__()
        for name, field in schema_of(message).items():
            value = fields.get(name)
            if value:
                self[_camel(name)] = str(value) if field.kind in _LONG else value

    def __missing__(self, name: str) -> Any:
        return self._fields[name]

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or name in self._fields

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value of a name in either form, or ``default``."""
        return super().get(name, self._fields.get(name, default))


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


class Registry(Protocol):
    """A registry of event handlers, such as ``mezon.EventManager``."""

    def on(self, event_name: str, handler: Any = None) -> Any: ...
    def off(self, event_name: str, handler: Any = None) -> None: ...
    def has_listeners(self, event_name: str) -> bool: ...
    async def emit(self, event_name: str, *args: Any, **kwargs: Any) -> None: ...


class SocketCaller(SocketCallbacks):
    """The base of `Socket`, with the same arguments."""

    DEFAULT_HEARTBEAT_TIMEOUT_MS = 10000
    DEFAULT_SEND_TIMEOUT_MS = 10000
    DEFAULT_CONNECT_TIMEOUT_MS = 30000
    RAW_STREAM_TIMEOUT_S = 30.0

    def __init__(
        self,
        ws_url: str,
        use_ssl: bool = False,
        adapter: WebSocketAdapter | None = None,
        send_timeout_ms: int = DEFAULT_SEND_TIMEOUT_MS,
        event_manager: Registry | None = None,
        *,
        transport: TransportChoice = "auto",
    ) -> None:
        super().__init__()
        self.ws_url = ws_url
        self.use_ssl: bool = use_ssl
        self.adapter = adapter if adapter is not None else WebSocketAdapterPb()
        self.send_timeout_ms = send_timeout_ms
        self.event_manager = event_manager
        self.transport = transport
        self.session: Session | None = None
        #: Whether `connect` enables reconnects. An attribute, because overrides have the parameters of mezon-sdk.
        self.auto_reconnect: bool = False
        #: The limits that messages are checked against before they are sent; None for no limits.
        self.limits: MessageLimits | None = None
        #: The next result of ``generate_cid``.
        self.next_cid: int = 1

    @property
    def adapter(self) -> WebSocketAdapter | WebSocketAdapterPb:
        """The transport of the envelopes: the core's adapter, a subclass of it, or a custom adapter."""
        return self._adapter

    @adapter.setter
    def adapter(self, adapter: WebSocketAdapter | WebSocketAdapterPb) -> None:
        self._adapter = adapter
        self._custom: AdapterConnection | None = None
        self._through_send: SentByAdapter | None = None
        if not isinstance(adapter, WebSocketAdapterPb) or not is_own(adapter, "connect"):
            from mezon._gateway.adapter import AdapterConnection

            self._custom = AdapterConnection(adapter)

    @property
    def connection(self) -> Connection:
        """The connection of the calls."""
        if self._custom is not None:
            return self._custom
        adapter = cast("WebSocketAdapterPb", self._adapter)
        if is_own(adapter, "send"):
            return adapter.connection
        if self._through_send is None:
            from mezon._gateway.adapter import SentByAdapter

            self._through_send = SentByAdapter(adapter)
        return cast("Connection", self._through_send)

    @property
    def _timeout(self) -> float:
        return self.send_timeout_ms / 1000

    @property
    def websocket_scheme(self) -> str:
        """``wss``, or ``ws`` if plain text is allowed. Setting it sets ``use_ssl``.

        Raises:
            InvalidArgumentError: If it is set to another value.
        """
        return "wss" if self.use_ssl else "ws"

    @websocket_scheme.setter
    def websocket_scheme(self, scheme: str) -> None:
        if scheme not in ("ws", "wss"):
            raise InvalidArgumentError(f"websocket_scheme is 'wss' or 'ws', not {scheme!r}")
        self.use_ssl = scheme == "wss"

    @property
    def cids(self) -> dict[int, PromiseExecutor]:
        """A copy of the pending calls, by the number that the core assigned. They can be cancelled."""
        waiting = self.connection.in_flight()
        return {call: PromiseExecutor(future.get_loop(), future) for call, future in waiting.items()}

    def generate_cid(self) -> int:
        """Return a number that is unique among the results of this method. The core numbers the calls of this class."""
        cid = self.next_cid
        self.next_cid += 1
        return cid

    def is_open(self) -> bool:
        """Return whether the socket is connected and ready for calls."""
        return self.adapter.is_open()

    async def close(self) -> None:
        """Close the socket. Idempotent."""
        await (self.adapter if self._custom is None else self._custom).close()

    async def connect(
        self,
        session: Session,
        create_status: bool = False,
        connect_timeout_ms: int = DEFAULT_CONNECT_TIMEOUT_MS,
        *,
        auto_reconnect: bool | None = None,
    ) -> Session:
        """Connect with the token and the URL of a session. If the socket is open, return its session.

        The core ignores ``connect_timeout_ms``; see ``GatewayOptions.connect_timeout``.

        Args:
            session: The session.
            create_status: Whether the bot appears online.
            connect_timeout_ms: The timeout of a custom adapter in milliseconds.
            auto_reconnect: Whether to reconnect after a loss; None for the attribute of this name.

        Raises:
            MezonConnectionError: If the gateway cannot be reached.
            NotLoggedInError: If the session has no token.
        """
        if self.session is not None and self.is_open():
            return self.session
        if not session.token:
            raise NotLoggedInError("the session has no token: authenticate first, as client.login() does")
        keep = self.auto_reconnect if auto_reconnect is None else auto_reconnect
        self.session = session
        if self.connection.listener is None:
            self._listen_without_client(
                lambda: self.urls(self.session or session, create_status=create_status)
            )
        if self._custom is not None:
            host = self.ws_url.partition("://")[2] or self.ws_url
            timeout = connect_timeout_ms / 1000
            await self._custom.open_with(self.websocket_scheme, host, create_status, session.token, timeout)
            return session
        await self.connection.open(self.urls(session, create_status=create_status), keep)
        return session

    def _listen_without_client(self, urls: Callable[[], list[str]]) -> None:
        """Call ``emit`` of the event manager for each event, because no client listens to this socket."""
        self.connection.listener = CallbackListener(self, urls, lambda: self.event_manager)
        if self.event_manager is None:
            logger.warning(
                "The events of this socket are dropped: it has neither a client nor an event_manager"
            )
            return
        for name in MESSAGES:
            self.connection.want(name)

    def urls(self, session: Session, *, create_status: bool = True) -> list[str]:
        """Return the URLs of a session, in order of preference. They contain its token: do not log them.

        Raises:
            AuthenticationError: If the session has no valid URL.
        """
        return socket_urls(session, self.use_ssl, self.transport, fallback=self.ws_url, status=create_status)

    def _call(self, name: str, value: dict[str, Any]) -> Coroutine[Any, Any, tuple[str, Any]]:
        return self.connection.call(name, value, self._timeout)

    async def _call_for_dict(self, name: str, value: dict[str, Any]) -> dict[str, Any]:
        """Return the fields of the answer, or those of the call if the answer is of another kind."""
        kind, answer = await self._call(name, value)
        if kind != name:
            return Answer(MESSAGES[name], value)
        fields = (
            dict_plan(MESSAGES[name]).decode(answer) if isinstance(answer, bytes) else answer.model_dump()
        )
        return Answer(MESSAGES[name], fields)

    async def _rpc(self, name: str, request: dict[str, Any]) -> dict[str, Any]:
        """Call an RPC over the socket. Return the fields of its response by name."""
        rpc = find_rpc(name)
        body = dict_plan(rpc.request).encode(request) if rpc.request else b""
        event = {"api_index": rpc.index, "api_name": rpc.name, "body": body}
        try:
            answer = await self.connection.call_raw("api_request_event", event, self._timeout)
        except ServerError as error:
            raise ServerError(error.code, error.message, error.context, call=rpc.name) from None
        fields: dict[str, Any] = dict_plan(rpc.response).decode(answer)
        return fields
