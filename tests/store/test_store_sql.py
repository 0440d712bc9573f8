"""SQL of a bot's own on the message cache: ``message_db.db``, as with mezon-sdk."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
from pathlib import Path
from typing import Any

import pytest
from mezon import MessageDB
from mezon.errors import MessageStoreError


def message(number: int, text: str = "hi") -> dict[str, Any]:
    return {
        "message_id": number,
        "channel_id": 7,
        "clan_id": 1,
        "sender_id": 2,
        "content": {"t": text},
        "create_time_seconds": 100 + number,
    }


def open_files(folder: Path) -> list[str]:
    """Files of a folder that this process has open; none where the system does not say."""
    found = []
    for descriptor in Path("/proc/self/fd").glob("*"):
        with contextlib.suppress(OSError):  # the one of the listing itself
            found.append(str(descriptor.readlink()))
    return [name for name in found if name.startswith(str(folder))]


async def test_what_was_stored_is_there(tmp_path: Path) -> None:
    async with MessageDB(tmp_path / "m.db") as store:
        for number in range(3):
            await store.save_message(message(number + 1, f"text {number + 1}"))
        async with store.db.execute("SELECT id, content FROM messages ORDER BY id") as cursor:
            first = await cursor.fetchone()
            assert (first["id"], first[0]) == ("1", "1")
            assert [row["id"] for row in await cursor.fetchmany(1)] == ["2"]
            assert [row["id"] for row in await cursor.fetchall()] == ["3"]
            assert await cursor.fetchone() is None
            assert [column[0] for column in cursor.description] == ["id", "content"]
        rows = await store.db.execute_fetchall(
            "SELECT id FROM messages WHERE content LIKE :word", {"word": "%2%"}
        )
        assert [tuple(row) for row in rows] == [("2",)]
        assert [row[0] async for row in await store.db.execute("SELECT id FROM messages ORDER BY id")] == [
            "1",
            "2",
            "3",
        ]


async def test_a_store_that_is_new(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "m.db"
    async with MessageDB(path) as store:
        assert store.db is store.db
        assert not path.exists(), "asking for it makes nothing"
        (count,) = await store.db.execute_fetchall("SELECT count(*) FROM messages")
        assert count[0] == 0
        if os.name == "posix":
            assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_what_is_written_is_found(tmp_path: Path) -> None:
    async with MessageDB(tmp_path / "m.db") as store:
        await store.save_message(message(1))
        cursor = await store.db.execute(
            "INSERT INTO messages (id, channel_id, clan_id, sender_id, content) VALUES (?, ?, ?, ?, ?)",
            ["9", "7", "1", "2", '{"t":"by hand"}'],
        )
        assert cursor.rowcount == 1
        assert cursor.lastrowid
        await store.db.commit()
        found = await store.get_message_by_id(9, 7)
        assert found is not None
        assert found.content == {"t": "by hand"}
        await store.db.executemany("DELETE FROM messages WHERE id = ?", [("9",), ("none",)])
        await store.db.rollback()
        assert await store.get_message_by_id(9, 7) is not None
        await store.db.executescript("CREATE TABLE mine (a); INSERT INTO mine VALUES (1);")
        store.db.row_factory = None
        assert await store.db.execute_fetchall("SELECT a FROM mine") == [(1,)]


async def test_an_error_is_sqlites(tmp_path: Path) -> None:
    async with MessageDB(tmp_path / "m.db") as store:
        with pytest.raises(sqlite3.OperationalError, match="no such table"):
            await store.db.execute("SELECT * FROM elsewhere")


async def test_closed_and_opened_again(tmp_path: Path) -> None:
    store = MessageDB(tmp_path / "m.db")
    await store.save_message(message(1))
    assert len(await store.db.execute_fetchall("SELECT 1 FROM messages")) == 1
    await store.close()
    assert open_files(tmp_path) == []
    assert len(await store.db.execute_fetchall("SELECT 1 FROM messages")) == 1
    await store.close()


async def test_a_store_in_memory_has_no_file() -> None:
    async with MessageDB(":memory:") as store:
        await store.save_message(message(1))
        with pytest.raises(MessageStoreError, match="in memory and has no file"):
            await store.db.execute("SELECT 1")


async def test_errors_of_each_kind_are_sqlites(tmp_path: Path) -> None:
    async with MessageDB(tmp_path / "m.db") as store:
        with pytest.raises(sqlite3.OperationalError, match="syntax error"):
            await store.db.execute("SELEKT 1")
        with pytest.raises(sqlite3.ProgrammingError, match="one statement at a time"):
            await store.db.execute("SELECT 1; SELECT 2")
        with pytest.raises(sqlite3.ProgrammingError, match="takes 2 values, and 1 are given"):
            await store.db.execute("SELECT ?, ?", [1])
        with pytest.raises(sqlite3.ProgrammingError, match="no value is given for :b"):
            await store.db.execute("SELECT :a, :b", {"a": 1})
        with pytest.raises(sqlite3.ProgrammingError, match="a value of type object"):
            await store.db.execute("SELECT ?", [object()])
        await store.db.executescript("CREATE TABLE mine (a PRIMARY KEY); INSERT INTO mine VALUES (1)")
        with pytest.raises(sqlite3.IntegrityError, match="UNIQUE") as caught:
            await store.db.execute("INSERT INTO mine VALUES (1)")
        assert caught.value.sqlite_errorcode == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY


async def test_values_come_back_as_they_went(tmp_path: Path) -> None:
    values = [None, 0, -(2**63), 1.5, "", "chào \0 bạn", b"", b"\x00\xff"]
    async with MessageDB(tmp_path / "m.db") as store:
        ((*found,),) = await store.db.execute_fetchall(f"SELECT {', '.join('?' * len(values))}", values)
        assert found == values
        assert [type(value) for value in found] == [type(value) for value in values]
        cursor = await store.db.execute('SELECT 1 AS a, 2 AS a, 3 AS "it\'s ""c"""')
        assert [column[0] for column in cursor.description] == ["a", "a", 'it\'s "c"']
        store.db.row_factory = lambda cursor, row: {cursor.description[0][0]: row[0]}
        assert await store.db.execute_fetchall("SELECT 5 AS five") == [{"five": 5}]


async def test_a_transaction_is_begun_by_a_change_and_undone_by_a_rollback(tmp_path: Path) -> None:
    async with MessageDB(tmp_path / "m.db") as store:
        await store.db.executescript("CREATE TABLE mine (a)")
        cursor = await store.db.executemany("/* two */ INSERT INTO mine VALUES (?)", [(1,), (2,)])
        assert cursor.rowcount == 2
        await store.db.rollback()
        (row,) = await store.db.execute_fetchall("SELECT count(*) FROM mine")
        assert row[0] == 0
        await store.db.execute("INSERT INTO mine VALUES (3)")
        await store.db.close()
        (row,) = await store.db.execute_fetchall("SELECT count(*) FROM mine")
        assert row[0] == 0, "what was not committed is not there"


async def test_beside_a_writer_the_file_stays_whole(tmp_path: Path) -> None:
    """SQL, opened and closed again and again while messages are stored: Python's own sqlite3 broke the file here."""
    path = tmp_path / "m.db"
    async with MessageDB(path) as store:
        number = 0
        for _ in range(150):
            for _ in range(100):
                number += 1
                await store.save_message(message(number))
            (row,) = await store.db.execute_fetchall("SELECT count(*) FROM messages")
            assert row[0] == number
            await store.db.close()
        assert store.stats()["failures"] == 0
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("SELECT count(*) FROM messages").fetchone() == (number,)
