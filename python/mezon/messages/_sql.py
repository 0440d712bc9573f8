"""SQL of a bot's own on the store's file: ``message_db.db``, in the way of aiosqlite."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from mezon.errors import MessageStoreError

if TYPE_CHECKING:
    import sqlite3
    from concurrent.futures import ThreadPoolExecutor

_T = TypeVar("_T")


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
    """The rows of a statement; see ``sqlite3.Cursor``. Rows may be asked for by index or by name."""

    def __init__(self, database: Database, cursor: sqlite3.Cursor) -> None:
        self._database = database
        self._cursor = cursor

    @property
    def rowcount(self) -> int:
        """How many rows the statement changed; -1 for a query."""
        return self._cursor.rowcount

    @property
    def lastrowid(self) -> int | None:
        """The row id of the last row that was inserted."""
        return self._cursor.lastrowid

    @property
    def description(self) -> Any:
        """The names of the columns, as ``sqlite3.Cursor`` has them."""
        return self._cursor.description

    async def fetchone(self) -> Any:
        """Give the next row, or None."""
        return await self._database.run(self._cursor.fetchone)

    async def fetchmany(self, size: int = 1) -> list[Any]:
        """Give the next rows, ``size`` at most."""
        return await self._database.run(self._cursor.fetchmany, size)

    async def fetchall(self) -> list[Any]:
        """Give all rows that are left."""
        return await self._database.run(self._cursor.fetchall)

    async def close(self) -> None:
        """Give up the rows that are left."""
        await self._database.run(self._cursor.close)

    async def __aiter__(self) -> AsyncIterator[Any]:
        while rows := await self.fetchmany(64):
            for row in rows:
                yield row


class Database:
    """A connection to the store's file beside the store's own, in a thread of its own.

    It is opened by the first statement. Every statement sees what was stored before it. A transaction that was begun
    holds up the store's own commits until ``commit`` or ``rollback``: keep it short.

    Args:
        path: The file.
        ready: Makes the file and its table if they are missing and commits what is waiting; it may block.
    """

    def __init__(self, path: str, ready: Callable[[], object]) -> None:
        self._path = path
        self._ready = ready
        self._row_factory: Any = None
        self._connection: sqlite3.Connection | None = None
        self._executor: ThreadPoolExecutor | None = None
        self._process = os.getpid()

    @property
    def row_factory(self) -> Any:
        """How rows are made, as for ``sqlite3.Connection``; None for ``sqlite3.Row``."""
        return self._row_factory

    @row_factory.setter
    def row_factory(self, factory: Any) -> None:
        self._row_factory = factory
        if self._connection is not None:
            self._connection.row_factory = factory

    def execute(self, sql: str, parameters: Iterable[Any] = ()) -> Executed[Cursor]:
        """Execute one statement.

        Raises:
            sqlite3.Error: As SQLite does.
            MessageStoreError: When the store is in memory alone.
        """
        return self._statement(lambda connection: connection.execute(sql, _given(parameters)))

    def executemany(self, sql: str, parameters: Iterable[Any]) -> Executed[Cursor]:
        """Execute one statement for each of several sets of parameters."""
        return self._statement(lambda connection: connection.executemany(sql, parameters))

    def executescript(self, sql_script: str) -> Executed[Cursor]:
        """Execute several statements."""
        return self._statement(lambda connection: connection.executescript(sql_script))

    def execute_fetchall(self, sql: str, parameters: Iterable[Any] = ()) -> Executed[list[Any]]:
        """Execute a query and give all its rows."""

        async def fetch() -> list[Any]:
            return await (await self.execute(sql, parameters)).fetchall()

        return Executed(fetch)

    async def commit(self) -> None:
        """Commit the transaction, if there is one."""
        await self.run(self._commit)

    async def rollback(self) -> None:
        """Undo the transaction, if there is one."""
        await self.run(self._rollback)

    async def close(self) -> None:
        """Close the connection; the next statement opens it again."""
        if self._executor is None or self._process != os.getpid():
            return
        await self.run(self._close)
        executor, self._executor = self._executor, None
        executor.shutdown(wait=False)

    async def run(self, call: Callable[..., _T], *args: Any) -> _T:
        """Run a call in the connection's thread."""
        if self._process != os.getpid():
            # After a fork: the parent's thread is not here, and its connection must not be touched.
            self._process, self._connection, self._executor = os.getpid(), None, None
        if self._executor is None:
            from concurrent.futures import ThreadPoolExecutor

            self._executor = ThreadPoolExecutor(1, thread_name_prefix="mezon-store-sql")
        return await asyncio.get_running_loop().run_in_executor(self._executor, call, *args)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        await self.close()

    def _statement(self, call: Callable[[sqlite3.Connection], sqlite3.Cursor]) -> Executed[Cursor]:
        async def execute() -> Cursor:
            return Cursor(self, await self.run(lambda: call(self._open())))

        return Executed(execute)

    def _open(self) -> sqlite3.Connection:
        if self._path == ":memory:":
            raise MessageStoreError(
                "this message store is in memory alone, so SQL has no file to read: name one"
            )
        connection = self._connection
        if connection is not None and connection.in_transaction:
            # What waits could not be committed now: the bot's own transaction is in the way.
            return connection
        self._ready()
        if connection is None:
            import sqlite3

            connection = sqlite3.connect(self._path, timeout=5.0, check_same_thread=False)
            connection.row_factory = sqlite3.Row if self._row_factory is None else self._row_factory
            self._connection = connection
        return connection

    def _commit(self) -> None:
        if self._connection is not None:
            self._connection.commit()

    def _rollback(self) -> None:
        if self._connection is not None:
            self._connection.rollback()

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _given(parameters: Iterable[Any]) -> Any:
    """Give the parameters as sqlite3 takes them: by name, or in order."""
    return parameters if isinstance(parameters, dict | Sequence) else tuple(parameters)
