"""A message from the socket is decoded when it is read, and nobody can tell: it is what the decoder makes at once, in
all a bot may do with it."""

from __future__ import annotations

import copy
import json
import operator
import pickle
import threading
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mezon._gateway import codec
from mezon.models import ChannelMessage
from mezon.models._origin import Origin
from mezon.protobuf.api import api_pb2
from pydantic import BaseModel, TypeAdapter
from test_envelope_models import VECTORS, deliver, messages, name_of

PLAN = codec.event_plan("channel_message", Origin())
AS_JSON = codec.model_plan(codec.JsonContentMessage, "mezon.api.ChannelMessage")
FIELDS = list(ChannelMessage.model_fields)
LISTS = {
    "mentions": api_pb2.MessageMentionList,
    "attachments": api_pb2.MessageAttachmentList,
    "reactions": api_pb2.MessageReactionList,
    "references": api_pb2.MessageRefList,
}


class Holder(BaseModel):
    message: ChannelMessage


class Mine(ChannelMessage):
    mine: int = 3


def outcome(work: Callable[[Any], Any], message: Any) -> Any:
    """What comes of it: a value, or an error's type and text."""
    try:
        return work(message)
    except Exception as error:
        return type(error), str(error)


def set_each(message: Any) -> Any:
    for name in FIELDS:
        setattr(message, name, None)
    return vars(message), message.model_fields_set


def delete_content(message: Any) -> Any:
    del message.content
    return vars(message), outcome(lambda it: it.content, message)


def set_past_pydantic(message: Any) -> Any:
    object.__setattr__(message, "username", "x")
    object.__setattr__(message, "content", {"t": "y"})
    return message.model_dump(), list(message)


def become_mine(message: Any) -> Any:
    message.__class__ = Mine
    return vars(message), message.content, outcome(lambda it: it.mine, message)


def match_it(message: Any) -> Any:
    match message:
        case ChannelMessage(content={"t": text}, mentions=[]):
            return text
        case ChannelMessage(username=name):
            return name


def read_and_change(message: Any) -> Any:
    content = message.content
    if isinstance(content, dict):
        content["added"] = 1
    dumped = message.model_dump()
    assert message.content is content
    assert message.mentions is message.mentions
    return dumped, vars(message)


def through_a_new_dict(message: Any) -> Any:
    message.__dict__ = {"content": 5}
    return vars(message), message.content, outcome(lambda it: it.username, message)


OPERATIONS: dict[str, Callable[[Any], Any]] = {
    "dump": lambda m: m.model_dump(),
    "dump by alias": lambda m: m.model_dump(by_alias=True, exclude_unset=True, exclude_none=True),
    "dump to JSON": lambda m: m.model_dump_json(),
    "dump as JSON": lambda m: m.model_dump(mode="json", exclude_defaults=True),
    "include": lambda m: m.model_dump(include={"content", "username"}),
    "adapter": lambda m: TypeAdapter(ChannelMessage).dump_python(m),
    "repr": repr,
    "str": str,
    "rich": lambda m: list(m.__rich_repr__()),
    "iteration": list,
    "dict": dict,
    "vars": lambda m: list(vars(m).items()),
    "__dict__": lambda m: m.__dict__.copy(),
    "dir": dir,
    "fields set": lambda m: m.model_fields_set,
    "extra": lambda m: (m.model_extra, m.__pydantic_private__),
    "pickle": lambda m: vars(pickle.loads(pickle.dumps(m))),
    "old pickle": lambda m: vars(pickle.loads(pickle.dumps(m, protocol=0))),
    "state": lambda m: m.__getstate__(),
    "copy": lambda m: vars(copy.copy(m)),
    "deepcopy": lambda m: vars(copy.deepcopy(m)),
    "model_copy": lambda m: vars(m.model_copy(update={"username": "x"})),
    "deep model_copy": lambda m: vars(m.model_copy(deep=True)),
    "hash": hash,
    "set": set_each,
    "delete": delete_content,
    "set past pydantic": set_past_pydantic,
    "no such field": lambda m: m.nothing,
    "set no field": lambda m: setattr(m, "nothing", 1),
    "hasattr": lambda m: [hasattr(m, name) for name in (*FIELDS, "nothing", "raw_content")],
    "attrgetter": lambda m: operator.attrgetter("username", "content", "attachments")(m),
    "raw_content": lambda m: m.raw_content,
    "raw_content twice": lambda m: (m.content, m.raw_content, m.content, vars(m)),
    "store": lambda m: m.to_db_dict(),
    "to dict": lambda m: m.to_message_dict(),
    "validate": lambda m: vars(ChannelMessage.model_validate(m)),
    "validate strictly": lambda m: vars(TypeAdapter(ChannelMessage).validate_python(m, strict=True)),
    "from attributes": lambda m: vars(Mine.model_validate(m, from_attributes=True)),
    "in another": lambda m: Holder(message=m).model_dump(),
    "another's JSON": lambda m: Holder(message=m).model_dump_json(),
    "subclass": become_mine,
    "match": match_it,
    "change": read_and_change,
    "a new dict": through_a_new_dict,
    "client": lambda m: m.client,
    "with itself": lambda m: (m == m.model_copy(), m != 5, m == {}),
}


def check_all(plan: Any, body: bytes) -> None:
    for name, work in OPERATIONS.items():
        later, now = plan.receive(body), plan.decode(body)
        assert outcome(work, later) == outcome(work, now), name
        assert later == now, name
        assert list(later.__dict__) == list(now.__dict__), name
    for name in FIELDS:
        later, now = plan.receive(body), plan.decode(body)
        assert getattr(later, name) == getattr(now, name), name
        assert type(getattr(later, name)) is type(getattr(now, name)), name
        assert later == now, name
        assert now == plan.receive(body), name
        assert plan.receive(body) == plan.receive(body)


def is_undecoded(message: Any) -> bool:
    return hasattr(message, "_undecoded")


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """Messages as bots meet them, and with anything in the places of lists and content."""
    message = draw(messages(api_pb2.ChannelMessage.DESCRIPTOR))
    plain = st.builds(lambda text: json.dumps({"t": text}, ensure_ascii=False), st.text())
    message.content = draw(
        plain | st.sampled_from(["", "{}", "no JSON", "[1]", '{"t":"a","mk":[{"s":0}]}', '{"a":"\\ud800"}'])
    )
    for name, kind in LISTS.items():
        if draw(st.booleans()):
            setattr(message, name, draw(messages(kind.DESCRIPTOR)).SerializeToString())
    return bytes(message.SerializeToString())


@pytest.mark.parametrize(
    "vector", [vector for vector in VECTORS if vector["event"] == "channel_message"], ids=name_of
)
def test_recorded_messages(vector: dict[str, Any]) -> None:
    assert PLAN is not None
    body = deliver(vector)[0].SerializeToString()
    check_all(PLAN, body)
    check_all(AS_JSON, body)


@settings(max_examples=25, deadline=None)
@given(bodies())
def test_generated_messages(body: bytes) -> None:
    check_all(PLAN, body)
    check_all(AS_JSON, body)


@settings(deadline=None)
@given(bodies(), st.lists(st.sampled_from([*FIELDS, "raw_content", "__dict__"]), max_size=6))
def test_whatever_was_read_before(body: bytes, reads: list[str]) -> None:
    assert PLAN is not None
    later, now = PLAN.receive(body), PLAN.decode(body)
    for name in reads:
        assert getattr(later, name) == getattr(now, name)
        assert getattr(later, name) is getattr(later, name) or name == "raw_content"
    assert list(later.__dict__.items()) == list(now.__dict__.items())


@settings(max_examples=300, deadline=None)
@given(
    bodies(), st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=4), st.integers(0, 60)
)
def test_broken_bytes_are_refused_when_they_come(
    body: bytes, changes: list[tuple[int, int]], cut: int
) -> None:
    assert PLAN is not None
    broken = bytearray(body)
    for place, byte in changes:
        if place < len(broken):
            broken[place] = byte
    if cut < 20:
        del broken[len(broken) - cut :]

    def built(build: Callable[[bytes], Any]) -> Any:
        return outcome(lambda data: vars(build(data)), bytes(broken))

    assert built(PLAN.receive) == built(PLAN.decode)


@pytest.mark.parametrize("name", ["username", "content", "category_name"])
def test_a_text_that_is_no_utf8_is_refused_when_it_comes(name: str) -> None:
    assert PLAN is not None
    number = api_pb2.ChannelMessage.DESCRIPTOR.fields_by_name[name].number
    body = bytes([number << 3 | 2]) if number < 16 else bytes([(number << 3 | 2) & 0x7F | 0x80, number >> 4])
    with pytest.raises(ValueError, match="a string is not UTF-8"):
        PLAN.receive(body + b"\x02\xff\xfe")
    # Of several, the last counts for a content, and all of them elsewhere: as when it is decoded at once.
    twice = body + b"\x02\xff\xfe" + body + b"\x02{}"
    assert outcome(lambda data: vars(PLAN.receive(data)), twice) == outcome(
        lambda data: vars(PLAN.decode(data)), twice
    )


@pytest.mark.parametrize("name", LISTS)
def test_lists_without_end_are_refused_when_they_come(name: str) -> None:
    assert PLAN is not None
    few = api_pb2.ChannelMessage(**{name: b"\n\x00" * 16_000}).SerializeToString()
    many = api_pb2.ChannelMessage(**{name: b"\n\x00" * 16_500}).SerializeToString()
    assert PLAN.receive(few) == PLAN.decode(few)
    for build in (PLAN.receive, PLAN.decode):
        with pytest.raises(ValueError, match="too many elements"):
            build(many)


def test_it_is_decoded_when_it_is_read_and_no_sooner() -> None:
    assert PLAN is not None
    attachments = api_pb2.MessageAttachmentList(
        attachments=[api_pb2.MessageAttachment(filename="f" * 200, url="u" * 300) for _ in range(50)]
    )
    message = api_pb2.ChannelMessage(
        message_id=1,
        channel_id=2,
        sender_id=3,
        username="ann",
        content='{"t":"hi"}',
        attachments=attachments.SerializeToString(),
    )
    later = PLAN.receive(message.SerializeToString())
    assert (later.id, later.channel_id, later.sender_id, later.code, later.topic_id) == (1, 2, 3, 0, 0)
    assert is_undecoded(later)
    assert later.content == {"t": "hi"}
    assert is_undecoded(later)
    assert [later.username, later.display_name, later.clan_nick, later.avatar, later.clan_avatar] == [
        "ann"
    ] + [""] * 4
    assert is_undecoded(later)
    assert len(later.attachments) == 50
    assert not is_undecoded(later)


def test_json_lists_are_decoded_at_once() -> None:
    # Python reads them, which may raise: that is told where the event is made.
    assert PLAN is not None
    message = api_pb2.ChannelMessage(mentions=b'[{"user_id":"5"}]')
    now = PLAN.receive(message.SerializeToString())
    assert not is_undecoded(now)
    assert now.mentions[0].user_id == 5


def test_two_threads_get_the_same_objects() -> None:
    assert PLAN is not None
    body = api_pb2.ChannelMessage(
        content=json.dumps({"t": "x" * 1000, "mk": [{"s": n} for n in range(500)]}),
        mentions=api_pb2.MessageMentionList(
            mentions=[api_pb2.MessageMention(user_id=n) for n in range(200)]
        ).SerializeToString(),
    ).SerializeToString()
    for _ in range(30):
        later, got, gate = PLAN.receive(body), [], threading.Barrier(4)

        def read(message: Any, into: list[Any], gate: threading.Barrier, first: bool) -> None:
            gate.wait()
            pair = (message.content, message.mentions) if first else (message.mentions, message.content)[::-1]
            into.append(pair)

        threads = [
            threading.Thread(target=read, args=(later, got, gate, place % 2 == 0)) for place in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(got) == 4
        assert all(pair[0] is later.content and pair[1] is later.mentions for pair in got)


def test_the_class_has_no_attributes_for_its_fields() -> None:
    for name in FIELDS:
        assert not hasattr(ChannelMessage, name)

    class Again(ChannelMessage):
        content: dict[str, Any] = {"t": "mine"}  # noqa: RUF012
        username: str = "nobody"

    made = Again(message_id=1, clan_id=2, channel_id=3, sender_id=4)
    assert (made.content, made.username, made.mentions) == ({"t": "mine"}, "nobody", [])
    assert list(Again.model_fields) == FIELDS
    bare = ChannelMessage.model_construct(message_id=1)
    assert bare.mentions == []
    with pytest.raises(AttributeError):
        _ = bare.channel_id
