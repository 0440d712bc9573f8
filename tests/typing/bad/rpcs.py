"""What a type checker finds in calls by name."""

from __future__ import annotations

from mezon import MezonClient
from mezon.protobuf.api import api_pb2

client = MezonClient("1", "key")
MezonClient("1", "key", api="tcp")  # E: arg-type


async def main() -> None:
    roles: api_pb2.RoleList = await client.rpc("ListClanUsers", {"clan_id": 5})  # E: assignment
    print(roles)
    members = await client.rpc("ListClanUsers", {"clan_id": 5})
    print(members.users)  # E: attr-defined
    await client.rpc("ListClanUsers", 5)  # E: call-overload
    clan = await client.clans.fetch(5)
    clan.members().append(1)  # E: attr-defined
