"""The threads in which calls to a store wait. Stores of one file share them, as they share the file's writer."""

from __future__ import annotations

import os
import weakref
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

__all__ = ["CLOSE", "FETCH", "SCAN", "Lanes", "lanes_of"]

#: Who waits for whom: one row by its key for others like it, anything longer for its own kind, and nobody's end for
#: either.
FETCH: Final = "fetch"
SCAN: Final = "scan"
CLOSE: Final = "close"


class Lanes:
    """The threads of one file. Those that wait for work end when nobody holds it any more."""

    def __init__(self) -> None:
        self._executors: dict[str, ThreadPoolExecutor] = {}

    def executor(self, lane: str) -> ThreadPoolExecutor:
        """Give the threads of a lane, made when first asked for."""
        executor = self._executors.get(lane)
        if executor is None:
            from concurrent.futures import ThreadPoolExecutor

            executor = self._executors[lane] = ThreadPoolExecutor(2, thread_name_prefix=f"mezon-store-{lane}")
        return executor


#: By process and file. A forked child has none of its parent's threads.
_of_files: weakref.WeakValueDictionary[tuple[int, str], Lanes] = weakref.WeakValueDictionary()


def lanes_of(path: str) -> Lanes:
    """Give the threads for a store's file; a store in memory shares with nobody."""
    if path in ("", ":memory:"):
        return Lanes()
    key = (os.getpid(), os.path.abspath(path))
    lanes = _of_files.get(key)
    if lanes is None:
        # Two that come here at once have threads of their own: no harm, and no lock that a fork could copy.
        lanes = _of_files[key] = Lanes()
    return lanes
