"""The limits of the live service: recorded, and enforced with ``strict=True``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from gateway_peer import Peer, send_message
from mezon import ServerError
from mezon.protobuf.rtapi import realtime_pb2
from mezon.testing import Limits, LocalGateway

rt = realtime_pb2
Factory = Callable[..., Awaitable[LocalGateway]]


async def test_strict_refuses_more_than_80_frames_a_second(
    gateway_factory: Factory, peer_type: type[Peer]
) -> None:
    gateway = await gateway_factory(strict=True)
    async with peer_type(gateway) as peer:
        await peer.connect()
        cids = [await peer.write(custom_status_event=rt.CustomStatusEvent(status="s")) for _ in range(90)]
        answers = [await peer.read() for _ in cids]
    kinds = [answer.WhichOneof("message") for answer in answers]
    assert kinds == ["custom_status_event"] * 80 + ["error"] * 10
    assert {a.error.code for a in answers[80:]} == {429}
    assert [a.cid for a in answers] == cids


async def test_strict_refuses_a_content_that_is_too_long(
    gateway_factory: Factory, peer_type: type[Peer]
) -> None:
    gateway = await gateway_factory(strict=True)
    room = gateway.world.channel("general")
    async with peer_type(gateway) as peer:
        await peer.connect()
        await peer.call(channel_join=rt.ChannelJoin(channel_id=room.id))
        # {"t": ""} takes 9 units, and each of these is two.
        fits = await peer.call(channel_message_send=send_message(gateway, "x" * (4000 - 9)))
        await peer.read()
        assert fits.HasField("channel_message_ack")
        long = await peer.call(channel_message_send=send_message(gateway, "x" * (4001 - 9)))
        assert (long.error.code, long.error.message) == (
            3,
            "the content has 4001 characters, the limit is 4000",
        )
        update = rt.ChannelMessageUpdate(channel_id=room.id, message_id=1, content="🎉" * 2001)
        code, body, _ = await peer.raw_call("UpdateChannelMessage", update)
        assert (code, body) == (3, b"the content has 4002 characters, the limit is 4000")
        assert len(gateway.world.messages(room)) == 1


async def test_strict_wants_channels_joined_and_known(
    gateway_factory: Factory, peer_type: type[Peer]
) -> None:
    gateway = await gateway_factory(strict=True)
    async with peer_type(gateway) as peer:
        await peer.connect()
        error = (await peer.call(channel_message_send=send_message(gateway, "a"))).error
        assert (error.code, error.message) == (3, "Must join channel before sending messages")
        unknown = rt.ChannelMessageSend(channel_id=5, content="{}")
        assert (await peer.call(channel_message_send=unknown)).error.message == "Channel not found"


async def test_a_breach_is_noted_and_carried_out(gateway: LocalGateway, peer: Peer) -> None:
    await peer.call(channel_message_send=send_message(gateway, "fine"))
    assert gateway.breaches == []
    await peer.read()
    ack = await peer.call(channel_message_send=send_message(gateway, "x" * 5000))
    assert ack.HasField("channel_message_ack")
    (breach,) = gateway.breaches
    assert breach.startswith("message in general: 'xxx")
    assert breach.endswith("the content has 5009 characters, the limit is 4000")


async def test_limits_of_ones_own_win_over_strict(gateway_factory: Factory, peer_type: type[Peer]) -> None:
    gateway = await gateway_factory(strict=True, limits=Limits(content_length=20))
    async with peer_type(gateway) as peer:
        await peer.connect()
        answers = [await peer.call(ping=rt.Ping()) for _ in range(100)]
        assert all(answer.HasField("pong") for answer in answers)
        error = (await peer.call(channel_message_send=send_message(gateway, "x" * 30))).error
        assert "the limit is 20" in error.message


async def test_a_bot_of_this_package_lives_with_strict(gateway_factory: Factory) -> None:
    from mezon import MezonClient

    gateway = await gateway_factory(strict=True)
    client = MezonClient(**gateway.client_options())
    await client.login()
    channel = await client.channels.fetch(gateway.world.channel("general").id)
    await channel.send("joins by itself")
    assert (await gateway.next_sent("channel_join")).channel_id == channel.id
    assert [m.sender_id for m in gateway.world.messages("general")] == [client.client_id]
    with pytest.raises(ServerError, match="Channel not found"):
        await client.send_message(1, 5, 2, True, "nowhere")
    await client.disconnect()
