"""Members, roles, bans, pins, emojis and search, at the local gateway."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from mezon import MezonClient
from mezon.errors import ApiError, InvalidArgumentError, MezonError, ServerError
from mezon.protobuf.api import api_pb2
from mezon.structures import Clan, Pages
from mezon.testing import LocalGateway

Connect = Callable[..., Awaitable[MezonClient]]


@pytest.fixture(params=["http", "socket"])
async def clan(request: pytest.FixtureRequest, gateway: LocalGateway, connect: Connect) -> Clan:
    """A clan of a bot whose RPCs use HTTP or the socket."""
    world = gateway.world
    world.add_role("Moderator", users=["alice"]).display_online = 1
    world.user("bob").clan_nicks[world.clan().id] = "Bobby"
    client = await connect(api=request.param)
    return await client.clans.fetch(world.clan().id)


async def test_members_of_a_clan(gateway: LocalGateway, clan: Clan) -> None:
    members = {member.username: member for member in await clan.members()}
    assert set(members) == {"echo", "alice", "bob", "chi"}
    assert (members["bob"].shown_name, members["chi"].shown_name) == ("Bobby", "Chi Nguyễn")
    [role] = gateway.world.roles.values()
    assert (members["alice"].role_ids, members["bob"].role_ids) == ([role.id], [])
    assert len([member async for member in clan.members(limit=2)]) == 2
    assert repr(members["bob"]) == f"<Member id={members['bob'].id} name='Bobby'>"


async def test_members_of_a_channel_are_paged(gateway: LocalGateway, clan: Clan) -> None:
    crowd = [gateway.world.add_user(f"user{number:03}") for number in range(250)]
    channel = await clan.channel("general")
    everybody = await channel.members()
    assert len(everybody) == len({member.id for member in everybody}) == 254
    assert {user.id for user in crowd} <= {member.id for member in everybody}
    first = [member async for member in channel.members(limit=120)]
    assert [member.id for member in first] == [member.id for member in everybody[:120]]


async def test_a_cached_member_has_a_name_in_a_channel(gateway: LocalGateway, clan: Clan) -> None:
    channel = await clan.channel("general")
    heard = asyncio.Event()
    clan.client.on_channel_message(lambda message: heard.set())  # type: ignore[attr-defined]
    await gateway.say("general", "chi", "hi")
    await heard.wait()
    names = {member.id: member.username for member in await channel.members()}
    assert names[gateway.world.user("chi").id] == "chi"
    assert names[gateway.world.user("alice").id] == ""


async def test_a_channel_by_its_name(gateway: LocalGateway, clan: Clan) -> None:
    channel = await clan.channel("general")
    assert channel.id == gateway.world.channel("general").id
    assert await clan.channel("#General") is channel
    assert await clan.channel(channel.id) is channel
    assert await clan.channel(str(channel.id)) is channel
    # A channel that was created since.
    gateway.world.add_channel("new-one")
    assert (await clan.channel("new-one")).name == "new-one"
    with pytest.raises(InvalidArgumentError, match="has no channel 'genral'; did you mean 'general'"):
        await clan.channel("genral")
    gateway.world.add_channel("random")
    clan._channels_loaded = False
    with pytest.raises(InvalidArgumentError, match="has 2 channels 'random': use the id of one"):
        await clan.channel("random")


async def test_a_role_is_assigned_and_removed(gateway: LocalGateway, clan: Clan) -> None:
    [known] = gateway.world.roles.values()
    alice, bob = (gateway.world.user(name).id for name in ("alice", "bob"))
    role = await clan.role("moderator")
    assert (role.id, role.name, role.member_ids) == (known.id, "Moderator", [alice])
    await role.give(bob)
    assert known.user_ids == {alice, bob}
    # Assigning it changes nothing else of the role.
    assert (known.title, known.display_online, known.allow_mention) == ("Moderator", 1, 1)
    assert role.member_ids == [alice, bob]
    await role.take(str(alice), bob)
    assert known.user_ids == set()
    member = next(member for member in await clan.members() if member.id == bob)
    await member.give_role("Moderator")
    assert (known.user_ids, member.role_ids) == ({bob}, [role.id])
    await member.take_role(role)
    assert (known.user_ids, member.role_ids) == (set(), [])
    with pytest.raises(InvalidArgumentError, match="has no role 'Moderatr'; did you mean 'Moderator'"):
        await clan.role("Moderatr")
    with pytest.raises(InvalidArgumentError, match="has no role"):
        await member.give_role("Owner")
    assert [role.name for role in await clan.roles()] == ["Moderator"]


async def test_kick_and_ban(gateway: LocalGateway, clan: Clan) -> None:
    world = gateway.world
    alice, bob, chi = (world.user(name).id for name in ("alice", "bob", "chi"))
    await clan.kick(alice)
    assert alice not in world.clan().member_ids
    member = next(member for member in await clan.members() if member.id == bob)
    await member.ban(reason="spam", ban_time=60)
    assert bob not in world.clan().member_ids
    [ban] = await clan.bans()
    assert (ban.banned_id, ban.banner_id, ban.reason, ban.ban_time) == (bob, gateway.bot_id, "spam", 60)
    await clan.unban(bob)
    assert await clan.bans() == []
    channel = await clan.channel("general")
    await clan.ban(chi, channel=channel)
    assert [ban.banned_id for ban in await clan.bans(channel)] == [chi]
    assert await clan.bans() == []
    assert chi in world.clan().member_ids
    await clan.unban(chi, channel=channel.id)
    with pytest.raises(InvalidArgumentError, match="pass at least one user"):
        await clan.kick()
    with pytest.raises(InvalidArgumentError, match="pass a user"):
        await clan.kick(object())


async def test_a_refusal_raises(gateway: LocalGateway, clan: Clan) -> None:
    with pytest.raises((ApiError, ServerError), match="not in the clan"):
        await clan.kick(12345)
    gateway.http_status("BanClanUsers", 403, times=None, body="permission denied")
    if clan.api_client.routes.mode == "http":
        with pytest.raises(ApiError, match=r"permission denied.*bots may not do this"):
            await clan.ban(1)


async def test_pins(gateway: LocalGateway, clan: Clan) -> None:
    channel = await clan.channel("general")
    heard: asyncio.Queue[int] = asyncio.Queue()
    clan.client.on_channel_message(lambda message: heard.put_nowait(message.message_id))  # type: ignore[attr-defined]
    await gateway.say("general", "alice", "keep this")
    message = await channel.messages.fetch(await heard.get())
    assert await channel.pins() == []
    await message.pin()
    [pin] = await channel.pins()
    assert (pin.message_id, pin.sender_id) == (message.id, gateway.world.user("alice").id)
    await message.unpin()
    assert await channel.pins() == []
    with pytest.raises(MezonError, match="not pinned"):
        await channel.unpin(message.id)


async def test_emojis_of_the_clan_only(gateway: LocalGateway, clan: Clan) -> None:
    gateway.world.emojis = [
        api_pb2.ClanEmoji(id=1, shortname=":mine:", clan_id=clan.id),
        api_pb2.ClanEmoji(id=2, shortname=":theirs:", clan_id=clan.id + 1),
    ]
    assert [emoji.shortname for emoji in await clan.emojis()] == [":mine:"]


async def test_search_spans_pages(gateway: LocalGateway, clan: Clan) -> None:
    for number in range(70):
        await gateway.say("general", "alice", f"pho number {number}")
    await gateway.say("random", "bob", "PHO elsewhere")
    assert len(await clan.search("pho")) == 50
    found = await clan.search("pho", limit=None)
    assert len({hit.message_id for hit in found}) == 71
    channel = await clan.channel("random")
    [hit] = await channel.search("pho")
    assert (hit.username, hit.channel_id) == ("bob", str(channel.id))
    assert await clan.search("nothing like it") == []


async def test_pages_end_where_a_server_does_not() -> None:
    asked: list[str] = []

    async def circle(cursor: str) -> tuple[list[int], str]:
        asked.append(cursor)
        return [len(asked)], {"": "a", "a": "b", "b": "a"}[cursor]

    assert await Pages(circle) == [1, 2, 3]

    async def empty(cursor: str) -> tuple[list[int], str]:
        return [], "more"

    assert await Pages(empty) == []
    asked.clear()
    assert await Pages(circle, limit=1) == [1]
    assert asked == [""]  # the next page is requested on demand
