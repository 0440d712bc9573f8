"""Durable state of a bot on many machines: `mezon worker` keeps it in NATS without any setting."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest
from docs_permissions import server_permissions
from in_process_cluster import as_user
from mezon._cluster import state_bucket
from mezon._cluster.broker import jetstream_api
from mezon._cluster.layout import restore_layout
from mezon._cluster.protocol import Names
from mezon._cluster.settings import Layout, Timing
from mezon._cluster.state_bucket import BucketBackend
from mezon.ext.state import State, StateError, StateStore
from mezon.testing import LocalGateway
from nats.aio.client import Client
from nats_servers import TIMING, Child, NatsServer, nats_server, needs_nats
from preloaded import PRELOADED
from waiting import until

pytestmark = [needs_nats, pytest.mark.timeout(240)]

NAMES = Names(83)

BOT = """
import os
import sys
from mezon.ext.commands import Bot, Context
from mezon.ext.state import State

bot = Bot(os.environ["MEZON_BOT_ID"], "unused", host="nowhere.invalid")


class Score(State):
    points: int = 0


@bot.command()
async def win(ctx: Context) -> None:
    async with ctx.state.edit(Score) as score:
        score.points += 1
    await ctx.reply(f"{score.points} points")


@bot.command()
async def best(ctx: Context) -> None:
    rows = await ctx.state.top(Score, by="points", n=1)
    await ctx.reply(f"{rows[0].value.points} of {rows[0].user_id}")


@bot.on_ready(once=True)
async def started() -> None:
    print("the bot starts", file=sys.stderr, flush=True)


@bot.every(hours=1, at_start=True)
async def announce() -> None:
    print("announced", file=sys.stderr, flush=True)


@bot.on_ready
async def joined() -> None:
    print("joined" if not await bot.is_first() else "first", flush=True)
"""


class Score(State):
    points: int = 0


async def mezon(*arguments: str, given: str = "", **environment: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *(PRELOADED, "-m", "mezon.cli", *arguments),
        env={**os.environ, **environment},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, errors = await process.communicate(given.encode())
    assert process.returncode == 0, said.decode() + errors.decode()
    return said.decode()


async def test_workers_share_state_without_a_setting(gateway: LocalGateway, tmp_path: Path) -> None:
    """The commands themselves, with the rights of the guide. One worker calls what is called once."""
    file = tmp_path / "scoring_bot.py"
    file.write_text(BOT)
    cli, bot_id = ("-m", "mezon.cli"), str(gateway.bot_id)
    async with nats_server(server_permissions(gateway.bot_id)) as server:

        def worker(name: str) -> Child:
            nats = ("--nats", as_user(server.url, name))
            return Child(
                *(*cli, "worker", str(file), "--name", name, *nats), environment={"MEZON_BOT_ID": bot_id}
            )

        relay_nats = ("--nats", as_user(server.url, "relay"))
        relay = Child(
            *(*cli, "relay", *relay_nats, "--cache", "none", "--partitions", "4"),
            environment=gateway.environment(),
        )

        async def ask(text: str) -> str:
            await gateway.say("general", "alice", text)
            return str((await gateway.next_sent("channel_message_send", timeout=60)).text)

        async with relay, worker("worker-1") as first:
            await relay.ready()
            await first.ready("first")
            assert await ask("!win") == "1 points"
            async with worker("worker-2") as second:
                await second.ready("joined")
                await first.kill()
                # Another process on another machine, after a worker was killed.
                assert await ask("!win") == "2 points"
                alice = gateway.world.user("alice").id
                assert await ask("!best") == f"2 of {alice}"

                operator = ("--nats", as_user(server.url, "operator"), "--bot-id", bot_id)
                clan = gateway.world.clan().id
                key = f"Score.user_in_clan.{clan}.{alice}"
                assert await mezon("state", "list", "Score", *operator) == f'{key}  {{"points": 2}}\n'
                await mezon("state", "set", key, '{"points": 7}', *operator)
                assert await ask("!win") == "8 points"
                exported = await mezon("state", "export", "-", *operator)
                await mezon("state", "delete", key, *operator)
                assert await ask("!win") == "1 points"
                await mezon("state", "import", "-", *operator[:2], given=exported, MEZON_BOT_ID=bot_id)
                assert await ask("!win") == "9 points"
                assert await second.terminate() == 0
                for once in ("the bot starts", "announced"):
                    assert [once in one.log() for one in (first, second)] == [True, False]
                assert not await asyncio.to_thread(lambda: list(tmp_path.rglob("*.db")))
                log = (server.folder / "nats.log").read_text()
                assert "Permissions Violation" not in log, log[-2000:]


async def connection(client: Client) -> Client:
    return client


async def messages(client: Client) -> int:
    info = await jetstream_api(client, f"STREAM.INFO.KV_{NAMES.state_bucket}")
    assert info is not None
    return int(info["state"]["messages"])


async def test_the_server_removes_what_has_expired_or_was_deleted(client: Client) -> None:
    backend = BucketBackend(lambda: connection(client), NAMES.state_bucket)
    for number in range(3):
        await backend.put(f"1.short.{number}", b"x", 0, ttl=0.05)
        await backend.put(f"1.deleted.{number}", b"x", 0)
        assert await backend.delete(f"1.deleted.{number}")
    await backend.put("1.kept", b"x", 0)

    async def alone() -> bool:
        return await messages(client) == 1

    await until(alone, "the server to remove the entries")
    assert [key for key, _ in await backend.entries("")] == ["1.kept"]


async def test_a_deleted_bucket_is_created_again(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_bucket, "OUTAGE_TIMEOUT", 0.0)
    records = StateStore(NAMES.bot, BucketBackend(lambda: connection(client), NAMES.state_bucket))
    await jetstream_api(client, f"STREAM.DELETE.KV_{NAMES.state_bucket}")
    for use in (records.at()(Score), records.put("x", b"1"), records.keys()):
        with pytest.raises(StateError, match=f"the state bucket {NAMES.state_bucket} cannot be used"):
            await use
    await restore_layout(client, NAMES, Layout(partitions=1), Timing(**TIMING), 1)
    async with records.at().edit(Score) as score:
        score.points = 1
    assert json.loads((await records.keys())[0][1].value)["d"] == {"points": 1}


async def test_edits_wait_for_nats(client: Client, nats: NatsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server is killed again and again while two stores count: no edit fails, and none is made twice."""
    monkeypatch.setattr(state_bucket, "_TIMEOUT", 0.5)
    stores = [
        StateStore(NAMES.bot, BucketBackend(lambda: connection(client), NAMES.state_bucket)) for _ in range(2)
    ]
    done = 0

    async def count(store: StateStore) -> None:
        nonlocal done
        for _ in range(100):
            async with store.at().edit(Score, scope="bot") as score:
                score.points += 1
            done += 1

    counting = asyncio.gather(*map(count, stores))
    for enough in (20, 80, 140):
        await until(lambda enough=enough: done >= enough, "the edits", timeout=60)
        await nats.kill()
        await nats.start()
    await counting
    assert (await stores[0].at()(Score, scope="bot")).points == 200


async def test_a_repeated_write_is_made_once(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server made the write, and its receipt was lost."""
    backend = BucketBackend(lambda: connection(client), NAMES.state_bucket)
    request, lost = client.request, 0

    async def lose_the_first(subject: str, *arguments: object, **options: object) -> object:
        nonlocal lost
        answer = await request(subject, *arguments, **options)  # type: ignore[arg-type]
        if subject.startswith("$KV.") and lost == 0:
            lost += 1
            raise TimeoutError
        return answer

    monkeypatch.setattr(client, "request", lose_the_first)
    first = await backend.put("1.x", b"one", 0)
    assert (lost, first is not None) == (1, True)
    assert await backend.put("1.x", b"two", first) is not None


async def test_state_without_nats_is_an_error(
    client: Client, nats: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state_bucket, "OUTAGE_TIMEOUT", 0.0)
    monkeypatch.setattr(state_bucket, "_TIMEOUT", 0.2)
    backend = BucketBackend(lambda: connection(client), NAMES.state_bucket)
    with pytest.raises(StateError, match="maximum payload"):
        await backend.put("1.x", bytes(2**20), None)
    await nats.kill()
    with pytest.raises(StateError, match="does not answer"):
        await backend.put("1.x", b"x", None)
