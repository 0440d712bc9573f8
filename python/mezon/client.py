"""The client: log in, listen, talk."""

from __future__ import annotations

import logging
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

from mezon._client.agents import Agents
from mezon._client.arguments import bot_id, check_arguments, check_bounds
from mezon._client.assembly import PortSettings, ports_for
from mezon._client.background import Background
from mezon._client.calls import ClientCalls
from mezon._client.counters import count
from mezon._client.directory import Directory
from mezon._client.life import Life
from mezon._client.login import Login
from mezon._client.observing import ObservedPorts, Observers
from mezon._client.operations import Operations
from mezon._client.part_calls import PartCalls
from mezon._client.reports import Reports
from mezon._client.rpc_door import RpcDoor
from mezon._client.run import ClientRun
from mezon._client.sessions import Sessions
from mezon._client.settings import DEFAULT_API as DEFAULT_API
from mezon._client.settings import DEFAULT_API_KEY as DEFAULT_API_KEY
from mezon._client.settings import DEFAULT_CONTENT_AS_JSON as DEFAULT_CONTENT_AS_JSON
from mezon._client.settings import DEFAULT_EXPIRED_TIMESPAN_MS as DEFAULT_EXPIRED_TIMESPAN_MS
from mezon._client.settings import DEFAULT_HEALTH as DEFAULT_HEALTH
from mezon._client.settings import DEFAULT_HOST as DEFAULT_HOST
from mezon._client.settings import DEFAULT_MESSAGE_PER_TIME as DEFAULT_MESSAGE_PER_TIME
from mezon._client.settings import DEFAULT_MMN_API as DEFAULT_MMN_API
from mezon._client.settings import DEFAULT_PORT as DEFAULT_PORT
from mezon._client.settings import DEFAULT_SEND_BULK_INTERVAL as DEFAULT_SEND_BULK_INTERVAL
from mezon._client.settings import DEFAULT_SSL as DEFAULT_SSL
from mezon._client.settings import DEFAULT_TIMEOUT_MS as DEFAULT_TIMEOUT_MS
from mezon._client.settings import DEFAULT_TRANSPORT as DEFAULT_TRANSPORT
from mezon._client.settings import DEFAULT_ZK_API as DEFAULT_ZK_API
from mezon._client.settings import resolve
from mezon._client.shutdown import Shutdown
from mezon._client.stopping import Stop
from mezon._client.stored import OpenedStore
from mezon._client.tokens import Tokens
from mezon._client.view import manager_of
from mezon._client.waiting import ClientWaiting
from mezon._events.dispatcher import Dispatcher
from mezon._events.registration import EventRegistration, auto_bind, bind_marked
from mezon._events.waiting import Waiters
from mezon._gateway.transport import check_transport
from mezon._http.route import check_route
from mezon.managers.event import EventManager
from mezon.models._origin import Origin
from mezon.options import GapOptions, GatewayOptions, Stats
from mezon.utils.logger import setup_logger
from mezon.utils.masked import masked
from mezon.utils.own import is_own
from mezon.utils.process import ProcessGuard

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

    from mezon._gateway.transport import TransportChoice
    from mezon._http.route import ApiRoute
    from mezon._tokens import EphemeralKeyPair, MmnClient, ZkClient, ZkProof
    from mezon.api import MezonApi
    from mezon.managers.cache import CacheManager
    from mezon.managers.channel import ChannelManager
    from mezon.managers.session import SessionManager
    from mezon.managers.socket import SocketManager
    from mezon.messages import MessageDB
    from mezon.models._outgoing import MessageLimits
    from mezon.ports import Connection, Ports
    from mezon.structures import Clan, TextChannel, User
    from mezon.utils.observer import Observer

F = TypeVar("F", bound="Callable[..., Any]")


class MezonClient(EventRegistration, ClientWaiting, RpcDoor, ClientCalls, PartCalls, ClientRun):
    """A bot's connection to Mezon.

    ```python
    from mezon import ChannelMessage, MezonClient

    client = MezonClient(client_id=bot_id, api_key=key)

    @client.on_channel_message
    async def hello(message: ChannelMessage) -> None:
        if message.content.get("t") == "!hello":
            await message.reply("Hello!")

    client.run()
    ```

    Host, port, ``use_ssl``, the two token URLs, ``transport``, ``api`` and ``content_as_json`` are read from
    ``MEZON_HOST``, ``MEZON_PORT``, ``MEZON_USE_SSL``, ``MEZON_MMN_API_URL``, ``MEZON_ZK_API_URL``,
    ``MEZON_TRANSPORT``, ``MEZON_API`` and ``MEZON_CONTENT_AS_JSON`` when they are not passed.

    Args:
        client_id: The bot's id.
        api_key: Its key.
        host: Host of the login API.
        port: Its port.
        use_ssl: TLS for HTTP and the socket. Only with False may the socket be plain text.
        timeout: Milliseconds a call may take.
        mmn_api_url: The node for token transfers; None for none.
        zk_api_url: The proof service for token transfers; None for none.
        agent_event_url: Base URL of the AI agents' events; None for none.
        log_level: The level when logging is enabled.
        enable_logging: Log to standard error.
        message_db: The message store: one of your own, a path, False for none, or None for the default file
            ``./mezon-cache/mezon-messages-cache.db``, which is made at the first message.
        gateway: Settings of the connection.
        auto_accept_friends: Accept every friend request.
        content_as_json: Give the content of messages as JSON text, as before version 1.6.20 of mezon-sdk.
        fill_gaps: After a reconnect, get the messages that were missed in the channels heard lately and dispatch
            them first, each once. True, or the bounds as ``mezon.GapOptions``.
        max_concurrent_handlers: How many handlers may run at a time; events wait then. None for no bound.
        cache_size: How many clans, channels and users each are remembered; 0 for none. A clan remembers as many of its
            channels, or as many as ``clan.load_channels()`` has listed.
        messages_per_channel: How many messages of a channel are remembered; 0 for none.
        http_rate_limit: HTTP calls in one ``http_rate_period``; 0 for no limit.
        http_rate_period: Seconds. The public server refuses calls that come faster than about one a second. Logins
            and reconnects have a limit of their own beside this one, as with mezon-sdk, and take no longer.
        transport: What carries the socket: ``websocket``, ``tcp``, or ``auto``: what the session names, the WebSocket
            first; where that is refused the other one, and what has worked is tried first from then on.
        api: Which way the calls of the API go: ``http``, ``socket``, or ``auto``: HTTP, and the socket once HTTP
            refuses a call (403 after a new session, 404, 410, 501) or cannot be reached. Never twice when the first may
            have been carried out, unless repeating it does no harm. Logins, uploads and media are always HTTP.
        blocked_loop_warning: Seconds the event loop may be blocked before a warning tells where; 0 for none.
        health: Serve ``/live``, ``/ready`` and ``/stats`` there, such as ``"127.0.0.1:8080"``; None for nowhere.
        limits: Refuse messages that are over these bounds before they are sent, such as ``MessageLimits()``;
            None to let the server decide.
        ports: What the client needs from outside, when it shall not be this package's own: see ``mezon.ports``.
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

        # Made at login; their types say that bots use them after it.
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
            origin=Origin(self),
        )
        self._observers = Observers()
        self._ports: Ports = ObservedPorts(ports or ports_for(settings), self._observers)
        self._process = ProcessGuard()

        # Its parts: each knows those it is given, and no other.
        self._background = Background()
        self._reports = Reports(lambda: self.__dict__.get("on_error"), self._background)
        self._stored = OpenedStore(self._ports, self._reports.report)
        self.event_manager = EventManager()
        self._waiters = Waiters()
        self._dispatcher = Dispatcher(
            self.event_manager,
            self._reports.report,
            max_concurrent_handlers,
            self._waiters,
            self._observers.around,
        )
        self._sessions = Sessions(
            self, self._ports, self._background.run, check_route(resolve(api)), self._connection
        )
        self.directory: Directory = Directory(self, self._sessions.token, cache_size)
        self.clans: CacheManager[int, Clan] = self.directory.clans
        self.channels: CacheManager[int, TextChannel] = self.directory.channels
        self.users: CacheManager[int, User] = self.directory.users
        self._agents = Agents(self, self._ports, self._dispatcher.dispatch, self._own_agent_messages)
        self._tokens = Tokens(self, self._ports)
        self._shutdown = Shutdown(
            self._dispatcher,
            self._waiters,
            self._sessions,
            # By attribute: a bot may have put its own in the place.
            lambda: self.disconnect_ai_agent_sse(),
            self._background,
            Operations(self, blocked_loop_warning, resolve(health)),
            lambda: self._login.close_connection(),
            self._close_rest,
        )
        life = Life(self, self._dispatcher, self._sessions, self.directory, self._background, self._shutdown)
        self._login = Login(
            self,
            ports=self._ports,
            dispatcher=self._dispatcher,
            sessions=self._sessions,
            directory=self.directory,
            background=self._background,
            life=life,
            shutdown=self._shutdown,
            tokens=self._tokens,
            report=self._reports.report,
        )
        self._stop = Stop(self.disconnect)
        if not is_own(self, "initialize_managers"):
            # It asks hasattr(self, "socket_manager") to know whether there is one, as that of mezon-sdk does.
            del self.socket_manager
        bind_marked(self, self.event_manager)

    def __repr__(self) -> str:
        return f"<MezonClient {self.client_id} at {self.login_url.partition('://')[2]}>"

    # ---- what it holds

    @property
    def message_db(self) -> MessageDB:
        """The message store. None when the client was made with ``message_db=False``."""
        return cast("MessageDB", self._stored.get())

    @message_db.setter
    def message_db(self, value: MessageDB) -> None:
        self._stored.store = value

    @property
    def event_manager(self) -> EventManager:
        """Who listens to what. Another one may be set at any time: it gets the events from then on."""
        return cast("EventManager", self.__dict__["event_manager"])

    @event_manager.setter
    def event_manager(self, value: EventManager) -> None:
        # Under its own name, where `patch.object` looks for what it has to put back.
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
        """The last round trip of a ping in seconds; None before the first answer, just after a connect."""
        connection = self._connection()
        return None if connection is None else connection.latency

    def stats(self) -> Stats:
        """Give the counters of the connection, the dispatch and the store, since the client was made."""
        return count(self, self._connection(), self._dispatcher, self._login.gaps, self._stored.store)

    def on_error(self, handler: F) -> F:
        """Call ``handler(error, event_name)`` when a handler of an event raises; also a decorator.

        The error is logged with its traceback all the same. Assigning a function to ``client.on_error`` does
        the same.
        """
        self._reports.handler = handler
        return handler

    def observe(self, observer: Observer) -> None:
        """Watch handlers, calls and HTTP requests, for metrics or traces: see ``mezon.Observer``.

        Raises:
            MezonError: After the first login: the calls are on their way unwatched by then.
        """
        self._observers.add(observer, late=manager_of(self) is not None)

    # ---- login and its end

    async def login(self, enable_auto_reconnect: bool = True) -> None:
        """Log in: authenticate, connect, join all clans. Returns when the bot hears and can talk.

        A second login at the same time waits for the first; one on a connected client does nothing.

        Args:
            enable_auto_reconnect: Connect again, for ever unless ``GatewayOptions`` says otherwise, when the
                connection is lost.

        Raises:
            AuthenticationError: If the server refuses the credentials.
            MezonConnectionError: If the server cannot be reached.
            MezonTimeoutError: If it does not answer in time.
            ForkError: In a forked child of the process that logged this client in.
        """
        self._process.check()
        self._process.begin()
        await self._login.run(enable_auto_reconnect)

    async def close_socket(self) -> None:
        """Close the socket; it is not opened again by itself. Handlers stay registered. Safe at any time.

        The bot hears nothing from then on, so ``wait_closed`` returns and ``run`` ends. HTTP calls go on.
        """
        self._process.check()
        manager = manager_of(self)
        if manager is not None:
            await manager.get_socket().close()

    async def disconnect(self, drain: float = 0.0) -> None:
        """End everything: the socket, HTTP, agent events. A new login is possible. Safe at any time, and twice.

        No further event is dispatched. Handlers of ``disconnect`` run, and have ``drain`` seconds or one second.
        A handler may call it and is not waited for; when the client is being closed already, it returns at once.
        A close that has begun is finished when the caller is cancelled, as by ``asyncio.wait_for``: ``wait_closed``
        waits for it, and so does the next ``disconnect`` or ``login``.

        Args:
            drain: Seconds the running handlers may take to end, while the socket is still open for their last
                words; then they are cancelled.

        Raises:
            ForkError: In a forked child of the process that logged this client in; nothing is touched.
        """
        self._process.check()
        await self._login.cancel()
        await self._shutdown.close(drain)

    async def wait_closed(self) -> None:
        """Wait until the client is closed: by ``disconnect``, by ``close_socket``, or because it can not go on.

        Raises:
            AuthenticationError: If the server refused the credentials at a reconnect.
            ConnectionLostError: If the connection was lost and is not regained.
            NotLoggedInError: If there was no login.
            ForkError: In a forked child of the process that logged this client in.
        """
        self._process.check()
        await self._shutdown.wait_closed()

    async def _close_rest(self) -> None:
        # Last in, first closed. Whatever one of them raises, the others are closed.
        async with AsyncExitStack() as closing:
            closing.callback(self._login.ended)
            closing.push_async_callback(self._stored.close)
            closing.push_async_callback(self._ports.http().close)
            if self.api_client is not None:
                closing.push_async_callback(self.api_client.close)
            closing.push_async_callback(self._tokens.close)


__all__ = ["MezonClient", "auto_bind"]
