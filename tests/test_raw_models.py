"""Instances the core builds are as good as validated ones, in everything a bot may do with them; and the plan
codec agrees with google.protobuf on any message."""

from __future__ import annotations

import copy
import pickle
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mezon import _core
from mezon._gateway import codec as _plans
from mezon.models import ENVELOPE_TO_PYDANTIC_MAP, ChannelMessage
from mezon.protobuf.api import api_pb2
from mezon.protobuf.rtapi import realtime_pb2
from mezon.protobuf.utils import is_repeated
from pydantic import BaseModel

sys.path.insert(0, str(Path(__file__).parent / "unit"))

from test_envelope_models import ENVELOPE_FIELDS, messages

EVENTS = sorted(ENVELOPE_TO_PYDANTIC_MAP)
SETTINGS = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])

# Content and lists as bots meet them; `messages` alone would give bytes that are no lists nearly always.
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def channel_messages(draw: st.DrawFn) -> Any:
    import json

    message = draw(messages(api_pb2.ChannelMessage.DESCRIPTOR))
    message.content = json.dumps(draw(st.dictionaries(st.text(max_size=5), json_values, max_size=3)))
    for field, kind in (
        ("mentions", api_pb2.MessageMentionList),
        ("attachments", api_pb2.MessageAttachmentList),
        ("reactions", api_pb2.MessageReactionList),
        ("references", api_pb2.MessageRefList),
    ):
        setattr(message, field, draw(messages(kind.DESCRIPTOR)).SerializeToString())
    return message


def strategy(event: str) -> st.SearchStrategy[Any]:
    return channel_messages() if event == "channel_message" else messages(ENVELOPE_FIELDS[event].message_type)


def raw_and_validated(event: str, message: Any) -> tuple[Any, Any]:
    plan = _plans.event_plan(event)
    assert plan is not None
    raw = plan.decode(message.SerializeToString())
    cls = ENVELOPE_TO_PYDANTIC_MAP[event]
    assert type(raw) is cls
    # What the wire did not give is not given to the validation either.
    values = {cls.model_fields[name].alias or name: raw.__dict__[name] for name in raw.model_fields_set}
    return raw, cls.model_validate(copy.deepcopy(values))


def assert_alike(one: BaseModel, other: BaseModel) -> None:
    assert one == other
    assert other == one
    assert type(one) is type(other)
    assert one.model_fields_set == other.model_fields_set
    assert one.model_extra == other.model_extra
    assert one.__pydantic_private__ == other.__pydantic_private__
    assert repr(one) == repr(other)
    assert str(one) == str(other)
    for options in (
        {},
        {"by_alias": True},
        {"exclude_unset": True},
        {"exclude_none": True},
        {"mode": "json"},
    ):
        assert one.model_dump(**options) == other.model_dump(**options)
    assert one.model_dump_json() == other.model_dump_json()
    assert one.model_dump_json(exclude_unset=True) == other.model_dump_json(exclude_unset=True)


@pytest.mark.parametrize("event", EVENTS)
def test_a_raw_instance_is_like_a_validated_one(event: str) -> None:
    @SETTINGS
    @given(strategy(event))
    def check(message: Any) -> None:
        assert_alike(*raw_and_validated(event, message))

    check()


@pytest.mark.parametrize("event", EVENTS)
def test_copies(event: str) -> None:
    @SETTINGS
    @given(strategy(event))
    def check(message: Any) -> None:
        raw, validated = raw_and_validated(event, message)
        assert_alike(pickle.loads(pickle.dumps(raw)), validated)
        assert_alike(copy.copy(raw), validated)
        deep = copy.deepcopy(raw)
        assert_alike(deep, validated)
        for name in type(raw).model_fields:
            if isinstance(value := getattr(raw, name), list | dict):
                assert getattr(deep, name) is not value
        assert_alike(raw.model_copy(), validated.model_copy())
        assert_alike(raw.model_copy(deep=True), validated.model_copy(deep=True))
        assert_alike(type(raw).model_validate(raw), validated)

    check()


@pytest.mark.parametrize("event", EVENTS)
def test_changes(event: str) -> None:
    @SETTINGS
    @given(strategy(event), st.data())
    def check(message: Any, data: st.DataObject) -> None:
        raw, validated = raw_and_validated(event, message)
        fields = sorted(type(raw).model_fields)
        if not fields:
            return
        name = data.draw(st.sampled_from(fields))
        for one in (raw, validated):
            setattr(one, name, None)
        assert name in raw.model_fields_set
        assert raw.__dict__ == validated.__dict__
        assert raw.model_fields_set == validated.model_fields_set
        update = {name: "changed"}
        assert raw.model_copy(update=update).__dict__ == validated.model_copy(update=update).__dict__
        delattr(raw, name)
        assert name not in raw.__dict__

    check()


@pytest.mark.parametrize("event", EVENTS)
def test_two_instances_share_nothing_that_changes(event: str) -> None:
    plan = _plans.event_plan(event)
    assert plan is not None
    body = ENVELOPE_FIELDS[event].message_type._concrete_class().SerializeToString()
    one, other = plan.decode(body), plan.decode(body)
    assert one.__dict__ is not other.__dict__
    given = set(other.model_fields_set)
    values = dict(other.__dict__)
    for name in type(one).model_fields:
        setattr(one, name, "only here")
    assert one.model_fields_set == set(type(one).model_fields)
    assert other.model_fields_set == given
    assert other.__dict__ == values
    assert plan.decode(body).model_fields_set == given
    one = plan.decode(body)
    for name in type(one).model_fields:
        if isinstance(getattr(one, name), list | dict):
            assert getattr(one, name) is not getattr(other, name), name


def test_an_unknown_attribute_is_refused_as_usual() -> None:
    raw, validated = raw_and_validated("channel_message", api_pb2.ChannelMessage(content="{}"))
    for one in (raw, validated):
        with pytest.raises(AttributeError):
            _ = one.no_such_field


def test_a_subclass_of_a_model_is_built_as_itself() -> None:
    class Mine(ChannelMessage):
        extra_of_mine: int = 7

    mine = _plans.model_plan(Mine, "mezon.api.ChannelMessage").decode(
        api_pb2.ChannelMessage(message_id=5, content='{"t":"a"}').SerializeToString()
    )
    assert type(mine) is Mine
    assert (mine.extra_of_mine, mine.message_id, mine.content) == (7, 5, {"t": "a"})
    assert "extra_of_mine" not in mine.model_fields_set


# The plan codec and google.protobuf

ALL = {
    message.full_name: message
    for file in (api_pb2.DESCRIPTOR, realtime_pb2.DESCRIPTOR)
    for message in file.message_types_by_name.values()
}
#: Messages a call sends or an answer brings: every one of the socket, and the API's that travel in them.
SOCKET = sorted(
    {field.message_type.full_name for field in ENVELOPE_FIELDS.values() if field.message_type} & set(ALL)
)


def as_dict(message: Any, depth: int = 8) -> dict[str, Any]:
    """What `dict_plan` promises: every field by name, zeros too; a message that is not there is None."""
    values: dict[str, Any] = {}
    for field in message.DESCRIPTOR.fields:
        value = getattr(message, field.name)
        if field.message_type is None:
            values[field.name] = list(value) if is_repeated(field) else value
        elif field.message_type.GetOptions().map_entry:
            values[field.name] = dict(value)
        elif field.message_type.full_name.startswith("google.protobuf."):
            values[field.name] = value.value if message.HasField(field.name) else None
        elif depth == 0:
            continue
        elif is_repeated(field):
            values[field.name] = [as_dict(item, depth - 1) for item in value]
        else:
            values[field.name] = as_dict(value, depth - 1) if message.HasField(field.name) else None
    return values


def plain_messages(descriptor: Any, depth: int = 2) -> st.SearchStrategy[Any]:
    """Like `messages`, for every type the schema has, nested only so deep."""
    fields = {
        field.name: values for field in descriptor.fields if (values := _values(field, depth)) is not None
    }
    return st.fixed_dictionaries({}, optional=fields).map(lambda values: descriptor._concrete_class(**values))


def _values(field: Any, depth: int) -> st.SearchStrategy[Any] | None:
    text = st.text(st.characters(codec="utf-8"), max_size=8)
    by_type: dict[int, st.SearchStrategy[Any]] = {
        field.TYPE_INT64: st.integers(-(2**63), 2**63 - 1),
        field.TYPE_UINT64: st.integers(0, 2**64 - 1),
        field.TYPE_INT32: st.integers(-(2**31), 2**31 - 1),
        field.TYPE_UINT32: st.integers(0, 2**32 - 1),
        field.TYPE_BOOL: st.booleans(),
        field.TYPE_STRING: text,
        field.TYPE_BYTES: st.binary(max_size=8),
        field.TYPE_FLOAT: st.floats(width=32, allow_nan=False),
        field.TYPE_DOUBLE: st.floats(allow_nan=False),
    }
    if field.enum_type is not None:
        one: st.SearchStrategy[Any] = st.sampled_from([value.number for value in field.enum_type.values])
    elif field.message_type is None:
        one = by_type[field.type]
    elif field.message_type.GetOptions().map_entry:
        entry = field.message_type.fields_by_name
        keys, values = _values(entry["key"], depth), _values(entry["value"], depth)
        assert keys is not None
        return None if values is None else st.dictionaries(keys, values, max_size=2)
    elif depth == 0:
        return None
    else:
        one = plain_messages(field.message_type, depth - 1)
    return st.lists(one, max_size=2) if is_repeated(field) else one


@pytest.mark.parametrize("name", SOCKET)
def test_decode_and_encode_agree_with_protobuf(name: str) -> None:
    plan = _plans.dict_plan(name)
    kind = ALL[name]._concrete_class

    @settings(SETTINGS, max_examples=25)
    @given(plain_messages(ALL[name]))
    def check(message: Any) -> None:
        values = as_dict(message)
        assert plan.decode(message.SerializeToString()) == values
        assert kind.FromString(plan.encode(values)) == message

    check()


@pytest.mark.parametrize("name", ["mezon.api.ChannelMessage", "mezon.realtime.ChannelMessageSend"])
def test_decode_takes_any_bytes_or_refuses_them_as_protobuf_does(name: str) -> None:
    from google.protobuf.message import DecodeError

    plan = _plans.dict_plan(name)
    kind: Any = ALL[name]._concrete_class

    @SETTINGS
    @given(st.binary(max_size=40))
    def check(data: bytes) -> None:
        try:
            values = plan.decode(data)
        except ValueError:
            return
        try:
            message = kind.FromString(data)
        except DecodeError:
            pytest.fail(f"the core decoded {data!r} to {values}, which protobuf refuses")
        assert values == as_dict(message)

    check()


def test_a_plan_names_its_message() -> None:
    plan = _plans.dict_plan("mezon.api.ChannelMessage")
    assert isinstance(plan, _core.Plan)
    assert plan.message == "mezon.api.ChannelMessage"
