"""The client: constructor, login, run, close, and the calls of the API."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypedDict, TypeVar, cast, overload

from mezon import models
from mezon._client.arguments import (
    DEFAULT_API,
    DEFAULT_API_KEY,
    DEFAULT_CONTENT_AS_JSON,
    DEFAULT_EXPIRED_TIMESPAN_MS,
    DEFAULT_HEALTH,
    DEFAULT_HOST,
    DEFAULT_MESSAGE_PER_TIME,
    DEFAULT_MMN_API,
    DEFAULT_PORT,
    DEFAULT_RECORD,
    DEFAULT_SEND_BULK_INTERVAL,
    DEFAULT_SSL,
    DEFAULT_TIMEOUT_MS,
    DEFAULT_TRANSPORT,
    DEFAULT_ZK_API,
    bot_id,
    check_arguments,
    check_bounds,
    record_options,
    resolve,
)
from mezon._client.assembly import (
    AgentEvents,
    LazyStore,
    LazyTokens,
    ObservedPorts,
    Observers,
    PortSettings,
    ports_for,
)
from mezon._client.close import ClosingStack, Shutdown
from mezon._client.directory import Directory
from mezon._client.lifecycle import Lifecycle
from mezon._client.login import Login
from mezon._client.operations import ErrorReporter, Operations, stats_of
from mezon._client.rpc import rpc
from mezon._client.run import StopHandle, default_logging, refuse_running_loop, run
from mezon._client.sessions import Sessions
from mezon._client.view import manager_of
from mezon._events.dispatcher import Dispatcher
from mezon._events.registration import EventRegistration, auto_bind, bind_marked
from mezon._events.waiting import STREAM_LIMIT, EventStream, Waiters
from mezon._http.limiter import Priority, prioritized
from mezon.constants.enum import Events
from mezon.errors import InvalidArgumentError, MezonError
from mezon.managers._home import SocketOwner
from mezon.managers.event import EventManager, event_name, warn_of_typo
from mezon.models._origin import Origin
from mezon.models.parts import MAX_DOWNLOAD
from mezon.options import GapOptions, GatewayOptions, RecordOptions, Stats, check_route, check_transport
from mezon.utils.background import BackgroundTasks
from mezon.utils.helper import generate_snowflake_id
from mezon.utils.logger import get_logger, setup_logger
from mezon.utils.own import is_own
from mezon.utils.partial_file import PartialFile
from mezon.utils.process import ProcessGuard
from mezon.utils.secrets import masked
from mezon.utils.signals import run_process
from mezon.utils.user_code import involves_user_code

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from contextlib import AbstractContextManager
    from os import PathLike

    from mezon._tokens import (
        AddTxResponse,
        EphemeralKeyPair,
        GetCurrentNonceResponse,
        MmnClient,
        ZkClient,
        ZkProof,
    )
    from mezon.api import MezonApi
    from mezon.managers._home import SocketHome
    from mezon.managers.cache import CacheManager
    from mezon.managers.channel import ChannelManager
    from mezon.managers.session import SessionManager
    from mezon.managers.socket import SocketManager
    from mezon.messages import MessageDB
    from mezon.models import (
        ApiFriendList,
        ApiMessageAttachment,
        ApiMessageMention,
        ApiMessageRef,
        ApiQuickMenuAccess,
        ApiQuickMenuAccessList,
        ApiSentTokenRequest,
        ChannelMessage,
        ChannelMessageAck,
        DropdownBoxSelected,
        SSEMessage,
    )
    from mezon.models._answers import ButtonClicked
    from mezon.models._outgoing import Content, MessageLimits
    from mezon.options import ApiRoute, TransportChoice
    from mezon.ports import Connection, Ports
    from mezon.session import Session
    from mezon.structures import Clan, TextChannel, User
    from mezon.utils.observer import Observer

__all__ = [
    "DEFAULT_API",
    "DEFAULT_API_KEY",
    "DEFAULT_CONTENT_AS_JSON",
    "DEFAULT_EXPIRED_TIMESPAN_MS",
    "DEFAULT_HEALTH",
    "DEFAULT_HOST",
    "DEFAULT_MESSAGE_PER_TIME",
    "DEFAULT_MMN_API",
    "DEFAULT_PORT",
    "DEFAULT_SEND_BULK_INTERVAL",
    "DEFAULT_SSL",
    "DEFAULT_TIMEOUT_MS",
    "DEFAULT_TRANSPORT",
    "DEFAULT_ZK_API",
    "ClientOptions",
    "MezonClient",
    "auto_bind",
]

logger: logging.Logger = get_logger("mezon.client")

F = TypeVar("F", bound="Callable[..., Any]")


class ClientOptions(TypedDict, total=False):
    """The optional arguments of ``MezonClient``, for functions and subclasses that pass them on.

    ```python
    from typing import Unpack

    from mezon import ClientOptions, MezonClient

    def make_bot(**options: Unpack[ClientOptions]) -> MezonClient:
        return MezonClient("1", "key", **options)
    ```

    ``MezonClient`` describes each of them.
    """

    host: str
    port: str
    use_ssl: bool
    timeout: int
    mmn_api_url: str | None
    zk_api_url: str | None
    agent_event_url: str | None
    log_level: int
    enable_logging: bool
    message_db: MessageDB | str | PathLike[str] | Literal[False] | None
    gateway: GatewayOptions | None
    auto_accept_friends: bool
    content_as_json: bool
    fill_gaps: bool | GapOptions
    max_concurrent_handlers: int | None
    cache_size: int
    messages_per_channel: int
    http_rate_limit: int
    http_rate_period: float
    transport: TransportChoice
    api: ApiRoute
    blocked_loop_warning: float
    health: str | None
    limits: MessageLimits | None
    record: RecordOptions | str | PathLike[str] | None
    ports: Ports | None


def _background_priority() -> AbstractContextManager[object]:
    """Return a context whose HTTP calls wait behind those of handlers."""
    return prioritized(Priority.BACKGROUND)


@SocketOwner.register
class MezonClient(EventRegistration):
    """A bot's connection to Mezon.

    ```python
    from mezon import ChannelMessage, MezonClient

    client = MezonClient(client_id=bot_id, api_key=key)

    @client.on_channel_message
    async def hello(message: ChannelMessage) -> None:
        if message.text == "!hello":
            await message.reply("Hello!")

    client.run()
    ```

    Host, port, ``use_ssl``, the two token URLs, ``transport``, ``api``, ``content_as_json``, ``health`` and ``record``
    default to environment variables: their names in upper case after ``MEZON_``, such as ``MEZON_HOST``.

    Args:
        client_id: The bot's id.
        api_key: The bot's key.
        host: Host of the login API.
        port: Port of the login API.
        use_ssl: Use TLS for HTTP and the socket. A plain-text socket is accepted only if this is False.
        timeout: Milliseconds a call may take.
        mmn_api_url: The node for token transfers; None disables them.
        zk_api_url: The proof service for token transfers; None disables it.
        agent_event_url: Base URL of the AI agent events; None disables them.
        log_level: The level used by ``enable_logging``.
        enable_logging: Log to standard error.
        message_db: The message store: a ``MessageDB``, a path, False for no store, or None for the default file
            ``./mezon-cache/mezon-messages-cache.db``, which is created with the first message.
        gateway: Settings of the connection.
        auto_accept_friends: Accept every friend request.
        content_as_json: Pass the content of messages as JSON text, as mezon-sdk did before version 1.6.20.
        fill_gaps: After a reconnect, fetch the missed messages, first those of recently active channels, and dispatch
            each of them once, before new ones if they are fetched within two seconds. True, or the bounds as
            ``mezon.GapOptions``.
        max_concurrent_handlers: How many handlers may run at a time; further events wait. None for no limit.
        cache_size: How many clans, channels and users each are cached; 0 disables the caches. A clan caches as many of
            its channels, or as many as ``clan.load_channels()`` has listed.
        messages_per_channel: How many messages of a channel are cached; 0 for none.
        http_rate_limit: HTTP calls per ``http_rate_period``; 0 for no limit.
        http_rate_period: Seconds. The public server refuses more than about one call per second. Logins and reconnects
            have their own limit, as in mezon-sdk, so that calls do not delay them.
        transport: The transport of the socket: ``websocket``, ``tcp`` or ``auto``, which tries those named by the
            session, the WebSocket first, and from then on the one that worked last first.
        api: The transport of API calls: ``http``, ``socket`` or ``auto``, which uses HTTP, and the socket once HTTP
            refuses a call (403 after a new session, 404, 410, 501) or cannot be reached. A call that may have been
            carried out is repeated only if it is idempotent. Logins, uploads and media always use HTTP.
        blocked_loop_warning: Seconds the event loop may be blocked before a warning shows the stack; 0 for no warning.
        health: Serve ``/live``, ``/ready`` and ``/stats`` at this address, such as ``"127.0.0.1:8080"``; None or "" for
            no server.
        limits: Refuse messages over these limits before they are sent, such as ``MessageLimits()``; None lets the
            server decide.
        record: Keep the last minutes of frames and HTTP exchanges in memory, and write them to this file on an error,
            on SIGUSR2 and for ``mezon record``: a path, or the bounds as ``mezon.RecordOptions``; None or "" for no
            recording.
        ports: Custom port implementations, see ``mezon.ports``. Defaults to the built-in ones.
    """

    def __init__(
        self,
        client_id: str | int,
        api_key: str,
        host: str = DEFAULT_HOST,
        port: str = DEFAULT_PORT,
        use_ssl: bool = DEFAULT_SSL,
        timeout: int = DEFAULT_TIMEOUT_MS,
        mmn_api_url: str | None = DEFAULT_MMN_API,
        zk_api_url: str | None = DEFAULT_ZK_API,
        agent_event_url: str | None = None,
        log_level: int = logging.INFO,
        enable_logging: bool = False,
        *,
        message_db: MessageDB | str | PathLike[str] | Literal[False] | None = None,
        gateway: GatewayOptions | None = None,
        auto_accept_friends: bool = False,
        content_as_json: bool = DEFAULT_CONTENT_AS_JSON,
        fill_gaps: bool | GapOptions = False,
        max_concurrent_handlers: int | None = None,
        cache_size: int = 1000,
        messages_per_channel: int = 200,
        http_rate_limit: int = 1,
        http_rate_period: float = 1.25,
        transport: TransportChoice = DEFAULT_TRANSPORT,
        api: ApiRoute = DEFAULT_API,
        blocked_loop_warning: float = 1.0,
        health: str | None = DEFAULT_HEALTH,
        limits: MessageLimits | None = None,
        record: RecordOptions | str | PathLike[str] | None = DEFAULT_RECORD,
        ports: Ports | None = None,
    ) -> None:
        api_key = masked(api_key)
        host, port, use_ssl = resolve(host), resolve(port), resolve(use_ssl)
        check_arguments(
            api_key=api_key,
            host=host,
            port=port,
            use_ssl=use_ssl,
            timeout=timeout,
            log_level=log_level,
            message_db=message_db,
            gateway=gateway,
        )
        check_bounds(
            fill_gaps=fill_gaps,
            max_concurrent_handlers=max_concurrent_handlers,
            cache_size=cache_size,
            messages_per_channel=messages_per_channel,
            http_rate_limit=http_rate_limit,
            http_rate_period=http_rate_period,
            blocked_loop_warning=blocked_loop_warning,
            limits=limits,
            flags={
                "auto_accept_friends": auto_accept_friends,
                "content_as_json": resolve(content_as_json),
            },
        )
        if enable_logging:
            setup_logger(log_level=log_level)
        self.client_id: int = bot_id(client_id)
        self.api_key: str = api_key
        self.use_ssl: bool = use_ssl
        self.timeout_ms: int = int(timeout)
        self.mmn_api_url: str | None = resolve(mmn_api_url)
        self.zk_api_url: str | None = resolve(zk_api_url)
        self.agent_event_url = agent_event_url
        self.transport = check_transport(resolve(transport))
        self.login_url: str = f"{'https' if self.use_ssl else 'http'}://{host}:{port}"
        self.gateway: GatewayOptions = gateway if gateway is not None else GatewayOptions()
        self.auto_accept_friends = auto_accept_friends
        self.content_as_json: bool = resolve(content_as_json)
        self.fill_gaps = fill_gaps
        self.messages_per_channel = messages_per_channel
        self.limits = limits

        # Set by the login; typed for their use after it.
        self.api_client: MezonApi = cast("MezonApi", None)
        self.socket_manager: SocketManager = cast("SocketManager", None)
        self.session_manager: SessionManager = cast("SessionManager", None)
        self.channel_manager: ChannelManager = cast("ChannelManager", None)
        self.mmn_client: MmnClient | None = None
        self.zk_client: ZkClient | None = None
        self.ephemeral_key_pair: EphemeralKeyPair | None = None
        self.address: str | None = None
        self.zk_proof: ZkProof | None = None

        settings = PortSettings(
            client_id=self.client_id,
            api_key=self.api_key,
            gateway=self.gateway,
            message_db=message_db,
            content_as_json=self.content_as_json,
            recent_per_channel=messages_per_channel,
            recent_channels=cache_size,
            http_rate=(http_rate_limit, http_rate_period),
            record=record_options(record),
            origin=Origin(self),
        )
        # The parts. What must be closed is pushed onto `resources` when it is opened, and closed by `Shutdown`.
        resources = ClosingStack()
        self._observers = Observers()
        self._ports = ObservedPorts(ports or ports_for(settings), self._observers, resources)
        recorder = self._ports.recorder
        if settings.record is not None and recorder is None:
            logger.warning("Nothing is recorded: the ports of this client are not the standard ones")
        self._process = ProcessGuard()
        self._background = BackgroundTasks(logger, context=_background_priority)
        self._error_reporter = ErrorReporter(
            lambda: self.__dict__.get("on_error"), self._background, recorder
        )
        self._store = LazyStore(self._ports, self._error_reporter.report, resources)
        operations = Operations(self, blocked_loop_warning, resolve(health), recorder)
        resources.push(operations.stop)

        self.event_manager = EventManager()
        self.waiters: Waiters = Waiters()
        self._dispatcher = Dispatcher(
            self.event_manager,
            self._error_reporter.report,
            max_concurrent_handlers,
            self.waiters,
            self._observers.around,
        )
        self._sessions = Sessions(
            self, self._ports, self._background, check_route(resolve(api)), self._connection
        )
        self.directory: Directory = Directory(self, self._sessions.token, cache_size)
        self.clans: CacheManager[int, Clan] = self.directory.clans
        self.channels: CacheManager[int, TextChannel] = self.directory.channels
        self.users: CacheManager[int, User] = self.directory.users
        self._agents = AgentEvents(
            self, self._ports, self._dispatcher.dispatch, self._overridden_agent_receiver
        )
        self._tokens = LazyTokens(self, self._ports, resources)

        self._shutdown = Shutdown(
            self,
            self._dispatcher,
            self.waiters,
            self._sessions,
            self._background,
            operations,
            resources,
        )
        self._login = Login(
            self,
            ports=self._ports,
            dispatcher=self._dispatcher,
            sessions=self._sessions,
            directory=self.directory,
            background=self._background,
            lifecycle=Lifecycle(
                self, self._dispatcher, self._sessions, self.directory, self._background, self._shutdown
            ),
            operations=operations,
            shutdown=self._shutdown,
            resources=resources,
            tokens=self._tokens,
            report=self._error_reporter.report,
        )
        self._stop_handle = StopHandle(self)
        if not is_own(self, "initialize_managers"):
            # An override checks hasattr(self, "socket_manager") for an existing manager, as in mezon-sdk.
            del self.socket_manager
        bind_marked(self, self.event_manager)

    def __repr__(self) -> str:
        return f"<MezonClient {self.client_id} at {self.login_url.partition('://')[2]}>"

    # ---- state

    @property
    def message_db(self) -> MessageDB:
        """The message store. None if the client was created with ``message_db=False``."""
        return cast("MessageDB", self._store.get())

    @message_db.setter
    def message_db(self, value: MessageDB) -> None:
        self._store.set(value)

    @property
    def event_manager(self) -> EventManager:
        """The registered handlers. A new event manager takes effect at once."""
        return cast("EventManager", self.__dict__["event_manager"])

    @event_manager.setter
    def event_manager(self, value: EventManager) -> None:
        # In the instance dict under its own name, where `patch.object` looks for the value to restore.
        self.__dict__["event_manager"] = value
        if "_login" in self.__dict__:
            self._login.use_events(value)

    def _connection(self) -> Connection | None:
        manager = manager_of(self)
        return None if manager is None else manager.socket.connection

    @property
    def state(self) -> str:
        """idle, authenticating, connecting, joining, ready, backoff or closed."""
        connection = self._connection()
        return "idle" if connection is None else connection.state

    @property
    def latency(self) -> float | None:
        """The last round trip of a ping in seconds; None before the first answer after a connect."""
        connection = self._connection()
        return None if connection is None else connection.latency

    def stats(self) -> Stats:
        """Return the counters of the connection, the dispatcher and the store since the client was created."""
        return stats_of(self, self._connection(), self._dispatcher, self._login.gaps, self._store.store)

    def on_error(self, handler: F) -> F:
        """Register ``handler(error, event_name)`` for errors of handlers; can be used as a decorator.

        The error is also logged with its traceback. Assigning a function to ``client.on_error`` has the same effect.
        """
        self._error_reporter.handler = handler
        return handler

    def report_error(self, error: Exception, where: str) -> None:
        """Log an error with its traceback and pass it to ``on_error``, like an error of a handler.

        Args:
            error: The exception.
            where: What raised it, used in place of an event name.
        """
        self._error_reporter.log_and_report(error, where)

    def observe(self, observer: Observer) -> None:
        """Register an observer of handlers, calls and HTTP requests, for metrics or traces: see ``mezon.Observer``.

        Raises:
            MezonError: After the first login.
        """
        self._observers.add(observer, late=manager_of(self) is not None)

    # ---- login

    async def login(self, enable_auto_reconnect: bool = True) -> None:
        """Log in: authenticate, connect and join all clans. Returns when the bot receives events and can send.

        A concurrent second login waits for the first; a login of a connected client has no effect.

        Args:
            enable_auto_reconnect: Reconnect when the connection is lost, without a limit unless ``GatewayOptions``
                sets one.

        Raises:
            AuthenticationError: If the server refuses the credentials.
            MezonConnectionError: If the server cannot be reached.
            MezonTimeoutError: If the server does not answer in time.
            ForkError: In a forked child of the process that logged this client in.
        """
        self._process.check()
        self._process.begin()
        await self._login.run(enable_auto_reconnect)

    async def setup_hook(self) -> None:
        """Prepare the bot; override this. Called by each login when calls can be made, before any event is dispatched.

        Events that arrive meanwhile are held: the handlers of ``ready`` run next, then those of the held events in
        their order. An override must therefore not wait for an event. An exception fails the login.
        """

    async def get_session(self) -> Session:
        """Return a new session without logging in the client.

        Raises:
            AuthenticationError: If the server refuses the credentials, or answers without a usable session.
            MezonConnectionError, MezonTimeoutError: If the server cannot be reached.
        """
        return await self._sessions.authenticate()

    async def initialize_managers(self, sock_session: Session) -> None:
        """Create the managers for a session, connect, join the clans and list the DMs. Called by ``login``.

        Raises:
            MezonConnectionError: If the gateway cannot be reached.
            MezonError: If clans or DMs cannot be listed.
        """
        await self._login.initialize_managers(sock_session)

    def _socket_home(self) -> SocketHome:
        return self._login

    @property
    def _enable_auto_reconnect(self) -> bool:
        """Reconnect when the connection is lost. Set by an overridden login, as in mezon-sdk."""
        return self._login.auto_reconnect

    @_enable_auto_reconnect.setter
    def _enable_auto_reconnect(self, value: bool) -> None:
        self._login.auto_reconnect = value

    def _setup_reconnect_handlers(self) -> None:
        """Do nothing; called by an overridden login, as in mezon-sdk. The core reconnects by itself."""

    # ---- run

    def run(self, enable_auto_reconnect: bool = True) -> None:
        """Log in and block until the client is closed, or SIGINT or SIGTERM arrives. For the last line of a bot.

        Handlers then have five seconds to finish before they are cancelled. A second signal interrupts them at once,
        and exits the process five seconds later if a handler still blocks it.

        Logs to standard error unless logging is configured.

        ```python
        if __name__ == "__main__":
            client.run()
        ```

        Raises:
            MezonError: What ``login`` or ``wait_closed`` raises.
            RuntimeError: If a loop is already running, as in a notebook: use ``await client.login()`` there.
        """
        refuse_running_loop()
        with default_logging():
            try:
                run_process(
                    lambda forced_exit: run(self, enable_auto_reconnect, self._stop_handle, forced_exit)
                )
            except KeyboardInterrupt:
                logger.info("Interrupted; the client is closed")
            except MezonError as error:
                if not involves_user_code(error):
                    # The message and the line that called run() are sufficient, for a refused login for example. A
                    # bare `raise` adds no frame of this function to a removed traceback.
                    logger.debug("The bot ends with an error", exc_info=error)
                    error.__traceback__ = None
                    error.__cause__ = None  # also suppresses the context
                raise

    def stop(self) -> None:
        """Close the client in order, as SIGTERM does. Returns at once; can be called from any thread and in handlers.

        ``run()`` and ``wait_closed()`` return when the client is closed. Has no effect without a login.
        """
        self._stop_handle.stop(self._login.loop)

    # ---- close

    async def close_socket(self) -> None:
        """Close the socket without reconnecting. Handlers stay registered. Can be called at any time.

        No further events arrive, so ``wait_closed`` returns and ``run`` ends. HTTP calls remain possible.
        """
        self._process.check()
        manager = manager_of(self)
        if manager is not None:
            await manager.get_socket().close()

    async def disconnect(self, drain: float = 0.0) -> None:
        """Close everything: the socket, HTTP, agent events. Can be called at any time and twice.

        A new login is possible afterwards. Handlers of ``disconnect`` run and have ``drain`` seconds, at least one. A
        handler may call this and is not waited for. Cancelling the caller, for example by ``asyncio.wait_for``, does
        not interrupt the close: ``wait_closed`` waits for its end, and so does the next ``disconnect`` or ``login``.

        Args:
            drain: Seconds that running handlers have to end while the socket is still open; then they are cancelled.

        Raises:
            ForkError: In a forked child of the process that logged this client in; nothing is closed.
        """
        self._process.check()
        await self._login.cancel()
        await self._shutdown.close(drain)

    async def wait_closed(self) -> None:
        """Wait until the client is closed by ``disconnect`` or ``close_socket``, or its connection has ended for good.

        Raises:
            AuthenticationError: If the server refused the credentials at a reconnect.
            ConnectionLostError: If the connection was lost for good.
            NotLoggedInError: If there was no login.
            ForkError: In a forked child of the process that logged this client in.
        """
        self._process.check()
        await self._shutdown.wait_closed()

    # ---- waiting for events

    @overload
    async def wait_for(
        self,
        event: Literal[Events.CHANNEL_MESSAGE, "channel_message"],
        check: Callable[[ChannelMessage], Any] | None = None,
        timeout: float | None = None,
    ) -> ChannelMessage: ...
    @overload
    async def wait_for(
        self,
        event: Literal[Events.MESSAGE_BUTTON_CLICKED, "message_button_clicked"],
        check: Callable[[ButtonClicked], Any] | None = None,
        timeout: float | None = None,
    ) -> ButtonClicked: ...
    @overload
    async def wait_for(
        self,
        event: Literal[Events.DROPDOWN_BOX_SELECTED, "dropdown_box_selected"],
        check: Callable[[DropdownBoxSelected], Any] | None = None,
        timeout: float | None = None,
    ) -> DropdownBoxSelected: ...
    @overload
    async def wait_for(
        self, event: str, check: Callable[[Any], Any] | None = None, timeout: float | None = None
    ) -> Any: ...
    async def wait_for(
        self, event: str, check: Callable[[Any], Any] | None = None, timeout: float | None = None
    ) -> Any:
        """Wait for the next matching event. Handlers receive the event as well, after this call.

        ```python
        said = await client.wait_for("channel_message", lambda said: said.sender_id == user.id, timeout=60)
        print(said.text)
        ```

        Args:
            event: A member of ``Events``, or the name of an envelope field.
            check: Called with each event; returns whether it matches. Its exception is raised here.
            timeout: Seconds; None waits until the client is closed.

        Raises:
            MezonTimeoutError: If no matching event arrives in time (a TimeoutError).
            ConnectionLostError: If the client is closed, or loses its connection for good.
            InvalidArgumentError: If ``check`` is not a plain function, or ``timeout`` is not a number.
            MezonError: If there are ten thousand waiters already.
        """
        name = _validated(event, check)
        number = isinstance(timeout, int | float) and not isinstance(timeout, bool)
        if timeout is not None and not number:
            raise InvalidArgumentError(f"timeout must be a number of seconds or None, not {timeout!r}")
        return await self.waiters.wait_for(name, check, timeout)

    @overload
    def stream(
        self,
        event: Literal[Events.CHANNEL_MESSAGE, "channel_message"],
        check: Callable[[ChannelMessage], Any] | None = None,
        *,
        limit: int = STREAM_LIMIT,
    ) -> EventStream[ChannelMessage]: ...
    @overload
    def stream(
        self, event: str, check: Callable[[Any], Any] | None = None, *, limit: int = STREAM_LIMIT
    ) -> EventStream[Any]: ...
    def stream(
        self, event: str, check: Callable[[Any], Any] | None = None, *, limit: int = STREAM_LIMIT
    ) -> EventStream[Any]:
        """Iterate over matching events: ``async for message in client.stream("channel_message"): ...``.

        The stream starts with this call. It ends when the client is closed, or when it is garbage collected.

        ```python
        async with client.stream("channel_message") as messages:
            async for said in messages:
                print(said.text)
                break
        ```

        Args:
            event: A member of ``Events``, or the name of an envelope field.
            check: Called with each event; returns whether it matches. Its exception is raised by the iteration.
            limit: Events buffered for a slow reader; beyond that the oldest are dropped with a warning.

        Raises:
            MezonError: If there are ten thousand waiters already.
            InvalidArgumentError: If ``limit`` is below 1, or ``check`` is not a plain function.
        """
        return self.waiters.stream(_validated(event, check), check, limit)

    # ---- channels and users by id

    async def get_channel_from_id(self, channel_id: int) -> TextChannel:
        """Fetch a channel; ``channels.fetch`` calls this if the channel is not cached.

        Raises:
            InvalidArgumentError: If the channel does not exist, or the bot is not in its clan (a ValueError).
        """
        return await self.directory.fetch_channel(channel_id)

    async def get_user_from_id(self, user_id: int) -> User:
        """Fetch a user by opening the DM with them; ``users.fetch`` calls this if the user is not cached.

        Raises:
            InvalidArgumentError: If the user cannot be reached (a ValueError).
        """
        return await self.directory.fetch_user(user_id)

    # ---- calls by id: messages, friends, files, quick menus

    # Every RPC of the server by name; a function of its own module for the sake of its generated stub.
    rpc = rpc

    async def send_message(
        self,
        clan_id: int,
        channel_id: int,
        mode: int,
        is_public: bool,
        msg: Content,
        mentions: Sequence[ApiMessageMention] | None = None,
        attachments: Sequence[ApiMessageAttachment] | None = None,
        ref: Sequence[ApiMessageRef] | None = None,
        anonymous_message: bool | None = None,
        mention_everyone: bool | None = None,
        avatar: str | None = None,
        code: int | None = None,
        topic_id: int | None = None,
    ) -> ChannelMessageAck:
        """Send a message by ids; see also ``TextChannel.send``.

        ```python
        await client.send_message(channel.clan.id, channel.id, mode=2, is_public=True, msg="by ids")
        ```

        Raises:
            MezonError: If the message cannot be sent.
        """
        self._sessions.token()
        return await self.socket_manager.write_chat_message(
            clan_id,
            channel_id,
            mode,
            is_public,
            msg,
            mentions,
            attachments,
            ref,
            anonymous_message,
            mention_everyone,
            avatar,
            code,
            topic_id,
        )

    async def get_list_friends(
        self, limit: int = 100, state: int | None = None, cursor: str | None = None
    ) -> ApiFriendList:
        """Fetch the bot's friends: ``answer.friends``, and ``answer.cursor`` for the next page.

        Args:
            limit: The maximum number of friends.
            state: 0 friends, 1 invitations sent, 2 received, 3 blocked; None for all.
            cursor: The cursor of an earlier answer.
        """
        token = self._sessions.token()
        return await self.api_client.list_friends(token, limit, state, cursor)

    async def accept_friend(self, user_id: str | int, username: str | None = None) -> None:
        """Accept a user's friend request."""
        token = self._sessions.token()
        await self.api_client.add_friends(token, ids=[user_id], usernames=[username] if username else None)

    async def add_friend(self, username: str, user_id: str | int | None = None) -> None:
        """Send a friend request to a user."""
        token = self._sessions.token()
        await self.api_client.add_friends(
            token, ids=[user_id] if user_id else None, usernames=[username] if username else None
        )

    async def upload_file(
        self,
        file_path: str | PathLike[str] | bytes,
        filename: str | None = None,
        content_type: str | None = None,
    ) -> Any:
        """Upload a file; the result can be passed as an attachment.

        ```python
        upload = await client.upload_file(b"what was said", filename="minutes.txt")
        await channel.send("The minutes", attachments=[upload])
        ```

        Raises:
            OSError: If the file cannot be read.
            MezonError: If the file cannot be uploaded.
        """
        token = self._sessions.token()
        return await self.api_client.upload_file(token, file_path, filename, content_type)

    async def download(
        self,
        url: str,
        *,
        max_size: int = MAX_DOWNLOAD,
        timeout: float | None = 60.0,
        progress: Callable[[int, int | None], object] | None = None,
        hosts: Collection[str] = (),
    ) -> bytes:
        """Download a file from Mezon's CDN; ``await attachment.read()`` calls it.

        If the URL belongs to a channel, it is signed. The token is not sent, and redirects are not followed.

        Args:
            url: The URL.
            max_size: Maximum size in bytes.
            timeout: Maximum number of seconds for the whole file; None for no limit.
            progress: Called with the number of received bytes, and the size or None if it is unknown.
            hosts: Further host names to download from over https. Anyone can send a message with any URL, so that only
                Mezon's CDN and the address of the API are trusted by default.

        Raises:
            InvalidArgumentError: If the host is not trusted.
            ApiError: If the server refuses; status 403 if the bot has no access to the channel.
            MezonError: If the file is too large, does not arrive in time, or the connection fails.
        """
        content = bytearray()

        async def write(part: bytes) -> None:
            content.extend(part)

        await self.api_client.download(
            self._sessions.token(),
            url,
            write,
            max_size=max_size,
            timeout=timeout,
            progress=progress,
            hosts=hosts,
        )
        return bytes(content)

    async def download_to(
        self,
        url: str,
        path: str | PathLike[str],
        *,
        max_size: int = MAX_DOWNLOAD,
        timeout: float | None = 60.0,
        progress: Callable[[int, int | None], object] | None = None,
        hosts: Collection[str] = (),
    ) -> int:
        """Download a file to ``path`` as ``download`` does, without keeping it in memory. Return its size.

        The file gets its name when the last byte has arrived, and replaces an existing one.

        Raises:
            OSError: If the file cannot be written.
        """
        async with PartialFile(path) as file:
            await self.api_client.download(
                self._sessions.token(),
                url,
                file.write,
                max_size=max_size,
                timeout=timeout,
                progress=progress,
                hosts=hosts,
            )
        return file.size

    async def add_quick_menu_access(
        self, channel_id: int, clan_id: int, menu_type: int, action_msg: str, background: str, menu_name: str
    ) -> ApiQuickMenuAccess:
        """Add an entry of the bot to the quick menu of a channel."""
        token = self._sessions.token()
        return await self.api_client.add_quick_menu_access(
            token,
            channel_id,
            clan_id,
            menu_type,
            action_msg,
            background,
            menu_name,
            generate_snowflake_id(),
            self.client_id,
        )

    async def delete_quick_menu_access(
        self,
        id: int | None = None,
        clan_id: int | None = None,
        bot_id: int | None = None,
        menu_name: str | None = None,
        background: str | None = None,
        action_msg: str | None = None,
    ) -> Any:
        """Delete entries of the bot from the quick menu."""
        token = self._sessions.token()
        return await self.api_client.delete_quick_menu_access(
            token,
            id=id,
            clan_id=clan_id,
            bot_id=self.client_id if bot_id is None else bot_id,
            menu_name=menu_name,
            background=background,
            action_msg=action_msg,
        )

    async def list_quick_menu_access(
        self, bot_id: int | None = None, channel_id: int | None = None, menu_type: int | None = None
    ) -> ApiQuickMenuAccessList:
        """Fetch the entries of the quick menu: ``answer.list_menus``."""
        token = self._sessions.token()
        answer = await self.api_client.list_quick_menu_access(
            token, self.client_id if bot_id is None else bot_id, channel_id or 0, menu_type or 0
        )
        return models.protobuf_to_pydantic(answer, models.ApiQuickMenuAccessList)

    # ---- token transfers

    async def send_token(self, token_event: ApiSentTokenRequest) -> AddTxResponse:
        """Send tokens to a user. Returns the answer of the node: ``ok``, ``tx_hash``, ``error``.

        Raises:
            InvalidArgumentError: If a value is invalid or ``mmn_api_url`` is missing; nothing was sent.
            TokenTransferError: If the transfer failed before or at the node.
        """
        return await self._tokens.service.send_token(token_event)

    def get_ephemeral_key_pair(self) -> EphemeralKeyPair:
        """Return a new key pair.

        Raises:
            InvalidArgumentError: If the client has no ``mmn_api_url`` (a ValueError).
        """
        return self._tokens.service.new_key_pair()

    def get_address_from_user_id(self, user_id: str | int) -> str:
        """Return the address of a user.

        Raises:
            InvalidArgumentError: If the client has no ``mmn_api_url`` (a ValueError).
        """
        return self._tokens.service.address_of(user_id)

    async def get_zk_proof(self) -> ZkProof:
        """Fetch a proof for the client's key pair from the proof service.

        Raises:
            InvalidArgumentError: If the client has no ``zk_api_url`` or is not logged in (a ValueError).
            TokenTransferError: If the service returns no proof.
        """
        return await self._tokens.service.fetch_proof()

    async def get_current_nonce(
        self, user_id: str | int, tag: Literal["latest", "pending"] = "latest"
    ) -> GetCurrentNonceResponse:
        """Fetch the nonce of a user's account: ``answer.nonce``."""
        return await self._tokens.service.current_nonce(user_id, tag)

    # ---- AI agent events

    async def connect_ai_agent_sse(self, path: str = "api/sse/metadata") -> None:
        """Open the stream of AI agent events, which reconnects by itself. Possible before the login.

        Raises:
            InvalidArgumentError: If the client has no ``agent_event_url``.
        """
        await self._agents.connect(path)

    async def _emit_ai_agent_event(self, message: SSEMessage) -> None:
        """Emit the event of a stream message. Bots may override this, as in mezon-sdk."""
        from mezon._agents.stream import agent_event

        found = agent_event(message)
        if found is not None:
            await self.event_manager.emit(*found)

    def _overridden_agent_receiver(self) -> Callable[[SSEMessage], None] | None:
        """Return a receiver that calls `_emit_ai_agent_event`; None if the bot does not override it."""
        if is_own(self, "_emit_ai_agent_event"):
            return None

        def receive(message: SSEMessage) -> None:
            self._background.spawn(self._emit_ai_agent_event(message), "handling an event of the agents")

        return receive

    async def disconnect_ai_agent_sse(self) -> None:
        """Close the stream of AI agent events. Can be called at any time."""
        await self._agents.disconnect()


def _validated(event: str, check: Any) -> str:
    """Validate the arguments of ``wait_for`` and ``stream``; returns the name of the event."""
    name = event_name(event)
    if check is not None and not callable(check):
        raise InvalidArgumentError(
            f"check must be a function that receives the event, or None, not {check!r}; pass a timeout as timeout=..."
        )
    if inspect.iscoroutinefunction(check):
        raise InvalidArgumentError("check must be a plain function (def or lambda): it is not awaited")
    warn_of_typo(name, "nothing comes")
    return name
