"""A relay that was paused, or cut off, goes on when another one is in charge: what it does then must do no harm."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from in_process_cluster import InProcess
from mezon import ChannelMessage
from mezon._cluster.broker import connect, disconnect, jetstream_api
from mezon._cluster.layout import create_layout
from mezon._cluster.leader import LeaderLock, LockLostError
from mezon._cluster.protocol import CALL_KEY, REPEATED, Names, Packet
from mezon._cluster.publisher import OutgoingEvent, Publisher
from mezon._cluster.relay_client import RelayClient
from mezon._cluster.rpc_server import AnswerCache
from mezon._cluster.settings import Broker, Layout, Timing
from mezon.errors import MezonConnectionError
from mezon.testing import LocalGateway
from nats.aio.msg import Msg
from nats_servers import TIMING, Child, NatsServer, needs_nats, relay_process, worker_process
from test_cluster_bot import environment, lines
from test_cluster_faults import answers, burst, check
from waiting import until

pytestmark = [needs_nats, pytest.mark.timeout(240)]

NAMES = Names(78)


@contextlib.asynccontextmanager
async def two_relays_and_a_worker(
    gateway: LocalGateway, nats: NatsServer, bot: Path, ledger: Path, rate_limit: int, **settings: Any
) -> AsyncIterator[tuple[Child, Child]]:
    """The first is in charge, the second stands by."""
    options = gateway.client_options()
    async with relay_process(dict(options), nats.url, rate_limit=rate_limit, **settings) as first:
        await first.ready()
        async with (
            worker_process(bot, nats.url, environment(gateway, ledger)) as worker,
            relay_process(dict(options), nats.url, rate_limit=rate_limit, **settings) as second,
        ):
            await worker.ready()
            yield first, second


def signalled(child: Child, number: int) -> None:
    assert child.process is not None
    child.process.send_signal(number)


async def test_events_of_a_relay_that_wakes_up_late(
    gateway: LocalGateway, nats: NatsServer, bot: Path, ledger: Path
) -> None:
    """Each event is handled once and in its order; the relay that was paused stands by, and takes over again."""
    async with two_relays_and_a_worker(gateway, nats, bot, ledger, 0) as (first, second):
        said = await burst(gateway, 200, channels=5)
        await until(lambda: len(lines(ledger)) >= 200, "the first messages", timeout=60)
        await asyncio.sleep(1.2)  # the notes are written twice a second
        saying = asyncio.create_task(burst(gateway, 400, channels=5, start=200))
        await asyncio.sleep(0.05)
        signalled(first, signal.SIGSTOP)
        said += await saying
        await second.ready()
        # These come to both: they wait in the first one's socket.
        said += await burst(gateway, 50, channels=5, start=600)
        signalled(first, signal.SIGCONT)
        await until(lambda: "stands by" in first.log(), first.log, timeout=30)
        await until(lambda: gateway.connections.live == 1, "the end of the old connection")
        await until(lambda: len(set(lines(ledger))) >= 650, "everything", timeout=60)
        await second.kill()
        await first.ready()
        said += await burst(gateway, 50, channels=5, start=650)
        await until(lambda: len(set(lines(ledger))) >= 700, "what came at the end", timeout=60)
    assert max(check(ledger, said).values()) == 1, "an event was handled twice"


async def test_calls_of_a_relay_that_wakes_up_late(
    gateway: LocalGateway, nats: NatsServer, bot: Path, ledger: Path
) -> None:
    """What waits in it for the limit is sent by the next one, and by that one alone."""
    async with two_relays_and_a_worker(gateway, nats, bot, ledger, 11) as (first, second):
        said = await burst(gateway, 80, channels=5, text="?")

        def full() -> bool:
            """Calls wait, and none is on its way: the limit lets them go in gusts, once a second."""
            sent = [one for one in gateway.sent if one.kind == "channel_message_send"]
            return (
                bool(sent) and len(lines(ledger)) - len(sent) > 30 and time.monotonic() - sent[-1].time > 0.3
            )

        await until(full, lambda: f"{len(lines(ledger))} and {len(answers(gateway))}", timeout=60)
        signalled(first, signal.SIGSTOP)
        before = len(gateway.sent)
        await second.ready()
        await until(lambda: len(answers(gateway)) >= 50, "answers by the second one", timeout=60)
        old = gateway.sent[0].connection
        signalled(first, signal.SIGCONT)
        await until(lambda: "stands by" in first.log(), first.log, timeout=30)
        await until(
            lambda: len(answers(gateway)) >= len(said), lambda: f"{len(answers(gateway))}", timeout=60
        )
        late = [one for one in gateway.sent[before:] if one.connection == old]
        assert [one.kind for one in late if one.kind != "ping"] == []
    assert max(check(ledger, said).values()) == 1
    assert max(answers(gateway).values()) == 1, "a message was answered twice"


async def test_a_batch_that_comes_late_changes_nothing(nats: NatsServer) -> None:
    """The moment between the look at the lock and the server: what the next relay has brought is dropped."""
    broker = Broker(urls=nats.url)
    client = await connect(broker)
    try:
        await create_layout(client, NAMES, Layout(partitions=1), Timing(**TIMING))
        subject = NAMES.event(0, "channel_message")
        late, current = Publisher(broker, NAMES), Publisher(broker, NAMES)
        for publisher in (late, current):
            publisher.start()

        def bring(publisher: Publisher, event_ids: list[str]) -> None:
            for event_id in event_ids:
                publisher.put(OutgoingEvent(subject, event_id.encode(), event_id))

        messages = [f"m{number}" for number in range(300)]
        bring(current, messages[:100])
        assert await current.drain(20)
        # It was stopped in the middle of fifty, ten of which the next one cannot know: they are no messages.
        bring(late, [*messages[50:90], *(f"e1.{number}" for number in range(10))])
        bring(current, messages[100:])
        assert await late.drain(20)
        assert await current.drain(20)
        assert late.stats.repeated == 40
        for publisher in (late, current):
            await publisher.stop()
        found = []
        for number in range(1, 311):
            known = await client.jetstream().get_msg(NAMES.events, number)
            found.append((known.data or b"").decode())
        assert [one for one in found if one[0] == "m"] == messages
        assert sorted(one for one in found if one[0] == "e") == [f"e1.{number}" for number in range(10)]
        info = await jetstream_api(client, f"STREAM.INFO.{NAMES.events}")
        assert info is not None
        assert info["state"]["last_seq"] == 310
    finally:
        await disconnect(client)


async def test_the_next_relay_remembers_what_was_answered(nats: NatsServer) -> None:
    client = await connect(Broker(urls=nats.url))
    made: list[str] = []

    async def make(said: str) -> Packet:
        made.append(said)
        return Packet({"field": said}, b"body")

    try:
        await create_layout(client, NAMES, Layout(partitions=1), Timing(**TIMING))
        first, second = (AnswerCache(client, NAMES, 600.0) for _ in range(2))
        answer = await first.get_or_call("m1/handler/1", False, lambda: make("first"))
        await first.flush()
        assert await second.get_or_call("m1/handler/1", True, lambda: make("second")) == answer
        # In one relay also while the first is still being made.
        calls = [first.get_or_call("m2/handler/1", False, lambda: make("once")) for _ in range(3)]
        assert len({answer.values["field"] for answer in await asyncio.gather(*calls)}) == 1
        assert (first.hits, second.hits) == (2, 1)
        assert made == ["first", "once"]
    finally:
        await disconnect(client)


async def test_a_call_waits_until_it_is_known_whether_it_was_made(nats: NatsServer) -> None:
    """A repeated event comes while NATS is away: to make its call then might be to answer twice."""
    client = await connect(Broker(urls=nats.url))
    made: list[str] = []

    async def make(said: str) -> Packet:
        made.append(said)
        return Packet({"field": said})

    try:
        await create_layout(client, NAMES, Layout(partitions=1), Timing(**TIMING))
        first, second = (AnswerCache(client, NAMES, 600.0) for _ in range(2))
        await first.get_or_call("m1/handler/1", False, lambda: make("first"))
        await first.flush()
        await nats.kill()
        with pytest.raises(MezonConnectionError, match="not sent"):
            await second.get_or_call("m1/handler/1", True, lambda: make("unknown"), 0.0)
        asking = asyncio.create_task(second.get_or_call("m1/handler/1", True, lambda: make("second")))
        await asyncio.sleep(2.5)
        await nats.start()
        assert (await asking).values["field"] == "first"
        assert made == ["first"]
    finally:
        await disconnect(client)


async def test_a_call_made_before_any_word_of_a_relay_is_asked_again(nats: NatsServer) -> None:
    """The relay that was asked dies: its successor is asked, and finds the call by its key."""
    client = await connect(Broker(urls=nats.url))
    asked: list[dict[str, str]] = []
    relay_client = RelayClient(client, NAMES, "worker.one")

    async def came(message: Msg) -> None:
        asked.append(message.headers or {})
        if len(asked) == 3:
            await message.respond(Packet({"field": "answer"}).encode())

    try:
        await client.subscribe(NAMES.call("worker.one", "socket"), cb=came)
        await relay_client.start()
        asking = asyncio.create_task(relay_client.call("socket", Packet(), 30.0, "a call"))
        for epoch in (1, 2):
            await until(lambda epoch=epoch: len(asked) == epoch)
            await client.publish(NAMES.state, json.dumps({"epoch": epoch}).encode())
        assert (await asking).values["field"] == "answer"
        assert [REPEATED in headers for headers in asked] == [False, True, True]
        assert len({headers[CALL_KEY] for headers in asked}) == 1
        await relay_client.stop()
    finally:
        await disconnect(client)


async def test_an_answer_that_was_lost_with_the_connection_is_asked_for_again(
    gateway: LocalGateway, nats: NatsServer
) -> None:
    """The server dies with the answer in its hands: the call does not wait for its deadline, nor is it made twice."""
    done: list[str] = []
    async with InProcess(gateway, nats) as machines:
        client = machines.client(timeout=600_000)

        @client.on_channel_message
        async def handle(message: ChannelMessage) -> None:
            await message.reply("once")
            done.append(message.content["t"])

        await client.login()
        gateway.delay("channel_message_send", 0.5, times=1)
        await gateway.say("general", "alice", "hello")
        await gateway.next_sent("channel_message_send", timeout=20)
        assert nats.process is not None
        nats.process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(1.0)  # the answer of Mezon goes from the relay into the socket of the server
        assert not done
        await nats.kill()
        await nats.start()
        await until(lambda: done == ["hello"], "the end of the handler", timeout=60)
    assert answers(gateway) == {"once": 1}


#: A lock that lives shortly.
LOCK = Timing(**{**TIMING, "lock_ttl": 3.0})


class LockOf:
    """The lock of one relay, its connection, and what it told."""

    def __init__(self, holder: str) -> None:
        self.holder = holder
        self.told: list[float] = []
        self.resumed: list[int] = []

    async def acquire(self, url: str) -> None:
        self.client = await connect(Broker(urls=url))
        self.lock = LeaderLock(self.client, NAMES, LOCK, self.holder, "relay")
        self.lock.on_renewed = self.told.append
        self.lock.on_resumed = lambda: self.resumed.append(1)
        await self.lock.acquire()


async def test_a_lock_outlives_an_outage_without_a_rival(nats: NatsServer) -> None:
    """While NATS is away the lock is not held; afterwards its holder continues, and a standby lets it."""
    first, second = LockOf("first"), LockOf("second")
    tasks: list[asyncio.Task[None]] = []
    try:
        setup = await connect(Broker(urls=nats.url))
        await create_layout(setup, NAMES, Layout(partitions=1), LOCK)
        await disconnect(setup)
        await first.acquire(nats.url)
        keeping = asyncio.create_task(first.lock.keep_renewed())
        standing_by = asyncio.create_task(second.acquire(nats.url))
        tasks = [keeping, standing_by]
        await until(lambda: len(first.told) >= 3, "two renewals")
        assert first.lock.held
        await nats.kill()
        await until(lambda: not first.lock.held, "the end of the lock")
        assert not keeping.done()
        await nats.start()
        await until(lambda: first.resumed, "the renewal", timeout=30)
        assert first.lock.held
        epoch = first.lock.epoch
        renewals = len(first.told)
        await until(lambda: len(first.told) > renewals + LOCK.lock_ttl / LOCK.lock_heartbeat + 3)
        assert (first.lock.epoch, standing_by.done()) == (epoch, False)
        await first.lock.release()
        await standing_by
        assert second.lock.epoch > epoch
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        for one in (first, second):
            await disconnect(one.client)


@pytest.mark.parametrize("rival", ["holds it", "has released it", "has expired"])
async def test_a_lock_is_lost_if_another_relay_has_been_in_charge(nats: NatsServer, rival: str) -> None:
    first, second = LockOf("first"), LockOf("second")
    try:
        setup = await connect(Broker(urls=nats.url))
        await create_layout(setup, NAMES, Layout(partitions=1), LOCK)
        await disconnect(setup)
        await first.acquire(nats.url)
        # Nobody renews it, as in a process that is paused.
        await second.acquire(nats.url)
        if rival == "has released it":
            await second.lock.release()
        if rival == "has expired":
            await until(lambda: not second.lock.held)
            # The server removes it a little later than the holder gives it up.
            await asyncio.sleep(2 * LOCK.lock_heartbeat)
        expected = "taken over" if rival == "holds it" else "may have been in charge"
        with pytest.raises(LockLostError, match=expected):
            await first.lock.keep_renewed()
        assert not first.lock.held
        assert not first.resumed
        assert first.told[-1] == 0
    finally:
        for one in (first, second):
            await disconnect(one.client)


async def test_a_renewal_whose_answer_was_lost_is_no_rival(
    nats: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lock expires afterwards: the write that nobody knows of was its own."""
    first = LockOf("first")
    try:
        setup = await connect(Broker(urls=nats.url))
        await create_layout(setup, NAMES, Layout(partitions=1), LOCK)
        await disconnect(setup)
        await first.acquire(nats.url)
        bucket = await first.lock._bucket()
        update = bucket.update

        async def lost(*given: Any, **options: Any) -> int:
            await update(*given, **options)
            await asyncio.sleep(60)
            return 0

        monkeypatch.setattr(bucket, "update", lost)
        keeping = asyncio.create_task(first.lock.keep_renewed())
        await until(lambda: first.lock._unconfirmed, "a renewal without an answer")
        keeping.cancel()
        monkeypatch.setattr(bucket, "update", update)
        await asyncio.sleep(LOCK.lock_ttl + 1)
        keeping = asyncio.create_task(first.lock.keep_renewed())
        await until(lambda: first.resumed or keeping.done(), "a renewal")
        assert first.lock.held
        keeping.cancel()
        await asyncio.wait([keeping])
    finally:
        await disconnect(first.client)
