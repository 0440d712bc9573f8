"""A stream that is full, and events that are too large for it: nothing is lost silently, and the relay goes on."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from in_process_cluster import InProcess
from mezon import ChannelMessage
from mezon._cluster.broker import connect, disconnect, jetstream_api
from mezon._cluster.dead_letters import dead_events, replay
from mezon._cluster.direct_client import DirectClient
from mezon._cluster.layout import create_layout
from mezon._cluster.protocol import Names
from mezon._cluster.publisher import BATCH, OutgoingEvent, Publisher
from mezon._cluster.settings import Broker, Layout, Timing
from mezon.errors import InvalidArgumentError
from mezon.testing import LocalGateway
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats_servers import (
    TIMING,
    NatsServer,
    free_ports,
    nats_server,
    needs_nats,
    relay_process,
    worker_process,
)
from test_cluster_bot import environment, lines
from test_cluster_faults import answers, burst, check
from waiting import settle, until

pytestmark = [needs_nats, pytest.mark.timeout(180)]

NAMES = Names(80)
TIMES = Timing(**TIMING)
SUBJECT = NAMES.event(0, "channel_message")

#: Bytes of the stream: some hundred events.
SMALL = 128 * 1024

#: More than the stream holds and the relay keeps in memory.
EVENTS = 6_000


async def stats_of(port: int) -> dict[str, Any]:
    async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{port}/stats") as answer:
        found: dict[str, Any] = await answer.json()
        return found


async def status_of(port: int) -> int:
    async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{port}/ready") as answer:
        return answer.status


async def test_a_full_stream_loses_nothing(
    gateway: LocalGateway, nats: NatsServer, bot: Path, ledger: Path
) -> None:
    """The relay holds, says why, reads the socket no further, and goes on when workers have made room."""
    (port,) = free_ports(1)
    layout = {"max_bytes": SMALL, "partitions": 8}
    client = await connect(Broker(urls=nats.url))
    words: list[dict[str, Any]] = []

    async def hear(message: Msg) -> None:
        words.append(json.loads(message.data))

    await client.subscribe(Names(gateway.bot_id).state, cb=hear)
    health = f"127.0.0.1:{port}"
    settings = {"rate_limit": 0, "layout": layout, "health": health, "buffer": SMALL}
    try:
        async with relay_process(gateway.client_options(), nats.url, **settings) as relay:
            await relay.ready()
            async with worker_process(bot, nats.url, environment(gateway, ledger)) as worker:
                await worker.ready()
            assert await status_of(port) == 200
            # Nobody is there, and the relay knows what the last worker listened to.
            said = await burst(gateway, EVENTS, text="?")

            async def full() -> bool:
                return "full" in ((await stats_of(port))["trouble"] or "")

            await until(full, "a full stream", timeout=60, every=0.2)
            assert await status_of(port) == 503
            await until(lambda: "full" in (words[-1]["trouble"] or ""), lambda: f"{words[-1]}")
            stats = await stats_of(port)
            assert stats["in_charge"]
            assert stats["events_published"] < EVENTS
            # The buffer, one batch, and what the core passes on at a time.
            assert 0 < stats["events_waiting"] < 1500
            assert "the stream of events is full" in relay.log()
            async with worker_process(bot, nats.url, environment(gateway, ledger)) as worker:
                await worker.ready()
                await until(
                    lambda: len(set(lines(ledger))) >= EVENTS,
                    lambda: f"{len(lines(ledger))} events",
                    timeout=120,
                    every=0.2,
                )
                await until(
                    lambda: len(answers(gateway)) >= EVENTS,
                    lambda: f"{len(answers(gateway))} answers",
                    timeout=60,
                    every=0.2,
                )

                async def well() -> bool:
                    return await status_of(port) == 200

                # The answers are events too, which the worker has to take.
                await until(well, "a relay that is well", timeout=60, every=0.2)
            assert "Events are published to NATS again" in relay.log()
    finally:
        await disconnect(client)
    check(ledger, said)
    assert max(answers(gateway).values()) == 1


async def _published(client: Client, names: Names = NAMES) -> list[str]:
    info = await jetstream_api(client, f"STREAM.INFO.{names.events}")
    assert info is not None
    found = []
    for number in range(info["state"]["first_seq"], info["state"]["last_seq"] + 1):
        known = await client.jetstream().get_msg(names.events, number)
        found.append((known.data or b"").decode())
    return found


async def test_a_small_event_does_not_pass_a_large_one_in_a_full_stream(nats: NatsServer) -> None:
    """A stream with room for the small one alone would take it."""
    broker = Broker(urls=nats.url)
    client = await connect(broker)
    publisher = Publisher(broker, NAMES)
    try:
        await create_layout(client, NAMES, Layout(partitions=1, max_bytes=10_000), TIMES)
        publisher.start()
        for number, text in enumerate(("a" * 8_000, "b" * 5_000, "c")):
            publisher.put(OutgoingEvent(SUBJECT, text.encode(), f"m{number}"))
        await until(lambda: publisher.trouble is not None)
        assert [text[0] for text in await _published(client)] == ["a"]
        await jetstream_api(client, f"STREAM.PURGE.{NAMES.events}")
        assert await publisher.drain(20)
        assert [text[0] for text in await _published(client)] == ["b", "c"]
        assert publisher.trouble is None
    finally:
        await publisher.stop()
        await disconnect(client)


async def test_draining_does_not_wait_for_events_that_are_queued_meanwhile(nats: NatsServer) -> None:
    """During a burst the queue is never empty, and the relay's checkpoint must not wait for the end of the burst."""
    broker = Broker(urls=nats.url)
    client = await connect(broker)
    publisher = Publisher(broker, NAMES)
    count = 0

    def queue(events: int) -> None:
        nonlocal count
        for _ in range(events):
            publisher.put(OutgoingEvent(SUBJECT, b"x", f"m{count}"))
            count += 1

    async def keep_busy() -> None:
        while True:
            queue(2 * BATCH - publisher.stats.waiting)
            await asyncio.sleep(0)

    try:
        await create_layout(client, NAMES, Layout(partitions=1), TIMES)
        queue(10)
        busy = asyncio.create_task(keep_busy())
        await settle()
        publisher.start()
        before = count
        assert await publisher.drain(20)
        assert publisher.stats.waiting > 0
        assert publisher.stats.published >= before
    finally:
        busy.cancel()
        await publisher.stop()
        await disconnect(client)


async def test_a_refusal_is_no_confirmation(nats: NatsServer) -> None:
    """The server refuses for a reason that nobody could have foreseen: here, a bound of the number of events."""
    broker = Broker(urls=nats.url)
    client = await connect(broker)
    publisher = Publisher(broker, NAMES)
    try:
        await create_layout(client, NAMES, Layout(partitions=1), TIMES)
        info = await jetstream_api(client, f"STREAM.INFO.{NAMES.events}")
        assert info is not None
        await jetstream_api(client, f"STREAM.UPDATE.{NAMES.events}", {**info["config"], "max_msgs": 20})
        publisher.start()
        said = [str(number) for number in range(50)]
        for number in said:
            publisher.put(OutgoingEvent(SUBJECT, number.encode(), f"m{number}"))
        await until(lambda: publisher.trouble is not None)
        assert "maximum messages exceeded" in str(publisher.trouble)
        found: list[str] = []

        async def all_there() -> bool:
            now = await _published(client)
            assert [text for text in now if text in found] == []
            found.extend(now)
            # What has come since stays.
            await jetstream_api(client, f"STREAM.PURGE.{NAMES.events}", {"seq": len(found) + 1})
            return len(found) == len(said)

        await until(all_there, lambda: f"{found}", timeout=40, every=0.2)
        assert found == said
        assert await publisher.drain(20)
        assert publisher.stats.published == len(said)
    finally:
        await publisher.stop()
        await disconnect(client)


@pytest.mark.parametrize("count", [6, 50], ids=["each confirmed", "the last confirmed"])
async def test_no_event_passes_one_that_was_refused(
    nats: NatsServer, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """The server has room again for the next one of the same batch."""
    broker = Broker(urls=nats.url)
    client = await connect(broker)
    publisher = Publisher(broker, NAMES)
    publish = DirectClient.publish_encoded
    said = [str(number) for number in range(count)]

    async def refused_once(given: DirectClient, messages: Iterable[bytes]) -> None:
        """As a stream without room: it has a bound for a moment."""
        for message in messages:
            if not message.endswith(b"\n3\r\n") or publisher.stats.retries:
                await publish(given, [message])
                continue
            await given.flush()
            await jetstream_api(client, f"STREAM.UPDATE.{NAMES.events}", {**config, "max_msgs": 3})
            await publish(given, [message])
            await given.flush()
            await jetstream_api(client, f"STREAM.UPDATE.{NAMES.events}", config)

    try:
        await create_layout(client, NAMES, Layout(partitions=1), TIMES)
        info = await jetstream_api(client, f"STREAM.INFO.{NAMES.events}")
        assert info is not None
        config = info["config"]
        monkeypatch.setattr(DirectClient, "publish_encoded", refused_once)
        for number in said:
            publisher.put(OutgoingEvent(SUBJECT, number.encode(), f"m{number}"))
        publisher.start()
        assert await publisher.drain(30)
        assert publisher.stats.retries >= 1
        assert await _published(client) == said
    finally:
        await publisher.stop()
        await disconnect(client)


async def test_an_event_larger_than_a_message_is_put_away(gateway: LocalGateway) -> None:
    limit = 16 * 1024
    async with nats_server(f"max_payload: {limit}") as server, InProcess(gateway, server) as machines:
        bot = machines.client()
        heard: list[str] = []

        @bot.on_channel_message
        async def handle(message: ChannelMessage) -> None:
            heard.append(message.content["t"])

        await bot.login()
        names = machines.relay.names
        client = await connect(machines.broker)
        try:
            await gateway.say("general", "alice", "before")
            await gateway.say("general", "alice", "x" * limit)
            # With its headers it is too large by little: the server would close the connection.
            await gateway.say("general", "alice", "y" * (limit - 340))
            await gateway.say("general", "alice", "after")
            await until(lambda: "after" in heard, lambda: f"{[text[:9] for text in heard]}")
            assert [text[0] for text in heard if text[0] != "y"] == ["b", "a"]
            stats = machines.relay.stats()
            assert stats["events_too_large"] == 1
            assert stats["trouble"] is None
            assert stats["batches_retried"] == 0
            (dead,) = await dead_events(client, names)
            assert (dead.name, dead.worker) == ("channel_message", "relay")
            assert f"{limit} in one message (max_payload)" in dead.reason
            assert dead.size > limit
            assert dead.body == b""
            with pytest.raises(InvalidArgumentError, match="too large for NATS"):
                await replay(client, names, dead.number)
        finally:
            await disconnect(client)


@pytest.mark.parametrize("size", range(900, 1100, 20))
async def test_every_size_around_the_limit(size: int) -> None:
    """What fits by a byte is published; what does not is put away, and the next one goes on."""
    async with nats_server("max_payload: 1024") as server:
        broker = Broker(urls=server.url)
        client = await connect(broker)
        publisher = Publisher(broker, NAMES)
        try:
            await create_layout(client, NAMES, Layout(partitions=1), TIMES)
            publisher.start()
            publisher.put(OutgoingEvent(SUBJECT, b"x" * size, "m1"))
            publisher.put(OutgoingEvent(SUBJECT, b"next", "m2"))
            assert await publisher.drain(20)
            assert publisher.stats.retries == 0
            found = await _published(client)
            assert found[-1] == "next"
            dead = await dead_events(client, NAMES)
            assert [len(text) for text in found[:-1]] + [event.size for event in dead] == [size]
        finally:
            await publisher.stop()
            await disconnect(client)


@pytest.mark.parametrize("limit", ["max_msg_size", "max_bytes"])
async def test_an_event_larger_than_the_stream_takes_is_put_away(nats: NatsServer, limit: str) -> None:
    broker = Broker(urls=nats.url)
    client = await connect(broker)
    publisher = Publisher(broker, NAMES)
    try:
        await create_layout(client, NAMES, Layout(partitions=1, max_bytes=100_000), TIMES)
        info = await jetstream_api(client, f"STREAM.INFO.{NAMES.events}")
        assert info is not None
        await jetstream_api(client, f"STREAM.UPDATE.{NAMES.events}", {**info["config"], limit: 1_000})
        publisher.start()
        publisher.put(OutgoingEvent(SUBJECT, b"x" * 1_000, "m1"))
        publisher.put(OutgoingEvent(SUBJECT, b"next", "m2"))
        assert await publisher.drain(20)
        assert await _published(client) == ["next"]
        (dead,) = await dead_events(client, NAMES)
        assert limit in dead.reason
        assert dead.body == b"x" * 1_000
        assert Counter(
            {"published": publisher.stats.published, "dead": publisher.stats.too_large}
        ) == Counter({"published": 1, "dead": 1})
    finally:
        await publisher.stop()
        await disconnect(client)
