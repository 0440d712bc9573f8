"""When a call is made once more, and after how long. Plain decisions, no I/O."""

from __future__ import annotations

import datetime
import email.utils
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from mezon._http.backoff import Backoff

__all__ = ["Refusal", "RetryPolicy", "read_refusal", "retry_after_seconds"]

_SPEAKS_OF_RATE = re.compile(r"rate|too many|throttl|quota|slow down|too fast|limit", re.IGNORECASE)
_SPEAKS_OF_RIGHTS = re.compile(
    r"permission|denied|not allowed|unauthori[sz]ed|credential|invalid|not found|owner|member", re.IGNORECASE
)


class Refusal(Enum):
    """What an answer that is no success means for trying again."""

    FINAL = "final"
    RATE = "rate"
    MAYBE_RATE = "maybe rate"
    TROUBLE = "trouble"


def read_refusal(status: int, headers: Mapping[str, str], text: str) -> Refusal:
    """Sort an answer.

    429 is a rate answer. So is a 403 with ``Retry-After`` or a text about rates; a 403 that gives another
    reason is final, and one that gives none may be either (bots report a bare 403 for calls under a second
    apart). 502, 503 and 504 are trouble that may pass.
    """
    if status == 429:
        return Refusal.RATE
    if status == 403:
        if "Retry-After" in headers or _SPEAKS_OF_RATE.search(text):
            return Refusal.RATE
        return Refusal.FINAL if _SPEAKS_OF_RIGHTS.search(text) else Refusal.MAYBE_RATE
    return Refusal.TROUBLE if status in (502, 503, 504) else Refusal.FINAL


def retry_after_seconds(headers: Mapping[str, str], now: datetime.datetime | None = None) -> float | None:
    """Give the seconds of a ``Retry-After`` header (a number, or an HTTP date), or None."""
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
    """Bounds on trying again.

    Attributes:
        rate: Retries of a call after answers about the rate (429, 403).
        maybe_rate: Retries after a 403 that gives no reason.
        trouble: Retries of a harmless-to-repeat call after a lost connection, 502, 503 or 504; also of any
            call that never reached the server.
        base: Seconds of the first wait when the server names none; doubled each time, less up to half as
            jitter.
        max_wait: The longest wait in seconds. A server that asks for more gets no retry: the error says how
            long.
    """

    rate: int = 3
    maybe_rate: int = 1
    trouble: int = 2
    base: float = 1.0
    max_wait: float = 30.0

    def allowed(self, refusal: Refusal, done: int, *, harmless: bool) -> bool:
        """Say whether a call that was retried ``done`` times is made again."""
        if refusal is Refusal.RATE:
            return done < self.rate
        if refusal is Refusal.MAYBE_RATE:
            return done < self.maybe_rate
        return refusal is Refusal.TROUBLE and harmless and done < self.trouble

    def wait(self, done: int, retry_after: float | None, rng: random.Random | None = None) -> float | None:
        """Give the seconds to wait before retry number ``done`` (from 0), or None when the server asks for too
        long."""
        if retry_after is not None:
            return retry_after if retry_after <= self.max_wait else None
        # Less up to half of it, so that calls that failed together do not come back together.
        return Backoff(self.base, self.max_wait, less=0.5).wait(done, rng)
