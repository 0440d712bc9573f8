"""The default effects, row by row, and the caches they feed (docs/contract.md, "Default effects")."""

from __future__ import annotations

from typing import Any

import pytest
from mezon.protobuf.api import api_pb2
from mezon.protobuf.rtapi import realtime_pb2
from peer import Gateway, Inbox
from waiting import until


async def event(gateway: Gateway, client: Any, name: str, look: Any, **fields: Any) -> Any:
    """Pushes an event; gives what ``look(event)`` saw in a handler of it."""
    inbox = Inbox()
    client.on(name, lambda received: inbox(look(received)))
    await gateway.push(**{name: fields})
    return await inbox.next()


async def say(gateway: Gateway, client: Any, **fields: Any) -> Any:
    """A message of alice in general, with these fields; what a handler got."""
    inbox = Inbox()
    client.on_channel_message(inbox)
    fields = {
        "message_id": 77,
        "channel_id": await gateway.channel_id("general"),
        "clan_id": await gateway.clan_id(),
        "sender_id": await gateway.user_id("alice"),
        "content": '{"t":"hi"}',
        "mode": 2,
        "is_public": True,
        **fields,
    }
    await gateway.push(channel_message=api_pb2.ChannelMessage(**fields))
    received = await inbox.next()
    client.event_manager.off("channel_message", inbox)
    return received


async def test_message_is_stored(gateway: Gateway, client: Any) -> None:
    """channel_message: it is saved to the store before the handlers start."""
    inbox = Inbox()

    async def handler(message: Any) -> None:
        inbox(await client.message_db.get_message_by_id(message.message_id, message.channel_id))

    client.on_channel_message(handler)
    message_id = await gateway.say("general", "alice", "hi")
    stored = await inbox.next()
    assert (stored.message_id, stored.content) == (message_id, {"t": "hi"})


async def test_message_is_cached(gateway: Gateway, client: Any) -> None:
    """channel_message: TextChannel, Message and sender User are cached."""
    message = await say(gateway, client, username="alice", display_name="Alice", clan_nick="Ali", avatar="a")
    channel = client.channels.get(message.channel_id)
    assert channel.clan.id == message.clan_id
    cached = channel.messages.get(message.message_id)
    assert (cached.id, cached.sender_id, cached.content) == (77, message.sender_id, {"t": "hi"})
    user = client.users.get(message.sender_id)
    assert (user.username, user.display_name, user.clan_nick, user.avatar) == ("alice", "Alice", "Ali", "a")


async def test_users_are_merged(gateway: Gateway, client: Any) -> None:
    """channel_message: users are merged; non-empty fields win and the object stays the same."""
    await say(gateway, client, username="alice", display_name="Alice", clan_nick="Ali")
    user = client.users.get(await gateway.user_id("alice"))
    await say(gateway, client, message_id=78, username="alice2", display_name="", clan_nick="")
    assert client.users.get(user.id) is user
    assert (user.username, user.display_name, user.clan_nick) == ("alice2", "Alice", "Ali")


async def test_dm_channel_id_is_kept(gateway: Gateway, client: Any) -> None:
    """channel_message: the dm_channel_id of a known user is kept."""
    alice = await gateway.user_id("alice")
    user = await client.users.fetch(alice)
    dm = user.dm_channel_id
    assert dm
    await say(gateway, client, username="alice")
    assert client.users.get(alice).dm_channel_id == dm
    assert client.users.get(alice).username == "alice"


CHANNEL = {"channel_id": 4242, "channel_label": "new", "channel_private": 1, "parent_id": 0}


@pytest.mark.parametrize("name", ["channel_created_event", "channel_updated_event"])
async def test_channel_events(gateway: Gateway, client: Any, name: str) -> None:
    """channel_created and channel_updated: the TextChannel is in client.channels and clan.channels."""
    clan = client.clans.get(await gateway.clan_id())

    def look(received: Any) -> Any:
        return client.channels.get(4242), clan.channels.get(4242)

    here, there = await event(
        gateway, client, name, look, clan_id=clan.id, channel_type=1, category_id=9, **CHANNEL
    )
    assert here is not None
    assert there is not None
    assert (here.id, here.name, here.is_private, here.clan) == (4242, "new", True, clan)


async def test_channel_updated_keeps_the_object(gateway: Gateway, client: Any) -> None:
    """Objects keep their identity over channel_updated: they are updated in place."""
    channel = await client.channels.fetch(await gateway.channel_id("general"))
    seen = await event(
        gateway,
        client,
        "channel_updated_event",
        lambda _: client.channels.get(channel.id),
        clan_id=channel.clan.id,
        channel_id=channel.id,
        channel_label="renamed",
        channel_type=1,
    )
    assert seen is channel
    assert channel.name == "renamed"


async def test_active_threads_are_joined(gateway: Gateway, client: Any) -> None:
    """channel_updated with type 7 and status 1: channel_join(is_public=False)."""
    clan = await gateway.clan_id()
    await event(
        gateway,
        client,
        "channel_updated_event",
        lambda _: None,
        clan_id=clan,
        channel_id=55,
        channel_type=7,
        status=1,
    )
    join = (await gateway.next_sent("channel_join")).message
    assert (join.clan_id, join.channel_id, join.channel_type, join.is_public) == (clan, 55, 7, False)


async def test_other_channels_are_not_joined(gateway: Gateway, client: Any) -> None:
    """channel_updated without type 7 and status 1 joins nothing."""
    await event(
        gateway,
        client,
        "channel_updated_event",
        lambda _: None,
        clan_id=await gateway.clan_id(),
        channel_id=55,
    )
    channel = await client.channels.fetch(await gateway.channel_id("general"))
    await channel.send({"t": "after"})
    assert [sent.kind for sent in gateway.sent if sent.kind == "channel_join"] == []


async def test_channel_deleted(gateway: Gateway, client: Any) -> None:
    """channel_deleted: it is removed from both caches."""
    await say(gateway, client)
    channel = client.channels.get(await gateway.channel_id("general"))
    clan = channel.clan
    seen = await event(
        gateway,
        client,
        "channel_deleted_event",
        lambda _: (client.channels.get(channel.id), clan.channels.get(channel.id)),
        clan_id=clan.id,
        channel_id=channel.id,
    )
    assert seen == (None, None)


async def test_users_of_a_clan_are_dropped(gateway: Gateway, client: Any) -> None:
    """user_clan_removed: the users are dropped."""
    message = await say(gateway, client)
    assert client.users.get(message.sender_id) is not None
    seen = await event(
        gateway,
        client,
        "user_clan_removed_event",
        lambda _: client.users.get(message.sender_id),
        clan_id=message.clan_id,
        user_ids=[message.sender_id],
    )
    assert seen is None


@pytest.mark.parametrize("private", [0, 1])
async def test_the_bot_is_added_to_a_channel(gateway: Gateway, client: Any, private: int) -> None:
    """user_channel_added with the bot's id: channel_join(is_public = not channel_private)."""
    await event(
        gateway,
        client,
        "user_channel_added_event",
        lambda _: None,
        clan_id=5,
        channel_desc=api_pb2.ChannelDescription(channel_id=66, channel_private=private, clan_id=5),
        users=[realtime_pb2.UserProfileRedis(user_id=client.client_id)],
    )
    join = (await gateway.next_sent("channel_join")).message
    assert (join.clan_id, join.channel_id, join.is_public) == (5, 66, not private)


async def test_somebody_else_is_added_to_a_channel(gateway: Gateway, client: Any) -> None:
    """user_channel_added with another id joins nothing."""
    await event(
        gateway,
        client,
        "user_channel_added_event",
        lambda _: None,
        clan_id=5,
        channel_desc=api_pb2.ChannelDescription(channel_id=66, clan_id=5),
        users=[realtime_pb2.UserProfileRedis(user_id=1)],
    )
    channel = await client.channels.fetch(await gateway.channel_id("general"))
    await channel.send({"t": "after"})
    assert [sent.kind for sent in gateway.sent if sent.kind == "channel_join"] == []


async def test_the_bot_is_added_to_a_clan(gateway: Gateway, client: Any) -> None:
    """add_clan_user with the bot's id: clan_join, a Clan, its channels loaded."""
    clan = await gateway.call("world.add_clan", "Late")
    room = await gateway.call("world.add_channel", "late", "Late")
    await event(
        gateway,
        client,
        "add_clan_user_event",
        lambda _: None,
        clan_id=clan["id"],
        user=realtime_pb2.UserProfileRedis(user_id=client.client_id),
    )
    await gateway.next_sent("clan_join", match=lambda sent: sent.message.clan_id == clan["id"])
    await until(lambda: client.clans.get(clan["id"]) is not None)
    await until(lambda: client.clans.get(clan["id"]).channels.get(room["id"]) is not None)
    await until(lambda: client.channels.get(room["id"]) is not None)


async def test_somebody_else_is_added_to_a_clan(gateway: Gateway, client: Any) -> None:
    """add_clan_user with another id: the User is cached."""
    user = await event(
        gateway,
        client,
        "add_clan_user_event",
        lambda _: client.users.get(777),
        clan_id=await gateway.clan_id(),
        user=realtime_pb2.UserProfileRedis(user_id=777, username="dora", display_name="Dora", avatar="d"),
    )
    assert (user.id, user.username, user.display_name, user.avatar) == (777, "dora", "Dora", "d")


async def test_tokens_the_bot_sent(gateway: Gateway, client: Any) -> None:
    """token_sent by the bot: a DM to the receiver, `Funds Transferred: 1,500₫ | note`, with code 11."""
    alice = await gateway.user_id("alice")
    await gateway.push(
        token_sent_event=api_pb2.TokenSentEvent(
            sender_id=client.client_id, receiver_id=alice, amount=1500, note="thanks"
        )
    )
    sent = await gateway.next_sent("channel_message_send")
    assert sent.text == "Funds Transferred: 1,500₫ | thanks"
    assert sent.message.code == 11
    assert sent.message.mode == 4
    assert (await gateway.call("world.dm", "alice"))["id"] == sent.message.channel_id


async def test_tokens_of_others(gateway: Gateway, client: Any) -> None:
    """token_sent by somebody else: no DM."""
    await event(
        gateway,
        client,
        "token_sent_event",
        lambda _: None,
        sender_id=5,
        receiver_id=await gateway.user_id("alice"),
        amount=1500,
    )
    channel = await client.channels.fetch(await gateway.channel_id("general"))
    await channel.send({"t": "after"})
    assert (await gateway.next_sent("channel_message_send")).text == "after"


async def test_an_edit_is_followed(gateway: Gateway, client: Any) -> None:
    """An update of a message (code 1): cache and store follow, and the Message object stays the same."""
    inbox = Inbox()
    client.on_channel_message(inbox)
    message_id = await gateway.say("general", "alice", "first")
    channel_id = (await inbox.next()).channel_id
    message = client.channels.get(channel_id).messages.get(message_id)
    await gateway.call("edit", message_id, "second")
    assert (await inbox.next()).code == 1
    assert client.channels.get(channel_id).messages.get(message_id) is message
    assert message.content == {"t": "second"}
    stored = await client.message_db.get_message_by_id(message_id, channel_id)
    assert stored.content == {"t": "second"}


async def test_a_deletion_is_followed(gateway: Gateway, client: Any) -> None:
    """A delete of a message (code 2): cache and store follow."""
    inbox = Inbox()
    client.on_channel_message(inbox)
    message_id = await gateway.say("general", "alice", "first")
    channel_id = (await inbox.next()).channel_id
    await gateway.call("remove", message_id)
    assert (await inbox.next()).code == 2
    channel = client.channels.get(channel_id)
    assert channel.messages.get(message_id) is None
    assert await client.message_db.get_message_by_id(message_id, channel_id) is None
    with pytest.raises(ValueError, match=str(message_id)):
        await channel.messages.fetch(message_id)


async def test_a_failing_join_stops_nothing(gateway: Gateway, client: Any) -> None:
    """An effect whose call fails stops neither the handlers nor later events."""
    await gateway.call("answer_with_error", "channel_join", 4, "no")
    await event(
        gateway,
        client,
        "channel_updated_event",
        lambda _: None,
        clan_id=await gateway.clan_id(),
        channel_id=55,
        channel_type=7,
        status=1,
    )
    await gateway.next_sent("channel_join")
    assert (await say(gateway, client)).message_id == 77


async def test_joins_do_not_hold_handlers(gateway: Gateway, client: Any) -> None:
    """Joins run beside: a join that hangs does not hold the handlers of its event."""
    await gateway.call("silence", "channel_join")
    await event(
        gateway,
        client,
        "channel_updated_event",
        lambda _: None,
        clan_id=await gateway.clan_id(),
        channel_id=55,
        channel_type=7,
        status=1,
    )
