"""The core and Python evaluate filters alike, for any event."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mezon import Events, InvalidArgumentError, MezonClient, filters
from mezon._gateway import codec
from mezon._gateway.codec import protobuf_event
from mezon._gateway.filtering import core_filter
from mezon.filters import Filter
from mezon.filters._program import PLACES, matcher
from mezon.protobuf.api import api_pb2
from test_envelope_models import VECTORS, deliver, messages, name_of

ME = 99
MESSAGE = "channel_message"


def both(filter: Filter, event: str, body: bytes) -> tuple[bool | None, bool] | None:
    """Return the results of the core (None if undecided) and of Python; None if Python cannot decode the body."""
    spec = filter.spec(event, ME)
    core = core_filter(event, spec).matches(body)
    plan = codec.event_plan(event)
    try:
        made = protobuf_event(event, body) if plan is None else plan.decode(body)
    except ValueError:
        return None
    return core, matcher(spec)(made)


def assert_same(filter: Filter, event: str, body: bytes, *, certain: bool = False) -> bool:
    said = both(filter, event, body)
    assert said is not None
    core, python = said
    assert core is python or (core is None and not certain), (filter, body)
    return python


def text(content: str, **fields: Any) -> bytes:
    return api_pb2.ChannelMessage(content=content, **fields).SerializeToString()


# A Python of an earlier Unicode does not know the case of characters that it has not yet.
CHARACTERS = st.characters(exclude_categories=["Cs", "Cn"])
WORDS = st.text(CHARACTERS, min_size=1, max_size=3) | st.sampled_from(
    [
        "!",
        "a",
        "A",
        "ß",
        "ẞ",
        "Σ",
        "σ",
        "ς",
        "İ",
        "i̇",
        "K",
        "k",
        "Đ",
        "đ",
        "ế",
        "Ế",
        '"',
        "\\",
        "\n",
        "\u2028",
        "🎉",
    ]
)
IDS = st.sampled_from([0, 1, 2, ME, -1, 2**63 - 1])
LEAVES = st.one_of(
    st.builds(filters.prefix, WORDS, WORDS, ignore_case=st.booleans()),
    st.builds(filters.contains, WORDS, WORDS, ignore_case=st.booleans()),
    st.builds(filters.equals, WORDS, st.just(""), ignore_case=st.booleans()),
    st.builds(
        filters.regex,
        st.sampled_from([r"^!", r"a$", r"\d+", r"\w", r"(?s).", r"[^a]", r"\bk\b", "σ"]),
        ignore_case=st.booleans(),
    ),
    st.builds(filters.sender, IDS, IDS),
    st.builds(filters.channel, IDS),
    st.builds(filters.clan, IDS),
    st.builds(filters.topic, IDS),
    st.builds(filters.mentions_user, IDS),
    st.builds(filters.mentions_role, IDS),
    st.builds(filters.code, st.integers(0, 4)),
    st.sampled_from(
        [
            filters.topic(),
            filters.mentions_me,
            filters.reply_to_me,
            filters.own,
            filters.dm,
            filters.thread,
            filters.edited,
            filters.has_attachments,
            filters.has_embed,
        ]
    ),
)
FILTERS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda one, two: one & two, inner, inner),
        st.builds(lambda one, two: one | two, inner, inner),
        st.builds(lambda one: ~one, inner),
    ),
    max_leaves=6,
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=4,
)
OBJECTS = st.builds(
    lambda t, embed, more: {
        **more,
        **({"t": t} if t is not None else {}),
        **({"embed": embed} if embed else {}),
    },
    st.none() | WORDS | st.lists(WORDS, max_size=4).map("".join) | st.integers(),
    VALUES,
    st.dictionaries(st.text(max_size=2), VALUES, max_size=2),
)
CONTENTS = st.one_of(
    OBJECTS.map(lambda one: json.dumps(one, ensure_ascii=True)),
    OBJECTS.map(lambda one: json.dumps(one, ensure_ascii=False, separators=(",", ":"))),
    OBJECTS.map(lambda one: json.dumps(one).replace("a", "\\u0061")),
    st.text(max_size=8),
    st.sampled_from(
        [
            "",
            "null",
            "[]",
            '"t"',
            '{"t":"a","t":"b"}',
            '{"t":"\\ud800"}',
            '{"t":"\\ud83c\\udf89"}',
            '{"t":NaN}',
            '{"t":"a","x":1e999}',
            ' {"t":"!"} ',
            '{"t":"a\tb"}',
            '{"t":"!',
            "[" * 300,
            '{"t":"!","x":' + "[" * 150 + "]" * 150 + "}",
        ]
    ),
)


@settings(max_examples=400, deadline=None)
@given(FILTERS, CONTENTS, st.data())
def test_any_filter_of_any_content(filter: Filter, content: str, data: st.DataObject) -> None:
    mention = api_pb2.MessageMention(user_id=data.draw(IDS), role_id=data.draw(IDS))
    reference = api_pb2.MessageRef(message_sender_id=data.draw(IDS))
    lists: list[bytes] = [
        api_pb2.MessageMentionList(mentions=[mention]).SerializeToString(),
        api_pb2.MessageRefList(refs=[reference]).SerializeToString(),
        b"",
        b'[{"user_id":99,"message_sender_id":99}]',
        b"\x0a\x05\x10",
    ]
    some = st.sampled_from(lists)
    body = text(
        content.encode("utf-8", "replace").decode(),
        sender_id=data.draw(IDS),
        channel_id=data.draw(IDS),
        clan_id=data.draw(IDS),
        topic_id=data.draw(IDS),
        code=data.draw(st.integers(0, 4)),
        mode=data.draw(st.sampled_from([2, 4, 6])),
        mentions=data.draw(some),
        references=data.draw(some),
        attachments=data.draw(some),
    )
    assert_same(filter, MESSAGE, body)


@settings(deadline=None)
@given(FILTERS, messages(api_pb2.ChannelMessage.DESCRIPTOR))
def test_any_message_of_the_schema(filter: Filter, message: Any) -> None:
    assert_same(filter, MESSAGE, message.SerializeToString())


@settings(deadline=None)
@given(FILTERS, st.binary(max_size=40))
def test_any_bytes(filter: Filter, body: bytes) -> None:
    said = both(filter, MESSAGE, body)
    if said is not None:
        core, python = said
        assert core in (python, None)


#: Of each event and place a filter that can be, with the values that events are generated with.
EVENTS = [(event, what) for event, places in PLACES.items() if event != MESSAGE for what in places]


@pytest.mark.parametrize(("event", "what"), EVENTS, ids=lambda one: one)
def test_other_events(event: str, what: str) -> None:
    makers: dict[str, Any] = {"mode": lambda number: filters.dm}
    make = makers.get(what) or getattr(filters, what)
    strings = what in ("emoji", "button")
    descriptor = codec_message(event)

    @settings(deadline=None)
    @given(messages(descriptor), st.booleans())
    def check(message: Any, other: bool) -> None:
        body = message.SerializeToString()
        value: Any = message
        for name in PLACES[event][what]:
            value = value[0] if isinstance(value, (list, tuple)) else value
            if (not isinstance(value, (str, int)) and hasattr(value, "DESCRIPTOR")) or value is message:
                value = getattr(value, name)
            elif len(value):
                value = getattr(value[0], name)
        if not isinstance(value, (str, int)):
            value = value[0] if len(value) else (0 if not strings else "x")
        if strings and not value:
            value = "x"
        wanted = make(value if not other else ("other" if strings else 12345))
        assert_same(wanted, event, body)
        assert_same(~wanted, event, body)

    check()


def codec_message(event: str) -> Any:
    from test_envelope_models import ENVELOPE_FIELDS

    return ENVELOPE_FIELDS[event].message_type


@pytest.mark.parametrize("vector", [vector for vector in VECTORS if vector["event"] in PLACES], ids=name_of)
@settings(max_examples=30, deadline=None)
@given(filter=FILTERS)
def test_recorded_events(vector: dict[str, Any], filter: Filter) -> None:
    payload, _ = deliver(vector)
    event = vector["event"]
    one = filter if event == MESSAGE else filters.channel(getattr(payload, "channel_id", 1))
    if event == MESSAGE or "channel" in PLACES[event]:
        assert_same(one, event, payload.SerializeToString())


@pytest.mark.parametrize(
    ("filter", "content", "found"),
    [
        (filters.prefix("!"), '{"t":"!help"}', True),
        (filters.prefix("!"), '{"t":"\\u0021help"}', True),
        (filters.prefix("!"), '{"t":" !help"}', False),
        (filters.prefix("chÀO", ignore_case=True), '{"t":"Chào bạn"}', True),
        (filters.prefix("chÀO"), '{"t":"Chào bạn"}', False),
        (filters.contains("bad", "worse"), '{"t":"it is worse"}', True),
        (filters.contains("ΣΑΣ", ignore_case=True), '{"t":"σας σασ"}', True),
        (filters.equals(""), "{}", True),
        (filters.equals("ping"), '{"t":"ping","x":1}', True),
        (filters.equals("ping"), '{"t":"ping "}', False),
        (filters.regex(r"^\d{3}$"), '{"t":"123"}', True),
        (filters.regex(r"^\d{3}$"), '{"t":"123\\n"}', False),
        (filters.prefix("!"), "!no json", False),
        (filters.has_embed, '{"embed":[{"title":"x"}]}', True),
        (filters.has_embed, '{"t":"x","embed":[]}', False),
    ],
    ids=str,
)
def test_what_they_mean(filter: Filter, content: str, found: bool) -> None:
    certain = not content.startswith("!")
    assert assert_same(filter, MESSAGE, text(content), certain=certain) is found


def test_a_lone_surrogate_is_compared_as_a_replacement_character() -> None:
    """JSON can encode half a surrogate pair, UTF-8 cannot."""
    message = codec_decode(text('{"t":"!\\ud800"}'))
    assert matcher(filters.prefix("!").spec(MESSAGE, ME))(message)
    assert not matcher(filters.contains("?").spec(MESSAGE, ME))(message)
    assert matcher(filters.regex("^!\ufffd$").spec(MESSAGE, ME))(message)


def test_me_is_the_bot_that_registers() -> None:
    mention = api_pb2.MessageMentionList(mentions=[api_pb2.MessageMention(user_id=ME)]).SerializeToString()
    answer = api_pb2.MessageRefList(refs=[api_pb2.MessageRef(message_sender_id=ME)]).SerializeToString()
    body = text("{}", sender_id=ME, mentions=mention, references=answer)
    for filter in (filters.mentions_me, filters.reply_to_me, filters.own):
        assert assert_same(filter, MESSAGE, body, certain=True)
        assert not matcher(filter.spec(MESSAGE, 5))(codec_decode(body))


def codec_decode(body: bytes) -> Any:
    plan = codec.event_plan(MESSAGE)
    assert plan is not None
    return plan.decode(body)


class TestWhatCannotBe:
    @pytest.mark.parametrize(
        "make",
        [
            lambda: filters.prefix(),
            lambda: filters.prefix(""),
            lambda: filters.contains(5),  # type: ignore[arg-type]
            lambda: filters.sender(),
            lambda: filters.sender("x"),
            lambda: filters.sender(2**63),
            lambda: filters.sender(True),
            lambda: bool(filters.own),
        ],
    )
    def test_it_is_not_made(self, make: Any) -> None:
        with pytest.raises(InvalidArgumentError):
            make()

    @pytest.mark.parametrize(
        ("event", "filter", "why"),
        [
            (MESSAGE, "!", "mezon.filters"),
            (MESSAGE, filters.regex("("), "invalid filter"),
            (MESSAGE, filters.regex(r"(a)\1"), "invalid filter"),
            (MESSAGE, filters.emoji("ok"), "no emoji"),
            (Events.MESSAGE_REACTION, filters.prefix("!"), "content"),
            (Events.MESSAGE_REACTION, filters.code(1), "no code"),
            (Events.READY, filters.own, "cannot be filtered"),
            (Events.VOICE_JOINED_EVENT, filters.own, "cannot be filtered"),
        ],
    )
    def test_it_is_not_registered(self, event: str, filter: Any, why: str) -> None:
        client = MezonClient("99", "key", mmn_api_url=None, zk_api_url=None)
        with pytest.raises(InvalidArgumentError, match=why):
            client.on(event, print, filter=filter)
        assert event not in client.event_manager.listeners

    def test_and_of_words_is_not_and_of_filters(self) -> None:
        with pytest.raises(InvalidArgumentError, match="combined by"):
            filters.prefix("a") and filters.own  # type: ignore[truthy-bool]
        with pytest.raises(TypeError):
            filters.own | "x"


def test_the_unicode_of_this_python_is_known() -> None:
    """Generated texts exclude unassigned characters, which are few in a recent Unicode version."""
    assert unicodedata.unidata_version >= "14"
