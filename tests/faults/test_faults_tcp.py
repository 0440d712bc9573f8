"""The second transport at the local gateway: reconnects, TLS, fallbacks, and the frames a server sees in a second."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from fault_kit import Bot
from fault_types import MakeBot
from mezon import MezonConnectionError, MezonError
from mezon.testing import LocalGateway
from waiting import until

MakeGateway = Callable[..., Awaitable[LocalGateway]]


@pytest.mark.transports("tcp")
async def test_a_life_with_losses(gateway: LocalGateway, make_bot: MakeBot) -> None:
    bot = await make_bot(transport="tcp")
    assert bot.stats().transport == "tcp"
    room = gateway.world.channel("general")
    for times in range(1, 4):
        await gateway.drop()
        await bot.until_back(times)
        await gateway.wait_joined()
        await gateway.say("general", "alice", f"after {times}")
        await bot.until_heard(f"after {times}")
        ack = await bot.send_message(room.clan_id, room.id, 2, True, f"answer {times}")
        assert ack.message_id
    assert bot.latency is not None


@pytest.mark.transports("tcp")
@pytest.mark.parametrize("status", [None, 503])
async def test_a_refused_tcp_leads_to_the_websocket_and_back(
    gateway: LocalGateway, make_bot: MakeBot, status: int | None
) -> None:
    gateway.http_status("/ws", 404, times=1)
    bot = await make_bot(transport="auto")
    assert bot.stats().transport == "tcp", "the WebSocket was refused"
    gateway.refuse_tcp(status=status)
    await gateway.drop()
    await bot.until_back()
    assert bot.stats().transport == "websocket"
    assert len(bot.lost) == 1, "in one attempt"


@pytest.mark.transports("tcp")
async def test_a_forced_transport_does_not_change(gateway: LocalGateway, make_bot: MakeBot) -> None:
    bot = await make_bot(transport="tcp", login=False)
    gateway.refuse_tcp()
    with pytest.raises(MezonConnectionError, match=r"TCP|closed the connection|refused"):
        await bot.login()
    assert gateway.connections.total == 0


async def test_certificates_are_checked(gateway_factory: MakeGateway) -> None:
    gateway, stranger = await gateway_factory(tls=True), await gateway_factory(tls=True)
    bot = Bot(gateway, transport="tcp")
    await bot.login()
    assert bot.stats().transport == "tcp"
    await bot.disconnect()
    gateway.session_fields = {"ws_url": stranger.ws_url, "tcp_url": stranger.tcp_url}
    stranger.sessions = gateway.sessions
    with pytest.raises(MezonError, match=r"GatewayOptions\(insecure=True\)"):
        await Bot(gateway, transport="tcp").login()
    assert stranger.connections.total == 0
    anybody = Bot(gateway, {"insecure": True}, transport="tcp")
    await anybody.login()
    assert stranger.connections.total == 1
    await anybody.disconnect()


async def test_no_second_at_the_server_sees_more_than_eighty_frames(
    gateway: LocalGateway, make_bot: MakeBot, transport: str
) -> None:
    """With a stall in the middle and over a reconnect."""
    bot = await make_bot(transport=transport)
    room = gateway.world.channel("general")
    sends = [
        asyncio.ensure_future(bot.send_message(room.clan_id, room.id, 2, True, f"{number}"))
        for number in range(260)
    ]
    await until(lambda: gateway.meter.busiest_second > 40, "a good part of them")
    gateway.stall()
    await asyncio.sleep(1.5)
    gateway.resume()
    await until(lambda: sum(send.done() for send in sends) > 160, "more of them")
    await gateway.drop()
    await bot.until_back()
    outcomes = await asyncio.gather(*sends, return_exceptions=True)
    assert sum(not isinstance(outcome, BaseException) for outcome in outcomes) >= 170
    assert gateway.meter.busiest_second <= 80
