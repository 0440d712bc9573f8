"""A client's one HTTP transport: one session, one set of TLS settings, and untrusted answers of the server."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from bot_process import quiet_options
from mezon import AuthenticationError, GatewayOptions, MezonClient, MezonConnectionError, MezonError
from mezon.testing import LocalGateway
from patience import patient

Factory = Callable[..., Awaitable[LocalGateway]]


def client_at(gateway: LocalGateway, **settings: Any) -> MezonClient:
    options = quiet_options(gateway) | {
        "gateway": GatewayOptions(**settings),
        "mmn_api_url": gateway.mmn_api_url,
        "zk_api_url": gateway.zk_api_url,
        "agent_event_url": gateway.url,
    }
    return MezonClient(**options)


@pytest.mark.parametrize("way", ["ca_file", "insecure"])
async def test_ca_file_and_insecure_hold_for_tokens_uploads_and_agent_events(
    gateway_factory: Factory, way: str
) -> None:
    gateway = await gateway_factory(tls=True)
    client = client_at(gateway, **({"ca_file": gateway.ca_file} if way == "ca_file" else {"insecure": True}))
    opened = asyncio.Event()

    client.on("sse_open", lambda payload: opened.set())
    await client.login()
    assert client.zk_proof is not None
    assert (await client.get_current_nonce(client.client_id)).nonce >= 0
    uploaded = await client.upload_file(b"hello", "a.txt")
    assert uploaded.url.startswith("https://")
    assert [upload.body for upload in gateway.uploads.values()] == [b"hello"]
    await client.connect_ai_agent_sse()
    await asyncio.wait_for(opened.wait(), patient(10))
    assert client._ports.http().sessions == 1
    await client.disconnect()
    assert client._ports.http().sessions == 0


async def test_without_either_none_of_them_trusts_the_server(gateway_factory: Factory) -> None:
    gateway = await gateway_factory(tls=True)
    client = client_at(gateway)
    failed: asyncio.Queue[Any] = asyncio.Queue()
    client.on("sse_error", failed.put_nowait)
    with pytest.raises(MezonConnectionError, match="certificate"):
        await client.get_current_nonce(client.client_id)
    await client.connect_ai_agent_sse()
    assert "certificate" in str(await asyncio.wait_for(failed.get(), patient(10)))
    await client.disconnect()
    assert gateway.requests == []


def token_that_ends(exp: str) -> str:
    claims = base64.urlsafe_b64encode(f'{{"exp": {exp}, "uid": "1"}}'.encode()).decode().rstrip("=")
    return f"e30.{claims}.c2ln"


@pytest.mark.parametrize(
    "fields",
    [
        {"api_url": "file:///etc/passwd"},
        {"api_url": "unix:///run/docker.sock"},
        {"api_url": "https://ho st"},
        {"api_url": "http://127.0.0.1:99999"},
        {"api_url": "http://[::1"},
        {"api_url": "http://"},
        {"ws_url": "file:///etc/passwd"},
        {"ws_url": "unix:///run/docker.sock"},
        {"ws_url": "ws://ho st"},
        {"ws_url": "ws://127.0.0.1:99999"},
        {"ws_url": "ws://[::1"},
        {"ws_url": "ws://"},
        {"token": "x"},
        {"token": token_that_ends("null")},
        {"token": token_that_ends("1e400")},
    ],
    ids=json.dumps,
)
async def test_an_unusable_session_is_an_error_with_an_explanation(
    gateway: LocalGateway, fields: dict[str, str]
) -> None:
    # With both transports, the client would use the other one.
    gateway.session_fields = {"tcp_url": "", **fields}
    client = client_at(gateway)
    with pytest.raises(AuthenticationError) as caught:
        await client.login()
    assert str(caught.value).startswith("the server")
    assert fields.get("token", "no token") not in str(caught.value)
    assert gateway.connections.total == 0
    await client.disconnect()
    gateway.session_fields = {}
    await client.login()  # the session was at fault, not the client
    await client.disconnect()


@pytest.mark.parametrize("exp", [str(10**400), "9e300", str(2**63), "-1", str(-(10**400))])
async def test_any_expiry_is_accepted(gateway: LocalGateway, exp: str) -> None:
    token = token_that_ends(exp)
    # The gateway accepts its own tokens only; this one is added.
    gateway.sessions.remember(token, gateway.bot_id, "access")
    gateway.session_fields = {"token": token}
    client = client_at(gateway)
    await client.login()
    expires_at = client.session_manager.get_session().expires_at
    assert expires_at is not None
    assert abs(expires_at) <= 2**53
    assert client.session_manager.get_session().is_expired(0.0) is (expires_at < 0)
    await client.disconnect()


@pytest.mark.parametrize("port", ["99999", "0", "-1", "http"])
async def test_an_invalid_port_is_an_error_with_an_explanation(gateway: LocalGateway, port: str) -> None:
    with pytest.raises(MezonError, match="port must be a number from 1 to 65535"):
        MezonClient(**(quiet_options(gateway) | {"port": port}))


async def test_calls_after_disconnect_work_and_leave_nothing_open(gateway: LocalGateway) -> None:
    """As in mezon-sdk, whose disconnect is no logout. A closed client need not be closed again."""
    client = client_at(gateway)
    await client.login()
    token = client.session_manager.get_session().token
    await client.disconnect()
    http = client._ports.http()
    seen = asyncio.create_task(client.api_client.list_clans_descs(token))
    listed = await client.api_client.list_clans_descs(token)
    assert [clan.clan_id for clan in listed.clandesc or []] == list(gateway.world.clans)
    await seen
    assert http.sessions == 0
    with pytest.raises(MezonConnectionError):
        await client.api_client.call_api("GET", "http://127.0.0.1:1/nobody")
    assert http.sessions == 0

    # An expired session does not cause a login, which would then be renewed forever.
    gateway.expire_tokens()
    logins = [request.name for request in gateway.requests].count("/v2/apps/authenticate/token")
    with pytest.raises(MezonError, match="log in again"):
        await client.api_client.list_clans_descs(token)
    assert [request.name for request in gateway.requests].count("/v2/apps/authenticate/token") == logins
    assert http.sessions == 0

    await client.login()
    assert http.sessions == 1
    await client.api_client.list_clans_descs(client.session_manager.get_session().token)
    assert http.sessions == 1
    await client.disconnect()
    assert http.sessions == 0
