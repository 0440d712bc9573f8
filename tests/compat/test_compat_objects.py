"""Channels, clans, users, messages (docs/contract.md, "Objects")."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from peer import Gateway, Inbox
from waiting import until


async def test_before_login(make_client: Callable[..., Any]) -> None:
    """Managers and token clients exist after construction, as None."""
    client = make_client()
    for name in (
        "api_client",
        "socket_manager",
        "session_manager",
        "channel_manager",
        "mmn_client",
        "zk_client",
    ):
        assert getattr(client, name) is None, name


@pytest.mark.parametrize("kind", [int, str])
async def test_client_id(make_client: Callable[..., Any], kind: Any) -> None:
    """client_id is an int, whatever it was given as."""
    client = make_client(client_id=kind("123"))
    assert client.client_id == 123


async def test_after_login(client: Any) -> None:
    """They are set at login; get_socket() and is_connected() tell the truth."""
    assert client.api_client is not None
    assert client.session_manager.get_session().token
    assert client.socket_manager.get_socket() is not None
    assert client.mmn_client is not None
    assert client.zk_client is not None
    assert await client.socket_manager.is_connected() is True


async def test_is_connected_after_a_loss(gateway: Gateway, client: Any) -> None:
    """is_connected() is False once the connection is gone."""
    await client.close_socket()
    assert await client.socket_manager.is_connected() is False


async def test_channels_get_is_memory_only(gateway: Gateway, client: Any) -> None:
    """channels.get looks into memory only."""
    before = len(await gateway.call("requests"))
    assert client.channels.get(await gateway.channel_id("general")) is None
    assert len(await gateway.call("requests")) == before


@pytest.mark.parametrize("kind", [int, str])
async def test_channels_fetch(gateway: Gateway, client: Any, kind: Any) -> None:
    """channels.fetch gets an unknown channel through ListChannelDetail; the id may be a digit string."""
    channel_id = await gateway.channel_id("general")
    channel = await client.channels.fetch(kind(channel_id))
    assert (channel.id, channel.name, channel.channel_type) == (channel_id, "general", 1)
    assert channel.clan is client.clans.get(await gateway.clan_id())
    assert await client.channels.fetch(channel_id) is channel
    assert client.channels.get(channel_id) is channel
    (request,) = await gateway.requests("ListChannelDetail")
    assert request["message"].channel_id == channel_id


async def test_channels_fetch_gets_the_clan(gateway: Gateway, client: Any) -> None:
    """channels.fetch finds the clan of a channel through ListClanDescs."""
    clan = await gateway.call("world.add_clan", "Late")
    room = await gateway.call("world.add_channel", "late", "Late")
    channel = await client.channels.fetch(room["id"])
    assert (channel.clan.id, channel.clan.name) == (clan["id"], "Late")


async def test_channels_fetch_of_none(client: Any) -> None:
    """channels.fetch raises a ValueError when the channel is unknown: an empty answer is unknown."""
    with pytest.raises(ValueError, match="12345"):
        await client.channels.fetch(12345)
    assert client.channels.get(12345) is None


async def test_channels_fetch_of_a_foreign_clan(gateway: Gateway, client: Any) -> None:
    """channels.fetch raises a ValueError when the clan is unknown."""
    await gateway.call("world.add_clan", "Foreign")
    room = await gateway.call("world.add_channel", "foreign", "Foreign")
    await gateway.call("http_status", "ListClanDescs", 200, times=None)
    with pytest.raises(ValueError, match="clan"):
        await client.channels.fetch(room["id"])


async def test_channels_fetch_is_single_flight(gateway: Gateway, client: Any) -> None:
    """Concurrent fetches of a channel share one call and get the same object."""
    channel_id = await gateway.channel_id("general")
    await gateway.call("http_delay", "ListChannelDetail", 0.1)
    channels = await asyncio.gather(*(client.channels.fetch(channel_id) for _ in range(10)))
    assert len({id(channel) for channel in channels}) == 1
    assert len(await gateway.requests("ListChannelDetail")) == 1


async def test_cancelling_one_waiter(gateway: Gateway, client: Any) -> None:
    """Cancelling one waiter of a fetch cancels only that one."""
    channel_id = await gateway.channel_id("general")
    await gateway.call("http_delay", "ListChannelDetail", 1)
    first, second = (asyncio.ensure_future(client.channels.fetch(channel_id)) for _ in range(2))
    await gateway.wait_requests("ListChannelDetail")
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert (await second).id == channel_id


async def test_a_failed_fetch_is_tried_anew(gateway: Gateway, client: Any) -> None:
    """A failed fetch is not remembered."""
    channel_id = await gateway.channel_id("general")
    await gateway.call("http_status", "ListChannelDetail", 400)
    with pytest.raises(Exception, match="400"):
        await client.channels.fetch(channel_id)
    assert (await client.channels.fetch(channel_id)).id == channel_id


async def test_failures_leave_no_log(gateway: Gateway, client: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Failures of a shared fetch leave no "never retrieved" log."""
    import gc

    with caplog.at_level(logging.DEBUG):
        await asyncio.gather(*(client.channels.fetch(12345) for _ in range(3)), return_exceptions=True)
        gc.collect()
        await asyncio.sleep(0)
    assert "never retrieved" not in caplog.text


async def test_clan_channels_fetch(gateway: Gateway, client: Any) -> None:
    """clan.channels.fetch delegates to client.channels.fetch."""
    channel_id = await gateway.channel_id("general")
    clan = client.clans.get(await gateway.clan_id())
    assert await clan.channels.fetch(channel_id) is await client.channels.fetch(channel_id)


async def test_load_channels(gateway: Gateway, client: Any) -> None:
    """clan.load_channels() gets the channels of a clan."""
    clan = client.clans.get(await gateway.clan_id())
    await clan.load_channels()
    assert clan.channels.get(await gateway.channel_id("random")).name == "random"


@pytest.mark.parametrize("kind", [int, str])
async def test_users_fetch(gateway: Gateway, client: Any, kind: Any) -> None:
    """users.fetch creates the DM and joins it; the id may be a digit string."""
    alice = await gateway.user_id("alice")
    user = await client.users.fetch(kind(alice))
    dm = await gateway.call("world.dm", "alice")
    assert (user.id, user.dm_channel_id) == (alice, dm["id"])
    join = (await gateway.next_sent("channel_join")).message
    assert (join.clan_id, join.channel_id, join.channel_type) == (0, dm["id"], 3)


async def test_users_fetch_of_none(client: Any) -> None:
    """users.fetch of a user that is none raises an error."""
    with pytest.raises(Exception, match="404"):
        await client.users.fetch(12345)
    assert client.users.get(12345) is None


async def test_send_dm_message(gateway: Gateway, client: Any) -> None:
    """user.send_dm_message opens the DM and sends to it with mode 4."""
    user = await client.users.fetch(await gateway.user_id("alice"))
    await user.send_dm_message({"t": "psst"})
    sent = await gateway.next_sent("channel_message_send")
    assert (sent.text, sent.message.mode, sent.message.clan_id) == ("psst", 4, 0)
    assert sent.message.channel_id == user.dm_channel_id


async def test_dm_users_are_known_after_login(gateway: Gateway, make_client: Callable[..., Any]) -> None:
    """Users the bot has a DM with are in the cache after login, with their dm_channel_id."""
    dm = await gateway.call("world.dm", "alice")
    client = make_client()
    await client.login()
    assert client.users.get(await gateway.user_id("alice")).dm_channel_id == dm["id"]


@pytest.mark.parametrize("content", ["text", {"t": "text"}], ids=["str", "dict"])
async def test_channel_send(gateway: Gateway, client: Any, content: Any) -> None:
    """channel.send takes a str or a dict; the ack names the message."""
    channel = await client.channels.fetch(await gateway.channel_id("general"))
    ack = await channel.send(content)
    sent = await gateway.next_sent("channel_message_send")
    assert sent.text == "text"
    assert (await gateway.call("world.message", ack.message_id)).channel_id == channel.id


async def test_a_sent_message_is_there_with_its_ack(gateway: Gateway, client: Any) -> None:
    """A message just sent by the bot is in channel.messages as soon as its ack is there."""
    await gateway.call("echo_own_messages=", False)
    channel = await client.channels.fetch(await gateway.channel_id("general"))
    ack = await channel.send({"t": "mine"})
    message = await channel.messages.fetch(ack.message_id)
    assert (message.id, message.content, message.sender_id) == (
        ack.message_id,
        {"t": "mine"},
        client.client_id,
    )


async def test_messages_fetch_from_memory(gateway: Gateway, client: Any) -> None:
    """channel.messages.fetch finds a message in memory; the id may be a digit string."""
    inbox = Inbox()
    client.on_channel_message(inbox)
    message_id = await gateway.say("general", "alice", "hi")
    received = await inbox.next()
    channel = await client.channels.fetch(received.channel_id)
    message = await channel.messages.fetch(message_id)
    assert message.content == {"t": "hi"}


async def test_messages_fetch_by_text(gateway: Gateway, client: Any) -> None:
    """Ids given as digit strings are accepted wherever an id is."""
    inbox = Inbox()
    client.on_channel_message(inbox)
    message_id = await gateway.say("general", "alice", "hi")
    channel_id = (await inbox.next()).channel_id
    channel = await client.channels.fetch(str(channel_id))
    message = await channel.messages.fetch(str(message_id))
    assert message.id == message_id
    assert client.users.get(str(message.sender_id)).username == "alice"
    assert client.clans.get(str(await gateway.clan_id())) is channel.clan
    await channel.send_ephemeral(str(message.sender_id), "secret", reference_message_id=str(message_id))
    sent = (await gateway.next_sent("ephemeral_message_send")).message
    assert list(sent.receiver_ids) == [message.sender_id]


async def test_messages_fetch_from_the_store(gateway: Gateway, client: Any) -> None:
    """channel.messages.fetch looks into the store when memory has lost a message."""
    inbox = Inbox()
    client.on_channel_message(inbox)
    message_id = await gateway.say("general", "alice", "hi", topic_id=9)
    channel_id = (await inbox.next()).channel_id
    channel = await client.channels.fetch(channel_id)
    channel.messages.delete(message_id)
    message = await channel.messages.fetch(message_id)
    assert (message.id, message.content, message.topic_id) == (message_id, {"t": "hi"}, 9)


async def test_messages_fetch_of_none(gateway: Gateway, client: Any) -> None:
    """channel.messages.fetch raises a ValueError when the message is nowhere."""
    channel = await client.channels.fetch(await gateway.channel_id("general"))
    with pytest.raises(ValueError, match="12345"):
        await channel.messages.fetch(12345)


async def met(gateway: Gateway, client: Any, **options: Any) -> Any:
    """A message of alice, as the bot has it."""
    inbox = Inbox()
    client.on_channel_message(inbox)
    message_id = await gateway.say("general", "alice", "hello", **options)
    received = await inbox.next()
    client.event_manager.off("channel_message", inbox)
    return await (await client.channels.fetch(received.channel_id)).messages.fetch(message_id)


async def test_reply(gateway: Gateway, client: Any) -> None:
    """Message.reply builds the reference: id, sender, shown name, content as JSON."""
    message = await met(gateway, client)
    ack = await message.reply({"t": "hello back"})
    sent = (await gateway.next_sent("channel_message_send")).message
    (reference,) = sent.references
    assert reference.message_ref_id == message.id
    assert reference.message_sender_id == message.sender_id
    assert reference.message_sender_username == "Alice"
    assert json.loads(reference.content) == {"t": "hello"}
    assert sent.channel_id == message.channel.id
    assert ack.message_id


async def test_reply_names_by_clan_nick(gateway: Gateway, client: Any) -> None:
    """The name in a reply's reference is clan_nick or display_name or username."""
    message = await met(gateway, client)
    client.users.get(message.sender_id).clan_nick = "Ali"
    await message.reply({"t": "hello back"})
    sent = (await gateway.next_sent("channel_message_send")).message
    assert sent.references[0].message_sender_username == "Ali"


async def test_reply_inherits_the_topic(gateway: Gateway, client: Any) -> None:
    """Message.reply inherits the topic."""
    message = await met(gateway, client, topic_id=99)
    await message.reply({"t": "in the topic"})
    assert (await gateway.next_sent("channel_message_send")).message.topic_id == 99


async def test_update(gateway: Gateway, client: Any) -> None:
    """Message.update sends UpdateChannelMessage and changes the object."""
    message = await own_message(gateway, client)
    await message.update({"t": "second"})
    sent = await gateway.next_sent("UpdateChannelMessage")
    assert (sent.message.message_id, sent.content["t"]) == (message.id, "second")
    assert message.content == {"t": "second"}
    assert json.loads((await gateway.call("world.message", message.id)).content)["t"] == "second"


async def own_message(gateway: Gateway, client: Any) -> Any:
    inbox = Inbox()
    client.on_channel_message(inbox)
    channel = await client.channels.fetch(await gateway.channel_id("general"))
    ack = await channel.send({"t": "first"})
    await inbox.next()
    client.event_manager.off("channel_message", inbox)
    return await channel.messages.fetch(ack.message_id)


async def test_update_with_text(gateway: Gateway, client: Any) -> None:
    """A plain str is taken as content of every send: send, reply, update, ephemeral, DM."""
    message = await own_message(gateway, client)
    await message.update("second")
    assert (await gateway.next_sent("UpdateChannelMessage")).text == "second"
    assert message.content == {"t": "second"}
    await message.reply("third")
    assert (
        await gateway.next_sent("channel_message_send", match=lambda s: s.text == "third")
    ).text == "third"
    user = await client.users.fetch(await gateway.user_id("alice"))
    await user.send_dm_message("fourth")
    assert (
        await gateway.next_sent("channel_message_send", match=lambda s: s.text == "fourth")
    ).text == "fourth"
    await message.channel.send_ephemeral(user.id, "fifth")
    assert (await gateway.next_sent("ephemeral_message_send")).text == "fifth"


async def test_react(gateway: Gateway, client: Any) -> None:
    """Message.react sends a reaction, and takes it back with action_delete."""
    message = await met(gateway, client)
    await message.react(emoji_id=3, emoji="smile", count=1)
    sent = (await gateway.next_sent("message_reaction_event")).message
    assert (sent.message_id, sent.emoji_id, sent.emoji, sent.count) == (message.id, 3, "smile", 1)
    assert (sent.message_sender_id, sent.action) == (message.sender_id, False)
    await message.react(emoji_id=3, emoji="smile", count=1, action_delete=True)
    assert (await gateway.next_sent("message_reaction_event")).message.action is True


async def test_delete(gateway: Gateway, client: Any) -> None:
    """Message.delete sends DeleteChannelMessage and the message is gone."""
    message = await own_message(gateway, client)
    await message.delete()
    assert (await gateway.next_sent("DeleteChannelMessage")).message.message_id == message.id
    assert await gateway.call("world.message", message.id) is None


async def test_delete_forgets(gateway: Gateway, client: Any) -> None:
    """After Message.delete the message is in no cache."""
    message = await own_message(gateway, client)
    await message.delete()
    assert message.channel.messages.get(message.id) is None


async def test_send_ephemeral(gateway: Gateway, client: Any) -> None:
    """channel.send_ephemeral sends to the receivers alone."""
    channel = await client.channels.fetch(await gateway.channel_id("general"))
    alice, bob = await gateway.user_id("alice"), await gateway.user_id("bob")
    await channel.send_ephemeral([alice, bob], {"t": "secret"})
    sent = await gateway.next_sent("ephemeral_message_send")
    assert (sent.text, list(sent.message.receiver_ids)) == ("secret", [alice, bob])
    assert sent.message.message.channel_id == channel.id


async def test_send_ephemeral_with_a_reference(gateway: Gateway, client: Any) -> None:
    """send_ephemeral(reference_message_id=...) works."""
    message = await met(gateway, client)
    await message.channel.send_ephemeral(
        [message.sender_id], {"t": "secret"}, reference_message_id=message.id
    )
    sent = (await gateway.next_sent("ephemeral_message_send")).message
    assert [reference.message_ref_id for reference in sent.message.references] == [message.id]


async def test_update_role(gateway: Gateway, client: Any) -> None:
    """Clan.update_role works, sets only the given keys, and returns True."""
    role = await gateway.call("world.add_role", "mod", color="red")
    clan = client.clans.get(await gateway.clan_id())
    assert await clan.update_role(role["id"], {"title": "admin"}) is True
    changed = await gateway.call("world.roles", role["id"])
    assert (changed["title"], changed["color"]) == ("admin", "red")


async def test_list_roles(gateway: Gateway, client: Any) -> None:
    """list_roles loses no field."""
    role = await gateway.call("world.add_role", "mod", color="red", users=["alice"])
    clan = client.clans.get(await gateway.clan_id())
    (found,) = (await clan.list_roles()).roles.roles
    assert (found.id, found.title, found.color, found.slug) == (role["id"], "mod", "red", "mod")
    assert [user.id for user in found.role_user_list.role_users] == [await gateway.user_id("alice")]


async def test_list_channel_voice_users(gateway: Gateway, client: Any) -> None:
    """list_channel_voice_users loses no field."""
    room = await gateway.call("world.add_voice_channel", "voice", users=["alice", "bob"])
    clan = client.clans.get(await gateway.clan_id())
    (found,) = (await clan.list_channel_voice_users()).voice_channel_users
    assert (found.channel_id, found.room_name) == (room["id"], room["meeting_code"])
    assert [int(user) for user in found.user_ids] == room["voice_user_ids"]


@pytest.mark.parametrize("limit", [0, 501, -1])
async def test_voice_users_limit(gateway: Gateway, client: Any, limit: int) -> None:
    """list_channel_voice_users takes a limit of 1 to 500, else a ValueError."""
    clan = client.clans.get(await gateway.clan_id())
    with pytest.raises(ValueError, match="limit"):
        await clan.list_channel_voice_users(limit=limit)


async def test_quick_menus(gateway: Gateway, client: Any) -> None:
    """list_quick_menu_access answers an object with list_menus; entries can be added and deleted."""
    channel, clan = await gateway.channel_id("general"), await gateway.clan_id()
    await client.add_quick_menu_access(channel, clan, 1, "/ping", "bg", "Ping")
    answer = await client.list_quick_menu_access(channel_id=channel)
    (menu,) = answer.list_menus
    assert (menu.menu_name, menu.action_msg, menu.background) == ("Ping", "/ping", "bg")
    assert int(menu.bot_id) == client.client_id
    await client.delete_quick_menu_access(menu_name="Ping")
    assert not (await client.list_quick_menu_access(channel_id=channel)).list_menus


@pytest.mark.parametrize(("size", "known"), [(None, 200), (3, 3), (0, 0)])
async def test_messages_per_channel(
    gateway: Gateway, make_client: Callable[..., Any], size: int | None, known: int
) -> None:
    """200 messages a channel are kept, least recently used first out; the size is configurable, 0 turns it off."""
    client = make_client() if size is None else make_client(messages_per_channel=size)
    inbox = Inbox()
    client.on_channel_message(inbox)
    await client.login()
    ids = [await gateway.say("general", "alice", str(number)) for number in range(known + 2)]
    for _ in ids:
        message = await inbox.next()
    messages = client.channels.get(message.channel_id).messages
    assert messages.size == known
    assert [messages.get(i) is not None for i in ids] == [False, False, *[True] * known]


async def test_cache_size_zero(gateway: Gateway, make_client: Callable[..., Any]) -> None:
    """With cache_size=0 nothing is cached and everything works all the same."""
    client = make_client(cache_size=0)
    inbox = Inbox()
    client.on_channel_message(inbox)
    await client.login()
    await gateway.say("general", "alice", "hi")
    message = await inbox.next()
    assert len(client.channels) == len(client.users) == 0
    channel = await client.channels.fetch(message.channel_id)
    await channel.send("hello")
    assert (await gateway.next_sent("channel_message_send")).text == "hello"


async def test_identity_over_a_reconnect(gateway: Gateway, client: Any) -> None:
    """Objects keep their identity over a reconnect."""
    inbox = Inbox()
    client.on_channel_message(inbox)
    channel = await client.channels.fetch(await gateway.channel_id("general"))
    clan = channel.clan
    await gateway.call("drop")
    await gateway.call("wait_joined", timeout=15)
    await gateway.say("general", "alice", "back")
    await inbox.next()
    assert client.channels.get(channel.id) is channel
    assert client.clans.get(clan.id) is clan
    await until(client.socket_manager.is_connected, timeout=15)
    await channel.send({"t": "through the new one"})
    assert (await gateway.next_sent("channel_message_send")).text == "through the new one"


async def test_code_3_joins_and_sends_once_more(gateway: Gateway, client: Any) -> None:
    """Code 3: the channel is joined and the message sent once more."""
    channel = await client.channels.fetch(await gateway.channel_id("general"))
    await gateway.call("answer_with_error", "channel_message_send", 3, "bad input")
    ack = await channel.send({"t": "hi"})
    assert ack.message_id
    kinds = [sent.kind for sent in gateway.sent if sent.kind in ("channel_message_send", "channel_join")]
    assert kinds == ["channel_message_send", "channel_join", "channel_message_send"]


async def test_must_join(make_gateway: Any, make_client: Callable[..., Any]) -> None:
    """ "Must join channel before sending messages": the channel is joined and the message sent once more."""
    gateway = await make_gateway(require_join=True)
    client = make_client(**{key: gateway.info[key] for key in ("host", "port", "client_id", "api_key")})
    await client.login()
    channel = await client.channels.fetch(await gateway.channel_id("general"))
    await channel.send({"t": "hi"})
    assert (await gateway.next_sent("channel_join")).message.channel_id == channel.id
    await channel.send_ephemeral([await gateway.user_id("alice")], {"t": "psst"})
    assert (await gateway.next_sent("ephemeral_message_send")).text == "psst"


async def test_code_3_twice(gateway: Gateway, client: Any) -> None:
    """A second refusal is the caller's: nothing is sent a third time."""
    channel = await client.channels.fetch(await gateway.channel_id("general"))
    await gateway.call("answer_with_error", "channel_message_send", 3, "bad input", times=None)
    with pytest.raises(Exception, match="bad input"):
        await channel.send({"t": "hi"})
    assert [sent.kind for sent in gateway.sent].count("channel_message_send") == 2


async def test_play_media(gateway: Gateway, client: Any) -> None:
    """play_media works, as TextChannel.play_media: it posts the room, the bot and the URL."""
    room = await gateway.call("world.add_voice_channel", "voice")
    channel = await client.channels.fetch(room["id"])
    client.api_client.playmedia_url = gateway.info["url"] + "/api/playmedia"
    await channel.play_media("https://x.example/a.mp3", name="song")
    (request,) = await gateway.requests("/api/playmedia")
    assert request["message"] == {
        "room_name": room["meeting_code"],
        "participant_identity": str(client.client_id),
        "participant_name": "",
        "url": "https://x.example/a.mp3",
        "name": "song",
    }


async def test_play_media_without_a_room(gateway: Gateway, client: Any) -> None:
    """TextChannel.play_media in a channel without a voice room raises a ValueError."""
    channel = await client.channels.fetch(await gateway.channel_id("general"))
    with pytest.raises(ValueError, match="voice room"):
        await channel.play_media("https://x.example/a.mp3")


STUBS = {
    "hashtag_dm_list": (["1"], 10),
    "get_notification_react_message": (1,),
}
#: Call -> arguments, and the API it goes to.
APIS = {
    "list_clan_emoji_by_clan_id": (("1",), "GetListEmojisByUserId"),
    "list_clan_stickers_by_clan_id": (("1",), "GetListStickersByUserId"),
    "list_channel_by_user_id": ((), "ListChannelByUserId"),
    "get_notification_channel_setting": ((1,), "GetNotificationChannel"),
    "get_notification_category_setting": ((1,), "GetNotificationCategory"),
    "get_notification_clan_setting": ((1,), "GetNotificationClan"),
}


@pytest.mark.parametrize("name", sorted(STUBS))
async def test_stubs_raise(client: Any, name: str) -> None:
    """What is an empty stub in the reference and has no API raises NotImplementedError with a sentence."""
    with pytest.raises(NotImplementedError, match=name):
        await getattr(client.socket_manager.get_socket(), name)(*STUBS[name])


@pytest.mark.parametrize("name", sorted(APIS))
async def test_stubs_that_work(gateway: Gateway, client: Any, name: str) -> None:
    """What is an empty stub in the reference and has an API calls it, and raises what it answers."""
    arguments, api = APIS[name]
    await gateway.call("answer_with_error", "api_request_event", 5)
    with pytest.raises(Exception, match=api):
        await getattr(client.socket_manager.get_socket(), name)(*arguments)
    assert [sent.api_name for sent in gateway.sent if sent.api_name] == [api]
