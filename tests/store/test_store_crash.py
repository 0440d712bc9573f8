"""What the end of a process costs: nothing, unless it is SIGKILL, which may cost the last group."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
from pathlib import Path

import pytest
from patience import patient
from preloaded import PRELOADED

CHILD = Path(__file__).with_name("store_child.py")


def start(path: Path, count: int, end: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [PRELOADED, str(CHILD), str(path), str(count), end],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def stored(path: Path) -> list[int]:
    connection = sqlite3.connect(path)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'messages'").fetchall():
            return []  # killed before the first commit
        return [
            int(row[0]) for row in connection.execute("SELECT id FROM messages ORDER BY CAST(id AS INTEGER)")
        ]
    finally:
        connection.close()


@pytest.mark.parametrize(("end", "code"), [("return", 0), ("exit", 3), ("raise", 1), ("close", 0)])
def test_an_ordinary_end_loses_nothing(tmp_path: Path, end: str, code: int) -> None:
    path = tmp_path / "cache" / "messages.db"
    child = start(path, 3000, end)
    out, err = child.communicate(timeout=patient(30))
    assert child.returncode == code, err.decode()
    assert len(out.splitlines()) == 3000
    assert stored(path) == list(range(1, 3001))
    assert sorted(os.listdir(path.parent)) == ["messages.db"], "the log was emptied into the file"


def test_sigterm_loses_nothing_and_ends_the_process_as_ever(tmp_path: Path) -> None:
    path = tmp_path / "messages.db"
    child = start(path, 10**9, "wait")
    assert child.stdout is not None
    for _ in range(2000):
        child.stdout.readline()
    child.send_signal(signal.SIGTERM)
    confirmed = [int(line) for line in child.stdout.read().splitlines()]
    assert child.wait(timeout=patient(30)) == -signal.SIGTERM
    child.stdout.close()
    assert child.stderr is not None
    child.stderr.close()
    last = confirmed[-1] if confirmed else 2000
    kept = stored(path)
    assert kept == list(range(1, len(kept) + 1))
    assert len(kept) >= last


def test_sigkill_costs_no_more_than_the_last_group(tmp_path: Path) -> None:
    """What was committed stays, and a group is whole or not there."""
    rounds = int(os.environ.get("MEZON_TEST_KILLS", "15"))
    pick = random.Random(7)
    with_loss = 0
    for number in range(rounds):
        path = tmp_path / f"messages-{number}.db"
        child = start(path, 10**9, "count")
        assert child.stdout is not None
        least = pick.randrange(1, 2000)
        for line in child.stdout:
            if int(line.split()[1]) >= least:
                break
        child.kill()
        *_, last = [line, *child.stdout.read().splitlines(keepends=True)]
        child.wait(timeout=patient(30))
        child.stdout.close()
        assert child.stderr is not None
        child.stderr.close()
        accepted, written = map(int, last.split()) if last.endswith(b"\n") else (0, least)
        kept = stored(path)
        assert kept == list(range(1, len(kept) + 1)), "there are no holes: a group is whole or not there"
        assert len(kept) >= max(written, least), f"round {number}"
        with_loss += len(kept) < accepted
    assert with_loss > 0, "some rounds must have had something to lose"


LIMITED = """
import asyncio, resource, sys
from mezon.messages import MessageDB

async def main(path):
    errors = []
    store = MessageDB(path, on_error=errors.append, memory_messages_per_channel=50)
    row = lambda n: {"message_id": n, "channel_id": 1, "content": {"t": "x" * 500}, "create_time_seconds": n}
    for n in range(100):
        await store.save_message(row(n))
    assert await store.flush()
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
    for n in range(100, 2000):
        await store.save_message(row(n))
    assert not await store.flush()
    assert (await store.get_message_by_id(1999, 1)).id == 1999
    assert (await store.get_message_by_id(50, 1)).id == 50
    assert [r["id"] for r in await store.get_messages_by_channel(1, 2)] == ["1999", "1998"]
    await asyncio.sleep(0.05)
    assert [type(e).__name__ for e in errors] == ["MessageStoreError"], errors
    assert store.stats()["degraded"]
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    while store.stats()["degraded"]:
        await asyncio.sleep(0.05)
    assert await store.flush()
    assert await store.get_message_count() == 2000
    print("alive")

asyncio.run(main(sys.argv[1]))
"""


def test_a_full_disk_costs_a_warning_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "messages.db"
    done = subprocess.run(
        [PRELOADED, "-c", LIMITED, str(path)],
        capture_output=True,
        text=True,
        timeout=patient(50),
        check=False,
    )
    assert done.stdout == "alive\n", done.stderr
    assert done.stderr.count("cannot be written") <= 1
    assert stored(path) == list(range(2000))
