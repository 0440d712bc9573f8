"""Hosts with too little time: a relay or a worker that is slow, or that blocks, keeps its role and what it holds."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest
from in_process_cluster import InProcess
from mezon import ChannelMessage
from mezon._cluster import partitions
from mezon._cluster.broker import connect, disconnect
from mezon._cluster.protocol import Names
from mezon.testing import LocalGateway
from nats_servers import TIMING, NatsServer, needs_nats, relay_process, worker_process
from test_cluster_bot import environment, lines
from test_cluster_faults import answers, burst, check
from test_cluster_fencing import signalled, two_relays_and_a_worker
from waiting import until

pytestmark = [needs_nats, pytest.mark.timeout(180)]

#: Longer than the lock lives.
BLOCKED = TIMING["lock_ttl"] + 1.5


async def test_a_relay_whose_loop_is_busy_stays_in_charge(
    gateway: LocalGateway, nats: NatsServer, bot: Path, ledger: Path
) -> None:
    """The standby does not take over, and every event is answered once."""
    busy = {"busy": BLOCKED}
    async with two_relays_and_a_worker(gateway, nats, bot, ledger, 0, **busy) as (first, second):
        said = await burst(gateway, 50, channels=5, text="?")
        await until(lambda: len(answers(gateway)) >= 50, "the first answers", timeout=60)
        connections = gateway.connections.total
        signalled(first, signal.SIGUSR1)
        await until(lambda: "the loop is busy" in first.log(), first.log)
        said += await burst(gateway, 50, channels=5, start=50, text="?")
        await until(lambda: "the loop is free" in first.log(), first.log, timeout=60)
        said += await burst(gateway, 50, channels=5, start=100, text="?")
        await until(
            lambda: len(answers(gateway)) >= 150,
            lambda: f"{len(answers(gateway))}: {first.log()}",
            timeout=60,
        )
        assert "in charge of bot" not in second.log()
        assert "stands by" not in first.log()
        assert gateway.connections.total == connections
    assert max(check(ledger, said).values()) == 1
    assert max(answers(gateway).values()) == 1


async def test_a_relay_without_a_rival_resumes_after_a_pause(
    gateway: LocalGateway, nats: NatsServer, bot: Path, ledger: Path
) -> None:
    """Its lock has expired, but no other relay has been in charge: it keeps its connection and what came meanwhile."""
    async with (
        relay_process(gateway.client_options(), nats.url, rate_limit=0) as relay,
        worker_process(bot, nats.url, environment(gateway, ledger)) as worker,
    ):
        await relay.ready()
        await worker.ready()
        said = await burst(gateway, 50, channels=5, text="?")
        await until(lambda: len(answers(gateway)) >= 50, "the first answers", timeout=60)
        connections = gateway.connections.total
        signalled(relay, signal.SIGSTOP)
        await asyncio.sleep(BLOCKED)
        said += await burst(gateway, 50, channels=5, start=50, text="?")
        signalled(relay, signal.SIGCONT)
        await until(lambda: len(answers(gateway)) >= 100, relay.log, timeout=60)
        assert "is still in charge" in relay.log()
        assert "taken over" not in relay.log()
        assert gateway.connections.total == connections
    assert max(check(ledger, said).values()) == 1
    assert max(answers(gateway).values()) == 1


async def test_a_worker_whose_loop_is_blocked_keeps_its_events(
    gateway: LocalGateway, nats: NatsServer, bot: Path, ledger: Path
) -> None:
    """A handler sleeps without awaiting, for longer than a heartbeat or an acknowledgement may be missing."""
    text = await asyncio.to_thread(bot.read_text)
    blocking = text.replace("await asyncio.sleep(", "__import__('time').sleep(")
    assert blocking != text
    await asyncio.to_thread(bot.write_text, blocking)
    seconds = 2 * TIMING["ack_wait"]
    async with (
        relay_process(gateway.client_options(), nats.url, rate_limit=0) as relay,
        worker_process(bot, nats.url, environment(gateway, ledger)) as first,
        worker_process(bot, nats.url, environment(gateway, ledger)) as second,
    ):
        await relay.ready()
        await asyncio.gather(first.ready(), second.ready())
        await gateway.say("general", "alice", f"wait{seconds:g}")
        await until(lambda: lines(ledger), "the handler", timeout=30)
        said = await burst(gateway, 100)
        done = lambda: any(" done " in line for line in lines(ledger))  # noqa: E731
        await until(done, "the end of the handler", timeout=60)
        await until(lambda: len(set(lines(ledger))) >= 102, lambda: f"{lines(ledger)}", timeout=60)
        for worker in (relay, first, second):
            assert "sends no heartbeats" not in worker.log()
    assert len([line for line in lines(ledger) if "wait" in line and "done" not in line]) == 1
    only_said = [line for line in lines(ledger) if "wait" not in line]
    await asyncio.to_thread(ledger.write_text, "\n".join(only_said))
    assert max(check(ledger, said).values()) == 1


async def test_a_worker_with_slow_handlers_takes_only_some_of_the_backlog(
    gateway: LocalGateway, nats: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it takes it must report as in progress, and what it does not report in time is redelivered."""
    monkeypatch.setattr(partitions, "_MAX_UNACKNOWLEDGED_OF_WORKER", 32)
    monkeypatch.setattr(partitions, "_MIN_UNACKNOWLEDGED", 2)
    heard: list[str] = []
    free = asyncio.Event()

    async def slow(message: ChannelMessage) -> None:
        heard.append(message.content["t"])
        await free.wait()

    # No event may be redelivered meanwhile, whatever the load: it would count twice.
    async with InProcess(gateway, nats, timing={"ack_wait": 60, "pin_timeout": 60}) as machines:
        client = machines.client()
        client.on_channel_message(slow)
        await client.login()
        observer = await connect(machines.broker)
        try:

            async def counts() -> tuple[int, int]:
                """Return how many events were delivered and not acknowledged, and how many were not delivered."""
                consumers = await observer.jetstream().consumers_info(Names(gateway.bot_id).events)
                return sum(one.num_ack_pending or 0 for one in consumers), sum(
                    one.num_pending or 0 for one in consumers
                )

            async def all_published() -> bool:
                return sum(await counts()) == 200

            channels = [gateway.world.add_channel(f"slow {number}") for number in range(40)]
            for number in range(200):
                await gateway.say(channels[number % 40], "alice", str(number))
            await until(all_published, "the events in the stream", every=0.05)
            await until(lambda: len(heard) >= 8, lambda: f"{heard}")
            for _ in range(5):
                taken, _ = await counts()
                assert taken <= 32
            free.set()
            await until(lambda: len(heard) == 200, lambda: f"{len(heard)} handled")
        finally:
            free.set()
            await disconnect(observer)
    assert len(set(heard)) == 200
