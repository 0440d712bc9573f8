"""Warnings about coroutines that were never awaited, with the bot's own line instead of that of the event loop.

For development: Python stores where each coroutine was created, which costs time for each of them.
"""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, TextIO

from mezon.utils.user_code import is_user_code, short

__all__ = ["own_lines", "show_own_lines"]

#: The number of frames that Python stores: between the bot and a coroutine of this package there may be others.
_DEPTH: Final = 8
_NEVER: Final = re.compile(r"coroutine '(?:.*\.)?([^.']+)' was never awaited")
_FRAME: Final = re.compile(r'^  File "(.+)", line (\d+), in (.+)$', re.MULTILINE)


@contextmanager
def own_lines() -> Iterator[None]:
    """Track where coroutines are created inside the block, so that a warning about an unawaited one names the line."""
    before = sys.get_coroutine_origin_tracking_depth()
    sys.set_coroutine_origin_tracking_depth(max(before, _DEPTH))
    try:
        yield
    finally:
        sys.set_coroutine_origin_tracking_depth(before)


def show_own_lines() -> None:
    """Show such warnings of this process as one line, such as ``bot.py:12: an await is missing: ...``."""
    sys.set_coroutine_origin_tracking_depth(_DEPTH)
    original = warnings.showwarning

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> Any:
        sentence = _sentence(str(message)) if issubclass(category, RuntimeWarning) else None
        if sentence is None:
            return original(message, category, filename, lineno, file, line)
        return print(sentence, file=file or sys.stderr, flush=True)

    warnings.showwarning = show


def _sentence(text: str) -> str | None:
    never = _NEVER.match(text)
    # The innermost call is the last one.
    places = [one for one in _FRAME.findall(text) if is_user_code(one[0])]
    if never is None or not places:
        return None
    file, line, function = places[-1]
    called = f"calls {never[1]}(...)" if never[1] != "__call__" else "makes a call"
    return (
        f"{short(file)}:{line}: an await is missing: {function} {called} without await, so nothing of it is done "
        f"({never[0]})"
    )
