"""Filters in the core: an event that no handler receives becomes no object, but reaches store and caches."""

from __future__ import annotations

import asyncio

from mezon import ChannelMessage, MezonClient, filters
from mezon.testing import LocalGateway
from small import logged_in
from waiting import until


async def filtered(client: MezonClient, count: int) -> None:
    """Wait until the core has dropped this many events, and has dispatched those it passed before."""
    await until(lambda: client.stats().filtered == count and not client.stats().queued)


async def test_unwanted_events_are_counted_and_each_handler_gets_its_own(gateway: LocalGateway) -> None:
    client = await logged_in(gateway)
    commands: list[str] = []
    greetings: list[str] = []
    client.on_channel_message(
        lambda message: commands.append(message.content["t"]), filter=filters.prefix("!")
    )

    @client.on_channel_message(filter=filters.contains("HELLO", ignore_case=True))
    async def greet(message: ChannelMessage) -> None:
        greetings.append(message.content["t"])

    for text in ("nothing", "!one", "say hello", "nothing at all", "!hello", "nothing"):
        await gateway.say("general", "alice", text)
    await until(lambda: len(commands) + len(greetings) == 4 and client.stats().filtered == 2)
    assert commands == ["!one", "!hello"]
    assert greetings == ["say hello", "!hello"]
    # The first message added a channel and a sender to the caches.
    assert client.users.get(gateway.world.user("alice").id) is not None
    await client.disconnect()


async def test_store_and_recent_messages_contain_dropped_events(gateway: LocalGateway) -> None:
    client = await logged_in(gateway)
    client.on_channel_message(lambda message: None, filter=filters.prefix("!"))
    for number in range(5):
        await gateway.say("general", "alice", f"number {number}")
    await filtered(client, 4)
    channel = client.channels.get(gateway.world.channel("general").id)
    assert channel is not None
    texts = [message.content["t"] for message in channel.messages.values()]
    assert texts == [f"number {number}" for number in range(5)]
    assert await client.message_db.get_message_count(channel.id) == 5
    await client.disconnect()


async def test_new_profiles_reach_the_cache(gateway: LocalGateway) -> None:
    client = await logged_in(gateway)
    client.on_channel_message(lambda message: None, filter=filters.prefix("!"))
    await gateway.say("general", "alice", "one")
    await gateway.say("general", "bob", "two")
    await gateway.say("general", "alice", "three")
    await filtered(client, 1)
    assert client.users.get(gateway.world.user("bob").id) is not None
    await client.disconnect()


async def test_filters_change_while_it_runs(gateway: LocalGateway) -> None:
    client = await logged_in(gateway)
    seen: list[str] = []

    def narrow(message: ChannelMessage) -> None:
        seen.append(f"narrow {message.content['t']}")

    def wide(message: ChannelMessage) -> None:
        seen.append(f"wide {message.content['t']}")

    client.on_channel_message(narrow, filter=filters.equals("a"))
    await gateway.say("general", "alice", "first")
    await gateway.say("general", "alice", "b")
    await filtered(client, 1)
    client.on_channel_message(wide)
    await gateway.say("general", "alice", "b")
    await until(lambda: seen == ["wide b"])
    client.off("channel_message", wide)
    waiter = client.wait_for("channel_message", lambda message: message.content["t"] == "c", 10)
    waiting = asyncio.ensure_future(waiter)
    await asyncio.sleep(0)
    await gateway.say("general", "alice", "c")
    assert (await waiting).content["t"] == "c"
    await gateway.say("general", "alice", "a")
    await until(lambda: seen[-1] == "narrow a")
    assert seen == ["wide b", "narrow a"]
    client.off("channel_message", narrow)
    await gateway.say("general", "alice", "a")
    await until(lambda: client.stats().events.get("channel_message") == 6 and not client.stats().queued)
    await client.disconnect()
    assert seen == ["wide b", "narrow a"]


async def test_batches_of_what_a_filter_matches(gateway: LocalGateway) -> None:
    client = await logged_in(gateway)
    lists: list[list[str]] = []
    client.on_batch(
        "channel_message",
        lambda messages: lists.append([message.content["t"] for message in messages]),
        max_size=2,
        max_wait=3600,
        filter=filters.prefix("!"),
    )
    for text in ("!1", "x", "!2", "x", "!3"):
        await gateway.say("general", "alice", text)
    await until(lambda: client.stats().events.get("channel_message") == 5 and not client.stats().queued)
    assert (lists, client.stats().filtered) == ([["!1", "!2"]], 2)
    await client.disconnect()
    assert lists == [["!1", "!2"], ["!3"]]


async def test_gap_filling_receives_every_message(gateway: LocalGateway) -> None:
    client = await logged_in(gateway, fill_gaps=True)
    seen: list[str] = []
    client.on_channel_message(lambda message: seen.append(message.content["t"]), filter=filters.prefix("!"))
    for text in ("x", "y", "!z"):
        await gateway.say("general", "alice", text)
    await until(lambda: seen == ["!z"])
    assert client.stats().filtered == 0
    await client.disconnect()


async def test_members_joining_and_leaving(gateway: LocalGateway) -> None:
    client = await logged_in(gateway)
    alice, general = gateway.world.user("alice"), gateway.world.channel("general")
    seen: list[str] = []

    @client.on_add_clan_user(filter=filters.user(alice.id))
    async def joined(event: object) -> None:
        seen.append("joined the clan")

    @client.on_user_clan_removed(filter=filters.user(alice.id))
    async def left(event: object) -> None:
        seen.append("left the clan")

    @client.on_user_channel_added(filter=filters.channel(general.id) & filters.user(alice.id))
    async def added(event: object) -> None:
        seen.append("joined the channel")

    @client.on_channel_user_removed(filter=filters.user(alice.id))
    async def removed(event: object) -> None:
        seen.append("left the channel")

    for who in ("bob", "alice"):
        await gateway.leave(who, general)
        await gateway.join(who, general)
        await gateway.leave(who)
        await gateway.join(who)
    await until(lambda: len(seen) == 4)
    assert seen == ["left the channel", "joined the channel", "left the clan", "joined the clan"]
    # The caches need the events of other users, whatever the handlers subscribe to.
    assert client.stats().filtered == 1
    await client.disconnect()
