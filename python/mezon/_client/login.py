"""How a client logs in: authenticate, connect, join all clans."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from mezon._client.instances import Instance
from mezon._client.warm import warm_up
from mezon._events.tasks import being_cancelled
from mezon.errors import MezonConnectionError, MezonError
from mezon.options import GapOptions
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from mezon._client.background import Background
    from mezon._client.directory import Directory
    from mezon._client.life import Life
    from mezon._client.sessions import Sessions
    from mezon._client.shutdown import Shutdown
    from mezon._client.tokens import Tokens
    from mezon._client.view import ClientView
    from mezon._events.dispatch import Dispatcher
    from mezon._events.gap_filling import GapFiller
    from mezon.models import ApiClanDescList
    from mezon.ports import Ports
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
        self._running: asyncio.Task[None] | None = None
        #: The login that a close of the client has ended.
        self._closed: asyncio.Task[None] | None = None
        self._instance: Instance | None = None
        #: The loop of the last login.
        self.loop: asyncio.AbstractEventLoop | None = None
        self._auto_reconnect = True
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
                if being_cancelled() or not running.cancelled():
                    raise
                if running is self._closed:
                    raise _closed_meanwhile() from None
                # Whoever began it has given up; this caller has not.
            else:
                return
        if self._client.state not in ("idle", "closed"):
            logger.info("login() on a connected client does nothing; disconnect() comes before a new login")
            return
        self._auto_reconnect = auto_reconnect
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
            if task is self._closed and not being_cancelled():
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
        if self._over or not self._auto_reconnect or self._client.state != "closed":
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

    async def _log_in(self) -> None:
        client = self._client
        self._over = False
        self._shutdown.begin()
        self._sessions.begin()
        self._background.forget_closed_loops()
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
            await self._shutdown.fail(error)
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
        if store == ":memory:":
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
        from mezon._events.defaults import Effects
        from mezon.managers.channel import ChannelManager
        from mezon.managers.session import SessionManager
        from mezon.managers.socket import SocketManager

        client, sessions = self._client, self._sessions
        if client.session_manager is None:
            client.session_manager = SessionManager(client.api_client)
        client.session_manager.session = session
        if client.socket_manager is None:
            client.socket_manager = SocketManager(
                session.ws_url,
                client.use_ssl,
                client.api_client,
                client.event_manager,
                client,
                client.message_db,
                send_timeout_ms=max(client.timeout_ms, 1),
                connection=self._ports.connection(client.message_db),
                know_clan=self._directory.know_clan,
                transport=client.transport,
            )
            client.socket_manager.socket.limits = client.limits
            client.socket_manager.socket.come_back = self.come_back
            self._dispatcher.use_effects(
                Effects(client, self._directory, self._background.run, sessions.new_token).table()
            )
        if client.channel_manager is None:
            client.channel_manager = ChannelManager(
                client.api_client, client.socket_manager, client.session_manager
            )
        if client.message_db is not None:
            client.message_db.attach_loop(asyncio.get_running_loop())
        connection = client.socket_manager.socket.connection
        connection.listener = self._life
        self._life.begin(self._gap_filler())
        # Gap filling has to know every message it might else fetch again.
        self._dispatcher.attach(connection, asyncio.get_running_loop(), whole=bool(client.fill_gaps))
        await client.socket_manager.connect(session, auto_reconnect=self._auto_reconnect)
        sessions.watch(session)

    async def close_connection(self) -> None:
        """Fill no more gaps, and close the connection. Safe at any time."""
        if self.gaps is not None:
            await self.gaps.stop()
        if self._client.socket_manager is not None:
            await self._client.socket_manager.disconnect()

    def _gap_filler(self) -> GapFiller | None:
        client = self._client
        if client.fill_gaps and self.gaps is None:
            from mezon._events.gap_filling import GapFiller

            bounds = client.fill_gaps if isinstance(client.fill_gaps, GapOptions) else GapOptions()
            self.gaps = GapFiller(client, self._sessions.token, self._dispatcher, bounds)
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
