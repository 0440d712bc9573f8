"""``mezon top``: the counters of a running bot, from its health endpoint."""

from __future__ import annotations

import asyncio
import json
import subprocess
from pathlib import Path

import pytest
from cli_kit import mezon_command
from mezon import MezonClient
from mezon.cli.top import Bot
from mezon.testing import LocalGateway
from small import free_port
from waiting import until

pytestmark = pytest.mark.timeout(120)


async def top(*arguments: str, folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    command = ("top", "--once", "--interval", "0.3", *arguments)
    return await asyncio.to_thread(lambda: mezon_command(*command, folder=folder, **env))


@pytest.fixture
def address() -> str:
    return f"127.0.0.1:{free_port()}"


async def test_a_running_bot_is_shown(gateway: LocalGateway, tmp_path: Path, address: str) -> None:
    client = MezonClient(**{**gateway.client_options(), "health": address})

    @client.on_channel_message(ignore_self=True)
    async def fail(message: object) -> None:
        raise RuntimeError("a bug")

    await client.login()
    await gateway.wait_joined()
    await gateway.say("general", "alice", "hi")
    await gateway.typing("general", "alice")
    await until(lambda: client.stats().handler_errors == 1 and client.stats().skipped >= 1, "the events")

    done = await top(address, folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines] == [
        "bot",
        "events",
        "queue",
        "handlers",
        "calls",
        "http",
        "not",
    ]
    assert lines[0].startswith(f"bot       {address}  ready")
    assert "0 run, 1 failed (0.0/s)" in lines[3]
    assert "0 requests wait for the rate limit" in lines[5]

    done = await top("--json", folder=tmp_path, MEZON_HEALTH=address)
    found = json.loads(done.stdout)
    assert found["bot"] == address
    assert found["stats"]["events"]["channel_message"] == 1
    assert found["stats"]["http_waiting"] == 0
    assert found["per_second"]["handler_errors"] == 0
    await client.disconnect()


async def test_the_rate_of_events(gateway: LocalGateway, address: str) -> None:
    client = MezonClient(**{**gateway.client_options(), "health": address})
    heard: asyncio.Queue[object] = asyncio.Queue()
    client.on_channel_message(heard.put_nowait)
    await client.login()
    await gateway.wait_joined()
    bot = Bot("127.0.0.1", int(address.rpartition(":")[2]))
    await asyncio.to_thread(bot.read)
    assert bot.event_rates().get("channel_message", 0) == 0
    for number in range(3):
        await gateway.say("general", "alice", str(number))
        await heard.get()
    await asyncio.to_thread(bot.read)
    assert bot.event_rates()["channel_message"] == pytest.approx(3 / bot.seconds)
    assert bot.lines()[1].split(": ")[1].startswith("channel_message ")
    await client.disconnect()
    await asyncio.to_thread(bot.read)
    assert (bot.seconds, bot.stats) == (0.0, {})
    assert "does not answer" in bot.problem


async def test_a_bot_that_does_not_answer(tmp_path: Path, address: str) -> None:
    done = await top(address, folder=tmp_path)
    assert done.returncode == 1
    assert f"bot       {address}  does not answer" in done.stdout
    assert "run it with mezon run --health 127.0.0.1:8080" in done.stderr


async def test_wrong_use(tmp_path: Path) -> None:
    done = await top(folder=tmp_path)
    assert done.returncode == 2
    assert (
        "name the health endpoint of a bot, such as mezon top 127.0.0.1:8080, or set MEZON_HEALTH"
        in done.stderr
    )
    done = await top("nowhere", folder=tmp_path)
    assert done.returncode == 2
    assert "health must be host and port" in done.stderr
