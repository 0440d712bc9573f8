"""The answers of the smaller calls against protobuf's own JSON form."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import json_format
from mezon._events.default_effects import Effects
from mezon._events.registration import SERVED
from mezon._gateway.codec import MESSAGES, schema_of
from mezon.managers.cache import CacheManager
from mezon.protobuf.rtapi import realtime_pb2
from mezon.socket._caller import Answer

KINDS = (
    "message_typing_event",
    "last_seen_message_event",
    "last_pin_message_event",
    "custom_status_event",
    "voice_joined_event",
    "voice_leaved_event",
    "check_name_existed_event",
)


def values_of(message: str, *, full: bool) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, field in schema_of(message).items():
        if field.kind == "string":
            values[name] = f"text of {name}" if full else ""
        else:
            values[name] = (True if field.kind == "bool" else 7) if full else 0
    return values


@pytest.mark.parametrize("full", [True, False], ids=["full", "zeros"])
@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_is_protobufs_json(kind: str, full: bool) -> None:
    values = values_of(MESSAGES[kind], full=full)
    answer = Answer(MESSAGES[kind], values)
    message = getattr(realtime_pb2, MESSAGES[kind].rpartition(".")[2])(**values)
    expected = json_format.MessageToDict(message)
    assert answer == expected
    assert list(answer) == list(expected)
    assert {name: answer[name] for name in values} == values
    assert {name: answer.get(name) for name in values} == values


def test_the_events_a_client_serves_are_those_it_has_effects_for() -> None:
    class Client:
        auto_accept_friends = False
        channels = users = CacheManager[int, Any](None)  # type: ignore[arg-type]

    client: Any = Client()
    table = Effects(client, client, lambda work, what: None, lambda token, refresh: None).table()
    assert table.keys() == SERVED
