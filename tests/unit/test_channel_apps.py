"""The launch data of channel apps is accepted only with the app's own signature and in time."""

from __future__ import annotations

import json
import time
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mezon import AppDataError, InvalidArgumentError, verify_app_data
from mezon.channel_apps import MAX_LENGTH, _signature

SECRET = "test-app-secret"
#: The worked example of docs/protocol.md, "Channel apps": its hash was computed independently of this package.
SIGNED = (
    "query_id=AAHdF6UqAAAAAB0XpSoKhRAd&user=%7B%22id%22%3A123456789%2C%22username%22%3A%22mezon_dev%22%2C%22mezon_id"
    "%22%3A%22mezon.dev%40ncc.asia%22%7D&auth_date=1640995200&signature=abc123def456"
)
HASH = "dedacd08f10d0191af91f601378ac8ba780b66dcad0ee12abde8585d156ca8f7"


def launch_data(secret: str = SECRET, **fields: object) -> str:
    signed = urlencode(
        {"auth_date": int(time.time()), "user": json.dumps({"id": 7}), **fields}, quote_via=quote
    )
    return f"{signed}&hash={_signature(signed, secret).decode()}"


def test_worked_example_is_verified() -> None:
    data = verify_app_data(f"{SIGNED}&hash={HASH}", SECRET, max_age=None)
    assert data.user_id == 123456789
    assert data.user == {"id": 123456789, "username": "mezon_dev", "mezon_id": "mezon.dev@ncc.asia"}
    assert (data.auth_date, data.query_id) == (1640995200, "AAHdF6UqAAAAAB0XpSoKhRAd")
    assert data.fields["signature"] == "abc123def456"


def test_hash_may_be_upper_case() -> None:
    assert verify_app_data(f"{SIGNED}&hash={HASH.upper()}", SECRET, max_age=None).user_id == 123456789


@pytest.mark.parametrize(
    "data",
    [
        f"{SIGNED}&hash={HASH[:-1]}0",
        f"{SIGNED}&hash=",
        f"{SIGNED}&hash=đ{HASH}",
        f"{SIGNED.replace('123456789', '123456788')}&hash={HASH}",
        f"{SIGNED}&admin=1&hash={HASH}",
        f"{SIGNED}&hash={HASH}&hash={HASH}",
    ],
)
def test_wrong_signature_is_rejected(data: str) -> None:
    with pytest.raises(AppDataError, match="not signed with this app's secret"):
        verify_app_data(data, SECRET, max_age=None)


def test_secret_of_another_app_is_rejected() -> None:
    with pytest.raises(AppDataError, match="not signed"):
        verify_app_data(launch_data("another"), SECRET)


@pytest.mark.parametrize("data", ["", "hash", SIGNED, f"{'a' * MAX_LENGTH}&hash={HASH}"])
def test_other_text_is_rejected(data: str) -> None:
    with pytest.raises(AppDataError, match="not the launch data"):
        verify_app_data(data, SECRET)


def test_old_data_is_rejected_unless_any_age_is_accepted() -> None:
    data = launch_data(auth_date=int(time.time()) - 3_700)
    assert verify_app_data(data, SECRET).user_id == 7
    with pytest.raises(AppDataError, match="max_age=3600"):
        verify_app_data(data, SECRET, max_age=3_600)
    assert verify_app_data(data, SECRET, max_age=None).user_id == 7


@pytest.mark.parametrize("auth_date", ["", "0", "-5", "soon", "9" * 5_000, "1" + "0" * 12])
def test_unusable_auth_date_is_rejected(auth_date: str) -> None:
    with pytest.raises(AppDataError, match="auth_date"):
        verify_app_data(launch_data(auth_date=auth_date), SECRET, max_age=None)


@pytest.mark.parametrize(
    "user", ["", "null", "[]", "{}", '{"id": 0}', '{"id": true}', '{"id": "x"}', "{", "[" * 4_000]
)
def test_data_without_a_user_is_rejected(user: str) -> None:
    with pytest.raises(AppDataError, match="names no user"):
        verify_app_data(launch_data(user=user), SECRET)


def test_user_id_may_be_text() -> None:
    assert (
        verify_app_data(launch_data(user='{"id": "1840658523386646528"}'), SECRET).user_id
        == 1840658523386646528
    )


def test_empty_secret_is_rejected() -> None:
    with pytest.raises(InvalidArgumentError, match="secret"):
        verify_app_data(launch_data(), "")


@given(st.text(max_size=200), st.text(max_size=80))
def test_any_text_is_verified_or_rejected(signed: str, given_hash: str) -> None:
    with pytest.raises(AppDataError):
        verify_app_data(f"{signed}&hash={given_hash}", SECRET)
