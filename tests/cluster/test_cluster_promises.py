"""benches/promises.py, which measures the table of the guide: it runs, keeps its results, and goes on from them."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from child_process import child_process
from nats_servers import needs_nats
from tcp_proxy import TcpProxy

PROMISES = Path(__file__).parents[2] / "benches" / "promises.py"


#: A run of another fault, as the file keeps it, and one of another burst.
KEPT: dict[str, Any] = {
    "fault": "worker_killed",
    "burst": 120,
    "load": 1.0,
    "error": "",
    "events": 120,
    "lost": 1,
    "errors": 0,
    "handled_twice": 2,
    "answered_twice": 3,
    "fetched_late": 4,
    "out_of_order": 5,
    "pause": 6.0,
    "channel_pause": 7.0,
}
OTHER = {**KEPT, "burst": 121}


@needs_nats
@pytest.mark.timeout(180)
async def test_it_measures_and_resumes(tmp_path: Path) -> None:
    results = tmp_path / "promises.json"
    machine = {"cores": 2, "cpu": "a CPU", "python": "3.11"}
    results.write_text(json.dumps({"machine": machine, "runs": [KEPT, OTHER]}))
    faults = ("--only", "worker_killed", "--only", "full_stream")
    command = (
        sys.executable,
        str(PROMISES),
        "--burst",
        "120",
        "--results",
        str(results),
        "--resume",
        *faults,
    )
    async with child_process(*command) as process:
        printed, _ = await process.communicate()
    text = printed.decode()
    assert process.returncode == 0, text
    kept, measured = json.loads(results.read_text())["runs"]
    assert kept == KEPT
    assert (measured["fault"], measured["error"], measured["events"]) == ("full_stream", "", 120)
    assert (measured["lost"], measured["answered_twice"], measured["out_of_order"]) == (0, 0, 0)
    assert "| one of two workers killed | 1 | 120 | 1 | 0 | 2 | 3 | 4 | 5 | 6.0 s | 7.0 s |" in text


async def test_a_proxy_that_stalls_and_cuts() -> None:
    """What was sent during a stall arrives afterwards; a cut connection ends, and a new one works."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            writer.write(data)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server, TcpProxy(server.sockets[0].getsockname()[1]) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"one")
        assert await reader.readexactly(3) == b"one"
        proxy.stall()
        writer.write(b"two")
        arriving = asyncio.create_task(reader.readexactly(3))
        done, _ = await asyncio.wait([arriving], timeout=0.1)
        assert not done
        proxy.resume()
        assert await arriving == b"two"
        proxy.cut()
        with pytest.raises(ConnectionResetError):
            await reader.read(1)
        writer.close()
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"three")
        assert await reader.readexactly(5) == b"three"
        writer.write_eof()
        assert await reader.read() == b""
        writer.close()
