"""The session of a client: created at login, renewed before it expires, replaced at each reconnect."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from mezon._http.address import http_base
from mezon.errors import AuthenticationError, MezonConnectionError, NotLoggedInError
from mezon.ports import SessionRefusedError
from mezon.session import Session
from mezon.utils.logger import get_logger
from mezon.utils.secrets import masked
from mezon.utils.single_flight import SingleFlight

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from mezon._client.view import ClientView
    from mezon.api import MezonApi
    from mezon.options import ApiRoute
    from mezon.ports import Connection, Ports
    from mezon.utils.background import BackgroundTasks

logger = get_logger("mezon.client")

#: States in which a reconnect is about to create a new session.
_RECONNECTING: Final = ("backoff", "authenticating")

#: How many 403 answers without a body are taken for a rate limit before the credentials count as refused.
_TOLERATED_REFUSALS: Final = 2

#: A session is renewed this many seconds before it expires, or after this part of its life if that is later.
_MARGIN: Final = 60.0
_MARGIN_PART: Final = 0.2

#: Bounds of one timer, and the pause after a failed renewal. Event loops reject timers of a hundred years.
_MIN_SLEEP: Final = 0.5
_MAX_SLEEP: Final = 86_400.0
_RETRY_DELAY: Final = 30.0


class Sessions:
    """Creates sessions and renews the current one.

    Args:
        client: The client.
        ports: The ports of the client, for HTTP requests.
        background: The background tasks of the client.
        route: Whether API calls use HTTP or the socket.
        connection: Returns the connection for API calls over the socket; None while there is none.
    """

    def __init__(
        self,
        client: ClientView,
        ports: Ports,
        background: BackgroundTasks,
        route: ApiRoute,
        connection: Callable[[], Connection | None],
    ) -> None:
        self._client = client
        self._ports = ports
        self._route = route
        self._connection = connection
        self._renewal = _Renewal(self.renew, background)
        self._flights: SingleFlight[None, Session] = SingleFlight()
        self._bare_refusals = 0
        #: Why the server refuses further sessions for good; None while it does not.
        self.refused: AuthenticationError | None = None
        #: The client is closed: no new session before the next login.
        self._over = False

    def begin(self) -> None:
        """Start a login: earlier refusals no longer count."""
        self.refused = None
        self._over = False
        self._bare_refusals = 0

    def connected(self) -> None:
        """Record that the connection is ready, so the credentials are valid."""
        self._bare_refusals = 0

    def stop(self) -> None:
        """Stop renewing the session."""
        self._renewal.stop()

    def end(self) -> None:
        """Create no new session before the next login."""
        self._over = True
        self.stop()

    # ---- the current session

    def token(self) -> str:
        """Return the token of the current session.

        Raises:
            NotLoggedInError: If there is no session.
        """
        manager = self._client.session_manager
        session = manager.get_session() if manager is not None else None
        if session is None:
            raise NotLoggedInError("this needs a session: await client.login() first")
        return session.token

    def use(self, session: Session) -> None:
        """Make a session the current one."""
        self._client.session_manager.session = session
        self._client.api_client.base_url = self.api_url(session)
        self.watch(session)

    def watch(self, session: Session) -> None:
        """Renew this session before it expires."""
        self._renewal.begin(session)

    def new_token(self, token: str, refresh_token: str | None) -> None:
        """Update the current session with a token that the server sent unasked."""
        manager = self._client.session_manager
        session = manager.get_session() if manager is not None else None
        if session is not None:
            session.update(token, refresh_token)
            self._renewal.begin(session)

    def api_url(self, session: Session) -> str:
        """Return the base URL of a session's HTTP API, without its path. Plain text is refused to a client with TLS.

        Raises:
            AuthenticationError: If the URL cannot be used.
        """
        try:
            return http_base(session.api_url, self._client.use_ssl)
        except ValueError as error:
            raise AuthenticationError(
                f"the server's session names an api_url that cannot be used: {error}; check host and port"
            ) from None

    def make_api(self, base_url: str) -> MezonApi:
        """Return a new API client with the settings of the client."""
        from mezon.api import MezonApi

        client = self._client
        return MezonApi(
            client.client_id,
            masked(client.api_key),
            base_url,
            client.timeout_ms,
            http=self._ports.http(),
            api=self._route,
            connection=self._connection,
        )

    # ---- new sessions

    async def authenticate(self) -> Session:
        """Return a new session without changing the client.

        Raises:
            AuthenticationError: If the server refuses the credentials, or answers without a usable session.
            MezonConnectionError, MezonTimeoutError: If the server cannot be reached.
        """
        from mezon.managers.session import SessionManager
        from mezon.socket._url import with_plain_scheme

        client = self._client
        api = self.make_api(client.login_url)
        try:
            answer = await SessionManager(api).authenticate(client.client_id, masked(client.api_key))
        except MezonConnectionError as error:
            hint = _tls_hint(str(error), client.use_ssl, client.login_url)
            if hint is None:
                raise
            raise type(error)(hint) from error
        host = client.login_url.partition("://")[2]
        scheme = "wss" if client.use_ssl else "ws"
        if not client.use_ssl:
            answer = answer.model_copy(
                update={"ws_url": with_plain_scheme(answer.ws_url or "", client.login_url)}
            )
        return Session(answer, fallback_api_url=client.login_url, fallback_ws_url=f"{scheme}://{host}")

    async def fresh(self) -> Session:
        """Return a new session; concurrent callers share one."""
        return await self._flights.run(None, self._client.get_session)

    async def renew(self) -> None:
        """Replace the session for HTTP; the socket stays open."""
        if self._client.state not in _RECONNECTING:
            self.use(await self.fresh())

    async def reauthenticate(self, stale: str) -> str:
        """Return a new token for an HTTP call that was answered with 401."""
        current = self._client.session_manager.get_session()
        if current.token != stale or self._over:
            return current.token
        session = await self.fresh()
        self.use(session)
        return session.token

    async def new_urls(self) -> Sequence[str]:
        """Create a session for a reconnect and return its socket addresses.

        Raises:
            SessionRefusedError: If the server refuses the credentials for good.
            MezonError: If no session can be created now.
        """
        try:
            session = await self.fresh()
        except AuthenticationError as error:
            if self._is_final(error):
                self.refused = error
                raise SessionRefusedError(str(error)) from error
            raise
        self.use(session)
        return self._client.socket_manager.socket.urls(session)

    def _is_final(self, error: AuthenticationError) -> bool:
        """Return whether the credentials are invalid. A 403 without a body may be a rate limit, so it must persist."""
        status = getattr(error, "status", 0)
        if status == 403 and not getattr(error, "body", ""):
            self._bare_refusals += 1
            return self._bare_refusals > _TOLERATED_REFUSALS
        return status in (401, 403)


def _tls_hint(text: str, use_ssl: bool, url: str) -> str | None:
    """Return an error text if a connection failed because only one side uses TLS; None otherwise."""
    place = url.partition("://")[2]
    if use_ssl and ("WRONG_VERSION_NUMBER" in text or "record layer failure" in text.lower()):
        return f"authenticate: {place} does not speak TLS. If it is a server of your own: use_ssl=False"
    if not use_ssl and "ServerDisconnected" in text:
        return (
            f"authenticate: {place} closed the connection without an answer, as a server does that speaks TLS. "
            "If it does: use_ssl=True"
        )
    return None


class _Renewal:
    """The timer that renews a session before it expires, so that HTTP calls find a valid token.

    Args:
        renew: Creates a session and passes it to `begin`.
        background: The background tasks of the client.
    """

    def __init__(self, renew: Callable[[], Awaitable[None]], background: BackgroundTasks) -> None:
        self._renew = renew
        self._background = background
        self._timer: asyncio.TimerHandle | None = None
        self._expires_at = 0.0
        self._warned = False

    def begin(self, session: Session) -> None:
        """Renew this session, and no other, before it expires."""
        self.stop()
        if session.expires_at is None:
            return
        self._expires_at = float(session.expires_at)
        left = self._expires_at - time.time()
        if left <= 0:
            # The clocks of server and client differ, so the time of expiry is unknown.
            if not self._warned:
                self._warned = True
                logger.warning(
                    "The server's new session has expired by the clock of this machine: set the clock. "
                    "Until then a session is renewed when the server refuses it"
                )
            return
        self._sleep(left - min(_MARGIN, left * _MARGIN_PART))

    def stop(self) -> None:
        """Renew no session."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _sleep(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(min(max(seconds, _MIN_SLEEP), _MAX_SLEEP), self._wake)

    def _wake(self) -> None:
        self._timer = None
        left = self._expires_at - time.time()
        if left > 2 * _MARGIN:
            # The session lives longer than the longest timer.
            self._sleep(left - _MARGIN)
        else:
            self._background.spawn(self._try(), "renewing the session")

    async def _try(self) -> None:
        try:
            await self._renew()
        except Exception as error:
            left = self._expires_at - time.time()
            again = left > 0 and not isinstance(error, AuthenticationError)
            logger.warning(
                "The session could not be renewed; %s: %s",
                "retrying" if again else "the next refused call retries",
                error,
            )
            if again and self._timer is None:
                self._sleep(min(_RETRY_DELAY, left * _MARGIN_PART))
