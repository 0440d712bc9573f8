"""Exponential backoff, used by HTTP calls, transfers, streams and the cluster."""

from __future__ import annotations

import random
from dataclasses import dataclass

__all__ = ["Backoff"]

#: The exponent is bounded, so that a server that is down for days does not cause an OverflowError.
_MAX_DOUBLINGS = 32


@dataclass(frozen=True, slots=True)
class Backoff:
    """Delays that double up to a maximum, with jitter that spreads the retries of many clients.

    Attributes:
        first: The first delay in seconds.
        longest: The maximum delay in seconds, before ``more`` is added.
        less: The share of a delay that the jitter may subtract, from 0 to 1.
        more: The number of seconds that the jitter may add.
    """

    first: float = 1.0
    longest: float = 30.0
    less: float = 0.0
    more: float = 0.0

    def wait(self, done: int, rng: random.Random | None = None) -> float:
        """Return the delay in seconds after ``done`` retries (from 0)."""
        source = rng or random
        delay = min(self.first * 2.0 ** min(done, _MAX_DOUBLINGS), self.longest)
        return delay * (1 - self.less * source.random()) + self.more * source.random()
