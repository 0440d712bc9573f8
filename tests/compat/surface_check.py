"""Compare the package with a list of what the reference makes public.

Each comparison is a :class:`Check`: a sentence that says what is wrong if it does not hold.
"""

from __future__ import annotations

import enum
import importlib
import inspect
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

EMPTY: Final = inspect.Parameter.empty
NAMED: Final = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
    inspect.Parameter.KEYWORD_ONLY,
)


class Check(NamedTuple):
    """One comparison."""

    tier: str
    holds: bool
    sentence: str


#: What a comparison says, before the tier of its module is known.
_Verdict = tuple[bool, str]


def spelt(value: Any) -> str | None:
    """A default as the list spells it; None where there is none."""
    if value is EMPTY:
        return None
    if isinstance(value, enum.Enum):
        return f"{type(value).__name__}.{value.name}"
    return repr(value)


def checks(surface: Mapping[str, Any]) -> Iterator[Check]:
    """All comparisons of a list, module by module."""
    for name, wanted in surface.items():
        for holds, sentence in _module(name, wanted):
            yield Check(wanted["tier"], holds, sentence)


def _module(name: str, wanted: Mapping[str, Any]) -> Iterator[_Verdict]:
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        yield False, f"module {name}: {error}"
        return
    for attribute, description in wanted["names"].items():
        where = f"{name}.{attribute}"
        found = getattr(module, attribute, None)
        yield found is not None or attribute == "__version__", f"{where} is missing"
        if found is not None:
            yield from _thing(where, description, found)


def _thing(where: str, wanted: Mapping[str, Any], found: Any) -> Iterator[_Verdict]:
    match wanted["kind"]:
        case "const":
            yield found == wanted["value"], f"{where} is {found!r}, not {wanted['value']!r}"
        case "function":
            yield from _signature(where, wanted, found)
        case "enum":
            yield from _enum(where, wanted, found)
        case "model":
            yield from _model(where, wanted, found)
            yield from _members(where, wanted["members_"], found)
        case "class":
            yield from _members(where, wanted["members_"], found)


def _enum(where: str, wanted: Mapping[str, Any], found: Any) -> Iterator[_Verdict]:
    for name, value in wanted["members"].items():
        member = getattr(found, name, None)
        yield member is not None and member.value == value, f"{where}.{name} should be {value!r}"
    bases = [base for base in (int, str) if wanted[base.__name__]]
    yield all(issubclass(found, base) for base in bases), f"{where} has another base"


def _model(where: str, wanted: Mapping[str, Any], found: Any) -> Iterator[_Verdict]:
    fields = getattr(found, "model_fields", {})
    for name, description in wanted["fields"].items():
        field = fields.get(name)
        if field is None:
            yield False, f"{where}.{name}: the field is missing"
            continue
        yield field.alias == description["alias"], f"{where}.{name}: alias {field.alias!r} is another"
        if not description["required"]:
            yield not field.is_required(), f"{where}.{name}: became required"
    if wanted["populate_by_name"]:
        config = found.model_config
        by_name = config.get("populate_by_name") or config.get("validate_by_name")
        yield bool(by_name), f"{where}: fields can no longer be given by name"


def _members(where: str, wanted: Mapping[str, Any], owner: Any) -> Iterator[_Verdict]:
    for name, description in wanted.items():
        found = getattr(owner, name, None)
        yield found is not None, f"{where}.{name} is missing"
        if found is None or description is None:
            continue
        if "const" in description:
            same = found == description["const"] or spelt(found) == description["const"]
            yield same, f"{where}.{name} is {found!r}, not {description['const']!r}"
        elif "property" not in description:
            plain = inspect.getattr_static(owner, name)
            # A plain function keeps its `self` that way, as the list has it.
            function = plain if inspect.isfunction(plain) and description.get("static") is None else found
            yield from _signature(f"{where}.{name}", description, function)


def _signature(where: str, wanted: Mapping[str, Any], function: Any) -> Iterator[_Verdict]:
    if "params" not in wanted:
        return
    try:
        have = inspect.signature(function).parameters
    except (TypeError, ValueError):
        yield False, f"{where}: no signature; give the Rust function a text_signature"
        return
    takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in have.values())
    for place, description in enumerate(wanted["params"]):
        if description["kind"].startswith("VAR_"):
            continue
        name = description["name"]
        if name in have:
            fault = _fault(description, place, have)
            yield fault is None, f"{where}: parameter {name} {fault}"
        else:
            passes = takes_any and description["kind"] != "POSITIONAL_ONLY"
            yield passes, f"{where}: parameter {name} is missing"
    known = {description["name"] for description in wanted["params"]}
    for name, parameter in have.items():
        if name not in known and parameter.default is EMPTY and parameter.kind in NAMED:
            yield False, f"{where}: the new parameter {name} has no default"
    if "async" in wanted:
        yield from _color(where, wanted["async"], function)


def _fault(wanted: Mapping[str, Any], place: int, have: Mapping[str, inspect.Parameter]) -> str | None:
    """What is wrong with a parameter that is there."""
    name, default = wanted["name"], wanted["default"]
    found = have[name]
    if default is not None and found.default is EMPTY:
        return "has lost its default"
    if default is not None and spelt(found.default) != default:
        return f"defaults to {spelt(found.default)}, not {default}"
    if wanted["kind"] == "POSITIONAL_OR_KEYWORD":
        if found.kind is found.KEYWORD_ONLY:
            return "became keyword-only"
        if list(have).index(name) != place:
            return f"moved from position {place} to {list(have).index(name)}"
    return None


def _color(where: str, was_async: bool, function: Any) -> Iterator[_Verdict]:
    """A coroutine function stays one, and a function stays a function."""
    is_async = inspect.iscoroutinefunction(function)
    if was_async and not is_async:
        yield not inspect.isfunction(function), f"{where}: was a coroutine function"
    elif is_async and not was_async:
        yield False, f"{where}: became a coroutine function"
