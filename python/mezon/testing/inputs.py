"""What can be clicked and filled in on a message, read from its content (docs/protocol.md, "Forms")."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

__all__ = ["BUTTON", "SELECT", "Part", "fill_in", "find_button", "parts_of", "wire_value"]

BUTTON: Final = 1
SELECT: Final = 2
INPUT: Final = 3
DATE: Final = 4
RADIO: Final = 5


@dataclass(slots=True, frozen=True)
class Part:
    """A button, select box, input, date picker or radio group.

    Attributes:
        id: What the bot gave it.
        kind: Its type on the wire.
        options: The values that may be chosen; empty where anything may be put in.
        many: Whether several of them may be chosen.
    """

    id: str
    kind: int
    options: tuple[str, ...] = ()
    many: bool = False


def parts_of(content: Any) -> list[Part]:
    """Give the parts of a message's content (the decoded JSON), buttons last."""
    found = list(_parts(content))
    return sorted(found, key=lambda part: part.kind == BUTTON)


def _parts(value: Any) -> Iterator[Part]:
    if isinstance(value, list):
        for item in value:
            yield from _parts(item)
    elif isinstance(value, dict):
        if isinstance(value.get("id"), str) and isinstance(value.get("type"), int) and "component" in value:
            yield _part(value)
        else:
            for item in value.values():
                yield from _parts(item)


def _part(value: dict[str, Any]) -> Part:
    component = value["component"]
    # A select has its options in an object, a radio group is the list of them.
    listed = component.get("options", ()) if isinstance(component, dict) else component
    options = tuple(str(one["value"]) for one in listed or () if isinstance(one, dict) and "value" in one)
    most = value.get("max_options") or (component.get("max_options") if isinstance(component, dict) else None)
    return Part(value["id"], value["type"], options, many=bool(most and most != 1))


def wire_value(value: Any) -> str | list[str]:
    """Give a value as a client puts it into ``extra_data``: a text, a date as ``d/m/yyyy``, or a list of texts."""
    if isinstance(value, date):
        return f"{value.day}/{value.month}/{value.year}"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple | set | frozenset):
        return [str(wire_value(item)) for item in value]
    return str(value)


def fill_in(parts: list[Part], values: Mapping[str, Any]) -> str:
    """Give the ``extra_data`` of a click after these fields were filled in; "" for none.

    Raises:
        LookupError: There is no such field.
        ValueError: It is none of the options.
    """
    fields = {part.id: part for part in parts if part.kind != BUTTON}
    filled: dict[str, str | list[str]] = {}
    for name, value in values.items():
        if name not in fields:
            raise LookupError(f"the message has no field {name!r}; {_listing('fields', fields)}")
        written = wire_value(value)
        options = fields[name].options
        for one in written if isinstance(written, list) else [written]:
            if options and one not in options:
                raise ValueError(f"{one!r} is no option of {name!r}; its options are {', '.join(options)}")
        filled[name] = written
    return json.dumps(filled, ensure_ascii=False) if filled else ""


def find_button(parts: list[Part], button_id: str | None) -> str:
    """Find the id of a message's button: the one named, or the only one.

    Raises:
        LookupError: There is no such button, or more than one and none was named.
    """
    buttons = [part.id for part in parts if part.kind == BUTTON]
    if button_id is None and len(buttons) == 1:
        return buttons[0]
    if button_id is None:
        raise LookupError(f"say which button to press; {_listing('buttons', buttons)}")
    if button_id not in buttons:
        raise LookupError(f"the message has no button {button_id!r}; {_listing('buttons', buttons)}")
    return button_id


def _listing(kind: str, names: Any) -> str:
    names = list(names)
    return f"its {kind} are {', '.join(map(repr, names))}" if names else f"it has no {kind}"
