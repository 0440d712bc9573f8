"""`mezon status` with the rights of an operator: what runs, what waits, and the exit code."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from in_process_cluster import InProcess, as_user
from mezon import ChannelMessage
from mezon._cluster.relay import Relay
from mezon.testing import LocalGateway
from nats_operator import server_permissions
from nats_servers import Child, NatsServer, nats_server, needs_nats
from waiting import until

pytestmark = [needs_nats, pytest.mark.timeout(120)]


async def status(gateway: LocalGateway, url: str) -> tuple[int, dict[str, Any]]:
    """Return the exit code and the JSON of the command."""
    arguments = ("-m", "mezon.cli", "status", "--nats", url, "--json")
    async with Child(*arguments, environment={"MEZON_BOT_ID": str(gateway.bot_id)}) as command:
        assert command.process is not None
        assert command.process.stdout is not None
        text = await command.process.stdout.read()
        return await command.process.wait(), json.loads(text)


async def test_the_status_of_a_running_bot(gateway: LocalGateway) -> None:
    permissions = server_permissions(gateway.bot_id)
    async with nats_server(permissions) as server:
        machines = InProcess(gateway, server, relay_user="relay", worker_user="worker-1")
        async with machines:
            operator = as_user(server.url, "operator")
            code, found = await status(gateway, operator)
            assert (code, found["problems"]) == (1, ["no worker takes events"])
            assert (found["relay"]["state"], found["standby"], found["workers"]) == ("ready", 0, {})
            await gateway.say("general", "alice", "hello")
            await until(lambda: machines.relay.stats()["events_published"] >= 1, "the message")
            code, found = await status(gateway, operator)
            assert list(found["backlog"].values()) == [1]
            assert 0 < found["stream_bytes"] < found["stream_max_bytes"] == 1024**3
            client = machines.client()
            handled: list[str] = []

            @client.on_channel_message
            async def handle(message: ChannelMessage) -> None:
                handled.append(message.content["t"])

            await client.login()
            await until(lambda: handled == ["hello"], lambda: f"{handled}")
            code, found = await status(gateway, operator)
            assert (code, found["problems"], found["dead"]) == (0, [], 0)
            assert [name.partition(".")[0] for name in found["workers"]] == ["worker-1"]
        assert "Permissions Violation" not in (server.folder / "nats.log").read_text()


async def test_the_status_without_any_relay(gateway: LocalGateway, nats: NatsServer) -> None:
    code, found = await status(gateway, nats.url)
    assert code == 1
    assert found["relay"] is None
    assert "no relay is in charge" in found["problems"]


async def test_a_relay_that_stands_by_is_counted(gateway: LocalGateway, nats: NatsServer) -> None:
    async with InProcess(gateway, nats) as machines:
        broker, layout, timing = machines.broker, machines.layout, machines.timing
        standby = asyncio.create_task(
            Relay(gateway.bot_id, "no key", broker, layout=layout, timing=timing).run()
        )
        try:
            _, found = await status(gateway, nats.url)
            assert found["standby"] == 1
            assert found["relay"]["state"] == "ready"
        finally:
            standby.cancel()
            await asyncio.wait([standby])
