"""Composition root: the one module that knows what this package puts behind its ports.

A client made with ``MezonClient(ports=...)`` uses none of the standard ports. The second half of the module holds what
a client creates on first use: the message store, token transfers and the stream of AI agent events.
"""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from typing import TYPE_CHECKING, Any

from mezon._gateway.recorder import FlightRecorder
from mezon._http.forwarding import ForwardingTransport, RecordedTransport
from mezon.errors import MezonError
from mezon.utils.secrets import masked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mezon._agents.stream import AgentEventStream
    from mezon._client.close import ClosingStack
    from mezon._client.view import ClientView
    from mezon._gateway.connection import CoreConnection
    from mezon._tokens import TokenService
    from mezon._tokens.service import TokenClient
    from mezon.models import SSEMessage
    from mezon.models._origin import Origin
    from mezon.options import GatewayOptions, RecordOptions
    from mezon.ports import (
        Connection,
        HttpAnswer,
        HttpRequest,
        HttpTransport,
        MessageStore,
        Ports,
    )
    from mezon.utils.observer import Observer


# ---- the standard ports


@dataclass(frozen=True, slots=True, kw_only=True)
class PortSettings:
    """The constructor arguments of a client that concern its ports.

    Attributes:
        client_id: The bot's id.
        api_key: The bot's key; no error text may contain it.
        gateway: Settings of the connection.
        message_db: A store, the path of one, False for none, or None for the default file.
        content_as_json: Pass the content of messages as JSON text.
        recent_per_channel: How many messages of a channel the connection keeps.
        recent_channels: For how many channels.
        http_rate: Calls per period, and the seconds of a period.
        record: The flight recorder; None for none.
        origin: Attached to events that can be answered: the client they belong to.
    """

    client_id: int
    api_key: str = field(default="", repr=False)
    gateway: GatewayOptions
    message_db: Any
    content_as_json: bool
    recent_per_channel: int
    recent_channels: int
    http_rate: tuple[int, float]
    record: RecordOptions | None = None
    origin: Origin | None = None


#: Creates the ports of clients that are given none. `mezon worker` sets its own while it imports a bot.
_provider: ContextVar[Callable[[PortSettings], Ports] | None] = ContextVar("mezon_ports", default=None)


def ports_for(settings: PortSettings) -> Ports:
    """Return the ports of a client that was given none: those of the current provider, or the standard ones."""
    provider = _provider.get()
    return StandardPorts(settings) if provider is None else provider(settings)


@contextmanager
def provided_by(provider: Callable[[PortSettings], Ports]) -> Iterator[None]:
    """Let `provider` create the ports of clients that are made inside the block."""
    token = _provider.set(provider)
    try:
        yield
    finally:
        _provider.reset(token)


class StandardPorts:
    """The core, aiohttp and SQLite as the ports of one client."""

    def __init__(self, settings: PortSettings) -> None:
        self._gateway = settings.gateway
        self._message_db = settings.message_db
        self._content_as_json = settings.content_as_json
        self._recent = {
            "recent_per_channel": settings.recent_per_channel,
            "recent_channels": settings.recent_channels,
        }
        self._http_rate = settings.http_rate
        self._origin = settings.origin
        self._client_id = settings.client_id
        self._secrets = (settings.api_key,)
        self._http: HttpTransport | None = None
        self._store: MessageStore | None = None
        self._connection: Connection | None = None
        #: The flight recorder of the connection and the HTTP transport.
        self.recorder: FlightRecorder | None = None
        if settings.record is not None:
            self.recorder = FlightRecorder(settings.record, settings.client_id, self._secrets)

    def http(self) -> HttpTransport:
        """Return the one HTTP transport, with a rate limit for calls and one for logins."""
        if self._http is None:
            from mezon._http.limiter import Limiter
            from mezon._http.transport import AiohttpTransport

            self._http = AiohttpTransport(
                limiter=Limiter(*self._http_rate),
                login_limiter=Limiter(*self._http_rate),
                ca_file=self._gateway.ca_file,
                insecure=self._gateway.insecure,
            )
            if self.recorder is not None:
                self._http = RecordedTransport(self._http, self.recorder.add_exchange)
        return self._http

    def store(self) -> MessageStore | None:
        """Return the store that was given, or open an SQLite file."""
        setting = self._message_db
        if self._store is None and setting is not False:
            from mezon.messages.db import MessageDB

            if setting is None:
                self._store = MessageDB()
            elif isinstance(setting, str | os.PathLike):
                self._store = MessageDB(os.fspath(setting))
            else:
                self._store = setting
        return self._store

    def connection(self, store: MessageStore | None) -> Connection:
        """Return the core's connection. It saves received messages to ``store`` if that is a ``MessageDB``.

        If the bot overrides ``save_message``, the client calls that for each message instead.
        """
        if self._connection is None:
            from mezon._gateway.codec import MESSAGES, JsonContentMessage, origin_plan
            from mezon._gateway.connection import CoreConnection
            from mezon.messages._custom import core_of

            plans = {}
            if self._content_as_json:
                message = MESSAGES["channel_message"]
                plans["channel_message"] = origin_plan(JsonContentMessage, message, self._origin)
            core = core_of(store)
            # Only a store of the core can tell whether the core has saved a sent message.
            own_id = self._client_id if core is not None else 0
            self._connection = CoreConnection(
                self._options(),
                core,
                plans,
                self._origin,
                own_id=own_id,
                secrets=self._secrets,
                recorder=None if self.recorder is None else self.recorder.core,
            )
        return self._connection

    def encoded_connection(self, store: MessageStore | None) -> CoreConnection:
        """Return a new connection that passes events and answers as encoded bytes, for a relay."""
        from mezon._gateway.connection import CoreConnection

        core = getattr(store, "core", None)
        return CoreConnection(self._options(), core, encoded=True, secrets=self._secrets)

    def _options(self) -> dict[str, Any]:
        return {**self._gateway.as_dict(), **self._recent}


# ---- ports with observers


class Observers:
    """The observers of one client. Without observers, handlers and ports are used as they are."""

    def __init__(self) -> None:
        self.all: list[Observer] = []

    def add(self, observer: Observer, *, late: bool) -> None:
        """Register an observer.

        Raises:
            MezonError: If `late`, because the connection is already in use without an observer.
        """
        if late:
            raise MezonError(
                "an observer must be registered before login(): call client.observe(...) earlier"
            )
        self.all.append(observer)

    def around(self, name: str, handler: Callable[..., Any]) -> Callable[..., Any]:
        """Return a handler of an event, wrapped by the observers."""
        if not self.all:
            return handler
        if inspect.iscoroutinefunction(handler):

            @wraps(handler)
            async def observed(*event: Any) -> Any:
                with self._handler(name, handler):
                    return await handler(*event)

            return observed

        def call(event: tuple[Any, ...]) -> Any:
            with self._handler(name, handler):
                return handler(*event)

        async def finish(outcome: Any) -> Any:
            with self._handler(name, handler):
                return await outcome

        def begin(*event: Any) -> Any:
            # Of a plain function that returns a coroutine, the coroutine is what takes time.
            outcome = handler(*event) if _returns_coroutine(handler) else call(event)
            return finish(outcome) if inspect.isawaitable(outcome) else outcome

        return wraps(handler)(begin) if hasattr(handler, "__name__") else begin

    def _handler(self, name: str, handler: Callable[..., Any]) -> ExitStack:
        stack = ExitStack()
        for observer in self.all:
            stack.enter_context(observer.handler(name, handler))
        return stack


def _returns_coroutine(handler: Callable[..., Any]) -> bool:
    """Return whether the handler's annotations announce an awaitable."""
    annotation = getattr(handler, "__annotations__", {}).get("return", None)
    return "Awaitable" in str(annotation) or "Coroutine" in str(annotation)


class ObservedPorts:
    """The ports of one client, wrapped by its observers.

    Args:
        ports: The ports to wrap.
        observers: The observers.
        resources: Where the HTTP transport is pushed when it is created.
    """

    def __init__(self, ports: Ports, observers: Observers, resources: ClosingStack) -> None:
        self._ports = ports
        self._observers = observers
        self._resources = resources
        self._http: ObservedTransport | None = None
        self._connection: Connection | None = None

    @property
    def recorder(self) -> FlightRecorder | None:
        """The flight recorder of the ports, if they have one."""
        recorder: FlightRecorder | None = getattr(self._ports, "recorder", None)
        return recorder

    def http(self) -> HttpTransport:
        """Return the transport of every HTTP request."""
        if self._http is None:
            self._http = ObservedTransport(self._ports.http(), self._observers)
            self._resources.push(self._http.close)
        return self._http

    def store(self) -> MessageStore | None:
        """Return the message store."""
        return self._ports.store()

    def connection(self, store: MessageStore | None) -> Connection:
        """Return the connection; observed if there is an observer when it is created."""
        if self._connection is None:
            inner = self._ports.connection(store)
            self._connection = ObservedConnection(inner, self._observers) if self._observers.all else inner
        return self._connection


class ObservedTransport(ForwardingTransport):
    """An HTTP transport whose requests are observed."""

    def __init__(self, inner: HttpTransport, observers: Observers) -> None:
        super().__init__(inner)
        self._observers = observers

    async def send(self, request: HttpRequest) -> HttpAnswer:
        """Implement `HttpTransport.send`."""
        with ExitStack() as stack:
            for observer in self._observers.all:
                stack.enter_context(observer.request(request.name, request.method))
            return await self._inner.send(request)


class ObservedConnection:
    """A connection whose calls are observed; every other attribute is that of the connection."""

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...

    def __init__(self, inner: Connection, observers: Observers) -> None:
        object.__setattr__(self, "_inner", inner)
        object.__setattr__(self, "_observers", observers)

    async def call(self, name: str, value: Mapping[str, Any] | bytes, timeout: float) -> tuple[str, Any]:
        """Implement `Connection.call`."""
        with self._observe(name):
            answer: tuple[str, Any] = await self._inner.call(name, value, timeout)
            return answer

    async def call_raw(self, name: str, value: Mapping[str, Any] | bytes, timeout: float) -> bytes:
        """Implement `Connection.call_raw`; observed under the name of the API."""
        called = str(value.get("api_name", name)) if not isinstance(value, bytes) else name
        with self._observe(called):
            answer: bytes = await self._inner.call_raw(name, value, timeout)
            return answer

    def _observe(self, name: str) -> ExitStack:
        stack = ExitStack()
        for observer in self._observers.all:
            stack.enter_context(observer.call(name))
        return stack

    if not TYPE_CHECKING:

        def __getattr__(self, name):
            return getattr(self._inner, name)

        def __setattr__(self, name, value):
            setattr(self._inner, name, value)


# ---- what a client creates on first use


class LazyStore:
    """The message store of a client, opened on first access.

    Args:
        ports: Opens the store.
        report: Called with an error of the store and its origin, ``message_db``.
        resources: Where the store is pushed when it is opened or set.

    Attributes:
        store: The open store; None before the first access, and for a client without a store.
    """

    def __init__(
        self, ports: Ports, report: Callable[[BaseException, str], object], resources: ClosingStack
    ) -> None:
        self._ports = ports
        self._report = report
        self._resources = resources
        self._pushed = False
        self.store: MessageStore | None = None

    def get(self) -> MessageStore | None:
        """Return the store, opened if necessary; None for a client without one."""
        if self.store is None:
            store = self._ports.store()
            if store is not None:
                self.set(store)
                # A bot's own store may not have the attribute.
                if getattr(store, "on_error", False) is None:
                    store.on_error = lambda error: self._report(error, "message_db")
        return self.store

    def set(self, store: MessageStore) -> None:
        """Use this store from now on."""
        self.store = store
        if not self._pushed:
            self._pushed = True
            self._resources.push(self._close)

    async def _close(self) -> None:
        if self.store is not None:
            from mezon.messages._custom import as_store

            await as_store(self.store).close()


class LazyTokens:
    """The token transfer service of a client, created on first use.

    Args:
        client: The client.
        ports: The ports of the client, for HTTP requests.
        resources: Where the service is pushed when it is created.
    """

    def __init__(self, client: TokenClient, ports: Ports, resources: ClosingStack) -> None:
        self._client = client
        self._ports = ports
        self._resources = resources
        self._service: TokenService | None = None

    @property
    def service(self) -> TokenService:
        """The service."""
        if self._service is None:
            from mezon._tokens import TokenService

            self._service = TokenService(self._client, self._ports.http())
            self._resources.push(self._service.close)
        return self._service

    async def prepare(self) -> None:
        """Create the keys and fetch the proof for a login. A proof that cannot be fetched does not fail the login."""
        self.service.open()
        await self.service.prepare()


class AgentEvents:
    """The stream of AI agent events of one client: an HTTP stream, independent of the login.

    Args:
        client: The client.
        ports: The ports of the client, for HTTP requests.
        emit: Called with the name of an event and its payload.
        own_take: Returns the bot's own receiver of stream messages, or None for the standard one.
    """

    def __init__(
        self,
        client: ClientView,
        ports: Ports,
        emit: Callable[[str, object], None],
        own_take: Callable[[], Callable[[SSEMessage], None] | None],
    ) -> None:
        self._client = client
        self._ports = ports
        self._emit = emit
        self._own_take = own_take
        self._stream: AgentEventStream | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def connect(self, path: str) -> None:
        """Open the stream unless it is open.

        Raises:
            InvalidArgumentError: If the client has no ``agent_event_url``.
        """
        from mezon._agents.stream import AgentEventStream

        self._forget_closed_loop()
        if self._stream is None:
            client = self._client
            self._stream = AgentEventStream(
                client.agent_event_url,
                client.client_id,
                masked(client.api_key),
                self._emit,
                path=path,
                http=self._ports.http(),
                take=self._own_take(),
            )
        self._loop = asyncio.get_running_loop()
        await self._stream.start()

    async def disconnect(self) -> None:
        """Close the stream. Can be called at any time."""
        self._forget_closed_loop()
        stream, self._stream = self._stream, None
        if stream is not None:
            await stream.close()

    def _forget_closed_loop(self) -> None:
        """Forget the stream if its loop was closed: it ended with the loop."""
        if self._loop is not None and self._loop.is_closed():
            self._stream = self._loop = None
