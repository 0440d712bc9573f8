"""A clan's cache of channels: its bound, and the list that the server returns on demand."""

from __future__ import annotations

import pytest
from client_types import Connect
from mezon import MezonClient
from mezon._events import default_effects
from mezon.errors import MezonError
from mezon.models import ChannelMessage
from mezon.testing import LocalGateway
from waiting import until

LIST = "ListChannelDescs"
WARNING = "listing the channels of clan"


@pytest.fixture
def heard() -> list[ChannelMessage]:
    return []


async def say(gateway: LocalGateway, heard: list[ChannelMessage], channel: str) -> None:
    before = len(heard)
    await gateway.say(channel, "alice", "hello")
    await until(lambda: len(heard) > before, "the message")


async def test_the_clan_of_direct_messages_keeps_the_last_ones(
    gateway: LocalGateway, connect: Connect, heard: list[ChannelMessage]
) -> None:
    client = await connect(heard.append, cache_size=10)
    users = [gateway.world.add_user(f"user {number}") for number in range(30)]
    for user in users:
        await gateway.say_dm(user, "hello")
    await until(lambda: len(heard) == len(users), "all messages")
    clan = await client.clans.fetch(0)
    assert list(clan.channels.cache) == [message.channel_id for message in heard[-10:]]
    assert list(client.channels.cache) == list(clan.channels.cache)
    # The others are fetched on demand.
    first = await clan.channels.fetch(heard[0].channel_id)
    assert first is client.channels.get(first.id)
    assert clan.channels.size == 10


async def test_threads_of_a_clan_have_the_same_bound(
    gateway: LocalGateway, connect: Connect, heard: list[ChannelMessage]
) -> None:
    client = await connect(heard.append, cache_size=5)
    clan = await client.clans.fetch(gateway.world.channel("general").clan_id)
    await clan.load_channels()
    listed = clan.channels.size
    for number in range(12):
        gateway.world.add_thread(f"thread {number}", "general")
        await gateway.say(f"thread {number}", "alice", "hello")
    await until(lambda: len(heard) == 12, "all messages")
    assert clan.channels.size == max(5, listed)


@pytest.mark.parametrize("size", [0, 3])
async def test_a_requested_list_is_cached_completely(
    gateway: LocalGateway, connect: Connect, size: int
) -> None:
    client = await connect(cache_size=size)
    names = [f"channel {number}" for number in range(20)]
    for name in names:
        gateway.world.add_channel(name)
    clan = await client.clans.fetch(gateway.world.channel("general").clan_id)
    await clan.load_channels()
    assert set(names) <= {channel.name for channel in clan.channels.values()}
    assert (await clan.channel("channel 0")).id == gateway.world.channel("channel 0").id
    assert client.channels.size == size


async def failed(gateway: LocalGateway, client: MezonClient, heard: list[ChannelMessage]) -> None:
    """Send the first message of a clan, and let the server refuse the clan's list of channels."""
    gateway.http_status(LIST, 400, times=None)
    asked = len([request for request in gateway.requests if request.name == LIST])
    await say(gateway, heard, "general")
    await until(lambda: len([r for r in gateway.requests if r.name == LIST]) > asked, "the list")


async def test_a_failed_list_is_requested_again(
    gateway: LocalGateway,
    connect: Connect,
    heard: list[ChannelMessage],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(default_effects, "_RELIST_DELAY", 0.0)
    client = await connect(heard.append)
    gateway.world.add_channel("quiet")
    await failed(gateway, client, heard)
    await until(lambda: WARNING in caplog.text, "the failure")
    gateway.clear_faults()
    await say(gateway, heard, "random")
    clan = await client.clans.fetch(gateway.world.channel("general").clan_id)
    quiet = gateway.world.channel("quiet").id
    await until(lambda: clan.channels.get(quiet) is not None, "the list")


async def test_it_is_not_requested_with_each_message(
    gateway: LocalGateway, connect: Connect, heard: list[ChannelMessage], caplog: pytest.LogCaptureFixture
) -> None:
    client = await connect(heard.append, cache_size=0)
    await failed(gateway, client, heard)
    await until(lambda: WARNING in caplog.text, "the failure")
    asked = [request.name for request in gateway.requests].count(LIST)
    for _ in range(5):
        await say(gateway, heard, "general")
    assert [request.name for request in gateway.requests].count(LIST) == asked
    # An explicit call of the bot is not delayed.
    clan = await client.clans.fetch(gateway.world.channel("general").clan_id)
    with pytest.raises(MezonError):
        await clan.load_channels()
    gateway.clear_faults()
    await clan.load_channels()
    assert clan.channels.size > 0


async def test_a_list_cancelled_by_a_disconnect_is_requested_by_the_next_login(
    gateway: LocalGateway, connect: Connect, heard: list[ChannelMessage]
) -> None:
    client = await connect(heard.append)
    gateway.world.add_channel("quiet")
    gateway.http_delay(LIST, 60.0)
    await say(gateway, heard, "general")
    await client.disconnect()
    gateway.clear_faults()
    await client.login()
    await gateway.wait_joined()
    await say(gateway, heard, "random")
    clan = await client.clans.fetch(gateway.world.channel("general").clan_id)
    quiet = gateway.world.channel("quiet").id
    await until(lambda: clan.channels.get(quiet) is not None, "the list")
