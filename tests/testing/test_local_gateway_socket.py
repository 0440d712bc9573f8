"""The socket over both transports: acks, broadcasts, chunks, errors, records and pushes."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest
from gateway_peer import Peer, send_message
from mezon.protobuf.api import api_pb2
from mezon.protobuf.rtapi import realtime_pb2
from mezon.testing import LocalGateway

rt = realtime_pb2


@pytest.mark.transports("websocket")
async def test_subprotocol_and_counts(gateway: LocalGateway, peer: Peer) -> None:
    assert peer.socket.protocol == "protobuf"
    await gateway.wait_connected()
    assert (gateway.connections.live, gateway.connections.total) == (1, 1)
    await peer.socket.close()
    await gateway.wait_disconnected()
    await peer.connect()
    await gateway.wait_connected()
    assert (gateway.connections.live, gateway.connections.total, gateway.connections.max_live) == (1, 2, 1)


async def test_no_subprotocol_is_fine_too(gateway: LocalGateway) -> None:
    async with Peer(gateway) as peer:
        url = f"{gateway.ws_url}/ws"
        async with peer.http.ws_connect(url, params={"token": peer.session.token}) as socket:
            assert socket.protocol is None
            await socket.send_bytes(rt.Envelope(cid=3, ping=rt.Ping()).SerializeToString())
            assert rt.Envelope.FromString((await socket.receive()).data).WhichOneof("message") == "pong"


@pytest.mark.parametrize(
    "field",
    [
        {"message_typing_event": rt.MessageTypingEvent(channel_id=4)},
        {"last_seen_message_event": rt.LastSeenMessageEvent(message_id=4)},
        {"last_pin_message_event": rt.LastPinMessageEvent(message_id=4)},
        {"custom_status_event": rt.CustomStatusEvent(status="s")},
        {"voice_joined_event": rt.VoiceJoinedEvent(voice_channel_id=1)},
        {"voice_leaved_event": rt.VoiceLeavedEvent(voice_channel_id=1)},
        {"clan_join": rt.ClanJoin(clan_id=0)},
    ],
    ids=lambda field: next(iter(field)),
)
async def test_answered_with_the_same_field(peer: Peer, field: dict[str, Any]) -> None:
    ((name, message),) = field.items()
    answer = await peer.call(**field)
    assert answer.WhichOneof("message") == name
    assert getattr(answer, name) == message


async def test_ping_joins_and_names(gateway: LocalGateway, peer: Peer) -> None:
    room = gateway.world.channel("general")
    assert (await peer.call(ping=rt.Ping())).HasField("pong")
    clan = await peer.call(clan_join=rt.ClanJoin(clan_id=room.clan_id))
    assert clan.clan_join.clan_id == room.clan_id
    joined = await peer.call(
        channel_join=rt.ChannelJoin(clan_id=room.clan_id, channel_id=room.id, channel_type=1)
    )
    assert (joined.channel.id, joined.channel.chanel_label) == (room.id, "general")
    assert joined.channel.self.user_id == gateway.bot_id
    assert (await peer.call(clan_join=rt.ClanJoin(clan_id=5))).error.code == 3
    assert (await peer.call(channel_join=rt.ChannelJoin(channel_id=5))).error.code == 3
    (connection,) = gateway.live
    assert connection.clans == {room.clan_id}
    assert connection.channels == {room.id}
    await peer.call(channel_leave=rt.ChannelLeave(channel_id=room.id))
    assert connection.channels == set()
    taken = await peer.call(check_name_existed_event=rt.CheckNameExistedEvent(name="Playground"))
    assert taken.check_name_existed_event.exist
    free = await peer.call(check_name_existed_event=rt.CheckNameExistedEvent(name="Nobody"))
    assert not free.check_name_existed_event.exist


async def test_send_is_acked_and_comes_back(gateway: LocalGateway, peer: Peer) -> None:
    send = send_message(gateway, "xin chào 🎉")
    send.mentions.add(user_id=7, username="bob", s=0, e=3)
    send.references.add(message_ref_id=9, content="{}")
    send.topic_id = 12
    ack = (await peer.call(channel_message_send=send)).channel_message_ack
    event = await peer.read()
    assert event.cid == 0
    message = event.channel_message
    assert ack.message_id == message.message_id > 0
    assert (ack.channel_id, ack.username, ack.persistent.value) == (send.channel_id, "echo", True)
    assert (message.sender_id, message.topic_id, message.mode) == (gateway.bot_id, 12, 2)
    assert json.loads(message.content) == {"t": "xin chào 🎉"}
    assert api_pb2.MessageMentionList.FromString(message.mentions).mentions[0].username == "bob"
    assert api_pb2.MessageRefList.FromString(message.references).refs[0].message_ref_id == 9
    assert gateway.world.messages("general")[-1] == message
    sent = await gateway.next_sent()
    assert (sent.kind, sent.text, sent.channel_id, sent.cid) == (
        "channel_message_send",
        "xin chào 🎉",
        send.channel_id,
        1,
    )


async def test_own_messages_can_be_kept_back(gateway_factory: Any, peer_type: type[Peer]) -> None:
    gateway = await gateway_factory(echo_own_messages=False)
    async with peer_type(gateway) as peer:
        await peer.connect()
        await peer.call(channel_message_send=send_message(gateway, "a"))
        assert (await peer.call(ping=rt.Ping())).HasField("pong")


async def test_ephemeral(gateway: LocalGateway, peer: Peer) -> None:
    send = rt.EphemeralMessageSend(message=send_message(gateway, "psst"), receiver_ids=[1])
    answer = await peer.call(ephemeral_message_send=send)
    assert json.loads(answer.channel_message.content) == {"t": "psst"}
    assert gateway.world.messages("general") == []
    sent = await gateway.next_sent("ephemeral_message_send")
    assert sent.text == "psst"


async def test_reaction_is_answered_and_broadcast(gateway: LocalGateway, peer: Peer) -> None:
    reaction = api_pb2.MessageReaction(message_id=3, emoji="👍", emoji_id=1)
    answer = await peer.call(message_reaction_event=reaction)
    assert answer.message_reaction_event.emoji == "👍"
    event = await peer.read()
    assert event.cid == 0
    assert event.message_reaction_event == answer.message_reaction_event
    assert event.message_reaction_event.sender_id == gateway.bot_id


async def test_must_join_first(gateway_factory: Any, peer_type: type[Peer]) -> None:
    gateway = await gateway_factory(require_join=True)
    room = gateway.world.channel("general")
    async with peer_type(gateway) as peer:
        await peer.connect()
        error = (await peer.call(channel_message_send=send_message(gateway, "a"))).error
        assert (error.code, error.message) == (3, "Must join channel before sending messages")
        await peer.call(channel_join=rt.ChannelJoin(clan_id=room.clan_id, channel_id=room.id))
        assert (await peer.call(channel_message_send=send_message(gateway, "a"))).HasField(
            "channel_message_ack"
        )


async def test_delivery_only_to_the_joined(gateway_factory: Any, peer_type: type[Peer]) -> None:
    gateway = await gateway_factory(joined_only=True)
    world = gateway.world
    hidden = world.add_channel("hidden", private=True)
    async with peer_type(gateway) as peer:
        await peer.connect()
        await gateway.wait_connected()
        await gateway.say("general", "alice", "1")
        await peer.call(clan_join=rt.ClanJoin(clan_id=world.clan().id))
        await gateway.wait_joined([world.clan().id])
        await gateway.say("general", "alice", "2")
        await gateway.say(hidden, "alice", "3")
        await gateway.say_dm("alice", "4")
        assert json.loads((await peer.read()).channel_message.content) == {"t": "2"}
        await peer.call(channel_join=rt.ChannelJoin(channel_id=hidden.id))
        await gateway.say_dm("alice", "5")
        await gateway.say(hidden, "alice", "6")
        assert json.loads((await peer.read()).channel_message.content) == {"t": "6"}
        await peer.call(clan_join=rt.ClanJoin(clan_id=0))
        await gateway.say_dm("alice", "7")
        assert json.loads((await peer.read()).channel_message.content) == {"t": "7"}


@pytest.mark.transports("websocket")  # what is broken differs: test_local_gateway_tcp.py has the other
async def test_unknown_missing_and_broken_payloads(gateway: LocalGateway, peer: Peer) -> None:
    assert (await peer.call(mark_as_read=rt.MarkAsRead())).error.code == 1
    assert (await peer.call()).error.code == 2
    await peer.socket.send_bytes(b"\xff\xff\xff")
    broken = await peer.read()
    assert (broken.cid, broken.error.code) == (0, 1)
    await peer.socket.send_str("ignored")
    assert (await peer.call(ping=rt.Ping())).HasField("pong")
    unknown = rt.ChannelMessageSend(channel_id=5, content="{}")
    assert (await peer.call(channel_message_send=unknown)).error.code == 3


@pytest.mark.parametrize(
    ("options", "chunks"),
    [({}, 1), ({"chunk_count": 2}, 2), ({"chunk_count": 50}, 50), ({"chunk_size": 10}, None)],
)
async def test_update_and_delete_in_chunks(
    gateway: LocalGateway, peer: Peer, options: Any, chunks: int | None
) -> None:
    ack = (await peer.call(channel_message_send=send_message(gateway, "old"))).channel_message_ack
    await peer.read()
    for name, value in options.items():
        setattr(gateway, name, value)
    update = rt.ChannelMessageUpdate(
        channel_id=ack.channel_id, message_id=ack.message_id, content='{"t": "new text of some length"}'
    )
    code, body, count = await peer.raw_call("UpdateChannelMessage", update)
    assert code == 0
    assert rt.ChannelMessageUpdate.FromString(body) == update
    assert count == (chunks or -(-len(body) // 10))
    event = (await peer.read()).channel_message
    assert (event.code, event.message_id, event.content) == (1, ack.message_id, update.content)
    sent = await gateway.next_sent("UpdateChannelMessage")
    assert sent.text == "new text of some length"
    remove = rt.ChannelMessageRemove(channel_id=ack.channel_id, message_id=ack.message_id)
    code, body, _ = await peer.raw_call("DeleteChannelMessage", remove)
    assert (code, rt.ChannelMessageRemove.FromString(body)) == (0, remove)
    assert (await peer.read()).channel_message.code == 2
    assert gateway.world.messages("general") == []
    code, body, _ = await peer.raw_call("DeleteChannelMessage", remove)
    assert code == 5
    assert b"no such message" in body


async def test_other_apis_over_the_socket(gateway: LocalGateway, peer: Peer) -> None:
    code, body, _ = await peer.raw_call("ListClanDescs", api_pb2.ListClanDescRequest())
    assert code == 0
    assert api_pb2.ClanDescList.FromString(body).clandesc[0].clan_name == "Playground"
    code, _, _ = await peer.raw_call("MakeCoffee", api_pb2.ListClanDescRequest())
    assert code == 12


async def test_a_message_of_others_cannot_be_changed(gateway: LocalGateway, peer: Peer) -> None:
    message_id = await gateway.say("general", "alice", "mine")
    await peer.read()
    update = rt.ChannelMessageUpdate(channel_id=gateway.world.channel("general").id, message_id=message_id)
    code, _, _ = await peer.raw_call("UpdateChannelMessage", update)
    assert code == 3


async def test_apps_show_as_edited_what_was_edited(gateway: LocalGateway, peer: Peer) -> None:
    """Apps show "edited" where ``hide_editted`` is false: the server sets it until the first edit."""
    said = await gateway.say("general", "alice", "by a user")
    assert (await peer.read()).channel_message.hide_editted
    ack = (await peer.call(channel_message_send=send_message(gateway, "by the bot"))).channel_message_ack
    assert (await peer.read()).channel_message.hide_editted
    await gateway.edit(said, "changed")
    assert not (await peer.read()).channel_message.hide_editted
    for hidden in (True, False):
        update = rt.ChannelMessageUpdate(
            channel_id=ack.channel_id, message_id=ack.message_id, content="{}", hide_editted=hidden
        )
        await peer.raw_call("UpdateChannelMessage", update)
        assert (await peer.read()).channel_message.hide_editted is hidden


async def test_say_with_everything(gateway: LocalGateway, peer: Peer) -> None:
    first = await gateway.say("general", "bob", {"t": "hello", "embed": [{"title": "x"}]})
    second = await gateway.say(
        "general",
        "alice",
        "🎉 @chi look",
        mentions=["chi"],
        reply_to=first,
        attachments=["https://x.example/a.png", {"filename": "b", "url": "https://x.example/b", "size": 3}],
    )
    assert second > first
    one, two = (await peer.read()).channel_message, (await peer.read()).channel_message
    assert json.loads(one.content) == {"t": "hello", "embed": [{"title": "x"}]}
    (mention,) = api_pb2.MessageMentionList.FromString(two.mentions).mentions
    assert (mention.username, mention.s, mention.e) == ("chi", 3, 7)
    (ref,) = api_pb2.MessageRefList.FromString(two.references).refs
    assert (ref.message_ref_id, ref.message_sender_username, ref.content) == (first, "bob", one.content)
    attachments = api_pb2.MessageAttachmentList.FromString(two.attachments).attachments
    assert [a.filename for a in attachments] == ["a.png", "b"]
    assert (two.channel_label, two.category_name, two.is_public) == ("general", "TEXT CHANNELS", True)
    with pytest.raises(LookupError, match="nobody"):
        await gateway.say("general", "nobody", "x")


async def test_what_users_do(gateway: LocalGateway, peer: Peer) -> None:
    message_id = await gateway.say_dm("alice", "hi")
    message = (await peer.read()).channel_message
    assert (message.mode, message.clan_id, message.is_public) == (4, 0, False)
    await gateway.edit(message_id, "ho")
    edited = (await peer.read()).channel_message
    assert (edited.code, json.loads(edited.content)) == (1, {"t": "ho"})
    await gateway.react(message_id, "bob", "👍")
    assert (await peer.read()).message_reaction_event.sender_name == "bob"
    await gateway.typing("general", "bob")
    assert (await peer.read()).message_typing_event.sender_username == "bob"
    with pytest.raises(LookupError, match="the message is by 'alice'"):
        await gateway.click(message_id, "bob", "ok")
    await gateway.remove(message_id)
    assert (await peer.read()).channel_message.code == 2
    message_id = await gateway.say("general", gateway.world.bot, "click")
    await peer.read()
    await gateway.click(message_id, "bob", "ok", extra_data="{}")
    assert (await peer.read()).message_button_clicked.button_id == "ok"
    await gateway.select(message_id, "bob", "box", ["a", "b"], dropdown=True)
    assert list((await peer.read()).dropdown_box_selected.values) == ["a", "b"]


async def test_push(gateway: LocalGateway, peer: Peer) -> None:
    assert await gateway.push(rt.Envelope(cid=9, pong=rt.Pong())) == 1
    assert (await peer.read()).cid == 9
    await gateway.push(voice_started_event=rt.VoiceStartedEvent(clan_id=3))
    assert (await peer.read()).voice_started_event.clan_id == 3
    gateway.wire.pushes = "websocket"  # abridged frames carry envelopes only: their padding cannot be told
    await gateway.push_raw(b"\xff\x00")
    assert await peer.read_bytes() == b"\xff\x00"
    await gateway.push_raw(bytes(range(256)) * 400, fragments=7)
    assert await peer.read_bytes() == bytes(range(256)) * 400
    await gateway.push_text("chào")
    assert await peer.read_text() == "chào"
    with pytest.raises(TypeError):
        await gateway.push()
    await peer.close()
    await gateway.wait_disconnected()
    assert await gateway.push(pong=rt.Pong()) == 0


async def test_next_sent_passes_over_housekeeping_and_keeps_the_rest(
    gateway: LocalGateway, peer: Peer
) -> None:
    await peer.write(ping=rt.Ping())
    await peer.write(clan_join=rt.ClanJoin())
    await peer.write(channel_message_send=send_message(gateway, "a"))
    await peer.write(message_typing_event=rt.MessageTypingEvent())
    await peer.write(channel_message_send=send_message(gateway, "b"))
    assert (await gateway.next_sent("message_typing_event")).cid == 4
    assert (await gateway.next_sent()).text == "a"
    assert (await gateway.next_sent("channel_message_send", match=lambda s: s.text == "b")).cid == 5
    assert (await gateway.next_sent("ping")).cid == 1
    assert [s.kind for s in gateway.sent].count("channel_message_send") == 2
    with pytest.raises(TimeoutError, match="the bot's last envelopes: ping, clan_join"):
        await gateway.next_sent("channel_message_send", timeout=0.05)
    waiting = asyncio.create_task(gateway.next_sent())
    await asyncio.sleep(0)
    await peer.write(custom_status_event=rt.CustomStatusEvent())
    assert (await waiting).kind == "custom_status_event"


async def test_records_are_bounded(gateway_factory: Any, peer_type: type[Peer]) -> None:
    gateway = await gateway_factory(max_records=20)
    async with peer_type(gateway) as peer:
        await peer.connect()
        for _ in range(50):
            await peer.call(ping=rt.Ping())
        assert len(gateway.sent) <= 20
        assert gateway.sent[-1].cid == 50


async def test_two_bots_hear_each_other(gateway: LocalGateway, peer: Peer, peer_type: type[Peer]) -> None:
    gateway.add_bot(77, "other-key", "second")
    async with peer_type(gateway) as other:
        body = {"account": {"appid": "77", "token": "other-key"}}
        async with other.http.post(
            gateway.url + "/v2/apps/authenticate/token", data=json.dumps(body)
        ) as response:
            other.session = api_pb2.Session.FromString(await response.read())
        await other.connect()
        await gateway.wait_connected(2)
        await other.call(channel_message_send=send_message(gateway, "from the second"))
        assert (await peer.read()).channel_message.username == "second"


@pytest.mark.transports("websocket")
async def test_a_websocket_ping_is_answered(peer: Peer) -> None:
    await peer.socket.ping(b"x")
    # aiohttp swallows the pong itself: that the connection still answers is what shows.
    assert (await peer.call(ping=rt.Ping())).HasField("pong")


async def test_connect_without_token(gateway: LocalGateway) -> None:
    async with aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await http.ws_connect(f"{gateway.ws_url}/ws")
