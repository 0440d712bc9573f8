"""Many bots in one process: shared threads, and independent closing."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from bot_process import bot
from mezon.testing import LocalGateway

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/task").is_dir(), reason="the system does not tell its threads"
)

BOTS = 30

CROWD = """
import asyncio, json, os, threading
from mezon import MezonClient

def threads():
    python = [thread.name for thread in threading.enumerate()]
    everything = len(os.listdir("/proc/self/task"))
    return sorted(python), everything

def make(client_id, key):
    client = MezonClient(
        client_id, key, message_db="crowd.db", http_rate_period=0.0,
        host=os.environ["MEZON_HOST"], port=os.environ["MEZON_PORT"], use_ssl=False,
    )
    client.heard = []
    client.on_channel_message(lambda message: client.heard.append(message.content["t"]))
    return client

async def until(done):
    async with asyncio.timeout(20):
        while not done():
            await asyncio.sleep(0.01)

async def main():
    bots = [make(*one) for one in json.loads(os.environ["BOTS"])]
    await asyncio.gather(*(bot.login() for bot in bots))
    print(json.dumps(threads()), flush=True)
    await until(lambda: all(bot.heard == ["one"] for bot in bots))
    await bots[0].message_db.flush()
    print(json.dumps(threads()), flush=True)
    half = bots[::2]
    await asyncio.gather(*(bot.disconnect() for bot in half))
    print("half", flush=True)
    rest = bots[1::2]
    await until(lambda: all(bot.heard == ["one", "two"] for bot in rest))
    assert all(bot.heard == ["one"] for bot in half)
    channel = int(os.environ["CHANNEL"])
    rows = await rest[0].message_db.get_messages_by_channel(channel)
    print(json.dumps([row["content"]["t"] for row in rows]), flush=True)
    await asyncio.gather(*(bot.disconnect() for bot in rest))
    assert not os.path.exists("crowd.db-wal"), "the last one has closed the file"
    # Those of the lanes end behind the call they were for.
    await until(lambda: threads()[0] == ["MainThread"])

asyncio.run(main())
"""


async def test_many_bots_share_four_threads_and_close_independently(
    gateway: LocalGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = []
    for number in range(BOTS):
        one = gateway.add_bot(gateway.world.next_id(), f"key-{number}", f"bot{number}")
        keys.append((one.id, f"key-{number}"))
    channel = gateway.world.channel("general").id
    script = f"import os; os.chdir({os.fspath(tmp_path)!r})\n{CROWD}"
    async with bot(script, gateway, BOTS=json.dumps(keys), CHANNEL=str(channel)) as child:
        python, every = json.loads(await child.line())
        assert python == ["MainThread", "mezon-watchdog"]
        assert every == 3, "these two, and the one of the sockets"
        await gateway.say("general", "alice", "one")
        _, every = json.loads(await child.line())
        # A flush uses a further thread besides the writer, which lives as long as a store is open.
        assert every == 5
        assert await child.line() == "half"
        await gateway.say("general", "alice", "two")
        assert json.loads(await child.line()) == ["two", "one"]
        code, _, errors = await child.end()
        assert code == 0, errors
