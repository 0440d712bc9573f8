"""The parser against the examples and the rules of the HTML standard, section 9.2."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mezon._agents.parser import EventStreamParser, ServerSentEvent


def parse(stream: bytes | str) -> list[tuple[str, str, str]]:
    data = stream.encode() if isinstance(stream, str) else stream
    return [as_tuple(event) for event in EventStreamParser().feed(data)]


def as_tuple(event: ServerSentEvent) -> tuple[str, str, str]:
    return (event.event, event.data, event.last_event_id)


def message(data: str, event_id: str = "") -> tuple[str, str, str]:
    return ("message", data, event_id)


STANDARD = {
    "three fields": ("data: YHOO\ndata: +2\ndata: 10\n\n", [message("YHOO\n+2\n10")]),
    "comment, ids, a reset id and an unfinished event": (
        ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n",
        [message("first event", "1"), message("second event", "")],
    ),
    "empty data": ("data\n\ndata\ndata\n\ndata:", [message(""), message("\n")]),
    "one space after the colon is dropped": (
        "data:test\n\ndata: test\n\n",
        [message("test"), message("test")],
    ),
    "types": (
        "event: add\ndata: 73857293\n\nevent: remove\ndata: 2153\n\nevent: add\ndata: 113411\n\n",
        [("add", "73857293", ""), ("remove", "2153", ""), ("add", "113411", "")],
    ),
}


@pytest.mark.parametrize("name", STANDARD)
@pytest.mark.parametrize("ending", ["\n", "\r", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_examples_of_the_standard(name: str, ending: str, mark: str) -> None:
    stream, expected = STANDARD[name]
    data = (mark + stream.replace("\n", ending)).encode()
    assert parse(data) == expected
    for at in range(len(data) + 1):
        parser = EventStreamParser()
        events = parser.feed(data[:at]) + parser.feed(data[at:])
        assert [as_tuple(event) for event in events] == expected
    parser = EventStreamParser()
    events = [event for at in range(len(data)) for event in parser.feed(data[at : at + 1])]
    assert [as_tuple(event) for event in events] == expected


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        ("", []),
        ("\n\n\n", []),
        ("data: x", []),
        ("data: x\n", []),
        ("data: x\n\n", [message("x")]),
        ("data:  x \n\n", [message(" x ")]),
        ("data: a: b: c\n\n", [message("a: b: c")]),
        (":data: x\n\n:\n\n", []),
        ("Data: x\n\n", []),
        (" data: x\n\n", []),
        ("unknown: y\ndata: x\nfoo\n\n", [message("x")]),
        ("event: e\n\ndata: x\n\n", [message("x")]),
        ("event: e\nevent: f\ndata: x\n\n", [("f", "x", "")]),
        ("event: e\nevent\ndata: x\n\n", [message("x")]),
        ("id: 1\n\ndata: x\n\n", [message("x", "1")]),
        ("id: 1\ndata: x\n\ndata: y\n\n", [message("x", "1"), message("y", "1")]),
        ("id: 1\ndata: x\n\nid: a\0b\ndata: y\n\n", [message("x", "1"), message("y", "1")]),
        ("data: x\n\n\ufeffdata: y\n\n", [message("x")]),
        ("\ufeff\ufeffdata: y\n\n", []),
        ("data: x\r\n\r\n", [message("x")]),
        ("data: x\r\rdata: y\n\r\n", [message("x"), message("y")]),
        ("data: a\u2028b\x0bc\x85d\n\n", [message("a\u2028b\x0bc\x85d")]),
        ("data: xin chào 🙂\n\n", [message("xin chào 🙂")]),
        (b"data: \xff\xfe|\xe2\x82\n\n", [message("\ufffd\ufffd|\ufffd")]),
    ],
)
def test_rules(stream: str | bytes, expected: list[tuple[str, str, str]]) -> None:
    assert parse(stream) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("retry: 2500", 2500),
        ("retry:0", 0),
        ("retry", None),
        ("retry: -5", None),
        ("retry: 1.5", None),
        ("retry: 12s", None),
        ("retry:  3", None),
        ("retry: ٣", None),
    ],
)
def test_retry(line: str, expected: int | None) -> None:
    parser = EventStreamParser()
    assert parser.feed(f"{line}\n".encode()) == []
    assert parser.retry_ms == expected


def test_retry_with_too_many_digits_is_no_error() -> None:
    parser = EventStreamParser()
    parser.feed(b"retry: " + b"9" * 10_000 + b"\n")
    assert parser.retry_ms is not None


def test_the_last_id_is_set_by_finished_events_only() -> None:
    parser = EventStreamParser(last_event_id="0")
    assert [event.last_event_id for event in parser.feed(b"data: x\n\nid: 7\ndata: y\n")] == ["0"]
    assert parser.last_event_id == "0"
    parser.feed(b"\n")
    assert parser.last_event_id == "7"


@pytest.mark.parametrize("piece", [1, 7, 64, 100_000])
def test_only_the_event_that_is_too_long_is_dropped(piece: int) -> None:
    parser = EventStreamParser(max_event_chars=100)
    lines = b"".join(b"data: " + b"y" * 20 + b"\n" for _ in range(9))
    stream = (
        b"data: a\n\ndata: "
        + b"x" * 500
        + b"\ndata: more\n\ndata: b\n\n"
        + lines
        + b"\ndata: c\n\n:"
        + b"z" * 500
        + b"\n\n"
        + b": quiet\n" * 50
        + b"data: d\n\n"
    )
    events = [
        event.data for at in range(0, len(stream), piece) for event in parser.feed(stream[at : at + piece])
    ]
    assert events == ["a", "b", "c", "d"]
    assert parser.dropped == 3


def by_the_book(stream: str) -> list[tuple[str, str, str]]:
    """Apply the algorithm of the standard literally to a whole stream."""
    stream = stream.removeprefix("\ufeff")
    lines = stream.replace("\r\n", "\n").replace("\r", "\n").split("\n")[:-1]
    data, event_type, id_buffer, events = "", "", "", []
    for line in lines:
        if line == "":
            if data:
                events.append((event_type or "message", data[:-1], id_buffer))
            data = event_type = ""
            continue
        field, colon, value = line.partition(":")
        if colon and not field:
            continue
        value = value[1:] if value.startswith(" ") else value
        if field == "event":
            event_type = value
        elif field == "data":
            data += value + "\n"
        elif field == "id" and "\0" not in value:
            id_buffer = value
    return events


pieces = st.sampled_from(
    ["data", "event", "id", "retry", ":", " ", "\n", "\r", "\r\n", "\n\n", "x", "é🙂", "\0", "7", "\ufeff"]
)


@given(st.lists(pieces, max_size=60).map("".join), st.lists(st.integers(1, 9), min_size=1, max_size=40))
@example("data: x\r\n\r\ndata: y\r\r", [1])
@example("\ufeffdata: 🙂\n\n", [1, 2, 3])
def test_any_stream_split_anywhere(stream: str, cuts: list[int]) -> None:
    data, parser, events, at = stream.encode(), EventStreamParser(), [], 0
    while at < len(data):
        size = cuts[at % len(cuts)]
        events += parser.feed(data[at : at + size])
        at += size
    assert [as_tuple(event) for event in events] == by_the_book(stream)


@given(st.lists(st.binary(max_size=40), max_size=10))
def test_any_bytes_are_accepted(chunks: list[bytes]) -> None:
    parser = EventStreamParser()
    cut = [as_tuple(event) for chunk in chunks for event in parser.feed(chunk)]
    assert cut == parse(b"".join(chunks))
