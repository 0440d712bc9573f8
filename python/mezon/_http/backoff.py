"""How long to wait before another try: one rule for calls, transfers and streams."""

from __future__ import annotations

import random
from dataclasses import dataclass

__all__ = ["Backoff"]

#: A server that is down for days must not end in an OverflowError.
_MOST_DOUBLINGS = 32


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits that double, up to a longest one, with chance in them so that not everybody comes back at once.

    Attributes:
        first: Seconds of the first wait.
        longest: The longest wait in seconds, before ``more``.
        less: The part of a wait that chance may take away, from 0 to 1.
        more: Seconds that chance may add.
    """

    first: float = 1.0
    longest: float = 30.0
    less: float = 0.0
    more: float = 0.0

    def wait(self, done: int, rng: random.Random | None = None) -> float:
        """Give the seconds before try number ``done`` (from 0)."""
        chance = rng or random
        wait = min(self.first * 2.0 ** min(done, _MOST_DOUBLINGS), self.longest)
        return wait * (1 - self.less * chance.random()) + self.more * chance.random()
