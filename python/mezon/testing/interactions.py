"""What happens when a user clicks a button, chooses in a select box, or submits a form of a message.

``Interactions.click`` reads from top to bottom: find the message, find the button, encode the filled-in fields, and
deliver ``message_button_clicked`` to every connection. The format of the events is in docs/protocol.md, "Forms".
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from mezon.protobuf.api import api_pb2
from mezon.protobuf.rtapi import realtime_pb2
from mezon.testing.connection import ConnectionRegistry
from mezon.testing.messages import BUTTON, SELECT, Component, components_of, content_of
from mezon.testing.records import Sent
from mezon.testing.state import MessageLike, UserLike
from mezon.testing.world import User

__all__ = ["Interactions", "fill_in", "find_button", "name_of_button", "wire_value"]


class Interactions:
    """The simulated users' clicks, choices and forms."""

    def __init__(self, registry: ConnectionRegistry) -> None:
        self._registry = registry
        self._state = registry.state
        self._world = registry.state.world

    async def click(
        self,
        message: MessageLike,
        user_or_button: UserLike,
        button_id: str | int | None = None,
        *,
        user: UserLike | None = None,
        values: Mapping[str, Any] | None = None,
        extra_data: str = "",
    ) -> None:
        """Click a button: ``click(sent, "yes")`` or ``click(sent, "alice", "yes")``."""
        target = self._state.find_message(message)
        components = components_of(content_of(target))
        named: str | int
        if button_id is None:
            who, named = self._user(user), str(user_or_button)
        else:
            who, named = self._world.user(user_or_button), button_id
        try:
            pressed = find_button(components, named)
        except LookupError:
            # A message that is named by its id accepts a click on a missing button: a client can still show a
            # button that the bot has just removed.
            if isinstance(message, Sent) or isinstance(named, int):
                raise
            pressed = named
        if values:
            extra_data = fill_in(components, values)
        await self.deliver_click(target, who, pressed, extra_data)

    async def submit(
        self,
        message: MessageLike,
        values: Mapping[str, Any] | None = None,
        *,
        button: str | int | None = None,
        user: UserLike | None = None,
    ) -> None:
        """Fill in a form and click its button. As in the apps, each choice in a select box is an event of its own."""
        target, who = self._state.find_message(message), self._user(user)
        components = components_of(content_of(target))
        pressed = find_button(components, button)
        values = values or {}
        extra_data = fill_in(components, values)
        for component in components:
            if component.kind == SELECT and component.id in values:
                chosen = wire_value(values[component.id])
                await self.deliver_choice(
                    target, who, component.id, chosen if isinstance(chosen, list) else [chosen]
                )
        await self.deliver_click(target, who, pressed, extra_data)

    async def select(self, message: MessageLike, *choice: Any, user: UserLike | None = None) -> None:
        """Choose in a select box: ``select(sent, "dish", "pho")`` or ``select(sent, "bob", "dish", ["pho"])``."""
        if len(choice) not in (2, 3):
            raise TypeError("select() takes a message, the id of its select box, and the chosen values")
        *before, box_id, chosen = choice
        who = self._world.user(before[0]) if before else self._user(user)
        target = self._state.find_message(message)
        values = [chosen] if isinstance(chosen, str) or not isinstance(chosen, Iterable) else list(chosen)
        # As for click: only a message that is named by its id accepts a choice in a missing box.
        if isinstance(message, Sent):
            fill_in(components_of(content_of(target)), {box_id: values})
        await self.deliver_choice(target, who, box_id, [str(wire_value(value)) for value in values])

    # Delivery: the events that every connection receives

    async def deliver_click(
        self, target: api_pb2.ChannelMessage, who: User, button_id: str, extra_data: str
    ) -> None:
        """Send ``message_button_clicked``."""
        event = realtime_pb2.MessageButtonClicked(
            message_id=target.message_id,
            channel_id=target.channel_id,
            button_id=button_id,
            sender_id=target.sender_id,
            user_id=who.id,
            extra_data=extra_data,
        )
        await self._registry.push(message_button_clicked=event)

    async def deliver_choice(
        self, target: api_pb2.ChannelMessage, who: User, box_id: str, values: list[str]
    ) -> None:
        """Send ``dropdown_box_selected``."""
        event = realtime_pb2.DropdownBoxSelected(
            message_id=target.message_id,
            channel_id=target.channel_id,
            selectbox_id=box_id,
            sender_id=target.sender_id,
            user_id=who.id,
            values=values,
        )
        await self._registry.push(dropdown_box_selected=event)

    def _user(self, user: UserLike | None) -> User:
        """Return the user, by default the first person of the world."""
        if user is not None:
            return self._world.user(user)
        found = next((u for u in self._world.users.values() if not u.is_bot), None)
        if found is None:
            raise LookupError("the world contains no person; add one with world.add_user(...)")
        return found


# Encoding


def fill_in(components: list[Component], values: Mapping[str, Any]) -> str:
    """Return the ``extra_data`` of a click after these fields were filled in; "" if there are none.

    Raises:
        LookupError: The message has no such field.
        ValueError: A value is not an option of its field.
    """
    fields = {one.id: one for one in components if one.kind != BUTTON}
    filled: dict[str, str | list[str]] = {}
    for name, value in values.items():
        if name not in fields:
            known = f"its fields are {', '.join(map(repr, fields))}" if fields else "it has no fields"
            raise LookupError(f"the message has no field {name!r}; {known}")
        written = wire_value(value)
        options = fields[name].options
        for one in written if isinstance(written, list) else [written]:
            if options and one not in options:
                raise ValueError(
                    f"{one!r} is not an option of {name!r}; its options are {', '.join(options)}"
                )
        filled[name] = written
    return json.dumps(filled, ensure_ascii=False) if filled else ""


def wire_value(value: Any) -> str | list[str]:
    """Return a value as clients write it into ``extra_data``: a text, a date as ``d/m/yyyy``, or a list of texts."""
    if isinstance(value, date):
        return f"{value.day}/{value.month}/{value.year}"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple | set | frozenset):
        return [str(wire_value(item)) for item in value]
    return str(value)


# Naming buttons


def find_button(components: list[Component], button: str | int | None) -> str:
    """Return the id of a button.

    Args:
        components: The components of the message.
        button: The id, the label (if it is unique) or the index of the button. None for the only button.

    Raises:
        LookupError: There is no such button, or the name is ambiguous.
    """
    buttons = [one for one in components if one.kind == BUTTON]
    ids = [one.id for one in buttons]
    if button is None and len(ids) == 1:
        return ids[0]
    if button is None:
        raise LookupError(f"name the button to press; {_listed(buttons)}")
    if isinstance(button, int):
        if 0 <= button < len(ids):
            return ids[button]
        raise LookupError(f"the message has no button with the index {button}; {_listed(buttons)}")
    if button in ids:
        return button
    labelled = [one.id for one in buttons if one.label == button]
    if len(labelled) == 1:
        return labelled[0]
    if labelled:
        raise LookupError(
            f"several buttons have the label {button!r}: use an id or an index; {_listed(buttons)}"
        )
    raise LookupError(f"the message has no button {button!r}; {_listed(buttons)}")


def name_of_button(components: list[Component], button_id: str) -> str | int:
    """Return a name that finds the button again even if the bot generates new ids each time.

    The name is the label if it is unique, otherwise the index. A missing button is named by its id.
    """
    buttons = [one for one in components if one.kind == BUTTON]
    for index, button in enumerate(buttons):
        if button.id == button_id:
            taken = [one.label for one in buttons] + [one.id for one in buttons if one is not button]
            return button.label if button.label and taken.count(button.label) == 1 else index
    return button_id


def _listed(buttons: list[Component]) -> str:
    names = [
        repr(one.id) + (f" ({one.label})" if one.label.lower() not in ("", one.id) else "") for one in buttons
    ]
    return f"its buttons are {', '.join(names)}" if names else "it has no buttons"
