"""The socket as a caller: where it connects, and one call with its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, cast

from mezon.errors import InvalidArgumentError, NotLoggedInError, ServerError
from mezon.socket._callbacks import CallbacksAlone, SocketCallbacks
from mezon.socket._url import socket_urls
from mezon.socket.promise_executor import PromiseExecutor
from mezon.socket.websocket_adapter import WebSocketAdapter, WebSocketAdapterPb
from mezon.utils.logger import get_logger
from mezon.utils.own import is_own

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from mezon._gateway.adapter import AdapterConnection, SentByAdapter
    from mezon.models._outgoing import MessageLimits
    from mezon.options import TransportChoice
    from mezon.ports import Connection
    from mezon.session import Session

logger = get_logger("mezon.gateway")


class Registry(Protocol):
    """Who listens to what: a ``mezon.EventManager``."""

    def on(self, event_name: str, handler: Any = None) -> Any: ...
    def off(self, event_name: str, handler: Any = None) -> None: ...
    def has_listeners(self, event_name: str) -> bool: ...
    async def emit(self, event_name: str, *args: Any, **kwargs: Any) -> None: ...


class SocketCaller(SocketCallbacks):
    """What the calls of a socket are written on; its arguments are those of `Socket`."""

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
        #: Whether `connect` connects again after a loss. A client sets it: an override has mezon-sdk's parameters.
        self.auto_reconnect: bool = False
        #: What is refused before it is sent; None for nothing.
        self.limits: MessageLimits | None = None
        #: What ``generate_cid`` gives next.
        self.next_cid: int = 1

    @property
    def adapter(self) -> WebSocketAdapter | WebSocketAdapterPb:
        """What carries the envelopes: the core's adapter, a subclass of it, or one of the bot's own."""
        return self._adapter

    @adapter.setter
    def adapter(self, adapter: WebSocketAdapter | WebSocketAdapterPb) -> None:
        self._adapter = adapter
        self._carried: AdapterConnection | None = None
        self._sent: SentByAdapter | None = None
        if not isinstance(adapter, WebSocketAdapterPb) or not is_own(adapter, "connect"):
            from mezon._gateway.adapter import AdapterConnection

            self._carried = AdapterConnection(adapter)

    @property
    def connection(self) -> Connection:
        """The connection that carries the calls."""
        if self._carried is not None:
            return self._carried
        adapter = cast("WebSocketAdapterPb", self._adapter)
        if is_own(adapter, "send"):
            return adapter.connection
        if self._sent is None:
            from mezon._gateway.adapter import SentByAdapter

            self._sent = SentByAdapter(adapter)
        return cast("Connection", self._sent)

    @property
    def _timeout(self) -> float:
        return self.send_timeout_ms / 1000

    @property
    def websocket_scheme(self) -> str:
        """``wss``, or ``ws`` when plain text is allowed. Setting it sets ``use_ssl``.

        Raises:
            InvalidArgumentError: If another one is set.
        """
        return "wss" if self.use_ssl else "ws"

    @websocket_scheme.setter
    def websocket_scheme(self, scheme: str) -> None:
        if scheme not in ("ws", "wss"):
            raise InvalidArgumentError(f"websocket_scheme is 'wss' or 'ws', not {scheme!r}")
        self.use_ssl = scheme == "wss"

    @property
    def cids(self) -> dict[int, PromiseExecutor]:
        """The calls that wait for their answers, by the core's number; a copy. Cancelling one gives it up."""
        waiting = self.connection.in_flight()
        return {call: PromiseExecutor(future.get_loop(), future) for call, future in waiting.items()}

    def generate_cid(self) -> int:
        """Give a number no other call of this method got. The core numbers the calls of this class itself."""
        cid = self.next_cid
        self.next_cid += 1
        return cid

    def is_open(self) -> bool:
        """Say whether the socket is connected and ready for calls."""
        return self.adapter.is_open()

    async def close(self) -> None:
        """Close the socket. Safe at any time, and twice."""
        await (self.adapter if self._carried is None else self._carried).close()

    async def connect(
        self,
        session: Session,
        create_status: bool = False,
        connect_timeout_ms: int = DEFAULT_CONNECT_TIMEOUT_MS,
        *,
        auto_reconnect: bool | None = None,
    ) -> Session:
        """Connect with a session's token, to where it says. An open socket returns the session it has.

        ``connect_timeout_ms`` is kept for its name; the core gives a connect 30 s (``GatewayOptions``).

        Args:
            auto_reconnect: Connect again when the connection is lost; None for the attribute of this name.

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
            self._listen_alone(lambda: self.urls(self.session or session, create_status=create_status))
        if self._carried is not None:
            host = self.ws_url.partition("://")[2] or self.ws_url
            timeout = connect_timeout_ms / 1000
            await self._carried.open_with(self.websocket_scheme, host, create_status, session.token, timeout)
            return session
        await self.connection.open(self.urls(session, create_status=create_status), keep)
        return session

    def _listen_alone(self, urls: Callable[[], list[str]]) -> None:
        """Have ``emit`` of the event manager called for each event: no client listens to this socket."""
        from mezon._gateway.codec import MESSAGES

        self.connection.listener = CallbacksAlone(self, urls, lambda: self.event_manager)
        if self.event_manager is None:
            logger.warning(
                "The events of this socket go nowhere: it has neither a client nor an event_manager"
            )
            return
        for name in MESSAGES:
            self.connection.want(name)

    def urls(self, session: Session, *, create_status: bool = True) -> list[str]:
        """Say where to connect with a session, the best first. They carry its token: never log them.

        Raises:
            AuthenticationError: If the session names nothing that can be connected to.
        """
        return socket_urls(session, self.use_ssl, self.transport, fallback=self.ws_url, status=create_status)

    def _call(self, name: str, value: dict[str, Any]) -> Coroutine[Any, Any, tuple[str, Any]]:
        return self.connection.call(name, value, self._timeout)

    async def _call_for_dict(self, name: str, value: dict[str, Any]) -> dict[str, Any]:
        """Return the answer's fields, or what was sent when the answer is of another kind."""
        from mezon._gateway.codec import MESSAGES, dict_plan
        from mezon.socket._answer import Answer

        kind, answer = await self._call(name, value)
        if kind != name:
            return Answer(MESSAGES[name], value)
        fields = (
            dict_plan(MESSAGES[name]).decode(answer) if isinstance(answer, bytes) else answer.model_dump()
        )
        return Answer(MESSAGES[name], fields)

    async def _rpc(self, name: str, request: dict[str, Any]) -> dict[str, Any]:
        """Call an API over the socket; gives the answer's fields by name."""
        from mezon._gateway.codec import dict_plan
        from mezon.protobuf._rpcs import find_rpc

        rpc = find_rpc(name)
        body = dict_plan(rpc.request).encode(request) if rpc.request else b""
        event = {"api_index": rpc.index, "api_name": rpc.name, "body": body}
        try:
            answer = await self.connection.call_raw("api_request_event", event, self._timeout)
        except ServerError as error:
            raise ServerError(error.code, error.message, error.context, call=rpc.name) from None
        fields: dict[str, Any] = dict_plan(rpc.response).decode(answer)
        return fields
