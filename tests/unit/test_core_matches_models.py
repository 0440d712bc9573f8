"""The core's decoder and mezon.models._base must give the same, whatever the wire brings."""

import math
from typing import Any

import pytest
from hypothesis import given
from mezon._gateway import codec as _plans
from mezon.models import ENVELOPE_TO_PYDANTIC_MAP, ChannelMessage, convert_envelope_to_pydantic
from mezon.protobuf.api import api_pb2
from test_envelope_models import ENVELOPE_FIELDS, VECTORS, deliver, messages, name_of


def assert_same(event: str, message: Any) -> ChannelMessage | Any:
    plan = _plans.event_plan(event)
    assert plan is not None
    core = plan.decode(message.SerializeToString())
    python = convert_envelope_to_pydantic(event, message)
    assert type(core) is type(python)
    assert core == python
    assert list(core.__dict__) == list(python.__dict__) or message.DESCRIPTOR.name == "ChannelMessage"
    assert core.model_fields_set == python.model_fields_set
    assert core.model_dump() == python.model_dump()
    if isinstance(python, ChannelMessage) and message.content:
        assert core.raw_content == python.raw_content
    return core


@pytest.mark.parametrize(
    "vector", [vector for vector in VECTORS if vector["type"] != "protobuf"], ids=name_of
)
def test_vectors(vector: dict[str, Any]) -> None:
    payload, _ = deliver(vector)
    assert_same(vector["event"], payload)


@pytest.mark.parametrize("event", sorted(ENVELOPE_TO_PYDANTIC_MAP))
def test_any_message(event: str) -> None:
    @given(messages(ENVELOPE_FIELDS[event].message_type))
    def check(message: Any) -> None:
        assert_same(event, message)

    check()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "[1,2]",
        "null",
        '{"t":',
        '{"a":1,"a":2}',
        ' {"t":1} ',
        '{"a":Infinity}',
        '{"a":1e400}',
        '{"a":"\\ud800"}',
        '{"a":"\\u0000"}',
        '{"a":12345678901234567890123}',
        '{"a":-0.0}',
        '{"a":1.5e300}',
        "\ufeff{}",
        '{"t":1}x',
        '{"t":"a\tb"}',
        '{"a":01}',
        "[" * 100000,
        '{"a":' * 150 + "1" + "}" * 150,
    ],
    ids=lambda text: text[:20],
)
def test_content(text: str) -> None:
    assert_same("channel_message", api_pb2.ChannelMessage(content=text))


def test_content_with_a_number_that_is_none() -> None:
    plan = _plans.event_plan("channel_message")
    assert plan is not None
    core = plan.decode(api_pb2.ChannelMessage(content='{"a":NaN}').SerializeToString())
    assert math.isnan(core.content["a"])


@pytest.mark.parametrize(
    "data",
    [
        b'[{"user_id":"5","s":1,"role_id":"","username":null,"x":1},{"user_id":6},7]',
        b'{"mentions":[{"user_id":6}]}',
        b'[{"user_id":1.5,"s":true,"username":5}]',
        b'[{"user_id":-5,"s":"7"}]',
        b'[{"user_id":99999999999999999999999}]',
        b'[{"channel_id":5,"create_time":"x"}]',
        b'[{"message_ref_id":"5","message_sender_id":6,"has_attachment":"true","content":{"t":1}}]',
        b'{"refs":[{"message_ref_id":1}]}',
        b' [{"user_id":1}]',
        b"[",
        b"[1]",
        b"{}",
        b"null",
        b"\xff\xff\xff garbage",
        b"\n\x00",
    ],
)
def test_parts(data: bytes) -> None:
    for field in ("mentions", "attachments", "reactions", "references"):
        assert_same("channel_message", api_pb2.ChannelMessage(**{field: data}))
