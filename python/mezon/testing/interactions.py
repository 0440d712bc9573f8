"""What happens when a user clicks a button, chooses in a select box, or submits a form of a message.

Each method reads from top to bottom: find the message and the component, check that the client draws it, change the
client's form store, and deliver ``message_button_clicked`` to the connections of the message's author. What the clients
draw and write is in ``mezon.testing.profiles``; the sources are in docs/protocol.md, "Forms".
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final

from mezon.protobuf.api import api_pb2
from mezon.protobuf.rtapi import realtime_pb2
from mezon.testing.connection import ConnectionRegistry
from mezon.testing.messages import BUTTON, SELECT, Component, components_of, content_of
from mezon.testing.profiles import CLIENTS, Client, Profile, Value, drawn, profile_of
from mezon.testing.records import Sent
from mezon.testing.state import MessageLike, UserLike
from mezon.testing.users import SimulatedUsers
from mezon.testing.world import User

__all__ = ["Interactions", "find_button", "name_of_button"]

#: The type of a quick menu that puts ``action_msg`` into the user's input. Others notify the bot.
FLASH_MESSAGE: Final = 1

#: Maximum number of form stores; the least recently used one is dropped first.
_MAX_STORES: Final = 1_000

#: The form store of one client: the values by the id of the field.
FormStore = dict[str, Value]


class Interactions:
    """The simulated users' clicks, choices and forms.

    Attributes:
        client: The client that the users have unless a call names one.
    """

    def __init__(self, registry: ConnectionRegistry, client: Client = "web") -> None:
        self._registry = registry
        self._users = SimulatedUsers(registry)
        self._state = registry.state
        self._world = registry.state.world
        self.client: Client = profile_of(client).name
        self._stores: OrderedDict[tuple[int, int, Client], FormStore] = OrderedDict()

    async def click(
        self,
        message: MessageLike,
        user_or_button: UserLike,
        button_id: str | int | None = None,
        *,
        user: UserLike | None = None,
        values: Mapping[str, Any] | None = None,
        extra_data: str | None = None,
        client: Client | None = None,
    ) -> None:
        """Click a button: ``click(sent, "yes")`` or ``click(sent, "alice", "yes")``."""
        profile = self._profile(client)
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
        else:
            _check_button(components, pressed, profile)
        store = self._draw(target, components, who, profile)
        for name, value in (values or {}).items():
            field = _find_field(components, name, profile)
            store[name] = profile.value_of(field, value)
        if extra_data is None:
            extra_data = _form_data(store, components, profile)
        await self.deliver_click(target, who, pressed, extra_data)

    async def submit(
        self,
        message: MessageLike,
        values: Mapping[str, Any] | None = None,
        *,
        button: str | int | None = None,
        user: UserLike | None = None,
        client: Client | None = None,
    ) -> None:
        """Fill in a form and click its button. As in the apps, a choice in a select box is also a click of its own."""
        profile = self._profile(client)
        target, who = self._state.find_message(message), self._user(user)
        components = components_of(content_of(target))
        pressed = find_button(components, button)
        _check_button(components, pressed, profile)
        # Check every value before the first event.
        written = {
            name: (field := _find_field(components, name, profile), profile.value_of(field, value))
            for name, value in (values or {}).items()
        }
        store = self._draw(target, components, who, profile)
        for field, value in written.values():
            if field.kind == SELECT:
                await self._choose(target, who, field, value, store, profile)
            else:
                store[field.id] = value
        await self.deliver_click(target, who, pressed, _form_data(store, components, profile))

    async def select(
        self,
        message: MessageLike,
        *choice: Any,
        user: UserLike | None = None,
        client: Client | None = None,
        dropdown: bool = False,
    ) -> None:
        """Choose in a select box: ``select(sent, "dish", "pho")`` or ``select(sent, "bob", "dish", ["pho"])``."""
        if len(choice) not in (2, 3):
            raise TypeError("select() takes a message, the id of its select box, and the chosen values")
        *before, box_id, chosen = choice
        profile = self._profile(client)
        who = self._world.user(before[0]) if before else self._user(user)
        target = self._state.find_message(message)
        components = components_of(content_of(target))
        box = next((one for one in components if one.kind == SELECT and one.id == box_id), None)
        if box is None:
            # As for click: only a message that is named by its id accepts a choice in a missing box.
            if isinstance(message, Sent):
                raise _no_field(components, box_id, SELECT)
            box = Component(str(box_id), SELECT, many=not isinstance(chosen, str))
        else:
            _check_drawn(box, profile)
        value = profile.value_of(box, chosen)
        if dropdown:
            await self.deliver_choice(target, who, box.id, value if isinstance(value, list) else [value])
            return
        await self._choose(target, who, box, value, self._draw(target, components, who, profile), profile)

    async def deselect(
        self,
        message: MessageLike,
        box_id: str,
        value: str | None = None,
        *,
        user: UserLike | None = None,
        client: Client | None = None,
    ) -> None:
        """Remove a choice of a select box with its ✕. The client sends nothing."""
        profile = self._profile(client)
        if not profile.removes_choices:
            raise ValueError(f"the {profile.name} client cannot remove a choice: only web has a ✕")
        target = self._state.find_message(message)
        components = components_of(content_of(target))
        box = _find_field(components, box_id, profile)
        if box.kind != SELECT:
            raise _no_field(components, box_id, SELECT)
        store = self._draw(target, components, self._user(user), profile)
        chosen = store.get(box_id)
        if not chosen or isinstance(chosen, int | float):
            raise LookupError(f"nothing is chosen in {box_id!r}")
        removed = value if value is not None else chosen if isinstance(chosen, str) else chosen[-1]
        if removed != chosen and removed not in chosen:
            raise LookupError(f"{removed!r} is not chosen in {box_id!r}")
        # The client filters the value as a list. If it is a text, its letters become the list.
        store[box_id] = [one for one in chosen if one != removed]

    async def choose_menu(self, message: MessageLike, menu: str, *, user: UserLike | None = None) -> None:
        """Choose a quick menu on a message."""
        target, who = self._state.find_message(message), self._user(user)
        menus = [one for one in self._world.menus.values() if one.channel_id in (0, target.channel_id)]
        chosen = next((one for one in menus if one.menu_name == menu), None)
        if chosen is None:
            known = ", ".join(repr(one.menu_name) for one in menus)
            raise LookupError(
                f"the channel has no quick menu {menu!r}; {f'its menus are {known}' if known else 'it has no menus'}"
            )
        if chosen.menu_type == FLASH_MESSAGE:
            # The app puts the text into the user's input.
            await self._users.say(target.channel_id, who, chosen.action_msg)
            return
        event = realtime_pb2.QuickMenuDataEvent(
            menu_name=chosen.menu_name,
            message=realtime_pb2.ChannelMessageSend(
                clan_id=target.clan_id,
                channel_id=target.channel_id,
                content=target.content,
                mode=target.mode,
                is_public=target.is_public,
                topic_id=target.topic_id,
                id=target.message_id,
            ),
            sender_id=who.id,
            message_sender_id=target.sender_id,
        )
        await self._registry.push_to(chosen.bot_id, quick_menu_event=event)

    # What the client keeps

    def _draw(
        self, target: api_pb2.ChannelMessage, components: list[Component], who: User, profile: Profile
    ) -> FormStore:
        """Return the form store of a message in the client of a user. Drawing a field stores its default."""
        key = (target.message_id, who.id, profile.name)
        store = self._stores.setdefault(key, {})
        self._stores.move_to_end(key)
        if len(self._stores) > _MAX_STORES:
            self._stores.popitem(last=False)
        for one in drawn(components, profile):
            default = profile.default_of(one)
            if default is not None and one.place == "field":
                store.setdefault(one.id, [str(default)] if one.many and profile.lists else default)
        return store

    async def _choose(
        self,
        target: api_pb2.ChannelMessage,
        who: User,
        box: Component,
        value: str | list[str],
        store: FormStore,
        profile: Profile,
    ) -> None:
        """Choose in a select box: an event for each added option, and the value in the form store of an embed."""
        before = store.get(box.id)
        added = [value] if isinstance(value, str) else value
        if box.place != "row":
            store[box.id] = value
            if isinstance(value, list) and isinstance(before, list):
                added = [one for one in value if one not in before]
            if not profile.sends_choices:
                return
        for one in added:
            await self.deliver_click(target, who, box.id, one)

    # Delivery

    async def deliver_click(
        self, target: api_pb2.ChannelMessage, who: User, button_id: str, extra_data: str
    ) -> None:
        """Send ``message_button_clicked`` to the author of the message.

        Raises:
            LookupError: The author is not a bot, so that no bot would receive the click.
        """
        self._check_author(target)
        event = realtime_pb2.MessageButtonClicked(
            message_id=target.message_id,
            channel_id=target.channel_id,
            button_id=button_id,
            sender_id=target.sender_id,
            user_id=who.id,
            extra_data=extra_data,
        )
        await self._registry.push_to(target.sender_id, message_button_clicked=event)

    async def deliver_choice(
        self, target: api_pb2.ChannelMessage, who: User, box_id: str, values: list[str]
    ) -> None:
        """Send ``dropdown_box_selected``, which no released client does, to the author of the message."""
        self._check_author(target)
        event = realtime_pb2.DropdownBoxSelected(
            message_id=target.message_id,
            channel_id=target.channel_id,
            selectbox_id=box_id,
            sender_id=target.sender_id,
            user_id=who.id,
            values=values,
        )
        await self._registry.push_to(target.sender_id, dropdown_box_selected=event)

    def _check_author(self, target: api_pb2.ChannelMessage) -> None:
        author = self._world.users.get(target.sender_id)
        if author is not None and not author.is_bot:
            raise LookupError(
                f"the message is by {author.username!r}: only the author of a message receives its clicks, so click a "
                "message of the bot"
            )

    def _profile(self, client: Client | None) -> Profile:
        return profile_of(client or self.client)

    def _user(self, user: UserLike | None) -> User:
        """Return the user, by default the first person of the world."""
        if user is not None:
            return self._world.user(user)
        found = next((u for u in self._world.users.values() if not u.is_bot), None)
        if found is None:
            raise LookupError("the world contains no person; add one with world.add_user(...)")
        return found


# Components that a client does not offer


def _find_field(components: list[Component], name: str, profile: Profile) -> Component:
    """Return a field that the client draws. Raises LookupError."""
    field = next((one for one in components if one.id == name and one.kind != BUTTON), None)
    if field is None:
        raise _no_field(components, name)
    _check_drawn(field, profile)
    return field


def _no_field(components: list[Component], name: Any, kind: int | None = None) -> LookupError:
    noun = "field" if kind is None else "select box"
    fields = [one.id for one in components if one.kind != BUTTON and kind in (None, one.kind)]
    known = f"its {noun}s are {', '.join(map(repr, fields))}" if fields else f"it has no {noun}s"
    if kind is not None and fields:
        known = known.replace("boxs", "boxes")
    return LookupError(f"the message has no {noun} {name!r}; {known}")


def _check_drawn(component: Component, profile: Profile) -> None:
    if profile.draws(component):
        return
    others = ", ".join(one.name for one in CLIENTS.values() if one.draws(component))
    raise LookupError(
        f"the {profile.name} client does not draw {component.id!r}: it has no {profile.kind_name(component)}"
        + (f"; {others} would" if others else "; no client would")
    )


def _check_button(components: list[Component], button_id: str, profile: Profile) -> None:
    button = next(one for one in components if one.kind == BUTTON and one.id == button_id)
    _check_drawn(button, profile)
    if button.url:
        raise ValueError(f"the button {button_id!r} opens a link and sends no click")
    if button.disabled and profile.checks_disabled:
        raise ValueError(
            f"the button {button_id!r} is disabled, and the {profile.name} client does not press it"
        )


# Encoding


def _form_data(store: FormStore, components: list[Component], profile: Profile) -> str:
    """Return the ``extra_data`` of a click on a button."""
    values = store
    if not profile.keeps_values:
        fields = {one.id for one in components}
        values = {name: value for name, value in store.items() if name in fields}
    return json.dumps(values, ensure_ascii=False) if values else profile.untouched


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
    if not names:
        return "it has no buttons"
    return f"its buttons are {', '.join(names)}; name one by label, index, or id, which Button(id=...) sets"
