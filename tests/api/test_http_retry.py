"""Trying again: rates, trouble, lost connections, and the renewal of a session."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import web
from http_doubles import FakeClock, HastyClock, Server
from mezon import errors
from mezon.api import Limiter, MezonApi, Priority, RetryPolicy, prioritized
from mezon.models import ApiAccountApp, ApiAuthenticateRequest, ApiCreateChannelDescRequest
from mezon.protobuf.api import api_pb2
from waiting import settle, until

CLANS = api_pb2.ClanDescList(clandesc=[api_pb2.ClanDesc(clan_id=5)]).SerializeToString()


def clans() -> web.Response:
    return web.Response(body=CLANS, content_type="application/proto")


async def cut(request: web.Request) -> web.Response:
    """Lose the connection before an answer."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def cut_in_the_answer(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse(headers={"Content-Length": "100"})
    await answer.prepare(request)
    await answer.write(b"half")
    assert request.transport is not None
    request.transport.abort()
    return answer


@pytest.mark.parametrize("status", [403, 429])
async def test_the_servers_delay_is_kept(
    status: int, server: Server, api: MezonApi, clock: HastyClock
) -> None:
    server.script = [web.Response(status=status, headers={"Retry-After": "7"}), clans()]
    assert (await api.list_clans_descs("T")).clandesc[0].clan_id == 5
    assert clock.waits == [7.0]
    assert len(server.seen) == 2


async def test_rate_answers_back_off_and_end(server: Server, api: MezonApi, clock: HastyClock) -> None:
    server.default = lambda: web.Response(status=429)
    with pytest.raises(errors.ApiError, match="Calls are too frequent"):
        await api.add_friends("T", [1])
    assert len(server.seen) == 4
    assert len(clock.waits) == 3
    assert all(longest / 2 <= wait <= longest for wait, longest in zip(clock.waits, (1, 2, 4), strict=True))


async def test_a_delay_that_is_too_long_is_named_instead_of_waited(
    server: Server, api: MezonApi, clock: HastyClock
) -> None:
    server.default = lambda: web.Response(status=429, headers={"Retry-After": "3600"})
    with pytest.raises(errors.ApiError, match="retry after 3600 s") as caught:
        await api.list_clans_descs("T")
    assert caught.value.retry_after == 3600
    assert clock.waits == []


async def test_a_bare_403_is_tried_once_more(server: Server, api: MezonApi) -> None:
    server.default = lambda: web.Response(status=403)
    with pytest.raises(errors.ApiError, match="403"):
        await api.list_clans_descs("T")
    assert len(server.seen) == 2


async def test_a_pause_the_server_asks_for_holds_every_call(server: Server) -> None:
    clock = FakeClock()
    api = MezonApi(1, "k", server.url, 5000, limiter=Limiter(0, 0, clock=clock))
    answered = asyncio.Event()

    async def slow_down(request: web.Request) -> web.Response:
        answered.set()
        return web.Response(status=429, headers={"Retry-After": "5"})

    server.script = [slow_down]
    server.default = clans
    first = asyncio.create_task(api.list_clans_descs("first"))
    await answered.wait()
    await until(lambda: clock.next_timer() is not None)  # the client has read the answer
    second = asyncio.create_task(api.list_clans_descs("second"))
    await clock.advance(4.9)
    assert len(server.seen) == 1
    await clock.advance(0.2)
    await asyncio.gather(first, second)
    # The one that was refused kept its place in the line.
    assert sorted(seen.token for seen in server.seen[1:]) == ["first", "second"]
    await api.close()


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_trouble_at_the_server_is_tried_again_where_that_is_idempotent(
    status: int, server: Server, api: MezonApi
) -> None:
    server.script = [web.Response(status=status), web.Response(status=status), clans()]
    await api.list_clans_descs("T")
    assert len(server.seen) == 3
    server.script = [web.Response(status=status)]
    with pytest.raises(errors.ApiError, match="server has a problem"):
        await api.create_channel_desc("T", ApiCreateChannelDescRequest(type=3, user_ids=[1]))
    assert len(server.seen) == 4


@pytest.mark.parametrize("fault", [cut, cut_in_the_answer])
async def test_a_lost_connection_is_made_good_for_idempotent_calls(
    fault: Any, server: Server, api: MezonApi
) -> None:
    server.script = [fault, fault, clans()]
    assert (await api.list_clans_descs("T")).clandesc[0].clan_id == 5
    assert len(server.seen) == 3


async def test_idempotent_calls_end_too(server: Server, api: MezonApi) -> None:
    server.default = lambda: cut
    with pytest.raises(errors.MezonConnectionError, match=r"connection to 127\.0\.0\.1 was lost") as caught:
        await api.list_roles("T", 1)
    assert not isinstance(caught.value, errors.DeliveryUnknownError)
    assert len(server.seen) == 3


@pytest.mark.parametrize("fault", [cut, cut_in_the_answer])
async def test_other_calls_say_that_their_fate_is_unknown(fault: Any, server: Server, api: MezonApi) -> None:
    server.default = lambda: fault
    for call in (
        lambda: api.create_channel_desc("T", ApiCreateChannelDescRequest(type=3, user_ids=[1])),
        lambda: api.add_friends("T", [1]),
        lambda: api.add_quick_menu_access("T", 1, 2, 1, "a", "b", "n", 3, 4),
    ):
        with pytest.raises(errors.DeliveryUnknownError, match="check before you repeat it"):
            await call()
    assert len(server.seen) == 3


async def test_the_requests_of_a_call_share_its_timeout(server: Server) -> None:
    clock = FakeClock()
    api = MezonApi(1, "k", server.url, 5000, limiter=Limiter(0, 0, clock=clock))

    async def slow_trouble(request: web.Request) -> web.Response:
        clock.time += 3
        return web.Response(status=503, headers={"Retry-After": "0"})

    server.default = lambda: slow_trouble
    task = asyncio.create_task(api.list_clans_descs("T"))
    while not task.done():
        await clock.advance(0.01)
        await asyncio.sleep(0.001)
    with pytest.raises(errors.MezonTimeoutError, match="within 5 s, retries included"):
        await task
    assert len(server.seen) == 2
    await api.close()


async def test_no_retries_when_the_policy_has_none(server: Server, clock: HastyClock) -> None:
    api = MezonApi(
        1,
        "k",
        server.url,
        5000,
        limiter=Limiter(0, 0, clock=clock),
        retry=RetryPolicy(rate=0, maybe_rate=0, trouble=0),
    )
    for status in (429, 403, 503):
        server.script = [web.Response(status=status)]
        with pytest.raises(errors.ApiError):
            await api.list_clans_descs("T")
    assert len(server.seen) == 3
    await api.close()


class Renewals:
    """Stands for the client's login: hands out t1, t2, ... and knows which token the server takes."""

    def __init__(self) -> None:
        self.stale: list[str] = []
        self.valid = "t1"
        self.gate: asyncio.Event | None = None

    async def __call__(self, stale: str) -> str:
        self.stale.append(stale)
        if self.gate is not None:
            await self.gate.wait()
        self.valid = f"t{len(self.stale)}"
        return self.valid

    async def answer(self, request: web.Request) -> web.Response:
        ok = request.headers["Authorization"] == f"Bearer {self.valid}"
        return clans() if ok else web.Response(status=401)


async def test_a_stale_token_is_renewed_once_and_the_call_repeated(server: Server, api: MezonApi) -> None:
    api.reauthenticate = renewals = Renewals()
    server.default = lambda: renewals.answer
    assert (await api.list_clans_descs("old")).clandesc[0].clan_id == 5
    assert renewals.stale == ["old"]
    assert [seen.token for seen in server.seen] == ["old", "t1"]
    # Somebody who still holds the old token does not cause another login.
    await api.list_clans_descs("old")
    assert renewals.stale == ["old"]
    assert [seen.token for seen in server.seen[2:]] == ["t1"]


async def test_a_chain_of_renewals(server: Server, api: MezonApi) -> None:
    api.reauthenticate = renewals = Renewals()
    server.default = lambda: renewals.answer
    await api.list_clans_descs("old")
    renewals.valid = "none of them"
    await api.list_clans_descs("old")
    assert renewals.stale == ["old", "t1"]
    await api.list_clans_descs("old")
    await api.list_clans_descs("t1")
    assert [seen.token for seen in server.seen[-2:]] == ["t2", "t2"]
    assert renewals.stale == ["old", "t1"]


async def test_a_call_is_renewed_only_once(server: Server, api: MezonApi) -> None:
    api.reauthenticate = renewals = Renewals()
    server.default = lambda: web.Response(status=401)
    with pytest.raises(errors.ApiError, match="log in again") as caught:
        await api.list_clans_descs("old")
    assert not isinstance(caught.value, errors.AuthenticationError)
    assert renewals.stale == ["old"]
    assert len(server.seen) == 2


async def test_calls_that_fail_together_share_a_renewal(server: Server, api: MezonApi) -> None:
    api.reauthenticate = renewals = Renewals()
    renewals.gate = asyncio.Event()
    renewals.valid = ""
    server.default = lambda: renewals.answer
    tasks = [asyncio.create_task(api.list_clans_descs("old")) for _ in range(5)]
    await until(lambda: len(server.seen) == 5 and bool(renewals.stale))
    # Cancelling one of them, even the first, spoils nothing for the others.
    tasks[0].cancel()
    await settle()
    renewals.gate.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    assert not any(isinstance(result, BaseException) for result in results[1:])
    assert renewals.stale == ["old"]


async def test_a_failed_renewal_reaches_the_call(server: Server, api: MezonApi) -> None:
    async def refuse(stale: str) -> str:
        raise errors.AuthenticationError("the key was withdrawn")

    api.reauthenticate = refuse
    server.default = lambda: web.Response(status=401)
    with pytest.raises(errors.AuthenticationError, match="withdrawn"):
        await api.list_clans_descs("old")


async def test_a_login_never_renews(server: Server, api: MezonApi) -> None:
    api.reauthenticate = renewals = Renewals()
    server.default = lambda: web.Response(status=401)
    with pytest.raises(errors.AuthenticationError):
        await api.mezon_authenticate(1, "k", ApiAuthenticateRequest(account=ApiAccountApp(appid="1")))
    assert renewals.stale == []


async def test_the_hook_may_log_in_through_the_same_client(server: Server) -> None:
    """Also while others wait for the limit: the login overtakes them."""
    clock = FakeClock()
    api = MezonApi(1, "k", server.url, 5000, limiter=Limiter(1, 1.25, clock=clock))

    async def answer(request: web.Request) -> web.Response:
        if request.path.startswith("/v2"):
            return web.Response(body=api_pb2.Session(token="new").SerializeToString())
        return clans() if request.headers["Authorization"] == "Bearer new" else web.Response(status=401)

    async def renew(stale: str) -> str:
        session = await api.mezon_authenticate(
            1, "k", ApiAuthenticateRequest(account=ApiAccountApp(appid="1", token="k"))
        )
        assert session.token
        return session.token

    api.reauthenticate = renew
    server.default = lambda: answer
    with prioritized(Priority.BACKGROUND):
        tasks = [asyncio.create_task(api.list_clans_descs("old")) for _ in range(3)]
    while not all(task.done() for task in tasks):
        await clock.advance(0.05)
        await asyncio.sleep(0.001)
    assert [len(task.result().clandesc) for task in tasks] == [1, 1, 1]
    assert server.paths == ["ListClanDescs", "token", "ListClanDescs", "ListClanDescs", "ListClanDescs"]
    await api.close()
