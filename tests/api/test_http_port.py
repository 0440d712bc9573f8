"""Everything that speaks HTTP goes through one port, so a transport in memory carries all of it."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from fake_transport import FakeTransport
from http_doubles import HastyClock
from mezon import errors
from mezon._agents.stream import AgentEventStream
from mezon._tokens import MmnClient, MmnClientConfig, ZkClient, ZkClientConfig
from mezon.api import Limiter, MezonApi, Priority
from mezon.models import ApiAccountApp, ApiAuthenticateRequest
from mezon.ports import AnswerTooLongError, HttpAnswer, HttpFailure, HttpLane
from mezon.protobuf.api import api_pb2
from mezon.utils.backoff import Backoff


def api_on(http: FakeTransport, clock: HastyClock | None = None) -> MezonApi:
    return MezonApi(
        77, "key", "https://h", 5000, limiter=Limiter(0, 0, clock=clock or HastyClock()), http=http
    )


async def test_a_call_is_one_request_in_the_lane_of_calls() -> None:
    answer = api_pb2.ClanDescList(clandesc=[api_pb2.ClanDesc(clan_id=5)])
    http = FakeTransport([HttpAnswer(200, body=answer.SerializeToString())])
    clans = await api_on(http).list_clans_descs("T", options={"priority": Priority.BACKGROUND})
    assert [clan.clan_id for clan in clans.clandesc or ()] == [5]
    [request] = http.seen
    assert (request.name, request.method, request.lane) == ("ListClanDescs", "POST", HttpLane.API)
    assert request.url == "https://h/mezon.api.Mezon/ListClanDescs"
    assert request.headers["Authorization"] == "Bearer T"
    assert (request.timeout, request.priority) == (5.0, Priority.BACKGROUND)
    assert "Bearer" not in repr(request)
    assert "https://h" not in repr(request)  # it may hold a signature


async def test_a_login_has_a_lane_of_its_own() -> None:
    http = FakeTransport([HttpAnswer(200, body=api_pb2.Session(token="t").SerializeToString())])
    login = ApiAuthenticateRequest(account=ApiAccountApp(appid="77", token="key"))
    assert (await api_on(http).mezon_authenticate(77, "key", login)).token == "t"
    assert (http.seen[0].lane, http.seen[0].priority) == (HttpLane.LOGIN, Priority.LOGIN)


async def test_a_retry_is_the_same_request_again() -> None:
    lost = HttpFailure("x: lost", sent=True)
    http = FakeTransport(
        [HttpAnswer(429, headers={"Retry-After": "3"}), HttpAnswer(503), lost, HttpAnswer(200)]
    )
    clock = HastyClock()
    await api_on(http, clock).list_clans_descs("T")
    assert len(http.seen) == 4
    # So it keeps its place in the line.
    assert all(request is http.seen[0] for request in http.seen)
    assert http.held == [(HttpLane.API, 3.0)]
    assert len(clock.waits) == 2  # the pause after the 429 is the lane's


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (HttpFailure("x", sent=True), errors.DeliveryUnknownError),
        (HttpFailure("x", sent=False, lasting=True), errors.MezonConnectionError),
        (errors.MezonTimeoutError("x"), errors.MezonTimeoutError),
        (AnswerTooLongError("x", HttpAnswer(200)), errors.ApiError),
    ],
)
async def test_failures_of_a_transport_become_errors_of_the_call(failure: Exception, kind: type) -> None:
    with pytest.raises(kind) as caught:
        await api_on(FakeTransport([failure])).add_friends("T", [1])
    assert isinstance(caught.value, errors.DeliveryUnknownError) is (kind is errors.DeliveryUnknownError)


async def test_a_given_transport_stays_open() -> None:
    http = FakeTransport()
    api = api_on(http)
    await api.close()
    agent = AgentEventStream("https://h", 1, "token", lambda name, payload: None, http=http)
    await agent.start()
    await agent.close()
    for client in (
        MmnClient(MmnClientConfig(base_url="https://h"), http=http),
        ZkClient(ZkClientConfig(endpoint="https://h"), http=http),
    ):
        await client.close()
    assert http.closed == 0


async def test_uploads_are_in_no_lane_and_carry_no_token() -> None:
    place = api_pb2.UploadAttachment(filename="a.txt", url="https://storage/a.txt?sig=1%2F2")
    http = FakeTransport([HttpAnswer(200, body=place.SerializeToString())])
    await api_on(http).upload_file("T", b"hello", "a.txt")
    put = http.seen[1]
    assert (put.method, put.url, put.body, put.lane) == ("PUT", place.url, b"hello", HttpLane.FREE)
    assert put.exact  # quoting it again would break the signature
    assert "Authorization" not in put.headers


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("http://storage/a.txt", "without TLS"),
        ("HTTP://storage/a.txt", "without TLS"),
        ("file:///etc/passwd", "scheme is 'file'"),
        ("unix:///run/docker.sock", "scheme is 'unix'"),
        ("https://storage:99999/a", "port from 1 to 65535"),
        ("https:///a", "no host"),
        ("", "returned no URL"),
    ],
)
async def test_a_file_goes_nowhere_the_server_should_not_send_it(url: str, text: str) -> None:
    place = api_pb2.UploadAttachment(filename="a.txt", url=url)
    http = FakeTransport([HttpAnswer(200, body=place.SerializeToString())])
    with pytest.raises(errors.MezonError, match=text):
        await api_on(http).upload_file("T", b"hello", "a.txt")
    assert [request.method for request in http.seen] == ["POST"]


async def test_token_services_read_no_endless_answer() -> None:
    http = FakeTransport(
        default=HttpAnswer(200, body=json.dumps({"data": {"proof": "p", "public_input": "i"}}).encode())
    )
    zk = ZkClient(ZkClientConfig(endpoint="https://h", timeout=2000), http=http)
    assert (await zk.get_zk_proofs(1, "k", "jwt", "a")).proof == "p"
    [request] = http.seen
    assert (request.lane, request.timeout, request.max_answer) == (HttpLane.FREE, 2.0, 1 << 20)
    http.default = AnswerTooLongError("x", HttpAnswer(200))
    with pytest.raises(errors.TokenTransferError, match="longer than 1048576 bytes"):
        await zk.get_zk_proofs(1, "k", "jwt", "a")


async def test_agent_events_are_a_stream_of_the_port() -> None:
    event = {
        "event_id": "e",
        "event_type": "room_ended",
        "timestamp": "t",
        "room": {"room_id": "r", "room_name": "n"},
    }
    http = FakeTransport(
        streams=[[b"data: " + json.dumps(event).encode()[:20], json.dumps(event).encode()[20:] + b"\n\n"]]
    )
    told: list[str] = []
    agent = AgentEventStream(
        "https://h", 1, "token", lambda name, payload: told.append(name), http=http, max_reconnect_attempts=0
    )
    await agent.start()
    assert agent._task is not None
    await agent._task
    assert told == ["sse_open", "sse_message", "session_ended", "sse_close"]
    assert dict(http.seen[0].params or {}) == {"appid": "1", "token": "token"}
    assert "token" not in repr(http.seen[0])


def test_a_program_on_another_transport_imports_no_aiohttp() -> None:
    program = textwrap.dedent(f"""
        import asyncio, sys
        sys.path.insert(0, {str(Path(__file__).parents[1] / "support")!r})
        from fake_transport import FakeTransport
        from mezon.api import MezonApi
        api = MezonApi(1, "k", "https://h", 5000, http=FakeTransport())
        asyncio.run(api.list_clans_descs("T"))
        print("aiohttp" in sys.modules)
    """)
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (ended.stdout, ended.stderr) == ("False\n", "")


def test_waits_double_up_to_the_longest_and_chance_has_its_part() -> None:
    assert [Backoff(1, 30).wait(done) for done in (0, 1, 2, 5, 10_000)] == [1, 2, 4, 30, 30]
    less = [Backoff(2, 30, less=0.5).wait(1) for _ in range(200)]
    more = [Backoff(2, 30, more=1.0).wait(1) for _ in range(200)]
    assert 2 <= min(less) < max(less) <= 4
    assert 4 <= min(more) < max(more) <= 5
