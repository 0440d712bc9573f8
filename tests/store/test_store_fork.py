"""A fork beside a store: parent and child both go on, each with a file it may lock."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from patience import patient

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")


def run(script: str, *arguments: str) -> str:
    """Run a script that forks; nothing of it is left afterwards, however it ended."""
    process = subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        out, err = process.communicate(timeout=patient(50))
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 0, err
    return out.strip()


def stored(path: Path) -> list[int]:
    connection = sqlite3.connect(path)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return sorted(int(row[0]) for row in connection.execute("SELECT id FROM messages"))
    finally:
        connection.close()


FORKED = """
import asyncio, os, sys
from mezon.messages import MessageDB

store = MessageDB(sys.argv[1])

async def save(first, count):
    for n in range(first, first + count):
        await store.save_message({"message_id": n, "channel_id": 1})

asyncio.run(save(0, 200))
child = os.fork()
asyncio.run(save(1000 if child == 0 else 2000, 100))
if child:
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""


def test_a_fork_has_a_store_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "messages.db"
    run(FORKED, str(path))
    assert stored(path) == [*range(200), *range(1000, 1100), *range(2000, 2100)]


FORKED_AT_ONCE = """
import asyncio, os, sys
from mezon.messages import MessageDB

async def save(store, first, count):
    for n in range(first, first + count):
        await store.save_message({"message_id": n, "channel_id": 1})

stuck = 0
for number in range(40):
    store = MessageDB(f"{sys.argv[1]}/{number}.db")
    asyncio.run(save(store, 0, 1 + number * 5))
    child = os.fork()
    if child == 0:
        asyncio.run(save(store, 1000, 100))
        os._exit(0 if store.core.flush(10.0) else 7)
    stuck += os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert store.core.flush(10.0)
    assert store.core.count(1) == 101 + number * 5
    store.core.close(10.0)
print(stuck)
"""


def test_a_fork_takes_no_lock_of_its_parent_along(tmp_path: Path) -> None:
    """Whatever the parent's writer does as it forks, opening the file or committing: the child can write."""
    assert run(FORKED_AT_ONCE, str(tmp_path)) == "0"


PARENT_ENDS_FIRST = """
import asyncio, os, sys
from mezon.messages import MessageDB

store = MessageDB(sys.argv[1])

async def save(first, count):
    for n in range(first, first + count):
        await store.save_message({"message_id": n, "channel_id": 1})
    assert await store.flush()

asyncio.run(save(0, 100))
written, closed = os.pipe(), os.pipe()
child = os.fork()
if child == 0:
    asyncio.run(save(1000, 100))
    os.write(written[1], b"1")
    os.read(closed[0], 1)
    asyncio.run(save(2000, 100))
    os._exit(0)  # as a kill does: what was flushed is in the file or its log
os.read(written[0], 1)
assert asyncio.run(store.close()) is None
os.write(closed[1], b"1")
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""


def test_a_parent_that_closes_first_leaves_the_child_its_log(tmp_path: Path) -> None:
    path = tmp_path / "messages.db"
    run(PARENT_ENDS_FIRST, str(path))
    assert stored(path) == [*range(100), *range(1000, 1100), *range(2000, 2100)]


BUSY = """
import asyncio, os, sys, threading, time
from mezon.messages import MessageDB

store = MessageDB(sys.argv[1], memory_messages_per_channel=0)
over = threading.Event()

async def work():
    n = 0
    while not over.is_set():
        for _ in range(20):
            n += 1
            await store.save_message({"message_id": n, "channel_id": 1, "content": {"t": "a word"}})
        assert (await store.get_message_by_id(n, 1)).id == n
        await store.search_messages("word", limit=1)
    await store.close()
    return n

thread = threading.Thread(target=lambda: print(asyncio.run(work())))
thread.start()
for _ in range(50):
    time.sleep(0.01)
    child = os.fork()
    if child == 0:
        os._exit(0 if store.core.count(1) >= 0 and store.core.delete(1, 10**9) is False else 7)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
over.set()
thread.join()
"""


def test_forks_from_another_thread_hold_nobody_up_and_lose_nothing(tmp_path: Path) -> None:
    """Saving, fetching and searching go on beside fifty forks, and each child can read and write."""
    path = tmp_path / "messages.db"
    count = int(run(BUSY, str(path)))
    assert stored(path) == list(range(1, count + 1))


IN_A_CALLBACK = """
import asyncio, logging, os, sys
from mezon.messages import MessageDB

forked = []

class Forking(logging.Handler):
    def emit(self, record):
        child = os.fork()
        if child == 0:
            os._exit(0)
        forked.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

logging.getLogger("mezon.store").addHandler(Forking())

async def main():
    store = MessageDB(sys.argv[1])
    await store.save_message({"message_id": 1, "channel_id": 1})
    assert not await store.flush()  # a file lies where the folder should be: the writer's thread tells of it
    for _ in range(500):
        if forked:
            break
        await asyncio.sleep(0.02)
    assert (await store.get_message_by_id(1, 1)).id == 1
    await store.close()  # and it tells of what is lost

asyncio.run(main())
print(forked)
"""


def test_the_writer_itself_may_fork_when_it_tells_of_trouble(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert run(IN_A_CALLBACK, str(tmp_path / "file" / "messages.db")) == "[0, 0]"
