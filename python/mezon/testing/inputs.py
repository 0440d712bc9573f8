"""What can be clicked and filled in on a message, read from its content (docs/protocol.md, "Forms")."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

__all__ = ["BUTTON", "SELECT", "Part", "fill_in", "find_button", "name_of_button", "parts_of", "wire_value"]

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
        label: What a button says.
    """

    id: str
    kind: int
    options: tuple[str, ...] = ()
    many: bool = False
    label: str = ""


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
    label = component.get("label") if isinstance(component, dict) else None
    return Part(value["id"], value["type"], options, many=bool(most and most != 1), label=str(label or ""))


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


def find_button(parts: list[Part], button: str | int | None) -> str:
    """Find the id of a message's button: the one named by its id, by what it says or by its place, or the only one.

    Args:
        parts: What is on the message.
        button: The id; a label that one button alone has; the place among the buttons, from 0.

    Raises:
        LookupError: There is no such button, or more than one and none was named.
    """
    buttons = [part for part in parts if part.kind == BUTTON]
    ids = [part.id for part in buttons]
    if button is None and len(ids) == 1:
        return ids[0]
    if button is None:
        raise LookupError(f"say which button to press; {_shown(buttons)}")
    if isinstance(button, int):
        if 0 <= button < len(ids):
            return ids[button]
        raise LookupError(f"the message has no button {button}, counted from 0; {_shown(buttons)}")
    if button in ids:
        return button
    called = [part.id for part in buttons if part.label == button]
    if len(called) == 1:
        return called[0]
    if called:
        raise LookupError(
            f"several buttons say {button!r}: name one by its id or its place; {_shown(buttons)}"
        )
    raise LookupError(f"the message has no button {button!r}; {_shown(buttons)}")


def name_of_button(parts: list[Part], button_id: str) -> str | int:
    """Say how a test names a button, so that it finds it again when the bot makes its ids up each time.

    What it says if no other button says it or is called so; else its place from 0. One that is not there is named by
    its id.
    """
    buttons = [part for part in parts if part.kind == BUTTON]
    for place, part in enumerate(buttons):
        if part.id == button_id:
            taken = [one.label for one in buttons] + [one.id for one in buttons if one is not part]
            return part.label if part.label and taken.count(part.label) == 1 else place
    return button_id


def _shown(buttons: list[Part]) -> str:
    names = [
        repr(one.id) + (f" ({one.label})" if one.label.lower() not in ("", one.id) else "") for one in buttons
    ]
    return f"its buttons are {', '.join(names)}" if names else "it has no buttons"


def _listing(kind: str, names: Any) -> str:
    names = list(names)
    return f"its {kind} are {', '.join(map(repr, names))}" if names else f"it has no {kind}"
