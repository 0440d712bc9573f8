"""Core, ``GatewayOptions`` and the documentation name the same options, with the same types, defaults and meanings."""

from __future__ import annotations

import inspect
import re
from dataclasses import fields
from pathlib import Path

import pytest
from mezon import GatewayOptions, _core
from mezon.options import check_options

ROWS = {name: (kind, default, doc) for name, kind, default, doc in _core.gateway_options()}

#: Set by MezonClient's own parameters, and by nobody.
OTHERS = {"recent_per_channel", "recent_channels", "recent_bytes"}

PAGE = Path(__file__).parents[2] / "docs" / "options.md"


def documented() -> dict[str, str]:
    """What the class's docstring says of each attribute."""
    text = inspect.getdoc(GatewayOptions)
    assert text is not None
    said: dict[str, str] = {}
    name = ""
    for line in text.split("Attributes:\n")[1].splitlines():
        if found := re.match(r"    (\w+): (.*)", line):
            name, said[found[1]] = found[1], found[2]
        elif line.strip():
            said[name] += f" {line.strip()}"
    return said


#: Options of the client, which the core does not have.
OF_THE_CLIENT = {"clans"}

OF_THE_CORE = [field for field in fields(GatewayOptions) if field.name not in OF_THE_CLIENT]


def test_the_core_has_every_option_and_no_other() -> None:
    assert {field.name for field in OF_THE_CORE} == ROWS.keys() - OTHERS
    assert ROWS.keys() >= OTHERS


@pytest.mark.parametrize("field", OF_THE_CORE, ids=lambda field: field.name)
def test_type_default_and_meaning_are_the_same(field: object) -> None:
    name, annotation, default = field.name, field.type, field.default  # type: ignore[attr-defined]
    kind, core_default, doc = ROWS[name]
    assert annotation == kind
    assert default == core_default
    assert type(default) is type(core_default)
    assert documented()[name] == doc


def test_the_page_has_every_option() -> None:
    text = PAGE.read_text("utf-8")
    missing = [field.name for field in fields(GatewayOptions) if f"`{field.name}`" not in text]
    assert missing == []


def test_the_core_takes_what_the_class_gives_and_nothing_unknown() -> None:
    _core.Gateway(GatewayOptions().as_dict())
    with pytest.raises(ValueError, match="the gateway has no option haste"):
        _core.Gateway({"haste": True})
    with pytest.raises(ValueError, match="connect_timeout must be a number of seconds"):
        _core.Gateway({"connect_timeout": -1.0})


def test_clans_are_ids_and_not_passed_to_the_core() -> None:
    options = GatewayOptions(clans=["7", 8, 7])
    assert options.clans == (7, 8)
    assert "clans" not in options.as_dict()
    with pytest.raises(ValueError, match="has no option clans"):
        check_options({"clans": [7]})
    for wrong in ("78", 7, ["x"], None):
        with pytest.raises(ValueError, match=r"GatewayOptions\.clans"):
            GatewayOptions(clans=wrong)  # type: ignore[arg-type]
