"""Stores of one process on one file: one writer, one memory, and each closes for itself."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import waiting
from mezon import MessageDB
from mezon.errors import MessageStoreError
from patience import patient
from waiting import TASKS, system_threads, until


def message(number: int) -> dict[str, Any]:
    return {
        "message_id": number,
        "channel_id": 7,
        "clan_id": 1,
        "sender_id": 2,
        "content": {"t": f"text {number}"},
    }


def rows(path: Path) -> int:
    """Count by another SQLite: never while a store of this process has the file open."""
    with closing(sqlite3.connect(path)) as connection:
        count: int = connection.execute("SELECT count(*) FROM messages").fetchone()[0]
        return count


def writers() -> set[str]:
    if not TASKS.is_dir():
        pytest.skip("the system does not name its threads")
    return {task for task, name in system_threads().items() if name == "mezon-store"}


def lanes() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("mezon-store")]


async def test_many_have_one_writer_and_two_threads_a_lane(tmp_path: Path) -> None:
    await until(lambda: not lanes(), "the lanes of an earlier test to end")
    path, before = tmp_path / "m.db", writers()
    stores = [MessageDB(path) for _ in range(20)]
    for number, store in enumerate(stores):
        await store.save_message(message(number))
    assert await stores[0].flush()
    assert len(writers() - before) == 1
    lists = await asyncio.gather(*(store.get_messages_by_channel(7) for store in stores))
    assert [len(one) for one in lists] == [20] * 20
    assert len([name for name in lanes() if name.startswith("mezon-store-scan")]) <= 2
    assert stores[3].stats()["accepted"] == 20, "the counts are of all"
    await asyncio.gather(*(store.close() for store in stores))
    await until(lambda: not writers() - before, "the writer to end")
    await until(lambda: not lanes(), "the threads of the lanes to end")


async def test_what_one_stores_the_others_have_at_once(tmp_path: Path) -> None:
    async with MessageDB(tmp_path / "m.db") as one, MessageDB(tmp_path / "m.db") as other:
        await one.save_message(message(1))
        assert other.came(7, 1)
        await other.update_message(1, 7, {"t": "changed"})
        found = await one.get_message_by_id(1, 7)
        assert found is not None
        assert found.content == {"t": "changed"}
        assert await other.delete_message(1, 7)
        assert await one.get_message_by_id(1, 7) is None


async def test_one_that_closes_ends_nobody_else(tmp_path: Path) -> None:
    path, log = tmp_path / "m.db", tmp_path / "m.db-wal"
    one, other = MessageDB(path), MessageDB(path)
    await one.save_message(message(1))
    await other.save_message(message(2))
    await one.close()
    assert log.exists(), "the other has the file open"
    await other.save_message(message(3))
    await other.close()
    assert not log.exists()
    assert rows(path) == 3
    # Who has closed may go on.
    await one.save_message(message(4))
    assert await one.get_message_count() == 4
    await one.close()


async def test_a_store_that_is_thrown_away_takes_nothing_along(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    one, other = MessageDB(path), MessageDB(path)
    await one.save_message(message(1))
    await other.save_message(message(2))
    del one
    await other.save_message(message(3))
    assert await other.get_message_count() == 3
    await other.close()


async def test_all_are_told_of_trouble(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    told: list[tuple[str, Exception]] = []
    stores = [
        MessageDB(path, on_error=lambda error, name=name: told.append((name, error)))
        for name in ("one", "other")
    ]
    for number, store in enumerate(stores):
        await store.save_message(message(number))
    assert await stores[0].flush()
    path.unlink()
    await stores[0].save_message(message(5))
    await until(lambda: len(told) == 2, "both to be told")
    assert {name for name, _ in told} == {"one", "other"}
    assert all(isinstance(error, MessageStoreError) and "deleted" in str(error) for _, error in told)
    for store in stores:
        await store.close()


async def test_transactions_of_ones_own_are_not_shared(tmp_path: Path) -> None:
    async with MessageDB(tmp_path / "m.db") as one, MessageDB(tmp_path / "m.db") as other:
        await one.db.execute("CREATE TABLE mine (x)")
        await one.db.execute("INSERT INTO mine VALUES (1)")
        assert await other.db.execute_fetchall("SELECT * FROM mine") == []
        await one.db.commit()
        assert [tuple(row) for row in await other.db.execute_fetchall("SELECT * FROM mine")] == [(1,)]


async def test_bounds_that_differ_and_memory_are_not_shared(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    async with MessageDB(path) as one, MessageDB(path, memory_channels=5) as other:
        await one.save_message(message(1))
        assert not other.came(7, 1)
        assert await one.flush()
        assert await other.get_message_by_id(1, 7) is not None, "it is in the file"
    async with MessageDB(":memory:") as one, MessageDB(":memory:") as other:
        await one.save_message(message(1))
        assert await other.get_message_by_id(1, 7) is None


FORKS = """
import asyncio, os, sys
from mezon import MessageDB
from patience import patient
from waiting import TASKS, system_threads

def make():
    return [MessageDB(sys.argv[1]) for _ in range(3)]

async def save(stores, first):
    for number, store in enumerate(stores):
        await store.save_message({"message_id": first + number, "channel_id": 1})
    assert await stores[0].flush()
    assert await stores[-1].get_message_count() >= len(stores)

def writers():
    if not TASKS.is_dir():
        return 1
    return list(system_threads().values()).count("mezon-store")

stores = make()
asyncio.run(save(stores, 0))
child = os.fork()
if child == 0:
    # Those of the parent, and new ones.
    asyncio.run(save(stores + make(), 100))
    assert writers() == 1, writers()
    asyncio.run(asyncio.wait_for(stores[0].close(), patient(20)))
    os._exit(0 if stores[1].core.flush(10.0) else 7)
asyncio.run(save(stores, 200))
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert writers() == 1, writers()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork here")
def test_a_forked_child_shares_with_itself_alone(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    ended = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKS, str(path)],
        capture_output=True,
        text=True,
        timeout=patient(60),
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(waiting.__file__).parent)},
    )
    assert ended.returncode == 0, ended.stderr
    assert rows(path) == 3 + 6 + 3
