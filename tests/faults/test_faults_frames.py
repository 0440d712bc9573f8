"""Frames that are wrong, huge or asked for by nobody: each costs itself and nothing else."""

from __future__ import annotations

import asyncio
import random

import pytest
from fault_kit import Bot
from fault_types import MakeBot
from mezon.protobuf.rtapi import realtime_pb2
from mezon.testing import LocalGateway
from mezon.testing.frames import Chunk, websocket_frame
from waiting import rss, until


async def hears_on(gateway: LocalGateway, bot: Bot) -> None:
    """The connection is the first one still, and messages come."""
    await gateway.say("general", "alice", "still here")
    await bot.until_heard("still here")
    assert (gateway.connections.total, bot.lost) == (1, [])


async def test_frames_that_are_no_envelope(gateway: LocalGateway, bot: Bot) -> None:
    dice = random.Random(5)
    broken = [b"\x0a", b"\x08", b"\x32\x7f\x01", b"\x07" * 9, dice.randbytes(40), b"\x32\x05hello"]
    for frame in broken:
        await gateway.push_raw(frame)
    await gateway.push_raw(b"")
    await gateway.push_text("text is not for us")
    await hears_on(gateway, bot)
    assert 3 <= bot.stats().malformed <= len(broken)


async def test_a_body_that_does_not_decode(gateway: LocalGateway, bot: Bot) -> None:
    """The envelope is whole, the message inside is not."""
    before = bot.stats().malformed
    body = b"\x0a\x05abc"
    await gateway.push_raw(b"\x32" + bytes([len(body)]) + body)
    await hears_on(gateway, bot)
    assert bot.stats().malformed == before + 1


@pytest.mark.transports("websocket")  # on TCP a chunk says its length, and a wrong one is out of step
async def test_garbage_behind_the_mark_of_raw_answers(gateway: LocalGateway, bot: Bot) -> None:
    dice = random.Random(6)
    for size in [0, 1, 5, 6, 7, 8, 100, 5000]:
        await gateway.push_raw(b"\xff" + dice.randbytes(size))
    await hears_on(gateway, bot)
    stats = bot.stats()
    # Shorter than a header is malformed; the others belong to nobody.
    assert stats.malformed == 3
    assert stats.unclaimed == 5


async def test_chunks_of_nobody_leave_no_trace(gateway: LocalGateway, bot: Bot) -> None:
    """200 MB of answers to calls nobody made, each with another number and none with an end: dropped as they come."""
    chunks, body = 200, bytes(1_000_000)

    async def push(cid: int) -> None:
        await gateway.push_chunks([Chunk(cid, code=0, last=False, body=body)])

    await push(0xFFF0)
    await until(lambda: bot.stats().unclaimed == 1, "the first chunk")
    received, before = bot.stats().bytes_received, rss()
    highest = before
    for number in range(chunks):
        await push(40_000 + number)
        highest = max(highest, rss())
    await until(lambda: bot.stats().unclaimed == 1 + chunks, "all chunks")
    assert bot.stats().bytes_received - received >= 200_000_000
    assert max(highest, rss()) - before < 32 << 20, "a sixth of it, on the way too"
    await hears_on(gateway, bot)


async def test_a_message_of_three_mebibytes(gateway: LocalGateway, bot: Bot) -> None:
    text = "ữ" * (1 << 20)
    await gateway.say("general", "alice", text)
    await bot.until_heard(text)
    await gateway.say("general", "alice", text)
    await hears_on(gateway, bot)


async def test_a_message_above_the_bound_ends_the_connection_not_the_bot(
    gateway: LocalGateway, make_bot: MakeBot
) -> None:
    bot = await make_bot({"max_frame": 64 << 10})
    await gateway.say("general", "alice", "x" * (128 << 10))
    await bot.until_back()
    await gateway.wait_joined()
    await gateway.say("general", "alice", "small")
    await bot.until_heard("small")


async def test_half_a_frame_and_then_nothing(gateway: LocalGateway, bot: Bot) -> None:
    await gateway.push_wire(websocket_frame(b"x" * 1000)[:500])
    await gateway.drop()
    await bot.until_back()
    await gateway.wait_joined()
    await gateway.say("general", "alice", "whole again")
    await bot.until_heard("whole again")


async def test_a_broken_websocket_frame(gateway: LocalGateway, bot: Bot) -> None:
    await gateway.push_wire(b"\xf7\x00")
    await bot.until_back()
    assert bot.lost[0].will_reconnect


@pytest.mark.timeout(300)
def test_the_cid_wraps_while_calls_wait() -> None:
    """More calls than there are cids: none gets another's answer, and those that wait keep theirs."""

    async def main() -> None:
        async with LocalGateway(max_records=1000) as gateway:
            # The calls that wait outlast the rest, however slow the machine is.
            bot = Bot(gateway, {"rate_limit": 0, "heartbeat_interval": 600.0}, timeout=300_000)
            await bot.login()
            try:
                await wrap(gateway, bot)
            finally:
                await bot.disconnect()

    async def wrap(gateway: LocalGateway, bot: Bot) -> None:
        link = bot.socket_manager.get_socket().connection
        room = gateway.world.channel("general")
        gateway.delay("channel_message_send", 600.0, times=3)
        waiting = [
            asyncio.ensure_future(bot.send_message(room.clan_id, room.id, 2, True, f"waits {number}"))
            for number in range(3)
        ]
        await gateway.wait_until(
            lambda: sum(s.kind == "channel_message_send" for s in gateway.sent) == 3,
            what="the sends that wait",
        )
        taken = {sent.cid for sent in gateway.sent if sent.kind == "channel_message_send"}
        used: list[int] = []
        gateway.on_sent = lambda sent: used.append(sent.cid)
        for start in range(0, 64_000, 4000):
            for number in range(start, start + 4000):
                link.post("last_seen_message_event", {"message_id": number}, 300.0)
            await until(lambda: bot.stats().pending == 3, "the answers", timeout=120.0)
        answers = await asyncio.gather(
            *(
                link.call("last_seen_message_event", {"message_id": number}, 300.0)
                for number in range(1, 3001)
            )
        )
        seen = [realtime_pb2.LastSeenMessageEvent.FromString(answer).message_id for _, answer in answers]
        assert seen == list(range(1, 3001))
        assert len(used) == 67_000
        assert max(used) == 65_535
        assert used[-1] < used[0] + 3000, "it has come round"
        assert taken.isdisjoint(used)
        assert not any(send.done() for send in waiting)
        for send in waiting:
            send.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        await until(lambda: bot.stats().pending == 0, "no call to be left")
        assert bot.stats().unclaimed == 0

    asyncio.run(main())
