"""``mezon cache`` does not change the store and handles any content."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from pathlib import Path

import pytest
from cli_kit import mezon_command
from mezon.messages import MessageDB
from mezon.protobuf.api import api_pb2

LOOKING = (
    ("stats",),
    ("search", "word"),
    ("history", "1"),
    ("export", "-"),
    ("backup", "copy.db"),
    ("prune", "--keep", "1", "--yes"),
)
DEEP = '{"t":"deep","x":' + "[" * 1500 + "]" * 1500 + "}"


def folder_of(path: Path) -> dict[str, bytes]:
    return {found.name: found.read_bytes() for found in path.iterdir()}


def database(path: Path, script: str) -> None:
    with contextlib.closing(sqlite3.connect(path)) as made:
        made.executescript(script)


async def store_with(path: Path, *contents: str) -> None:
    async with MessageDB(path, flush_on_sigterm=False) as store:
        for number, content in enumerate(contents, 1):
            message = api_pb2.ChannelMessage(message_id=number, channel_id=7, sender_id=3, content=content)
            store.accept(message.SerializeToString())


@pytest.mark.parametrize("arguments", LOOKING, ids=lambda arguments: arguments[0])
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("notes.txt", "it is not an SQLite database"),
        ("empty.db", "it is not an SQLite database"),
        ("other.db", "it has no table of messages"),
        ("chat.db", "its table messages has no clan_id"),
    ],
)
def test_invalid_store_is_a_one_line_error_and_not_changed(
    tmp_path: Path, arguments: tuple[str, ...], name: str, reason: str
) -> None:
    (tmp_path / "notes.txt").write_bytes(b"what somebody wrote down, and would like to keep\n" * 100)
    (tmp_path / "empty.db").touch()
    database(tmp_path / "other.db", "PRAGMA journal_mode=WAL; CREATE TABLE mine (x)")
    database(tmp_path / "chat.db", "CREATE TABLE messages (id, channel_id)")
    before = folder_of(tmp_path)
    done = mezon_command("cache", *arguments, "--file", name, folder=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"{name} cannot be read as a message store: {reason}\n"
    assert folder_of(tmp_path) == before


@pytest.mark.parametrize("arguments", LOOKING[:4], ids=lambda arguments: arguments[0])
async def test_reading_does_not_change_the_store(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """No index is created and no log is left behind."""
    await store_with(tmp_path / "m.db", '{"t":"a word"}')
    before = folder_of(tmp_path)
    assert list(before) == ["m.db"]
    done = mezon_command("cache", *arguments, "--file", "m.db", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert folder_of(tmp_path) == before


@pytest.mark.parametrize(
    "content", [DEEP, '{"t":"deep","x":' + '{"x":' * 300 + "1" + "}" * 301], ids=["lists", "objects"]
)
async def test_too_deeply_nested_content_stays_text(tmp_path: Path, content: str) -> None:
    await store_with(tmp_path / "m.db", content, '{"t":"flat"}')
    (tmp_path / "mezon-cache").mkdir()
    (tmp_path / "m.db").rename(tmp_path / "mezon-cache" / "mezon-messages-cache.db")
    for arguments in (("history", "7", "--json"), ("export", "-")):
        done = mezon_command("cache", *arguments, folder=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        rows = {row["id"]: row["content"] for row in map(json.loads, done.stdout.splitlines())}
        assert rows == {"1": content, "2": {"t": "flat"}}
    done = mezon_command("cache", "export", "all.jsonl", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    rows = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text().splitlines()]
    assert [row["content"] for row in rows] == [content, {"t": "flat"}]
    done = mezon_command("cache", "history", "7", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "(no text)" in done.stdout
    assert "flat" in done.stdout
    done = mezon_command("cache", "search", "flat", "--json", folder=tmp_path)
    assert (done.returncode, json.loads(done.stdout)["id"]) == (0, "2")


async def test_a_lone_surrogate_is_printed(tmp_path: Path) -> None:
    """UTF-8 cannot encode such text: JSON escapes it, the terminal shows a question mark."""
    await store_with(tmp_path / "m.db", r'{"t":"half \ud83d of one"}')
    for arguments in (("history", "7", "--json"), ("search", "half", "--json"), ("export", "-")):
        done = mezon_command("cache", *arguments, "--file", "m.db", folder=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        assert json.loads(done.stdout)["content"] == {"t": "half \ud83d of one"}
    done = mezon_command("cache", "history", "7", "--file", "m.db", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "half ? of one" in done.stdout
    done = mezon_command("cache", "export", "all.jsonl", "--file", "m.db", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


async def test_search_includes_messages_missing_from_the_index(tmp_path: Path) -> None:
    """The bot searched and then stored more messages."""
    await store_with(tmp_path / "m.db", '{"t":"một từ"}')
    async with MessageDB(tmp_path / "m.db", flush_on_sigterm=False) as store:
        assert len(await store.search_messages("mot")) == 1
        message = api_pb2.ChannelMessage(message_id=9, channel_id=8, content='{"t":"một từ khác"}')
        store.accept(message.SerializeToString())
    for channel, found in ((), ["9", "1"]), (("--channel", "7"), ["1"]), (("--channel", "8"), ["9"]):
        done = mezon_command(
            "cache", "search", "MOT tu", "--json", *channel, "--file", "m.db", folder=tmp_path
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == found
