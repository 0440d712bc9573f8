"""`mezon status` with the rights of an operator: what runs, what waits, and the exit code."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
import mezon
import pytest
from in_process_cluster import InProcess, as_user
from mezon import ChannelMessage, MezonClient
from mezon._cluster.relay import Relay
from mezon.testing import LocalGateway
from nats_operator import server_permissions
from nats_servers import (
    Child,
    NatsServer,
    free_ports,
    nats_server,
    needs_nats,
    relay_process,
    worker_process,
)
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
            # Its age, by the clock of NATS: more than nothing.
            assert list(found["age"]) == list(found["backlog"])
            assert all(seconds > 0 for seconds in found["age"].values())
            assert 0 < found["stream_bytes"] < found["stream_max_bytes"] == 1024**3
            client = machines.client()
            handled: list[str] = []
            go_on = asyncio.Event()

            @client.on_channel_message
            async def handle(message: ChannelMessage) -> None:
                handled.append(message.content["t"])
                if message.content["t"] == "wait":
                    await go_on.wait()

            await client.login()
            await until(lambda: handled == ["hello"], lambda: f"{handled}")
            await gateway.say("general", "alice", "wait")
            await until(lambda: handled[-1] == "wait", "the handler")
            code, found = await status(gateway, operator)
            assert (code, found["problems"], found["dead"]) == (0, [], 0)
            ((name, worker),) = found["workers"].items()
            assert name.startswith("worker-1.")
            assert (worker["running"], worker["partitions"], worker["leaving"]) == (1, 8, False)
            assert worker["version"] == found["relay"]["version"] == mezon.__version__
            assert (found["relay"]["http_waiting"], found["relay"]["http_rate"]) == (0, "unlimited")
            go_on.set()
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


async def test_the_status_is_shown_again_and_again(gateway: LocalGateway, nats: NatsServer) -> None:
    arguments = ("-m", "mezon.cli", "status", "--nats", nats.url, "--json", "--watch")
    async with Child(*arguments, environment={"MEZON_BOT_ID": str(gateway.bot_id)}) as command:
        assert command.process is not None
        assert command.process.stdout is not None
        for _ in range(2):
            assert json.loads(await command.process.stdout.readline())["relay"] is None


async def test_top_shows_the_cluster_and_its_bots(gateway: LocalGateway, nats: NatsServer) -> None:
    (port,) = free_ports(1)
    client = MezonClient(**{**gateway.client_options(), "health": f"127.0.0.1:{port}"})
    await client.login()
    arguments = ("-m", "mezon.cli", "top", f"127.0.0.1:{port}", "--nats", nats.url, "--once", "--json")
    async with Child(*arguments, environment={"MEZON_BOT_ID": str(gateway.bot_id)}) as command:
        assert command.process is not None
        assert command.process.stdout is not None
        cluster, bot = (await command.process.stdout.read()).splitlines()
        assert await command.process.wait() == 1
    assert json.loads(cluster)["problems"][0] == "no relay is in charge"
    assert json.loads(bot)["stats"]["state"] == "ready"
    await client.disconnect()


async def test_relay_and_workers_have_metrics(
    gateway: LocalGateway, nats: NatsServer, bot: Path, ledger: Path
) -> None:
    relay_port, worker_port = free_ports(2)

    async def metrics(port: int) -> dict[str, float]:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{port}/metrics") as answer,
        ):
            assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
            lines = [line for line in (await answer.text()).splitlines() if not line.startswith("#")]
        assert all(f'bot="{gateway.bot_id}"' in line for line in lines)
        return {line.partition("{")[0]: float(line.rpartition(" ")[2]) for line in lines}

    async def relay_shows(name: str, least: float) -> None:
        async def enough() -> bool:
            return (await metrics(relay_port)).get(name, -1.0) >= least

        await until(enough, f"{name} of at least {least}", timeout=20)

    environment = {"BOT_ID": str(gateway.bot_id), "LEDGER": str(ledger)}
    async with relay_process(gateway.client_options(), nats.url, health=f"127.0.0.1:{relay_port}") as relay:
        await relay.ready()
        await gateway.say("general", "alice", "one")
        await gateway.say("general", "alice", "two")
        await relay_shows("mezon_relay_lag_events", 2)
        # It grows while nobody handles them.
        await relay_shows("mezon_relay_lag_seconds", 2)
        found = await metrics(relay_port)
        assert (found["mezon_relay_in_charge"], found["mezon_relay_ready"], found["mezon_relay_workers"]) == (
            1,
            1,
            0,
        )
        assert found["mezon_relay_events_published_total"] == 2
        address = f"127.0.0.1:{worker_port}"
        async with worker_process(bot, nats.url, environment, health=address) as worker:
            await worker.ready()

            async def handled() -> bool:
                found = await metrics(worker_port)
                return found["mezon_worker_events_handled_total"] == 2

            await until(handled, "both messages", timeout=20)
            found = await metrics(worker_port)
            assert (found["mezon_worker_ready"], found["mezon_worker_partitions"]) == (1, 64)
            assert (found["mezon_worker_events_running"], found["mezon_worker_events_queued"]) == (0, 0)

            async def caught_up() -> bool:
                found = await metrics(relay_port)
                return (found["mezon_relay_lag_events"], found["mezon_relay_lag_seconds"]) == (0, 0)

            await until(caught_up, "no lag", timeout=20)


async def test_a_worker_whose_loop_is_blocked_is_a_problem(
    gateway: LocalGateway, nats: NatsServer, bot: Path, ledger: Path
) -> None:
    text = await asyncio.to_thread(bot.read_text)
    await asyncio.to_thread(bot.write_text, text.replace("await asyncio.sleep(", "__import__('time').sleep("))
    environment = {"BOT_ID": str(gateway.bot_id), "LEDGER": str(ledger)}
    async with (
        relay_process(gateway.client_options(), nats.url) as relay,
        worker_process(bot, nats.url, environment) as worker,
    ):
        await relay.ready()
        await worker.ready()
        await gateway.say("general", "alice", "wait600")
        await until(lambda: "wait600" in ledger.read_text(), "the handler", timeout=20)

        async def blocked() -> bool:
            nonlocal found
            code, found = await status(gateway, nats.url)
            assert len(found["workers"]) == 1
            return code == 1

        found: dict[str, Any] = {}
        await until(blocked, lambda: f"{found}", timeout=40)
        ((name, about),) = found["workers"].items()
        assert (about["running"], about["blocked"] >= 2) == (1, True)
        assert found["problems"] == [f"the worker {name} has been blocked for {about['blocked']:g} s"]
