"""A setting of a wrong type, negative, not finite or too large is a sentence where it is made."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from mezon import (
    GapOptions,
    GatewayOptions,
    InvalidArgumentError,
    MessageDB,
    MessageLimits,
    MezonClient,
    MezonError,
    _core,
)
from mezon.socket import WebSocketAdapterPb

#: What no number of any setting may be.
NO_NUMBER: list[Any] = [
    "7",
    b"7",
    [1],
    True,
    object(),
    -1,
    -0.5,
    math.nan,
    math.inf,
    -math.inf,
    2**64,
    1e300,
    10**5000,
]

OPTIONS = [(kind, field) for kind in (GatewayOptions, GapOptions, MessageLimits) for field in fields(kind)]


def refused(make: Callable[[], object], name: str) -> str:
    with pytest.raises(InvalidArgumentError) as caught:
        make()
    text = str(caught.value)
    assert isinstance(caught.value, MezonError)
    assert name in text
    assert len(text.split()) >= 5, "a sentence"
    return text


@pytest.mark.parametrize(("kind", "field"), OPTIONS, ids=lambda one: getattr(one, "name", None))
def test_what_an_option_may_not_be(kind: Any, field: Any) -> None:
    name = field.name
    if field.type in ("int", "int | None", "float"):
        wrong = [
            *NO_NUMBER,
            *([] if "None" in field.type else [None]),
            *([] if field.type == "float" else [1.5]),
        ]
    elif field.type == "bool":
        wrong = ["false", "", 0, 1, None]
    elif name == "clans":
        wrong = [5, None, True, "all", [0], [-1], [1.5], ["general"], [True]]
    else:
        assert name == "ca_file"
        wrong = [5, b"ca.pem", "", True]
    for value in wrong:
        refused(lambda value=value: kind(**{name: value}), name)  # type: ignore[misc]


@pytest.mark.parametrize("field", fields(GatewayOptions), ids=lambda field: field.name)
def test_the_core_takes_every_value_that_the_class_takes(field: Any) -> None:
    """The least, the default and the largest."""
    if field.type == "bool" or "str" in field.type:
        values: list[Any] = [field.default]
    elif field.type == "float":
        values = [0, 5e-324, 1, field.default, 1e10]
    else:
        values = [0, 1, field.default, 2**32 - 1]
    taken = []
    for value in values:
        try:
            options = GatewayOptions(**{field.name: value})
        except InvalidArgumentError:
            assert value == 0
            continue
        _core.Gateway(options.as_dict())
        taken.append(value)
    assert len(taken) >= len(values) - 1


def test_zero_means_none_where_none_makes_sense_and_is_refused_where_it_would_stop_the_bot() -> None:
    for name in (
        "rate_limit",
        "reconnect_max_attempts",
        "max_joined",
    ):
        GatewayOptions(**{name: 0})
    for name in ("max_frame", "inbox_events", "max_pending", "heartbeat_interval", "connect_timeout"):
        refused(lambda name=name: GatewayOptions(**{name: 0}), name)  # type: ignore[misc]
    GapOptions(channels=0, timeout=0)
    MessageLimits(content=None, attachments=0)


def test_a_path_of_a_certificate_is_taken_as_text_and_as_path() -> None:
    assert GatewayOptions(ca_file="ca.pem").as_dict()["ca_file"] == "ca.pem"
    _core.Gateway(GatewayOptions(ca_file=Path("ca.pem")).as_dict())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "name",
    [
        "timeout",
        "max_concurrent_handlers",
        "cache_size",
        "messages_per_channel",
        "http_rate_limit",
        "http_rate_period",
        "blocked_loop_warning",
    ],
)
def test_numbers_of_the_client(name: str) -> None:
    for value in NO_NUMBER:
        refused(lambda value=value: MezonClient(1, "k", **{name: value}), name)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("client_id", ["abc", "", None, 1.5, math.inf, math.nan, 2**70, "9" * 5000]),
        ("port", ["x", "", 0, "0", 65_536, -1, None, 443.0, True, " 443 ", "9" * 5000]),
        ("log_level", ["LOUD", None, 1.5, ""]),
        ("health", [8080, "8080", "127.0.0.1:x", "127.0.0.1:70000"]),
        ("fill_gaps", ["yes", 1, {"channels": 1}]),
        ("auto_accept_friends", ["no", 1, None]),
        ("limits", [4000, {"content": 1}, True]),
        ("transport", ["udp", 5]),
        ("api", ["carrier pigeon", 5]),
    ],
)
def test_other_parameters_of_the_client(name: str, values: list[Any]) -> None:
    for value in values:
        settings = {"client_id": 1, "api_key": "k", name: value}
        refused(lambda settings=settings: MezonClient(**settings), name)  # type: ignore[misc]


@pytest.mark.parametrize("port", ["443", 443])
def test_a_port_is_a_text_or_a_number(port: Any) -> None:
    assert MezonClient(1, "k", port=port).login_url.endswith(":443")


@pytest.mark.parametrize(
    "name",
    ["max_messages", "max_age", "memory_messages_per_channel", "memory_channels", "memory_bytes"],
)
def test_bounds_of_the_message_store(name: str) -> None:
    for value in NO_NUMBER:
        refused(lambda value=value: MessageDB(":memory:", **{name: value}), name)  # type: ignore[misc]
    refused(lambda: MessageDB(":memory:", on_error="log it"), "on_error")  # type: ignore[arg-type]


def test_settings_of_a_socket_made_by_hand() -> None:
    refused(lambda: WebSocketAdapterPb(options={"haste": 1}), "haste")
    refused(lambda: WebSocketAdapterPb(options={"max_frame": -5}), "max_frame")
    refused(lambda: WebSocketAdapterPb(rate_limit=-1), "rate_limit")
