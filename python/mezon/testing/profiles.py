"""What each of Mezon's clients draws, and how it writes the values of a form (docs/protocol.md, "Forms").

The facts are data: ``mezon.testing.interactions`` applies them, and the playground draws by them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal

from mezon.testing.messages import BUTTON, DATE, INPUT, RADIO, SELECT, Component

__all__ = ["CLIENTS", "Client", "Profile", "Value", "drawn", "missing_clients", "profile_of"]

Client = Literal["web", "desktop", "ios", "android"]
"""The name of a client."""

#: The value of a field in the form of a client. The web client stores a numeric default as a number.
Value = str | int | float | list[str]

_ISO_DATE: Final = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_KINDS: Final = {
    BUTTON: "buttons",
    SELECT: "select boxes",
    INPUT: "inputs",
    DATE: "date pickers",
    RADIO: "radio groups",
}


@dataclass(frozen=True, slots=True)
class Profile:
    """The behaviour of one client.

    Attributes:
        name: The name of the client.
        rows: The types of components that it draws in ``components``.
        fields: The types of components that it draws as ``inputs`` of an embed's field.
        field_buttons: Whether it draws ``button`` and ``shape`` of an embed's field.
        untouched: The ``extra_data`` of a click if no field has a value.
        keeps_values: Whether fields that the bot has removed are still sent.
        sends_choices: Whether a choice in a select box of an embed is sent as a click.
        sends_default_choice: Whether an untouched select box counts as filled in with its default.
        checks_disabled: Whether disabled buttons cannot be pressed.
        lists: Whether several options of one field can be chosen.
        native_defaults: Whether numeric defaults keep their type. None: such an input loses its default.
        slash_dates: Whether dates are written as dd/MM/yyyy instead of YYYY-MM-DD.
        removes_choices: Whether a choice can be removed with a ✕.
    """

    name: Client
    rows: frozenset[int]
    fields: frozenset[int]
    field_buttons: bool = False
    untouched: str = ""
    keeps_values: bool = False
    sends_choices: bool = True
    sends_default_choice: bool = True
    checks_disabled: bool = False
    lists: bool = True
    native_defaults: bool | None = False
    slash_dates: bool = False
    removes_choices: bool = False

    def draws(self, component: Component) -> bool:
        """Return whether the client draws a component."""
        if component.place == "field":
            return component.kind in self.fields
        if component.place in ("field button", "shape"):
            return self.field_buttons
        return component.kind in self.rows

    def kind_name(self, component: Component) -> str:
        """Return the plural noun for a component of this type and place, for error messages."""
        noun = _KINDS.get(component.kind, f"components of type {component.kind}")
        return f"{noun} {'in rows' if component.place == 'row' else 'in embeds'}"

    def default_of(self, component: Component) -> str | int | float | None:
        """Return the value that the client stores when it draws a component, or None."""
        default: str | int | float | None = component.default
        if default is None or (component.kind == SELECT and not self.sends_default_choice):
            return None
        if component.kind == SELECT:
            return str(default)
        if isinstance(default, str) or self.native_defaults:
            return default
        return str(default) if self.native_defaults is False else None

    def value_of(self, component: Component, value: Any) -> str | list[str]:
        """Return a value as the client writes it into ``extra_data``.

        Raises:
            ValueError: The value is not an option of the component, or there are too many.
        """
        if isinstance(value, list | tuple | set | frozenset):
            chosen = [self.text_of(component, one) for one in value]
        else:
            chosen = [self.text_of(component, value)]
        for one in chosen:
            if component.options and one not in component.options:
                raise ValueError(
                    f"{one!r} is not an option of {component.id!r}; its options are {', '.join(component.options)}"
                )
        if component.many and self.lists:
            if component.most and len(chosen) > component.most:
                raise ValueError(
                    f"{component.id!r} takes at most {component.most} options, not {len(chosen)}"
                )
            return chosen
        if component.many and component.kind == SELECT:
            return chosen[-1] if chosen else ""  # the last choice replaces the others
        if len(chosen) != 1:
            raise ValueError(f"{component.id!r} takes one value on {self.name}, not {len(chosen)}")
        return chosen[0]

    def text_of(self, component: Component, value: Any) -> str:
        """Return one value as text. A text in a date picker is a date as YYYY-MM-DD, or anything else unchanged."""
        if component.kind == DATE and isinstance(value, str) and (match := _ISO_DATE.fullmatch(value)):
            value = date(*map(int, match.groups()))
        if isinstance(value, date):
            return f"{value:%d/%m/%Y}" if self.slash_dates else f"{value:%Y-%m-%d}"
        if isinstance(value, bool):
            return "true" if value else "false"
        return str(value)


def _types(*kinds: int) -> frozenset[int]:
    return frozenset(kinds)


ANIMATION: Final = 6

CLIENTS: Final[dict[Client, Profile]] = {
    "web": Profile(
        "web",
        rows=_types(BUTTON, SELECT),
        fields=_types(SELECT, INPUT, DATE, RADIO, ANIMATION),
        field_buttons=True,
        keeps_values=True,
        native_defaults=True,
        removes_choices=True,
    ),
    "desktop": Profile(
        "desktop",
        rows=_types(BUTTON, SELECT),
        fields=_types(SELECT, INPUT),
        untouched="{}",
        sends_default_choice=False,
        checks_disabled=True,
        native_defaults=None,
    ),
    "ios": Profile(
        "ios",
        rows=_types(BUTTON),
        fields=_types(SELECT, INPUT, DATE, RADIO),
        untouched="{}",
        sends_choices=False,
        checks_disabled=True,
        lists=False,
        slash_dates=True,
    ),
    # Its rows are not known; the select box of a row is assumed, because its handler exists.
    "android": Profile(
        "android", rows=_types(BUTTON, SELECT), fields=_types(SELECT, INPUT, RADIO, ANIMATION)
    ),
}
"""The profiles by name."""


def profile_of(client: str) -> Profile:
    """Return a profile by its name.

    Raises:
        ValueError: There is no such client.
    """
    for name, profile in CLIENTS.items():
        if name == client:
            return profile
    raise ValueError(f"there is no client {client!r}; the clients are {', '.join(CLIENTS)}")


def missing_clients(component: Component) -> list[Client]:
    """Return the clients that do not draw a component."""
    return [name for name, profile in CLIENTS.items() if not profile.draws(component)]


def drawn(components: Iterable[Component], profile: Profile) -> list[Component]:
    """Return the components that a client draws."""
    return [one for one in components if profile.draws(one)]
