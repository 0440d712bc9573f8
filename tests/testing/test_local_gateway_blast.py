"""Bursts: order, mix, bytes; and the gateway in a thread or a process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest
from gateway_peer import Peer, send_message
from mezon.protobuf.api import api_pb2
from mezon.protobuf.rtapi import realtime_pb2
from mezon.testing import GatewayProcess, GatewayThread, LocalGateway, User, World
from mezon.testing.blast import build_blast
from patience import patient

rt = realtime_pb2


def fresh_world() -> World:
    return World(User(1, "bot", is_bot=True))


async def test_blast_arrives_whole_and_in_order(gateway: LocalGateway, peer: Peer) -> None:
    await gateway.wait_connected()
    prepared = gateway.prepare_blast(5_000, seed=3)
    progress: list[int] = []
    sending = asyncio.create_task(gateway.blast(prepared, progress=progress.append))
    in_channel: Counter[int] = Counter()
    senders: set[int] = set()
    traits: Counter[str] = Counter()
    size = last_id = 0
    for number in range(5_000):
        data = await peer.read_bytes()
        size += len(data)
        message = rt.Envelope.FromString(data).channel_message
        content = json.loads(message.content)
        word, total, local = content["t"].split()[:3]
        assert (word, int(total), int(local)) == ("burst", number, in_channel[message.channel_id])
        assert message.message_id > last_id
        last_id = message.message_id
        in_channel[message.channel_id] += 1
        senders.add(message.sender_id)
        traits["mentions"] += bool(api_pb2.MessageMentionList.FromString(message.mentions).mentions)
        traits["references"] += bool(api_pb2.MessageRefList.FromString(message.references).refs)
        traits["attachments"] += bool(
            api_pb2.MessageAttachmentList.FromString(message.attachments).attachments
        )
        traits["embeds"] += "embed" in content
    result = await sending
    assert result.complete
    assert result.messages == progress[-1] == 5_000
    assert dict(in_channel) == prepared.per_channel
    assert len(in_channel) == 30
    assert 450 < len(senders) <= 500
    assert 330 < size / 5_000 < 470
    assert 0.13 < traits["mentions"] / 5_000 < 0.17
    assert 0.08 < traits["references"] / 5_000 < 0.12
    assert 0.04 < traits["attachments"] / 5_000 < 0.06
    assert traits["attachments"] == traits["embeds"]
    # What is said after the burst comes after it.
    await gateway.say("general", "alice", "end of burst")
    assert json.loads((await peer.read()).channel_message.content) == {"t": "end of burst"}


async def test_answers_come_between_the_messages_of_a_burst(gateway: LocalGateway, peer: Peer) -> None:
    await gateway.wait_connected()
    sending = asyncio.create_task(gateway.blast(20_000, channels=2, senders=3, mix="plain"))
    cid = await peer.write(ping=rt.Ping())
    at = None
    for number in range(20_001):
        envelope = await peer.read()
        if envelope.cid == cid:
            at = number
    assert at is not None
    assert (await sending).complete


def test_the_same_seed_gives_the_same_bytes() -> None:
    one, two, other = (build_blast(fresh_world(), 300, seed=seed) for seed in (5, 5, 6))
    assert one == two
    assert one.chunks == two.chunks
    assert one.chunks != other.chunks
    assert sum(count for _, count in one.chunks) == one.count == 300
    assert sum(len(chunk) for chunk, _ in one.chunks) == one.size


def test_ids_go_on_rising_from_burst_to_burst() -> None:
    world = fresh_world()
    one = build_blast(world, 10)
    two = build_blast(world, 10)
    assert one.last_message_id < two.first_message_id
    assert world.next_message_id() > two.last_message_id
    with pytest.raises(ValueError, match="at least 1"):
        build_blast(world, 0)


@pytest.mark.parametrize(
    ("mix", "field"), [("typing", "message_typing_event"), ("presence", "status_presence_event")]
)
async def test_other_mixes(gateway: LocalGateway, peer: Peer, mix: str, field: str) -> None:
    await gateway.wait_connected()
    assert (await gateway.blast(100, mix=mix)).messages == 100
    for _ in range(100):
        assert (await peer.read()).WhichOneof("message") == field


async def test_blast_without_a_bot(gateway: LocalGateway) -> None:
    with pytest.raises(ConnectionError, match="no bot is connected"):
        await gateway.blast(1)


async def test_blast_tells_that_the_connection_was_lost(gateway: LocalGateway, peer: Peer) -> None:
    await gateway.wait_connected()
    prepared = gateway.prepare_blast(50_000, mix="typing")
    sending = asyncio.create_task(gateway.blast(prepared))
    await asyncio.sleep(0)
    await gateway.drop()
    assert not (await sending).complete


async def test_the_bot_that_does_not_read_holds_the_blast(gateway: LocalGateway, peer: Peer) -> None:
    await gateway.wait_connected()
    done: list[int] = []
    prepared = gateway.prepare_blast(60_000, channels=2, senders=2)
    sending = asyncio.create_task(gateway.blast(prepared, progress=done.append))
    last = -1
    while not done or done[-1] != last:
        last = done[-1] if done else -1
        await asyncio.sleep(0.2)
    # The rest waits in the gateway, not in a buffer without bound.
    assert done[-1] < 60_000
    sending.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await sending


async def test_gateway_process(tmp_path: Path) -> None:
    script = tmp_path / "world.py"
    script.write_text("async def main(gateway):\n    gateway.world.add_channel('scripted')\n")
    async with GatewayProcess("--script", str(script), "--clans", "3") as remote:
        assert remote.info["world"]["clans"].keys() == {"Playground", "Clan 2", "Clan 3"}
        assert (await remote.call("world"))["channels"].keys() >= {"general", "random", "scripted"}
        assert remote.environment()["MEZON_PORT"] == str(remote.port)
        twin = LocalGateway(host=remote.host, port=remote.port)  # only for its addresses; never started
        async with Peer(twin) as peer:
            await peer.connect()
            await remote.wait_connected()
            await remote.say("general", "alice", "hi @bob", mentions=["bob"])
            assert json.loads((await peer.read()).channel_message.content) == {"t": "hi @bob"}
            send = send_message(twin, "xin chào")
            send.channel_id = remote.info["world"]["channels"]["general"]
            ack = await peer.call(channel_message_send=send)
            await peer.read()
            sent = await remote.next_sent("channel_message_send")
            assert sent.text == "xin chào"
            assert sent.message == send
            assert sent.message_id == ack.channel_message_ack.message_id, "the message that came of it"
            await remote.call("delay", "channel_message_send", 0.1)
            await peer.write(cid=77, channel_message_send=send)
            late = await remote.next_sent("channel_message_send")
            ack = await peer.read()
            await peer.read()
            async with asyncio.timeout(patient(5)):
                while not late.message_id:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            assert late.message_id == ack.channel_message_ack.message_id, "told as soon as it came"
            await remote.call("clear_faults")
            prepared = await remote.prepare_blast(3_000, seed=2)
            progress: list[int] = []
            sending = asyncio.create_task(remote.blast(prepared, progress=progress.append))
            for _ in range(3_000):
                await peer.read_bytes()
            result = await sending
            assert (result.messages, result.complete) == (3_000, True)
            assert progress == sorted(progress)
            assert progress
            with pytest.raises(RuntimeError, match="LookupError"):
                await remote.say("nowhere", "alice", "x")
            with pytest.raises(RuntimeError, match="no call"):
                await remote.call("aclose")
            with pytest.raises(TimeoutError):
                await remote.next_sent(timeout=0.01)
            assert (await remote.call("counts"))["live"] == 1
            waiting = asyncio.create_task(remote.next_sent(timeout=30))
            await asyncio.sleep(0)
        pid = remote.pid
    with pytest.raises(RuntimeError, match="not running"):
        await waiting
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_gateway_process_that_cannot_start() -> None:
    with pytest.raises(RuntimeError, match="ended with code"):
        await GatewayProcess("--host", "0.0.0.0").start()


def test_from_the_shell() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "mezon.testing", "--port", "0"],
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        info = json.loads(process.stdout.readline())
        assert info["port"] > 0
        assert info["host"] == "127.0.0.1"
    finally:
        process.terminate()
        assert process.wait(patient(10)) == 0
        process.stdout.close()


async def test_gateway_thread_answers_while_this_loop_is_blocked() -> None:
    threads = threading.active_count()
    server = GatewayThread().start()
    try:
        async with Peer(server.gateway) as peer:
            await peer.connect()
            await server.arun(server.gateway.wait_connected())
            # run() blocks this loop; the gateway has its own.
            server.run(server.gateway.say("general", "alice", "hi"))
            assert json.loads((await peer.read()).channel_message.content) == {"t": "hi"}
            server.call(server.gateway.silence, "ping", times=1)
            await peer.write(ping=rt.Ping())
            assert (await peer.call(ping=rt.Ping())).cid == 2
    finally:
        server.stop()
    assert threading.active_count() == threads


def test_the_plugin_is_light() -> None:
    code = (
        "import sys; import mezon; before = set(sys.modules); import mezon.testing.plugin;"
        "new = set(sys.modules) - before;"
        "assert not new & {'aiohttp', 'google.protobuf', 'mezon.testing.gateway', 'cryptography'}, new"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)
