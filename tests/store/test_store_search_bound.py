"""A file with a search index at its bound: what goes, goes without a word to the index, and is found no more."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

from mezon.messages import MessageDB
from mezon.protobuf.api import api_pb2

#: What parts of the index span at least, and a step by which it is filled.
SPAN = 16_384 + 500


def body(number: int) -> bytes:
    return api_pb2.ChannelMessage(
        channel_id=1 + number % 5,
        message_id=number + 1,
        content=f'{{"t":"common word{number}x"}}',
        create_time_seconds=number + 1,
    ).SerializeToString()


def look(path: Path) -> tuple[list[int], int]:
    """Give the ids that are there, and of how many rows the index has words."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        names = [str(name) for (name,) in connection.execute("SELECT name FROM sqlite_master")]
        words = 0
        for name in names:
            if name.startswith("messages_search") and name.endswith("_docsize"):
                words += connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0]
        ids = [int(row[0]) for row in connection.execute("SELECT id FROM messages ORDER BY rowid DESC")]
    return ids, words


async def pruned(store: MessageDB, rows: int) -> None:
    for _ in range(3000):
        if store.stats()["pruned"] >= rows:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(store.stats())


async def taken_apart(store: MessageDB) -> None:
    """Wait until nothing retired is left; by the store's own SQLite, for two in one process do not see each other."""
    question = "SELECT name FROM sqlite_master WHERE name GLOB 'messages_retired*'"
    for _ in range(3000):
        if not await store.db.execute_fetchall(question):
            return
        await asyncio.sleep(0.01)
    raise AssertionError("what is retired is not taken apart")


async def test_what_goes_over_the_bound_is_found_no_more_and_its_words_go_later(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    async with MessageDB(path, max_messages=1000, memory_messages_per_channel=0) as store:
        for number in range(3000):
            store.core.accept(body(number))
        assert len(await store.search_messages("common", None, 10)) == 10
        for number in range(3000, 3500):
            store.core.accept(body(number))
        assert await store.flush()
        await pruned(store, 2500)
        found = await store.search_messages("common", None, 10_000)
        assert [int(row["id"]) for row in found] == list(range(3500, 2500, -1))
        assert await store.search_messages("word2499x", None, 10) == []
        assert [row["id"] for row in await store.search_messages("word2500x", None, 10)] == ["2501"]
        assert await store.delete_message(3500, 5)
        assert await store.search_messages("word3499x", None, 10) == [], (
            "a row that is removed by name is forgotten"
        )
    ids, words = look(path)
    assert ids == list(range(3499, 2500, -1))
    assert words > len(ids), (
        "each row that went over the bound was taken out of the index: that is slower than writing"
    )


async def test_the_words_of_rows_that_are_gone_do_not_stay(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    most = 0
    async with MessageDB(path, max_messages=1000, memory_messages_per_channel=0) as store:
        for number in range(6 * SPAN):
            store.core.accept(body(number))
            if number % 5000 == 4999:
                assert len(await store.search_messages("common", None, 5)) == 5
        assert await store.flush()
        await pruned(store, 6 * SPAN - 1000)
        assert len(await store.search_messages("common", None, 2000)) == 1000
        await taken_apart(store)
        most = store.stats()["failures"]
    ids, words = look(path)
    assert (len(ids), most) == (1000, 0)
    assert words <= 2 * SPAN, f"words of {words} rows, and {len(ids)} are there"


KILLED = """
import asyncio, os, sys
sys.path.insert(0, sys.argv[2])
from mezon.messages import MessageDB
from test_store_search_bound import body

async def main(path):
    store = MessageDB(path, max_messages=1000, memory_messages_per_channel=0)
    number = 0
    while True:
        store.core.accept(body(number))
        number += 1
        if number % 4000 == 0:
            await store.search_messages("common", None, 5)
            os.write(1, b".")

asyncio.run(main(sys.argv[1]))
"""


def killed(path: Path, seconds: float) -> None:
    """Have a process write and search until parts of the index are over, and kill it a little later."""
    command = [sys.executable, "-c", KILLED, str(path), str(Path(__file__).parent)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.read(8) == b"." * 8
        time.sleep(seconds)
        child.kill()


async def test_a_file_whose_writer_was_killed_is_searched_as_ever(tmp_path: Path) -> None:
    pick = random.Random(3)
    for number in range(6):
        path = tmp_path / f"m-{number}.db"
        killed(path, pick.uniform(0, 0.3))
        ids, _ = look(path)
        async with MessageDB(path, max_messages=None, memory_messages_per_channel=0) as store:
            found = await store.search_messages("common", None, 100_000)
            assert [int(row["id"]) for row in found] == ids
            assert (
                await store.delete_message(0, 0) is False
            )  # a call for the writer, which then goes on with what is retired
            await taken_apart(store)
            assert len(await store.search_messages("common", None, 100_000)) == len(ids)
