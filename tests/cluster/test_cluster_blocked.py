"""A handler that blocks its worker: nobody else runs it, even if workers join meanwhile, and the others go on."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest
from mezon.testing import LocalGateway
from nats_servers import TIMING, NatsServer, needs_nats, relay_process, worker_process
from test_cluster_bot import environment, lines
from waiting import until

pytestmark = [needs_nats, pytest.mark.timeout(180)]

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
    # What waits in the blocked worker's socket when another one joins may be handled twice; see the guide.
    once = {line: number for line, number in counts.items() if not line.endswith(" meanwhile")}
    assert set(once.values()) == {1}, once
    assert len(counts) == len(channels) + 2
