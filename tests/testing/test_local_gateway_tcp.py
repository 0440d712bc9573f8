"""The specifics of abridged TCP: handshake, framing, trailing zeros, refusals, forms of output."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest
import pytest_asyncio
from abridged_reader import AbridgedReader, Item, without_padding
from gateway_peer import Peer, send_message
from mezon.protobuf.api import api_pb2
from mezon.protobuf.rtapi import realtime_pb2
from mezon.testing import GatewayProcess, Limits, LocalGateway, WireForm
from mezon.testing.frames import ClientStream, OutOfStepError, abridged_frame
from patience import patient
from tcp_peer import TcpPeer, frame, handshake, with_cid_last

rt = realtime_pb2
Factory = Callable[..., Awaitable[LocalGateway]]


@pytest_asyncio.fixture
async def stream(gateway: LocalGateway) -> AsyncIterator[TcpPeer]:
    """A peer with an open TCP connection."""
    async with TcpPeer(gateway) as peer:
        await peer.connect()
        yield peer


def of(hex_text: str) -> bytes:
    return bytes.fromhex(hex_text)


# Frames as docs/protocol.md, "Abridged TCP", has them


@pytest.mark.parametrize("size", [3, 4, 504, 505, 600, 5000])
async def test_the_handshake_takes_tokens_of_every_length(gateway: LocalGateway, size: int) -> None:
    token = "t" * size
    gateway.sessions.remember(token, gateway.bot_id, "access")
    async with TcpPeer(gateway) as peer:
        await peer.open()
        peer.send(handshake(token))
        peer.ping(1)
        assert await peer.item() == Item("pong", cid=1)
    assert (gateway.handshakes[-1].transport, gateway.handshakes[-1].accepted) == ("tcp", True)


async def test_a_ping_of_three_bytes_is_answered_with_three(gateway: LocalGateway, stream: TcpPeer) -> None:
    for cid in (1, 9, 256, 65535):
        stream.ping(cid)
        assert await stream.item() == Item("pong", cid=cid)
    sent = await gateway.next_sent("ping")
    assert (sent.cid, sent.transport) == (1, "tcp")


async def test_a_ping_envelope_is_answered_with_an_envelope(stream: TcpPeer) -> None:
    assert (await stream.call(ping=rt.Ping())).HasField("pong")


async def test_an_envelope_that_ends_in_zero_is_cut_and_refused(stream: TcpPeer) -> None:
    stream.send(of("01 08011a00"))
    item = await stream.item()
    error = rt.Envelope.FromString(item.data)
    assert (error.cid, error.error.code, error.error.message) == (0, 500, "can not unpack payload")


@pytest.mark.parametrize("frame_hex", ["01 1a000801", "02 08011a00f87f0100"])
async def test_the_cid_last_or_a_filler_saves_it(stream: TcpPeer, frame_hex: str) -> None:
    stream.send(of(frame_hex))
    answer = await stream.read()
    assert (answer.cid, answer.WhichOneof("message")) == (1, "clan_join")


async def test_a_body_that_ends_in_zero_is_whole_when_the_cid_comes_last(
    gateway: LocalGateway, stream: TcpPeer
) -> None:
    stream.send(of("09 e2051d 08b501 1214 5570646174654368616e6e656c4d657373616765 1a020800 0806 0000"))
    item = await stream.item()
    assert (item.kind, item.cid, item.code) == ("raw", 6, 5)  # there is no message 0 to change
    sent = await gateway.next_sent("UpdateChannelMessage")
    assert sent.message.body == b"\x08\x00"


async def test_an_api_call_of_the_facts(gateway: LocalGateway, stream: TcpPeer) -> None:
    stream.send(of("06 e2051108 02120d4c697374436c616e446573637308 050000"))
    item = await stream.item()
    assert (item.kind, item.cid, item.code, item.last) == ("raw", 5, 0, True)
    (clan,) = api_pb2.ClanDescList.FromString(item.data).clandesc
    assert clan.clan_name == "Playground"
    assert (await gateway.next_sent("ListClanDescs")).message.api_index == 2


async def test_an_api_error_is_text_with_its_code(stream: TcpPeer) -> None:
    (item,) = await stream.raw_items("ListChannelMessages", api_pb2.ListChannelMessagesRequest(channel_id=1))
    assert (item.code, item.data) == (5, b"no such channel: 1")


async def test_an_answer_may_be_empty(stream: TcpPeer) -> None:
    (item,) = await stream.raw_items("DeleteQuickMenuAccess", api_pb2.QuickMenuAccess(id=4))
    assert (item.code, item.data, item.last) == (0, b"", True)


# What the client may write


async def test_bytes_may_come_in_any_pieces(gateway: LocalGateway) -> None:
    async with TcpPeer(gateway) as peer:
        await peer.open()
        room = send_message(gateway, "xin chào " * 80)
        written = handshake(peer.session.token) + b"\0\0\7"
        written += frame(with_cid_last(8, channel_message_send=room))
        assert b"\x7f" in written  # a frame of more than 504 bytes is among them
        for at in range(len(written)):
            peer.send(written[at : at + 1])
            await asyncio.sleep(0)
        assert await peer.item() == Item("pong", cid=7)
        assert rt.Envelope.FromString((await peer.item()).data).channel_message_ack.message_id
        await peer.item()
        peer.send(written[-len(frame(with_cid_last(8, channel_message_send=room))) :] * 5)
        kinds = [rt.Envelope.FromString((await peer.item()).data).WhichOneof("message") for _ in range(10)]
        assert kinds.count("channel_message_ack") == kinds.count("channel_message") == 5


@pytest.mark.parametrize(
    "written",
    ["80", "82 00", "ff 0005", "ef 01 61626300", "fe"],
    ids=["0x80", "websocket", "raw", "second handshake", "0xfe"],
)
async def test_out_of_step_ends_the_connection(gateway: LocalGateway, stream: TcpPeer, written: str) -> None:
    stream.ping(1)
    await stream.item()
    stream.send(of(written))
    await stream.ended()
    await gateway.wait_disconnected()


async def test_a_frame_over_the_limit_ends_the_connection(gateway_factory: Factory) -> None:
    gateway = await gateway_factory(frame_limit=4096)
    async with TcpPeer(gateway) as peer:
        await peer.connect()
        await peer.write(channel_message_send=send_message(gateway, "a" * 3900))
        assert (await peer.read()).HasField("channel_message_ack")
        await peer.read()
        await peer.write(channel_message_send=send_message(gateway, "a" * 4100))
        await peer.ended()
    with pytest.raises(ValueError, match="frame_limit"):
        LocalGateway(frame_limit=10)


async def test_an_empty_envelope_misses_its_payload(stream: TcpPeer) -> None:
    stream.send(of("01 00000000"))
    assert (await stream.read()).error.code == 2


def test_the_gateway_reads_a_stream_cut_anywhere() -> None:
    frames = [b"\x08\x01\x1a\x00" + bytes([n, n, n, n]) * n for n in range(1, 140, 23)]
    written = handshake("a.token") + b"".join(frame(f) + b"\0\1" + bytes([n]) for n, f in enumerate(frames))
    for cut in range(len(written)):
        stream = ClientStream(1 << 20)
        got: list[int | bytes] = []
        token = None
        for piece in (written[:cut], written[cut:]):
            stream.feed(piece)
            token = token or stream.handshake()
            if token:
                got += stream.frames()
        assert token == "a.token"
        assert got == [part for n, f in enumerate(frames) for part in (f, 256 + n)]


def test_the_gateway_refuses_a_length_before_it_takes_the_bytes() -> None:
    stream = ClientStream(100)
    stream.feed(b"\xef\x7f\xff\xff\xff")
    with pytest.raises(OutOfStepError, match="exceeds the limit of 100"):
        stream.handshake()


# Refusals


async def test_a_bad_token_gets_a_401_as_text(gateway: LocalGateway) -> None:
    async with TcpPeer(gateway) as peer:
        await peer.open()
        peer.send(handshake("nonsense"))
        item = await peer.item()
        assert (item.kind, item.code, item.data) == ("refused", 401, b"the token is unknown or expired")
        await peer.ended()
    (refused,) = gateway.handshakes
    assert (refused.transport, refused.accepted, refused.status) == ("tcp", False, 401)
    assert gateway.connections.total == 0


async def test_a_bad_token_may_get_a_silent_close(gateway_factory: Factory) -> None:
    gateway = await gateway_factory(tcp_refusal="silent")
    async with TcpPeer(gateway) as peer:
        await peer.open()
        peer.send(handshake("nonsense"))
        await peer.ended()
        gateway.expire_tokens()
        await peer.connect()
        await peer.ended()
        await peer.login()
        await peer.connect()
        assert (await peer.call(ping=rt.Ping())).HasField("pong")
    assert [(h.accepted, h.status) for h in gateway.handshakes] == [(False, 0), (False, 0), (True, 0)]


async def test_the_session_id_opens_a_socket_and_nothing_else(gateway: LocalGateway) -> None:
    async with TcpPeer(gateway) as peer:
        await peer.open()
        peer.send(handshake(peer.session.session_id))
        peer.ping(3)
        assert (await peer.item()).kind == "pong"
        peer.session.token = peer.session.session_id
        await peer.rpc("ListClanDescs", b"", api_pb2.ClanDescList, status=401)


@pytest.mark.parametrize("status", [None, 401, 403, 503])
async def test_connections_are_refused_on_order(gateway: LocalGateway, status: int | None) -> None:
    gateway.refuse_tcp(times=2, status=status)
    async with TcpPeer(gateway) as peer:
        for _ in range(2):
            await peer.connect()
            if status is not None:
                assert (await peer.item()).code == status
            await peer.ended()
        await peer.connect()
        assert (await peer.call(ping=rt.Ping())).HasField("pong")


@pytest.mark.parametrize("off", ["websocket", "tcp"])
async def test_one_transport_may_be_off(gateway_factory: Factory, off: str) -> None:
    gateway = await gateway_factory(**{off: False})
    async with TcpPeer(gateway) as tcp, Peer(gateway) as websocket:
        await tcp.connect()
        if off == "tcp":
            await tcp.ended()
            await websocket.connect()
        else:
            with pytest.raises(aiohttp.WSServerHandshakeError, match="404"):
                await websocket.connect()
        peer = tcp if off == "websocket" else websocket
        assert (await peer.call(ping=rt.Ping())).HasField("pong")
    assert [(h.transport, h.accepted) for h in gateway.handshakes if not h.accepted] == [(off, False)]
    assert len(gateway.handshakes) == 2


async def test_both_transports_share_a_port_and_the_events(gateway: LocalGateway) -> None:
    async with TcpPeer(gateway) as tcp, Peer(gateway) as websocket:
        await tcp.connect()
        await websocket.connect()
        await gateway.wait_connected(2)
        assert sorted(c.transport for c in gateway.live) == ["tcp", "websocket"]
        assert [c.transport for c in gateway.websockets.live] == ["websocket"]
        assert tcp.session.tcp_url in websocket.session.ws_url
        await gateway.say("general", "alice", "hi both")
        for peer in (tcp, websocket):
            assert json.loads((await peer.read()).channel_message.content) == {"t": "hi both"}
        await gateway.drop()
        await tcp.ended()
        await websocket.ended()


async def test_a_stream_that_says_nothing_does_not_hold_the_end(gateway: LocalGateway) -> None:
    async with TcpPeer(gateway) as mute, TcpPeer(gateway) as half:
        await mute.open()
        await half.open()
        half.send(b"\xef\x7f\x01")
        await asyncio.sleep(0.01)
        await gateway.stop()
        await mute.ended()
        await half.ended()


async def test_silence_ends_a_connection(gateway_factory: Factory) -> None:
    gateway = await gateway_factory(silence_limit=patient(0.5))
    async with (
        TcpPeer(gateway) as mute,
        TcpPeer(gateway) as half,
        TcpPeer(gateway) as tcp,
        Peer(gateway) as ws,
    ):
        await mute.open()
        await half.open()
        half.send(b"\xef\x7f\x01")
        await tcp.connect()
        await ws.connect()
        for _ in range(4):
            await asyncio.sleep(patient(0.15))
            tcp.ping(1)
            await ws.write(ping=rt.Ping())
        await mute.ended()
        await half.ended()
        await tcp.ended()
        await gateway.wait_disconnected()
        assert [s.transport for s in gateway.sent].count("tcp") == 4
        assert [s.transport for s in gateway.sent].count("websocket") == 4


# What the server writes


async def test_pushes_come_in_both_forms_by_turns(gateway: LocalGateway, stream: TcpPeer) -> None:
    await stream.call(ping=rt.Ping())
    for _ in range(4):
        await gateway.push(voice_started_event=rt.VoiceStartedEvent(clan_id=3))
    items = [await stream.item() for _ in range(4)]
    assert [i.kind for i in items] == ["websocket", "abridged", "websocket", "abridged"]
    assert {i.data for i in items} == {
        rt.Envelope(voice_started_event=rt.VoiceStartedEvent(clan_id=3)).SerializeToString()
    }
    for form in ("websocket", "abridged"):
        gateway.wire.pushes = form
        await gateway.push(pong=rt.Pong())
        await gateway.push(pong=rt.Pong())
        assert [(await stream.item()).kind for _ in range(2)] == [form, form]


@pytest.mark.parametrize("size", [1, 125, 126, 300, 65_535, 65_536, 70_000])
@pytest.mark.parametrize("form", ["websocket", "abridged"])
async def test_pushes_of_every_size(gateway: LocalGateway, stream: TcpPeer, form: str, size: int) -> None:
    gateway.wire.pushes = form  # type: ignore[assignment]
    await stream.call(ping=rt.Ping())
    await gateway.push(custom_status_event=rt.CustomStatusEvent(status="s" * size))
    assert (await stream.read()).custom_status_event.status == "s" * size


@pytest.mark.parametrize("padding", ["zeros", "more", "none"])
@pytest.mark.parametrize("extra", range(8))
async def test_padding(gateway: LocalGateway, stream: TcpPeer, padding: str, extra: int) -> None:
    gateway.wire.padding = padding  # type: ignore[assignment]
    text = "x" * extra
    answer = await stream.call(custom_status_event=rt.CustomStatusEvent(status=text))
    assert answer.custom_status_event.status == text


@pytest.mark.parametrize(
    ("padding", "written"),
    [
        ("zeros", "02 0a03616263 000000"),
        ("more", "03 0a03616263 00000000000000"),
        ("none", "02 0a03616263 f87f01"),
    ],
)
def test_padding_on_the_wire(padding: str, written: str) -> None:
    assert abridged_frame(of("0a03616263"), padding) == of(written)  # type: ignore[arg-type]


def test_headers_of_long_frames() -> None:
    for size in (597, 598, 599, 600):
        assert abridged_frame(b"\x0a" * size)[:4] == of("7f960000")
    assert abridged_frame(bytes(504))[:1] == b"\x7e"
    assert abridged_frame(bytes(505))[:4] == of("7f7f0000")


@pytest.mark.parametrize("chunks", [2, 50])
async def test_chunks_with_other_frames_between_them(
    gateway: LocalGateway, stream: TcpPeer, chunks: int
) -> None:
    gateway.chunk_count = chunks
    gateway.wire.interleave = True
    event = rt.ApiRequestEvent(api_name="ListClanDescs")
    first = await stream.write(api_request_event=event)
    second = await stream.write(api_request_event=event)
    bodies = {first: b"", second: b""}
    kinds: list[str] = []
    order: list[int] = []
    open_calls = set(bodies)
    while open_calls:
        item = await stream.item()
        kinds.append(item.kind)
        if item.kind == "raw":
            bodies[item.cid] += item.data
            order.append(item.cid)
            if item.last:
                open_calls.discard(item.cid)
    assert bodies[first] == bodies[second]
    assert api_pb2.ClanDescList.FromString(bodies[first]).clandesc[0].clan_name == "Playground"
    assert order != sorted(order)  # the two answers came interleaved
    assert len(order) == 2 * chunks
    assert {"websocket", "abridged"} <= set(kinds)


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("split", [1, 2, 7])
async def test_writes_in_pieces(gateway_factory: Factory, split: int, tls: bool) -> None:
    gateway = await gateway_factory(wire=WireForm(split=split), tls=tls)
    async with TcpPeer(gateway) as peer:
        await peer.connect()
        await peer.call(ping=rt.Ping())
        ids = [await gateway.say("general", "alice", f"message {n}") for n in range(10)]
        pieces = 0
        reader, got = AbridgedReader(), []
        while len(got) < 10:
            pieces += 1
            got += reader.feed(await peer.reader.read(65536))
        assert [rt.Envelope.FromString(i.data).channel_message.message_id for i in got] == ids
        assert pieces > 10


async def test_writes_gathered(gateway_factory: Factory) -> None:
    gateway = await gateway_factory(wire=WireForm(gather=0.05))
    async with TcpPeer(gateway) as peer:
        await peer.connect()
        await gateway.wait_connected()
        peer.ping(9)
        await peer.write(clan_join=rt.ClanJoin(clan_id=0))
        await gateway.next_sent("clan_join")
        await gateway.say("general", "alice", "hi")
        reader = AbridgedReader()
        kinds = [i.kind for i in reader.feed(await peer.reader.read(65536))]
        assert kinds == ["pong", "abridged", "websocket"]


async def test_a_stalled_gateway_holds_what_it_splits(gateway: LocalGateway, stream: TcpPeer) -> None:
    gateway.wire.split = 1
    await stream.call(ping=rt.Ping())
    gateway.stall()
    await gateway.say("general", "alice", "later")
    assert await stream.is_silent()
    gateway.resume()
    assert json.loads((await stream.read()).channel_message.content) == {"t": "later"}


# What sessions say


@pytest.mark.parametrize(
    ("shape", "ws_url", "tcp_url"),
    [
        ("url", "ws://{place}", "tcp://{place}"),
        ("host:port", "{place}", "{place}"),
        ("host", "127.0.0.1", "127.0.0.1"),
        ("none", "", ""),
    ],
)
async def test_addresses_are_announced_in_every_shape(
    gateway: LocalGateway, shape: str, ws_url: str, tcp_url: str
) -> None:
    gateway.announce(ws_url=shape, tcp_url=shape)  # type: ignore[arg-type]
    async with Peer(gateway) as peer:
        place = f"127.0.0.1:{gateway.port}"
        assert peer.session.ws_url == ws_url.format(place=place)
        assert peer.session.tcp_url == tcp_url.format(place=place)


def test_the_reader_of_these_tests_cuts_padding_as_the_facts_say() -> None:
    assert without_padding(of("0858220000000000")) == of("08582200")
    assert without_padding(of("08582200")) == of("08582200")
    assert without_padding(of("0a03616263000000")) == of("0a03616263")


# Limits


@pytest.mark.parametrize(
    ("limits", "taken"),
    [(Limits(sends_per_second=5), 5), (Limits(sends_per_minute=7), 7), (Limits.of_the_service(), 60)],
)
async def test_sends_over_the_limit_are_answered_with_429(
    gateway_factory: Factory, peer_type: type[Peer], limits: Limits, taken: int
) -> None:
    gateway = await gateway_factory(limits=limits, echo_own_messages=False)
    async with peer_type(gateway) as peer:
        await peer.connect()
        answers = [
            await peer.call(channel_message_send=send_message(gateway, str(n))) for n in range(taken + 3)
        ]
        kinds = [a.WhichOneof("message") for a in answers]
        assert kinds == ["channel_message_ack"] * taken + ["error"] * 3
        assert {a.error.code for a in answers[taken:]} == {429}
        assert len(gateway.world.messages("general")) == taken
        # Another kind of call is not a message.
        assert (await peer.call(ping=rt.Ping())).HasField("pong")


async def test_the_busiest_second_counts_every_frame_over_all_connections(
    gateway: LocalGateway, peer_type: type[Peer]
) -> None:
    async with peer_type(gateway) as first, peer_type(gateway) as second:
        for peer in (first, second):
            await peer.connect()
            for _ in range(30):
                await peer.call(ping=rt.Ping())
    times = [s.time for s in gateway.sent]
    assert gateway.meter.busiest_second == max(sum(start <= t < start + 1 for t in times) for start in times)


@pytest.mark.parametrize(("option", "open_one"), [("--no-websocket", TcpPeer), ("--no-tcp", Peer)])
async def test_a_process_with_one_transport(option: str, open_one: type[Peer]) -> None:
    async with GatewayProcess(option) as remote:
        twin = LocalGateway(port=remote.port)  # not started: where the child is, for the peers
        for peer_type in (Peer, TcpPeer):
            async with peer_type(twin) as peer:
                if peer_type is open_one:
                    await peer.connect()
                    await peer.call(ping=rt.Ping())
                elif peer_type is Peer:
                    with pytest.raises(aiohttp.WSServerHandshakeError, match="404"):
                        await peer.connect()
                else:
                    await peer.connect()
                    await peer.ended()
        sent = await remote.next_sent("ping")
        assert sent.transport == ("tcp" if open_one is TcpPeer else "websocket")
        assert remote.info["tcp_url"] == f"127.0.0.1:{remote.port}"
