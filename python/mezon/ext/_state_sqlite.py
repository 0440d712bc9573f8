"""State in a SQLite file."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

from mezon.ext._state_backends import Entry, StateError, expiry

_T = TypeVar("_T")

#: Marks a file as a state file (``PRAGMA application_id``): "mzst".
_APPLICATION_ID: Final = 0x6D7A7374
#: Seconds to wait for a write of another process.
_BUSY_TIMEOUT: Final = 10.0
#: Writes after which expired entries are removed.
_EXPIRE_EVERY: Final = 256

#: The statements that lead from each version of the file to the next; the file's version is ``PRAGMA user_version``.
_MIGRATIONS: Final = (
    (
        """CREATE TABLE entries (
            key TEXT PRIMARY KEY, value BLOB NOT NULL, revision INTEGER NOT NULL, expires REAL
        ) WITHOUT ROWID""",
        "CREATE INDEX entries_expires ON entries (expires) WHERE expires IS NOT NULL",
        # One counter for all keys: the revision of a key that is deleted and created again must be a new one.
        "CREATE TABLE counter (revision INTEGER NOT NULL)",
        "INSERT INTO counter VALUES (0)",
    ),
)


class SqliteBackend:
    """State in a SQLite file, which several processes of one machine may share.

    A commit reaches the operating system before a call returns: a killed process loses nothing. If the machine loses
    power, the last commits may be missing, but the file stays intact (``synchronous=NORMAL`` with a write-ahead log).

    Args:
        path: The file; it is created with its directory when it is first used.
    """

    def __init__(self, path: Path) -> None:
        self.shared = True
        self.path = path
        self._thread: ThreadPoolExecutor | None = None
        self._database: sqlite3.Connection | None = None
        self._writes = 0

    # ---- Backend

    async def get(self, key: str) -> Entry | None:
        """Return the entry of a key."""
        return await self._run(lambda database: _entry(database, key))

    async def put(self, key: str, value: bytes, revision: int | None, ttl: float | None = None) -> int | None:
        """Store a value if the key is at ``revision``."""

        def store(database: sqlite3.Connection) -> int | None:
            entry = _entry(database, key)
            if revision is not None and revision != (entry.revision if entry is not None else 0):
                return None
            database.execute("UPDATE counter SET revision = revision + 1")
            new: int = database.execute("SELECT revision FROM counter").fetchone()[0]
            database.execute(
                "INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?)", (key, value, new, expiry(ttl))
            )
            self._writes += 1
            if self._writes % _EXPIRE_EVERY == 0:
                _expire(database)
            return new

        return await self._run(store, write=True)

    async def delete(self, key: str, revision: int | None = None) -> bool:
        """Delete a key if it is at ``revision``."""

        def remove(database: sqlite3.Connection) -> bool:
            entry = _entry(database, key)
            if entry is None or (revision is not None and revision != entry.revision):
                return False
            database.execute("DELETE FROM entries WHERE key = ?", (key,))
            return True

        return await self._run(remove, write=True)

    async def entries(self, prefix: str) -> list[tuple[str, Entry]]:
        """Return the entries below a prefix."""

        def read(database: sqlite3.Connection) -> list[tuple[str, Entry]]:
            # The prefix is empty or ends with a dot, and "/" is the character after the dot.
            end = prefix[:-1] + "/" if prefix else "\x7f"
            rows = database.execute(
                "SELECT key, value, revision, expires FROM entries WHERE key >= ? AND key < ? "
                "AND (expires IS NULL OR expires > ?) ORDER BY key",
                (prefix, end, time.time()),
            )
            return [(key, Entry(bytes(value), revision, expires)) for key, value, revision, expires in rows]

        return await self._run(read)

    async def expire(self) -> int:
        """Remove expired entries."""
        return await self._run(_expire, write=True)

    async def close(self) -> None:
        """Close the file."""
        thread, self._thread = self._thread, None
        if thread is None:
            return

        def end() -> None:
            database, self._database = self._database, None
            if database is not None:
                database.close()

        await asyncio.shield(asyncio.wrap_future(thread.submit(end)))
        thread.shutdown(wait=False)

    # ---- the thread

    async def _run(self, work: Callable[[sqlite3.Connection], _T], *, write: bool = False) -> _T:
        """Run a function on the connection, in the one thread that uses it, inside a transaction if it writes."""
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="mezon-state")
        # A write that has begun is not given up half way because its caller was cancelled.
        return await asyncio.shield(asyncio.wrap_future(self._thread.submit(self._work, work, write)))

    def _work(self, work: Callable[[sqlite3.Connection], _T], write: bool) -> _T:
        try:
            if self._database is None:
                self._database = self._open()
            database = self._database
            if not write:
                return work(database)
            database.execute("BEGIN IMMEDIATE")
            try:
                outcome = work(database)
            except BaseException:
                database.execute("ROLLBACK")
                raise
            database.execute("COMMIT")
            return outcome
        except sqlite3.OperationalError as error:
            raise StateError(
                f"{self.path}: {error}; check the disk, the permissions and other processes"
            ) from error
        except sqlite3.DatabaseError as error:
            raise self._damaged(error) from error

    def _open(self) -> sqlite3.Connection:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StateError(f"{self.path.parent} cannot be created: {error}") from error
        database = sqlite3.connect(self.path, timeout=_BUSY_TIMEOUT, isolation_level=None)
        try:
            self._prepare(database)
        except BaseException:
            database.close()
            raise
        return database

    def _prepare(self, database: sqlite3.Connection) -> None:
        """Check that the file is ours, and bring it to the current version."""
        # In one transaction: another process may be creating the tables.
        database.execute("BEGIN")
        application: int = database.execute("PRAGMA application_id").fetchone()[0]
        version: int = database.execute("PRAGMA user_version").fetchone()[0]
        tables: int = database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        database.execute("COMMIT")
        if application != _APPLICATION_ID and (application or version or tables):
            raise StateError(
                f"{self.path} is a database of another program; choose another file for the state"
            )
        if version > len(_MIGRATIONS):
            raise StateError(
                f"{self.path} was written by a newer version of mezon-rs (format {version}); update mezon-rs"
            )
        _use_wal(database)
        database.execute("PRAGMA synchronous = NORMAL")
        if version == len(_MIGRATIONS):
            return
        database.execute("BEGIN IMMEDIATE")
        try:
            # Read again inside the transaction: another process may have been first.
            version = database.execute("PRAGMA user_version").fetchone()[0]
            for statements in _MIGRATIONS[version:]:
                for statement in statements:
                    database.execute(statement)
            database.execute(f"PRAGMA user_version = {len(_MIGRATIONS)}")
            database.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        except BaseException:
            database.execute("ROLLBACK")
            raise
        database.execute("COMMIT")

    def _damaged(self, error: sqlite3.DatabaseError) -> StateError:
        return StateError(
            f"{self.path} is damaged or no database ({error}). Restore a copy (`mezon state export` makes one), or "
            f"move the file away to begin with empty state; `sqlite3 {self.path} .recover` may save its records"
        )


def _use_wal(database: sqlite3.Connection) -> None:
    """Switch to a write-ahead log. SQLite itself does not wait for another connection that does so, hence the loop."""
    deadline = time.monotonic() + _BUSY_TIMEOUT
    while True:
        try:
            database.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _entry(database: sqlite3.Connection, key: str) -> Entry | None:
    row = database.execute(
        "SELECT value, revision, expires FROM entries WHERE key = ? AND (expires IS NULL OR expires > ?)",
        (key, time.time()),
    ).fetchone()
    return None if row is None else Entry(bytes(row[0]), row[1], row[2])


def _expire(database: sqlite3.Connection) -> int:
    return database.execute("DELETE FROM entries WHERE expires <= ?", (time.time(),)).rowcount
