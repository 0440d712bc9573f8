"""The parts that need no server: names, shares, packets, turns."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mezon._cluster.membership import Member
from mezon._cluster.partitions import assign_partitions
from mezon._cluster.protocol import (
    Packet,
    decode_answer,
    decode_error,
    encode_answer,
    encode_error,
    partition_of,
)
from mezon._cluster.rpc_server import FairQueue
from mezon._cluster.settings import Broker, Layout
from mezon.errors import (
    DeliveryUnknownError,
    InvalidArgumentError,
    MezonConnectionError,
    MezonError,
    MezonTimeoutError,
    NotLoggedInError,
    ServerError,
)
from mezon.ports import AnswerTooLongError, HttpAnswer, HttpFailure


def test_a_partition_never_changes() -> None:
    # A stream of an earlier version goes on: these stand for every id.
    keys = (0, 1, -1, 1840000000000001000, 2**63 - 1)
    assert [partition_of(key, 64) for key in keys] == [24, 56, 45, 53, 6]


@given(st.integers(-(2**63), 2**63 - 1), st.integers(1, 4096))
def test_a_partition_is_one_of_them(key: int, partitions: int) -> None:
    assert 0 <= partition_of(key, partitions) < partitions


def test_channels_are_spread() -> None:
    shares = Counter(partition_of(key, 64) for key in range(64_000))
    assert min(shares.values()) > 800
    assert max(shares.values()) < 1200


@given(st.sets(st.text(min_size=1, max_size=12), min_size=1, max_size=20), st.sampled_from([1, 16, 64, 100]))
def test_nobody_has_more_than_a_fair_share(members: set[str], partitions: int) -> None:
    owners = assign_partitions(partitions, members)
    assert sorted(owners) == list(range(partitions))
    shares = Counter(owners.values())
    assert set(shares) <= members
    assert max(shares.values()) == math.ceil(partitions / len(members))
    # Whoever asks, in whatever order: the same.
    assert assign_partitions(partitions, sorted(members, reverse=True)) == owners
    assert assign_partitions(partitions, []) == {}


def test_a_worker_that_comes_moves_little_more_than_its_share() -> None:
    for count in (1, 2, 3, 4, 8, 16):
        names = [f"worker {number}" for number in range(count + 1)]
        before, after = assign_partitions(256, names[:-1]), assign_partitions(256, names)
        moved = sum(before[part] != after[part] for part in range(256))
        assert moved <= 2 * 256 / (count + 1)


def test_who_owns_what_never_changes() -> None:
    # Workers of two versions share a bot for a moment.
    owners = assign_partitions(12, ["a", "b", "c"])
    assert "".join(owners[part] for part in range(12)) == "acbbacbbcaac"


def test_what_a_worker_says_of_itself_is_read_again() -> None:
    said = Member("w1", frozenset({"channel_message"}), leaving=True)
    read = Member.decode("w1", said.encode())
    assert (read.name, read.interests, read.leaving) == ("w1", said.interests, True)


@given(st.dictionaries(st.text(max_size=8), st.integers() | st.text() | st.none(), max_size=5), st.binary())
def test_a_packet_is_read_as_it_was_written(values: dict[str, object], body: bytes) -> None:
    assert Packet.decode(Packet(values, body).encode()) == Packet(values, body)


@pytest.mark.parametrize("data", [b"", b"\0\0\0\x09{}", b"\0\0\0\2[]", b"\xff\xff\xff\xff"])
def test_a_packet_that_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"packet|Expecting"):
        Packet.decode(data)


@pytest.mark.parametrize(
    "error",
    [
        DeliveryUnknownError("perhaps"),
        InvalidArgumentError("wrong"),
        MezonConnectionError("away"),
        MezonTimeoutError("late"),
        NotLoggedInError("first log in"),
        MezonError("anything"),
    ],
)
def test_an_error_comes_back_as_the_same_class(error: MezonError) -> None:
    found = decode_error(Packet.decode(encode_error(error).encode()))
    assert type(found) is type(error)
    assert str(found) == str(error)


def test_an_error_keeps_what_it_holds() -> None:
    refused = decode_error(
        encode_error(ServerError(3, "no", {"a": "b"}, call="channel_message_send", hint="join"))
    )
    assert isinstance(refused, ServerError)
    assert (refused.code, refused.message, refused.context, refused.call) == (
        3,
        "no",
        {"a": "b"},
        "channel_message_send",
    )
    assert "join" in str(refused)
    failure = decode_error(encode_error(HttpFailure("x: gone", reason="gone", sent=True, lasting=True)))
    assert isinstance(failure, HttpFailure)
    assert (failure.reason, failure.sent, failure.lasting) == ("gone", True, True)
    long = decode_error(encode_error(AnswerTooLongError("too long", HttpAnswer(200, "OK", {"A": "b"}))))
    assert isinstance(long, AnswerTooLongError)
    assert long.answer.headers["a"] == "b"


def test_an_error_that_no_port_promises_tells_nothing() -> None:
    found = decode_error(encode_error(RuntimeError("Bearer a-secret")))
    assert type(found) is MezonError
    assert "a-secret" not in str(found)
    assert "RuntimeError" in str(found)


def test_an_http_answer_travels_whole() -> None:
    answer = HttpAnswer(404, "Not Found", {"Content-Type": "text/plain"}, b"\x00\xff")
    found = decode_answer(Packet.decode(encode_answer(answer).encode()))
    assert (found.status, found.reason, found.body) == (404, "Not Found", b"\x00\xff")
    assert found.headers.get("content-type") == found.headers["CONTENT-TYPE"] == "text/plain"


def test_calls_begin_in_turns() -> None:
    turns, order = FairQueue(1), []
    turns.enqueue("busy", lambda: order.append("busy 0"))
    for number in range(1, 4):
        turns.enqueue("busy", lambda number=number: order.append(f"busy {number}"))
    turns.enqueue("quiet", lambda: order.append("quiet"))
    for _ in range(5):
        turns.release()
    assert order == ["busy 0", "busy 1", "quiet", "busy 2", "busy 3"]


def test_an_address_shows_no_password() -> None:
    broker = Broker(urls="nats://user:secret@one:4222, tls://two:4222")
    assert broker.servers == ["nats://user:secret@one:4222", "tls://two:4222"]
    assert broker.shown == "one:4222, two:4222"
    assert "secret" not in repr(broker)


@pytest.mark.parametrize("urls", ["", " , ", "localhost:4222"])
def test_an_address_that_is_none_is_refused(urls: str) -> None:
    with pytest.raises(InvalidArgumentError, match="NATS"):
        Broker(urls=urls)


@pytest.mark.parametrize("wrong", [{"partitions": 0}, {"partitions": 5000}, {"replicas": 6}])
def test_a_layout_that_cannot_be_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(InvalidArgumentError, match=r"\d+ to \d+"):
        Layout(**wrong)
