"""A rolling upgrade under traffic: relays and workers of adjacent versions replace one another."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from pathlib import Path

import pytest
from mezon._cluster.protocol import PROTOCOL
from mezon.testing import LocalGateway
from nats_servers import Child, NatsServer, needs_nats, relay_process, worker_process
from test_cluster_bot import environment, lines
from test_cluster_faults import PATIENCE, answers, burst
from waiting import until

pytestmark = [needs_nats, pytest.mark.timeout(300)]

OLD, NEW = PROTOCOL, PROTOCOL + 1


@pytest.mark.parametrize("way", ["upgrade", "downgrade"])
async def test_a_rolling_upgrade_loses_nothing_and_answers_nothing_twice(
    gateway: LocalGateway, nats: NatsServer, bot: Path, ledger: Path, way: str
) -> None:
    """The steps of the guide: relays first, then workers; to go back, workers first, then relays."""
    before, after = (OLD, NEW) if way == "upgrade" else (NEW, OLD)
    stopping = asyncio.Event()
    said: list[str] = []

    async def talk() -> None:
        """Send messages in groups of ten, with at most forty unanswered before the next group."""
        while not stopping.is_set():
            said.extend(await burst(gateway, 10, text="?", start=len(said)))
            few = lambda: len(answers(gateway)) >= len(said) - 40  # noqa: E731
            await until(few, unanswered, timeout=PATIENCE, every=0.05)

    def unanswered() -> str:
        return f"{len(answers(gateway))} of {len(said)} answers"

    async with contextlib.AsyncExitStack() as stack:

        async def relay(version: int) -> Child:
            child = relay_process(gateway.client_options(), nats.url, rate_limit=0, protocol=version)
            return await stack.enter_async_context(child)

        async def worker(version: int) -> Child:
            child = worker_process(bot, nats.url, environment(gateway, ledger), protocol=version)
            return await stack.enter_async_context(child)

        async def replace_relay(old: Child) -> None:
            new = await relay(after)
            await until(lambda: "this one stands by" in new.log(), new.log, timeout=40)
            assert await old.terminate() == 0
            await new.ready()

        async def replace_workers(old: list[Child]) -> None:
            for one in old:
                new = await worker(after)
                await new.ready()
                assert await one.terminate() == 0

        first_relay = await relay(before)
        first_workers = [await worker(before) for _ in range(2)]
        for one in (first_relay, *first_workers):
            await one.ready()
        talking = asyncio.create_task(talk())
        try:
            if way == "upgrade":
                await replace_relay(first_relay)
                await replace_workers(first_workers)
            else:
                await replace_workers(first_workers)
                await replace_relay(first_relay)
        finally:
            stopping.set()
            await talking
        # Those that run now are of one version, and work.
        said.extend(await burst(gateway, 20, text="?", start=len(said)))
        await until(lambda: len(answers(gateway)) >= len(said), unanswered, timeout=PATIENCE)
    times = Counter(lines(ledger))
    assert [line for line in said if times[line] != 1] == []
    assert [text for text, number in answers(gateway).items() if number > 1] == []
