"""The retry policy: which calls are repeated, and after which delay. No I/O."""

from __future__ import annotations

import datetime
import email.utils
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from mezon.utils.backoff import Backoff

__all__ = ["Refusal", "RetryPolicy", "read_refusal", "retry_after_seconds"]

_ABOUT_RATE = re.compile(r"rate|too many|throttl|quota|slow down|too fast|limit", re.IGNORECASE)
_ABOUT_PERMISSIONS = re.compile(
    r"permission|denied|not allowed|unauthori[sz]ed|credential|invalid|not found|owner|member", re.IGNORECASE
)


class Refusal(Enum):
    """The meaning of an error response for retries."""

    FINAL = "final"
    RATE = "rate"
    MAYBE_RATE = "maybe rate"
    TROUBLE = "trouble"


def read_refusal(status: int, headers: Mapping[str, str], text: str) -> Refusal:
    """Classify an error response.

    429 is a rate limit, and so is a 403 with ``Retry-After`` or a text about rates. A 403 with another reason is final.
    A 403 without a reason may be either: bots report it for calls less than a second apart. 502, 503 and 504 are
    temporary.
    """
    if status == 429:
        return Refusal.RATE
    if status == 403:
        if "Retry-After" in headers or _ABOUT_RATE.search(text):
            return Refusal.RATE
        return Refusal.FINAL if _ABOUT_PERMISSIONS.search(text) else Refusal.MAYBE_RATE
    return Refusal.TROUBLE if status in (502, 503, 504) else Refusal.FINAL


def retry_after_seconds(headers: Mapping[str, str], now: datetime.datetime | None = None) -> float | None:
    """Return the seconds of a ``Retry-After`` header (a number or an HTTP date), or None."""
    text = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text):
        return float(text)
    try:
        at = email.utils.parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=datetime.UTC)
    return max((at - (now or datetime.datetime.now(datetime.UTC))).total_seconds(), 0.0)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Limits of retries.

    Attributes:
        rate: Retries of a call after rate limit responses (429, 403).
        maybe_rate: Retries after a 403 without a reason.
        trouble: Retries of an idempotent call after a lost connection, 502, 503 or 504; also of any call that did not
            reach the server.
        base: The first delay in seconds if the server does not specify one. It doubles with each retry; the jitter
            subtracts up to half of it.
        max_wait: The maximum delay in seconds. If the server requests a longer one, the call fails with an error that
            contains it.
    """

    rate: int = 3
    maybe_rate: int = 1
    trouble: int = 2
    base: float = 1.0
    max_wait: float = 30.0

    def allowed(self, refusal: Refusal, done: int, *, idempotent: bool) -> bool:
        """Return whether a call is repeated after ``done`` retries."""
        if refusal is Refusal.RATE:
            return done < self.rate
        if refusal is Refusal.MAYBE_RATE:
            return done < self.maybe_rate
        return refusal is Refusal.TROUBLE and idempotent and done < self.trouble

    def wait(self, done: int, retry_after: float | None, rng: random.Random | None = None) -> float | None:
        """Return the delay in seconds after ``done`` retries (from 0); None if the requested delay is too long."""
        if retry_after is not None:
            return retry_after if retry_after <= self.max_wait else None
        return Backoff(self.base, self.max_wait, less=0.5).wait(done, rng)
