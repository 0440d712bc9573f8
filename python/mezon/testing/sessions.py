"""Accounts of bots, and the tokens that a login issues."""

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
    """Return a JSON Web Token signed with HS256."""
    head = _segment(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
    signed = f"{head}.{_segment(json.dumps(claims).encode())}"
    return f"{signed}.{_segment(hmac.new(key, signed.encode(), hashlib.sha256).digest())}"


def _segment(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass(slots=True)
class Sessions:
    """Accounts and valid tokens.

    Attributes:
        lifetime: Lifetime of a token in seconds.
        limit: Maximum number of valid tokens; the oldest are dropped first.
        claims: Claims that replace those of new tokens, such as ``{"exp": 0}``. They do not affect validity.
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
        """Return the bot's id if id and key are valid, otherwise None."""
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
        """Return a new, unique token."""
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
        """Return a new session id, which a client can use on the TCP socket instead of its token."""
        session_id = "AAA" + secrets.token_urlsafe(24)
        self.remember(session_id, user_id, "socket")
        return session_id

    def remember(self, token: str, user_id: int, use: str) -> None:
        """Make a token valid, for ``access`` or only for the TCP ``socket``."""
        while len(self._tokens) >= self.limit:
            del self._tokens[next(iter(self._tokens))]
        self._tokens[token] = (user_id, time.time() + self.lifetime, use)

    def check(self, token: str, *uses: str) -> int | None:
        """Return the user of a token, or None if the token is unknown, expired or for another use."""
        user_id, expires, use = self._tokens.get(token, (None, 0.0, ""))
        return user_id if time.time() < expires and use in (uses or ("access",)) else None

    def expire_all(self) -> None:
        """Invalidate every issued token."""
        self._tokens.clear()
