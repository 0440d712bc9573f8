"""Relay and workers of different versions of the protocol."""

from __future__ import annotations

from pathlib import Path

import pytest
from mezon.testing import LocalGateway
from nats_servers import NatsServer, needs_nats, relay_process, worker_process

pytestmark = [needs_nats, pytest.mark.timeout(120)]


@pytest.mark.parametrize(("relay_version", "worker_version"), [(2, 3), (3, 2)])
async def test_adjacent_versions_work_together(
    gateway: LocalGateway, nats: NatsServer, bot: Path, ledger: Path, relay_version: int, worker_version: int
) -> None:
    environment = {"BOT_ID": str(gateway.bot_id), "LEDGER": str(ledger)}
    async with (
        relay_process(gateway.client_options(), nats.url, protocol=relay_version) as relay,
        worker_process(bot, nats.url, environment, protocol=worker_version) as worker,
    ):
        await relay.ready()
        await worker.ready()
        await gateway.say("general", "alice", "?here")
        assert (await gateway.next_sent("channel_message_send", timeout=20)).text == "!here"


@pytest.mark.parametrize(("relay_version", "worker_version", "older"), [(2, 4, "relay"), (4, 2, "worker")])
async def test_other_versions_refuse_with_a_sentence(
    gateway: LocalGateway,
    nats: NatsServer,
    bot: Path,
    ledger: Path,
    relay_version: int,
    worker_version: int,
    older: str,
) -> None:
    environment = {"BOT_ID": str(gateway.bot_id), "LEDGER": str(ledger)}
    async with (
        relay_process(gateway.client_options(), nats.url, protocol=relay_version) as relay,
        worker_process(bot, nats.url, environment, protocol=worker_version) as worker,
    ):
        await relay.ready()
        assert worker.process is not None
        assert await worker.process.wait() == 1
        sentence = (
            f"the relay speaks version {relay_version} of the protocol of many machines and the worker version "
            f"{worker_version}, and only adjacent versions work together: upgrade the {older} first"
        )
        assert sentence in worker.log()
        assert sentence in relay.log()


async def test_a_running_worker_ends_when_a_relay_takes_over_that_it_does_not_understand(
    gateway: LocalGateway, nats: NatsServer, bot: Path, ledger: Path
) -> None:
    environment = {"BOT_ID": str(gateway.bot_id), "LEDGER": str(ledger)}
    async with worker_process(bot, nats.url, environment) as worker:
        async with relay_process(gateway.client_options(), nats.url) as relay:
            await relay.ready()
            await worker.ready()
            assert await relay.terminate() == 0
        async with relay_process(gateway.client_options(), nats.url, protocol=4) as relay:
            await relay.ready()
            assert worker.process is not None
            assert await worker.process.wait() == 1
            assert "the relay speaks version 4 of the protocol" in worker.log()
