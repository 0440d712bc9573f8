"""The NATS client that writes and delivers without the queues of nats-py."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from mezon._cluster import direct_client
from mezon._cluster.broker import connect, disconnect
from mezon._cluster.direct_client import DirectClient, parse_headers
from mezon._cluster.settings import Broker
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats_servers import NatsServer, needs_nats
from waiting import until

pytestmark = [needs_nats, pytest.mark.timeout(60)]


@pytest.fixture
async def direct(nats: NatsServer) -> AsyncIterator[DirectClient]:
    client = await connect(Broker(urls=nats.url))
    yield client
    await disconnect(client)


async def test_the_first_message_of_an_iteration_is_written_at_once(direct: DirectClient) -> None:
    await direct.flush()
    await asyncio.sleep(0)
    await direct.publish("a", b"1")
    assert direct.pending_data_size == 0
    await direct.publish("a", b"2")
    await direct.publish("a", b"3")
    assert direct.pending_data_size > 0
    await asyncio.sleep(0)
    assert direct.pending_data_size == 0


async def test_a_message_is_received_before_the_answer_to_a_later_ping(direct: DirectClient) -> None:
    seen: list[bytes] = []
    subscription = await direct.subscribe_direct("a.*", lambda message: seen.append(message.data))
    for number in range(100):
        await direct.publish(f"a.{number}", b"%d" % number)
    await direct.flush()
    assert seen == [b"%d" % number for number in range(100)]
    await direct.publish("a.1", b"last")
    await subscription.drain()
    assert seen[100:] == [b"last"]
    await direct.publish("a.1", b"nobody")
    await direct.flush()
    assert len(seen) == 101


async def test_an_error_of_a_receiver_does_not_end_the_connection(direct: DirectClient) -> None:
    seen: list[bytes] = []

    def receive(message: Msg) -> None:
        seen.append(message.data)
        raise ValueError("of the receiver")

    await direct.subscribe_direct("a", receive)
    for _ in range(3):
        await direct.publish("a", b"x")
    await direct.flush()
    assert seen == [b"x"] * 3
    assert direct.is_connected


async def test_a_flush_that_is_cancelled_does_not_end_the_reading(direct: DirectClient) -> None:
    seen: list[bytes] = []
    await direct.subscribe_direct("a", lambda message: seen.append(message.data))
    flush = asyncio.create_task(direct.flush())
    await asyncio.sleep(0)
    flush.cancel()
    await asyncio.wait([flush])
    await direct.publish("a", b"1")
    await direct.flush(timeout=5)
    assert seen == [b"1"]
    assert direct.stats["reconnects"] == 0


async def test_after_an_error_of_the_reading_the_connection_is_opened_again(
    direct: DirectClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[bytes] = []
    await direct.subscribe_direct("a", lambda message: seen.append(message.data))
    process = direct._process_pong

    async def fail() -> None:
        monkeypatch.setattr(direct, "_process_pong", process)
        raise ValueError("of the parser")

    monkeypatch.setattr(direct, "_process_pong", fail)
    # Regular pings would find out later.
    assert direct._ping_interval_task is not None
    direct._ping_interval_task.cancel()
    await direct._send_ping()
    await until(lambda: direct.stats["reconnects"] == 1 and direct.is_connected, "the reconnect")
    assert "of the parser" in caplog.text
    await direct.publish("a", b"1")
    await direct.flush()
    assert seen == [b"1"]


async def test_a_server_that_does_not_read_holds_the_writer_back(
    direct: DirectClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the bound, messages wait in the client's own buffer, which is bounded, and arrive in order."""
    monkeypatch.setattr(direct_client, "_MAX_BUFFERED", 1)
    seen: list[bytes] = []
    await direct.subscribe_direct("a", lambda message: seen.append(message.data[:8]))
    body, sent = b"." * 100_000, []
    for number in range(200):
        sent.append(b"%08d" % number)
        await direct.publish("a", sent[-1] + body)
        if number % 20 == 0:
            await asyncio.sleep(0)
    await until(lambda: len(seen) == 200, lambda: f"{len(seen)}")
    assert seen == sent
    assert direct.pending_data_size == 0


async def test_it_works_with_a_nats_py_that_calls_none_of_its_methods(
    direct: DirectClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("_process_msg", "_flush_pending"):
        monkeypatch.setattr(DirectClient, name, getattr(Client, name))
    seen: list[bytes] = []
    await direct.subscribe_direct("a", lambda message: seen.append(message.data))
    for number in range(5):
        await direct.publish("a", b"%d" % number)
    await until(lambda: len(seen) == 5)
    assert seen == [b"0", b"1", b"2", b"3", b"4"]


async def test_a_message_published_during_an_outage_arrives_after_it(
    direct: DirectClient, nats: NatsServer
) -> None:
    seen: list[bytes] = []
    await direct.subscribe_direct("a", lambda message: seen.append(message.data))
    await nats.kill()
    await until(lambda: not direct.is_connected)
    await direct.publish("a", b"1")
    await direct.publish("a", b"2")
    await nats.start()
    await until(lambda: len(seen) == 2, lambda: f"{seen}")
    assert seen == [b"1", b"2"]


@pytest.mark.parametrize(
    "block",
    [
        b"NATS/1.0\r\nNats-Msg-Id: m1\r\nMezon-Repeated: 1\r\n\r\n",
        b"NATS/1.0\r\nA:b\r\nA-Url: nats://host:1\r\n\r\n",
        b"NATS/1.0 503\r\n\r\n",
        b"NATS/1.0 408 Request Timeout\r\nNats-Pending-Messages: 1\r\nNats-Pending-Bytes: 0\r\n\r\n",
        b"NATS/1.0 423 Nats-Wrong-Pin-Id\r\n\r\n",
        b"NATS/1.0\r\n\r\n",
        b"NATS/1.0\r\nName: \xff\r\n\r\n",
    ],
)
async def test_headers_are_read_as_nats_py_reads_them(block: bytes) -> None:
    theirs = await Client()._process_headers(block)
    assert (parse_headers(block) or {}) == (theirs or {})
