"""Secrets stay secret in a whole life with a reconnect and failing calls, and plain text is never a fallback."""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Awaitable, Callable
from urllib.parse import quote

import pytest
from fault_kit import QUICK, Bot, until
from fault_types import MakeBot
from mezon import GatewayOptions, MezonClient, MezonConnectionError, MezonError
from mezon.socket._url import socket_url
from mezon.testing import LocalGateway

MakeGateway = Callable[..., Awaitable[LocalGateway]]


async def test_no_secret_is_logged_raised_or_shown(
    gateway: LocalGateway, make_bot: MakeBot, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    bot = await make_bot(login=False, fill_gaps=True, timeout=1000)
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
    await fails(bot.api_client.list_clans_descs(tokens[0]))
    gateway.answer_with_error("channel_message_send", 5)
    await fails(bot.send_message(1, gateway.world.channel("general").id, 2, True, "x"))
    gateway.clear_faults()
    # A reconnect whose socket is refused with the URL in the answer, then one that works.
    gateway.http_status("/ws", 403, times=1, body=tokens[0])
    gateway.http_status("/v2/apps/authenticate/token", 500, times=1, body=f"{gateway.api_key}")
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
    # The middle of a JWT alone would do for a reader; so would the URL's form of it.
    secrets += [token.split(".")[1] for token in tokens] + [quote(token, safe="") for token in tokens]
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


async def test_a_server_cannot_talk_the_bot_into_plain_text(gateway_factory: MakeGateway) -> None:
    """The session names a plain-text gateway; a client of TLS does not go there with its token."""
    safe = await gateway_factory(tls=True)
    plain = await gateway_factory()
    safe.session_fields = {"ws_url": plain.ws_url, "api_url": plain.url}
    bot = Bot(safe)
    with pytest.raises(MezonConnectionError):
        await bot.login()
    assert plain.connections.total == 0
    assert plain.requests == []
    await bot.disconnect()


async def test_a_certificate_nobody_vouches_for_is_refused(gateway_factory: MakeGateway) -> None:
    gateway = await gateway_factory(tls=True)
    options = gateway.client_options() | {"gateway": GatewayOptions(**QUICK)}
    client = MezonClient(**options)
    with pytest.raises(MezonConnectionError, match="certificate"):
        await client.login()
    assert gateway.requests == []
    await client.disconnect()


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


async def test_a_socket_with_an_unknown_certificate_is_not_used(gateway_factory: MakeGateway) -> None:
    """HTTP is trusted, the socket's host is not: the reconnect fails aloud, again and again, without its token."""
    gateway = await gateway_factory(tls=True)
    stranger = await gateway_factory(tls=True)
    bot = Bot(gateway)
    await bot.login()
    gateway.session_fields = {"ws_url": stranger.ws_url}
    await gateway.drop()
    await until(lambda: sum(r.name.endswith("token") for r in gateway.requests) >= 4, "some attempts")
    assert bot.state != "ready"
    assert stranger.requests == []
    gateway.session_fields = {}
    await bot.until_back()
    await bot.disconnect()
    await asyncio.sleep(0)
