"""A file recorded from mezon-sdk 1.8.3 (tests/store/record_reference.py) is opened, read and continued."""

from __future__ import annotations

import json
import lzma
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from mezon.messages import MessageDB

DATA = Path(__file__).parent.parent / "data"


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    path = tmp_path / "cache.db"
    path.write_bytes(lzma.decompress((DATA / "mezon-sdk-1.8.3-cache.db.xz").read_bytes()))
    return path


@pytest.fixture(scope="module")
def reads() -> dict[str, Any]:
    """What mezon-sdk itself read from that file."""
    loaded: dict[str, Any] = json.loads(
        lzma.decompress((DATA / "mezon-sdk-1.8.3-reads.json.xz").read_bytes())
    )
    return loaded


async def test_every_row_reads_as_it_did(recorded: Path, reads: dict[str, Any]) -> None:
    async with MessageDB(recorded) as store:
        assert await store.get_message_count() == reads["count"] == 1980
        for channel, expected in reads["channels"].items():
            rows = await store.get_messages_by_channel(channel, limit=-1)
            assert {row["id"]: row for row in rows} == expected
            assert [list(row) for row in rows] == [list(expected[row["id"]]) for row in rows], (
                "the order of the keys"
            )
            keys = [
                (row["create_time_seconds"] if row["create_time_seconds"] is not None else -1, row["id"])
                for row in rows
            ]
            assert keys == sorted(keys, reverse=True)
        for message_id, channel_id, expected in reads["messages"]:
            found = await store.get_message_by_id(message_id, channel_id)
            if expected is None:
                assert found is None
                continue
            assert found is not None
            have = found.model_dump(include=set(expected))
            assert {name: value or None for name, value in have.items()} == {
                name: value or None for name, value in expected.items()
            }


async def test_the_file_is_continued(recorded: Path, reads: dict[str, Any]) -> None:
    async with MessageDB(recorded) as store:
        await store.save_message({"message_id": 1, "channel_id": 1830000000000000000, "topic_id": 8})
        found = await store.get_message_by_id(1, "1830000000000000000")
        assert found is not None
        assert found.topic_id == 8
        assert await store.get_message_count() == reads["count"] + 1
        assert len(await store.search_messages("thanh pho", limit=-1)) > 100
    connection = sqlite3.connect(recorded)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert connection.execute("PRAGMA user_version").fetchall() == [(2,)]
    connection.close()


async def test_mezon_sdk_can_go_on_with_our_file(tmp_path: Path) -> None:
    """The statements of mezon-sdk, on a file this package has written, searched and listed."""
    path = tmp_path / "cache.db"
    async with MessageDB(path) as store:
        await store.save_message(
            {"message_id": 5, "channel_id": 7, "clan_id": 1, "sender_id": 2, "content": {"t": "a"}}
        )
        await store.get_messages_by_channel(7)
        await store.search_messages("a")
    other = sqlite3.connect(path)
    other.row_factory = sqlite3.Row
    other.execute("CREATE INDEX IF NOT EXISTS idx_messages_channel_id ON messages(channel_id)")
    names = "id, clan_id, channel_id, sender_id, content, mentions, attachments, reactions, msg_references"
    other.execute(
        f"INSERT OR REPLACE INTO messages ({names}, topic_id, create_time_seconds)"
        " VALUES (?,?,?,?,?,?,?,?,?,?,?)",
        (6, 1, 7, 2, '{"t": "b"}', "[]", "[]", "[]", "[]", None, 9),
    )
    other.commit()
    rows = other.execute(
        "SELECT * FROM messages WHERE channel_id = ? ORDER BY create_time_seconds DESC LIMIT 5", (7,)
    ).fetchall()
    assert [row["id"] for row in rows] == ["6", "5"]
    assert all(
        json.loads(row[name]) == [] for row in rows for name in ("mentions", "attachments", "msg_references")
    )
    other.close()
    async with MessageDB(path) as store:
        assert [row["id"] for row in await store.get_messages_by_channel(7)] == ["6", "5"]
        assert [row["id"] for row in await store.search_messages("b")] == ["6"]
