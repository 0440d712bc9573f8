"""Logins: who may come in, and the tokens they hold."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
import secrets
import time
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Sessions", "make_jwt"]


def make_jwt(claims: dict[str, Any], key: bytes) -> str:
    """Make an HS256 JSON Web Token."""
    head = _segment(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
    signed = f"{head}.{_segment(json.dumps(claims).encode())}"
    return f"{signed}.{_segment(hmac.new(key, signed.encode(), hashlib.sha256).digest())}"


def _segment(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass(slots=True)
class Sessions:
    """Accounts and the tokens given out.

    Attributes:
        lifetime: Seconds a token is good for.
        limit: How many tokens are remembered; the oldest go first.
        claims: What the next tokens say in place of what is so, such as ``{"exp": 0}``. They are good all the same.
    """

    lifetime: float = 3600.0
    limit: int = 10_000
    claims: dict[str, Any] = field(default_factory=dict)
    accounts: dict[int, str] = field(default_factory=dict, repr=False)
    """API key by bot id."""
    _tokens: dict[str, tuple[int, float, str]] = field(default_factory=dict, repr=False)
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    _count: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def login(self, appid: object, api_key: object) -> int | None:
        """Give the bot's id when id and key belong together, else None."""
        text = str(appid)
        bot_id = int(text) if text.isascii() and text.isdecimal() else None
        known = self.accounts.get(bot_id) if bot_id is not None else None
        if (
            known is None
            or not isinstance(api_key, str)
            or not hmac.compare_digest(known.encode(), api_key.encode())
        ):
            return None
        return bot_id

    def issue(self, user_id: int, *, use: str = "access") -> str:
        """Give a new token. Each is different, as each login is."""
        expires = time.time() + self.lifetime
        claims = {
            "tid": f"{use}-{next(self._count)}",
            "uid": user_id,
            "exp": int(expires),
            "vrs": {"use": use},
            **self.claims,
        }
        token = make_jwt(claims, self._key)
        if use == "access":
            self.remember(token, user_id, use)
        return token

    def issue_session_id(self, user_id: int) -> str:
        """Give a new id of a session: what a client may show on the TCP socket in place of its token."""
        session_id = "AAA" + secrets.token_urlsafe(24)
        self.remember(session_id, user_id, "socket")
        return session_id

    def remember(self, token: str, user_id: int, use: str) -> None:
        """Let this token in, for ``access`` or for the TCP ``socket`` alone."""
        while len(self._tokens) >= self.limit:
            del self._tokens[next(iter(self._tokens))]
        self._tokens[token] = (user_id, time.time() + self.lifetime, use)

    def check(self, token: str, *uses: str) -> int | None:
        """Say whose token this is, or None when it is unknown, over, or for another use (default: ``access``)."""
        user_id, expires, use = self._tokens.get(token, (None, 0.0, ""))
        return user_id if time.time() < expires and use in (uses or ("access",)) else None

    def expire_all(self) -> None:
        """Refuse every token given out so far from now on."""
        self._tokens.clear()
