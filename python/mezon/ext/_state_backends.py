"""What a backend of state is, and the one in memory. SQLite, Redis and NATS have modules of their own."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from mezon import MezonError

__all__ = [
    "Backend",
    "Entry",
    "MemoryBackend",
    "StateError",
    "encode_fields",
    "expiry",
    "in_own_task",
    "is_expired",
    "stored_fields",
]


T = TypeVar("T")


class StateError(MezonError):
    """State cannot be read or written."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A stored value.

    Attributes:
        value: The bytes.
        revision: Changes with every write of the key, and is never used again for it.
        expires: The UNIX time at which the entry disappears; None for never.
    """

    value: bytes
    revision: int
    expires: float | None = None


class Backend(Protocol):
    """Where records are kept. Every method may be called from several tasks at a time, and raises ``StateError``.

    Keys consist of ASCII letters, digits, ``_`` and ``.``; the dots separate the parts that prefixes end with.

    Attributes:
        shared: Whether other processes may use the same records, so that edits need leases.
    """

    shared: bool

    async def get(self, key: str) -> Entry | None:
        """Return the entry of a key; None if there is none or it has expired."""

    async def put(self, key: str, value: bytes, revision: int | None, ttl: float | None = None) -> int | None:
        """Store a value and return its revision; None if the key is not at ``revision``.

        Args:
            key: The key.
            value: The value.
            revision: The revision the key must have; 0 if the key must not exist, None for any.
            ttl: Seconds until the entry expires.
        """

    async def delete(self, key: str, revision: int | None = None) -> bool:
        """Delete a key; return whether it existed at ``revision`` (None for any)."""
        raise NotImplementedError

    async def entries(self, prefix: str) -> list[tuple[str, Entry]]:
        """Return the entries whose key starts with a prefix, ordered by key. The prefix is empty or ends with a dot."""
        raise NotImplementedError

    async def expire(self) -> int:
        """Remove expired entries and return their number, where the backend does not do so by itself."""
        raise NotImplementedError

    async def close(self) -> None:
        """Release connections and files. Safe to call twice; a later call opens them again."""


class MemoryBackend:
    """A backend that forgets everything at the end of the process, for tests."""

    def __init__(self) -> None:
        self.shared = False
        self._entries: dict[str, Entry] = {}
        self._revision = 0

    async def get(self, key: str) -> Entry | None:
        """Return the entry of a key."""
        entry = self._entries.get(key)
        return None if entry is None or is_expired(entry) else entry

    async def put(self, key: str, value: bytes, revision: int | None, ttl: float | None = None) -> int | None:
        """Store a value if the key is at ``revision``."""
        entry = await self.get(key)
        if revision is not None and revision != (entry.revision if entry is not None else 0):
            return None
        self._revision += 1
        self._entries[key] = Entry(value, self._revision, expiry(ttl))
        return self._revision

    async def delete(self, key: str, revision: int | None = None) -> bool:
        """Delete a key if it is at ``revision``."""
        entry = await self.get(key)
        if entry is None or (revision is not None and revision != entry.revision):
            return False
        del self._entries[key]
        return True

    async def entries(self, prefix: str) -> list[tuple[str, Entry]]:
        """Return the entries below a prefix."""
        found = ((key, entry) for key, entry in self._entries.items() if key.startswith(prefix))
        return sorted((key, entry) for key, entry in found if not is_expired(entry))

    async def expire(self) -> int:
        """Remove expired entries."""
        expired = [key for key, entry in self._entries.items() if is_expired(entry)]
        for key in expired:
            del self._entries[key]
        return len(expired)

    async def close(self) -> None:
        """Keep the records: only the end of the process removes them."""


def is_expired(entry: Entry) -> bool:
    """Return whether an entry has expired on this machine's wall clock."""
    return entry.expires is not None and entry.expires <= time.time()


def expiry(ttl: float | None) -> float | None:
    """Return the UNIX time at which an entry that is written now expires; None for never."""
    return None if ttl is None else time.time() + ttl


def encode_fields(version: int, fields: dict[str, Any]) -> bytes:
    """Return the stored form of a record: the version of its class and the fields, as JSON."""
    return json.dumps({"v": version, "d": fields}, ensure_ascii=False, separators=(",", ":")).encode()


def stored_fields(value: bytes) -> dict[str, Any] | None:
    """Return the version ``v`` and the fields ``d`` of a stored record; None if the value is something else."""
    try:
        stored = json.loads(value)
    except (ValueError, RecursionError):
        return None
    # Nothing else in it, so that an export is complete.
    return stored if isinstance(stored, dict) and stored.keys() == {"v", "d"} else None


async def in_own_task(work: Coroutine[Any, Any, T]) -> T:
    """Await a request of a client library in a task of its own, which is not cancelled with the caller.

    `asyncio.wait_for` of Python 3.11, which the clients of Redis and NATS use, can swallow the cancellation of its
    caller: who cancels a task and waits for it would wait forever.
    """
    task = asyncio.ensure_future(work)
    # The exception is retrieved even if the caller was cancelled meanwhile.
    task.add_done_callback(lambda task: task.cancelled() or task.exception())
    await asyncio.wait([task])
    return task.result()
