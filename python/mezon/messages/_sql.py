"""Custom SQL on the file of a store: ``message_db.db``, with the interface of aiosqlite.

The core's SQLite executes the statements. Python's sqlite3 is a second copy of the library, and two copies corrupt a
file that one process opens with both. Only its exceptions, rows and adapters are used.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import sqlite3
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Generic, Self, TypeVar

from mezon._core import sql_close, sql_execute, sql_in_transaction
from mezon._core import sql_script as run_script
from mezon.errors import MessageStoreError

if TYPE_CHECKING:
    from mezon._core import Store

_T = TypeVar("_T")

#: Statements that begin a transaction, as in sqlite3: whitespace and comments, then one of the keywords.
_CHANGES: Final = re.compile(
    r"(?:\s|--[^\n]*\n|/\*.*?\*/)*(?:insert|update|delete|replace)\b", re.IGNORECASE | re.DOTALL
)


class Executed(Generic[_T]):
    """A statement to execute: await it, or use ``async with``, which closes the cursor."""

    def __init__(self, execute: Callable[[], Awaitable[_T]]) -> None:
        self._execute = execute
        self._result: Any = None

    def __await__(self) -> Generator[Any, None, _T]:
        return self._execute().__await__()

    async def __aenter__(self) -> _T:
        self._result = await self._execute()
        result: _T = self._result
        return result

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        if isinstance(self._result, Cursor):
            await self._result.close()


class Cursor:
    """The result of a statement. All rows are read when it is executed: limit the query to the rows that you need.

    Columns are accessed by index or by name.
    """

    def __init__(self, answer: tuple[list[str] | None, list[Any], int | None, int], factory: Any) -> None:
        columns, rows, changed, last_row = answer
        self._changed = changed
        self._last_row = last_row
        self._description: Any = None
        self._rows: deque[Any] = deque()
        if columns is not None:
            like = _described(columns)
            self._description = like.description
            self._rows.extend(factory(like, row) for row in rows)

    @property
    def rowcount(self) -> int:
        """The number of changed rows; -1 for a query."""
        return -1 if self._changed is None else self._changed

    @property
    def lastrowid(self) -> int | None:
        """The row id of the last inserted row."""
        return self._last_row

    @property
    def description(self) -> Any:
        """The names of the columns, in the form of ``sqlite3.Cursor``."""
        return self._description

    async def fetchone(self) -> Any:
        """Return the next row, or None."""
        return self._rows.popleft() if self._rows else None

    async def fetchmany(self, size: int = 1) -> list[Any]:
        """Return up to ``size`` next rows."""
        return [self._rows.popleft() for _ in range(min(size, len(self._rows)))]

    async def fetchall(self) -> list[Any]:
        """Return all remaining rows."""
        rows = list(self._rows)
        self._rows.clear()
        return rows

    async def close(self) -> None:
        """Drop the remaining rows."""
        self._rows.clear()

    async def __aiter__(self) -> AsyncIterator[Any]:
        while self._rows:
            yield self._rows.popleft()


class Database:
    """A second connection to the file of a store, in its own thread.

    The first statement opens it. A statement sees all messages that were stored before it. An open transaction blocks
    the commits of the store until ``commit`` or ``rollback``: keep it short.

    Args:
        store: Returns the core's store of this process.
        path: The file.
        ready: Creates the file and its table if they are missing, and commits pending messages; it may block.
    """

    def __init__(self, store: Callable[[], Store], path: str, ready: Callable[[], object]) -> None:
        self._store = store
        self._path = path
        self._ready = ready
        self._executor: ThreadPoolExecutor | None = None
        self._process = os.getpid()
        self._factory: Any = _rows

    @property
    def row_factory(self) -> Any:
        """The function that creates a row from a cursor and a tuple, as in ``sqlite3.Connection``; None for tuples.

        The default is ``sqlite3.Row``.
        """
        return None if self._factory in (_rows, _tuples) else self._factory

    @row_factory.setter
    def row_factory(self, factory: Any) -> None:
        self._factory = _tuples if factory is None else factory

    def execute(self, sql: str, parameters: Iterable[Any] = ()) -> Executed[Cursor]:
        """Execute one statement.

        Raises:
            sqlite3.Error: If SQLite raises it.
            MessageStoreError: If the store has no file.
        """
        return self._statement(sql, [parameters])

    def executemany(self, sql: str, parameters: Iterable[Any]) -> Executed[Cursor]:
        """Execute one statement for each of several sets of parameters."""
        return self._statement(sql, parameters)

    def executescript(self, sql_script: str) -> Executed[Cursor]:
        """Execute several statements. An open transaction is committed first."""

        def execute() -> Cursor:
            self._check()
            if sql_in_transaction(self._store()):
                run_script(self._store(), "COMMIT")
            self._ready()
            run_script(self._store(), sql_script)
            return Cursor((None, [], None, 0), _tuples)

        return Executed(lambda: self._run(execute))

    def execute_fetchall(self, sql: str, parameters: Iterable[Any] = ()) -> Executed[list[Any]]:
        """Execute a query and return all its rows."""

        async def fetch() -> list[Any]:
            return await (await self.execute(sql, parameters)).fetchall()

        return Executed(fetch)

    async def commit(self) -> None:
        """Commit the open transaction, if any."""
        await self._run(self._end, "COMMIT")

    async def rollback(self) -> None:
        """Roll back the open transaction, if any."""
        await self._run(self._end, "ROLLBACK")

    async def close(self) -> None:
        """Close the connection and roll back an open transaction. The next statement opens it again."""
        if self._executor is None or self._process != os.getpid():
            return
        await self._run(sql_close, self._store())
        executor, self._executor = self._executor, None
        executor.shutdown(wait=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        await self.close()

    async def _run(self, call: Callable[..., _T], *args: Any) -> _T:
        """Run a call in the thread of the connection."""
        if self._process != os.getpid():
            # After a fork, the thread does not exist in the child.
            self._process, self._executor = os.getpid(), None
        if self._executor is None:
            self._executor = ThreadPoolExecutor(1, thread_name_prefix="mezon-store-sql")
        return await asyncio.get_running_loop().run_in_executor(self._executor, call, *args)

    def _statement(self, sql: str, parameters: Iterable[Any]) -> Executed[Cursor]:
        def execute() -> Cursor:
            self._check()
            store = self._store()
            if not sql_in_transaction(store):
                # Pending messages cannot be committed during a transaction of the bot.
                self._ready()
            given = [_given(values) for values in parameters]
            answer = sql_execute(store, sql, given, _CHANGES.match(sql) is not None)
            return Cursor(answer, self._factory)

        return Executed(lambda: self._run(execute))

    def _check(self) -> None:
        if self._path == ":memory:":
            raise MessageStoreError(
                "the message store is in memory and has no file for SQL; pass a path to MessageDB"
            )

    def _end(self, how: str) -> None:
        if sql_in_transaction(self._store()):
            run_script(self._store(), how)


def _rows(cursor: Any, row: Any) -> Any:
    return sqlite3.Row(cursor, row)


def _tuples(cursor: Any, row: Any) -> Any:
    return row


def _described(columns: list[str]) -> Any:
    """Return a sqlite3 cursor with these columns for row factories; ``sqlite3.Row`` accepts no other object."""
    names = ", ".join('NULL AS "' + name.replace('"', '""') + '"' for name in columns)
    with contextlib.closing(sqlite3.connect(":memory:")) as nowhere:
        return nowhere.execute(f"SELECT {names}")


def _given(parameters: Any) -> Any:
    """Return parameters by name or by position, adapted like those of sqlite3."""
    if isinstance(parameters, dict):
        return {name: _adapted(value) for name, value in parameters.items()}
    return [_adapted(value) for value in parameters]


def _adapted(value: Any) -> Any:
    if value is None or isinstance(value, int | float | str | bytes):
        return value
    return sqlite3.adapt(value, sqlite3.PrepareProtocol, value)
