"""The server lists at most 100 clans. The client joins further ones whose ids it knows."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bot_process import quiet_options
from mezon import GatewayOptions, MezonClient
from mezon.protobuf.api import api_pb2
from mezon.testing import LocalGateway, rpc
from waiting import until


@pytest.fixture
def limited(gateway: LocalGateway, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], list[int]]:
    """Add the bot to this many clans, of which the server lists the first 100. Return the ids of the rest."""

    def add(count: int) -> list[int]:
        for number in range(count - len(gateway.world.clans)):
            gateway.world.add_clan(f"clan {number}")

        def listed(caller: rpc.Caller, request: api_pb2.ListClanDescRequest) -> api_pb2.ClanDescList:
            return api_pb2.ClanDescList(clandesc=[c.to_pb() for c in list(caller.world.clans.values())[:100]])

        method = rpc.Method(api_pb2.ListClanDescRequest, listed)
        monkeypatch.setitem(rpc.METHODS, "ListClanDescs", method)
        return list(gateway.world.clans)[100:]

    return add


def make(server: LocalGateway, **options: Any) -> MezonClient:
    return MezonClient(**quiet_options(server) | options)


async def joined(client: MezonClient) -> set[int]:
    await client.login()
    return client.socket_manager.joined_clans - {0}


@pytest.mark.parametrize(("count", "warned"), [(99, False), (100, True)])
async def test_a_full_list_is_logged_as_a_warning(
    gateway: LocalGateway,
    limited: Callable[[int], list[int]],
    caplog: pytest.LogCaptureFixture,
    count: int,
    warned: bool,
) -> None:
    limited(count)
    client = make(gateway)
    with caplog.at_level(logging.WARNING, logger="mezon.client"):
        await client.login()
        await client.disconnect()
        await client.login()
    await client.disconnect()
    assert caplog.text.count("GatewayOptions(clans=[...])") == int(warned)


async def test_clans_that_the_bot_names_are_joined(
    gateway: LocalGateway, limited: Callable[[int], list[int]]
) -> None:
    unlisted = limited(103)
    options = GatewayOptions(clans=[str(unlisted[0]), unlisted[1]])
    client = make(gateway, gateway=options)
    assert await joined(client) == set(gateway.world.clans) - {unlisted[2]}
    assert (await client.clans.fetch(unlisted[0])).id == unlisted[0]
    await client.disconnect()


async def test_named_clans_are_joined_in_addition_to_a_short_list(gateway: LocalGateway) -> None:
    clan = gateway.world.add_clan("hidden")
    client = make(gateway, gateway=GatewayOptions(clans=[clan.id, *gateway.world.clans]))
    assert await joined(client) == set(gateway.world.clans)
    await client.disconnect()


async def test_known_clans_are_joined_again_at_the_next_login(
    gateway: LocalGateway, limited: Callable[[int], list[int]]
) -> None:
    unlisted = limited(101)
    client = make(gateway)
    assert unlisted[0] not in await joined(client)
    client.directory.new_clan(unlisted[0])
    await client.disconnect()
    assert unlisted[0] in await joined(client)
    await client.disconnect()


async def test_the_message_store_remembers_clans_across_a_restart(
    gateway: LocalGateway, limited: Callable[[int], list[int]], tmp_path: Path
) -> None:
    unlisted = limited(101)
    room = gateway.world.add_channel("room", clan=unlisted[0])
    store = str(tmp_path / "messages.db")
    first = make(gateway, message_db=store, gateway=GatewayOptions(clans=unlisted))
    await first.login()
    message = await gateway.say(room, "alice", "hello")
    await until(lambda: first.message_db.get_message_by_id(message, room.id))
    await first.disconnect()
    second = make(gateway, message_db=store)
    assert unlisted[0] in await joined(second)
    await second.disconnect()
