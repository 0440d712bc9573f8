"""Message bodies on the wire: compact, UTF-8, without nulls."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mezon.errors import InvalidArgumentError
from mezon.models import (
    ButtonMessageStyle,
    ChannelMessageContent,
    InteractiveMessageProps,
    MarkdownOnMessage,
    MessageActionRow,
    MessageComponent,
)
from mezon.models._outgoing import encode_content, received_content
from small import without_nulls

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.text())
def test_text_becomes_t(text: str) -> None:
    assert json.loads(encode_content(text)) == {"t": text}


@given(st.dictionaries(st.text(), JSON, max_size=5))
def test_dict_without_its_nulls(content: dict[str, Any]) -> None:
    text = encode_content(content)
    assert json.loads(text) == without_nulls(content)
    text.encode()  # every str that comes out can be sent


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("xin chào 🎉", '{"t":"xin chào 🎉"}'),
        ('a"b\n\u2028', '{"t":"a\\"b\\n\u2028"}'),
        ("null", '{"t":"null"}'),
        (None, "{}"),
        ({}, "{}"),
        (
            {"t": "a", "mk": None, "embed": [{"title": None, "fields": []}]},
            '{"t":"a","embed":[{"fields":[]}]}',
        ),
        ({"t": "null", "b": ButtonMessageStyle.LINK}, '{"t":"null","b":5}'),
        (ChannelMessageContent(text="a"), '{"t":"a"}'),
        (
            ChannelMessageContent(t="a", mk=[MarkdownOnMessage(s=0, e=1, type="b")]),
            '{"t":"a","mk":[{"s":0,"e":1,"type":"b"}]}',
        ),
        ({"embed": [InteractiveMessageProps(title="x")]}, '{"embed":[{"title":"x"}]}'),
        ({"big": 12345678901234567890123}, '{"big":12345678901234567890123}'),
    ],
)
def test_exact_text(content: Any, expected: str) -> None:
    assert encode_content(content) == expected


def test_nulls_inside_a_dict_of_a_model_are_dropped() -> None:
    component = MessageComponent(id="x", type=3, component={"placeholder": None, "type": "text"})
    content = ChannelMessageContent(components=[MessageActionRow(components=[component])])
    assert encode_content(content) == (
        '{"components":[{"components":[{"type":3,"id":"x","component":{"type":"text"}}]}]}'
    )


@pytest.mark.parametrize(
    "content", ["a\ud800", {"t": "a\ud800"}, ChannelMessageContent.model_construct(text="a\ud800")]
)
def test_lone_surrogate_is_escaped(content: Any) -> None:
    assert encode_content(content) == '{"t":"a\\ud800"}'


@pytest.mark.parametrize("content", [5, [1], {"a": object()}, {"a": float("nan")}, {"a": float("inf")}])
def test_what_cannot_be_sent_is_refused_with_a_sentence(content: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="content of a message"):
        encode_content(content)


def test_received_content_is_plain() -> None:
    assert received_content("a") == {"t": "a"}
    assert received_content(ChannelMessageContent(text="a")) == {"t": "a"}
    assert received_content({"t": "a", "x": None, "e": [InteractiveMessageProps(title="x")]}) == {
        "t": "a",
        "e": [{"title": "x"}],
    }
