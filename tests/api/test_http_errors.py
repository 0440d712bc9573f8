"""What a refusal, a lost connection and a silence look like to a bot, and that no secret shows in them."""

from __future__ import annotations

import asyncio
import logging
import pickle
import traceback
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from http_doubles import HastyClock, Server
from mezon import errors
from mezon._http.reply import too_long
from mezon.api import Limiter, MezonApi
from mezon.models import ApiAccountApp, ApiAuthenticateRequest
from mezon.ports import AnswerTooLongError, HttpRequest

TOKEN = "eyJhbGciOi.secret-token.signature"
KEY = "the-secret-key"
LOGIN = ApiAuthenticateRequest(account=ApiAccountApp(appid="77", token=KEY))


async def log_in(api: MezonApi) -> Any:
    return await api.mezon_authenticate(77, KEY, LOGIN)


def everything_an_error_shows(error: BaseException) -> str:
    return "".join(
        [
            *traceback.format_exception(error),
            repr(error),
            str(error),
            repr(error.args),
            repr(vars(error)),
            repr(getattr(error, "request_info", None)),
        ]
    )


@pytest.mark.parametrize("status", [400, 403, 404, 409, 418, 500, 501])
async def test_a_refusal_is_an_api_error_and_an_aiohttp_error(
    status: int, server: Server, api: MezonApi
) -> None:
    server.script = [
        web.Response(status=status, text="permission denied: no such clan", headers={"X-Trace": "t"})
    ]
    with pytest.raises(aiohttp.ClientResponseError) as caught:
        await api.list_clans_descs(TOKEN)
    error = caught.value
    assert isinstance(error, errors.ApiError)
    assert isinstance(error, errors.MezonError)
    assert not isinstance(error, errors.AuthenticationError)
    assert error.status == status
    assert error.headers is not None
    assert error.headers["X-Trace"] == "t"
    assert error.request_info.method == "POST"
    assert error.request_info.url.path == "/mezon.api.Mezon/ListClanDescs"
    assert "Authorization" not in error.request_info.headers
    assert f"ListClanDescs: 127.0.0.1 answered {status}" in str(error)
    assert "no such clan" in str(error)
    assert len(server.seen) == 1


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_login_is_an_authentication_error(status: int, server: Server, api: MezonApi) -> None:
    server.script = [web.Response(status=status)]
    with pytest.raises(errors.AuthenticationError, match="Check client_id and api_key") as caught:
        await log_in(api)
    assert isinstance(caught.value, aiohttp.ClientResponseError)
    assert caught.value.status == status
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    ("status", "headers"), [(429, {}), (403, {"Retry-After": "2"}), (500, {}), (502, {}), (503, {})]
)
async def test_a_login_that_may_work_later_is_no_authentication_error_and_not_repeated(
    status: int, headers: dict[str, str], server: Server, api: MezonApi
) -> None:
    server.script = [web.Response(status=status, headers=headers)]
    with pytest.raises(errors.ApiError) as caught:
        await log_in(api)
    assert not isinstance(caught.value, errors.AuthenticationError)
    assert caught.value.retry_after == (2.0 if headers else None)
    assert len(server.seen) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(status: int, server: Server, api: MezonApi) -> None:
    other = "https://evil.example:8443/steal?x=secret-query"
    server.default = lambda: web.Response(status=status, headers={"Location": other})
    with pytest.raises(errors.ApiError, match=r"redirects to evil\.example") as caught:
        await api.list_clans_descs(TOKEN)
    assert caught.value.status == status
    assert "secret-query" not in str(caught.value)
    with pytest.raises(errors.ApiError, match=r"redirects to evil\.example"):
        await log_in(api)
    with pytest.raises(errors.ApiError, match=r"redirects to evil\.example"):
        await api.call_api("GET", "/x", headers={"Authorization": f"Bearer {TOKEN}"})
    assert len(server.seen) == 3


async def test_silence_is_a_timeout_and_not_tried_again(server: Server, clock: HastyClock) -> None:
    async def silent(request: web.Request) -> web.Response:
        await asyncio.sleep(30)
        raise AssertionError

    server.default = lambda: silent
    api = MezonApi(1, "k", server.url, 50, limiter=Limiter(0, 0, clock=clock))
    text = r"ListClanDescs: no answer from 127\.0\.0\.1 within 0\.05 s"
    with pytest.raises(errors.MezonTimeoutError, match=text):
        await api.list_clans_descs(TOKEN)
    with pytest.raises(TimeoutError, match=r"ListChannelDetail: .* within 0\.02 s"):
        await api.get_channel_detail(TOKEN, 1, options={"timeout_ms": 20})
    assert clock.waits == []
    await api.close()


async def test_cancelling_a_call_raises_cancelled_error(server: Server, api: MezonApi) -> None:
    reached = asyncio.Event()

    async def silent(request: web.Request) -> web.Response:
        reached.set()
        await asyncio.sleep(30)
        raise AssertionError

    server.default = lambda: silent
    task = asyncio.create_task(api.list_clans_descs(TOKEN))
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_unreachable_server_is_a_connection_error(clock: HastyClock, unused_tcp_port: int) -> None:
    api = MezonApi(1, "k", f"http://127.0.0.1:{unused_tcp_port}", 5000, limiter=Limiter(0, 0, clock=clock))
    with pytest.raises(errors.MezonConnectionError, match="cannot connect to") as caught:
        await api.list_clans_descs(TOKEN)
    assert f"cannot connect to 127.0.0.1:{unused_tcp_port} (" in str(caught.value)
    assert isinstance(caught.value, ConnectionError)
    assert isinstance(caught.value, aiohttp.ClientConnectionError)
    assert len(clock.waits) == 2
    # A call that never reached the server may be repeated whatever it is, and its fate is known.
    with pytest.raises(errors.MezonConnectionError) as caught:
        await api.add_friends(TOKEN, [1])
    assert not isinstance(caught.value, errors.DeliveryUnknownError)
    assert len(clock.waits) == 4
    with pytest.raises(errors.MezonConnectionError):
        await log_in(api)
    assert len(clock.waits) == 4
    await api.close()


@pytest.mark.parametrize("url", ["http://", "http://[", "gw.mezon.ai", "http://host:notaport"])
async def test_an_address_that_is_none(url: str, clock: HastyClock) -> None:
    api = MezonApi(1, "k", url, 5000, limiter=Limiter(0, 0, clock=clock))
    with pytest.raises(errors.MezonConnectionError, match="check host and port"):
        await log_in(api)
    await api.close()


def test_errors_survive_pickling() -> None:
    from mezon.errors._api import ApiAuthenticationError, ApiError, safe_request_info

    info = safe_request_info("POST", "https://u:p@h/x?token=s", {"Accept": "a", "Authorization": "Bearer s"})
    for kind in (ApiError, ApiAuthenticationError):
        error = kind(
            info,
            status=403,
            message="Forbidden",
            headers={"A": "b", "Set-Cookie": "s"},
            call="ListRoles",
            body="text",
            hint="Hint",
            retry_after=1.5,
        )
        twin = pickle.loads(pickle.dumps(error))
        assert type(twin) is kind
        assert (
            str(twin) == str(error) == ("ListRoles: h answered 403 Forbidden (text), retry after 1.5 s. Hint")
        )
        assert (twin.status, twin.message, twin.retry_after) == (403, "Forbidden", 1.5)
        assert dict(twin.headers) == {"A": "b"}
        assert str(twin.request_info.real_url) == "https://h/x"
        assert dict(twin.request_info.headers) == {"Accept": "a"}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"\x3cgarbage", "application/proto"),
        (b"<html>", "text/html"),
        (b"{", "application/json"),
        (b"[1]", "application/json"),
        (b'{"clandesc": 5}', "application/json"),
    ],
)
async def test_an_answer_that_cannot_be_read(body: bytes, kind: str, server: Server, api: MezonApi) -> None:
    server.script = [web.Response(body=body, content_type=kind)]
    with pytest.raises(errors.ApiError, match="The answer is") as caught:
        await api.list_clans_descs(TOKEN)
    assert isinstance(caught.value, ValueError)
    assert caught.value.status == 200


async def test_a_huge_answer_is_not_read_to_its_end(server: Server, api: MezonApi) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        try:
            while True:
                await answer.write(bytes(1 << 16))
        except ConnectionError:
            return answer

    server.script = [endless]
    request = HttpRequest("x", "GET", server.url + "/x", timeout=5, max_answer=1 << 20)
    with pytest.raises(AnswerTooLongError, match="longer than 1048576 bytes") as caught:
        await api.http.send(request)
    with pytest.raises(errors.ApiError, match="longer than 1048576 bytes"):
        raise too_long(caught.value.answer, request)


async def test_a_header_with_a_line_break_is_refused_unseen(server: Server, api: MezonApi) -> None:
    with pytest.raises(errors.InvalidArgumentError, match="line break") as caught:
        await api.list_clans_descs(f"{TOKEN}\r\nX-Evil: 1")
    assert TOKEN not in everything_an_error_shows(caught.value)
    assert server.seen == []


async def test_secrets_never_show(
    server: Server, clock: HastyClock, caplog: pytest.LogCaptureFixture
) -> None:
    """Every way a call can end, at log level DEBUG: no token, key or query in a log line or an error."""
    caplog.set_level(logging.DEBUG)
    basic = "Nzc6dGhlLXNlY3JldC1rZXk="
    secrets = (TOKEN[:12], KEY[:8], basic[:12], "query-secret", "fresh-secret")

    async def cut(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async def silent(request: web.Request) -> web.Response:
        await asyncio.sleep(30)
        raise AssertionError

    def echo(status: int, padding: int = 0, **headers: str) -> Any:
        async def answer(request: web.Request) -> web.Response:
            given = request.headers.get("Authorization")
            text = f"{'x' * padding}bad {given} {await request.text()} {request.query_string}"
            return web.Response(status=status, text=text, headers={"Set-Cookie": f"t={TOKEN}", **headers})

        return answer

    async def renew(stale: str) -> str:
        return "fresh-secret"

    api = MezonApi(77, KEY, server.url, 100, limiter=Limiter(0, 0, clock=clock))
    shown = [repr(api), repr(api.reauthenticate)]
    api.reauthenticate = renew
    for ending in (
        lambda: echo(400),
        lambda: echo(400, padding=175),  # the cut falls into the secret
        lambda: echo(401),
        lambda: echo(403),
        lambda: echo(429),
        lambda: echo(500),
        lambda: echo(503),
        lambda: echo(302, Location=f"https://x/?t={TOKEN}"),
        lambda: cut,
        lambda: silent,
        lambda: web.Response(body=b"\x3c", content_type="application/proto"),
    ):
        server.default = ending  # type: ignore[assignment]
        for call in (
            lambda: api.list_clans_descs(TOKEN),
            lambda: api.add_friends(TOKEN, ["5"]),
            lambda: log_in(api),
            lambda: api.call_api(
                "GET", "/x", {"token": "query-secret"}, headers={"Authorization": f"Bearer {TOKEN}"}
            ),
        ):
            try:
                await call()
            except Exception as error:
                shown.append(everything_an_error_shows(error))
    await api.close()
    assert len(shown) > 30
    assert "ListClanDescs" in caplog.text
    text = "\n".join([*shown, caplog.text, *(repr(vars(record)) for record in caplog.records)])
    assert [secret for secret in secrets if secret in text] == []
