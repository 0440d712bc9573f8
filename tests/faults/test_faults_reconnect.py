"""The connection is lost in every way the server can lose it: what must hold afterwards."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest
from fault_kit import Bot
from fault_types import MakeBot
from mezon import (
    AuthenticationError,
    ConnectionLostError,
    DeliveryUnknownError,
    MezonError,
    MezonTimeoutError,
)
from mezon.testing import LocalGateway
from mezon.testing.world import THREAD
from waiting import until

AUTHENTICATE = "/v2/apps/authenticate/token"


async def test_a_restart_on_the_same_port(gateway: LocalGateway, bot: Bot) -> None:
    before = bot.gaps
    await gateway.restart(downtime=0.1)
    await bot.until_back()
    await gateway.wait_joined()
    await gateway.say("general", "alice", "after")
    await bot.until_heard("after")
    assert gateway.connections.max_live == 1
    assert [loss.will_reconnect for loss in bot.lost] == [True]
    assert bot.lost[0].reason
    (gap,) = before
    assert gap.lost_at <= gap.back_at <= time.time()
    assert bot.stats().reconnects == 1
    assert bot.readies == 1


@pytest.mark.parametrize("reset", [False, True])
async def test_cut_connections_again_and_again(gateway: LocalGateway, bot: Bot, reset: bool) -> None:
    for number in range(1, 11):
        await gateway.drop(reset=reset)
        await bot.until_back(number)
    await gateway.wait_joined()
    await gateway.say("general", "alice", "still here")
    await bot.until_heard("still here")
    assert gateway.connections.max_live == 1
    assert gateway.connections.total == 11
    assert bot.stats().pending == 0


@pytest.mark.parametrize("code", [1000, 1012, 4006, 4014])
async def test_a_close_frame_of_any_code(gateway: LocalGateway, bot: Bot, code: int) -> None:
    await gateway.close(code, "go away")
    await bot.until_back()
    assert bot.state == "ready"


async def test_every_reconnect_has_a_session_of_its_own(gateway: LocalGateway, bot: Bot) -> None:
    tokens = {bot.session_manager.get_session().token}
    for number in (1, 2):
        gateway.expire_tokens()
        await gateway.drop()
        await bot.until_back(number)
        tokens.add(bot.session_manager.get_session().token)
        await bot.channels.fetch(gateway.world.channel("random").id)
        details = [request for request in gateway.requests if request.name == "ListChannelDetail"]
        assert {request.status for request in details} == {200}
        bot.channels.clear()
    assert len(tokens) == 3


async def test_a_new_ws_url_is_followed(
    gateway: LocalGateway, make_bot: MakeBot, gateway_factory: object
) -> None:
    other = LocalGateway(world=gateway.world)
    # One set of sessions: the token of the first is good at the second.
    other.sessions = gateway.sessions
    async with other:
        bot = await make_bot()
        gateway.session_fields = {"ws_url": other.ws_url, "tcp_url": other.tcp_url, "api_url": other.url}
        await gateway.drop()
        await bot.until_back()
        await other.wait_joined()
        assert (gateway.connections.live, other.connections.live) == (0, 1)
        await other.say("general", "alice", "over here")
        await bot.until_heard("over here")
        token = bot.session_manager.get_session().token
        await bot.api_client.get_channel_detail(token, gateway.world.channel("random").id)
        assert "ListChannelDetail" in [request.name for request in other.requests]
        await bot.disconnect()


async def test_a_reconnect_that_is_asked_for_does_not_wait_for_the_backoff(
    gateway: LocalGateway, make_bot: MakeBot
) -> None:
    bot = await make_bot({"backoff_base": 3600.0, "backoff_max": 3600.0})
    link = bot.socket_manager.get_socket().connection
    gateway.http_status("/v2/apps/authenticate/token", 503)
    await gateway.drop()
    await until(
        lambda: bot.state == "backoff" and sum(r.name.endswith("token") for r in gateway.requests) == 2,
        "the wait after the first attempt",
    )
    assert link.reconnect()
    await bot.until_back()
    assert link.reconnect(), "and what is open is given up"
    await bot.until_back(2)
    await bot.disconnect()
    assert not link.reconnect(), "there is nothing to make anew"


async def test_503_on_authenticate_is_tried_again(gateway: LocalGateway, bot: Bot) -> None:
    gateway.http_status(AUTHENTICATE, 503, times=3)
    await gateway.drop()
    await bot.until_back()
    logins = [request.status for request in gateway.requests if request.name == AUTHENTICATE]
    assert logins == [200, 503, 503, 503, 200]
    assert [loss.will_reconnect for loss in bot.lost] == [True], "one loss is told once, not each attempt"


@pytest.mark.parametrize("status", [401, 403])
async def test_refused_credentials_end_it_aloud(gateway: LocalGateway, bot: Bot, status: int) -> None:
    gateway.http_status(AUTHENTICATE, status, times=None, body="invalid credentials")
    waiting = asyncio.ensure_future(bot.wait_closed())
    await gateway.drop()
    with pytest.raises(AuthenticationError) as caught:
        await waiting
    assert caught.value.status == status
    assert [loss.will_reconnect for loss in bot.lost] == [True, False]
    assert bot.lost[-1].error is caught.value
    assert bot.state == "closed"
    logins = [request.status for request in gateway.requests if request.name == AUTHENTICATE]
    assert logins == [200, status], "credentials that were refused are not tried again"
    with pytest.raises(MezonError):
        await bot.send_message(1, 1, 2, True, "nobody is there")


async def test_a_403_without_a_reason_is_believed_when_it_stays(gateway: LocalGateway, bot: Bot) -> None:
    gateway.http_status(AUTHENTICATE, 403, times=2)
    await gateway.drop()
    await bot.until_back()
    gateway.http_status(AUTHENTICATE, 403, times=None)
    await gateway.drop()
    with pytest.raises(AuthenticationError):
        await bot.wait_closed()


async def test_giving_up_is_an_error_and_says_so(gateway: LocalGateway, make_bot: MakeBot) -> None:
    bot = await make_bot({"reconnect_max_attempts": 3})
    waiting = asyncio.ensure_future(bot.wait_closed())
    await gateway.stop()
    with pytest.raises(ConnectionLostError, match="gave up after 3 attempts"):
        await waiting
    assert bot.lost[-1].will_reconnect is False
    assert isinstance(bot.lost[-1].error, ConnectionLostError)


async def test_without_reconnect_the_first_loss_is_the_end(gateway: LocalGateway, make_bot: MakeBot) -> None:
    bot = await make_bot(login=False)
    await bot.login(enable_auto_reconnect=False)
    await gateway.drop()
    with pytest.raises(ConnectionLostError):
        await bot.wait_closed()
    assert [loss.will_reconnect for loss in bot.lost] == [False]


async def test_one_clan_of_forty_that_refuses(gateway: LocalGateway, make_bot: MakeBot) -> None:
    clans = [gateway.world.add_clan(f"clan {number}") for number in range(39)]
    refused = clans[17].id
    gateway.answer_with_error("clan_join", 3, times=1, match=lambda join: join.clan_id == refused)
    bot = await make_bot({"rate_limit": 0}, login=False)
    await bot.login()
    others = {0, *gateway.world.clans} - {refused}
    assert gateway.live[0].clans == others
    # At a reconnect as well; and what was refused before is asked for again.
    lucky = clans[4].id
    gateway.answer_with_error("clan_join", 3, times=1, match=lambda join: join.clan_id == lucky)
    await gateway.drop()
    await bot.until_back()
    everything = others | {refused}
    await until(lambda: gateway.live[0].clans == everything - {lucky}, "all clans but one")
    await gateway.drop()
    await bot.until_back(2)
    assert gateway.live[0].clans == everything


async def test_a_list_that_fails_for_a_moment_delays_the_login(
    gateway: LocalGateway, make_bot: MakeBot
) -> None:
    gateway.http_status("ListClanDescs", 503, times=1)
    bot = await make_bot()
    assert bot.clans.size >= 1


async def test_a_list_that_fails_for_good_fails_the_login(gateway: LocalGateway, make_bot: MakeBot) -> None:
    gateway.http_status("ListClanDescs", 500, times=None)
    bot = await make_bot(login=False)
    with pytest.raises(MezonError, match="500"):
        await bot.login()
    await gateway.wait_disconnected()
    assert bot.state == "closed"
    gateway.clear_faults()
    await bot.login()
    assert bot.state == "ready"


async def test_a_list_that_fails_after_a_reconnect_costs_nothing(gateway: LocalGateway, bot: Bot) -> None:
    gateway.http_status("ListClanDescs", 500, times=None)
    await gateway.drop()
    await bot.until_back()
    await gateway.wait_joined()
    await gateway.say("general", "alice", "hello")
    await bot.until_heard("hello")


async def test_a_connection_lost_while_logging_in(gateway: LocalGateway, make_bot: MakeBot) -> None:
    """The clans whose joins were lost are joined on the next connection, within the same login."""
    gateway.silence("clan_join", times=2)
    bot = await make_bot(login=False)
    login = asyncio.ensure_future(bot.login())
    await gateway.wait_until(lambda: sum(s.kind == "clan_join" for s in gateway.sent) >= 2, what="the joins")
    await gateway.drop()
    await login
    await gateway.wait_joined()
    assert bot.state == "ready"


async def test_a_clan_joined_while_away(gateway: LocalGateway, bot: Bot) -> None:
    await gateway.stop()
    new = gateway.world.add_clan("new while away")
    await gateway.start()
    await bot.until_back()
    await gateway.wait_joined()
    assert bot.clans.get(new.id) is not None


async def test_objects_keep_their_identity_and_follow(gateway: LocalGateway, bot: Bot) -> None:
    await gateway.say("general", "alice", "hello")
    await bot.until_heard("hello")
    room = gateway.world.channel("general")
    clan, channel = bot.clans.get(room.clan_id), bot.channels.get(room.id)
    user = bot.users.get(gateway.world.user("alice").id)
    assert clan is not None
    assert channel is not None
    assert user is not None
    gateway.world.clan(room.clan_id).name = "Renamed while away"
    await gateway.drop()
    await bot.until_back()
    await until(lambda: clan.name == "Renamed while away", "the clan's new name")
    await gateway.say("general", "alice", "again")
    await bot.until_heard("again")
    assert bot.clans.get(room.clan_id) is clan
    assert bot.channels.get(room.id) is channel
    assert bot.users.get(gateway.world.user("alice").id) is user
    await channel.send("the old object talks on the new connection")
    sent = await gateway.next_sent("channel_message_send")
    assert sent.connection == 2


async def test_channels_threads_and_dms_are_joined_again(gateway: LocalGateway, bot: Bot) -> None:
    world = gateway.world
    channel, thread, dm = world.channel("general"), world.add_thread("thread", "general"), world.dm("alice")
    left = world.channel("random")
    socket_ = bot.socket_manager.get_socket()
    for place in (channel, thread, dm, left):
        await socket_.join_chat(place.clan_id, place.id, place.type)
    await socket_.leave_chat(left.clan_id, left.id, left.type, True)
    await gateway.drop()
    await bot.until_back()
    joined = gateway.live[0].channels
    assert joined == {channel.id, thread.id, dm.id}, "left channels stay left"
    again = [s for s in gateway.sent if s.kind == "channel_join" and s.connection == 2]
    assert {s.message.channel_type for s in again} == {channel.type, THREAD, dm.type}


async def test_sends_wait_through_an_outage_and_go_out_in_order(gateway: LocalGateway, bot: Bot) -> None:
    channel = await bot.channels.fetch(gateway.world.channel("general").id)
    await gateway.stop()
    await until(lambda: bot.state != "ready", "the loss to be seen")
    sends = [asyncio.ensure_future(channel.send(f"{number}")) for number in range(20)]
    await asyncio.sleep(0.05)
    assert not any(send.done() for send in sends), "they neither fail nor pretend"
    await gateway.start()
    acks = await asyncio.gather(*sends)
    texts = [sent.text for sent in gateway.sent if sent.kind == "channel_message_send"]
    assert texts == [f"{number}" for number in range(20)]
    ids = [ack.message_id for ack in acks]
    assert ids == sorted(ids)


async def test_a_send_that_waits_too_long_says_that_it_was_not_sent(
    gateway: LocalGateway, make_bot: MakeBot
) -> None:
    bot = await make_bot(timeout=300)
    channel = await bot.channels.fetch(gateway.world.channel("general").id)
    await gateway.stop()
    await until(lambda: bot.state != "ready", "the loss to be seen")
    with pytest.raises(MezonTimeoutError, match="was not sent"):
        await channel.send("late")
    await gateway.start()
    await bot.until_back()
    assert not [sent for sent in gateway.sent if sent.kind == "channel_message_send"]


async def test_a_send_in_flight_fails_at_once_and_names_itself(gateway: LocalGateway, bot: Bot) -> None:
    channel = await bot.channels.fetch(gateway.world.channel("general").id)
    gateway.silence("channel_message_send")
    send = asyncio.ensure_future(channel.send("did it arrive?"))
    await gateway.next_sent("channel_message_send")
    await gateway.drop()
    with pytest.raises(DeliveryUnknownError, match="channel_message_send") as caught:
        await send
    assert isinstance(caught.value, ConnectionError)
    await bot.until_back()
    assert bot.stats().pending == 0


async def test_a_lost_ping_is_no_loss_while_frames_come(gateway: LocalGateway, make_bot: MakeBot) -> None:
    bot = await make_bot({"heartbeat_interval": 0.05, "heartbeat_timeout": 1.0})
    # More of them than the deadline of one has room for.
    gateway.silence("ping", times=30)
    pings = sum(sent.kind == "ping" for sent in gateway.sent)
    while sum(sent.kind == "ping" for sent in gateway.sent) < pings + 34:
        await gateway.say("general", "alice", "a sign of life")
        await asyncio.sleep(0.02)
    assert bot.gaps == []
    assert bot.lost == []
    assert bot.latency is not None


async def test_a_silent_server_is_noticed(gateway: LocalGateway, make_bot: MakeBot) -> None:
    bot = await make_bot({"heartbeat_interval": 0.1, "heartbeat_timeout": 0.5})
    gateway.stall()
    await until(lambda: bot.lost, "the silence to be noticed")
    assert "no frame came" in bot.lost[0].reason
    gateway.resume()
    await bot.until_back()
    await gateway.wait_joined()


async def test_a_silent_server_is_not_waited_for_at_close(gateway: LocalGateway, make_bot: MakeBot) -> None:
    bot = await make_bot({"heartbeat_interval": 0.05, "heartbeat_timeout": 30.0})
    gateway.stall()
    await until(lambda: bot.stats().frames_sent > 8, "pings that nobody answers")
    await bot.disconnect()
    assert bot.state == "closed"
    gateway.resume()


async def test_a_server_that_takes_connections_and_says_nothing(
    gateway: LocalGateway, make_bot: MakeBot
) -> None:
    """Slow to shake hands: the attempt ends by its timeout and the next one counts."""
    bot = await make_bot({"connect_timeout": 0.2})
    with socket.create_server(("127.0.0.1", 0)) as mute:
        gateway.session_fields = {"ws_url": f"ws://127.0.0.1:{mute.getsockname()[1]}", "tcp_url": ""}
        await gateway.drop()
        await until(
            lambda: len([r for r in gateway.requests if r.name == AUTHENTICATE]) >= 3, "more attempts"
        )
        gateway.session_fields = {}
        await bot.until_back()
    assert gateway.connections.max_live == 1
