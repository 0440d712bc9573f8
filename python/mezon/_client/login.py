"""How a client logs in: preload modules, authenticate, connect, join the clans, take the single-instance mark."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
import sys
import threading
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from mezon._client.view import manager_of
from mezon._http.limiter import Priority, prioritized
from mezon.constants.enum import Events
from mezon.errors import MezonConnectionError, MezonError
from mezon.managers._handlers import is_being_cancelled
from mezon.options import GapOptions
from mezon.utils.instance_mark import InstanceMark
from mezon.utils.logger import get_logger
from mezon.utils.own_thread import in_a_thread

if TYPE_CHECKING:
    from collections.abc import Callable

    from mezon._client.assembly import LazyTokens
    from mezon._client.close import ClosingStack, Shutdown
    from mezon._client.directory import Directory
    from mezon._client.lifecycle import Lifecycle
    from mezon._client.operations import Operations
    from mezon._client.sessions import Sessions
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
    from mezon.utils.background import BackgroundTasks

logger = get_logger("mezon.client")


class Login:
    """Logs one client in, one login at a time, and creates its managers.

    Args:
        client: The client.
        ports: Provides the connection.
        dispatcher: Receives the events.
        sessions: Provides the session.
        directory: Receives the clans and users that are listed.
        background: The background tasks of the client.
        lifecycle: The listener of the connection.
        operations: Started with the login.
        shutdown: Closes what a failed login has opened.
        resources: Where the single-instance mark is pushed.
        tokens: Prepared with the login.
        report: Called with an error of gap filling, and its origin.
    """

    def __init__(
        self,
        client: ClientView,
        *,
        ports: Ports,
        dispatcher: Dispatcher,
        sessions: Sessions,
        directory: Directory,
        background: BackgroundTasks,
        lifecycle: Lifecycle,
        operations: Operations,
        shutdown: Shutdown,
        resources: ClosingStack,
        tokens: LazyTokens,
        report: Callable[[BaseException, str], None],
    ) -> None:
        self._client = client
        self._ports = ports
        self._dispatcher = dispatcher
        self._sessions = sessions
        self._directory = directory
        self._background = background
        self._lifecycle = lifecycle
        self._operations = operations
        self._shutdown = shutdown
        resources.push(self._end)
        self._tokens = tokens
        self._report = report
        self._running: asyncio.Task[None] | None = None
        #: The events for which modules were imported.
        self._preloaded_for: frozenset[str] = frozenset()
        #: The login that was cancelled by a close of the client.
        self._closed: asyncio.Task[None] | None = None
        self._instance: InstanceMark | None = None
        #: The loop of the last login.
        self.loop: asyncio.AbstractEventLoop | None = None
        self._effects: Effects | None = None
        #: The socket manager whose events are dispatched.
        self._attached: SocketManager | None = None
        #: An overridden login is under way: it dispatches `ready` when its clans are joined.
        self._foreign = False
        #: The client is closed, not just its connection.
        self._over = False
        #: Fills the gaps of reconnects; None before the first login, and without `fill_gaps`.
        self.gaps: GapFiller | None = None

    @property
    def auto_reconnect(self) -> bool:
        """Reconnect when the connection is lost."""
        return self._lifecycle.auto_reconnect

    @auto_reconnect.setter
    def auto_reconnect(self, value: bool) -> None:
        self._lifecycle.auto_reconnect = value

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
                # The caller that began the login was cancelled; this one was not.
            else:
                return
        if self._client.state not in ("idle", "closed"):
            logger.info("login() has no effect on a connected client; call disconnect() before a new login")
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
                # Mark the exception as retrieved: the caller was cancelled.
                task.exception()
            if task is self._closed and not is_being_cancelled():
                raise _closed_meanwhile() from None
            raise

    async def come_back(self, event: object = None) -> None:
        """Log in again after ``close_socket``; called when a bot calls ``ondisconnect`` of its socket.

        Has no effect while the client is connected or connecting, after ``disconnect``, and without auto reconnect.

        Args:
            event: The reason, for the log.

        Raises:
            MezonError: As ``login``.
        """
        if self._over or not self.auto_reconnect or self._client.state != "closed":
            return
        logger.warning("The socket's ondisconnect was called (%s): logging in again", event)
        await self.run(True)

    async def cancel(self) -> None:
        """Cancel a login under way, unless the caller is that login."""
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
                "GatewayOptions(insecure=True): certificates are not verified, so an attacker between this bot and %s "
                "can read its key and act as the bot; use ca_file for a server with its own CA",
                client.login_url.partition("://")[2],
            )
        self._dispatcher.wait_for_ready()
        try:
            await self._operations.start()
            await self._preload()
            session = await client.get_session()
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
        self._lifecycle.logged_in()
        self._shutdown.watch()
        self._mark_instance()
        self._log_success()
        # After the end of this task: a handler of `ready` may disconnect, which cancels a login under way.
        asyncio.get_running_loop().call_soon(self._dispatcher.ready, client)

    async def _preload(self) -> None:
        """Import what the login needs, and the classes of the events that the bot receives as protobuf messages."""
        # The registry of a bot may be of another class.
        names = frozenset(getattr(self._client.event_manager, "listeners", ()))
        if any(name not in sys.modules for name in _PRELOADED) or not names <= self._preloaded_for:
            await in_a_thread(partial(_preload, names))
            self._preloaded_for = names

    def _log_success(self) -> None:
        """Log the bot's name, the server and the number of clans."""
        client = self._client
        if self._attached is None or self._attached is not manager_of(client):
            logger.warning(
                "The socket manager of this client (%s) was not connected by SocketManager.connect, so no events reach"
                " the handlers of the client; call super().connect() in your own connect()",
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

    def _mark_instance(self) -> None:
        """Take the single-instance mark, and warn if another process has it: both would answer every message."""
        client = self._client
        store = getattr(client.message_db, "db_path", ":memory:")
        if not isinstance(store, str) or store == ":memory:":
            return
        self._instance = InstanceMark(client.client_id, client.login_url, os.path.abspath(store))
        other = self._instance.take()
        if other is not None:
            logger.warning(
                "Bot %s is already running on this machine%s with the same message cache: both will answer. Stop one",
                client.client_id,
                f" (process {other})" if other else "",
            )

    async def _end(self) -> None:
        """Release the single-instance mark, at the end of a close."""
        self._over = True
        self._sessions.end()
        instance, self._instance = self._instance, None
        if instance is not None:
            instance.release()

    # ---- the managers

    async def initialize_managers(self, session: Session) -> None:
        """Create the managers for a session, connect, join the clans and list the DMs."""
        client = self._client
        base_url = self._sessions.api_url(session)
        if client.api_client is None:
            client.api_client = self._sessions.make_api(base_url)
            client.api_client.reauthenticate = self._sessions.reauthenticate
        else:
            client.api_client.base_url = base_url
        token = session.token
        # Sent now, so that the answer arrives while the socket connects.
        with prioritized(Priority.LOGIN):
            listing = asyncio.ensure_future(self._directory.list_clans(token))
        try:
            await asyncio.sleep(0)
            await self._connect(session)
        except BaseException:
            await _cancel(listing)
            raise
        await self._join_clans_and_list_dms(token, listing)

    async def _join_clans_and_list_dms(self, token: str, listing: asyncio.Future[ApiClanDescList]) -> None:
        """Join the clans and list the DMs concurrently; a failure to join the clans fails the login."""
        client = self._client
        joining = asyncio.ensure_future(client.socket_manager.connect_socket(token, listing=listing))
        with prioritized(Priority.LOGIN):
            dms = asyncio.ensure_future(client.channel_manager.init_all_dm_channels(token))
        try:
            await asyncio.wait([joining, dms])
        except BaseException:
            await _cancel(joining, dms, listing)
            raise
        listed = dms.exception()
        joining.result()
        if isinstance(listed, MezonError):
            logger.warning("The DMs could not be listed; users will be fetched on first use: %s", listed)
        elif listed is not None:
            raise listed
        self._directory.cache_dm_users()

    async def _connect(self, session: Session) -> None:
        """Create the managers that do not exist yet, and open the connection."""
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

    # ---- the socket manager's side of the login: implements `mezon.managers._home.SocketHome`

    def socket_port(self) -> Connection:
        """Return the client's connection."""
        return self._ports.connection(self._client.message_db)

    def know_clan(self, description: ApiClanDesc, token: str) -> object:
        """Cache a clan."""
        return self._directory.update_clan(description, token)

    def socket_opens(self, manager: SocketManager) -> None:
        """Attach the dispatcher to a manager that is about to connect, whether the login or the bot created it."""
        from mezon._events.default_effects import Effects
        from mezon.messages._custom import Saver, as_store

        client, loop = self._client, asyncio.get_running_loop()
        self._foreign = self._under_way() is None
        if self._foreign:
            # An overridden login has not called `run`.
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
            self._effects = Effects(client, self._directory, self._background.spawn, self._sessions.new_token)
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
            # The frames are carried by the bot's own adapter.
            connection.origin = manager.origin
        connection.listener = self._lifecycle
        self._lifecycle.begin(self._gap_filler())
        # The gap filler must see every message, so that it does not fetch a message that was received.
        self._dispatcher.attach(connection, loop, whole=bool(client.fill_gaps))
        self._attached = manager

    def socket_is_open(self, session: Session) -> None:
        """Start what depends on the open connection."""
        self._sessions.watch(session)
        if self._foreign:
            self._lifecycle.logged_in()
            self._shutdown.watch()

    def clans_are_joined(self) -> None:
        """Dispatch `ready` after an overridden login; `run` does so itself."""
        if self._foreign:
            self._foreign = False
            asyncio.get_running_loop().call_soon(self._dispatcher.dispatch, Events.READY.value, self._client)

    def use_events(self, events: EventManager) -> None:
        """Dispatch to the handlers of this event manager from now on."""
        self._dispatcher.use_events(events)
        manager = self._attached
        if manager is not None:
            manager.event_manager = manager.socket.event_manager = events

    def _gap_filler(self) -> GapFiller | None:
        client = self._client
        if client.fill_gaps and self.gaps is None:
            from mezon._events.gap_filling import GapFiller

            bounds = client.fill_gaps if isinstance(client.fill_gaps, GapOptions) else GapOptions()
            self.gaps = GapFiller(
                client, self._sessions.token, self._dispatcher, bounds, on_error=self._report
            )
            self._shutdown.connection.push(self.gaps.stop)
        return self.gaps if client.fill_gaps else None


def _closed_meanwhile() -> MezonConnectionError:
    return MezonConnectionError("the connection was closed while the client was logging in")


async def _cancel(*futures: asyncio.Future[Any]) -> None:
    """Cancel futures, wait for them, and mark their exceptions as retrieved."""
    for future in futures:
        future.cancel()
    await asyncio.wait(futures)
    for future in futures:
        if not future.cancelled():
            future.exception()


# ---- preloading

#: Modules that a login imports inside functions. A module that is missing here is imported where it is used.
_PRELOADED: Final = (
    "mezon.managers.session",
    "mezon.session",
    "mezon.api",
    "mezon.protobuf._rpc_table",
    "mezon._gateway.codec",
    "mezon._events.default_effects",
    "mezon.managers.channel",
    "mezon.managers.socket",
    "mezon.messages",
    "mezon.structures.clan",
    "mezon.structures.text_channel",
    "mezon.structures.user",
    "mezon._tokens",
)

_preload_lock: Final = threading.Lock()


def _preload(names: frozenset[str]) -> None:
    """Import what a login needs, in a thread: it takes a tenth of a second, which would block the event loop.

    google.protobuf and its classes are imported only if one of the events `names` has no model.

    The login waits for it, and one thread imports at a time: import hooks need not be safe in two threads at once. The
    one of pytest calls `ast.parse`, which in Python 3.11 is not.
    """
    with _preload_lock:
        for name in _PRELOADED:
            # An import that fails here is repeated where the module is used, and raises there.
            with contextlib.suppress(Exception):
                importlib.import_module(name)
        with contextlib.suppress(Exception):
            # The first model in use makes pydantic search every installed distribution for plugins.
            sys.modules["mezon.models"].ApiAuthenticateRequest.model_rebuild()
        with contextlib.suppress(Exception):
            sys.modules["mezon._gateway.codec"].load_classes(names)
