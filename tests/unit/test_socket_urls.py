"""Where the socket is, by what a session says: every shape of its addresses, and never down to plain text."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from mezon import MezonClient
from mezon.errors import AuthenticationError, InvalidArgumentError
from mezon.models import ApiSession
from mezon.session import Session
from mezon.socket._url import socket_urls, with_plain_scheme


def places(ws_url: str, tcp_url: str, *, use_ssl: bool = True, **options: Any) -> list[str]:
    """The addresses without path and query."""
    session: Any = SimpleNamespace(ws_url=ws_url, tcp_url=tcp_url, token="t&k=n")
    urls = socket_urls(session, use_ssl, **options)
    assert all("token=t%26k%3Dn" in url for url in urls)
    return [url.partition("?")[0].removesuffix("/ws") for url in urls]


@pytest.mark.parametrize(
    ("tcp_url", "expected"),
    [
        ("sock.mezon.ai", "tcps://sock.mezon.ai:443"),
        ("sock.mezon.ai:7349", "tcps://sock.mezon.ai:7349"),
        ("tcp://sock.mezon.ai", "tcps://sock.mezon.ai:443"),
        ("tcp://sock.mezon.ai:4433", "tcps://sock.mezon.ai:4433"),
        ("tcps://sock.mezon.ai", "tcps://sock.mezon.ai:443"),
        ("wss://sock.mezon.ai:4433/path?query=1", "tcps://sock.mezon.ai:4433"),
        ("https://sock.mezon.ai", "tcps://sock.mezon.ai:443"),
        ("[::1]:7349", "tcps://[::1]:7349"),
        ("[::1]", "tcps://[::1]:443"),
    ],
)
def test_a_tcp_url_of_any_shape_is_understood(tcp_url: str, expected: str) -> None:
    assert places("", tcp_url) == [expected]
    assert places("wss://ws.example", tcp_url) == ["wss://ws.example", expected]


@pytest.mark.parametrize(
    ("ws_url", "expected"),
    [
        ("wss://sock.mezon.ai", ["wss://sock.mezon.ai", "tcps://sock.mezon.ai:443"]),
        ("wss://sock.mezon.ai:7350/x", ["wss://sock.mezon.ai:7350", "tcps://sock.mezon.ai:7350"]),
        ("", ["wss://login.example:8443", "tcps://login.example:8443"]),
    ],
)
def test_without_a_tcp_url_the_websockets_host_stands_in(ws_url: str, expected: list[str]) -> None:
    assert places(ws_url, "", fallback="wss://login.example:8443") == expected


def test_a_session_that_names_tcp_alone_has_no_websocket() -> None:
    assert places("", "sock.mezon.ai", fallback="wss://login.example") == ["tcps://sock.mezon.ai:443"]
    made = Session(answer(tcp_url="sock.mezon.ai"), "https://api.example", "wss://login.example")
    assert (made.ws_url, made.tcp_url) == ("", "sock.mezon.ai")
    made = Session(answer(), "https://api.example", "wss://login.example")
    assert (made.ws_url, made.tcp_url) == ("wss://login.example", "")


@pytest.mark.parametrize(
    ("ws_url", "tcp_url", "websocket", "tcp"),
    [
        ("wss://a:1", "b:2", "wss://a:1", "tcps://b:2"),
        ("wss://a:1", "", "wss://a:1", "tcps://a:1"),
        ("", "b:2", "wss://b:2", "tcps://b:2"),
        ("", "tcp://b:2", "wss://b:2", "tcps://b:2"),
    ],
)
def test_a_forced_transport_stands_alone(ws_url: str, tcp_url: str, websocket: str, tcp: str) -> None:
    assert places(ws_url, tcp_url, transport="websocket") == [websocket]
    assert places(ws_url, tcp_url, transport="tcp") == [tcp]


@pytest.mark.parametrize("ws_url", ["ws://a:1", "http://a:1", "wss://a:1", ""])
@pytest.mark.parametrize("tcp_url", ["tcp://b:2", "ws://b:2", "http://b:2", "b:2", ""])
def test_with_ssl_nothing_is_plain(ws_url: str, tcp_url: str) -> None:
    for transport in ("auto", "websocket", "tcp"):
        urls = places(ws_url, tcp_url, transport=transport, fallback="ws://login.example")
        assert urls
        assert all(url.startswith(("wss:", "tcps:")) for url in urls)


@pytest.mark.parametrize(
    ("ws_url", "tcp_url", "expected"),
    [
        ("ws://a:1", "b:2", ["ws://a:1", "tcp://b:2"]),
        ("ws://a:1", "tcp://b:2", ["ws://a:1", "tcp://b:2"]),
        ("ws://a:1", "", ["ws://a:1", "tcp://a:1"]),
        ("wss://a:1", "b:2", ["wss://a:1", "tcps://b:2"]),
        ("wss://a:1", "tcp://b:2", ["wss://a:1"]),  # never from TLS down to plain text
        ("ws://a:1", "tcps://b:2", ["ws://a:1", "tcps://b:2"]),
        ("", "tcp://b:2", ["tcp://b:2"]),
        ("", "b:2", ["tcp://b:2"]),
    ],
)
def test_without_ssl_the_session_says(ws_url: str, tcp_url: str, expected: list[str]) -> None:
    assert places(ws_url, tcp_url, use_ssl=False) == expected


@pytest.mark.parametrize(
    ("tcp_url", "expected"), [("b:2", "ws://b:2"), ("tcp://b:2", "ws://b:2"), ("tcps://b:2", "wss://b:2")]
)
def test_a_forced_websocket_at_the_tcp_address_without_ssl(tcp_url: str, expected: str) -> None:
    assert places("", tcp_url, use_ssl=False, transport="websocket") == [expected]


def test_an_address_that_is_none_is_left_out_while_there_is_another() -> None:
    assert places("wss://bad host", "b:2") == ["tcps://b:2"]
    assert places("wss://a", "b:99999") == ["wss://a"]
    with pytest.raises(AuthenticationError, match="has an invalid ws_url"):
        places("wss://bad host", "b:99999")
    with pytest.raises(AuthenticationError, match="has an invalid tcp_url"):
        places("wss://a", "file:///etc", transport="tcp")


@pytest.mark.parametrize(
    ("ws_url", "expected"),
    [
        ("sock.local", "ws://sock.local:7305"),
        ("127.0.0.1:7350", "ws://127.0.0.1:7350"),
        ("[::1]", "ws://[::1]:7305"),
        ("wss://sock.local", "wss://sock.local"),
        ("", ""),
    ],
)
def test_a_bare_address_of_a_server_without_tls(ws_url: str, expected: str) -> None:
    assert with_plain_scheme(ws_url, "http://127.0.0.1:7305") == expected


def test_the_setting_is_one_of_three(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MezonClient(1, "k").transport == "auto"
    assert MezonClient(1, "k", transport="tcp").transport == "tcp"
    with pytest.raises(InvalidArgumentError, match="auto, websocket, tcp, not 'udp'"):
        MezonClient(1, "k", transport="udp")  # type: ignore[arg-type]
    monkeypatch.setenv("MEZON_TRANSPORT", "websocket")
    assert MezonClient(1, "k").transport == "websocket"
    assert MezonClient(1, "k", transport="tcp").transport == "tcp"


def answer(**fields: Any) -> ApiSession:
    return ApiSession(token="e30.eyJleHAiOjIwMDB9.s", api_url="https://api.example", **fields)
