"""Session: what it takes from a login, and what it keeps to itself."""

import base64
import json
from typing import Any

import pytest
from mezon.errors import AuthenticationError
from mezon.models import ApiAccountApp, ApiSession
from mezon.session import Session


def jwt(**claims: Any) -> str:
    parts = ({"alg": "HS256"}, claims)
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return ".".join([*encoded, "c2lnbmF0dXJl"])


def answer(**fields: Any) -> ApiSession:
    return ApiSession(
        **{"token": jwt(exp=2000, vrs={"a": "b"}, uid=7), "api_url": "https://api.example", **fields}
    )


def test_everything_is_read() -> None:
    refresh = jwt(exp=3000)
    session = Session(answer(refresh_token=refresh, user_id=42, id_token="i", ws_url="sock.example"))
    assert (session.expires_at, session.refresh_expires_at, session.vars) == (2000, 3000, {"a": "b"})
    assert (session.user_id, session.id_token, session.refresh_token) == ("42", "i", refresh)
    assert (session.api_url, session.ws_url) == ("https://api.example", "wss://sock.example")
    assert not session.is_expired(2000)
    assert session.is_expired(2001)
    assert not session.is_refresh_expired(3000)
    assert session.is_refresh_expired(3001)


@pytest.mark.parametrize(
    ("given", "restored"),
    [
        ("h.example", "wss://h.example"),
        ("h.example:8443/path", "wss://h.example:8443/path"),
        ("127.0.0.1:7350", "wss://127.0.0.1:7350"),
        ("ws://127.0.0.1:7350", "ws://127.0.0.1:7350"),
        ("wss://h.example", "wss://h.example"),
        ("https://h.example", "wss://h.example"),
        ("http://h.example", "ws://h.example"),
        ("", ""),
        (None, ""),
    ],
)
def test_ws_url_gets_its_scheme(given: str | None, restored: str) -> None:
    assert Session(answer(ws_url=given)).ws_url == restored


def test_addresses_that_are_left_out_fall_back() -> None:
    session = Session(answer(api_url=None), "https://login.example", "ws://login.example:80")
    assert (session.api_url, session.ws_url) == ("https://login.example", "ws://login.example:80")


def test_user_id_comes_from_the_token_when_the_answer_has_none() -> None:
    assert Session(answer()).user_id == "7"
    assert Session(answer(token=jwt(exp=1))).user_id == ""


@pytest.mark.parametrize(
    "token",
    [
        None,
        "",
        "garbage",
        "a.b.c",
        "a.!!!.c",
        "x.W10.y",
        jwt(),
        jwt(exp="soon"),
        jwt(exp=None),
        "." * 5,
        "a.🎉.b",
    ],
)
def test_a_missing_or_broken_token_is_an_authentication_error(token: str | None) -> None:
    with pytest.raises(AuthenticationError, match="session token") as caught:
        Session(answer(token=token))
    if token:
        assert token not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_refresh_token_of_another_kind_does_no_harm() -> None:
    session = Session(answer(refresh_token="opaque"))
    assert session.refresh_token == "opaque"
    assert session.is_refresh_expired(0)


def test_update() -> None:
    session = Session(answer())
    token = jwt(exp=5000, vrs=None)
    session.update(token, jwt(exp=6000))
    assert (session.token, session.expires_at, session.refresh_expires_at, session.vars) == (
        token,
        5000,
        6000,
        {},
    )
    with pytest.raises(AuthenticationError):
        session.update("broken")
    assert (session.token, session.expires_at) == (token, 5000)


def test_restore() -> None:
    kept = answer(user_id=42).model_dump()
    assert Session.restore(kept).user_id == "42"
    assert Session.restore(answer(user_id=43)).user_id == "43"


def test_no_token_in_any_repr() -> None:
    api_session = answer(refresh_token="refresh-secret", id_token="id-secret")
    session = Session(api_session)
    account = ApiAccountApp(appid="1", token="key-secret")
    for text in (repr(session), str(session), repr(api_session), str(api_session), repr(account)):
        assert "secret" not in text
        assert session.token not in text
