"""What the core promises of the objects it hands out, whatever comes over the wire and whatever a bot does to them."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from mezon import _core
from mezon._gateway import codec
from mezon._gateway.connection import CoreConnection
from mezon._gateway.failures import no_answer
from mezon.errors import MezonConnectionError
from mezon.models import ChannelMessage
from mezon.protobuf.api import api_pb2
from patience import patient

PLAN = codec.model_plan(ChannelMessage, "mezon.api.ChannelMessage")

FLOOD = """
import resource, sys
from mezon._gateway import codec
from mezon.models import ChannelMessage
from mezon.protobuf.api import api_pb2
plan = codec.model_plan(ChannelMessage, "mezon.api.ChannelMessage")
first, item, last = map(bytes.fromhex, sys.argv[1:])
flood = first + item * 1_000_000 + last
body = api_pb2.ChannelMessage(mentions=flood).SerializeToString()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    plan.decode(body)
except ValueError as error:
    print(error)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.parametrize(
    "flood", [(b"", b"\x0a\x00", b""), (b"[{}", b",{}", b"]")], ids=["empty mentions", "mentions as JSON"]
)
def test_a_flood_of_elements_is_refused_before_it_takes_memory(flood: tuple[bytes, bytes, bytes]) -> None:
    """Some million bytes of mentions, each of which would be an object of a kilobyte."""
    done = subprocess.run(
        [sys.executable, "-c", FLOOD, *(part.hex() for part in flood)],
        capture_output=True,
        text=True,
        timeout=patient(50),
        check=True,
    )
    said, grown = done.stdout.splitlines()
    assert "its lists have too many elements" in said
    assert int(grown) < 100, "MiB"


def test_as_many_elements_as_a_message_may_have() -> None:
    mentions = api_pb2.MessageMentionList(mentions=[api_pb2.MessageMention(user_id=n) for n in range(10_000)])
    message = api_pb2.ChannelMessage(message_id=1, mentions=mentions.SerializeToString())
    assert len(PLAN.decode(message.SerializeToString()).mentions) == 10_000


def test_the_set_of_given_fields_is_everybodys_own() -> None:
    body = api_pb2.ChannelMessage(message_id=1, content='{"t":"hi"}').SerializeToString()
    spoilt, other = PLAN.decode(body), PLAN.decode(body)
    spoilt.model_fields_set.clear()
    assert spoilt.model_fields_set == set()
    assert spoilt.model_dump(exclude_unset=True) == {}
    for message in (other, PLAN.decode(body)):
        assert message.model_fields_set == set(ChannelMessage.model_fields)
        assert message.model_dump(exclude_unset=True) == message.model_dump()


class Listener:
    """Hears of events, as a client does."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, Any]] = []

    def capacity(self) -> int:
        return 32

    def on_event(self, name: str, event: Any) -> None:
        self.heard.append((name, event))


@pytest.mark.parametrize("end", [None, KeyboardInterrupt, SystemExit])
def test_an_event_that_cannot_be_made_costs_no_other(
    end: type[BaseException] | None, caplog: pytest.LogCaptureFixture
) -> None:
    """The core says so in its place, and the rest of its batch is told before an end of the process goes on."""
    connection, listener = CoreConnection(), Listener()
    trouble = RuntimeError("no object of it") if end is None else end()
    kinds = _core.ItemKind
    batch = [
        (kinds.EVENT, codec.TAGS["ping"], "one"),
        (kinds.BROKEN, codec.TAGS["ping"], trouble),
        (kinds.EVENT, codec.TAGS["ping"], "two"),
    ]
    if end is None:
        connection._dispatch(batch, listener)  # type: ignore[arg-type]
        assert "no object of it" in caplog.text
    else:
        with pytest.raises(end):
            connection._dispatch(batch, listener)  # type: ignore[arg-type]
    assert [event for _, event in listener.heard] == ["one", "two"]


def test_a_list_without_a_receiver_is_dispatched_event_by_event() -> None:
    connection, listener = CoreConnection(), Listener()
    lists: list[list[Any]] = []
    tag = codec.TAGS["channel_message"]
    drained = [(_core.ItemKind.EVENTS, tag, ["one", "two"])]
    connection.deliver_lists("channel_message", lambda name, events: lists.append(events))
    connection._dispatch(drained, listener)  # type: ignore[arg-type]
    connection.deliver_lists("channel_message", None)
    connection._dispatch(drained, listener)  # type: ignore[arg-type]
    assert lists == [["one", "two"]]
    assert [event for _, event in listener.heard] == ["one", "two"]


def test_every_kind_of_failure_has_its_own_words() -> None:
    kinds = [value for name, value in vars(_core.FailureKind).items() if name.isupper()]
    assert len(kinds) == 7
    default = str(no_answer("call", "not_connected"))
    assert isinstance(no_answer("call", "not_connected"), MezonConnectionError)
    assert all(str(no_answer("call", kind, "detail", 3)) != default for kind in kinds)


def test_the_kinds_of_items_differ() -> None:
    kinds = [value for name, value in vars(_core.ItemKind).items() if name.isupper()]
    assert len(kinds) >= 9
    assert sorted(kinds) == list(range(len(kinds)))
