"""MessageDB: results, arguments, and what it does not do."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mezon.errors import InvalidArgumentError, MessageStoreError
from mezon.messages import MessageDB
from mezon.models import ChannelMessage
from mezon.protobuf.api import api_pb2
from mezon.protobuf.rtapi import realtime_pb2
from patience import patient

VECTORS = Path(__file__).parent.parent / "vectors" / "inbound.jsonl"


def cases() -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in VECTORS.read_text("utf-8").splitlines()]
    return [case for case in lines if case["event"] == "channel_message"]


def columns(message: ChannelMessage) -> dict[str, Any]:
    return {name: value for name, value in message.to_db_dict().items() if name != "message_id"}


@pytest.mark.parametrize("memory", [200, 0])
async def test_a_received_message_reads_as_its_model(tmp_path: Path, memory: int) -> None:
    async with MessageDB(tmp_path / "m.db", memory_messages_per_channel=memory) as store:
        checked = 0
        for number, case in enumerate(cases()):
            message = realtime_pb2.Envelope.FromString(bytes.fromhex(case["frame"])).channel_message
            message.message_id, message.channel_id, message.code = number + 1, 7, 0
            store.core.accept(message.SerializeToString())
            expected = ChannelMessage.from_protobuf(message)
            found = await store.get_message_by_id(number + 1, "7")
            assert found is not None
            assert columns(found) == columns(expected), case["note"]
            if memory:
                assert found == expected
                assert found.raw_content == expected.raw_content
            checked += 1
        assert checked == len(cases()) >= 20
        rows = await store.get_messages_by_channel(7, limit=100)
        assert len(rows) == checked
        assert all(isinstance(row["content"], dict) for row in rows)


async def test_a_saved_model_comes_back(tmp_path: Path) -> None:
    message = ChannelMessage(
        message_id=1,
        clan_id=2,
        channel_id=3,
        sender_id=4,
        content={"t": "Xin chào \ud83d"},
        topic_id=5,
        create_time_seconds=6,
    )
    for memory in (10, 0):
        async with MessageDB(tmp_path / f"{memory}.db", memory_messages_per_channel=memory) as store:
            await store.save_message(message)
            assert await store.get_message_by_id(1, 3) == message
            await store.save_message({**message.to_db_dict(), "content": {"t": "again"}})
            assert [row["content"] for row in await store.get_messages_by_channel("3")] == [{"t": "again"}]
            assert await store.get_message_count() == 1


async def test_limits_offsets_counts_and_removals() -> None:
    async with MessageDB(":memory:") as store:
        for number in range(20):
            await store.save_message(
                {"message_id": number, "channel_id": number % 2, "create_time_seconds": number}
            )
        assert [row["id"] for row in await store.get_messages_by_channel(1, 3, 2)] == ["15", "13", "11"]
        assert len(await store.get_messages_by_channel(1)) == 10
        assert await store.get_message_count("1") == 10
        assert await store.get_message_count() == 20
        assert await store.delete_message("3", "1") is True
        assert await store.delete_message(3, 1) is False
        assert await store.clear_channel_messages(1) == 9
        assert await store.get_messages_by_channel(1) == []


async def test_nothing_is_made_before_the_first_message(tmp_path: Path) -> None:
    path = tmp_path / "cache" / "m.db"
    async with MessageDB(path) as store:
        assert await store.get_message_by_id(1, 1) is None
        assert await store.get_messages_by_channel(1) == []
        assert await store.get_message_count() == 0
        assert await store.search_messages("a") == []
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("wrong", ["x", None, 2**63, 1.5, ""])
async def test_ids_that_are_none_are_refused(wrong: Any) -> None:
    store = MessageDB(":memory:")
    with pytest.raises(InvalidArgumentError):
        await store.get_message_by_id(wrong, 1)
    with pytest.raises(InvalidArgumentError):
        await store.save_message({"message_id": 1, "channel_id": wrong})


def test_bounds_below_zero_are_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="max_messages"):
        MessageDB(max_messages=-1)


async def test_search_with_and_without_diacritics() -> None:
    async with MessageDB(":memory:") as store:
        for number, text in enumerate(["Đường về nhà", "duong ve nha", "Hà Nội mùa thu", "🎉"]):
            await store.save_message({"message_id": number, "channel_id": 1, "content": {"t": text}})

        async def found(text: str, channel: int | None = None) -> list[str]:
            return [row["id"] for row in await store.search_messages(text, channel)]

        assert await found("đường về") == ["1", "0"]
        assert await found("DUONG VE") == ["1", "0"]
        assert await found("ha noi") == ["2"]
        assert await found("mùa th", 1) == ["2"]
        assert await found("mùa", 2) == []
        assert await found("🎉") == ["3"]


async def test_reads_do_not_hold_up_the_loop(tmp_path: Path) -> None:
    async with MessageDB(tmp_path / "m.db", memory_messages_per_channel=0) as store:
        body = api_pb2.ChannelMessage(channel_id=1, message_id=1, content='{"t":"x"}')
        for number in range(20_000):
            body.message_id = number
            store.core.accept(body.SerializeToString())
        search = asyncio.create_task(store.search_messages("x"))
        turns = 0
        while not search.done():
            await asyncio.sleep(0)
            turns += 1
        assert turns > 10
        assert len(await search) == 50


async def test_a_broken_file_is_told_once_and_set_aside(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "m.db"
    path.write_bytes(b"no database " * 1000)
    errors: list[Exception] = []
    async with MessageDB(path, on_error=errors.append) as store:
        await store.save_message({"message_id": 1, "channel_id": 1})
        assert await store.flush()
        assert await store.get_message_count() == 1
        await asyncio.sleep(0.01)
    assert [type(error) for error in errors] == [MessageStoreError]
    assert "was renamed to" in caplog.text
    assert len([name for name in os.listdir(tmp_path) if ".corrupt-" in name]) == 1


READ_ONLY = """
import asyncio, os, sys
from mezon.messages import MessageDB

async def main(path):
    async with MessageDB(":memory:", memory_messages_per_channel=0) as warm:
        await warm.save_message({"message_id": 1, "channel_id": 1})
        await warm.get_message_by_id(1, 1)
    if os.getuid() == 0:  # now that everything is imported, from folders that may be root's
        os.setgid(65534)
        os.setuid(65534)
    errors = []
    store = MessageDB(path, on_error=errors.append)
    assert (await store.get_message_by_id(1, 1)).content == {"t": "old"}
    new = {"message_id": 2, "channel_id": 1, "content": {"t": "new"}, "create_time_seconds": 5}
    await store.save_message(new)
    assert not await store.flush()
    assert [row["id"] for row in await store.get_messages_by_channel(1)] == ["2", "1"]
    assert len(errors) == 1, errors
    print("alive")

asyncio.run(main(sys.argv[1]))
"""


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="needs Unix modes")
async def test_a_read_only_file_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    async with MessageDB(folder / "m.db") as store:
        await store.save_message(
            {"message_id": 1, "channel_id": 1, "content": {"t": "old"}, "create_time_seconds": 4}
        )
    # root may write anywhere, so the child becomes nobody: the way down to the file must be open to it.
    for parent in [folder, *folder.parents]:
        if parent.stat().st_uid == os.getuid() and not parent.stat().st_mode & 0o001:
            parent.chmod(parent.stat().st_mode | 0o055)
    (folder / "m.db").chmod(0o444)
    folder.chmod(0o555)
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            READ_ONLY,
            str(folder / "m.db"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(), patient(50))
    finally:
        folder.chmod(0o755)
    assert out == b"alive\n", err.decode()


async def test_two_processes_on_one_file(tmp_path: Path) -> None:
    child = Path(__file__).with_name("store_child.py")
    path = tmp_path / "m.db"
    other = await asyncio.create_subprocess_exec(
        sys.executable, str(child), str(path), "4000", "return", stdout=subprocess.DEVNULL
    )
    async with MessageDB(path) as store:
        for number in range(4000):
            await store.save_message({"message_id": number, "channel_id": 99})
            if number % 100 == 0:
                await asyncio.sleep(0.005)
        assert await asyncio.wait_for(other.wait(), patient(50)) == 0
        assert await store.get_message_count() == 8000
        assert await store.get_message_count(99) == 4000
        assert store.stats()["failures"] == 0


def test_importing_mezon_messages_imports_no_sqlite() -> None:
    code = "import sys, mezon.messages; sys.exit('sqlite3' in sys.modules or 'aiohttp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


async def test_an_abandoned_store_is_freed() -> None:
    import gc
    import weakref

    store = MessageDB(":memory:")
    await store.save_message({"message_id": 1, "channel_id": 1})
    gone = weakref.ref(store)
    del store
    gc.collect()
    assert gone() is None


async def test_a_message_that_is_nested_too_deeply_is_refused(tmp_path: Path) -> None:
    nested: list[object] = []
    for _ in range(100_000):
        nested = [nested]
    async with MessageDB(tmp_path / "m.db") as store:
        with pytest.raises(InvalidArgumentError, match="nested too deeply"):
            await store.save_message({"message_id": 1, "channel_id": 7, "content": {"x": nested}})


@pytest.mark.parametrize("timeout", [1e18, float("inf"), 1e308])
async def test_a_flush_may_have_any_time(tmp_path: Path, timeout: float) -> None:
    async with MessageDB(tmp_path / "m.db") as store:
        store.accept(api_pb2.ChannelMessage(message_id=1, channel_id=7).SerializeToString())
        assert await store.flush(timeout)
        assert store.core.close(timeout)


@pytest.mark.parametrize("timeout", [-1.0, float("nan")])
async def test_a_flush_without_time_does_not_wait(tmp_path: Path, timeout: float) -> None:
    (tmp_path / "file").touch()
    async with MessageDB(tmp_path / "file" / "m.db") as store:
        store.accept(api_pb2.ChannelMessage(message_id=1, channel_id=7).SerializeToString())
        assert not await store.flush(timeout)
