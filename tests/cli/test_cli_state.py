"""``mezon state`` on the file of a bot, and on Redis."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_kit import mezon_command
from mezon.ext.state import State, StateStore
from nats_servers import free_ports

REDIS = shutil.which("redis-server")
FILE = Path("mezon-cache") / "mezon-state.db"


class Score(State):
    points: int = 0
    name: str = ""


class Total(State, scope="bot", version=3):
    count: int = 0


async def write(path: Path, bot_id: int = 1) -> None:
    async with StateStore(bot_id, path) as store:
        async with store.at(clan_id=10, user_id=30).edit(Score) as score:
            score.points, score.name = 5, "Đường\u2028số"
        async with store.at().edit(Total, ttl=3600) as total:
            total.count = 2**60 + 1


async def read(path: Path | str, bot_id: int = 1) -> tuple[Score, Total]:
    async with StateStore(bot_id, path) as store:
        return await store.at(clan_id=10, user_id=30)(Score), await store.at()(Total)


async def state(folder: Path, *arguments: str, code: int = 0, given: str = "") -> str:
    done = await asyncio.to_thread(mezon_command, "state", *arguments, folder=folder, given=given)
    assert done.returncode == code, done.stderr
    return done.stderr if code else done.stdout


@pytest.fixture
def redis_url() -> Iterator[str]:
    if REDIS is None:
        pytest.skip("there is no redis-server on PATH")
    (port,) = free_ports(1)
    command = [REDIS, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert any("Ready to accept connections" in line for line in server.stdout)
        yield f"redis://127.0.0.1:{port}"
        server.terminate()


async def test_records_are_listed_read_changed_and_deleted(tmp_path: Path) -> None:
    await write(tmp_path / FILE)
    assert [line.split("  ")[0] for line in (await state(tmp_path, "list")).strip().split("\n")] == [
        "Score.user_in_clan.10.30",
        "Total.bot",
    ]
    row = json.loads(await state(tmp_path, "list", "Total", "--json"))
    assert (row["key"], row["version"], row["value"]) == ("Total.bot", 3, {"count": 2**60 + 1})
    assert row["expires"] > time.time()
    assert json.loads(await state(tmp_path, "get", "Total.bot")) == {"count": 2**60 + 1}
    await state(tmp_path, "set", "Total.bot", '{"count": 8}')
    await state(tmp_path, "delete", "Score.user_in_clan.10.30")
    assert await read(tmp_path / FILE) == (Score(), Total(count=8))
    assert json.loads(await state(tmp_path, "get", "Total.bot", "--json"))["version"] == 3


async def test_wrong_use_says_what_to_do(tmp_path: Path) -> None:
    assert "name the file with --file" in await state(tmp_path, "list", code=2)
    assert not (tmp_path / FILE).exists()
    await write(tmp_path / FILE)
    assert "mezon state list prints the keys" in await state(tmp_path, "get", "Nothing.bot", code=1)
    assert "no record" in await state(tmp_path, "delete", "Nothing.bot", code=1)
    assert "not valid JSON" in await state(tmp_path, "set", "Total.bot", "{", code=2)
    assert "must be a JSON object" in await state(tmp_path, "set", "Total.bot", "[1]", code=2)
    assert "is no key" in await state(tmp_path, "set", "Total bot", "{}", code=2)
    await write(tmp_path / FILE, bot_id=2)
    assert "bots 1, 2: name the bot with --bot-id" in await state(tmp_path, "list", code=2)
    assert "Total.bot" in await state(tmp_path, "list", "--bot-id", "2")


async def test_export_and_import_restore_every_record(tmp_path: Path) -> None:
    for bot_id in (1, 2):
        await write(tmp_path / FILE, bot_id)
    before = await read(tmp_path / FILE)
    assert "4 records" in await state(tmp_path, "export", "all.jsonl")
    assert "use --force" in await state(tmp_path, "export", "all.jsonl", code=2)
    await state(tmp_path, "set", "Total.bot", '{"count": 1}', "--bot-id", "1")
    kept = await state(tmp_path, "import", "all.jsonl", "--keep")
    assert "0 records stored, 4 left out" in kept
    assert (await read(tmp_path / FILE))[1].count == 1
    assert "4 records stored" in await state(tmp_path, "import", "all.jsonl", "--file", "other.db")
    assert [await read(tmp_path / "other.db", bot_id) for bot_id in (1, 2)] == [before, before]
    assert "4 records stored" in await state(tmp_path, "import", "all.jsonl")
    assert await read(tmp_path / FILE) == before


async def test_import_of_an_invalid_line_stores_nothing(tmp_path: Path) -> None:
    good = json.dumps({"bot_id": "1", "key": "Total.bot", "v": 1, "d": {"count": 1}})
    for bad in ("{", "[]", '{"bot_id": "1", "key": "a b", "v": 1, "d": {}}', '{"bot_id": "x", "key": "a"}'):
        (tmp_path / "bad.jsonl").write_text(f"{good}\n{bad}\n")
        assert "line 2" in await state(tmp_path, "import", "bad.jsonl", code=1)
    assert not (tmp_path / FILE).exists()


async def test_records_move_to_redis(tmp_path: Path, redis_url: str) -> None:
    await write(tmp_path / FILE)
    lines = await state(tmp_path, "export", "-")
    await state(tmp_path, "import", "-", "--url", redis_url, "--bot-id", "7", given=lines)
    assert await read(redis_url, 7) == await read(tmp_path / FILE)
    assert "Total.bot" in await state(tmp_path, "list", "--url", redis_url)
    assert "must begin with redis://" in await state(tmp_path, "list", "--url", "http://x", code=2)
