"""The session that a login gives: its token, when it ends, and where to go with it."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from mezon.errors import AuthenticationError
from mezon.utils.masked import masked

if TYPE_CHECKING:
    from mezon.models import ApiSession


#: Seconds; a time that fits every clock, float and database column.
_FAR = 2**53


class Session:
    """A session of the bot. Tokens are attributes, but stay out of its repr.

    Attributes:
        token: The bearer token, a JWT. Its signature is not looked at: only the server can judge it.
        refresh_token: The token to renew the session with, "" if the server gave none.
        api_url: Where the HTTP API lives, "" if the server did not say.
        ws_url: Where the WebSocket lives, with its scheme, "" if the server did not say.
        tcp_url: Where the TCP socket lives, as the server wrote it, "" if it did not say.
        user_id: The bot's id as a str.
        username: The bot's name, "" if the token does not tell.
        created_at: UNIX time in seconds.
        expires_at: UNIX time in seconds.
        refresh_expires_at: UNIX time in seconds, None if unknown.
        vars: The variables of the session.
    """

    def __init__(
        self, api_session: ApiSession, fallback_api_url: str = "", fallback_ws_url: str = ""
    ) -> None:
        """Read the answer to a login.

        The fallbacks are used for addresses that the answer leaves out.

        Raises:
            AuthenticationError: If the answer has no token, or one that cannot be read.
        """
        self.refresh_token: str = ""
        self.id_token: str = masked(api_session.id_token or "")
        self.api_url: str = api_session.api_url or fallback_api_url
        self.tcp_url: str = api_session.tcp_url or ""
        # A server that names a TCP socket alone has no WebSocket.
        self.ws_url: str = self.restore_ws_url(
            api_session.ws_url or ("" if self.tcp_url else fallback_ws_url)
        )
        self.created_at: int = int(time.time())
        self.expires_at: int | None = None
        self.refresh_expires_at: int | None = None
        self.vars: dict[str, Any] = {}
        claims = self._use(masked(api_session.token or ""), masked(api_session.refresh_token))
        self.user_id: str = str(api_session.user_id or claims.get("uid") or "")
        self.username: str = str(claims.get("usn") or "")

    def restore_ws_url(self, ws_url: str | None) -> str:
        """Give a socket URL with its scheme: wss unless it says otherwise. Nothing stays ""."""
        if not ws_url:
            return ""
        scheme, separator, rest = ws_url.partition("://")
        if not separator:
            return f"wss://{ws_url}"
        return f"{ {'https': 'wss', 'http': 'ws'}.get(scheme, scheme) }://{rest}"

    def is_expired(self, current_time: float) -> bool:
        """Say whether the token has expired at ``current_time`` (UNIX seconds)."""
        return self.expires_at is None or self.expires_at < current_time

    def is_refresh_expired(self, current_time: float) -> bool:
        """Say whether the refresh token has expired at ``current_time`` (UNIX seconds), or there is none."""
        return self.refresh_expires_at is None or self.refresh_expires_at < current_time

    def update(self, token: str, refresh_token: str | None = None) -> None:
        """Go on with a new token.

        Raises:
            AuthenticationError: If it cannot be read. The session stays as it was.
        """
        token, refresh_token = masked(token), masked(refresh_token)
        self._use(token, refresh_token)

    def _use(self, token: str, refresh_token: str | None) -> dict[str, Any]:
        claims = _claims(token)
        expires_at = _expiry(claims)
        if expires_at is None:
            raise AuthenticationError("the server sent a session token without an expiry time: log in again")
        self.token: str = token
        self.expires_at = expires_at
        variables = claims.get("vrs")
        self.vars = dict(variables) if isinstance(variables, Mapping) else {}
        if refresh_token:
            self.refresh_token = refresh_token
            # The server may use another format here, and a new login needs no refresh token.
            try:
                self.refresh_expires_at = _expiry(_claims(refresh_token))
            except AuthenticationError:
                self.refresh_expires_at = None
        return claims

    @classmethod
    def restore(cls, session: Mapping[str, Any] | ApiSession) -> Self:
        """Give a session from what was kept of an earlier login: the fields of ``ApiSession``.

        Raises:
            AuthenticationError: As the constructor does.
        """
        if not isinstance(session, Mapping):
            return cls(session)
        from mezon.models import ApiSession

        return cls(ApiSession.model_validate(session))

    def __repr__(self) -> str:
        return f"<Session user_id={self.user_id} expires_at={self.expires_at}>"


def _claims(token: str) -> dict[str, Any]:
    """Give the claims of a JWT."""
    if not token:
        raise AuthenticationError(
            "the server accepted the login but sent no session token: check the bot id and the API key"
        )
    try:
        body = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (IndexError, ValueError, RecursionError):
        claims = None
    if not isinstance(claims, dict):
        # The cause would quote the token, so it is not chained.
        raise AuthenticationError(
            "the server sent a session token that is no JWT: check host and port"
        ) from None
    return claims


def _expiry(claims: dict[str, Any]) -> int | None:
    try:
        # A server may write any number; what is beyond these is as good as never and as good as over.
        return max(-_FAR, min(int(claims["exp"]), _FAR))
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
