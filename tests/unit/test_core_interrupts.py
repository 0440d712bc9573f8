"""The core drops neither an interrupt nor a lack of memory, and makes instances of pydantic models alone."""

from __future__ import annotations

import json
from abc import ABCMeta
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mezon import _core
from mezon._gateway import codec
from mezon.models import ChannelMessage
from mezon.protobuf.api import api_pb2
from pydantic import BaseModel

PLAN = codec.model_plan(ChannelMessage, "mezon.api.ChannelMessage")
SENT = codec.dict_plan("mezon.api.ChannelMessage")

#: JSON that the core leaves to ``json.loads``: half of a pair has no UTF-8.
HALF = r'{"t":"half \ud83d of one"}'
BODY = api_pb2.ChannelMessage(message_id=1, channel_id=7, content=HALF).SerializeToString()

fatal = pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, MemoryError])


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[BaseException]]:
    """``json.loads`` raises what is put in here."""
    raised: list[BaseException] = []
    real = json.loads

    def broken(text: str, **options: Any) -> Any:
        if raised:
            raise raised.pop()
        return real(text, **options)

    monkeypatch.setattr(json, "loads", broken)
    yield raised
    assert not raised


@fatal
def test_decoding_raises_it(loads: list[BaseException], error: type[BaseException]) -> None:
    loads.append(error())
    with pytest.raises(error):
        PLAN.decode(BODY)
    assert PLAN.decode(BODY).content == {"t": "half \ud83d of one"}


@fatal
def test_reading_a_content_raises_it_and_can_be_done_again(
    loads: list[BaseException], error: type[BaseException]
) -> None:
    message = PLAN.receive(BODY)
    loads.append(error())
    with pytest.raises(error):
        message.content  # noqa: B018
    assert message.content == {"t": "half \ud83d of one"}


@fatal
def test_reading_the_store_raises_it(
    loads: list[BaseException], error: type[BaseException], tmp_path: Path
) -> None:
    store = _core.Store(tmp_path / "m.db")
    store.accept(BODY)
    loads.append(error())
    with pytest.raises(error):
        store.list(7, 10, 0)
    assert store.list(7, 10, 0)[0]["content"] == {"t": "half \ud83d of one"}
    assert store.close(10)


@pytest.mark.parametrize("error", [ValueError("no JSON"), RecursionError("too deep")])
def test_what_is_no_json_is_none(loads: list[BaseException], error: Exception) -> None:
    loads.append(error)
    message = PLAN.decode(BODY)
    assert (message.content, message.raw_content) == ({}, HALF)


@fatal
def test_encoding_raises_it(error: type[BaseException]) -> None:
    class Half(Mapping[str, Any]):
        """A mapping, as its class says when it is asked for the first time."""

        def __getitem__(self, name: str) -> Any:
            raise error

        def __contains__(self, name: object) -> bool:
            raise error

        def __iter__(self) -> Iterator[str]:
            raise error

        def __len__(self) -> int:
            return 1

    with pytest.raises(error):
        SENT.encode(Half())


@fatal
def test_asking_whether_a_value_is_a_mapping_raises_it(error: type[BaseException]) -> None:
    class Odd:
        @property
        def __class__(self) -> Any:
            raise error

    with pytest.raises(error):
        SENT.encode(Odd())


@fatal
def test_a_number_that_raises_it(error: type[BaseException]) -> None:
    class Number:
        def __float__(self) -> float:
            raise error

    plan = codec.dict_plan("google.protobuf.DoubleValue")
    with pytest.raises(error):
        plan.encode({"value": Number()})


@fatal
def test_a_sender_that_raises_it(error: type[BaseException]) -> None:
    class Sender:
        def __index__(self) -> int:
            raise error

    message = PLAN.decode(BODY)
    vars(message)["sender_id"] = Sender()
    with pytest.raises(error):
        _core.Senders(10).notify_diff(lambda _: None, lambda _: None, print, message)


@fatal
def test_a_value_of_sql_that_raises_it(error: type[BaseException], tmp_path: Path) -> None:
    class Bytes(list[int]):
        def __iter__(self) -> Iterator[int]:
            raise error

    store = _core.Store(tmp_path / "m.db")
    with pytest.raises(error):
        _core.sql_execute(store, "SELECT ?", [[Bytes([1])]], False)
    _core.sql_close(store)


def test_a_class_that_is_registered_as_a_model_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """``issubclass`` believes it. An instance of it has no place for what pydantic keeps in each."""

    class Impostor(metaclass=ABCMeta):  # noqa: B024
        __slots__ = ()

    # As in the versions of pydantic before this method, whose models are plain ABCs.
    monkeypatch.delattr(type(BaseModel), "__subclasscheck__", raising=False)
    ABCMeta.register(BaseModel, Impostor)
    assert issubclass(Impostor, BaseModel)
    spec = replace(codec._spec(ChannelMessage, "mezon.api.ChannelMessage"), model=Impostor)  # type: ignore[type-var]
    with pytest.raises(TypeError, match="must be a pydantic model"):
        _core.Plan(spec)
