"""The calls to the server that users cause by naming a user or a channel: bounded for each user."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, TypeVar
from weakref import WeakSet

from mezon import InvalidArgumentError
from mezon.ext.errors import CooldownError

if TYPE_CHECKING:
    from mezon import Clan

T = TypeVar("T")

#: Seconds in which a user may cause ``Bot(lookups_per_minute=...)`` calls.
_PERIOD: Final = 60.0

#: Users whose calls are remembered; the one whose last call is longest ago is forgotten first.
_REMEMBERED: Final = 10_000


class _Turn:
    """The lock of a user, while at least one lookup of that user runs or waits."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.users = 0


class Lookups:
    """Limits lookups that call the server: one at a time and ``limit`` a minute for each user.

    HTTP has room for about one call a second. Without these bounds a single user who names unknown ids would fill
    its queue, and everybody else would wait.

    Args:
        limit: How many lookups a user may cause in a minute.

    Raises:
        InvalidArgumentError: If the limit is no number above 0.
    """

    def __init__(self, limit: int) -> None:
        if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
            raise InvalidArgumentError(f"lookups_per_minute must be an int >= 1, not {limit!r}")
        self.limit = limit
        self._calls: OrderedDict[int, deque[float]] = OrderedDict()
        self._turns: dict[int, _Turn] = {}
        self._loaded: WeakSet[Clan] = WeakSet()

    async def run(self, user_id: int, call: Callable[[], Awaitable[T]]) -> T:
        """Make a call on behalf of a user, after that user's earlier calls.

        Raises:
            CooldownError: If the user has caused too many calls.
        """
        self._count(user_id)
        turn = self._turns.setdefault(user_id, _Turn())
        turn.users += 1
        try:
            async with turn.lock:
                return await call()
        finally:
            turn.users -= 1
            if not turn.users:
                del self._turns[user_id]

    async def load_channels(self, user_id: int, clan: Clan) -> None:
        """Load the channels of a clan, once; only the call to the server counts.

        Raises:
            CooldownError: If the user has caused too many calls.
            MezonError: If the channels cannot be listed.
        """
        if clan not in self._loaded:
            await self.run(user_id, clan.load_channels)
            self._loaded.add(clan)

    def _count(self, user_id: int) -> None:
        now = asyncio.get_running_loop().time()
        calls = self._calls.setdefault(user_id, deque())
        self._calls.move_to_end(user_id)
        while calls and calls[0] <= now - _PERIOD:
            calls.popleft()
        if len(calls) >= self.limit:
            raise CooldownError(calls[0] + _PERIOD - now)
        calls.append(now)
        if len(self._calls) > _REMEMBERED:
            self._calls.popitem(last=False)
