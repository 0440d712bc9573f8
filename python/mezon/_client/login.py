"""How a client logs in: authenticate, connect, join all clans."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from mezon._client.instances import Instance
from mezon._client.view import manager_of
from mezon._client.warm import warm_up
from mezon.constants.enum import Events
from mezon.errors import MezonConnectionError, MezonError
from mezon.managers._handlers import is_being_cancelled
from mezon.options import GapOptions
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from mezon._client.background import Background
    from mezon._client.directory import Directory
    from mezon._client.life import Life
    from mezon._client.sessions import Sessions
    from mezon._client.shutdown import Shutdown
    from mezon._client.tokens import Tokens
    from mezon._client.view import ClientView
    from mezon._events.default_effects import Effects
    from mezon._events.dispatcher import Dispatcher
    from mezon._events.gap_filling import GapFiller
    from mezon.managers._handlers import Handlers
    from mezon.managers.event import EventManager
    from mezon.managers.socket import SocketManager
    from mezon.models import ApiClanDesc, ApiClanDescList
    from mezon.ports import Connection, Ports
    from mezon.session import Session

logger = get_logger("mezon.client")


class Login:
    """Logs one client in, one login at a time, and makes the managers that bots see after it.

    Args:
        client: The client.
        ports: Makes the connection.
        dispatcher: Where events go.
        sessions: Brings the session.
        directory: Gets to know clans and users.
        background: Runs what nobody waits for.
        life: Follows the connection.
        shutdown: Closes what a login that fails has opened.
        tokens: Prepared with the login.
        report: Called with an error of gap filling, and where it comes from.
    """

    def __init__(
        self,
        client: ClientView,
        *,
        ports: Ports,
        dispatcher: Dispatcher,
        sessions: Sessions,
        directory: Directory,
        background: Background,
        life: Life,
        shutdown: Shutdown,
        tokens: Tokens,
        report: Callable[[BaseException, str], None],
    ) -> None:
        self._client = client
        self._ports = ports
        self._dispatcher = dispatcher
        self._sessions = sessions
        self._directory = directory
        self._background = background
        self._life = life
        self._shutdown = shutdown
        self._tokens = tokens
        self._report = report
        self._running: asyncio.Task[None] | None = None
        #: The login that a close of the client has ended.
        self._closed: asyncio.Task[None] | None = None
        self._instance: Instance | None = None
        #: The loop of the last login.
        self.loop: asyncio.AbstractEventLoop | None = None
        #: Connect again when the connection is lost.
        self.auto_reconnect = True
        life.may_return = lambda: self.auto_reconnect
        self._effects: Effects | None = None
        #: The socket manager whose events are dispatched.
        self._attached: SocketManager | None = None
        #: A login of the bot's own is under way: `ready` is told when its clans are joined.
        self._foreign = False
        #: The client is closed as a whole, not its connection alone.
        self._over = False
        #: Fills the gaps of reconnects; None before the first login, or when nobody wants it.
        self.gaps: GapFiller | None = None

    async def run(self, auto_reconnect: bool) -> None:
        """Log in; see ``mezon.MezonClient.login``."""
        while True:
            while (closing := self._shutdown.closing_now()) is not None:
                await asyncio.wait([closing])
            running = self._under_way()
            if running is None:
                break
            try:
                await asyncio.shield(running)
            except asyncio.CancelledError:
                if is_being_cancelled() or not running.cancelled():
                    raise
                if running is self._closed:
                    raise _closed_meanwhile() from None
                # Whoever began it has given up; this caller has not.
            else:
                return
        if self._client.state not in ("idle", "closed"):
            logger.info("login() on a connected client does nothing; disconnect() comes before a new login")
            return
        self.auto_reconnect = auto_reconnect
        self.loop = asyncio.get_running_loop()
        task = self._running = asyncio.ensure_future(self._log_in())
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.wait([task])
            if not task.cancelled():
                # Whatever it ended with, the caller has given up: nobody is to be told.
                task.exception()
            if task is self._closed and not is_being_cancelled():
                raise _closed_meanwhile() from None
            raise

    async def come_back(self, event: object = None) -> None:
        """Log in again when the connection was closed alone: what bots call a socket's ``ondisconnect`` by hand for.

        Nothing while there is a connection or one is being made, after ``disconnect``, and without auto reconnect.

        Args:
            event: Why; it goes into the log.

        Raises:
            MezonError: As a login does.
        """
        if self._over or not self.auto_reconnect or self._client.state != "closed":
            return
        logger.warning("The socket's ondisconnect was called (%s): logging in again", event)
        await self.run(True)

    async def cancel(self) -> None:
        """Give up a login under way, unless it is the caller's own."""
        running = self._under_way()
        if running is not None and running is not asyncio.current_task():
            self._closed = running
            running.cancel()
            await asyncio.wait([running])

    def _under_way(self) -> asyncio.Task[None] | None:
        running = self._running
        if running is None or running.done() or running.get_loop() is not asyncio.get_running_loop():
            return None
        return running

    def _begin(self) -> None:
        self._over = False
        self._shutdown.begin()
        self._sessions.begin()
        self._background.forget_closed_loops()

    async def _log_in(self) -> None:
        client = self._client
        self._begin()
        if client.gateway.insecure:
            logger.warning(
                "GatewayOptions(insecure=True): certificates are not checked, so whoever sits between this bot and %s "
                "can read its key and act as the bot; ca_file is the safe way to a server with a CA of its own",
                client.login_url.partition("://")[2],
            )
        self._dispatcher.wait_for_ready()
        try:
            await self._shutdown.open()
            warm = await warm_up()
            session = await client.get_session()
            await warm
            await client.initialize_managers(session)
            await self._tokens.prepare()
            await client.setup_hook()
            if client.state == "closed":
                raise _closed_meanwhile()
        except BaseException as error:
            try:
                await self._shutdown.fail(error)
            finally:
                self._dispatcher.stop_waiting()
            raise
        self._life.logged_in()
        self._shutdown.watch()
        self._warn_of_another()
        self._tell()
        # When this task is done: a handler of it may disconnect, which would cancel a login under way.
        asyncio.get_running_loop().call_soon(self._dispatcher.ready, client)

    def _tell(self) -> None:
        """Say who is where: the first thing a bot's author looks for."""
        client = self._client
        if self._attached is None or self._attached is not manager_of(client):
            logger.warning(
                "The socket manager of this client (%s) has not connected by SocketManager.connect, so no event reaches"
                " the client's handlers; call super().connect() in a connect of your own",
                type(manager_of(client)).__name__,
            )
            return
        name = client.session_manager.get_session().username
        used = client.socket_manager.socket.connection.stats().get("transport")
        joined = len(client.socket_manager.joined_clans - {0})
        logger.info(
            "Bot %s is logged in at %s: %d %s%s",
            f"{name} ({client.client_id})" if name else client.client_id,
            client.login_url,
            joined,
            "clan" if joined == 1 else "clans",
            f", {used}" if used else "",
        )

    def _warn_of_another(self) -> None:
        """Tell that two processes of one bot both answer everything; that is hardly what somebody wants."""
        client = self._client
        store = getattr(client.message_db, "db_path", ":memory:")
        if not isinstance(store, str) or store == ":memory:":
            return
        self._instance = Instance(client.client_id, client.login_url, store)
        other = self._instance.take()
        if other is not None:
            logger.warning(
                "Bot %s runs on this machine already%s, with the same message cache: both will answer. End one of them",
                client.client_id,
                f" (process {other})" if other else "",
            )

    def ended(self) -> None:
        """Note that the client is closed: another one may run."""
        self._over = True
        self._sessions.end()
        instance, self._instance = self._instance, None
        if instance is not None:
            instance.release()

    # ---- the managers

    async def initialize_managers(self, session: Session) -> None:
        """Make the managers for a session, connect, join the clans and list the DMs."""
        client = self._client
        base_url = self._sessions.api_url(session)
        if client.api_client is None:
            client.api_client = self._sessions.make_api(base_url)
            client.api_client.reauthenticate = self._sessions.reauthenticate
        else:
            client.api_client.base_url = base_url
        token = session.token
        # On its way while the rest is imported and the socket connects.
        listing = asyncio.ensure_future(client.api_client.list_clans_descs(token))
        try:
            await asyncio.sleep(0)
            await self._connect(session)
        except BaseException:
            await _give_up(listing)
            raise
        await self._meet_clans_and_users(token, listing)

    async def _meet_clans_and_users(self, token: str, listing: asyncio.Future[ApiClanDescList]) -> None:
        """Join the clans and list the DMs, side by side; without the clans there is no login."""
        client = self._client
        joining = asyncio.ensure_future(client.socket_manager.connect_socket(token, listing=listing))
        dms = asyncio.ensure_future(client.channel_manager.init_all_dm_channels(token))
        try:
            await asyncio.wait([joining, dms])
        except BaseException:
            await _give_up(joining, dms, listing)
            raise
        listed = dms.exception()
        joining.result()
        if isinstance(listed, MezonError):
            logger.warning("The DMs could not be listed; users are found when they are needed: %s", listed)
        elif listed is not None:
            raise listed
        self._directory.know_dm_users()

    async def _connect(self, session: Session) -> None:
        """Make the managers that are not there yet, and open the connection."""
        from mezon.managers.channel import ChannelManager
        from mezon.managers.session import SessionManager
        from mezon.managers.socket import SocketManager

        client = self._client
        if client.session_manager is None:
            client.session_manager = SessionManager(client.api_client)
        client.session_manager.session = session
        if manager_of(client) is None:
            client.socket_manager = SocketManager(
                session.ws_url,
                client.use_ssl,
                client.api_client,
                client.event_manager,
                client,
                client.message_db,
                send_timeout_ms=max(client.timeout_ms, 1),
                transport=client.transport,
            )
        if client.channel_manager is None:
            client.channel_manager = ChannelManager(
                client.api_client, client.socket_manager, client.session_manager
            )
        await client.socket_manager.connect(session)

    # ---- socket managers that connect: see `mezon.managers._home.SocketHome`

    def socket_port(self) -> Connection:
        """Return the client's connection."""
        return self._ports.connection(self._client.message_db)

    def know_clan(self, description: ApiClanDesc, token: str) -> object:
        """Put a clan into the caches."""
        return self._directory.know_clan(description, token)

    def socket_opens(self, manager: SocketManager) -> None:
        """Attach the dispatcher to a manager that is about to connect, whoever made it."""
        from mezon._events.default_effects import Effects
        from mezon.messages._foreign import Saver, as_store

        client, loop = self._client, asyncio.get_running_loop()
        self._foreign = self._under_way() is None
        if self._foreign:
            # A login of the bot's own, which has not come through `run`.
            self.loop = loop
            self._begin()
        if manager_of(client) is None:
            client.socket_manager = manager
        if manager.event_manager is not None and manager.event_manager is not client.event_manager:
            self._dispatcher.use_events(manager.event_manager)
        if getattr(client.api_client, "reauthenticate", self) is None:
            client.api_client.reauthenticate = self._sessions.reauthenticate
        manager.socket.limits = client.limits
        manager.socket.come_back = self.come_back
        if self._effects is None:
            self._effects = Effects(client, self._directory, self._background.run, self._sessions.new_token)
        self._effects.begin()
        connection, store = manager.socket.connection, client.message_db
        first: dict[str, Handlers] = {}
        if store is not None:
            as_store(store).attach_loop(loop)
            if not getattr(connection, "feeds_store", True):
                manager.saves_sent = False
                first[Events.CHANNEL_MESSAGE.value] = (Saver(store).save,)
        self._dispatcher.use_effects(self._effects.table(), first)
        if hasattr(connection, "origin"):
            # An adapter of the bot's own carries the frames.
            connection.origin = manager.origin
        connection.listener = self._life
        self._life.begin(self._gap_filler())
        # Gap filling has to know every message it might else fetch again.
        self._dispatcher.attach(connection, loop, whole=bool(client.fill_gaps))
        self._attached = manager

    def socket_is_open(self, session: Session) -> None:
        """Take the connection as open."""
        self._sessions.watch(session)
        if self._foreign:
            self._life.logged_in()
            self._shutdown.watch()

    def clans_are_joined(self) -> None:
        """Tell that the client is ready, after a login of the bot's own: nobody else does."""
        if self._foreign:
            self._foreign = False
            asyncio.get_running_loop().call_soon(self._dispatcher.dispatch, Events.READY.value, self._client)

    def use_events(self, events: EventManager) -> None:
        """Dispatch to the handlers of another event manager from now on."""
        self._dispatcher.use_events(events)
        manager = self._attached
        if manager is not None:
            manager.event_manager = manager.socket.event_manager = events

    async def close_connection(self) -> None:
        """Fill no more gaps, and close the connection. Safe at any time."""
        try:
            if self.gaps is not None:
                await self.gaps.stop()
        finally:
            manager = manager_of(self._client)
            if manager is not None:
                await manager.get_socket().close()

    def _gap_filler(self) -> GapFiller | None:
        client = self._client
        if client.fill_gaps and self.gaps is None:
            from mezon._events.gap_filling import GapFiller

            bounds = client.fill_gaps if isinstance(client.fill_gaps, GapOptions) else GapOptions()
            self.gaps = GapFiller(
                client, self._sessions.token, self._dispatcher, bounds, on_error=self._report
            )
        return self.gaps if client.fill_gaps else None


def _closed_meanwhile() -> MezonConnectionError:
    return MezonConnectionError("the connection was closed while the client was logging in")


async def _give_up(*futures: asyncio.Future[Any]) -> None:
    """Cancel what runs; what it ended with has been seen, so nobody is told that it was not."""
    for future in futures:
        future.cancel()
    await asyncio.wait(futures)
    for future in futures:
        if not future.cancelled():
            future.exception()
