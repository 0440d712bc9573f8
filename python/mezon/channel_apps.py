"""Verify who opened a channel app: the signed launch data that Mezon's clients put into the app's URL.

Source of the algorithm: docs/protocol.md, "Channel apps".
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl

from mezon.errors import InvalidArgumentError, MezonError

__all__ = ["AppData", "AppDataError", "verify_app_data"]

#: Largest launch data that is verified, in characters; the real data has a few hundred.
MAX_LENGTH: Final = 16 * 1024
#: Seconds by which the clock of the server that signed may be ahead of this machine's.
CLOCK_SKEW: Final = 60.0
_HASH: Final = "&hash="


class AppDataError(MezonError, ValueError):
    """The launch data of a channel app is malformed, was not signed with this secret, or has expired."""


@dataclass(frozen=True, slots=True)
class AppData:
    """The verified launch data of a channel app.

    Attributes:
        user_id: The id of the user who opened the app.
        user: Everything Mezon says of the user: ``id``, ``username``, ``mezon_id`` and so on.
        auth_date: When the data was signed, as a UNIX time in seconds.
        query_id: The id of this launch; empty if there is none.
        fields: Every signed field as text.
    """

    user_id: int
    user: Mapping[str, Any]
    auth_date: int
    query_id: str = ""
    fields: Mapping[str, str] = field(default_factory=dict, repr=False)


def verify_app_data(data: str, secret: str, *, max_age: float | None = 86_400.0) -> AppData:
    """Verify the launch data of a channel app and return its content.

    ```python
    from mezon import verify_app_data

    def whoami(query: dict[str, str]) -> str:
        return f"user {verify_app_data(query['data'], 'the app secret').user_id}"
    ```

    Args:
        data: The value of the query parameter ``data``, URL-decoded once, as web frameworks return it.
        secret: The secret of the app, from Mezon's developer portal. Keep it on the server.
        max_age: Seconds since the data was signed after which it is rejected; None accepts any age.

    Raises:
        AppDataError: If the data is malformed, has a wrong signature or is too old (a ValueError).
        InvalidArgumentError: If the secret is empty (a ValueError).
    """
    if not secret:
        raise InvalidArgumentError("the secret of the channel app is empty; is its environment variable set?")
    signed, separator, signature = data.rpartition(_HASH)
    if not separator or len(data) > MAX_LENGTH:
        raise AppDataError(
            "this is not the launch data of a channel app: pass the value of the query parameter `data`, decoded once"
        )
    if not hmac.compare_digest(_signature(signed, secret), signature.lower().encode("utf-8", "replace")):
        raise AppDataError(
            "the launch data was not signed with this app's secret; check the secret, and decode `data` exactly once"
        )
    fields = dict(parse_qsl(signed, keep_blank_values=True))
    auth_date = _number(fields.get("auth_date"))
    age = time.time() - auth_date
    if auth_date <= 0 or age < -CLOCK_SKEW:
        raise AppDataError("the launch data has no valid auth_date; check the clock of this machine")
    if max_age is not None and age > max_age:
        raise AppDataError(
            f"the launch data was signed {age:.0f} s ago, more than max_age={max_age:g}; let the user reopen the app"
        )
    user = _user(fields.get("user", ""))
    return AppData(_number(user.get("id")), user, auth_date, fields.get("query_id", ""), fields)


def _signature(signed: str, secret: str) -> bytes:
    """Return the hexadecimal signature of the text before ``&hash=``."""
    # The MD5 digest is used as text, not as bytes: this is what the clients' server does.
    app_key = hashlib.md5(secret.encode(), usedforsecurity=False).hexdigest().encode()
    key = hmac.new(app_key, b"WebAppData", hashlib.sha256).digest()
    return hmac.new(key, signed.encode("utf-8", "replace"), hashlib.sha256).hexdigest().encode()


def _user(text: str) -> dict[str, Any]:
    try:
        user = json.loads(text or "{}")
    except (ValueError, RecursionError):
        user = None
    if not isinstance(user, dict) or _number(user.get("id")) <= 0:
        raise AppDataError("the launch data names no user")
    return user


def _number(value: Any) -> int:
    """Return a decimal number of at most 20 digits, or 0 if the value is not one."""
    text = str(value)
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 20 else 0
