"""The table of RPCs against what was recorded of the protocol, and a mapping as a request."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mezon import InvalidArgumentError
from mezon.api._message import build_message
from mezon.protobuf._rpc_table import RPCS
from mezon.protobuf.api import api_pb2
from mezon.protobuf.rtapi import realtime_pb2
from mezon.protobuf.utils import Rpc, find_rpc

TESTS = Path(__file__).parents[1]
VECTORS = TESTS / "vectors"


def rows(name: str) -> list[dict[str, str]]:
    with (VECTORS / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def test_every_recorded_name_has_its_recorded_index_and_no_other_is_there() -> None:
    recorded = {row["name"]: int(row["index"]) for row in rows("api_index.tsv")}
    assert len(recorded) == 210
    assert {name: rpc.index for name, rpc in RPCS.items()} == recorded
    assert all(name == rpc.name for name, rpc in RPCS.items())


@pytest.mark.parametrize("rpc", RPCS.values(), ids=lambda rpc: rpc.name)
def test_its_messages_are_in_the_schema(rpc: Rpc) -> None:
    for full_name, kind in ((rpc.request, rpc.request_class), (rpc.response, rpc.response_class)):
        assert (kind.DESCRIPTOR.full_name if kind is not None else "") == full_name


def test_what_the_local_gateway_takes_is_what_the_table_says() -> None:
    from mezon.testing.rpc import METHODS

    assert len(METHODS) > 15
    # Its messages are reported and not in the schema: see mezon.protobuf.reported.
    reported = {"GenerateCDNSignature"}
    assert reported <= METHODS.keys() - RPCS.keys()
    wrong = {
        name: (method.request.DESCRIPTOR.full_name, RPCS[name].request)
        for name, method in METHODS.items()
        if name not in reported
        if RPCS[name].request and method.request.DESCRIPTOR.full_name != RPCS[name].request
    }
    assert wrong == {}


def test_the_generated_files_are_those_of_the_table() -> None:
    ended = subprocess.run(
        [sys.executable, TESTS.parent / "tools" / "rpc.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_name_that_is_none_is_told_from_its_neighbour() -> None:
    with pytest.raises(InvalidArgumentError, match="did you mean ListClanUsers"):
        find_rpc("ListClanUser")
    with pytest.raises(InvalidArgumentError, match="no RPC 'x'"):
        find_rpc("x")


def test_a_mapping_becomes_the_message() -> None:
    made = build_message(
        api_pb2.UpdateRoleRequest,
        {
            "role_id": "123",
            "clan_id": 5,
            "title": "Boss",
            "add_user_ids": ["7", 8],
            "color": None,
            "description": "",
        },
    )
    assert isinstance(made, api_pb2.UpdateRoleRequest)
    assert (made.role_id, made.clan_id, list(made.add_user_ids)) == (123, 5, [7, 8])
    assert made.title.value == "Boss"
    assert made.HasField("description")  # given as "", which is not the same as not given
    assert not made.HasField("color")
    assert build_message(api_pb2.UpdateRoleRequest, made) is made
    assert build_message(api_pb2.UpdateRoleRequest, None) == api_pb2.UpdateRoleRequest()


def test_messages_in_messages_and_lists_of_them() -> None:
    made = build_message(
        api_pb2.SearchMessageRequest,
        {
            "filters": [{"field_name": "content", "field_value": "x"}, api_pb2.FilterParam(field_name="y")],
            "size": 5,
        },
    )
    assert isinstance(made, api_pb2.SearchMessageRequest)
    assert [item.field_name for item in made.filters] == ["content", "y"]
    ban = build_message(realtime_pb2.MessageButtonClicked, {"message_id": "9", "button_id": "b"})
    assert ban.message_id == 9  # type: ignore[attr-defined]
    with_map = build_message(api_pb2.SessionRefreshRequest, {"token": "t", "vars": {"a": "b"}})
    assert dict(with_map.vars) == {"a": "b"}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (api_pb2.ListClanUsersRequest, {"clanid": 1}, "no field 'clanid'; did you mean clan_id"),
        (api_pb2.ListClanUsersRequest, {"zzz": 1}, "no field 'zzz'; it has clan_id"),
        (api_pb2.ListClanUsersRequest, {"clan_id": "x"}, "clan_id must be an id"),
        (api_pb2.ListClanUsersRequest, {"clan_id": 1.5}, "ListClanUsersRequest.clan_id cannot hold float"),
        (api_pb2.ListClanUsersRequest, {"clan_id": 2**63}, "ListClanUsersRequest.clan_id cannot hold int"),
        (api_pb2.BanClanUsersRequest, {"user_ids": "12"}, "BanClanUsersRequest.user_ids cannot hold str"),
        (api_pb2.BanClanUsersRequest, {"user_ids": 12}, "BanClanUsersRequest.user_ids cannot hold int"),
        (api_pb2.BanClanUsersRequest, {"reason": 12}, "BanClanUsersRequest.reason cannot hold int"),
        (api_pb2.SearchMessageRequest, {"filters": [{"name": 1}]}, "FilterParam has no field 'name'"),
        (api_pb2.SearchMessageRequest, {"filters": [5]}, "SearchMessageRequest.filters cannot hold list"),
        (api_pb2.ListClanUsersRequest, api_pb2.ListRoleUsersRequest(), "a ListClanUsersRequest or a mapping"),
        (
            api_pb2.ListClanUsersRequest,
            [1],
            "the request must be a ListClanUsersRequest or a mapping of its fields, not list",
        ),
    ],
)
def test_what_does_not_fit_is_said(kind: Any, value: Any, text: str) -> None:
    with pytest.raises(InvalidArgumentError, match=text):
        build_message(kind, value)
