"""The published protocol: a worker in plain nats-py consumes events and requests calls, with the rights of a worker."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from docs_permissions import server_permissions
from in_process_cluster import as_user
from mezon.testing import LocalGateway
from nats_servers import Child, nats_server, needs_nats, relay_process, worker_process
from waiting import until

pytestmark = [needs_nats, pytest.mark.timeout(120)]

WORKER = Path(__file__).parents[2] / "examples" / "machines" / "plain_worker.py"


def test_it_is_short_and_uses_nothing_of_the_package_but_the_schemas() -> None:
    lines = [line for line in WORKER.read_text().splitlines() if line.strip()]
    assert len(lines) <= 60
    imports = [line for line in lines if "mezon" in line and line.startswith(("import", "from"))]
    assert [line for line in imports if not line.startswith("from mezon.protobuf.")] == []


async def test_it_answers_and_shares_the_channels_with_other_workers(
    gateway: LocalGateway, bot: Path, ledger: Path
) -> None:
    clan = gateway.world.clan()
    channels = [gateway.world.add_channel(f"c{number}", clan) for number in range(20)]
    async with nats_server(server_permissions(gateway.bot_id)) as server:
        environment = {
            "MEZON_BOT_ID": str(gateway.bot_id),
            "MEZON_NATS_URL": as_user(server.url, "worker-1"),
            "MEZON_WORKER_NAME": "worker-1",
        }
        ours = {"BOT_ID": str(gateway.bot_id), "LEDGER": str(ledger)}
        relay_url, other_url = as_user(server.url, "relay"), as_user(server.url, "worker-2")
        async with (
            relay_process(gateway.client_options(), relay_url) as relay,
            contextlib.AsyncExitStack() as stack,
        ):
            await relay.ready()
            plain = await stack.enter_async_context(Child(str(WORKER), environment=environment))
            assert await plain.ready("ready") == "ready {'protocol': 2}\n"
            said = [await gateway.say(channel, "alice", "!ping") for channel in channels]
            sent = [await gateway.next_sent("channel_message_send", timeout=20) for _ in channels]
            assert sorted(one.message.channel_id for one in sent) == sorted(one.id for one in channels)
            assert {one.text for one in sent} == {"pong"}
            # A worker of the package takes its share, and each handles the events of its own channels.
            async with worker_process(bot, other_url, ours, name="worker-2") as other:
                await other.ready()
                by_other = lambda: len(ledger.read_text().splitlines())  # noqa: E731
                pongs = lambda: sum(one.kind == "channel_message_send" for one in gateway.sent)  # noqa: E731
                left = lambda: len(said) - pongs() - by_other()  # noqa: E731
                while not by_other():
                    said += [await gateway.say(channel, "alice", "!ping") for channel in channels]
                    await until(lambda: left() == 0, lambda: f"{left()} are left", timeout=30)
        assert "Permissions Violation" not in (server.folder / "nats.log").read_text()
