"""Closing a store while another process holds the file's lock."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from mezon.errors import MessageStoreError
from mezon.messages import MessageDB, db
from mezon.protobuf.api import api_pb2

HOLDER = """
import sqlite3, sys
held = sqlite3.connect(sys.argv[1], isolation_level=None)
held.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.readline()
held.execute("COMMIT")
"""

COUNT = """
import sqlite3, sys
print(sqlite3.connect(sys.argv[1]).execute("SELECT count(*) FROM messages").fetchone()[0])
"""


def body(number: int) -> bytes:
    return api_pb2.ChannelMessage(
        message_id=number, channel_id=7, content='{"t":"hello"}'
    ).SerializeToString()


@contextlib.asynccontextmanager
async def locked(path: Path) -> AsyncIterator[Callable[[], None]]:
    """Another process holds the lock of the file; what this gives has it let go."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLDER, str(path), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    stdin = process.stdin
    try:
        assert await process.stdout.readline() == b"locked\n"
        yield lambda: stdin.write(b"\n")
    finally:
        stdin.close()
        await process.wait()


async def in_file(path: Path) -> int:
    """The number of messages, counted by another process: a second SQLite library in this one breaks the store."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", COUNT, str(path), stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    return int(out)


async def until(done: Callable[[], bool]) -> None:
    for _ in range(3000):
        if done():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come about")


async def opened(path: Path) -> MessageDB:
    store = MessageDB(path, flush_on_sigterm=False)
    store.accept(body(1000))
    assert await store.flush()
    return store


async def test_a_close_waits_for_another_process(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    store = await opened(path)
    async with locked(path) as let_go:
        for number in range(50):
            store.accept(body(number))
        closing = asyncio.create_task(store.close())
        # The store has waited as long as it does at other times.
        await until(lambda: bool(store.stats()["degraded"]))
        let_go()
        await closing
    assert store.stats()["lost"] == 0
    assert await in_file(path) == 51


async def test_what_is_lost_is_logged_with_its_number_and_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(db, "_CLOSE_TIMEOUT", 4.0)
    path = tmp_path / "m.db"
    store = await opened(path)
    heard: list[str] = []
    store.on_error = lambda error: heard.append(f"{type(error).__name__}: {error}")
    async with locked(path):
        for number in range(50):
            store.accept(body(number))
        await store.close()
        await until(lambda: any("lost" in text for text in heard))
    said = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert len(said) == 1
    assert said[0].startswith("50 messages could not be written")
    assert str(path) in said[0]
    assert heard[-1] == f"{MessageStoreError.__name__}: {said[0]}"
    assert store.stats()["lost"] == 50
    # The store can be used again.
    store.accept(body(2000))
    await store.close()
    assert await in_file(path) == 2


async def test_a_store_that_is_dropped_logs_what_is_lost(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "m.db"
    stores = [await opened(path)]
    async with locked(path):
        for number in range(50):
            stores[0].accept(body(number))
        await until(lambda: bool(stores[0].stats()["degraded"]))
        stores.clear()
        await until(lambda: "50 messages could not be written" in caplog.text)
