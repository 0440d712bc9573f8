"""The names of events, and those that are nearly one."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Final

from mezon.constants.enum import Events, InternalAgentEvents, SSEEvents

#: How much of a name has to be right to be taken for a slip.
_ALIKE: Final = 0.8


@cache
def _known() -> frozenset[str]:
    return frozenset(str(one.value) for kind in (Events, SSEEvents, InternalAgentEvents) for one in kind)


def warn_of_slip(name: object) -> None:
    """Warn whoever registers a handler when the event's name is nearly that of one, and none itself.

    Other names are a bot's own: it may let such events occur by ``event_manager.emit``.
    """
    if type(name) is not str or name in _known():
        return
    from difflib import get_close_matches

    alike = get_close_matches(name.strip().lower(), _known(), n=1, cutoff=_ALIKE)
    if alike:
        warnings.warn(
            f"there is no event {name!r}: did you mean {alike[0]!r}? A handler of it is never called.",
            stacklevel=3,
        )
