"""Calls by name, and the friendlier faces of them."""

from __future__ import annotations

from mezon import MezonClient
from mezon.protobuf.api import api_pb2
from mezon.structures import Member, Role

client = MezonClient("1", "key", api="socket")


async def main(name: str) -> None:
    members: api_pb2.ClanUserList = await client.rpc("ListClanUsers", {"clan_id": "5"})
    print([member.user.username for member in members.clan_users])
    account: api_pb2.Account = await client.rpc("GetAccount")
    print(account.email)
    await client.rpc("BanClanUsers", api_pb2.BanClanUsersRequest(clan_id=5, user_ids=[1]), timeout=3.0)
    answer = await client.rpc(name, {"x": 1}, idempotent=True)
    print(answer)
    clan = await client.clans.fetch(5)
    everybody: list[Member] = await clan.members()
    async for member in (await clan.channel("general")).members(limit=10):
        await member.give_role("Moderator")
    role: Role = await clan.role("Moderator")
    await role.take(everybody[0], 7, "8")
    await clan.kick(everybody[0])
    print([hit.content for hit in await clan.search("pho")])
