"""From envelopes to what a handler receives: the recorded vectors, and whatever else the wire may bring."""

import json
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor
from hypothesis import given
from hypothesis import strategies as st
from mezon.models import (
    ENVELOPE_TO_PYDANTIC_MAP,
    PROTO_FIELDS,
    ApiMessageMention,
    ApiNotification,
    ChannelMessage,
    convert_envelope_to_pydantic,
)
from mezon.models._base import NO_SOURCE, WHOLE_MESSAGE
from mezon.models.parts import read_parts
from mezon.protobuf.api import api_pb2
from mezon.protobuf.rtapi import realtime_pb2
from mezon.protobuf.utils import is_repeated
from pydantic import BaseModel

VECTORS = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "vectors" / "inbound.jsonl").read_text("utf-8").splitlines()
]
BY_TYPE = {
    kind: [vector for vector in VECTORS if vector["type"] == kind]
    for kind in ("model", "protobuf", "fallback")
}
ZEROS = (None, 0, "", False, [])


def name_of(vector: dict[str, Any]) -> str:
    return f"{vector['event']}-{vector['note']}"


def deliver(vector: dict[str, Any]) -> tuple[Any, Any]:
    envelope = realtime_pb2.Envelope.FromString(bytes.fromhex(vector["frame"]))
    assert envelope.WhichOneof("message") == vector["event"]
    payload = getattr(envelope, vector["event"])
    return payload, convert_envelope_to_pydantic(vector["event"], payload)


def assert_covers(recorded: Any, value: Any) -> None:
    """``value`` says all that was recorded; where None was recorded, the wire had a zero or nothing."""
    if isinstance(recorded, dict) and "__bytes__" in recorded:
        assert value == bytes.fromhex(recorded["__bytes__"])
    elif isinstance(recorded, dict) and isinstance(value, dict):
        for key, item in recorded.items():
            assert_covers(item, value[key])
    elif isinstance(recorded, list) and isinstance(value, list):
        assert len(recorded) == len(value)
        for item, other in zip(recorded, value, strict=True):
            assert_covers(item, other)
    elif recorded is None:
        assert value in ZEROS
    else:
        assert type(recorded) is type(value)
        assert recorded == value


def assert_as_validated(model: BaseModel) -> None:
    cls = type(model)
    again = cls.model_validate(model.model_dump(by_alias=True))
    assert again == model
    assert list(again.__dict__) == [key for key in model.__dict__ if key in cls.model_fields]
    for key, value in again.__dict__.items():
        assert type(value) is type(getattr(model, key))
    assert cls.model_validate_json(model.model_dump_json(by_alias=True)) == model
    assert repr(again) == repr(model)


def test_vectors_are_there() -> None:
    assert {kind: len(vectors) for kind, vectors in BY_TYPE.items()} == {
        "model": 53,
        "protobuf": len(VECTORS) - 135,
        "fallback": 82,
    }


@pytest.mark.parametrize("vector", BY_TYPE["model"], ids=name_of)
def test_recorded_model(vector: dict[str, Any]) -> None:
    _, model = deliver(vector)
    assert type(model).__name__ == vector["class"]
    assert_covers(vector["value"], model.model_dump())
    assert_as_validated(model)


@pytest.mark.parametrize("vector", BY_TYPE["fallback"], ids=name_of)
def test_where_the_reference_gave_up_the_model_comes(vector: dict[str, Any]) -> None:
    payload, model = deliver(vector)
    assert type(model).__name__ == vector["class"]
    assert_as_validated(model)
    for field in payload.DESCRIPTOR.fields:
        is_parsed = type(model) is ChannelMessage and (
            field.name == "content" or field.type == field.TYPE_BYTES
        )
        if field.message_type is None and not is_parsed:
            # What handlers wrote for the protobuf object goes on working.
            expected = getattr(payload, field.name)
            assert getattr(model, field.name) == (list(expected) if is_repeated(field) else expected)


@pytest.mark.parametrize("vector", BY_TYPE["protobuf"], ids=name_of)
def test_others_stay_protobuf(vector: dict[str, Any]) -> None:
    payload, delivered = deliver(vector)
    assert delivered is payload
    assert payload.DESCRIPTOR.full_name == vector["class"]


ENVELOPE_FIELDS = realtime_pb2.Envelope.DESCRIPTOR.fields_by_name


@pytest.mark.parametrize("event", sorted(ENVELOPE_TO_PYDANTIC_MAP))
def test_an_empty_message_has_zeros_and_no_none(event: str) -> None:
    model = ENVELOPE_TO_PYDANTIC_MAP[event]
    message = ENVELOPE_FIELDS[event].message_type
    empty = convert_envelope_to_pydantic(event, message._concrete_class())
    renamed = PROTO_FIELDS.get(model, {})
    for name in model.model_fields:
        field = message.fields_by_name.get(renamed.get(name, name))
        if field is not None and (field.message_type is None or is_repeated(field)):
            assert getattr(empty, name) is not None, name
    assert_as_validated(empty)


@pytest.mark.parametrize("event", sorted(set(ENVELOPE_TO_PYDANTIC_MAP) - {"channel_message_ack"}))
def test_every_field_of_the_message_has_a_place(event: str) -> None:
    model = ENVELOPE_TO_PYDANTIC_MAP[event]
    placed = set(model.model_fields) | set(PROTO_FIELDS.get(model, {}).values())
    assert set(ENVELOPE_FIELDS[event].message_type.fields_by_name) <= placed


def test_the_table_names_only_what_exists() -> None:
    messages = {
        ENVELOPE_TO_PYDANTIC_MAP[event]: ENVELOPE_FIELDS[event].message_type
        for event in ENVELOPE_TO_PYDANTIC_MAP
    }
    for model, fields in PROTO_FIELDS.items():
        for name, source in fields.items():
            assert name in model.model_fields
            if model in messages and source not in (NO_SOURCE, WHOLE_MESSAGE):
                assert source in messages[model].fields_by_name


def test_names_that_differ() -> None:
    clan = convert_envelope_to_pydantic("clan_updated_event", realtime_pb2.ClanUpdatedEvent(logo="l"))
    assert (clan.clan_logo, clan.logo) == ("l", "l")
    exists = convert_envelope_to_pydantic(
        "check_name_existed_event", realtime_pb2.CheckNameExistedEvent(name="n", exist=True)
    )
    assert (exists.clan_name, exists.name, exists.exist) == ("n", "n", True)
    join = convert_envelope_to_pydantic("channel_join", realtime_pb2.ChannelJoin(clan_id=1, channel_id=2))
    assert join.channel_join == {"clan_id": 1, "channel_id": 2, "channel_type": 0, "is_public": False}
    assert (join.clan_id, join.channel_id) == (1, 2)
    error = convert_envelope_to_pydantic("error", realtime_pb2.Error(code=3, context={"a": "b"}))
    assert (error.code, error.message, error.context) == (3, "", {"a": "b"})


def test_messages_inside_are_models_or_none() -> None:
    wire = realtime_pb2.UserChannelAdded(clan_id=1)
    event = convert_envelope_to_pydantic("user_channel_added_event", wire)
    assert (event.channel_desc, event.caller, event.users) == (None, None, [])
    wire.channel_desc.channel_id = 5
    wire.users.add(user_id=6).fcm_tokens.add(platform="p")
    event = convert_envelope_to_pydantic("user_channel_added_event", wire)
    assert (event.channel_desc.channel_id, event.channel_desc.channel_label) == (5, "")
    assert event.channel_desc.last_sent_message is None
    assert event.users[0].fcm_tokens[0].platform == "p"


class TestNotifications:
    def test_every_field(self) -> None:
        sent = api_pb2.Notification(id=1, code=-2, sender_id=3, content=b'{"a": 1}')
        sent.channel.channel_id = 9
        event = convert_envelope_to_pydantic(
            "notifications", realtime_pb2.Notifications(notifications=[sent])
        )
        [got] = event.notifications
        for field in sent.DESCRIPTOR.fields:
            if field.message_type is None:
                assert getattr(got, field.name) == getattr(sent, field.name)
        assert got.channel.channel_id == 9
        assert got.decoded_content == {"a": 1}

    @pytest.mark.parametrize("content", [b"", b"{broken", b"\xff\xff", b"[1", b"[" * 100_000])
    def test_content_that_is_neither(self, content: bytes) -> None:
        assert ApiNotification(content=content).decoded_content is None

    def test_content_that_is_a_push_message(self) -> None:
        push = api_pb2.DirectFcmProto(title="{[", content="hello", channel_id=5)
        assert ApiNotification(content=push.SerializeToString()).decoded_content == push

    def test_json_carries_any_bytes(self) -> None:
        notification = ApiNotification(content=b"\x00\xff")
        assert ApiNotification.model_validate_json(notification.model_dump_json()) == notification


@pytest.mark.parametrize(
    ("text", "content"),
    [('{"t":"a"}', {"t": "a"}), (' {"t": 1} ', {"t": 1}), ('{"a":1,"a":2}', {"a": 2})],
)
def test_content_object(text: str, content: dict[str, Any]) -> None:
    message = ChannelMessage.from_protobuf(api_pb2.ChannelMessage(content=text))
    assert message.content == content
    assert json.loads(message.raw_content) == content


@pytest.mark.parametrize("text", ["", "hello", "[1,2]", "null", '"text"', "5", '{"t":', "[" * 100_000])
def test_content_that_is_no_object(text: str) -> None:
    message = ChannelMessage.from_protobuf(api_pb2.ChannelMessage(content=text))
    assert message.content == {}
    assert message.raw_content == text
    assert "raw_content" not in message.model_dump()


class TestParts:
    def test_protobuf(self) -> None:
        wire = api_pb2.MessageMentionList(mentions=[api_pb2.MessageMention(user_id=5, s=1)])
        [mention] = read_parts(ApiMessageMention, wire.SerializeToString())
        assert (mention.user_id, mention.s, mention.e, mention.username) == (5, 1, 0, "")
        assert (mention.channel_id, mention.create_time) == (None, None)

    @pytest.mark.parametrize("length", [ord("["), ord("{"), ord("\n"), ord(" ")])
    def test_no_length_is_taken_for_json(self, length: int) -> None:
        wire = api_pb2.MessageMentionList(mentions=[api_pb2.MessageMention(username="x" * (length - 2))])
        data = wire.SerializeToString()
        assert data[1] == length
        assert len(read_parts(ApiMessageMention, data)) == 1

    @pytest.mark.parametrize("form", ["{}", '{{"mentions":{}}}'])
    def test_json(self, form: str) -> None:
        entries = (
            '[{"user_id": "5", "s": 1, "role_id": "", "username": null, "unknown": 1}, {"user_id": 6}, 7]'
        )
        parts = read_parts(ApiMessageMention, form.format(entries).encode())
        assert [(part.user_id, part.s, part.role_id, part.username) for part in parts] == [
            (5, 1, 0, ""),
            (6, 0, 0, ""),
        ]

    @pytest.mark.parametrize(
        "data", [b"", b"\xff\xff\xff garbage", b"[", b"[1, 2]", b"{}", b'{"mentions":5}', b"null"]
    )
    def test_garbage(self, data: bytes) -> None:
        assert read_parts(ApiMessageMention, data) == []

    @given(st.binary(max_size=60))
    def test_any_bytes(self, data: bytes) -> None:
        message = api_pb2.ChannelMessage(mentions=data, attachments=data, reactions=data, references=data)
        assert_as_validated(ChannelMessage.from_protobuf(message))


def values_for(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    text = st.text(st.characters(codec="utf-8"), max_size=8)
    by_type: dict[int, st.SearchStrategy[Any]] = {
        field.TYPE_INT64: st.integers(-(2**63), 2**63 - 1),
        field.TYPE_INT32: st.integers(-(2**31), 2**31 - 1),
        field.TYPE_UINT32: st.integers(0, 2**32 - 1),
        field.TYPE_BOOL: st.booleans(),
        field.TYPE_STRING: text,
        field.TYPE_BYTES: st.binary(max_size=8),
    }
    if field.message_type is None:
        one = by_type[field.type]
    elif field.message_type.GetOptions().map_entry:
        return st.dictionaries(text, text, max_size=2)
    else:
        one = messages(field.message_type)
    return st.lists(one, max_size=2) if is_repeated(field) else one


def messages(descriptor: Any) -> st.SearchStrategy[Any]:
    fields = {field.name: values_for(field) for field in descriptor.fields}
    given_fields = st.fixed_dictionaries({}, optional=fields)
    return given_fields.map(lambda values: descriptor._concrete_class(**values))


@pytest.mark.parametrize("event", sorted(ENVELOPE_TO_PYDANTIC_MAP))
def test_any_message_gives_a_valid_model(event: str) -> None:
    @given(messages(ENVELOPE_FIELDS[event].message_type))
    def check(message: Any) -> None:
        model = convert_envelope_to_pydantic(event, message)
        assert type(model) is ENVELOPE_TO_PYDANTIC_MAP[event]
        assert_as_validated(model)

    check()
