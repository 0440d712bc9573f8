"""The core reads frames as google.protobuf reads them: whatever that decodes gives the same here, whole or mutated."""

from __future__ import annotations

import contextlib
import json
import math
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mezon import _core
from mezon._gateway import codec as _plans
from mezon.models import convert_envelope_to_pydantic
from mezon.protobuf.rtapi import realtime_pb2
from mezon.protobuf.utils import is_repeated
from test_raw_models import as_dict, plain_messages

Envelope = realtime_pb2.Envelope
MEMBERS = {field.number: field for field in Envelope.DESCRIPTOR.oneofs_by_name["message"].fields}
NAMES = sorted(field.name for field in MEMBERS.values())
VECTORS = [
    bytes.fromhex(json.loads(line)["frame"])
    for file in ("inbound.jsonl", "outbound.jsonl")
    for line in (Path(__file__).parent / "vectors" / file).read_text("utf-8").splitlines()
    if json.loads(line).get("frame")
]
LENGTH_DELIMITED, GROUP = 2, 3


@cache
def bodies(name: str) -> st.SearchStrategy[Any]:
    return plain_messages(Envelope.DESCRIPTOR.fields_by_name[name].message_type)


@st.composite
def frames_of(draw: st.DrawFn, name: str) -> bytes:
    envelope = Envelope(cid=draw(st.integers(-(2**31), 2**31 - 1) | st.integers(0, 65_535)))
    member = getattr(envelope, name)
    member.SetInParent()
    member.CopyFrom(draw(bodies(name)))
    return envelope.SerializeToString()


any_frame = st.sampled_from(NAMES).flatmap(frames_of) | st.sampled_from(VECTORS)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A frame after a few of the accidents that can befall one: flipped, cut, doubled, joined, stuffed."""
    frame = bytearray(draw(any_frame))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(frame)))
        to = min(len(frame), at + draw(st.integers(0, 30)))
        match draw(st.integers(0, 6)):
            case 0 if at < len(frame):
                frame[at] ^= 1 << draw(st.integers(0, 7))
            case 1 if at < len(frame):
                frame[at] = draw(st.integers(0, 255))
            case 2:
                del frame[at:to]
            case 3:
                frame[at:at] = frame[at:to]
            case 4:
                frame += draw(any_frame)
            case 5:
                # A field by the number of one that exists, of any wire type.
                frame[at:at] = bytes([draw(st.integers(1, 15)) << 3 | draw(st.sampled_from([0, 1, 2, 5]))])
            case 6:
                frame[at:at] = draw(st.binary(min_size=1, max_size=10))
    return bytes(frame)


def fields_of(frame: bytes) -> list[Any]:
    """The fields of a message as they lie on the wire: to a message without fields all are unknown."""
    assert not realtime_pb2.Ping.DESCRIPTOR.fields
    return list(UnknownFieldSet(realtime_pb2.Ping.FromString(frame)))  # type: ignore[no-untyped-call]


def is_moot(message: Any) -> bool:
    """Does it hold something parsers differ about? No schema of Mezon and no server has either.

    Groups, which protobuf skips and the core refuses; and map entries with something unknown in them, which this
    implementation of protobuf keeps out of the map, others and the core do not.
    """
    maps = {field.number for field in message.DESCRIPTOR.fields if is_map(field)}
    for unknown in UnknownFieldSet(message):  # type: ignore[no-untyped-call]
        if unknown.wire_type == GROUP or (
            unknown.wire_type == LENGTH_DELIMITED and unknown.field_number in maps
        ):
            return True
    return any(
        is_moot(item)
        for field, value in message.ListFields()
        if field.message_type is not None and not is_map(field)
        for item in (value if is_repeated(field) else [value])
    )


def is_map(field: Any) -> bool:
    return field.message_type is not None and bool(field.message_type.GetOptions().map_entry)


def comparable(value: Any) -> Any:
    """The same with one NaN for all, which is equal to itself."""
    if isinstance(value, dict):
        return {key: comparable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [comparable(item) for item in value]
    return "NaN" if isinstance(value, float) and math.isnan(value) else value


def assert_read_alike(frame: bytes) -> None:
    try:
        envelope = Envelope.FromString(frame)
    except DecodeError:
        # What protobuf refuses may be refused or not: bodies nobody asked for stay unread. But that is all.
        with contextlib.suppress(ValueError):
            _, tag, body = _core.peek_envelope(frame)
            if tag in MEMBERS:
                _plans.dict_plan(_plans.MESSAGES[MEMBERS[tag].name]).decode(body)
        return
    if is_moot(envelope):
        return
    cid, tag, body = _core.peek_envelope(frame)
    assert cid == envelope.cid
    name = envelope.WhichOneof("message")
    if name is None:
        assert tag not in MEMBERS
        return
    assert MEMBERS[tag].name == name
    payload = getattr(envelope, name)
    came = [
        field.data
        for field in fields_of(frame)
        if field.field_number == tag and field.wire_type == LENGTH_DELIMITED
    ]
    assert body == came[-1]
    if len(came) > 1:
        # protobuf makes one message of a member that comes twice; no server sends that, and the last one counts.
        payload = type(payload).FromString(body)
        if is_moot(payload):
            return
    assert comparable(_plans.dict_plan(_plans.MESSAGES[name]).decode(body)) == comparable(as_dict(payload))
    plan = _plans.event_plan(name)
    if plan is not None:
        core, python = plan.decode(body), convert_envelope_to_pydantic(name, payload)
        assert type(core) is type(python)
        assert comparable(core.model_dump()) == comparable(python.model_dump())
        assert getattr(core, "raw_content", None) == getattr(python, "raw_content", None)


def test_the_envelope_is_a_number_and_one_of_many() -> None:
    assert set(Envelope.DESCRIPTOR.fields_by_name) == {"cid", *NAMES}
    assert {number: field.name for number, field in MEMBERS.items()} == _plans.NAMES


@pytest.mark.parametrize("name", NAMES)
def test_any_envelope(name: str) -> None:
    @settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.too_slow])
    @given(frames_of(name))
    def check(frame: bytes) -> None:
        assert _core.peek_envelope(frame)[1] == _plans.TAGS[name]
        assert_read_alike(frame)

    check()


def test_vectors() -> None:
    assert len(VECTORS) > 500
    for frame in VECTORS:
        assert_read_alike(frame)


@settings(deadline=None, max_examples=1500, suppress_health_check=[HealthCheck.too_slow])
@given(mutated())
def test_any_envelope_after_an_accident(frame: bytes) -> None:
    assert_read_alike(frame)


@settings(deadline=None, max_examples=500)
@given(st.binary(max_size=60))
def test_any_bytes(frame: bytes) -> None:
    assert_read_alike(frame)


@pytest.mark.parametrize(
    "frame",
    [
        # The cid as bytes and the member as a number: fields of another schema, and skipped.
        b"\x0a\x01x\x08\x05\xb2\x01\x00",
        b"\xb0\x01\x05\x08\x05",
        # A channel message whose id is text and whose content is a number; and a number of ten bytes and more bits.
        b"\x32\x09\x1a\x01x\x40\x05\x10\x07\x10\x08",
        b"\x32\x0b\x10" + b"\xff" * 9 + b"\x7a",
    ],
)
def test_what_does_not_fit_is_taken_as_protobuf_takes_it(frame: bytes) -> None:
    Envelope.FromString(frame)
    assert_read_alike(frame)


def test_a_message_inside_that_comes_in_parts_is_all_of_them() -> None:
    added = realtime_pb2.UserChannelAdded
    first, second = added(), added()
    first.channel_desc.channel_id = 5
    first.channel_desc.channel_label = "first"
    second.channel_desc.channel_label = "second"
    body = first.SerializeToString() + second.SerializeToString()
    plan = _plans.event_plan("user_channel_added_event")
    assert plan is not None
    channel = plan.decode(body).channel_desc
    assert (channel.channel_id, channel.channel_label) == (5, "second")
    assert plan.decode(body) == convert_envelope_to_pydantic(
        "user_channel_added_event", added.FromString(body)
    )
