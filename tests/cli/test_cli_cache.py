"""``mezon cache`` on a store that a bot has open."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import json
import os
import sqlite3
import time
from pathlib import Path

import pytest
from cli_kit import mezon_command
from mezon.messages import MessageDB

DAY = 86_400


@pytest.fixture
async def store(tmp_path: Path) -> MessageDB:
    """A store that stays open, like that of a running bot: ten messages a day for ten days."""
    store = MessageDB(tmp_path / "mezon-cache" / "mezon-messages-cache.db", flush_on_sigterm=False)
    now = int(time.time())
    for number in range(1, 101):
        await store.save_message(
            {
                "message_id": number,
                "channel_id": 7 if number % 2 else 8,
                "sender_id": 3,
                "content": {"t": f"Đường số {number}"},
                "create_time_seconds": now - 10 * DAY + number * DAY // 10,
            }
        )
    assert await store.flush()
    yield store
    await store.close()


async def cache(folder: Path, *arguments: str) -> str:
    done = await asyncio.to_thread(mezon_command, "cache", *arguments, folder=folder)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


async def test_stats(store: MessageDB, tmp_path: Path) -> None:
    found = json.loads(await cache(tmp_path, "stats", "--json"))
    assert (found["messages"], found["channels"], found["senders"]) == (100, 2, 1)
    assert found["search_index"] is False
    assert found["busiest_channels"][0] == {"channel_id": "7", "messages": 50}
    assert "100 in 2 channels" in await cache(tmp_path, "stats")


async def test_search_finds_without_diacritics_and_sees_new_messages(
    store: MessageDB, tmp_path: Path
) -> None:
    assert "Đường số 99" in await cache(tmp_path, "search", "duong so 99")
    await store.save_message({"message_id": 500, "channel_id": 7, "content": {"t": "hoàn toàn mới"}})
    await store.flush()
    (row,) = (await cache(tmp_path, "search", "hoan toan", "--json")).splitlines()
    assert json.loads(row)["content"] == {"t": "hoàn toàn mới"}
    assert await cache(tmp_path, "search", "hoan", "--channel", "8") == "nothing found\n"


async def test_history_returns_the_last_messages(store: MessageDB, tmp_path: Path) -> None:
    rows = [
        json.loads(line)
        for line in (await cache(tmp_path, "history", "8", "--limit", "3", "--json")).splitlines()
    ]
    assert [row["id"] for row in rows] == ["96", "98", "100"]


async def test_prune_by_age_and_by_number(store: MessageDB, tmp_path: Path) -> None:
    by_age = json.loads(await cache(tmp_path, "prune", "--older-than", "5d", "--yes", "--json"))
    assert 48 <= by_age["removed"] <= 52
    assert by_age["removed"] + by_age["left"] == 100
    assert await store.get_message_count() == by_age["left"]
    assert json.loads(await cache(tmp_path, "prune", "--keep", "10", "--yes", "--json"))["left"] == 10
    assert await store.get_message_count() == 10
    # The bot can still write.
    await store.save_message({"message_id": 501, "channel_id": 7, "content": {"t": "after"}})
    assert await store.flush()
    assert await store.get_message_count() == 11


async def test_prune_requires_a_bound_and_confirmation(store: MessageDB, tmp_path: Path) -> None:
    for arguments, sentence in (
        (("prune", "--yes"), "no bound given"),
        (("prune", "--keep", "1"), "add --yes"),
        (("prune", "--older-than", "soon", "--yes"), "is not an age"),
    ):
        done = await asyncio.to_thread(mezon_command, "cache", *arguments, folder=tmp_path)
        assert done.returncode == 2
        assert sentence in done.stderr
    assert await store.get_message_count() == 100


async def test_export(store: MessageDB, tmp_path: Path) -> None:
    await cache(tmp_path, "export", "all.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows] == [str(number) for number in range(1, 101)]
    assert rows[0]["content"] == {"t": "Đường số 1"}
    await cache(tmp_path, "export", "seven.csv", "--channel", "7")
    with (tmp_path / "seven.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 50
    assert "references" in rows[0]
    assert len((await cache(tmp_path, "export", "-")).splitlines()) == 100
    again = await asyncio.to_thread(mezon_command, "cache", "export", "all.jsonl", folder=tmp_path)
    assert again.returncode == 2
    nowhere = await asyncio.to_thread(mezon_command, "cache", "export", "none/all.jsonl", folder=tmp_path)
    assert nowhere.returncode == 1
    assert nowhere.stderr == "none/all.jsonl cannot be written: No such file or directory\n"


async def test_nested_ids_are_strings(store: MessageDB, tmp_path: Path) -> None:
    reference = {"message_ref_id": 1_850_000_000_000_000_007, "ref_type": 0}
    await store.save_message(
        {
            "message_id": 900,
            "channel_id": 9,
            "sender_id": 3,
            "content": {"t": "answer"},
            "references": [reference],
            "create_time_seconds": int(time.time()),
        }
    )
    assert await store.flush()
    for line in (
        await cache(tmp_path, "search", "answer", "--json"),
        await cache(tmp_path, "history", "9", "--json"),
        await cache(tmp_path, "export", "-", "--channel", "9"),
    ):
        row = json.loads(line)
        (kept,) = row["references"]
        assert "msg_references" not in row
        assert (kept["message_ref_id"], kept["ref_type"]) == ("1850000000000000007", 0)


def test_missing_store_is_a_one_line_error(tmp_path: Path) -> None:
    for arguments in (
        ("stats",),
        ("search", "x"),
        ("history", "1"),
        ("prune", "--keep", "1"),
        ("export", "-"),
    ):
        done = mezon_command("cache", *arguments, folder=tmp_path)
        assert done.returncode == 2
        assert "run this in the bot's folder" in done.stderr
    assert list(tmp_path.iterdir()) == []


async def test_backup_while_the_bot_writes_is_consistent(store: MessageDB, tmp_path: Path) -> None:
    """The copy contains a prefix of the messages, is intact, and opens as a store."""
    over = asyncio.Event()

    async def write() -> int:
        number = 100
        while not over.is_set():
            number += 1
            await store.save_message(
                {"message_id": number, "channel_id": 9, "content": {"t": f"số {number}"}}
            )
            if number % 50 == 0:
                await asyncio.sleep(0.001)
        return number

    writing = asyncio.create_task(write())
    await asyncio.sleep(0.1)
    made = [json.loads(await cache(tmp_path, "backup", f"copy-{n}.db", "--json")) for n in range(2)]
    over.set()
    written = await writing
    assert 100 < made[0]["messages"] < made[1]["messages"] <= written
    assert sorted(os.listdir(tmp_path)) == ["copy-0.db", "copy-1.db", "mezon-cache"]
    for found in made:
        path = tmp_path / found["file"]
        assert (path.stat().st_mode & 0o777, path.stat().st_size) == (0o600, found["bytes"])
        with contextlib.closing(sqlite3.connect(path)) as copy:
            assert copy.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            ids = sorted(int(row[0]) for row in copy.execute("SELECT id FROM messages"))
        assert ids == list(range(1, found["messages"] + 1))
    async with MessageDB(tmp_path / "copy-1.db", flush_on_sigterm=False) as again:
        assert await again.get_message_count() == made[1]["messages"]
        await again.save_message({"message_id": 10**9, "channel_id": 9, "content": {"t": "sau"}})
        assert (await again.search_messages("sau"))[0]["id"] == str(10**9)


async def test_backup_overwrites_only_with_force(store: MessageDB, tmp_path: Path) -> None:
    await cache(tmp_path, "backup", "copy.db")
    before = (tmp_path / "copy.db").read_bytes()
    await store.save_message({"message_id": 500, "channel_id": 7})
    await store.flush()
    for arguments, reason in (
        (["copy.db"], "copy.db exists: choose another name, or use --force"),
        (["mezon-cache/mezon-messages-cache.db", "--force"], "is the store itself: name another file"),
        (["mezon-cache"], "mezon-cache is a folder: name another file"),
        (["nowhere/copy.db"], "there is no folder nowhere: create it first"),
        (["copy.db", "--file", "none.db"], "there is no none.db"),
    ):
        done = await asyncio.to_thread(mezon_command, "cache", "backup", *arguments, folder=tmp_path)
        assert done.returncode == 2, done.stderr
        assert reason in " ".join(done.stderr.split())
    assert (tmp_path / "copy.db").read_bytes() == before
    assert "101 messages" in await cache(tmp_path, "backup", "copy.db", "--force")


async def test_backup_of_invalid_store_leaves_no_file(tmp_path: Path) -> None:
    (tmp_path / "odd.db").write_bytes(b"this is no database at all, and long enough to be one" * 100)
    done = await asyncio.to_thread(
        mezon_command, "cache", "backup", "copy.db", "--file", "odd.db", folder=tmp_path
    )
    assert done.returncode == 1
    assert "odd.db cannot be read as a message store" in " ".join(done.stderr.split())
    assert os.listdir(tmp_path) == ["odd.db"]
