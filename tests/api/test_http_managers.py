"""SessionManager and ChannelManager."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from http_doubles import Server
from mezon import errors
from mezon.api import MezonApi
from mezon.managers.channel import ChannelManager
from mezon.managers.session import SessionManager
from mezon.protobuf.api import api_pb2
from waiting import settle

ID = 1840000000767623395


@dataclass
class Joins:
    """Stands for the socket manager and its socket: all the channel manager wants of them is a join."""

    joined: list[dict[str, Any]] = field(default_factory=list)

    def get_socket(self) -> Joins:
        return self

    async def join_chat(self, **arguments: Any) -> None:
        self.joined.append(arguments)


@dataclass
class SomeSession:
    token: str = "T"


@pytest.fixture
def joins() -> Joins:
    return Joins()


@pytest.fixture
def manager(api: MezonApi, joins: Joins) -> ChannelManager:
    return ChannelManager(api, joins, SessionManager(api, SomeSession()))  # type: ignore[arg-type]


def dm(channel_id: int, *user_ids: int, type: int = 3) -> api_pb2.ChannelDescription:
    return api_pb2.ChannelDescription(channel_id=channel_id, type=type, user_ids=user_ids)


async def test_authenticate(server: Server, api: MezonApi) -> None:
    manager = SessionManager(api)
    assert manager.get_session() is None
    session = api_pb2.Session(token="t", refresh_token="r", user_id=ID, api_url="https://a", ws_url="w")
    server.script = [web.Response(body=session.SerializeToString())]
    answer = await manager.authenticate(77, "key")
    assert (answer.token, answer.refresh_token, answer.user_id) == ("t", "r", ID)
    assert (answer.api_url, answer.ws_url) == ("https://a", "w")
    assert server.seen[0].body == b'{"account": {"appid": "77", "token": "key"}}'
    assert manager.get_session() is None


async def test_a_login_without_a_token_is_an_authentication_error(server: Server, api: MezonApi) -> None:
    with pytest.raises(errors.AuthenticationError, match="without a token"):
        await SessionManager(api).authenticate(77, "key")


async def test_the_map_of_dms(server: Server, manager: ChannelManager) -> None:
    assert manager.get_all_dm_channels() is None
    answer = api_pb2.ChannelDescList(
        channeldesc=[
            dm(1, 11),
            dm(2, 77, 22),  # 77 is the bot
            dm(3, 77),
            dm(4),
            dm(0, 44),
            dm(5, 55, 56, type=2),  # a group
            dm(ID, ID),
        ]
    )
    server.script = [web.Response(body=answer.SerializeToString())]
    wanted = {11: 1, 22: 2, ID: ID}
    assert await manager.init_all_dm_channels("T") == wanted
    assert manager.get_all_dm_channels() == manager.all_dm_channels == wanted
    request = api_pb2.ListChannelDescsRequest.FromString(server.seen[0].body)
    assert request == api_pb2.ListChannelDescsRequest(channel_type=3)


async def test_no_dms_and_no_token(server: Server, manager: ChannelManager) -> None:
    assert await manager.init_all_dm_channels("") is None
    assert server.seen == []
    assert await manager.init_all_dm_channels("T") == {}
    assert manager.get_all_dm_channels() == {}


async def test_a_failed_list_keeps_the_old_one(server: Server, manager: ChannelManager) -> None:
    manager.all_dm_channels = {1: 2}
    server.script = [web.Response(status=500)]
    with pytest.raises(errors.ApiError):
        await manager.init_all_dm_channels("T")
    assert manager.all_dm_channels == {1: 2}


@pytest.mark.parametrize("user_id", [ID, str(ID)])
async def test_create_dm_channel(
    user_id: int | str, server: Server, manager: ChannelManager, joins: Joins
) -> None:
    server.script = [web.Response(body=dm(9, ID).SerializeToString())]
    channel = await manager.create_dm_channel(user_id)
    assert (channel.channel_id, channel.type) == (9, 3)
    request = api_pb2.CreateChannelDescRequest.FromString(server.seen[0].body)
    assert request == api_pb2.CreateChannelDescRequest(type=3, channel_private=1, user_ids=[ID])
    assert joins.joined == [{"clan_id": 0, "channel_id": 9, "channel_type": 3, "is_public": False}]
    assert manager.get_all_dm_channels() == {ID: 9}


async def test_callers_for_one_user_share_a_call_and_one_can_leave(
    server: Server, manager: ChannelManager, joins: Joins
) -> None:
    gate, reached = asyncio.Event(), asyncio.Event()

    async def slow(request: web.Request) -> web.Response:
        reached.set()
        await gate.wait()
        return web.Response(body=dm(9, 5).SerializeToString())

    server.default = lambda: slow
    tasks = [asyncio.create_task(manager.create_dm_channel(user_id)) for user_id in (5, "5", 5)]
    await reached.wait()
    tasks[0].cancel()
    await settle()
    gate.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    assert [result.channel_id for result in results[1:]] == [9, 9]  # type: ignore[union-attr]
    assert len(server.seen) == len(joins.joined) == 1
    await manager.create_dm_channel(5)
    assert len(server.seen) == 2


async def test_when_all_callers_leave_the_call_ends(server: Server, manager: ChannelManager) -> None:
    reached = asyncio.Event()

    async def silent(request: web.Request) -> web.Response:
        reached.set()
        await asyncio.sleep(30)
        raise AssertionError

    server.script = [silent]
    tasks = [asyncio.create_task(manager.create_dm_channel(5)) for _ in range(2)]
    await reached.wait()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await settle()
    assert not any("_flight" in repr(task) for task in asyncio.all_tasks())
    server.default = lambda: web.Response(body=dm(9, 5).SerializeToString())
    assert (await manager.create_dm_channel(5)).channel_id == 9


async def test_failures_reach_every_caller_and_leave_no_log(
    server: Server, manager: ChannelManager, caplog: pytest.LogCaptureFixture
) -> None:
    gate, reached = asyncio.Event(), asyncio.Event()

    async def refuse(request: web.Request) -> web.Response:
        reached.set()
        await gate.wait()
        return web.Response(status=500)

    server.default = lambda: refuse
    tasks = [asyncio.create_task(manager.create_dm_channel(5)) for _ in range(3)]
    await reached.wait()
    tasks[0].cancel()
    await settle()
    gate.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(result).__name__ for result in results] == ["CancelledError", "ApiError", "ApiError"]
    del tasks, results
    assert "never retrieved" not in caplog.text


async def test_what_is_no_user(server: Server, manager: ChannelManager, joins: Joins) -> None:
    for wrong in (0, "", "an", None):
        with pytest.raises(errors.InvalidArgumentError, match="user_id must"):
            await manager.create_dm_channel(wrong)  # type: ignore[arg-type]
    assert server.seen == []
    with pytest.raises(errors.MezonError, match="no DM with user 5"):
        await manager.create_dm_channel(5)
    assert joins.joined == []
    manager.session_manager.session = None
    with pytest.raises(errors.NotLoggedInError, match="login"):
        await manager.create_dm_channel(5)
