"""Streams and consumers that are missing, or are not as the relay needs them."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from in_process_cluster import InProcess
from mezon import ChannelMessage
from mezon._cluster import partitions as partitions_module
from mezon._cluster import relay as relay_module
from mezon._cluster.broker import BrokerError, connect, disconnect, jetstream_api
from mezon._cluster.layout import create_layout, lock_key, restore_layout
from mezon._cluster.leader import LeaderLock
from mezon._cluster.log_throttle import LogThrottle
from mezon._cluster.protocol import Names
from mezon._cluster.relay import LockLostError, Relay
from mezon._cluster.relay_settings import parse_bytes
from mezon._cluster.settings import Broker, Layout, Timing
from mezon.errors import InvalidArgumentError
from mezon.testing import LocalGateway
from nats_servers import TIMING, Child, NatsServer, needs_nats
from waiting import until

pytestmark = pytest.mark.timeout(120)

NAMES = Names(82)
TIMES = Timing(**TIMING)
FOREIGN: dict[str, Any] = {
    "name": NAMES.events,
    "subjects": [NAMES.event_subjects],
    "retention": "workqueue",
    "discard": "new",
    "num_replicas": 1,
}


@needs_nats
@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"retention": "limits"}, "retention is 'limits' instead of 'workqueue'"),
        ({"discard": "old"}, "discard is 'old' instead of 'new'"),
        ({"max_msgs": 100}, "max_msgs is 100 instead of -1"),
        ({"max_msgs_per_subject": 1}, "max_msgs_per_subject is 1"),
        ({"subjects": ["mezon.82.ev.0.>"]}, "its subjects"),
    ],
    ids=["retention", "discard", "max_msgs", "max_msgs_per_subject", "subjects"],
)
async def test_a_foreign_stream_is_refused(nats: NatsServer, change: dict[str, Any], problem: str) -> None:
    client = await connect(Broker(urls=nats.url))
    try:
        await jetstream_api(client, f"STREAM.CREATE.{NAMES.events}", {**FOREIGN, **change})
        with pytest.raises(BrokerError, match=problem):
            await create_layout(client, NAMES, Layout(partitions=1), TIMES)
    finally:
        await disconnect(client)


@needs_nats
async def test_a_layout_of_this_version_is_accepted_again(nats: NatsServer) -> None:
    client = await connect(Broker(urls=nats.url))
    try:
        for _ in range(2):
            assert await create_layout(client, NAMES, Layout(partitions=3), TIMES) == 3
        with pytest.raises(BrokerError, match="has 1 replicas, and 3 are requested"):
            await create_layout(client, NAMES, Layout(partitions=3, replicas=3), TIMES)
    finally:
        await disconnect(client)


@needs_nats
async def test_max_bytes_of_another_setting_is_reported(
    nats: NatsServer, caplog: pytest.LogCaptureFixture
) -> None:
    client = await connect(Broker(urls=nats.url))
    try:
        await create_layout(client, NAMES, Layout(partitions=1, max_bytes=1_000_000), TIMES)
        await create_layout(client, NAMES, Layout(partitions=1), TIMES)
        assert not caplog.records
        await create_layout(client, NAMES, Layout(partitions=1, max_bytes=2_000_000), TIMES)
        assert "nats stream edit MEZON_82_EVENTS --max-bytes 2000000" in caplog.text
    finally:
        await disconnect(client)


@needs_nats
async def test_max_bytes_is_an_option_of_the_relay(gateway: LocalGateway, nats: NatsServer) -> None:
    arguments = ("-m", "mezon.cli", "relay", "--nats", nats.url, "--cache", "none", "--partitions", "2")
    async with Child(*arguments, "--max-bytes", "16MiB", environment=dict(gateway.environment())) as relay:
        await relay.ready()
        client = await connect(Broker(urls=nats.url))
        try:
            info = await jetstream_api(client, f"STREAM.INFO.{Names(int(gateway.bot_id)).events}")
            assert info is not None
            assert info["config"]["max_bytes"] == 16 * 1024 * 1024
        finally:
            await disconnect(client)


@pytest.mark.parametrize(
    ("text", "size"),
    [("1000", 1000), ("4k", 4096), ("4KB", 4000), ("256MiB", 256 * 1024**2), ("2 gib", 2 * 1024**3)],
)
def test_a_size_is_parsed(text: str, size: int) -> None:
    assert parse_bytes(text) == size


@pytest.mark.parametrize("text", ["", "many", "-1", "1.5GiB", "GiB", "1PiB"])
def test_a_text_that_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgumentError, match="is no size"):
        parse_bytes(text)


@needs_nats
@pytest.mark.parametrize("what", ["consumers", "stream"])
async def test_what_was_deleted_is_created_again(
    gateway: LocalGateway,
    nats: NatsServer,
    what: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The worker says what it waits for, once, and goes on when the relay has created it."""
    may_restore = asyncio.Event()

    async def restore(*arguments: Any) -> None:
        await may_restore.wait()
        await restore_layout(*arguments)

    monkeypatch.setattr(relay_module, "_LAYOUT_INTERVAL", 0.2)
    monkeypatch.setattr(relay_module, "restore_layout", restore)
    monkeypatch.setattr(
        partitions_module, "_missing_consumers", LogThrottle(logging.getLogger("mezon.cluster"))
    )
    handled: list[str] = []
    operator = await connect(Broker(urls=nats.url))
    try:
        async with InProcess(gateway, nats) as machines:
            client = machines.client()

            @client.on_channel_message
            async def handle(message: ChannelMessage) -> None:
                handled.append(message.content["t"])

            await client.login()
            await until(machines.settled, "the partitions")
            await gateway.say("general", "alice", "before")
            await until(lambda: handled == ["before"], lambda: f"{handled}")
            names = machines.relay.names
            if what == "stream":
                await jetstream_api(operator, f"STREAM.DELETE.{names.events}")
            else:
                for partition in range(8):
                    consumer = names.consumer(partition)
                    await jetstream_api(operator, f"CONSUMER.DELETE.{names.events}.{consumer}")
            await until(lambda: "NATS has no consumer" in caplog.text, lambda: caplog.text, timeout=30)
            may_restore.set()
            expected = "created again, empty" if what == "stream" else "8 consumers of"
            await until(lambda: expected in caplog.text, lambda: caplog.text, timeout=30)
            await gateway.say("general", "alice", "after")
            await until(
                lambda: handled == ["before", "after"], lambda: f"{handled} {caplog.text}", timeout=30
            )
            assert caplog.text.count("NATS has no consumer") == 1
    finally:
        await disconnect(operator)


@needs_nats
async def test_a_standby_does_not_take_a_lock_whose_bucket_was_replaced(
    nats: NatsServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Its key is the one of the deleted bucket, so another relay may hold the lock under the new one."""
    caplog.set_level(logging.INFO)
    layout = Layout(partitions=1)
    client = await connect(Broker(urls=nats.url))
    relay = Relay(NAMES.bot, "no key", Broker(urls=nats.url), layout=layout, timing=TIMES)
    try:
        await create_layout(client, NAMES, layout, TIMES)
        before = await lock_key(client, NAMES)
        await LeaderLock(client, NAMES, TIMES, "other", before).acquire()
        standby = asyncio.create_task(relay.run())
        await until(lambda: "this one stands by" in caplog.text, lambda: caplog.text)
        await jetstream_api(client, f"STREAM.DELETE.KV_{NAMES.lock}")
        await create_layout(client, NAMES, layout, TIMES)
        assert await lock_key(client, NAMES) != before
        with pytest.raises(LockLostError, match="was replaced"):
            await standby
    finally:
        await disconnect(client)
