"""Acknowledged events that a killed server has left in the stream: they are no backlog, and the guide's purge works."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest
from in_process_cluster import InProcess
from mezon import ChannelMessage
from mezon._cluster import metrics
from mezon._cluster import relay as relay_module
from mezon._cluster.broker import connect, disconnect, jetstream_api
from mezon._cluster.layout import create_layout
from mezon._cluster.metrics import LagMeter, read_backlog, read_streams
from mezon._cluster.protocol import GROUP, MESSAGE_ID, Names
from mezon._cluster.settings import Broker, Layout, Timing
from mezon._cluster.status import read_status
from mezon.testing import LocalGateway
from nats.aio.client import Client
from nats_servers import TIMING, NatsServer, needs_nats
from patience import patient
from waiting import until

pytestmark = [needs_nats, pytest.mark.timeout(120)]

#: As many as a relay of `InProcess` has.
PARTITIONS = 8


async def publish(client: Client, names: Names, partition: int) -> None:
    headers = {MESSAGE_ID: f"left-{partition}"}
    await client.request(names.event(partition, "channel_message"), b"", timeout=patient(5), headers=headers)


async def acknowledge(client: Client, names: Names, partition: int) -> None:
    """Acknowledge the event of a partition, and wait until the server knows."""
    inbox = client.new_inbox()
    subscription = await client.subscribe(inbox)
    pull = json.dumps({"batch": 1, "expires": 2_000_000_000, "group": GROUP}).encode()
    subject = f"$JS.API.CONSUMER.MSG.NEXT.{names.events}.{names.consumer(partition)}"
    await client.publish(subject, pull, reply=inbox)
    message = await subscription.next_msg(patient(5))
    assert message.headers is not None
    assert message.headers[MESSAGE_ID] == f"left-{partition}"
    await client.request(message.reply, b"+ACK", timeout=patient(5))
    await subscription.unsubscribe()


async def leave_acknowledged(server: NatsServer, names: Names) -> None:
    """Build what `kill -9` of a server can leave: the consumers know of acknowledgements, and the stream does not.

    Stream and consumers are in files of their own. Those of the stream are from before the acknowledgements.
    """
    client = await connect(Broker(urls=server.url))
    await create_layout(client, names, Layout(partitions=PARTITIONS), Timing(**TIMING))
    for partition in range(PARTITIONS):
        await publish(client, names, partition)
    await disconnect(client)
    await server.stop()
    (messages,) = server.folder.glob(f"**/streams/{names.events}/msgs")
    earlier = server.folder / "earlier"
    shutil.copytree(messages, earlier)
    await server.start()
    client = await connect(Broker(urls=server.url))
    for partition in range(PARTITIONS):
        await acknowledge(client, names, partition)
    await disconnect(client)
    await server.stop()
    shutil.rmtree(messages)
    earlier.rename(messages)
    await server.start()


async def test_acknowledged_events_in_the_stream_are_no_backlog(
    gateway: LocalGateway, nats: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither in the metrics of the relay nor in the status; and the purge of docs/guide/durability.md removes them."""
    monkeypatch.setattr(relay_module, "_METRICS_INTERVAL", 0.2)
    names = Names(gateway.bot_id)
    await leave_acknowledged(nats, names)
    client = await connect(Broker(urls=nats.url))
    try:
        async with InProcess(gateway, nats) as machines:

            def shows(events: int) -> dict[str, Any] | None:
                found = machines.relay.stats()
                return found if found.get("lag_events") == events else None

            found = await until(lambda: shows(0), lambda: f"no lag: {machines.relay.stats()}")
            assert found["lag_seconds"] == 0
            # The steps of the guide. An event that arrives after the first two must survive the third.
            noted = (await jetstream_api(client, f"STREAM.INFO.{names.events}") or {})["state"]
            assert (noted["messages"], noted["last_seq"]) == (PARTITIONS, PARTITIONS)
            status = await read_status(client, names)
            assert (status.backlog, status.age) == ({}, {})
            await gateway.say("general", "alice", "hello")
            found = await until(lambda: shows(1), lambda: f"the lag: {machines.relay.stats()}")
            status = await read_status(client, names)
            streams = await read_streams(client, names)
            assert streams is not None
            assert streams.events == PARTITIONS + 1
            assert list(status.backlog.values()) == [1]
            # The ages are those of the event that waits, not of the older ones that are left.
            (age,) = status.age.values()
            assert 0 < found["lag_seconds"] < age < streams.seconds
            purged = await jetstream_api(
                client, f"STREAM.PURGE.{names.events}", {"seq": noted["last_seq"] + 1}
            )
            assert purged is not None
            assert purged["purged"] == PARTITIONS
            worker = machines.client()
            handled: list[str] = []

            @worker.on_channel_message
            async def handle(message: ChannelMessage) -> None:
                handled.append(message.text)

            await worker.login()
            await until(lambda: handled, "the event that arrived before the purge")
            assert handled == ["hello"]
            await until(lambda: shows(0), lambda: f"no lag: {machines.relay.stats()}")
    finally:
        await disconnect(client)


async def test_partitions_are_asked_only_while_there_are_events(
    nats: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a measurement costs NATS."""
    names, asked = Names(84), list[str]()
    client = await connect(Broker(urls=nats.url))

    async def ask(client: Client, subject: str, body: Any = None, *, missing_ok: bool = False) -> Any:
        asked.append(".".join(subject.split(".")[:2]))
        return await jetstream_api(client, subject, body, missing_ok=missing_ok)

    monkeypatch.setattr(metrics, "jetstream_api", ask)
    try:
        await create_layout(client, names, Layout(partitions=16), Timing(**TIMING))
        meter = LagMeter(client, names)
        assert (await meter.measure())["lag_events"] == 0
        assert asked == ["STREAM.INFO"] * 2
        await publish(client, names, 3)
        asked.clear()
        assert (await meter.measure())["lag_events"] == 1
        assert asked == ["STREAM.INFO"] * 2 + ["CONSUMER.INFO"] * 16 + ["STREAM.MSG"]
        streams = await read_streams(client, names)
        assert streams is not None
        assert list(await read_backlog(client, names, streams)) == [3]
    finally:
        await disconnect(client)


async def test_a_stream_that_an_operator_has_created_has_a_backlog(nats: NatsServer) -> None:
    """Nothing in it says how many partitions it has: as many as without an option."""
    names = Names(85)
    client = await connect(Broker(urls=nats.url))
    try:
        config = {"subjects": [names.event_subjects], "retention": "workqueue", "discard": "new"}
        await jetstream_api(client, f"STREAM.CREATE.{names.events}", {"name": names.events, **config})
        await create_layout(client, names, Layout(), Timing(**TIMING))
        await publish(client, names, 3)
        assert (await LagMeter(client, names).measure())["lag_events"] == 1
    finally:
        await disconnect(client)
