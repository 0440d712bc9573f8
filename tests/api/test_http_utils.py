"""mezon.api.utils, as bots call it."""

from __future__ import annotations

import json

import aiohttp
import pytest
from aiohttp import web
from http_doubles import Server
from mezon.api import utils
from mezon.errors import InvalidArgumentError
from mezon.models import ApiAccountApp, ApiAuthenticateRequest
from mezon.protobuf.api import api_pb2


def test_build_headers() -> None:
    assert utils.build_headers() == {"Accept": "application/json", "Content-Type": "application/json"}
    assert utils.build_headers("T", ("u", "p"), True, True, {"Accept": "x", "A": "b"}) == {
        "Accept": "x",
        "Content-Type": "application/proto",
        "A": "b",
        "Authorization": "Bearer T",
    }
    assert utils.build_headers(basic_auth=(1, "key"))["Authorization"] == "Basic MTprZXk="


@pytest.mark.parametrize(
    ("arguments", "url"),
    [
        (("https", "h"), "https://h"),
        (("https", "h", 443), "https://h:443"),
        (("wss", "h", "7350", "/ws", "", {"a": "b c", "d": 1}, "f"), "wss://h:7350/ws?a=b+c&d=1#f"),
    ],
)
def test_build_url(arguments: tuple[object, ...], url: str) -> None:
    assert utils.build_url(*arguments) == url  # type: ignore[arg-type]


def test_build_body() -> None:
    assert utils.build_body({"a": None}) == '{"a": null}'
    model = ApiAuthenticateRequest(account=ApiAccountApp(appid="1", token="ö"))
    assert json.loads(utils.build_body(model)) == {"account": {"appid": "1", "token": "ö"}}
    with pytest.raises(ValueError, match="not list") as caught:
        utils.build_body([])  # type: ignore[arg-type]
    assert isinstance(caught.value, InvalidArgumentError)


@pytest.mark.parametrize(
    ("url", "use_ssl", "scheme", "hostname", "secure", "port"),
    [
        ("https://api.mezon.ai", False, "https", "api.mezon.ai", True, "443"),
        ("https://api.mezon.ai:8443/path", False, "https", "api.mezon.ai", True, "8443"),
        ("http://127.0.0.1:80", False, "http", "127.0.0.1", False, "80"),
        ("ws://h", False, "ws", "h", False, "80"),
        ("ws://h", True, "ws", "h", True, "443"),
        ("wss://h", False, "wss", "h", True, "443"),
    ],
)
def test_parse_url_components(
    url: str, use_ssl: bool, scheme: str, hostname: str, secure: bool, port: str
) -> None:
    assert utils.parse_url_components(url, use_ssl) == {
        "scheme": scheme,
        "hostname": hostname,
        "use_ssl": secure,
        "port": port,
    }


def test_small_ones() -> None:
    assert [utils.is_schema_secure(s) for s in ("https", "wss", "http", "ws", "")] == [
        True,
        True,
        False,
        False,
        False,
    ]
    assert utils.build_params({"a": 0, "b": None, "c": ""}) == {"a": 0, "c": ""}
    assert utils.build_params(None) == {}
    assert utils.is_binary_response("text/plain; charset=utf-8")
    assert not utils.is_binary_response("application/json; charset=utf-8")
    assert not utils.is_binary_response("text/html")
    assert not utils.is_binary_response("")


async def test_parse_response(server: Server) -> None:
    body = api_pb2.ClanDesc(clan_id=3).SerializeToString()
    server.script = [
        web.Response(body=body, content_type="application/proto"),
        web.json_response({"clan_id": 3}),
        web.Response(body=b"\xff", content_type="application/proto"),
        web.Response(body=b"\xff\x00", content_type="application/proto"),
    ]
    async with aiohttp.ClientSession() as session:
        async with session.get(server.url) as resp:
            assert (await utils.parse_response(resp, True, api_pb2.ClanDesc)).clan_id == 3
        async with session.get(server.url) as resp:
            assert await utils.parse_response(resp, True, api_pb2.ClanDesc) == {"clan_id": 3}
        async with session.get(server.url) as resp:
            with pytest.raises(ValueError, match="not a ClanDesc message"):
                await utils.parse_binary_response(resp, api_pb2.ClanDesc)
        async with session.get(server.url) as resp:
            assert await utils.parse_response(resp, False, None) == b"\xff\x00"
