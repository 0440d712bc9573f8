"""What a bot hears when the file of its messages is in trouble, and where; and who waits for whom."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from mezon.errors import MessageStoreError
from mezon.messages import MessageDB
from mezon.protobuf.api import api_pb2

if TYPE_CHECKING:
    from collections.abc import Callable


def body(number: int, text: str = "hello") -> bytes:
    message = api_pb2.ChannelMessage(
        message_id=number,
        channel_id=7,
        clan_id=1,
        sender_id=2,
        content=f'{{"t":"{text}"}}',
        create_time_seconds=number,
    )
    return message.SerializeToString()


def stored(path: Path) -> list[int]:
    connection = sqlite3.connect(path)
    try:
        rows = connection.execute("SELECT id FROM messages ORDER BY CAST(id AS INTEGER)").fetchall()
        return [int(row[0]) for row in rows]
    finally:
        connection.close()


async def until(done: Callable[[], bool]) -> None:
    for _ in range(3000):
        if done():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come about")


def unwritable(tmp_path: Path) -> Path:
    # A file where the folder should be: not even root can make anything in it.
    (tmp_path / "file").write_bytes(b"")
    return tmp_path / "file" / "m.db"


async def test_a_bot_that_only_listens_hears_of_trouble_on_its_loop(tmp_path: Path) -> None:
    """No method of the store was ever awaited: the core feeds it, and the client has named the loop."""
    heard: list[tuple[Exception, int]] = []
    store = MessageDB(
        unwritable(tmp_path), on_error=lambda error: heard.append((error, threading.get_ident()))
    )
    store.attach_loop(asyncio.get_running_loop())
    store.accept(body(1))
    await until(lambda: bool(heard))
    [(error, thread)] = heard
    assert isinstance(error, MessageStoreError)
    assert "cannot be written" in str(error)
    assert thread == threading.get_ident()
    await store.close()


async def test_on_error_may_be_a_coroutine_function(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    heard: list[Exception] = []

    async def on_error(error: Exception) -> None:
        await asyncio.sleep(0)
        heard.append(error)
        raise ValueError("on_error is broken, too")

    store = MessageDB(unwritable(tmp_path), on_error=on_error)
    store.attach_loop(asyncio.get_running_loop())
    store.accept(body(1))
    await until(lambda: "on_error failed" in caplog.text)
    assert [type(error) for error in heard] == [MessageStoreError]
    await store.close()


async def test_trouble_without_a_loop_is_told_once_there_is_one(tmp_path: Path) -> None:
    heard: list[int] = []
    store = MessageDB(unwritable(tmp_path), on_error=lambda _: heard.append(threading.get_ident()))
    await asyncio.to_thread(store.accept, body(1))
    await until(lambda: bool(store.stats()["degraded"]))
    await asyncio.sleep(0.05)
    assert heard == [], "not on a thread of the store's"
    store.attach_loop(asyncio.get_running_loop())
    await until(lambda: bool(heard))
    assert heard == [threading.get_ident()]
    await store.close()


@pytest.mark.parametrize("how", ["deleted", "replaced", "moved"])
async def test_a_file_that_is_taken_away_is_noticed_and_made_again(tmp_path: Path, how: str) -> None:
    path = tmp_path / "m.db"
    errors: list[Exception] = []
    store = MessageDB(path, on_error=errors.append)
    for number in range(1, 11):
        store.accept(body(number))
    assert await store.flush()
    if how == "moved":
        path.rename(tmp_path / "elsewhere.db")
    else:
        path.unlink()
    if how == "replaced":
        async with MessageDB(tmp_path / "other.db") as other:
            other.accept(body(500))
            assert await other.flush()
        (tmp_path / "other.db").rename(path)
    store.accept(body(11))
    assert await store.flush()
    await until(lambda: bool(errors))
    assert "was moved, deleted or replaced while the bot was using it" in str(errors[0])
    assert await store.get_message_count() == (12 if how == "replaced" else 11)
    store.accept(body(12))
    await store.close()
    assert stored(path) == [*range(1, 13), *([500] if how == "replaced" else [])]
    assert len(errors) == 1


async def test_a_search_holds_up_no_fetch(tmp_path: Path) -> None:
    """Searches that take long, more of them than there are threads: a message is fetched from the file meanwhile."""
    store = MessageDB(tmp_path / "m.db", memory_messages_per_channel=0)
    for number in range(30_000):
        store.accept(body(number, "a b c d e f g h i j k l m n o p q r s t u v w x y z " * 3))
    assert await store.flush()
    words = " ".join("abcdefghijklmnopqrstuvwxyz")
    searches = [asyncio.create_task(store.search_messages(words, limit=100_000)) for _ in range(4)]
    await asyncio.sleep(0.05)
    longest = 0.0
    fetched = 0
    while not all(search.done() for search in searches):
        started = time.perf_counter()
        assert await store.get_message_by_id(fetched % 30_000, 7) is not None
        longest = max(longest, time.perf_counter() - started)
        fetched += 1
        await asyncio.sleep(0.001)
    assert fetched > 5, f"fetches wait for searches: {fetched} in all, the longest took {longest:.3f} s"
    assert all(len(search.result()) == 30_000 for search in searches)
    await store.close()


@pytest.mark.parametrize(
    "text", ["\x00", "one\x00two", "\ud800", "one \udfff two", "x" * 1_000_000, "one " * 300_000]
)
async def test_any_text_can_be_searched_for(tmp_path: Path, text: str) -> None:
    async with MessageDB(tmp_path / "m.db") as store:
        store.accept(body(1, "one two"))
        found = await store.search_messages(text)
        # What no message can hold parts words, as signs do.
        assert [row["id"] for row in found] == (["1"] if text.startswith("one") else [])
