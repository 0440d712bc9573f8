"""What the service is said to limit, and how the gateway counts it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final, Self

__all__ = ["TOO_MANY", "Limits", "Meter", "SendCounter"]

TOO_MANY: Final = 429

_SECOND: Final = 1.0
_MINUTE: Final = 60.0


@dataclass(slots=True)
class Limits:
    """Limits in force on each connection; None is no limit.

    Attributes:
        sends_per_second, sends_per_minute: Channel and ephemeral messages. What goes above them is answered with
            ``error{429}`` and not carried out.
    """

    sends_per_second: int | None = None
    sends_per_minute: int | None = None

    @classmethod
    def of_the_service(cls) -> Self:
        """What the live service is said to allow: 60 sends a second, 200 a minute."""
        return cls(sends_per_second=60, sends_per_minute=200)


class SendCounter:
    """The messages one connection sent in the last minute."""

    def __init__(self) -> None:
        self._times: deque[float] = deque()

    def take(self, now: float, limits: Limits) -> bool:
        """Counts one message; False, and not counted, when it is one too many."""
        if limits.sends_per_second is None and limits.sends_per_minute is None:
            return True
        times = self._times
        while times and times[0] <= now - _MINUTE:
            times.popleft()
        if limits.sends_per_minute is not None and len(times) >= limits.sends_per_minute:
            return False
        if limits.sends_per_second is not None:
            recent = 0
            for time in reversed(times):
                if time <= now - _SECOND:
                    break
                recent += 1
            if recent >= limits.sends_per_second:
                return False
        times.append(now)
        return True


@dataclass(slots=True)
class Meter:
    """The frames of each bot, over all of its connections.

    Attributes:
        busiest_second: The most frames one bot sent within any second so far, pings counted too.
    """

    busiest_second: int = 0
    _recent: dict[int, deque[float]] = field(default_factory=dict, repr=False)

    def count(self, bot_id: int, now: float) -> None:
        """Counts a frame."""
        times = self._recent.setdefault(bot_id, deque())
        times.append(now)
        while times[0] <= now - _SECOND:
            times.popleft()
        self.busiest_second = max(self.busiest_second, len(times))
