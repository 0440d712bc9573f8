"""The client: log in, listen, talk."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar, cast

from mezon._client.calls import ClientCalls
from mezon._client.life import RefusedError
from mezon._client.renewal import Renewal
from mezon._client.settings import FromEnv, resolve
from mezon._client.shutdown import ClientEnd
from mezon._client.watchdog import Watchdog
from mezon._events.registration import EventRegistration
from mezon._http.address import http_base
from mezon._http.limiter import Limiter
from mezon._http.transport import AiohttpTransport
from mezon.constants.enum import Events
from mezon.errors import (
    AuthenticationError,
    InvalidArgumentError,
    MezonConnectionError,
    MezonError,
)
from mezon.managers.cache import CacheManager
from mezon.managers.event import EventManager
from mezon.options import GapOptions, GatewayOptions, Stats
from mezon.utils.logger import get_logger, setup_logger
from mezon.utils.single_flight import SingleFlight

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

    from mezon._events.dispatch import Dispatcher
    from mezon._events.gap_filling import GapFiller
    from mezon._tokens import (
        EphemeralKeyPair,
        MmnClient,
        TokenService,
        ZkClient,
        ZkProof,
    )
    from mezon.api import MezonApi
    from mezon.managers.channel import ChannelManager
    from mezon.managers.session import SessionManager
    from mezon.managers.socket import SocketManager
    from mezon.messages import MessageDB
    from mezon.session import Session
    from mezon.structures import Clan, TextChannel, User

logger = get_logger(__name__)

#: The defaults of the constructor. Those that may come from the environment say so by their type.
DEFAULT_HOST: Final = cast("str", FromEnv.text("gw.mezon.ai", "MEZON_HOST"))
DEFAULT_PORT: Final = cast("str", FromEnv.text("443", "MEZON_PORT"))
DEFAULT_API_KEY: Final = ""
DEFAULT_SSL: Final = cast("bool", FromEnv.flag(True, "MEZON_USE_SSL"))
DEFAULT_TIMEOUT_MS: Final = 7000
DEFAULT_EXPIRED_TIMESPAN_MS: Final = 5 * 60 * 1000
DEFAULT_SEND_BULK_INTERVAL: Final = 1000
DEFAULT_MESSAGE_PER_TIME: Final = 5
DEFAULT_MMN_API: Final = cast("str", FromEnv.text("https://dong.mezon.ai/mmn-api/", "MEZON_MMN_API_URL"))
DEFAULT_ZK_API: Final = cast("str", FromEnv.text("https://dong.mezon.ai/zk-api/", "MEZON_ZK_API_URL"))

F = TypeVar("F", bound="Callable[..., Any]")


def auto_bind(event_name: str) -> Callable[[F], F]:
    """Mark a method of a subclass of :class:`MezonClient` as a default handler of an event.

    It is registered when the client is made, and is awaited before the bot's handlers of the event start.
    """

    def mark(method: F) -> F:
        method._auto_bind_event = event_name  # type: ignore[attr-defined]
        return method

    return mark


class MezonClient(EventRegistration, ClientCalls, ClientEnd):
    """A bot's connection to Mezon.

    ```python
    client = MezonClient(client_id="YOUR_BOT_ID", api_key="YOUR_API_KEY")

    @client.on_channel_message
    async def hello(message):
        if message.content.get("t") == "hello":
            channel = await client.channels.fetch(message.channel_id)
            await channel.send("Hello!")

    client.run()
    ```

    Host, port, ``use_ssl`` and the two token URLs are read from ``MEZON_HOST``, ``MEZON_PORT``,
    ``MEZON_USE_SSL``, ``MEZON_MMN_API_URL`` and ``MEZON_ZK_API_URL`` when they are not passed.

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
            them first, each once. True, or the bounds as :class:`mezon.GapOptions`.
        max_concurrent_handlers: How many handlers may run at a time; events wait then. None for no bound.
        cache_size: How many clans, channels and users each are remembered; 0 for none.
        messages_per_channel: How many messages of a channel are remembered; 0 for none.
        http_rate_limit: HTTP calls in one ``http_rate_period``; 0 for no limit.
        http_rate_period: Seconds. The public server refuses calls that come faster than about one a second.
            All calls of the client share this limit; logins and reconnects have one of their own beside it, as
            with mezon-sdk, so that a login takes no longer.
        blocked_loop_warning: Seconds the event loop may be blocked before a warning tells where; 0 for none.
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
        content_as_json: bool = False,
        fill_gaps: bool | GapOptions = False,
        max_concurrent_handlers: int | None = None,
        cache_size: int = 1000,
        messages_per_channel: int = 200,
        http_rate_limit: int = 1,
        http_rate_period: float = 1.25,
        blocked_loop_warning: float = 5.0,
    ) -> None:
        if enable_logging:
            setup_logger(log_level=log_level)
        try:
            self.client_id = int(client_id)
        except (TypeError, ValueError):
            raise InvalidArgumentError(f"client_id is the bot's id, a number, not {client_id!r}") from None
        if max_concurrent_handlers is not None and max_concurrent_handlers < 1:
            raise InvalidArgumentError("max_concurrent_handlers is at least 1, or None for no bound")
        self.api_key = api_key
        self.use_ssl: bool = resolve(use_ssl)
        self.timeout_ms = timeout
        self.mmn_api_url: str | None = resolve(mmn_api_url)
        self.zk_api_url: str | None = resolve(zk_api_url)
        self.agent_event_url = agent_event_url
        scheme = "https" if self.use_ssl else "http"
        self._host = f"{resolve(host)}:{resolve(port)}"
        self.login_url = f"{scheme}://{self._host}"
        self.gateway = gateway if gateway is not None else GatewayOptions()
        self.auto_accept_friends = auto_accept_friends
        self.content_as_json = content_as_json
        self.fill_gaps = fill_gaps
        self.messages_per_channel = messages_per_channel
        self._cache_size = cache_size
        self._http = AiohttpTransport(
            limiter=Limiter(http_rate_limit, http_rate_period),
            login_limiter=Limiter(http_rate_limit, http_rate_period),
            ca_file=self.gateway.ca_file,
            insecure=self.gateway.insecure,
        )
        self._max_handlers = max_concurrent_handlers

        self.clans: CacheManager[int, Clan] = CacheManager(self._fetch_clan, cache_size)
        self.channels: CacheManager[int, TextChannel] = CacheManager(self.get_channel_from_id, cache_size)
        self.users: CacheManager[int, User] = CacheManager(self.get_user_from_id, cache_size)
        self.event_manager = EventManager()
        self._message_db_setting = message_db
        self._message_db: MessageDB | None = None

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

        self._dispatcher: Dispatcher | None = None
        self._gaps: GapFiller | None = None
        self._watchdog = Watchdog(blocked_loop_warning) if blocked_loop_warning > 0 else None
        self._renewal = Renewal(self._renew, lambda trying: self._beside(trying, "renewing the session"))
        self._sessions: SingleFlight[None, Session] = SingleFlight()
        self._token_service: TokenService | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._logging_in: asyncio.Task[None] | None = None
        self._closing: asyncio.Future[None] | None = None
        self._guard: asyncio.Task[None] | None = None
        self._auto_reconnect = True
        self._ended: asyncio.Event | None = None
        self._end_error: Exception | None = None
        self._refused: Exception | None = None
        self._doubts = 0
        self._lost = False
        self._error_handler: Callable[[Exception, str], Any] | None = None
        self._bind_methods()

    def __repr__(self) -> str:
        return f"<MezonClient {self.client_id} at {self._host}>"

    def _bind_methods(self) -> None:
        """Register the methods a subclass has marked with `auto_bind`."""
        for name in dir(type(self)):
            event = getattr(getattr(type(self), name, None), "_auto_bind_event", None)
            if event is not None:
                self.event_manager.add_default(event, getattr(self, name))

    # ---- what it holds

    @property
    def message_db(self) -> MessageDB:
        """The message store. None when the client was made with ``message_db=False``."""
        setting = self._message_db_setting
        if self._message_db is None and setting is not False:
            from mezon.messages import MessageDB

            if setting is None:
                self._message_db = MessageDB()
            else:
                self._message_db = setting if isinstance(setting, MessageDB) else MessageDB(str(setting))
            if self._message_db.on_error is None:
                self._message_db.on_error = lambda error: self._report(error, "message_db")
        return cast("MessageDB", self._message_db)

    @message_db.setter
    def message_db(self, value: MessageDB) -> None:
        self._message_db = value

    @property
    def state(self) -> str:
        """idle, authenticating, connecting, joining, ready, backoff or closed."""
        return "idle" if self.socket_manager is None else self.socket_manager.socket.link.state

    @property
    def latency(self) -> float | None:
        """The last round trip of a ping in seconds; None before the first, 10 s after the login."""
        return None if self.socket_manager is None else self.socket_manager.socket.link.latency

    def stats(self) -> Stats:
        """Counters of the connection, the dispatch and the store, since the client was made."""
        core = {} if self.socket_manager is None else self.socket_manager.socket.link.stats()
        known = {name: core[name] for name in core.keys() & Stats.__dataclass_fields__.keys()}
        dispatcher, gaps = self._dispatcher, self._gaps
        return Stats(
            state=self.state,
            latency=self.latency,
            handlers=dispatcher.running if dispatcher is not None else 0,
            handler_errors=dispatcher.errors if dispatcher is not None else 0,
            gap_filled=gaps.filled if gaps is not None else 0,
            duplicates=gaps.duplicates if gaps is not None else 0,
            store=self._message_db.stats() if self._message_db is not None else {},
            **known,
        )

    def on_error(self, handler: F) -> F:
        """Call ``handler(error, event_name)`` when a handler of an event raises; also a decorator.

        The error is logged with its traceback all the same. Assigning a function to ``client.on_error`` does
        the same.
        """
        self._error_handler = handler
        return handler

    def _report(self, error: Exception, name: str) -> None:
        handler = self.__dict__.get("on_error", self._error_handler)
        if handler is not None:
            outcome = handler(error, name)
            if asyncio.iscoroutine(outcome):
                self._beside(outcome, "on_error")

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
        """
        while (closing := self._closing_now()) is not None:
            await asyncio.wait([closing])
        running = self._logging_in
        if running is not None and not running.done() and running.get_loop() is asyncio.get_running_loop():
            await asyncio.shield(running)
            return
        if self.state not in ("idle", "closed"):
            logger.info("login() on a connected client does nothing; disconnect() comes before a new login")
            return
        task = self._logging_in = asyncio.ensure_future(self._login(enable_auto_reconnect))
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.wait([task])
            raise

    async def _login(self, auto_reconnect: bool) -> None:
        self._auto_reconnect = auto_reconnect
        self._ended = asyncio.Event()
        self._end_error = self._refused = None
        self._lost = False
        self._doubts = 0
        # What an earlier loop has left behind ended with it.
        self._tasks = {task for task in self._tasks if not task.get_loop().is_closed()}
        if self.gateway.insecure:
            logger.warning(
                "GatewayOptions(insecure=True): certificates are not checked, so whoever sits between this bot and %s "
                "can read its key and act as the bot; ca_file is the safe way to a server with a CA of its own",
                self._host,
            )
        try:
            await self.initialize_managers(await self.get_session())
            tokens = self._tokens()
            tokens.open()
            await tokens.prepare()
            if self.state == "closed":
                raise MezonConnectionError("the connection was closed while the client was logging in")
        except BaseException as error:
            self._end_error = error if isinstance(error, Exception) else None
            await self._close(0.0)
            raise
        if self._watchdog is not None:
            self._watchdog.start()
        guard = self._guard = asyncio.ensure_future(self._close_with_the_loop())
        # Who stops a loop without cancelling its tasks is not to be told of this one.
        guard._log_destroy_pending = False  # type: ignore[attr-defined]
        logger.info("Bot %s is logged in", self.client_id)
        # When this task is done: a handler of it may disconnect, which would cancel a login under way.
        asyncio.get_running_loop().call_soon(self._emit, Events.READY, self)

    async def get_session(self) -> Session:
        """A fresh session, without logging in the client.

        Raises:
            AuthenticationError: If the server refuses the credentials, or answers without a usable session.
            MezonConnectionError, MezonTimeoutError: If it cannot be reached.
        """
        from mezon.managers.session import SessionManager
        from mezon.session import Session

        api = self._make_api(self.login_url)
        answer = await SessionManager(api).authenticate(self.client_id, self.api_key)
        scheme = "wss" if self.use_ssl else "ws"
        return Session(answer, fallback_api_url=self.login_url, fallback_ws_url=f"{scheme}://{self._host}")

    def _make_api(self, base_url: str) -> MezonApi:
        from mezon.api import MezonApi

        return MezonApi(self.client_id, self.api_key, base_url, self.timeout_ms, http=self._http)

    def _api_url(self, session: Session) -> str:
        """Where the HTTP API of a session is: its path is dropped, and it is not followed down to plain text."""
        try:
            return http_base(session.api_url, self.use_ssl)
        except ValueError as error:
            raise AuthenticationError(
                f"the server's session names an api_url that cannot be used: {error}; check host and port"
            ) from None

    async def initialize_managers(self, sock_session: Session) -> None:
        """Make the managers for a session, connect, join the clans and list the DMs. A part of ``login``.

        Raises:
            MezonConnectionError: If the gateway cannot be reached.
            MezonError: If clans or DMs cannot be listed.
        """
        base_url = self._api_url(sock_session)
        if self.api_client is None:
            self.api_client = self._make_api(base_url)
            self.api_client.reauthenticate = self._reauthenticate
        else:
            self.api_client.base_url = base_url
        token = sock_session.token
        # On its way while the rest is imported and the socket connects.
        listing = asyncio.ensure_future(self.api_client.list_clans_descs(token))
        await asyncio.sleep(0)
        try:
            await self._connect(sock_session)
        except BaseException:
            listing.cancel()
            await asyncio.wait([listing])
            raise
        joined, listed = await asyncio.gather(
            self.socket_manager.connect_socket(token, listing=listing),
            self.channel_manager.init_all_dm_channels(token),
            return_exceptions=True,
        )
        if isinstance(joined, BaseException):
            raise joined
        if isinstance(listed, MezonError):
            logger.warning("The DMs could not be listed; users are found when they are needed: %s", listed)
        elif isinstance(listed, BaseException):
            raise listed
        self._know_dm_users()

    async def _connect(self, sock_session: Session) -> None:
        """Make the managers that are not there yet, and open the socket."""
        from mezon._events.defaults import Effects
        from mezon._events.dispatch import Dispatcher
        from mezon._gateway.codec import MESSAGES, JsonContentMessage, model_plan
        from mezon.managers.channel import ChannelManager
        from mezon.managers.session import SessionManager
        from mezon.managers.socket import SocketManager

        if self.session_manager is None:
            self.session_manager = SessionManager(self.api_client)
        self.session_manager.session = sock_session
        if self.socket_manager is None:
            self.socket_manager = SocketManager(
                sock_session.ws_url,
                self.use_ssl,
                self.api_client,
                self.event_manager,
                self,
                self.message_db,
                options={
                    **self.gateway.as_dict(),
                    "recent_per_channel": self.messages_per_channel,
                    "recent_channels": self._cache_size,
                },
                send_timeout_ms=max(self.timeout_ms, 1),
            )
        if self.channel_manager is None:
            self.channel_manager = ChannelManager(self.api_client, self.socket_manager, self.session_manager)
        if self._dispatcher is None:
            self._dispatcher = Dispatcher(
                self.event_manager, Effects(self).table(), self._report, self._max_handlers
            )
        link = self.socket_manager.socket.link
        if self.content_as_json:
            link.use_plan("channel_message", model_plan(JsonContentMessage, MESSAGES["channel_message"]))
        link.on_state = self._state_changed
        link.on_reconnected = self._reconnected
        link.new_url = self._new_url
        link.fatal_errors = (RefusedError,)
        self._dispatcher.attach(link, asyncio.get_running_loop())
        if self.fill_gaps:
            if self._gaps is None:
                from mezon._events.gap_filling import GapFiller

                bounds = self.fill_gaps if isinstance(self.fill_gaps, GapOptions) else GapOptions()
                self._gaps = GapFiller(self, self._dispatcher, bounds)
            self._gaps.attach(link)
        await self.socket_manager.connect(sock_session, auto_reconnect=self._auto_reconnect)
        self._renewal.begin(sock_session)

    def run(self, enable_auto_reconnect: bool = True) -> None:
        """Log in and stay until the client is closed, or SIGINT or SIGTERM comes. For a bot's last line.

        At the end handlers have five seconds to finish. A second signal does not wait for them.

        Raises:
            MezonError: What ``login`` or ``wait_closed`` raises.
        """
        from mezon._client.run import run

        try:
            asyncio.run(run(self, enable_auto_reconnect))
        except KeyboardInterrupt:
            logger.info("Interrupted; the client is closed")


__all__ = ["MezonClient", "auto_bind"]
