"""The SQLite file of state: what is not ours is left alone, and a damaged file says what to do."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from mezon.ext._state_sqlite import SqliteBackend
from mezon.ext.state import StateError


async def refused(path: Path, match: str) -> None:
    before = path.read_bytes()  # noqa: ASYNC240
    backend = SqliteBackend(path)
    with pytest.raises(StateError, match=match):
        await backend.get("a.b")
    with pytest.raises(StateError, match=match):
        await backend.put("a.b", b"x", None)
    await backend.close()
    assert path.read_bytes() == before  # noqa: ASYNC240


async def test_text_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but longer than the header of one" * 30)
    await refused(path, r"notes\.txt is damaged or no database.*move the file away")


async def test_database_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE theirs (id)")
    database.close()
    await refused(path, "database of another program")


async def test_file_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    backend = SqliteBackend(path)
    await backend.put("a.b", b"x", 0)
    await backend.close()
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    await refused(path, "newer version of mezon-rs")


async def test_damaged_page_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    backend = SqliteBackend(path)
    for number in range(2_000):
        await backend.put(f"a.{number}", bytes(100), 0)
    await backend.close()
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))
    damaged = SqliteBackend(path)
    with pytest.raises(StateError, match=r"damaged.*mezon state export"):
        await damaged.entries("")
    await damaged.close()


async def test_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    backend = SqliteBackend(tmp_path / "file" / "state.db")
    with pytest.raises(StateError, match="cannot be created"):
        await backend.get("a")
    await backend.close()


async def test_backends_that_create_a_file_together(tmp_path: Path) -> None:
    """None takes a file that another one is creating for a database of another program."""
    for number in range(40):
        backends = [SqliteBackend(tmp_path / f"{number}.db") for _ in range(4)]
        assert await asyncio.gather(*(backend.get("a.b") for backend in backends)) == [None] * 4
        await asyncio.gather(*(backend.close() for backend in backends))
