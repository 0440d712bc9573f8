"""Joining clans, however many there are: in turns, within the limit of frames."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from mezon.errors import MezonConnectionError, MezonError, MezonTimeoutError
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mezon.socket import Socket

logger = get_logger("mezon.gateway")

#: How often a join that was lost on its way is sent.
_TRIES: Final = 3

#: Joins under way at a time: each has its turn in the limit of frames well before its deadline.
_AT_A_TIME: Final = 80

#: States in which nothing can be joined any more.
_OVER: Final = ("idle", "closed")


async def join_clans(socket: Socket, clan_ids: Iterable[int]) -> set[int]:
    """Join clans; gives those that are joined. One that cannot be joined is a warning."""
    joined: set[int] = set()
    left = sorted(clan_ids)
    for _ in range(_TRIES):
        lost: list[int] = []
        for start in range(0, len(left), _AT_A_TIME):
            lost += await _join_some(socket, left[start : start + _AT_A_TIME], joined)
            if socket.connection.state in _OVER:
                lost += left[start + _AT_A_TIME :]
                break
        left = lost
        if not left or socket.connection.state in _OVER:
            break
    if left:
        logger.warning("clans %s could not be joined, their events come after the next reconnect", left)
    return joined


async def _join_some(socket: Socket, clan_ids: list[int], joined: set[int]) -> list[int]:
    """Join clans at the same time; gives those whose join was lost on its way."""
    outcomes = await asyncio.gather(
        *(socket.join_clan_chat(clan_id) for clan_id in clan_ids), return_exceptions=True
    )
    lost: list[int] = []
    for clan_id, outcome in zip(clan_ids, outcomes, strict=True):
        if isinstance(outcome, MezonConnectionError | MezonTimeoutError):
            # A join does no harm when it is repeated.
            lost.append(clan_id)
        elif isinstance(outcome, MezonError):
            logger.warning("clan %s could not be joined, its events will not come: %s", clan_id, outcome)
        elif isinstance(outcome, BaseException):
            raise outcome
        else:
            joined.add(clan_id)
    return lost
