"""``client.rpc``: the whole API, over HTTP and over the socket."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from bot_process import quiet_options
from mezon import MezonClient
from mezon.errors import ApiError, InvalidArgumentError, NotLoggedInError, ServerError
from mezon.testing import LocalGateway

Connect = Callable[..., Awaitable[MezonClient]]


def over_http(gateway: LocalGateway, name: str) -> int:
    return sum(request.name == name for request in gateway.requests)


@pytest.mark.parametrize("way", ["auto", "http", "socket"])
async def test_a_client_works_over_each_route(gateway: LocalGateway, connect: Connect, way: str) -> None:
    client = await connect(api=way)
    channel = await client.channels.fetch(gateway.world.channel("general").id)
    assert channel.name == "general"
    roles = await client.rpc("ListRoles", {"clan_id": channel.clan.id})
    assert [role.title for role in roles.roles.roles] == [
        role.title for role in gateway.world.roles.values() if role.clan_id == channel.clan.id
    ]
    expected = 0 if way == "socket" else 1
    assert over_http(gateway, "ListClanDescs") == expected
    assert over_http(gateway, "ListChannelDetail") == expected
    assert over_http(gateway, "ListRoles") == expected
    with pytest.raises(ServerError if way == "socket" else ApiError):
        await client.rpc("UpdateRole", {"role_id": 1, "title": "x"})


@pytest.mark.parametrize("status", [403, 404, 410, 501])
async def test_a_login_whose_http_calls_are_refused_uses_the_socket(
    gateway: LocalGateway, connect: Connect, status: int
) -> None:
    for name in ("ListClanDescs", "ListChannelDescs"):
        gateway.http_status(name, status, times=None, body="not for bots")
    client = await connect()
    assert {clan.id for clan in client.clans.values()} >= set(gateway.world.clans)
    # Once they are known to need the socket, HTTP is not tried again.
    before = over_http(gateway, "ListClanDescs")
    await client.rpc("ListClanDescs")
    assert over_http(gateway, "ListClanDescs") == before


async def test_http_that_is_cut_off_leaves_the_socket(gateway: LocalGateway, connect: Connect) -> None:
    client = await connect()
    # The port is closed.
    client.api_client.base_url = "http://127.0.0.1:1"
    clans = await client.rpc("ListClanDescs")
    assert {clan.clan_id for clan in clans.clandesc} == set(gateway.world.clans)


async def test_invalid_calls_are_explained(gateway: LocalGateway, connect: Connect) -> None:
    client = MezonClient(**quiet_options(gateway))
    with pytest.raises(NotLoggedInError):
        await client.rpc("ListClanDescs")
    client = await connect()
    with pytest.raises(InvalidArgumentError, match="did you mean ListClanDescs"):
        await client.rpc("ListClanDesc")
    with pytest.raises(InvalidArgumentError, match="no field"):
        await client.rpc("ListClanDescs", {"x": 1})


def test_the_route_is_an_option_and_a_variable(
    gateway: LocalGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    options: dict[str, Any] = quiet_options(gateway)
    with pytest.raises(InvalidArgumentError, match="api is one of auto, http, socket, not 'tcp'"):
        MezonClient(**options, api="tcp")  # type: ignore[arg-type]
    monkeypatch.setenv("MEZON_API", "carrier pigeon")
    with pytest.raises(InvalidArgumentError, match="carrier pigeon"):
        MezonClient(**options)
    MezonClient(**options, api="http")
