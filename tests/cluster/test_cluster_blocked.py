"""A handler that blocks its worker: nobody else runs it, even if workers join meanwhile, and the others go on."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from itertools import chain
from pathlib import Path

import pytest
from in_process_cluster import InProcess
from mezon import ChannelMessage
from mezon._cluster.broker import jetstream_api
from mezon._cluster.delivery import Acknowledger, Delivery, ProgressReporter
from mezon._cluster.intake import EventIntake
from mezon._cluster.liveness import LivenessThread
from mezon._cluster.partitions import PartitionReader
from mezon._cluster.protocol import MESSAGE_ID, Names
from mezon._cluster.settings import Broker, Timing
from mezon.testing import LocalGateway
from mezon.utils.background import cancel_until_done
from nats.aio.client import Client
from nats_servers import TIMING, NatsServer, needs_nats, relay_process, worker_process
from test_cluster_bot import environment, lines
from waiting import until

pytestmark = [needs_nats, pytest.mark.timeout(180)]

NAMES = Names(83)
TIMES = Timing(**TIMING)

#: Longer than an event, a heartbeat, and a pin of the server live without a sign.
BLOCKED = TIMING["ack_wait"] + TIMING["member_ttl"] + 1.0


async def test_a_blocking_handler_runs_once_and_the_fleet_goes_on(
    gateway: LocalGateway, nats: NatsServer, bot: Path, ledger: Path
) -> None:
    text = await asyncio.to_thread(bot.read_text)
    blocking = text.replace("await asyncio.sleep(", "__import__('time').sleep(")
    assert blocking != text
    await asyncio.to_thread(bot.write_text, blocking)
    clan = gateway.world.clan()
    channels = [gateway.world.add_channel(f"c{number}", clan) for number in range(40)]
    about = environment(gateway, ledger)
    async with (
        relay_process(gateway.client_options(), nats.url, rate_limit=0) as relay,
        worker_process(bot, nats.url, about) as first,
        worker_process(bot, nats.url, about) as second,
        worker_process(bot, nats.url, about) as third,
    ):
        await relay.ready()
        await asyncio.gather(first.ready(), second.ready(), third.ready())
        await gateway.say(channels[0], "alice", f"wait{BLOCKED:g}")
        await until(lambda: lines(ledger), "the handler", timeout=30)
        for channel in channels:
            await gateway.say(channel, "alice", "meanwhile")
        handled = lambda: [line for line in lines(ledger) if line.endswith(" meanwhile")]  # noqa: E731
        done = lambda: any(" done " in line for line in lines(ledger))  # noqa: E731
        # The channels of the two others.
        await until(lambda: len(handled()) >= len(channels) // 3, lambda: f"{len(handled())}", timeout=30)
        before = done()
        async with worker_process(bot, nats.url, about) as fourth:
            await fourth.ready()
            await until(done, "the end of the handler", timeout=60)
            await until(lambda: len(handled()) >= len(channels), lambda: f"{len(handled())}", timeout=60)
        assert not before, "the handler blocked for too short a time to show anything"
        for worker in (relay, first, second, third):
            assert "sends no heartbeats" not in worker.log()
    counts = Counter(lines(ledger))
    assert max(counts.values()) == 1, counts
    assert len(counts) == len(channels) + 2


async def publish(client: Client, numbers: range) -> None:
    stream = client.jetstream()
    for number in numbers:
        headers = {MESSAGE_ID: f"b{number}"}
        await stream.publish(NAMES.event(0, "channel_message"), str(number).encode(), headers=headers)


async def test_what_a_blocked_loop_has_ended_or_not_read_stays_with_it(
    client: Client, nats: NatsServer
) -> None:
    """Neither an acknowledgement nor an event in the socket waits for the loop."""
    liveness = LivenessThread(Broker(urls=nats.url))
    await liveness.start()
    intake = EventIntake(liveness.client, TIMES, liveness.run, liveness.in_main_loop)
    words = Acknowledger(liveness.client, TIMES, liveness.call)
    liveness.call(words.start)
    seen: list[Delivery] = []

    def take(delivery: Delivery) -> None:
        delivery.begin()
        delivery.all_started()
        seen.append(delivery)

    reader = PartitionReader(client, NAMES, TIMES, 0, take, words.put, intake)
    progress = ProgressReporter(
        liveness.client, TIMES, lambda: chain(intake.in_transit(), reader.unacknowledged)
    )
    signs = [
        asyncio.create_task(liveness.run(progress.run())),
        asyncio.create_task(liveness.run(intake.keep_bound())),
    ]
    reader.start()
    try:
        await publish(client, range(1))
        await until(lambda: len(seen) == 1, "the first event")
        await publish(client, range(1, 4))
        seen[0].end()
        time.sleep(TIMES.ack_wait + TIMES.pin_timeout)  # noqa: ASYNC251 (a handler that blocks the loop)
        info = await jetstream_api(client, f"CONSUMER.INFO.{NAMES.events}.{NAMES.consumer(0)}")
        assert info is not None
        assert (info["ack_floor"]["stream_seq"], info["num_redelivered"]) == (1, 0)
        await until(lambda: len(seen) == 4, lambda: f"four events: {seen}")
        assert [(delivery.event_id, delivery.times) for delivery in seen] == [(f"b{n}", 1) for n in range(4)]
        for delivery in seen[1:]:
            delivery.end()
    finally:
        await reader.release(1)
        await cancel_until_done(*signs)
        await liveness.run(words.stop())
        await liveness.stop()


async def test_an_event_whose_deadline_has_passed_is_not_started(
    gateway: LocalGateway, nats: NatsServer
) -> None:
    """The process was paused: the event may be with another worker by now, so it is left to its redelivery."""
    handled: list[str] = []
    go = asyncio.Event()
    async with InProcess(gateway, nats) as machines:
        bot = machines.client(max_concurrent_handlers=1)

        @bot.on_channel_message
        async def handle(message: ChannelMessage) -> None:
            handled.append(message.text)
            await go.wait()

        await bot.login()
        await until(machines.settled, "the partitions")
        for text in ("one", "two", "three"):
            await gateway.say("general", "alice", text)
        connection = bot.socket_manager.socket.connection
        await until(lambda: handled and connection.stats()["queued"] == 2, "two waiting events")
        for delivery in connection._queue:
            delivery.extended_at -= 2 * TIMES.ack_wait
        go.set()
        await until(lambda: len(handled) == 3, lambda: f"three events: {handled}", timeout=30)
        assert handled == ["one", "two", "three"]
        assert connection.stats()["repeated"] == 2
