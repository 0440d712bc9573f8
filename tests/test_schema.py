"""The compiled schemas say what the recorded table says, field by field, in Python and in Rust."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from mezon import _core
from mezon.protobuf.api import api_pb2
from mezon.protobuf.rtapi import realtime_pb2
from mezon.protobuf.utils import is_repeated

TABLE = Path(__file__).parent / "vectors" / "schema.tsv"
ROWS = list(csv.DictReader(TABLE.read_text("utf-8").splitlines(), delimiter="\t"))
FILES = {"api/api.proto": api_pb2.DESCRIPTOR, "rtapi/realtime.proto": realtime_pb2.DESCRIPTOR}
MESSAGES = [row["parent"] for row in ROWS if row["kind"] == "message"]
ENUMS = [row["parent"] for row in ROWS if row["kind"] == "enum"]

#: (number, name, type, repeated, oneof) of each message's fields.
FIELDS: dict[str, list[tuple[int, str, str, bool, str]]] = defaultdict(list)
VALUES: dict[str, dict[str, int]] = defaultdict(dict)
PACKED: set[tuple[str, str]] = set()
for row in ROWS:
    if row["kind"] == "field":
        field = (int(row["number"]), row["name"], row["type"], row["label"] == "repeated", row["oneof"])
        FIELDS[row["parent"]].append(field)
        if "packed=True" in row["options"]:
            PACKED.add((row["parent"], row["name"]))
    elif row["kind"] == "value":
        VALUES[row["parent"]][row["name"]] = int(row["number"])


def test_the_table_is_whole() -> None:
    top = [name for name in MESSAGES if name.count(".") == 2]
    assert sum(name.startswith("mezon.api.") for name in top) == 361
    assert sum(name.startswith("mezon.realtime.") for name in top) == 104
    assert {row["label"] for row in ROWS if row["kind"] == "field"} == {"singular", "repeated"}


def descriptors(of: Any) -> dict[str, Any]:
    found = {}
    for message in of:
        found[message.full_name] = message
        found |= descriptors(message.nested_types)
    return found


PYTHON = {
    name: message
    for file in FILES.values()
    for name, message in descriptors(file.message_types_by_name.values()).items()
}


def type_of(field: Any) -> str:
    if field.message_type is not None:
        return str(field.message_type.full_name)
    if field.enum_type is not None:
        return str(field.enum_type.full_name)
    names = {
        getattr(field, name): name.removeprefix("TYPE_").lower()
        for name in dir(field)
        if name.startswith("TYPE_")
    }
    return names[field.type]


class TestPython:
    def test_no_message_more_or_less(self) -> None:
        assert sorted(PYTHON) == sorted(MESSAGES)

    @pytest.mark.parametrize("name", MESSAGES)
    def test_fields(self, name: str) -> None:
        compiled = [
            (
                field.number,
                field.name,
                type_of(field),
                is_repeated(field),
                field.containing_oneof.name if field.containing_oneof is not None else "",
            )
            for field in PYTHON[name].fields
        ]
        assert sorted(compiled) == sorted(FIELDS[name])
        assert {field.name for field in PYTHON[name].fields if is_repeated(field) and field.is_packed} >= {
            field for parent, field in PACKED if parent == name
        }

    @pytest.mark.parametrize(("path", "file"), FILES.items())
    def test_each_message_is_in_its_file(self, path: str, file: Any) -> None:
        expected = {row["parent"] for row in ROWS if row["kind"] == "message" and row["file"] == path}
        assert set(descriptors(file.message_types_by_name.values())) == expected

    def test_map_entries(self) -> None:
        marked = {row["parent"] for row in ROWS if "map_entry" in row["options"]}
        assert {name for name, message in PYTHON.items() if message.GetOptions().map_entry} == marked

    def test_enums(self) -> None:
        enums = [enum for file in FILES.values() for enum in file.enum_types_by_name.values()]
        enums += [enum for message in PYTHON.values() for enum in message.enum_types]
        assert {enum.full_name: dict(enum.values_by_name.items()) for enum in enums}.keys() == set(ENUMS)
        for enum in enums:
            assert {value.name: value.number for value in enum.values} == VALUES[enum.full_name]


class TestRust:
    def test_no_message_less(self) -> None:
        assert set(MESSAGES) <= set(_core.schema_messages())

    def test_only_well_known_ones_more(self) -> None:
        more = set(_core.schema_messages()) - set(MESSAGES)
        assert all(name.startswith("google.protobuf.") for name in more)

    @pytest.mark.parametrize("name", MESSAGES)
    def test_fields(self, name: str) -> None:
        compiled = [
            (number, field, type_name or kind, repeated)
            for number, field, kind, type_name, repeated in _core.schema_fields(name)
        ]
        assert sorted(compiled) == sorted(field[:4] for field in FIELDS[name])

    def test_kinds(self) -> None:
        for name in MESSAGES:
            for _, field, kind, type_name, _ in _core.schema_fields(name):
                if type_name:
                    assert kind == ("enum" if type_name in ENUMS else "message"), (name, field)

    def test_unknown_message(self) -> None:
        with pytest.raises(ValueError, match="no message mezon\\.api\\.Nothing"):
            _core.schema_fields("mezon.api.Nothing")
