"""The session of a client: authenticated at login, renewed in time, a new one for each reconnect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mezon._client.renewal import Renewal
from mezon.errors import AuthenticationError, MezonConnectionError, NotLoggedInError
from mezon.ports import SessionRefusedError
from mezon.utils.masked import masked
from mezon.utils.single_flight import SingleFlight

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from typing import Any

    from mezon._client.view import ClientView
    from mezon._http.route import ApiRoute
    from mezon.api import MezonApi
    from mezon.ports import Connection, Ports
    from mezon.session import Session

#: States in which a reconnect is about to bring a new session by itself.
_SESSION_COMES: Final = ("backoff", "authenticating")

#: How often a reconnect takes a 403 without a reason for a rate limit before it believes it.
_DOUBTS: Final = 2


class Sessions:
    """Brings sessions and watches the end of the one in use.

    Args:
        client: The client.
        ports: Where HTTP requests go.
        beside: Runs a coroutine that nobody waits for; the text says what it does.
        route: Which way the calls of the API go.
        connection: Gives the connection those over the socket take; None while there is none.
    """

    def __init__(
        self,
        client: ClientView,
        ports: Ports,
        beside: Callable[[Coroutine[Any, Any, Any], str], None],
        route: ApiRoute,
        connection: Callable[[], Connection | None],
    ) -> None:
        self._client = client
        self._ports = ports
        self._route = route
        self._connection = connection
        self._renewal = Renewal(self.renew, lambda trying: beside(trying, "renewing the session"))
        self._flights: SingleFlight[None, Session] = SingleFlight()
        self._doubts = 0
        #: Why no further session can be had; None while one can.
        self.refused: AuthenticationError | None = None
        #: The client is closed: the session it had is the last until a login.
        self._over = False

    def begin(self) -> None:
        """Begin a login: what an earlier one was told does not count."""
        self.refused = None
        self._over = False
        self._doubts = 0

    def connected(self) -> None:
        """Note that the connection is ready, so the credentials hold."""
        self._doubts = 0

    def stop(self) -> None:
        """Renew no more."""
        self._renewal.stop()

    def end(self) -> None:
        """Get no new session before the next login."""
        self._over = True
        self.stop()

    # ---- the session in use

    def token(self) -> str:
        """Give the token of the session in use.

        Raises:
            NotLoggedInError: If there is none.
        """
        manager = self._client.session_manager
        session = manager.get_session() if manager is not None else None
        if session is None:
            raise NotLoggedInError("this needs a session: await client.login() first")
        return session.token

    def use(self, session: Session) -> None:
        """Use a session from now on."""
        self._client.session_manager.session = session
        self._client.api_client.base_url = self.api_url(session)
        self.watch(session)

    def watch(self, session: Session) -> None:
        """Renew this session in time."""
        self._renewal.begin(session)

    def new_token(self, token: str, refresh_token: str | None) -> None:
        """Go on with a token that the server sent by itself."""
        manager = self._client.session_manager
        session = manager.get_session() if manager is not None else None
        if session is not None:
            session.update(token, refresh_token)
            self._renewal.begin(session)

    def api_url(self, session: Session) -> str:
        """Say where the HTTP API of a session is: its path is dropped, and it is not followed down to plain text.

        Raises:
            AuthenticationError: If nobody can be called there.
        """
        from mezon._http.address import http_base

        try:
            return http_base(session.api_url, self._client.use_ssl)
        except ValueError as error:
            raise AuthenticationError(
                f"the server's session names an api_url that cannot be used: {error}; check host and port"
            ) from None

    def make_api(self, base_url: str) -> MezonApi:
        """Make an API client with the settings of the client."""
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
        """Get a session of its own; nothing of the client changes.

        Raises:
            AuthenticationError: If the server refuses the credentials, or answers without a usable session.
            MezonConnectionError, MezonTimeoutError: If it cannot be reached.
        """
        from mezon.managers.session import SessionManager
        from mezon.session import Session
        from mezon.socket._url import with_plain_scheme

        client = self._client
        api = self.make_api(client.login_url)
        try:
            answer = await SessionManager(api).authenticate(client.client_id, masked(client.api_key))
        except MezonConnectionError as error:
            hint = _about_tls(str(error), client.use_ssl, client.login_url)
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
        """Get a fresh session; those who want one at the same time share it."""
        return await self._flights.run(None, self._client.get_session)

    async def renew(self) -> None:
        """Renew the session for HTTP; the socket lives on."""
        if self._client.state not in _SESSION_COMES:
            self.use(await self.fresh())

    async def reauthenticate(self, stale: str) -> str:
        """Get a new token for an HTTP call that was answered 401."""
        current = self._client.session_manager.get_session()
        if current.token != stale or self._over:
            return current.token
        session = await self.fresh()
        self.use(session)
        return session.token

    async def new_urls(self) -> Sequence[str]:
        """Get the addresses for a reconnect, with a fresh session.

        Raises:
            SessionRefusedError: If the server refuses the credentials for good.
            MezonError: If there is no session now.
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
        """Do the credentials not hold any more? A bare 403 may be about the rate, so it counts when it stays."""
        status = getattr(error, "status", 0)
        if status == 403 and not getattr(error, "body", ""):
            self._doubts += 1
            return self._doubts > _DOUBTS
        return status in (401, 403)


def _about_tls(text: str, use_ssl: bool, url: str) -> str | None:
    """Give a sentence when the client speaks TLS to a server that does not, or the other way round; else None."""
    place = url.partition("://")[2]
    if use_ssl and ("WRONG_VERSION_NUMBER" in text or "record layer failure" in text.lower()):
        return f"authenticate: {place} does not speak TLS. If it is a server of your own: use_ssl=False"
    if not use_ssl and "ServerDisconnected" in text:
        return (
            f"authenticate: {place} closed the connection without an answer, as a server does that speaks TLS. "
            "If it does: use_ssl=True"
        )
    return None
