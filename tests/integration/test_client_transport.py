"""The choice of the transport and its log lines. These tests select the transport themselves."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from bot_process import quiet_options
from mezon import GatewayOptions, MezonClient, MezonConnectionError
from mezon.testing import LocalGateway, WireForm
from waiting import until

pytestmark = pytest.mark.transports("websocket")

Factory = Callable[..., Awaitable[LocalGateway]]
QUICK = {"backoff_base": 0.01, "backoff_max": 0.05}


def bot_at(gateway: LocalGateway, transport: str = "auto", **options: Any) -> MezonClient:
    settings = GatewayOptions(**QUICK, ca_file=gateway.ca_file)
    return MezonClient(**{**quiet_options(gateway), "gateway": settings, "transport": transport, **options})


def tried(gateway: LocalGateway) -> list[tuple[str, bool]]:
    return [(handshake.transport, handshake.accepted) for handshake in gateway.handshakes]


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize(
    ("served", "expected"),
    [
        ({}, [("websocket", True)]),
        ({"websocket": False}, [("websocket", False), ("tcp", True)]),
        ({"tcp": False}, [("websocket", True)]),
    ],
    ids=["both", "tcp alone", "websocket alone"],
)
async def test_auto_uses_the_served_transport_within_one_attempt(
    gateway_factory: Factory,
    served: dict[str, bool],
    expected: list[tuple[str, bool]],
    tls: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    gateway = await gateway_factory(tls=tls, **served)
    client = bot_at(gateway)
    await client.login()
    assert tried(gateway) == expected
    used = expected[-1][0]
    assert client.stats().transport == used
    said = [text for record in caplog.records if "is logged in" in (text := record.getMessage())]
    assert [text.rpartition(", ")[2] for text in said] == [used]
    assert sum(request.name.endswith("/token") for request in gateway.requests) == 1
    await client.disconnect()


@pytest.mark.parametrize("status", [404, 410, 426, 501])
async def test_a_refused_upgrade_leads_to_tcp(gateway: LocalGateway, status: int) -> None:
    gateway.http_status("/ws", status, times=None)
    client = bot_at(gateway)
    await client.login()
    assert tried(gateway) == [("websocket", False), ("tcp", True)]
    await client.disconnect()


async def test_the_transport_that_worked_is_tried_first(gateway: LocalGateway) -> None:
    gateway.http_status("/ws", 404, times=1)
    client = bot_at(gateway)
    await client.login()
    await gateway.drop()
    await until(lambda: client.stats().reconnects == 1, "the reconnect")
    assert tried(gateway) == [("websocket", False), ("tcp", True), ("tcp", True)]
    # And vice versa, when the transport that worked is refused.
    gateway.refuse_tcp(times=1)
    await gateway.drop()
    await until(lambda: client.stats().reconnects == 2, "the second reconnect")
    assert client.stats().transport == "websocket"
    await client.disconnect()


@pytest.mark.parametrize(("choice", "served"), [("websocket", {"websocket": False}), ("tcp", {"tcp": False})])
async def test_a_forced_transport_is_kept(
    gateway_factory: Factory, choice: str, served: dict[str, bool]
) -> None:
    gateway = await gateway_factory(**served)
    client = bot_at(gateway, choice)
    with pytest.raises(MezonConnectionError):
        await client.login()
    assert {name for name, _ in tried(gateway)} == {choice}
    assert not any(accepted for _, accepted in tried(gateway))
    await client.disconnect()


@pytest.mark.parametrize("tcp_url", ["url", "host:port", "none"])
@pytest.mark.parametrize("ws_url", ["url", "host:port", "host", "none"])
@pytest.mark.parametrize("choice", ["auto", "websocket", "tcp"])
async def test_addresses_of_every_shape(
    gateway: LocalGateway, choice: str, ws_url: Any, tcp_url: Any
) -> None:
    """A ``tcp_url`` without a port means 443, where no test can listen; see tests/unit/test_socket_urls.py."""
    gateway.announce(ws_url=ws_url, tcp_url=tcp_url)
    client = bot_at(gateway, choice)
    await client.login()
    assert len(gateway.handshakes) == 1
    if choice != "auto":
        assert client.stats().transport == choice
    await client.disconnect()


@pytest.mark.parametrize("scheme", ["", "ws://"])
@pytest.mark.parametrize("ws_url", ["127.0.0.1:99999", "a b", "@", "[::1"])
async def test_an_invalid_websocket_address_leaves_tcp(
    gateway: LocalGateway, scheme: str, ws_url: str
) -> None:
    gateway.session_fields = {"ws_url": f"{scheme}{ws_url}", "tcp_url": gateway.tcp_url}
    client = bot_at(gateway)
    await client.login()
    assert tried(gateway) == [("tcp", True)]
    await client.disconnect()


async def test_a_session_that_names_tcp_alone(gateway: LocalGateway) -> None:
    gateway.announce(ws_url="none")
    client = bot_at(gateway)
    await client.login()
    assert tried(gateway) == [("tcp", True)]
    await client.disconnect()


async def test_tls_is_never_downgraded_to_plain_text(gateway_factory: Factory) -> None:
    secure, plain = await gateway_factory(tls=True, websocket=False), await gateway_factory()
    secure.session_fields = {"tcp_url": f"tcp://{plain.tcp_url}"}
    for transport in ("auto", "tcp"):
        client = bot_at(secure, transport)
        with pytest.raises(MezonConnectionError):
            await client.login()
        await client.disconnect()
    assert plain.handshakes == []


@pytest.mark.parametrize("choice", ["websocket", "tcp"])
@pytest.mark.parametrize(
    "wire",
    [
        WireForm(split=1, interleave=True),
        WireForm(gather=0.01, padding="more"),
        WireForm(padding="none", pushes="abridged", interleave=True),
        WireForm(pushes="websocket"),
    ],
    ids=["byte by byte", "gathered", "no padding", "as seen live"],
)
async def test_every_framing_of_the_server_is_read(
    gateway_factory: Factory, choice: str, wire: WireForm
) -> None:
    gateway = await gateway_factory(wire=wire, chunk_count=7)
    client = bot_at(gateway, choice)
    heard: list[str] = []
    client.on_channel_message(lambda message: heard.append(message.content["t"]))
    await client.login()
    channel = await client.channels.fetch(gateway.world.channel("general").id)
    for number in range(20):
        await gateway.say("general", "alice", f"tin nhắn {number} " + "🎉" * (number % 5))
    sent = await channel.send("old")
    await (await channel.messages.fetch(sent.message_id or 0)).update({"t": "new"})
    wanted = [f"tin nhắn {number} " + "🎉" * (number % 5) for number in range(20)]
    await until(lambda: [text for text in heard if text.startswith("tin")] == wanted, "twenty messages")
    assert json_texts(gateway) == ["new"]
    assert client.stats().malformed == 0
    await client.disconnect()


def json_texts(gateway: LocalGateway) -> list[str]:
    mine = [m for m in gateway.world.messages("general") if m.sender_id == gateway.bot_id]
    return [json.loads(message.content)["t"] for message in mine]


@pytest.mark.parametrize("says", ["http", "silent"])
async def test_a_token_that_tcp_refuses_leads_to_a_new_session(gateway_factory: Factory, says: str) -> None:
    gateway = await gateway_factory(tcp_refusal=says)
    client = bot_at(gateway, "tcp")
    await client.login()
    gateway.refuse_tcp(times=1, status=401 if says == "http" else None)
    await gateway.drop()
    await until(lambda: client.stats().reconnects == 1, "the reconnect")
    assert tried(gateway) == [("tcp", True), ("tcp", False), ("tcp", True)]
    assert sum(request.name.endswith("/token") for request in gateway.requests) >= 3
    await client.disconnect()
