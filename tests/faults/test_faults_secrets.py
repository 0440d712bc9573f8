"""Secrets stay secret in a whole life with a reconnect and failing calls, and plain text is never a fallback."""

from __future__ import annotations

import asyncio
import base64
import datetime
import logging
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from fault_kit import QUICK, Bot
from fault_types import MakeBot
from mezon import GatewayOptions, MezonClient, MezonConnectionError, MezonError
from mezon.errors import InvalidArgumentError
from mezon.socket._url import socket_url
from mezon.testing import LocalGateway
from waiting import until

MakeGateway = Callable[..., Awaitable[LocalGateway]]


async def test_no_secret_is_logged_raised_or_shown(
    gateway: LocalGateway, make_bot: MakeBot, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    bot = await make_bot(login=False, fill_gaps=True)
    shown: list[object] = []
    bot.on_error(lambda error, name: shown.append(error))
    await bot.login()
    await gateway.wait_joined()
    tokens = [bot.session_manager.get_session().token]
    refresh = [bot.session_manager.get_session().refresh_token]

    async def fails(call: Awaitable[object]) -> None:
        with pytest.raises(MezonError) as caught:
            await call
        error: BaseException | None = caught.value
        while error is not None:
            shown.extend([error, error.args, repr(error), vars(error)])
            error = error.__cause__ or error.__context__

    gateway.http_status("ListChannelDetail", 500, times=None, body=f"you sent {tokens[0]}")
    await fails(bot.channels.fetch(123))
    gateway.http_drop("ListClanDescs", times=None)
    gateway.answer_with_error("ListClanDescs", 13, times=None)  # where it is asked once HTTP is gone
    await fails(bot.api_client.list_clans_descs(tokens[0]))
    gateway.answer_with_error("channel_message_send", 5)
    await fails(bot.send_message(1, gateway.world.channel("general").id, 2, True, "x"))
    gateway.clear_faults()
    # A reconnect whose socket is refused with the URL in the answer, then one that works.
    gateway.http_status("/ws", 403, times=1, body=tokens[0])
    gateway.http_status("/v2/apps/authenticate/token", 500, times=1, body=f"{gateway.api_key} {tokens[0]}")
    await gateway.drop()
    await bot.until_back()
    tokens.append(bot.session_manager.get_session().token)
    refresh.append(bot.session_manager.get_session().refresh_token)
    other = Bot(gateway, api_key="another-secret-key-0123456789")
    await fails(other.login())
    await gateway.stop()
    await fails(Bot(gateway).login())
    await gateway.start()
    shown += [bot, bot.session_manager.get_session(), bot.api_client, bot.socket_manager, bot.stats()]
    shown += [bot.socket_manager.get_socket(), bot.gateway, bot.lost, bot.gaps, bot.session_manager]
    await bot.disconnect()

    basic = base64.b64encode(f"{gateway.bot_id}:{gateway.api_key}".encode()).decode()
    secrets = [*tokens, *refresh, gateway.api_key, basic, other.api_key]
    # The middle of a JWT alone would do for a reader, and half of that; so would the URL's form of it.
    secrets += [token.split(".")[1][:40] for token in tokens] + [quote(token, safe="") for token in tokens]
    records = [f"{r.getMessage()} {r.args!r} {r.exc_text or ''}" for r in caplog.records]
    texts = {
        "the log": "\n".join([caplog.text, *records]),
        "an error or a repr": "\n".join(f"{thing!s} {thing!r}" for thing in shown),
    }
    assert len(texts["the log"]) > 2000, "the log of a whole life"
    for where, text in texts.items():
        for secret in secrets:
            assert secret not in text, f"a secret is in {where}"
        assert "token=" not in text, f"the socket's query is in {where}"


@pytest.mark.parametrize("api", ["http", "socket"])
async def test_what_the_server_sends_back_over_the_socket_is_hidden(
    gateway: LocalGateway, make_bot: MakeBot, caplog: pytest.LogCaptureFixture, api: str
) -> None:
    """The words and the details of a refusal: of a call, of an RPC on either way, of one by the socket itself."""
    caplog.set_level(logging.DEBUG)
    bot = await make_bot(api=api)
    await gateway.drop()
    await bot.until_back()
    token = bot.session_manager.get_session().token
    said = f"you sent {token} and {quote(token, safe='')} with {gateway.api_key}"
    for name in ("channel_message_send", "ListChannelDetail", "ListChannelDescs"):
        gateway.answer_with_error(name, 13, said, context={said: said})
    gateway.http_status("ListChannelDetail", 409, body=said)
    calls: list[Awaitable[object]] = [
        bot.send_message(1, gateway.world.channel("general").id, 2, True, "x"),
        bot.channels.fetch(123),
        bot.socket_manager.get_socket().list_channel_by_user_id(),
    ]
    shown = []
    for call in calls:
        with pytest.raises(MezonError) as caught:
            await call
        error: BaseException | None = caught.value
        while error is not None:
            shown += traceback.format_exception(error)
            shown += [repr(error), repr(error.args), repr(vars(error))]
            error = error.__context__
    text = "\n".join([*shown, caplog.text])
    assert text.count("you sent [hidden] and [hidden] with [hidden]") > len(calls)
    # Half a token would do for a reader.
    for secret in (token[:40], quote(token, safe="")[:40], gateway.api_key):
        assert secret not in text


@pytest.mark.parametrize(
    ("given", "use_ssl", "expected"),
    [
        ("ws://gw.example", True, "wss://gw.example/ws?"),
        ("http://gw.example:80", True, "wss://gw.example:80/ws?"),
        ("gw.example", True, "wss://gw.example/ws?"),
        ("wss://gw.example", True, "wss://gw.example/ws?"),
        ("WS://gw.example", True, "wss://gw.example/ws?"),
        ("gw.example", False, "wss://gw.example/ws?"),
        ("wss://gw.example", False, "wss://gw.example/ws?"),
        ("ws://gw.example:7350", False, "ws://gw.example:7350/ws?"),
        ("wss://gw.example/evil?x=1#y", True, "wss://gw.example/ws?"),
    ],
)
def test_wss_is_not_downgraded(given: str, use_ssl: bool, expected: str) -> None:
    assert socket_url(given, use_ssl, "t&k=n").startswith(expected)
    assert "token=t%26k%3Dn" in socket_url(given, use_ssl, "t&k=n")


@pytest.mark.parametrize("insecure", [False, True])
async def test_a_server_cannot_talk_the_bot_into_plain_text(
    gateway_factory: MakeGateway, insecure: bool
) -> None:
    """The session names a plain-text gateway; a client of TLS does not go there with its token."""
    safe = await gateway_factory(tls=True)
    plain = await gateway_factory()
    safe.session_fields = {"ws_url": plain.ws_url, "api_url": plain.url, "tcp_url": ""}
    bot = Bot(safe, {"insecure": insecure})
    with pytest.raises(MezonConnectionError):
        await bot.login()
    assert plain.connections.total == 0
    assert plain.requests == []
    await bot.disconnect()


async def test_a_certificate_nobody_vouches_for_is_refused(gateway_factory: MakeGateway) -> None:
    gateway = await gateway_factory(tls=True)
    options = gateway.client_options() | {"gateway": GatewayOptions(**QUICK)}
    client = MezonClient(**options)
    with pytest.raises(MezonConnectionError, match="certificate") as caught:
        await client.login()
    assert "GatewayOptions(ca_file=...)" in str(caught.value)
    assert "GatewayOptions(insecure=True)" in str(caught.value)
    assert gateway.requests == []
    await client.disconnect()


def worst_certificate(folder: Path) -> Path:
    """A certificate that signed itself, is out of date and for another host; and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "elsewhere.example")])
    start = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    file = folder / "worst.pem"
    file.write_bytes(
        certificate.public_bytes(pem) + key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    )
    return file


async def test_insecure_takes_any_certificate_and_says_so_once(
    gateway_factory: MakeGateway, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """HTTP, the socket and a reconnect to a host with yet another certificate; one warning for each login."""
    caplog.set_level(logging.DEBUG)
    gateway, stranger = await gateway_factory(tls=True), await gateway_factory(tls=True)
    gateway.present_certificate(worst_certificate(tmp_path))
    with pytest.raises(MezonConnectionError, match=r"certificate.*ca_file.*insecure"):
        await Bot(gateway).login()
    bot = Bot(gateway, {"ca_file": None, "insecure": True})

    def warnings() -> list[str]:
        return [
            record.getMessage()
            for record in caplog.records
            if record.levelno >= logging.WARNING and "insecure" in record.getMessage()
        ]

    caplog.clear()
    await bot.login()
    await gateway.wait_joined()
    await bot.channels.fetch(gateway.world.channel("general").id)
    tokens = [bot.session_manager.get_session().token]
    stranger.sessions = gateway.sessions
    gateway.session_fields = {"ws_url": stranger.ws_url, "tcp_url": stranger.tcp_url}
    await gateway.drop()
    await bot.until_back()
    await stranger.wait_joined()
    tokens.append(bot.session_manager.get_session().token)
    [warning] = warnings()
    assert "certificates are not verified" in warning
    assert "ca_file" in warning
    await bot.disconnect()
    for secret in [*tokens, gateway.api_key]:
        assert secret not in caplog.text


@pytest.mark.parametrize("value", ["", "false", "0", 0, 1, None])
def test_insecure_is_not_switched_on_by_accident(value: object) -> None:
    assert GatewayOptions().insecure is False
    with pytest.raises(InvalidArgumentError, match="insecure must be True or False"):
        GatewayOptions(insecure=value)  # type: ignore[arg-type]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_carries_no_token_to_another_host(
    gateway: LocalGateway, gateway_factory: MakeGateway, make_bot: MakeBot, status: int
) -> None:
    """Neither a login nor a call nor the socket follows a server that points elsewhere."""
    other = await gateway_factory()
    # With the other transport the socket would be back at once.
    bot = await make_bot(transport="websocket")
    http, socket = {"Location": f"{other.url}/there"}, {"Location": f"{other.ws_url}/ws"}
    gateway.http_status("ListClanDescs", status, headers=http)
    with pytest.raises(MezonError, match="redirects"):
        await bot.api_client.list_clans_descs(bot.session_manager.get_session().token)
    gateway.http_status("/v2/apps/authenticate/token", status, headers=http)
    gateway.http_status("/ws", status, headers=socket)
    await gateway.drop()
    await bot.until_back()
    logins = [request for request in gateway.requests if request.name.endswith("token")]
    assert len(logins) == 4, "at the start, one refused, one for the socket that was, one that works"
    assert (other.requests, other.connections.total) == ([], 0)


async def test_ca_file_holds_for_http_and_the_socket_through_a_reconnect(
    gateway_factory: MakeGateway,
) -> None:
    gateway = await gateway_factory(tls=True)
    bot = Bot(gateway)
    await bot.login()
    await gateway.wait_joined()
    await gateway.drop()
    await bot.until_back()
    await gateway.say("general", "alice", "over TLS")
    await bot.until_heard("over TLS")
    await bot.disconnect()


async def test_a_socket_with_an_unknown_certificate_is_not_used(
    gateway_factory: MakeGateway, caplog: pytest.LogCaptureFixture
) -> None:
    """HTTP is trusted, the socket's host is not: the reconnect fails aloud, again and again, without its token."""
    caplog.set_level(logging.DEBUG, logger="mezon")
    gateway = await gateway_factory(tls=True)
    stranger = await gateway_factory(tls=True)
    bot = Bot(gateway)
    await bot.login()
    gateway.session_fields = {"ws_url": stranger.ws_url, "tcp_url": ""}
    await gateway.drop()
    await until(lambda: sum(r.name.endswith("token") for r in gateway.requests) >= 4, "some attempts")
    assert bot.state != "ready"
    assert "GatewayOptions(insecure=True)" in caplog.text, "the reason is logged, and what to do"
    assert stranger.requests == []
    gateway.session_fields = {}
    await bot.until_back()
    await bot.disconnect()
    await asyncio.sleep(0)
