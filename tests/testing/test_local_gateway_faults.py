"""Fault injection: each fault has its documented effect, and nothing remains after it."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import aiohttp
import pytest
from gateway_peer import Peer, send_message
from mezon.protobuf.api import api_pb2
from mezon.protobuf.rtapi import realtime_pb2
from mezon.testing import LocalGateway

rt = realtime_pb2
NO_BODY = b""


@pytest.mark.parametrize("reset", [False, True])
async def test_drop_sends_no_close_frame(gateway: LocalGateway, peer: Peer, reset: bool) -> None:
    await gateway.wait_connected()
    assert await gateway.drop(reset=reset) == 1
    assert gateway.connections.live == 0
    await peer.ended()
    await peer.connect()
    assert (await peer.call(ping=rt.Ping())).HasField("pong")


@pytest.mark.transports("websocket")  # TCP has no close frame
@pytest.mark.parametrize("code", [1000, 4006, 4014])
async def test_close_says_the_code(gateway: LocalGateway, peer: Peer, code: int) -> None:
    await gateway.wait_connected()
    closing = asyncio.create_task(gateway.close(code, "bye"))
    message = await peer.socket.receive()
    assert (message.type, message.data, message.extra) == (aiohttp.WSMsgType.CLOSE, code, "bye")
    await closing
    assert gateway.connections.live == 0


@pytest.mark.transports("websocket")  # TCP has no close code
async def test_close_by_the_client_is_seen(gateway: LocalGateway, peer: Peer) -> None:
    await gateway.wait_connected()
    (connection,) = gateway.websockets.live
    await peer.socket.close(code=4000)
    await gateway.wait_disconnected()
    assert connection.close_code == 4000


async def test_stall_and_resume(gateway: LocalGateway, peer: Peer, peer_type: type[Peer]) -> None:
    await peer.call(ping=rt.Ping())
    gateway.stall()
    await peer.write(ping=rt.Ping())
    await gateway.say("general", "alice", "held back")
    assert await peer.is_silent()
    assert [s.kind for s in gateway.sent] == ["ping"]
    async with peer_type(gateway) as late:
        await late.connect()
        await late.write(ping=rt.Ping())
        assert await late.is_silent()
        gateway.resume()
        assert (await late.read()).HasField("pong")
    answers = [await peer.read(), await peer.read()]
    assert {a.WhichOneof("message") for a in answers} == {"pong", "channel_message"}


async def test_connections_end_while_stalled(gateway: LocalGateway, peer: Peer) -> None:
    await gateway.wait_connected()
    gateway.stall()
    assert await gateway.drop() == 1
    await peer.connect()
    await gateway.wait_connected()
    await peer.cut()
    await gateway.wait_disconnected()
    assert gateway.connections.max_live == 1


async def test_stop_while_stalled(gateway: LocalGateway, peer: Peer) -> None:
    await gateway.wait_connected()
    gateway.stall()
    await gateway.stop()
    assert gateway.connections.live == 0


async def test_answer_with_error(gateway: LocalGateway, peer: Peer) -> None:
    gateway.answer_with_error("channel_message_send", 4, "no", context={"why": "test"}, times=2)
    for _ in range(2):
        error = (await peer.call(channel_message_send=send_message(gateway, "a"))).error
        assert (error.code, error.message, dict(error.context)) == (4, "no", {"why": "test"})
    assert gateway.world.messages("general") == []
    assert (await peer.call(channel_message_send=send_message(gateway, "a"))).HasField("channel_message_ack")
    await peer.read()
    gateway.answer_with_error("ListClanDescs", 13, "broken")
    assert (await peer.raw_call("ListClanDescs", api_pb2.ListClanDescRequest()))[:2] == (13, b"broken")
    assert (await peer.raw_call("ListClanDescs", api_pb2.ListClanDescRequest()))[0] == 0


async def test_error_for_one_of_many(gateway: LocalGateway, peer: Peer) -> None:
    clans = [gateway.world.add_clan(f"c{n}").id for n in range(5)]
    gateway.answer_with_error("clan_join", 0, times=None, match=lambda join: join.clan_id == clans[2])
    answers = [await peer.call(clan_join=rt.ClanJoin(clan_id=clan_id)) for clan_id in clans]
    assert [a.WhichOneof("message") for a in answers] == ["clan_join"] * 2 + ["error"] + ["clan_join"] * 2


async def test_delay_lets_later_calls_overtake(gateway: LocalGateway, peer: Peer) -> None:
    gateway.delay("message_typing_event", 0.1, times=1)
    slow = await peer.write(message_typing_event=rt.MessageTypingEvent())
    fast = await peer.write(ping=rt.Ping())
    assert [(await peer.read()).cid, (await peer.read()).cid] == [fast, slow]


async def test_delay_then_error(gateway: LocalGateway, peer: Peer) -> None:
    gateway.delay("ping", 0.05)
    gateway.answer_with_error("ping", 7)
    start = time.monotonic()
    assert (await peer.call(ping=rt.Ping())).error.code == 7
    assert time.monotonic() - start >= 0.05


async def test_silence(gateway: LocalGateway, peer: Peer) -> None:
    gateway.silence("channel_message_send", times=1)
    await peer.write(channel_message_send=send_message(gateway, "lost"))
    answer = await peer.call(channel_message_send=send_message(gateway, "heard"))
    assert answer.HasField("channel_message_ack")
    assert [json.loads(m.content)["t"] for m in gateway.world.messages("general")] == ["heard"]
    assert [s.text for s in gateway.sent] == ["lost", "heard"]


async def test_clear_faults(gateway: LocalGateway, peer: Peer) -> None:
    gateway.silence("*")
    gateway.http_status("*", 500, times=None)
    gateway.stall()
    gateway.clear_faults()
    assert (await peer.call(ping=rt.Ping())).HasField("pong")
    await peer.rpc("ListClanDescs", NO_BODY, api_pb2.ClanDescList)


@pytest.mark.transports("websocket")  # HTTP alone
async def test_http_status(gateway: LocalGateway, peer: Peer) -> None:
    gateway.http_status("ListClanDescs", 429, times=2, headers={"Retry-After": "3"}, body="slow down")
    url = f"{gateway.url}/mezon.api.Mezon/ListClanDescs"
    headers = {"Authorization": f"Bearer {peer.session.token}"}
    for _ in range(2):
        async with peer.http.post(url, headers=headers) as response:
            assert (response.status, response.headers["Retry-After"]) == (429, "3")
            assert await response.text() == "slow down"
    await peer.rpc("ListChannelDetail", NO_BODY, api_pb2.ChannelDescription)
    await peer.rpc("ListClanDescs", NO_BODY, api_pb2.ClanDescList)
    assert [r.status for r in gateway.requests if r.name == "ListClanDescs"] == [429, 429, 200]
    gateway.http_status("/v2/apps/authenticate/token", 503)
    with pytest.raises(aiohttp.ClientResponseError):
        await peer.login()
    await peer.login()
    gateway.http_status("/ws", 502)
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await peer.connect()
    await peer.connect()


@pytest.mark.transports("websocket")  # HTTP alone
async def test_http_garbage_and_redirect(gateway: LocalGateway, peer: Peer) -> None:
    url = f"{gateway.url}/mezon.api.Mezon/ListClanDescs"
    gateway.http_status("ListClanDescs", 200, body=b"\xff\xff", headers={"Content-Type": "application/proto"})
    async with peer.http.post(url) as response:
        assert await response.read() == b"\xff\xff"
        assert response.content_type == "application/proto"
    gateway.http_status("ListClanDescs", 307, headers={"Location": "http://127.0.0.1:1/"})
    async with peer.http.post(url, allow_redirects=False) as response:
        assert response.status == 307


@pytest.mark.transports("websocket")  # HTTP alone
async def test_http_delay_and_drop(gateway: LocalGateway, peer: Peer) -> None:
    gateway.http_delay("ListClanDescs", 0.05, times=1)
    start = time.monotonic()
    await peer.rpc("ListClanDescs", NO_BODY, api_pb2.ClanDescList)
    assert time.monotonic() - start >= 0.05
    gateway.http_drop("ListClanDescs", times=5)
    with pytest.raises(aiohttp.ClientConnectionError):
        await peer.rpc("ListClanDescs", NO_BODY, api_pb2.ClanDescList)
    gateway.clear_faults()
    await peer.rpc("ListClanDescs", NO_BODY, api_pb2.ClanDescList)


@pytest.mark.transports("websocket")  # HTTP alone
async def test_stop_while_a_request_hangs(gateway: LocalGateway, peer: Peer) -> None:
    gateway.http_delay("ListClanDescs", 60)
    request = asyncio.create_task(peer.rpc("ListClanDescs", NO_BODY, api_pb2.ClanDescList))
    await gateway.wait_until(lambda: gateway.requests[-1].name == "ListClanDescs")
    await gateway.stop()
    with pytest.raises(aiohttp.ClientConnectionError):
        await request


async def test_restart_on_the_same_port(gateway: LocalGateway, peer: Peer) -> None:
    port = gateway.port
    await gateway.say("general", "alice", "before")
    await peer.read()
    await gateway.wait_connected()
    await gateway.restart(downtime=0.01)
    assert gateway.port == port
    await peer.ended()
    await peer.connect()
    await gateway.wait_connected()
    await gateway.say("general", "alice", "after")
    assert json.loads((await peer.read()).channel_message.content) == {"t": "after"}
    assert gateway.connections.total == 2
    assert len(gateway.world.messages("general")) == 2


@pytest.mark.transports("websocket")  # HTTP alone
async def test_stopped_means_refused(gateway: LocalGateway, peer: Peer) -> None:
    await gateway.stop()
    await gateway.stop()
    with pytest.raises(aiohttp.ClientConnectionError):
        await peer.rpc("ListClanDescs", NO_BODY, api_pb2.ClanDescList)
    await gateway.start()
    with pytest.raises(RuntimeError, match="running"):
        await gateway.start()
    await peer.rpc("ListClanDescs", NO_BODY, api_pb2.ClanDescList)


async def test_nothing_is_left_behind(gateway: LocalGateway, peer_type: type[Peer]) -> None:
    before = asyncio.all_tasks()
    gateway.delay("ping", 60)
    async with peer_type(gateway) as peer:
        await peer.connect()
        await peer.write(ping=rt.Ping())
        await gateway.next_sent("ping")
        await gateway.aclose()
    await asyncio.sleep(0)
    assert asyncio.all_tasks() - before == set()


@pytest.mark.transports("websocket")  # what is broken differs: test_local_gateway_tcp.py has the other
async def test_broken_bytes_on_the_wire(gateway: LocalGateway, peer: Peer) -> None:
    await gateway.wait_connected()
    await gateway.push_wire(b"\x82\x05abc")
    assert await peer.is_silent()
    await gateway.push_wire(b"de")
    # The wait above consumed nothing: the frame is whole only now.
    assert await peer.read_bytes() == b"abcde"
    await gateway.push_wire(b"\xff\xff\xff\xff")
    assert (await peer.socket.receive()).type in (aiohttp.WSMsgType.ERROR, aiohttp.WSMsgType.CLOSE)


async def test_tls(gateway_factory: Any, peer_type: type[Peer]) -> None:
    gateway: LocalGateway = await gateway_factory(tls=True)
    assert gateway.url.startswith("https://")
    async with peer_type(gateway) as peer:
        await peer.connect()
        assert (await peer.call(ping=rt.Ping())).HasField("pong")
        result = await gateway.blast(2_000, channels=3, senders=5)
        assert result.complete
        for _ in range(2_000):
            await peer.read_bytes()
        ca_file = gateway.ca_file
        await gateway.restart()
        assert gateway.ca_file == ca_file
        await peer.rpc("ListClanDescs", NO_BODY, api_pb2.ClanDescList)
    async with aiohttp.ClientSession() as stranger:
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await stranger.get(gateway.url)
