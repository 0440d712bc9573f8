"""``message.mentions_me``, and the names of users that messages, lists of members or the server provide."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from mezon import ChannelMessage, MezonClient, MezonError
from mezon.ext.commands import Bot, Click
from mezon.ext.components import Button
from mezon.testing import LocalGateway


@pytest.fixture
async def heard() -> asyncio.Queue[Any]:
    return asyncio.Queue()


async def test_mentions_me(gateway: LocalGateway, heard: asyncio.Queue[Any]) -> None:
    client = MezonClient(**gateway.client_options())
    client.on_channel_message(lambda message: heard.put_nowait(message.mentions_me))
    await client.login()
    try:
        await gateway.wait_joined()
        await gateway.say("general", "alice", "hi @echo", mentions=["echo"])
        await gateway.say("general", "alice", "hi @bob", mentions=["bob"])
        await gateway.say("general", "alice", "hi")
        assert [await heard.get() for _ in range(3)] == [True, False, False]
    finally:
        await client.disconnect()
    with pytest.raises(MezonError, match="belongs to no client"):
        _ = ChannelMessage(message_id=1, clan_id=1, channel_id=1, sender_id=1).mentions_me


async def test_a_fetched_user_has_the_names_of_the_server(gateway: LocalGateway) -> None:
    silent = gateway.world.add_user("silent", display_name="Silent Sam", avatar_url="https://x/a.png")
    client = MezonClient(**gateway.client_options())
    await client.login()
    user = await client.users.fetch(silent.id)
    assert (user.username, user.display_name, user.avatar) == ("silent", "Silent Sam", "https://x/a.png")
    assert user.dm_channel_id
    await client.disconnect()


async def test_the_users_of_listed_dms_have_names(gateway: LocalGateway) -> None:
    silent = gateway.world.add_user("silent", display_name="Silent Sam")
    dm = gateway.world.dm(silent)
    client = MezonClient(**gateway.client_options())
    await client.login()
    user = await client.users.fetch(silent.id)
    assert (user.shown_name, user.dm_channel_id) == ("Silent Sam", dm.id)
    await client.disconnect()


async def test_members_that_were_listed_have_names(gateway: LocalGateway) -> None:
    client = MezonClient(**gateway.client_options(), cache_size=3)
    await client.login()
    clan = await client.clans.fetch(gateway.world.clan().id)
    before = client.users.size
    await clan.members()
    # A list evicts nobody from the cache.
    assert before < client.users.size <= 3
    known = {user.username for user in client.users.values()}
    assert len(known & {"echo", "alice", "bob", "chi"}) >= 2
    await client.disconnect()


async def test_the_author_of_a_click(gateway: LocalGateway, heard: asyncio.Queue[Any]) -> None:
    bot = Bot(**gateway.client_options())
    bot.on("message_button_clicked", lambda event: heard.put_nowait(event.author.shown_name))

    @bot.button("go")
    async def go(click: Click) -> None:
        before = click.author.shown_name
        await click.fetch_user()
        await heard.put((click.author.id == click.user_id, before, click.author.shown_name))

    await bot.login()
    channel = await bot.channels.fetch(gateway.world.channel("general").id)
    sent = await channel.send(bot.body("Go?", [Button("Go", id="go")]))
    # Chi has never written: the name comes with the lookup.
    await gateway.click(sent.message_id, "chi", "go")
    assert await heard.get() == ""
    assert await heard.get() == (True, "", "Chi Nguyễn")
    # Alice is known from a list of members.
    await channel.clan.members()
    await gateway.click(sent.message_id, "alice", "go")
    name = gateway.world.user("alice").display_name
    assert await heard.get() == name
    assert await heard.get() == (True, name, name)
    await bot.disconnect()
