"""Every recorded frame through a real socket into a handler (docs/contract.md, "Payloads")."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import pytest
from mezon.protobuf.rtapi import realtime_pb2
from peer import Gateway, Inbox

VECTORS: dict[str, list[dict[str, Any]]] = {}
for _line in (
    (pathlib.Path(__file__).parents[1] / "vectors" / "inbound.jsonl").read_text("utf-8").splitlines()
):
    _vector = json.loads(_line)
    VECTORS.setdefault(_vector["event"], []).append(_vector)

ZEROS = (None, 0, "", False, [])


def of_type(*types: str) -> list[str]:
    return sorted(event for event, vectors in VECTORS.items() if any(v["type"] in types for v in vectors))


async def receive(
    gateway: Gateway, client: Any, event: str, kind: str
) -> list[tuple[dict[str, Any], Any, Any]]:
    """The vectors of an event and type, with the protobuf message and what the handler got."""
    inbox = Inbox()
    client.on(event, inbox)
    received = []
    for vector in VECTORS[event]:
        if vector["type"] != kind:
            continue
        frame = bytes.fromhex(vector["frame"])
        await gateway.push_raw(frame)
        message = getattr(realtime_pb2.Envelope.FromString(frame), event)
        received.append((vector, message, await inbox.next()))
    assert received
    return received


def assert_covers(recorded: Any, value: Any) -> None:
    """``value`` says all that was recorded; a None that was recorded may be the zero of the protobuf."""
    if isinstance(recorded, dict) and "__bytes__" in recorded:
        assert value == bytes.fromhex(recorded["__bytes__"])
    elif isinstance(recorded, dict) and isinstance(value, dict):
        for key, item in recorded.items():
            assert_covers(item, value[key])
    elif isinstance(recorded, list) and isinstance(value, list):
        for item, other in zip(recorded, value, strict=True):
            assert_covers(item, other)
    elif recorded is None:
        assert value in ZEROS
    else:
        assert type(recorded) is type(value)
        assert recorded == value


@pytest.mark.parametrize("event", of_type("model"))
async def test_models(gateway: Gateway, client: Any, event: str) -> None:
    """Where the reference delivers a model, the same model with equal values comes."""
    for vector, _, received in await receive(gateway, client, event, "model"):
        assert type(received).__name__ == vector["class"]
        assert_covers(vector["value"], received.model_dump())


@pytest.mark.parametrize("event", of_type("protobuf"))
async def test_protobufs(gateway: Gateway, client: Any, event: str) -> None:
    """Events without a model in ENVELOPE_TO_PYDANTIC_MAP stay the protobuf object, equal to what was sent."""
    for vector, message, received in await receive(gateway, client, event, "protobuf"):
        assert type(received) is type(message)
        assert received.DESCRIPTOR.full_name == vector["class"]
        assert received == message


@pytest.mark.parametrize("event", of_type("fallback"))
async def test_fallbacks(gateway: Gateway, client: Any, event: str) -> None:
    """Where the reference hands out a protobuf object by surprise, the model comes with the same fields."""
    for vector, message, received in await receive(gateway, client, event, "fallback"):
        assert type(received).__name__ == vector["class"]
        type(received).model_validate(received.model_dump(by_alias=True))
        for field in message.DESCRIPTOR.fields:
            parsed = event == "channel_message" and (
                field.name == "content" or field.type == field.TYPE_BYTES
            )
            if field.message_type is None and not parsed:
                expected = getattr(message, field.name)
                expected = list(expected) if field.is_repeated else expected
                assert getattr(received, field.name) == expected, field.name


async def test_events_nobody_listens_to_are_not_decoded(gateway: Gateway, client: Any) -> None:
    """Names in Events without a listener are not decoded; a counter tells."""
    inbox = Inbox()
    client.on("message_typing_event", inbox)
    before = client.stats()
    for _ in range(5):
        await gateway.push(voice_joined_event={"user_id": 1})
    await gateway.push(message_typing_event={"channel_id": 1})
    await inbox.next()
    after = client.stats()
    assert after.events.get("voice_joined_event", 0) - before.events.get("voice_joined_event", 0) == 5
    assert after.skipped - before.skipped == 5
