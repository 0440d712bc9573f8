"""Workers that come and go: who has which partition, and what happens to what still runs."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest
from in_process_cluster import InProcess
from mezon import ChannelMessage, MezonClient
from mezon._cluster.intake import EventIntake
from mezon._cluster.partitions import PartitionReader, assign_partitions
from mezon._cluster.worker_connection import WorkerConnection
from mezon.testing import LocalGateway
from nats.aio.client import Client
from nats_servers import NatsServer, needs_nats
from patience import patient
from waiting import until

pytestmark = [needs_nats, pytest.mark.timeout(120)]


def connection_of(client: MezonClient) -> Any:
    return client.socket_manager.socket.connection


def listens(client: MezonClient, handle: Callable[[ChannelMessage], Any]) -> MezonClient:
    client.on_channel_message(handle)
    return client


async def test_a_worker_that_joins_takes_its_share_and_nothing_else(
    gateway: LocalGateway, nats: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: dict[str, list[int]] = defaultdict(list)
    make = WorkerConnection._create_reader

    def noted(
        connection: WorkerConnection, client: Client, intake: EventIntake, partition: int
    ) -> PartitionReader:
        taken[connection.name].append(partition)
        return make(connection, client, intake, partition)

    monkeypatch.setattr(WorkerConnection, "_create_reader", noted)
    async with InProcess(gateway, nats, layout={"partitions": 32}) as machines:
        for _ in range(3):
            client = listens(machines.client(), lambda message: None)
            await client.login()
            await until(machines.settled, "one owner for each partition", timeout=20)
            names = [connection_of(one).name for one in machines.clients]
            for one in machines.clients:
                mine = connection_of(one)
                share = sorted(
                    part for part, name in assign_partitions(32, names).items() if name == mine.name
                )
                assert mine.stats()["partitions"] == share
            # It knew of the others before it took anything.
            newcomer = connection_of(client)
            assert taken[newcomer.name] == newcomer.stats()["partitions"]


async def test_a_worker_that_leaves_drains_first(gateway: LocalGateway, nats: NatsServer) -> None:
    """Its handler ends before it has gone; until then nobody else gets an event of that channel."""
    begun, ended, goes_on = [], [], asyncio.Event()

    def handler(who: str) -> Callable[[ChannelMessage], Any]:
        async def handle(message: ChannelMessage) -> None:
            text = message.content["t"]
            begun.append((who, text))
            if text == "long":
                await goes_on.wait()
            ended.append((who, text))

        return handle

    async with InProcess(gateway, nats) as machines:
        first = listens(machines.client(), handler("first"))
        await first.login()
        await gateway.say("general", "alice", "long")
        await until(lambda: begun == [("first", "long")])
        second = listens(machines.client(), handler("second"))
        await second.login()
        leaving = asyncio.create_task(first.disconnect(drain=60.0))
        await until(lambda: connection_of(second).stats()["partitions"] == list(range(8)), "all", timeout=20)
        await gateway.say("general", "alice", "next")
        # Channels in which nothing runs do not wait for the one in which something does.
        await gateway.say("random", "alice", "elsewhere")
        await until(lambda: ("second", "elsewhere") in ended, "the other channel", timeout=20)
        # Longer than an event may go without a word, and than a silent owner keeps its partitions.
        await asyncio.sleep(machines.timing.ack_wait + machines.timing.pin_timeout)
        assert begun == [("first", "long"), ("second", "elsewhere")]
        assert ("first", "long") not in ended
        assert not leaving.done()
        goes_on.set()
        await until(lambda: ("second", "next") in ended, "the next one", timeout=20)
        await asyncio.wait_for(leaving, patient(20))
        machines.clients.remove(first)
    assert begun == [("first", "long"), ("second", "elsewhere"), ("second", "next")]
    assert ended == [("second", "elsewhere"), ("first", "long"), ("second", "next")]
