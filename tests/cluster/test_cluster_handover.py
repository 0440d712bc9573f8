"""One relay replaces another, or begins again: which calls are made, and which events come again."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from pathlib import Path

import pytest
from in_process_cluster import InProcess
from mezon import ChannelMessage
from mezon._cluster import relay as relay_module
from mezon._cluster.layout import create_layout
from mezon._cluster.protocol import Names, Packet
from mezon._cluster.relay import ActiveRelay
from mezon._cluster.rpc_server import AnswerCache
from mezon._cluster.settings import Layout, Timing
from mezon.errors import DeliveryUnknownError, MezonError
from mezon.testing import LocalGateway
from nats.aio.client import Client
from nats_servers import TIMING, NatsServer, needs_nats
from test_cluster_faults import PATIENCE, TIMES, answers, burst, check
from test_cluster_fencing import two_relays_and_a_worker
from waiting import until

pytestmark = [needs_nats, pytest.mark.timeout(240)]

NAMES = Names(82)

#: Messages of a burst during a hand-over.
EVENTS = int(os.environ.get("MACHINES_BURST", "600"))

SEND = "channel_message_send"


@pytest.mark.parametrize("time", TIMES)
async def test_a_relay_that_is_stopped_hands_its_calls_over(
    gateway: LocalGateway, nats: NatsServer, bot: Path, ledger: Path, time: int
) -> None:
    """SIGTERM with calls in flight and a standby: every message is answered once."""
    async with two_relays_and_a_worker(gateway, nats, bot, ledger, 0) as (first, second):
        await until(lambda: "this one stands by" in second.log(), second.log, timeout=30)
        gateway.delay(SEND, 0.3)
        saying = asyncio.create_task(burst(gateway, EVENTS, text="?"))
        await until(lambda: len(answers(gateway)) > EVENTS // 4, "a quarter", timeout=PATIENCE)
        assert await first.terminate() == 0
        await second.ready()
        said = await saying
        await until(
            lambda: len(answers(gateway)) >= EVENTS,
            lambda: f"{len(answers(gateway))} of {EVENTS}: {second.log()}",
            timeout=PATIENCE,
        )
    check(ledger, said)
    assert [text for text, times in answers(gateway).items() if times > 1] == []


@pytest.mark.parametrize("time", TIMES)
async def test_a_relay_that_is_killed_repeats_only_what_was_in_flight(
    gateway: LocalGateway, nats: NatsServer, bot: Path, ledger: Path, time: int
) -> None:
    """Of a call without an answer nobody can know whether it was made."""
    async with two_relays_and_a_worker(gateway, nats, bot, ledger, 0) as (first, second):
        said = await burst(gateway, 100, text="?", channels=5)
        await until(lambda: len(answers(gateway)) >= 100, "the first answers", timeout=60)
        # The first relay never gets these answers.
        gateway.delay(SEND, 60.0, times=10)
        said += await burst(gateway, 10, text="?", channels=5, start=100)
        await until(lambda: len(answers(gateway)) >= 110, "the calls in flight", timeout=60)
        await first.kill()
        await second.ready()
        said += await burst(gateway, 50, text="?", channels=5, start=110)
        await until(lambda: len(answers(gateway)) >= 160, second.log, timeout=60)
        in_flight = {f"!{number}" for number in range(100, 110)}
        await until(lambda: min(answers(gateway)[text] for text in in_flight) == 2, second.log, timeout=60)
    check(ledger, said)
    assert {text for text, times in answers(gateway).items() if times > 1} == in_flight


async def test_a_call_that_mezon_does_not_answer_delays_no_hand_over(
    gateway: LocalGateway, nats: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The handler is told that the call may have been made, and no relay makes it again."""
    monkeypatch.setattr(relay_module, "_CALLS_TIMEOUT", 0.5)
    raised: list[MezonError] = []
    async with InProcess(gateway, nats) as machines:
        client = machines.client(timeout=60_000)

        @client.on_channel_message
        async def handle(message: ChannelMessage) -> None:
            if message.sender_id == client.client_id:
                return
            try:
                await message.reply(f"!{message.content['t']}")
            except MezonError as error:
                raised.append(error)

        await client.login()
        gateway.delay(SEND, 60.0, times=1)
        await gateway.say("general", "alice", "lost")
        await gateway.next_sent(SEND, timeout=20)
        assert machines.task is not None
        machines.task.cancel()
        await asyncio.wait([machines.task])
        successor = InProcess(gateway, nats)
        async with successor:
            await until(lambda: raised, lambda: f"{answers(gateway)}", timeout=30)
            await gateway.say("general", "alice", "next")
            await until(lambda: answers(gateway)["!next"], "the next answer", timeout=30)
            await client.disconnect()
    assert isinstance(raised[0], DeliveryUnknownError)
    assert answers(gateway) == {"!lost": 1, "!next": 1}


async def test_a_relay_that_begins_looks_up_every_call(client: Client) -> None:
    """Also those that nobody marks as repeated."""
    made: list[str] = []

    async def make(said: str) -> Packet:
        made.append(said)
        return Packet({"field": said})

    await create_layout(client, NAMES, Layout(partitions=1), Timing(**TIMING))
    first, second = (AnswerCache(client, NAMES, 600.0) for _ in range(2))
    await first.get_or_call("m1/handler/1", False, lambda: make("first"))
    await first.flush()
    second.begin_epoch(client, first=False)
    assert (await second.get_or_call("m1/handler/1", False, lambda: make("second"))).values[
        "field"
    ] == "first"
    # The first relay ever has nothing to look up.
    third = AnswerCache(client, NAMES, 600.0)
    third.begin_epoch(client, first=True)
    await third.get_or_call("m1/handler/1", False, lambda: make("third"))
    assert made == ["first", "third"]


@pytest.mark.parametrize("memory", [True, False], ids=["the same process", "another process"])
async def test_messages_of_the_gap_that_were_published_before(
    gateway: LocalGateway, nats: NatsServer, monkeypatch: pytest.MonkeyPatch, memory: bool
) -> None:
    """The checkpoint is behind, and the restarted server has forgotten the ids of acknowledged events."""
    write = ActiveRelay._write_checkpoint
    writing = True

    async def written(relay: ActiveRelay, checkpoint: bytes) -> None:
        if writing:
            await write(relay, checkpoint)

    monkeypatch.setattr(ActiveRelay, "_write_checkpoint", written)
    handled: Counter[str] = Counter()
    machines = InProcess(gateway, nats)
    async with machines:
        client = machines.client(timeout=60_000)

        @client.on_channel_message
        async def handle(message: ChannelMessage) -> None:
            if message.sender_id != client.client_id:
                handled[message.content["t"]] += 1
                await message.reply(f"!{message.content['t']}")

        await client.login()
        await gateway.say("general", "alice", "known")
        await until(lambda: answers(gateway)["!known"], "the first answer")
        active = machines.relay._active
        assert active is not None
        await until(lambda: b"channels" in active._written and active._checkpoint() == active._written)
        writing = False
        for number in range(5):
            await gateway.say("general", "alice", f"{number}")
        await until(lambda: len(answers(gateway)) == 6, lambda: f"{answers(gateway)}")
        await active.answers.flush()

        async def acknowledged() -> bool:
            assert active is not None
            info = await active._nats.jetstream().stream_info(machines.relay.names.events)
            return info.state.messages == 0

        await until(acknowledged, "the acknowledgements")
        assert machines.task is not None
        machines.task.cancel()
        await asyncio.wait([machines.task])
        await nats.stop()
        await nats.start()
        writing = True
        if memory:
            machines.task = asyncio.create_task(machines.relay.run())
            successor = machines.relay
        else:
            other = InProcess(gateway, nats)
            machines.task = asyncio.create_task(other.relay.run())
            successor = other.relay
        await until(successor.ready.is_set, "the relay", timeout=30)
        await gateway.say("general", "alice", "last")
        await until(lambda: answers(gateway)["!last"], lambda: f"{answers(gateway)}", timeout=40)
        expected = 1 if memory else 2
        await until(lambda: handled["4"] == expected, lambda: f"{handled}", timeout=30)
    assert [handled[f"{number}"] for number in range(5)] == [expected] * 5
    assert max(answers(gateway).values()) == 1
