"""Which way an RPC goes, on a transport and a connection in memory."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from fake_transport import FakeTransport, Said
from http_doubles import HastyClock
from mezon import errors
from mezon.api import Limiter, MezonApi
from mezon.options import check_route
from mezon.ports import HttpAnswer, HttpFailure, HttpRequest
from mezon.protobuf.api import api_pb2
from waiting import until

CLANS = api_pb2.ClanDescList(clandesc=[api_pb2.ClanDesc(clan_id=5)]).SerializeToString()
GONE = HttpFailure("x: gone", sent=False, lasting=True)


@dataclass
class FakeConnection:
    """A socket that answers from a script, then with the list of clans."""

    state: str = "ready"
    script: list[bytes | Exception] = field(default_factory=list)
    seen: list[dict[str, Any]] = field(default_factory=list)

    async def call_raw(self, name: str, value: Any, timeout: float) -> bytes:
        assert name == "api_request_event"
        self.seen.append({**value, "timeout": timeout})
        said = self.script.pop(0) if self.script else CLANS
        if isinstance(said, Exception):
            raise said
        return said

    @property
    def names(self) -> list[str]:
        return [value["api_name"] for value in self.seen]


@dataclass
class Client:
    api: MezonApi
    http: FakeTransport
    socket: FakeConnection
    clock: HastyClock
    renewals: list[str] = field(default_factory=list)


def client(
    *script: Said, way: str = "auto", socket: FakeConnection | None = None, http: FakeTransport | None = None
) -> Client:
    http, clock = http or FakeTransport(list(script)), HastyClock()
    socket = socket or FakeConnection()
    api = MezonApi(
        7,
        "key",
        "https://h",
        5000,
        limiter=Limiter(0, 0, clock=clock),
        http=http,
        api=check_route(way),
        connection=lambda: socket,
    )
    made = Client(api, http, socket, clock)

    async def renew(stale: str) -> str:
        made.renewals.append(stale)
        return stale + "+"

    api.reauthenticate = renew
    return made


async def clan_ids(made: Client) -> list[int | None]:
    return [clan.clan_id for clan in (await made.api.list_clans_descs("T")).clandesc or ()]


async def test_auto_is_http_while_http_answers() -> None:
    made = client(HttpAnswer(200, body=CLANS))
    assert await clan_ids(made) == [5]
    assert made.socket.seen == []


async def test_socket_is_the_socket_alone() -> None:
    made = client(way="socket")
    assert await clan_ids(made) == [5]
    [sent] = made.socket.seen
    assert (sent["api_index"], sent["api_name"], sent["timeout"]) == (2, "ListClanDescs", 5.0)
    assert made.http.seen == []
    made.socket.script = [errors.ServerError(7, "no right", call="api_request_event")]
    with pytest.raises(errors.ServerError, match="no right"):
        await clan_ids(made)


async def test_http_is_http_alone() -> None:
    made = client(HttpAnswer(404), GONE, way="http")
    with pytest.raises(errors.ApiError):
        await clan_ids(made)
    with pytest.raises(errors.MezonConnectionError):
        await clan_ids(made)
    assert made.socket.seen == []


@pytest.mark.parametrize("status", [404, 410, 501])
async def test_what_http_does_not_do_the_socket_does_and_is_asked_first_then(status: int) -> None:
    made = client(HttpAnswer(status))
    assert await clan_ids(made) == [5]
    assert await clan_ids(made) == [5]
    assert len(made.http.seen) == 1
    assert len(made.socket.seen) == 2
    # Not for ever, and for this call alone.
    await made.api.list_friends("T")
    assert made.http.seen[-1].name == "ListFriends"
    made.clock.time += 601
    made.http.script = [HttpAnswer(200, body=CLANS)]
    await clan_ids(made)
    assert made.http.seen[-1].name == "ListClanDescs"


async def test_a_socket_that_is_lost_just_then_leaves_http() -> None:
    made = client(HttpAnswer(404), HttpAnswer(200, body=CLANS))
    await clan_ids(made)
    made.socket.script = [errors.MezonConnectionError("not connected")]
    assert await clan_ids(made) == [5]
    assert len(made.http.seen) == 2
    made.socket.script = [errors.DeliveryUnknownError("lost")]
    with pytest.raises(errors.DeliveryUnknownError):
        await clan_ids(made)


async def test_a_token_that_the_socket_sends_back_does_not_show() -> None:
    token = "eyJ.the-token-of-the-session.sig"
    made = client(way="socket")
    made.socket.script = [errors.ServerError(3, f"bad token {token}", call="api_request_event")]
    with pytest.raises(
        errors.ServerError, match=r"refused ListFriends with code 3: bad token \[hidden\]"
    ) as caught:
        await made.api.list_friends(token)
    error: BaseException | None = caught.value
    while error is not None:
        assert token not in f"{error!r} {error.args!r} {vars(error)!r}"
        error = error.__cause__ or error.__context__


async def test_a_403_asks_for_a_new_session_first() -> None:
    made = client(HttpAnswer(403, body=b"denied"), HttpAnswer(200, body=CLANS))
    assert await clan_ids(made) == [5]
    assert made.renewals == ["T"]
    assert made.http.seen[-1].headers["Authorization"] == "Bearer T+"
    assert made.socket.seen == []


async def test_a_403_that_stays_goes_over_the_socket_and_asks_for_no_session_each_time() -> None:
    made = client()
    made.http.default = HttpAnswer(403, body=b"denied")
    for rpc in (made.api.list_clans_descs, made.api.list_friends, made.api.list_roles):
        made.socket.script = [b""]
        await rpc("T")
    assert len(made.renewals) == 1
    assert made.socket.names == ["ListClanDescs", "ListFriends", "ListRoles"]


async def test_a_403_about_the_rate_is_no_reason_to_go_elsewhere() -> None:
    made = client()
    made.http.default = HttpAnswer(403, headers={"Retry-After": "1"})
    with pytest.raises(errors.ApiError):
        await clan_ids(made)
    assert (made.socket.seen, made.renewals) == ([], [])


@pytest.mark.parametrize("status", [400, 409, 429, 500, 503])
async def test_other_refusals_stay_with_http(status: int) -> None:
    made = client()
    made.http.default = HttpAnswer(status)
    with pytest.raises(errors.ApiError):
        await clan_ids(made)
    assert made.socket.seen == []


async def test_a_refusal_by_both_is_the_one_of_http_and_nothing_is_remembered() -> None:
    made = client(HttpAnswer(404, body=b"no such clan"), HttpAnswer(200, body=CLANS))
    made.socket.script = [errors.ServerError(5, "no such clan", call="api_request_event")]
    with pytest.raises(errors.ApiError, match="no such clan") as caught:
        await clan_ids(made)
    [note] = caught.value.__notes__
    assert note.startswith(
        "The socket refused it too: the server refused ListClanDescs with code 5: no such clan."
    )
    assert await clan_ids(made) == [5]
    assert len(made.http.seen) == 2


async def test_http_out_of_reach_leaves_the_socket_for_a_while() -> None:
    made = client(GONE)
    assert await clan_ids(made) == [5]
    made.socket.script = [b""]
    await made.api.list_friends("T")
    assert len(made.http.seen) == 1
    made.clock.time += 31
    made.http.script = [HttpAnswer(200, body=CLANS)]
    await clan_ids(made)
    assert len(made.http.seen) == 2


@pytest.mark.parametrize("failure", [HttpFailure("x: lost", sent=True), errors.MezonTimeoutError("x")])
async def test_what_may_have_been_carried_out_is_repeated_only_when_it_does_no_harm(
    failure: Exception,
) -> None:
    made = client()
    made.http.default = failure
    assert await clan_ids(made) == [5]
    made = client()
    made.http.default = failure
    with pytest.raises((errors.DeliveryUnknownError, errors.MezonTimeoutError)):
        await made.api.add_friends("T", [1])
    assert made.socket.seen == []


async def test_a_call_whose_fate_the_socket_leaves_open_says_so() -> None:
    made = client(HttpAnswer(404), HttpAnswer(404))
    unknown = errors.DeliveryUnknownError("lost")
    made.socket.script = [unknown, unknown]
    with pytest.raises(errors.DeliveryUnknownError, match="lost"):
        await made.api.add_friends("T", [1])
    with pytest.raises(errors.ApiError):  # a list that was not got is refused, not lost
        await clan_ids(made)


@pytest.mark.parametrize("state", ["idle", "closed", "backoff"])
async def test_without_a_connection_the_refusal_comes_at_once(state: str) -> None:
    made = client(HttpAnswer(404), socket=FakeConnection(state))
    with pytest.raises(errors.ApiError):
        await clan_ids(made)
    assert made.socket.seen == []


async def test_a_connection_that_is_being_opened_is_waited_for() -> None:
    """At a login the list of clans is asked for while the socket connects."""

    class Opening(FakeConnection):
        looks = 0

        @property
        def state(self) -> str:  # type: ignore[override]
            self.looks += 1
            return "connecting" if self.looks < 8 else "ready"

        @state.setter
        def state(self, value: str) -> None:
            pass

    for way in ("auto", "socket"):
        made = client(HttpAnswer(404), way=way, socket=Opening())
        assert await clan_ids(made) == [5]


async def test_answers_of_the_socket_are_read_as_those_of_http() -> None:
    made = client(way="socket")
    made.socket.script = [b"\x0f\xff"]
    with pytest.raises(errors.ApiError, match="is not a ClanDescList message"):
        await clan_ids(made)


async def test_any_rpc_by_its_name() -> None:
    answer = api_pb2.ClanUserList(clan_users=[api_pb2.ClanUserList.ClanUser(clan_nick="Al")])
    made = client(HttpAnswer(200, body=answer.SerializeToString()), HttpAnswer(200, body=b"ok"))
    members = await made.api.rpc("T", "ListClanUsers", {"clan_id": "5"})
    assert members == answer
    assert made.http.seen[0].url == "https://h/mezon.api.Mezon/ListClanUsers"
    assert made.http.seen[0].body == api_pb2.ListClanUsersRequest(clan_id=5).SerializeToString()
    assert await made.api.rpc("T", "BanClanUsers", {"clan_id": 5, "user_ids": [1]}) is None
    with pytest.raises(errors.InvalidArgumentError, match="GetAccount takes no request"):
        await made.api.rpc("T", "GetAccount", {"x": 1})
    with pytest.raises(errors.InvalidArgumentError, match="did you mean BanClanUsers"):
        await made.api.rpc("T", "BanClanUser")


async def test_a_idempotent_call_can_be_said_to_be_one() -> None:
    made = client(HttpFailure("x: lost", sent=True), HttpAnswer(200))
    await made.api.rpc("T", "BanClanUsers", {}, idempotent=True)
    assert len(made.http.seen) == 2


async def test_the_former_name_of_idempotent_is_deprecated() -> None:
    made = client(HttpFailure("x: lost", sent=True), HttpAnswer(200))
    with pytest.deprecated_call(match="use idempotent"):
        await made.api.rpc("T", "BanClanUsers", {}, harmless=True)  # type: ignore[call-arg]
    assert len(made.http.seen) == 2


def test_a_way_that_is_none() -> None:
    with pytest.raises(errors.InvalidArgumentError, match="api is one of auto, http, socket, not 'tcp'"):
        check_route("tcp")


# A call that is wanted soon


class Line(FakeTransport):
    """One where a request waits for its turn, and then for its answer."""

    def __init__(self) -> None:
        super().__init__(default=HttpAnswer(200, body=CLANS))
        self.turn, self.answer = asyncio.Event(), asyncio.Event()

    async def send(self, request: HttpRequest) -> HttpAnswer:
        await self.turn.wait()
        answer = await super().send(request)
        await self.answer.wait()
        return answer


class Silent(FakeConnection):
    """A socket that does not know such calls."""

    given_up = False

    async def call_raw(self, name: str, value: Any, timeout: float) -> bytes:
        await super().call_raw(name, value, timeout)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.given_up = True
            raise
        return b""


def soon(made: Client) -> asyncio.Task[Any]:
    return asyncio.ensure_future(made.api.list_clans_descs("T", options={"soon": True}))


async def test_while_http_waits_for_its_turn_the_socket_is_asked() -> None:
    line = Line()
    made = client(http=line)
    assert [clan.clan_id for clan in (await soon(made)).clandesc or ()] == [5]
    assert (made.socket.names, line.seen) == (["ListClanDescs"], [])


@pytest.mark.parametrize("refused", [True, False])
async def test_a_socket_that_does_not_do_it_leaves_http(refused: bool) -> None:
    line, socket = Line(), Silent()
    if refused:
        socket = FakeConnection(script=[errors.ServerError(12, "no", call="api_request_event")])
    made = client(http=line, socket=socket)
    asked = soon(made)
    await until(lambda: bool(socket.seen), "the socket is asked")
    await asyncio.sleep(0.01)
    assert not asked.done()
    line.turn.set()
    line.answer.set()
    assert [clan.clan_id for clan in (await asked).clandesc or ()] == [5]
    assert len(line.seen) == 1
    assert refused or socket.given_up


@pytest.mark.parametrize("why", ["begun", "http", "not ready", "given up"])
async def test_the_socket_is_asked_for_nothing_else(why: str) -> None:
    line, socket = Line(), FakeConnection(state="backoff" if why == "not ready" else "ready")
    made = client(http=line, socket=socket, way="http" if why == "http" else "auto")
    if why == "begun":
        line.turn.set()
    asked = soon(made)
    if why == "given up":
        await asyncio.sleep(0)
        asked.cancel()
        await asyncio.wait([asked])
    await asyncio.sleep(0.1)
    assert socket.seen == []
    assert asked.cancelled() == (why == "given up")
    line.turn.set()
    line.answer.set()
    if why != "given up":
        await asked
    assert len(line.seen) == (why != "given up")
