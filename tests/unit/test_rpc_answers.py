"""The answers that the core decodes are those that ``from_protobuf`` reads from protobuf's classes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from mezon._gateway.codec import dict_plan, read_answer
from mezon.models import ApiChannelDescList, ApiChannelDescription, ApiClanDescList, ApiSession
from mezon.models._base import MezonBaseModel
from mezon.protobuf.api import api_pb2
from test_envelope_models import messages

ANSWERS: dict[str, type[MezonBaseModel]] = {
    "Session": ApiSession,
    "ClanDescList": ApiClanDescList,
    "ChannelDescList": ApiChannelDescList,
    "ChannelDescription": ApiChannelDescription,
}
REQUESTS = [
    "ListClanDescRequest",
    "ListChannelDescsRequest",
    "ListChannelDetailRequest",
    "CreateChannelDescRequest",
]


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_is_what_from_protobuf_reads(name: str) -> None:
    model = ANSWERS[name]

    @given(messages(getattr(api_pb2, name).DESCRIPTOR))
    def check(message: Any) -> None:
        expected = model.from_protobuf(message)
        found = read_answer(model, f"mezon.api.{name}", message.SerializeToString())
        assert vars(found) == vars(expected)
        assert found.model_fields_set == expected.model_fields_set
        assert repr(found) == repr(expected)

    check()


def test_the_answers_share_no_state() -> None:
    whole = api_pb2.ClanDescList(clandesc=[api_pb2.ClanDesc(clan_id=1)]).SerializeToString()
    first = read_answer(ApiClanDescList, "mezon.api.ClanDescList", whole)
    second = read_answer(ApiClanDescList, "mezon.api.ClanDescList", b"")
    assert (first.model_fields_set, second.model_fields_set) == ({"clandesc"}, set())
    second.clandesc.append(first.clandesc[0])
    assert read_answer(ApiClanDescList, "mezon.api.ClanDescList", b"").clandesc == []


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_has_the_bytes_of_protobuf(name: str) -> None:
    kind = getattr(api_pb2, name)

    @given(messages(kind.DESCRIPTOR))
    def check(message: Any) -> None:
        values = {field.name: getattr(message, field.name) for field in kind.DESCRIPTOR.fields}
        values = {name: list(value) if name == "user_ids" else value for name, value in values.items()}
        assert dict_plan(f"mezon.api.{name}").encode(values) == message.SerializeToString()

    check()


def test_a_malformed_answer() -> None:
    with pytest.raises(ValueError, match=r"mezon\.api\.Session"):
        read_answer(ApiSession, "mezon.api.Session", b"\x0a\xff")
