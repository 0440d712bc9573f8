"""The session created by a login: its token, its expiry and the addresses of the server."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from mezon import models
from mezon.errors import AuthenticationError
from mezon.utils.secrets import masked

if TYPE_CHECKING:
    from mezon.models import ApiSession


#: The largest expiry in seconds: exact as a float, and valid in every database column.
_FAR = 2**53


class Session:
    """A session of the bot. The tokens are attributes but not part of the repr.

    Attributes:
        token: The bearer token, a JWT. Its signature is not verified: only the server can.
        refresh_token: The token that renews the session; "" if the server sent none.
        api_url: The address of the HTTP API; "" if the server sent none.
        ws_url: The address of the WebSocket with its scheme; "" if the server sent none.
        tcp_url: The address of the TCP socket as the server sent it; "" if it sent none.
        user_id: The bot's id as a str.
        username: The bot's name; "" if the token does not contain it.
        created_at: UNIX time in seconds.
        expires_at: UNIX time in seconds.
        refresh_expires_at: UNIX time in seconds, None if unknown.
        vars: The variables of the session.
    """

    def __init__(
        self, api_session: ApiSession, fallback_api_url: str = "", fallback_ws_url: str = ""
    ) -> None:
        """Create a session from the answer to a login; the fallbacks replace addresses that it omits.

        Raises:
            AuthenticationError: If the answer has no token, or the token cannot be decoded.
        """
        self.refresh_token: str = ""
        self.id_token: str = masked(api_session.id_token or "")
        self.api_url: str = api_session.api_url or fallback_api_url
        self.tcp_url: str = api_session.tcp_url or ""
        # A server that sends only the address of a TCP socket has no WebSocket.
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
        """Return a socket URL with its scheme, by default wss; "" for no URL."""
        if not ws_url:
            return ""
        scheme, separator, rest = ws_url.partition("://")
        if not separator:
            return f"wss://{ws_url}"
        return f"{ {'https': 'wss', 'http': 'ws'}.get(scheme, scheme) }://{rest}"

    def is_expired(self, current_time: float) -> bool:
        """Return whether the token has expired at ``current_time`` (UNIX seconds)."""
        return self.expires_at is None or self.expires_at < current_time

    def is_refresh_expired(self, current_time: float) -> bool:
        """Return whether the refresh token has expired at ``current_time`` (UNIX seconds), or does not exist."""
        return self.refresh_expires_at is None or self.refresh_expires_at < current_time

    def update(self, token: str, refresh_token: str | None = None) -> None:
        """Replace the token.

        Raises:
            AuthenticationError: If the token cannot be decoded. The session is unchanged.
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
            # The format of a refresh token may differ, and a new login needs none.
            try:
                self.refresh_expires_at = _expiry(_claims(refresh_token))
            except AuthenticationError:
                self.refresh_expires_at = None
        return claims

    @classmethod
    def restore(cls, session: Mapping[str, Any] | ApiSession) -> Self:
        """Return a session from the saved fields of an earlier ``ApiSession``.

        Raises:
            AuthenticationError: As the constructor.
        """
        if not isinstance(session, Mapping):
            return cls(session)
        return cls(models.ApiSession.model_validate(session))

    def __repr__(self) -> str:
        return f"<Session user_id={self.user_id} expires_at={self.expires_at}>"


def _claims(token: str) -> dict[str, Any]:
    """Return the claims of a JWT."""
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
        # Not chained: the cause contains the token.
        raise AuthenticationError(
            "the server sent a session token that is not a JWT: check host and port"
        ) from None
    return claims


def _expiry(claims: dict[str, Any]) -> int | None:
    try:
        # Clamp arbitrary numbers of the server.
        return max(-_FAR, min(int(claims["exp"]), _FAR))
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
