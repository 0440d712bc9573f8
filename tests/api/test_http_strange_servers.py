"""Whatever answers at host and port, an error is ours and shows no key, no token and no query."""

from __future__ import annotations

import asyncio
import base64
import logging
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import quote

import pytest
from http_doubles import HastyClock
from mezon import MezonError
from mezon._agents.stream import AgentEventStream
from mezon._core import EphemeralKeyPair
from mezon._http.transport import AiohttpTransport
from mezon._tokens import MmnClient, MmnClientConfig, SendTransactionRequest, ZkClient, ZkClientConfig
from mezon._tokens.delivery import Delivery
from mezon.api import Limiter, MezonApi
from mezon.api._upload import UploadPlace
from mezon.constants import SSEEvents
from mezon.errors import DeliveryUnknownError, TokenDeliveryUnknownError
from mezon.models import ApiAccountApp, ApiAuthenticateRequest
from strange_servers import STRANGE, strange_server

KEY = "key+of/the=bot&0123456789"
TOKEN = "eyJhbGciOi.c2VjcmV0LXRva2Vu.signature-of-it"
JWT = "eyJ.an-id-token-for-the-proof.sig"
PROOF = "the-proof-of-the-pair"
QUERY = "secret-in-the-query"
SIGNATURE = "deadbeefcafe0123"
BASIC = base64.b64encode(f"77:{KEY}".encode()).decode()
SECRETS = [
    *(form for text in (KEY, TOKEN, JWT, BASIC) for form in (text, quote(text), quote(text, safe=""))),
    TOKEN.split(".")[1],
    PROOF,
    QUERY,
    SIGNATURE,
]


def shown_by(error: BaseException | None) -> str:
    """Everything that an error, its causes and its contexts show, those that a traceback would leave out as well."""
    texts: list[str] = []
    ahead, seen = [error], set()
    while ahead:
        error = ahead.pop()
        if error is None or id(error) in seen:
            continue
        seen.add(id(error))
        texts += [str(error), repr(error), repr(error.args), repr(vars(error))]
        texts += traceback.format_exception(error)
        info = getattr(error, "request_info", None)
        texts += [repr(info), repr(dict(getattr(error, "headers", None) or {}))]
        assert type(error).__module__.startswith("mezon"), f"{type(error)} of somebody else is shown"
        ahead += [error.__cause__, error.__context__]
    return "\n".join(texts)


@pytest.fixture(params=STRANGE)
async def url(request: pytest.FixtureRequest) -> AsyncIterator[str]:
    async with strange_server(request.param) as url:
        yield url


@pytest.fixture
async def api(url: str) -> AsyncIterator[MezonApi]:
    client = MezonApi(77, KEY, url, 5000, limiter=Limiter(0, 0, clock=HastyClock()))
    yield client
    await client.close()


async def ends(call: Callable[[], Awaitable[object]]) -> BaseException | None:
    """How a call ends: by an error of this package, or not at all."""
    try:
        await call()
    except MezonError as error:
        return error
    return None


async def test_calls(api: MezonApi, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    login = ApiAuthenticateRequest(account=ApiAccountApp(appid="77", token=KEY))
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: api.mezon_authenticate(77, KEY, login),
        lambda: api.list_clans_descs(TOKEN),
        lambda: api.add_friends(TOKEN, [1]),
        lambda: api.call_api("GET", "/x", {"token": QUERY}, headers=dict(bearer)),
        lambda: api.call_api("POST", "/x", {"token": QUERY}, b"b", headers=dict(bearer)),
    ]
    shown = [shown_by(await ends(call)) for call in calls]
    text = "\n".join([*shown, caplog.text, *(repr(vars(record)) for record in caplog.records)])
    assert [secret for secret in SECRETS if secret in text] == []


async def test_uploads(api: MezonApi) -> None:
    place = UploadPlace("a.txt", f"{api.base_url}/put/a.txt?X-Amz-Signature={SIGNATURE}&token={QUERY}")
    shown = shown_by(await ends(lambda: api._put(place, b"body", 4, "text/plain")))
    assert [secret for secret in SECRETS if secret in shown] == []


async def test_token_transfers(url: str) -> None:
    # Two, for these servers close a connection after an answer, and a transfer on a dead one may have gone out.
    mmn, payer = (
        MmnClient(MmnClientConfig(base_url=url), delivery=Delivery(resends=1, delay=0.01)) for _ in range(2)
    )
    zk = ZkClient(ZkClientConfig(endpoint=url))
    transfer = SendTransactionRequest(
        sender=1,
        recipient=2,
        amount="1",
        nonce=1,
        private_key=EphemeralKeyPair.generate(),
        zk_proof=PROOF,
        zk_pub="p",
    )
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: zk.get_zk_proofs(1, "public", JWT, "address"),
        lambda: mmn.get_current_nonce(1),
        lambda: payer.send_transaction(transfer),
    ]
    errors = [await ends(call) for call in calls]
    for client in (mmn, payer, zk):
        await client.close()
    shown = "\n".join(shown_by(error) for error in errors)
    assert [secret for secret in SECRETS if secret in shown] == []
    assert errors[2] is not None
    # A 3xx or 4xx says that the node took nothing; whatever else came, it may have.
    refused = any(f"HTTP {status}" in str(errors[2]) for status in (302, 403, 409, 418))
    assert isinstance(errors[2], TokenDeliveryUnknownError) is not refused


async def test_agent_events(url: str) -> None:
    told: list[tuple[str, Any]] = []
    agent = AgentEventStream(
        url, 77, KEY, lambda name, payload: told.append((name, payload)), max_reconnect_attempts=0
    )
    await agent.start()
    assert agent._task is not None
    await asyncio.wait([agent._task])
    await agent.close()
    shown = [f"{payload!r}" for _, payload in told]
    shown += [shown_by(payload) for name, payload in told if name == SSEEvents.ERROR]
    assert [secret for secret in SECRETS if any(secret in text for text in shown)] == []


@pytest.mark.parametrize("kind", ["ssh", "header without a colon", "endless header"])
async def test_who_speaks_no_http_is_named_with_what_to_do(kind: str) -> None:
    clock = HastyClock()
    async with strange_server(kind) as url:
        api = MezonApi(77, KEY, url, 5000, limiter=Limiter(0, 0, clock=clock))
        with pytest.raises(ConnectionError, match="is not valid HTTP; check host, port"):
            await api.list_clans_descs(TOKEN)
        assert clock.waits == []  # trying again would not help
        with pytest.raises(DeliveryUnknownError):
            await api.add_friends(TOKEN, [1])
        await api.close()


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "unix:///run/docker.sock",
        "http+unix://x",
        "https://",
        "https://a b",
        "http://h:0",
        "http://h:99999",
        "http://h:-1",
        "http://[::1",
        "http://ex\u0000ample",
        "ftp://h",
        "//h",
        "",
    ],
)
async def test_an_address_that_is_none_is_never_asked(url: str) -> None:
    from mezon.ports import HttpFailure, HttpRequest

    transport = AiohttpTransport()
    for request in (HttpRequest("x", "GET", url), HttpRequest("x", "PUT", url, exact=True)):
        with pytest.raises(HttpFailure, match="x: the server's address cannot be used") as caught:
            await transport.send(request)
        assert (caught.value.sent, caught.value.lasting) == (False, True)
    assert transport.sessions == 0
    with pytest.raises(HttpFailure):
        async with transport.stream(HttpRequest("x", "GET", url)):
            raise AssertionError("it was opened")
