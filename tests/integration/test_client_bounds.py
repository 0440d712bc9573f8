"""Bounds: concurrent handlers, the inbox, and data from a hostile server."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Any

import pytest
from bot_process import quiet_options
from client_types import Connect
from mezon import GatewayOptions, MezonClient
from mezon.models import ChannelMessage
from mezon.testing import GatewayThread, LocalGateway
from mezon.testing.frames import raw_answer, websocket_frame
from patience import patient
from waiting import rss, until


async def test_handlers_at_a_time(gateway: LocalGateway, connect: Connect) -> None:
    running = most = total = 0

    async def hear(message: ChannelMessage) -> None:
        nonlocal running, most, total
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.001)
        running -= 1
        total += 1

    client = await connect(hear, max_concurrent_handlers=10)
    await gateway.blast(1000)
    await until(lambda: total == 1000, timeout=20)
    assert 1 < most <= 10
    assert client.stats().events["channel_message"] == 1000


async def test_a_call_in_a_handler_gets_its_answer_at_the_bound(
    gateway: LocalGateway, connect: Connect
) -> None:
    acks: list[int] = []

    async def answer(message: ChannelMessage) -> None:
        if message.sender_id != gateway.bot_id:
            channel = await client.channels.fetch(message.channel_id)
            acks.append((await channel.send("answer")).message_id)

    client = await connect(answer, max_concurrent_handlers=1)
    for number in range(20):
        await gateway.say("general", "alice", f"question {number}")
    await until(lambda: len(acks) == 20)
    assert acks == sorted(acks)


async def test_two_handlers_of_one_event_share_the_bound(gateway: LocalGateway, connect: Connect) -> None:
    running = most = total = 0

    async def hear(message: ChannelMessage) -> None:
        nonlocal running, most, total
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.001)
        running -= 1
        total += 1

    client = await connect(hear, max_concurrent_handlers=4)
    client.on_channel_message(hear)
    await gateway.blast(200)
    await until(lambda: total == 400, timeout=20)
    assert most <= 4


def test_the_inbox_holds_back_the_socket() -> None:
    with GatewayThread() as server:
        gateway = server.gateway

        async def main() -> None:
            options = quiet_options(gateway) | {"gateway": GatewayOptions(inbox_events=100)}
            client = MezonClient(**options)
            ids: list[int] = []

            @client.on_channel_message
            async def hear(message: ChannelMessage) -> None:
                if not ids:
                    time.sleep(0.5)  # noqa: ASYNC251 (that is the point)
                ids.append(message.message_id)

            await client.login()

            async def blast() -> None:
                await gateway.blast(20_000)

            sending = asyncio.ensure_future(server.arun(blast()))
            await until(lambda: len(ids) == 20_000, timeout=40)
            await sending
            stats = client.stats()
            assert stats.pauses > 0
            # The reader may exceed the bound by one turn (256 frames).
            assert stats.queue_high_water <= 100 + 256
            assert ids == sorted(ids)
            assert (stats.queued, stats.queued_bytes) == (0, 0)
            await client.disconnect()

        asyncio.run(main())


# A hostile server. The tests send less than the gigabyte that it could.

MEGABYTE = 1 << 20


def garbage(size: int, seed: int) -> bytes:
    """Return frames of random bytes. None begins with the mark of a raw chunk, and few are envelopes."""
    dice = random.Random(seed)
    frames = bytearray()
    while len(frames) < size:
        body = dice.randbytes(dice.randint(1, 60_000))
        frames += websocket_frame(bytes([body[0] & 0x7F]) + body[1:])
    return bytes(frames)


async def say_and_hear(gateway: LocalGateway, heard: list[str], text: str) -> None:
    await gateway.say("general", "alice", text)
    await until(lambda: text in heard, timeout=20)


@pytest.fixture
def heard() -> list[str]:
    return []


@pytest.fixture
async def victim(connect: Connect, heard: list[str]) -> MezonClient:
    return await connect(lambda message: heard.append(message.content.get("t", "")))


async def test_garbage(gateway: LocalGateway, victim: MezonClient, heard: list[str]) -> None:
    await say_and_hear(gateway, heard, "before")
    blocks = [garbage(4 * MEGABYTE, seed) for seed in range(4)]
    await gateway.push_wire(blocks[0])
    await say_and_hear(gateway, heard, "warm")
    before = rss()
    for number in range(32):
        await gateway.push_wire(blocks[number % 4])
    await say_and_hear(gateway, heard, "after")
    stats = victim.stats()
    assert stats.bytes_received > 128 * MEGABYTE
    assert stats.malformed > 1000
    assert stats.reconnects == 0
    assert gateway.connections.total == 1
    assert rss() - before < 64 * MEGABYTE


async def test_truncated_events(gateway: LocalGateway, victim: MezonClient, heard: list[str]) -> None:
    gateway.wire.pushes = "websocket"  # an abridged frame is padded with zeros, which complete some of these
    blast = gateway.prepare_blast(50)
    [(chunk, _)] = blast.chunks
    at, cut = 0, 0
    while at < len(chunk):
        size, head = chunk[at + 1], 2
        if size == 126:
            size, head = int.from_bytes(chunk[at + 2 : at + 4], "big"), 4
        body = chunk[at + head : at + head + size]
        for length in range(1, size, 7):
            await gateway.push_raw(body[:length])
            cut += 1
        at += head + size
    await say_and_hear(gateway, heard, "after")
    # A cut inside the envelope's only field is detected at once, unless only the key is left.
    assert victim.stats().malformed == cut
    assert gateway.connections.total == 1


async def test_an_event_whose_body_is_broken(
    gateway: LocalGateway, victim: MezonClient, heard: list[str]
) -> None:
    # channel_message (6) whose body ends in the middle of a field.
    for _ in range(1000):
        await gateway.push_raw(b"\x32\x03\x2a\x7f\x41")
    await say_and_hear(gateway, heard, "after")
    assert victim.stats().malformed == 1000
    assert victim.stats().handler_errors == 0


async def test_chunks_of_an_unknown_call(
    gateway: LocalGateway, victim: MezonClient, heard: list[str]
) -> None:
    await say_and_hear(gateway, heard, "before")
    before = rss()
    for cid in range(1000, 1064):
        # None of them is the last of its answer.
        await gateway.push_chunks(raw_answer(cid, bytes(MEGABYTE), chunk_count=5)[:4])
    await say_and_hear(gateway, heard, "after")
    assert victim.stats().unclaimed == 64 * 4
    assert gateway.connections.total == 1
    assert rss() - before < 32 * MEGABYTE


async def test_chunks_that_never_end(gateway: LocalGateway, connect: Connect) -> None:
    from mezon.errors import MezonError
    from mezon.protobuf.rtapi import realtime_pb2

    client = await connect(gateway=GatewayOptions(max_raw=MEGABYTE))
    socket = client.socket_manager.get_socket()
    gateway.silence("api_request_event")
    request = realtime_pb2.ApiRequestEvent(api_name="X", api_index=1).SerializeToString()
    call = asyncio.ensure_future(socket.connection.call_raw("api_request_event", request, 20.0))
    sent = await gateway.next_sent("api_request_event")
    await gateway.push_chunks(raw_answer(sent.cid, bytes(2 * MEGABYTE), chunk_count=64)[:-1])
    with pytest.raises(MezonError, match="larger than the client takes"):
        await asyncio.wait_for(call, patient(10))
    assert client.state == "ready"


async def test_short_chunks(gateway: LocalGateway, victim: MezonClient, heard: list[str]) -> None:
    gateway.wire.pushes = "websocket"  # an abridged frame is padded with zeros, which complete some of these
    for length in range(1, 7):
        await gateway.push_raw(b"\xff" * length)
    await say_and_hear(gateway, heard, "after")
    assert victim.stats().malformed == 6
    assert gateway.connections.total == 1


async def test_text_and_empty_messages(gateway: LocalGateway, victim: MezonClient, heard: list[str]) -> None:
    for _ in range(100):
        await gateway.push_text("hello? this is no envelope")
        await gateway.push_raw(b"")
    await say_and_hear(gateway, heard, "after")
    assert gateway.connections.total == 1


async def test_a_message_in_many_fragments(
    gateway: LocalGateway, victim: MezonClient, heard: list[str]
) -> None:
    from mezon.protobuf.api import api_pb2
    from mezon.protobuf.rtapi import realtime_pb2

    message = api_pb2.ChannelMessage(channel_id=1, message_id=1, content='{"t":"in parts"}')
    data = realtime_pb2.Envelope(channel_message=message).SerializeToString()
    await gateway.push_raw(data, fragments=len(data))
    await until(lambda: heard == ["in parts"])


async def test_a_frame_that_is_too_large_ends_the_connection(gateway: LocalGateway, connect: Connect) -> None:
    lost: list[Any] = []
    client = await connect(gateway=GatewayOptions(max_frame=MEGABYTE, backoff_base=0.01))
    client.on("disconnect", lost.append)
    # Only the header, which announces two gigabytes.
    await gateway.push_wire(b"\x82\x7f" + (2 << 30).to_bytes(8, "big"))
    await until(lambda: gateway.connections.total == 2 and client.state == "ready")
    assert [event.will_reconnect for event in lost] == [True]


async def test_a_broken_websocket_frame_ends_the_connection(gateway: LocalGateway, connect: Connect) -> None:
    client = await connect(gateway=GatewayOptions(backoff_base=0.01))
    # Reserved bits and an unknown opcode.
    await gateway.push_wire(b"\xf7\x05hello")
    await until(lambda: gateway.connections.total == 2 and client.state == "ready")
