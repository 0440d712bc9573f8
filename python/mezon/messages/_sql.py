"""SQL of a bot's own on the store's file: ``message_db.db``, in the way of aiosqlite.

The statements go to the core's SQLite. Python's sqlite3 is another one: two on one file in one process break it. It
lends its errors, its rows and its adapters alone.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Generic, Self, TypeVar

from mezon import _core
from mezon.errors import MessageStoreError

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

_T = TypeVar("_T")

#: Statements before which a transaction is begun, as sqlite3 does: blanks and comments, then a word.
_CHANGES: Final = re.compile(
    r"(?:\s|--[^\n]*\n|/\*.*?\*/)*(?:insert|update|delete|replace)\b", re.IGNORECASE | re.DOTALL
)


class Executed(Generic[_T]):
    """What a statement gives: await it, or use it with ``async with``, which closes the cursor."""

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
    """What a statement gave. All its rows are read when it is executed: leave out what you do not need, by LIMIT say.

    Rows may be asked for by index or by name.
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
        """How many rows the statement changed; -1 for a query."""
        return -1 if self._changed is None else self._changed

    @property
    def lastrowid(self) -> int | None:
        """The row id of the last row that was inserted."""
        return self._last_row

    @property
    def description(self) -> Any:
        """The names of the columns, as ``sqlite3.Cursor`` has them."""
        return self._description

    async def fetchone(self) -> Any:
        """Give the next row, or None."""
        return self._rows.popleft() if self._rows else None

    async def fetchmany(self, size: int = 1) -> list[Any]:
        """Give the next rows, ``size`` at most."""
        return [self._rows.popleft() for _ in range(min(size, len(self._rows)))]

    async def fetchall(self) -> list[Any]:
        """Give all rows that are left."""
        rows = list(self._rows)
        self._rows.clear()
        return rows

    async def close(self) -> None:
        """Give up the rows that are left."""
        self._rows.clear()

    async def __aiter__(self) -> AsyncIterator[Any]:
        while self._rows:
            yield self._rows.popleft()


class Database:
    """A connection to the store's file beside the store's own, in a thread of its own.

    It is opened by the first statement. Every statement sees what was stored before it. A transaction that was begun
    holds up the store's own commits until ``commit`` or ``rollback``: keep it short.

    Args:
        store: Gives the core's store of this process.
        path: The file.
        ready: Makes the file and its table if they are missing and commits what is waiting; it may block.
    """

    def __init__(self, store: Callable[[], _core.Store], path: str, ready: Callable[[], object]) -> None:
        self._store = store
        self._path = path
        self._ready = ready
        self._executor: ThreadPoolExecutor | None = None
        self._process = os.getpid()
        self._factory: Any = _rows

    @property
    def row_factory(self) -> Any:
        """How rows are made: called with a cursor and a tuple, as for ``sqlite3.Connection``; None for tuples.

        ``sqlite3.Row`` unless it is set.
        """
        return None if self._factory in (_rows, _tuples) else self._factory

    @row_factory.setter
    def row_factory(self, factory: Any) -> None:
        self._factory = _tuples if factory is None else factory

    def execute(self, sql: str, parameters: Iterable[Any] = ()) -> Executed[Cursor]:
        """Execute one statement.

        Raises:
            sqlite3.Error: As SQLite does.
            MessageStoreError: When the store is in memory alone.
        """
        return self._statement(sql, [parameters])

    def executemany(self, sql: str, parameters: Iterable[Any]) -> Executed[Cursor]:
        """Execute one statement for each of several sets of parameters."""
        return self._statement(sql, parameters)

    def executescript(self, sql_script: str) -> Executed[Cursor]:
        """Execute several statements. A transaction that is open is committed first."""

        def execute() -> Cursor:
            self._check()
            if _core.sql_in_transaction(self._store()):
                _core.sql_script(self._store(), "COMMIT")
            self._ready()
            _core.sql_script(self._store(), sql_script)
            return Cursor((None, [], None, 0), _tuples)

        return Executed(lambda: self._run(execute))

    def execute_fetchall(self, sql: str, parameters: Iterable[Any] = ()) -> Executed[list[Any]]:
        """Execute a query and give all its rows."""

        async def fetch() -> list[Any]:
            return await (await self.execute(sql, parameters)).fetchall()

        return Executed(fetch)

    async def commit(self) -> None:
        """Commit the transaction, if there is one."""
        await self._run(self._end, "COMMIT")

    async def rollback(self) -> None:
        """Undo the transaction, if there is one."""
        await self._run(self._end, "ROLLBACK")

    async def close(self) -> None:
        """Close the connection, which undoes an open transaction; the next statement opens it again."""
        if self._executor is None or self._process != os.getpid():
            return
        await self._run(_core.sql_close, self._store())
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
        """Run a call in the connection's thread."""
        if self._process != os.getpid():
            # After a fork: the parent's thread is not here.
            self._process, self._executor = os.getpid(), None
        if self._executor is None:
            from concurrent.futures import ThreadPoolExecutor

            self._executor = ThreadPoolExecutor(1, thread_name_prefix="mezon-store-sql")
        return await asyncio.get_running_loop().run_in_executor(self._executor, call, *args)

    def _statement(self, sql: str, parameters: Iterable[Any]) -> Executed[Cursor]:
        def execute() -> Cursor:
            self._check()
            store = self._store()
            if not _core.sql_in_transaction(store):
                # In one, what waits could not be committed: the bot's own transaction is in the way.
                self._ready()
            given = [_given(values) for values in parameters]
            answer = _core.sql_execute(store, sql, given, _CHANGES.match(sql) is not None)
            return Cursor(answer, self._factory)

        return Executed(lambda: self._run(execute))

    def _check(self) -> None:
        if self._path == ":memory:":
            raise MessageStoreError(
                "this message store is in memory alone, so SQL has no file to read: name one"
            )

    def _end(self, how: str) -> None:
        if _core.sql_in_transaction(self._store()):
            _core.sql_script(self._store(), how)


def _rows(cursor: Any, row: Any) -> Any:
    import sqlite3

    return sqlite3.Row(cursor, row)


def _tuples(cursor: Any, row: Any) -> Any:
    return row


def _described(columns: list[str]) -> Any:
    """Make a cursor of sqlite3's with these columns, for row factories: ``sqlite3.Row`` takes no other."""
    import contextlib
    import sqlite3

    names = ", ".join('NULL AS "' + name.replace('"', '""') + '"' for name in columns)
    with contextlib.closing(sqlite3.connect(":memory:")) as nowhere:
        return nowhere.execute(f"SELECT {names}")


def _given(parameters: Any) -> Any:
    """Parameters by name or in order, adapted as sqlite3 adapts them."""
    if isinstance(parameters, dict):
        return {name: _adapted(value) for name, value in parameters.items()}
    return [_adapted(value) for value in parameters]


def _adapted(value: Any) -> Any:
    if value is None or isinstance(value, int | float | str | bytes):
        return value
    import sqlite3

    return sqlite3.adapt(value, sqlite3.PrepareProtocol, value)
