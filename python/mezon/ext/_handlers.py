"""Handlers of clicks: which handler a component id belongs to, and which clicks are ignored."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pydantic import TypeAdapter, ValidationError

from mezon import ButtonMessageStyle, InvalidArgumentError, parse_extra_data
from mezon.ext._checks import Guarded
from mezon.ext._ids import CALLBACK, FORM, ONLY_FOR, IdPattern, check_id
from mezon.ext._injection import provided_types
from mezon.ext._parsing import as_dict
from mezon.ext._signatures import check_handler, hints_of
from mezon.ext._widgets import Button, Form, joined_choice
from mezon.ext.errors import FormError
from mezon.ext.state import StateStore
from mezon.ext.texts import sentence
from mezon.models import MessageComponentType
from mezon.models.events import choice_of

if TYPE_CHECKING:
    from mezon import TextChannel

__all__ = [
    "Callbacks",
    "ClickDeduplicator",
    "FormHandler",
    "Pattern",
    "QuickMenuHandler",
    "SelectHandler",
    "choice_in",
    "components_of",
    "current_values",
    "first_match",
    "is_disabled",
    "parse_form",
]

FormT = TypeVar("FormT", bound=Form)

_BUTTON: Final = MessageComponentType.BUTTON.value
_SELECT: Final = MessageComponentType.SELECT.value

#: Seconds in which a second click of the same user on the same component, with the same values, is a duplicate.
SAME_CLICK: Final = 1.5

#: Clicks remembered for that, and callbacks kept at a time.
_MAX_CLICKS: Final = 10_000
_MAX_CALLBACKS: Final = 10_000


class Pattern(Guarded):
    """A handler of the buttons whose ids match a pattern, such as ``vote/{poll}/{choice:int}``.

    Fields are ``{name}`` (without slashes), ``{name:int}`` and ``{name:path}`` (with slashes). They are passed as
    arguments, converted by the types of the handler's parameters. Separate two fields by a slash, and use at most one
    path field: an id then matches in one way only.
    """

    def __init__(self, pattern: str, callback: Callable[..., Any], *, signed: bool = False) -> None:
        super().__init__()
        self.pattern = pattern
        self.callback = callback
        #: Whether the handler takes only clicks on buttons with ``only_for``.
        self.signed = signed
        if not pattern or pattern.startswith("~"):
            raise InvalidArgumentError(
                f"the pattern of a button must be a text that does not begin with ~, not {pattern!r}"
            )
        self._ids = IdPattern(pattern)
        hints = hints_of(callback)
        self._adapters: dict[str, TypeAdapter[Any]] = {
            name: TypeAdapter(hints.get(name, int if kind == "int" else str))
            for name, kind in self._ids.kinds.items()
        }
        #: The parameters that dependencies fill.
        self.provided: dict[str, type] = provided_types(callback, 1, self._adapters)
        check_handler(callback, f"a handler of {pattern!r}", ["click"], [*self._adapters, *self.provided])

    def match(self, button_id: str) -> dict[str, Any] | None:
        """Return the arguments in an id, or None if the id does not match."""
        found = self._ids.match(button_id)
        if found is None:
            return None
        try:
            return {name: self._adapters[name].validate_strings(text) for name, text in found.items()}
        except ValidationError:
            return None

    def id(self, **fields: Any) -> str:
        """Return the id of a button with these values.

        Raises:
            InvalidArgumentError: If the values do not match the pattern, or the id is too long.
        """
        if fields.keys() != self._adapters.keys():
            raise InvalidArgumentError(
                f"a button of {self.pattern!r} takes {sorted(self._adapters)}, not {sorted(fields)}"
            )
        button_id = check_id(self._ids.format(fields))
        if self.match(button_id) is None:
            raise InvalidArgumentError(
                f"the id {button_id!r} does not match the pattern {self.pattern!r}: check the values of its fields"
            )
        return button_id

    def button(
        self,
        label: str,
        *,
        style: ButtonMessageStyle = ButtonMessageStyle.PRIMARY,
        disabled: bool = False,
        only_for: Any = None,
        **fields: Any,
    ) -> Button:
        """Return a button that calls this handler with these values.

        Raises:
            InvalidArgumentError: If the values do not match the pattern, or the handler takes only signed ids and there
                is no ``only_for``.
        """
        if self.signed and only_for is None:
            raise InvalidArgumentError(
                f"the handler of {self.pattern!r} takes only buttons with only_for=user"
            )
        return Button(label, id=self.id(**fields), style=style, disabled=disabled, only_for=only_for)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the handler."""
        return self.callback(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<Pattern {self.pattern!r}>"


def first_match(patterns: Iterable[Pattern], component_id: str) -> tuple[Pattern | None, dict[str, Any]]:
    """Return the first pattern that an id matches, with the arguments in the id."""
    for pattern in patterns:
        fields = pattern.match(component_id)
        if fields is not None:
            return pattern, fields
    return None, {}


class SelectHandler:
    """A handler of the select boxes whose ids match a pattern."""

    def __init__(self, pattern: Pattern) -> None:
        self.pattern = pattern

    def add_checks(self, checks: Iterable[Any]) -> None:
        """Add checks that run before the others."""
        self.pattern.add_checks(checks)


class QuickMenuHandler(Guarded):
    """A handler of an entry of the quick menu, which users open on a message.

    Attributes:
        name: The name of the entry.
    """

    #: The type of entries that notify the bot; an entry of type 1 fills in the user's input instead.
    _TYPE: Final = 2

    def __init__(self, name: str, callback: Callable[..., Any]) -> None:
        super().__init__()
        self.provided: dict[str, type] = provided_types(callback, 1)
        check_handler(callback, f"the handler of the quick menu {name!r}", ["choice"], self.provided)
        self.name = name
        self.callback = callback

    async def add_to(self, channel: TextChannel) -> None:
        """Add the entry to a channel unless the channel has it. Requires a running bot.

        Raises:
            MezonError: If the server refuses.
        """
        client: Any = channel.clan.client
        listed = await client.list_quick_menu_access(channel_id=channel.id, menu_type=self._TYPE)
        if all(one.menu_name != self.name for one in listed.list_menus or ()):
            clan_id = channel.clan.id or 0
            await client.add_quick_menu_access(channel.id, clan_id, self._TYPE, "", "", self.name)

    async def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the handler."""
        return await self.callback(*args, **kwargs)


class FormHandler(Guarded):
    """A handler of the submissions of a form."""

    def __init__(self, form: type[Form], callback: Callable[..., Any]) -> None:
        super().__init__()
        self.provided: dict[str, type] = provided_types(callback, 2)
        check_handler(callback, f"a handler of the form {form.__name__}", ["click", "form"], self.provided)
        form.inputs()  # raises now if there is no input for a field
        self.form = form
        self.callback = callback

    def matches(self, button_id: str) -> bool:
        """Return whether the id belongs to the submit button of the form."""
        return button_id == self.form.submit_id() or button_id.startswith(f"{self.form.submit_id()}/")

    def state_of(self, button_id: str) -> str:
        """Return the state in the id of the submit button."""
        return button_id.removeprefix(self.form.submit_id()).removeprefix("/")


def parse_form(form: type[FormT], event: Any) -> FormT:
    """Validate the values in a click on the submit button of a form.

    Raises:
        FormError: If a value is invalid, or the client did not send the values of a form. An untouched form is no
            error of this kind: its defaults may be valid.
    """
    try:
        values = parse_extra_data(event.extra_data, strict=True)
    except InvalidArgumentError:
        raise FormError({sentence("the_form"): sentence("form_unreadable")}) from None
    return form.parse(values)


class Callbacks:
    """The callbacks of buttons until their timeout, and the ids of forms that a handler waits for."""

    def __init__(self) -> None:
        self._callbacks: OrderedDict[str, tuple[Callable[[Any], Any], float, int | None]] = OrderedDict()
        self._awaited: set[str] = set()

    def add(self, callback: Callable[[Any], Any], timeout: float, only_for: int | None = None) -> str:
        """Register a callback for ``timeout`` seconds; returns the id of its button, which ``only_for`` signs."""
        now = asyncio.get_running_loop().time()
        # Drop a few expired callbacks on each call, and all of them before a live one has to be dropped.
        self._drop_expired(now, 8)
        if len(self._callbacks) >= _MAX_CALLBACKS:
            self._drop_expired(now, len(self._callbacks))
        if len(self._callbacks) >= _MAX_CALLBACKS:
            self._callbacks.popitem(last=False)
        button_id = CALLBACK + secrets.token_urlsafe(9)
        self._callbacks[button_id] = (callback, now + timeout, only_for)
        return button_id

    def _drop_expired(self, now: float, most: int) -> None:
        for button_id, (_, end, _) in list(islice(self._callbacks.items(), most)):
            if end <= now:
                del self._callbacks[button_id]

    def get(self, button_id: str, signed_for: int | None = None) -> Callable[[Any], Any] | None:
        """Return the callback of a button, or None if it is unknown, expired, or of an id with another signature."""
        callback, end, only_for = self._callbacks.get(button_id, (None, 0.0, None))
        if only_for != signed_for:
            return None
        if callback is None or end <= asyncio.get_running_loop().time():
            self._callbacks.pop(button_id, None)
            return None
        return callback

    @contextmanager
    def awaiting(self, button_id: str) -> Iterator[None]:
        """Mark a button as awaited inside the block, so that it does not count as expired."""
        self._awaited.add(button_id)
        try:
            yield
        finally:
            self._awaited.discard(button_id)

    def is_awaited(self, button_id: str) -> bool:
        """Return whether a handler waits for this button."""
        return button_id in self._awaited

    def is_expired(self, button_id: str, sender_id: int | None, bot_id: int) -> bool:
        """Return whether a button of this bot has lost its callback, its waiting handler or its valid signature."""
        return (
            button_id.startswith((CALLBACK, f"{FORM}-", ONLY_FOR))
            and button_id not in self._callbacks
            and button_id not in self._awaited
            and sender_id in (0, None, bot_id)
        )

    def remove(self, button_id: str) -> None:
        """Remove the callback of a button."""
        self._callbacks.pop(button_id, None)


class ClickDeduplicator:
    """Detects repeated clicks: some apps and impatient users send the same click twice."""

    def __init__(self) -> None:
        self._seen: OrderedDict[tuple[Any, ...], float] = OrderedDict()

    def is_repeat(self, event: Any) -> bool:
        """Return whether the same user made the same click within ``SAME_CLICK`` seconds, and remember the click."""
        now = asyncio.get_running_loop().time()
        key = self._key(event)
        while self._seen and next(iter(self._seen.values())) <= now - SAME_CLICK:
            self._seen.popitem(last=False)
        if key in self._seen:
            return True
        if len(self._seen) >= _MAX_CLICKS:
            self._seen.popitem(last=False)
        self._seen[key] = now
        return False

    async def is_repeat_elsewhere(self, records: StateStore, event: Any) -> bool:
        """Return whether another process of the bot has handled the same click, and remember the click for it."""
        return await records.put(self._state_key(event), b"{}", 0, SAME_CLICK) is None

    def forget(self, event: Any) -> None:
        """Forget a click whose handler failed: the same click again is a retry."""
        self._seen.pop(self._key(event), None)

    async def forget_elsewhere(self, records: StateStore, event: Any) -> None:
        """Forget a click in the other processes of the bot as well."""
        await records.delete(self._state_key(event))

    def _state_key(self, event: Any) -> str:
        text = repr(self._key(event)).encode("utf-8", "surrogatepass")
        return f"_click.{hashlib.sha256(text).hexdigest()[:32]}"

    @staticmethod
    def _key(event: Any) -> tuple[Any, ...]:
        # The choice in a select box has values instead of form data.
        if not hasattr(event, "button_id"):
            return (event.message_id, event.selectbox_id, event.user_id, tuple(event.values))
        return (event.message_id, event.button_id, event.user_id, event.extra_data)


def components_of(content: Any) -> dict[str, dict[str, Any]]:
    """Return the components of a message by id: those below it, and those in the fields of its embeds."""
    found: dict[str, dict[str, Any]] = {}
    for one in _components(as_dict(content)):
        if isinstance(name := one.get("id"), str):
            found.setdefault(name, one)
    return found


def is_disabled(component: Mapping[str, Any]) -> bool:
    """Return whether a component is disabled: buttons have the flag ``disable``, inputs ``disabled``."""
    settings = _settings_of(component)
    return bool(settings.get("disable") or settings.get("disabled"))


def label_of(component: Mapping[str, Any] | None) -> str:
    """Return the label of a component; "" if it has none, or is None."""
    label = _settings_of(component).get("label") if component is not None else None
    return label if isinstance(label, str) else ""


def choice_in(component: Mapping[str, Any] | None, click: Any) -> str | None:
    """Return the value that a click chooses in a select box, or None for a click on a button.

    Args:
        component: The clicked component; None if the message is unknown. Then the form of the values decides.
        click: The event.
    """
    choice = choice_of(click)
    chosen = choice.values[0] if choice is not None else None
    if component is None or component.get("type") not in (_BUTTON, _SELECT):
        return chosen
    if component["type"] == _BUTTON:
        return None
    extra_data: str = click.extra_data
    return extra_data if chosen is not None or extra_data in _values_of(component) else None


def current_values(
    components: Mapping[str, Mapping[str, Any]], values: Mapping[str, str | list[str]]
) -> dict[str, str | list[str]]:
    """Return the values of a form without those of removed inputs, which web keeps sending.

    A choice in a select box for one choice that web has split into letters is reassembled.
    """
    return {
        name: joined_choice(value, _values_of(component)) if _takes_one(component) else value
        for name, value in values.items()
        if (component := components.get(name)) is not None
    }


def _settings_of(component: Mapping[str, Any]) -> Mapping[str, Any]:
    settings = component.get("component")
    return settings if isinstance(settings, Mapping) else {}


def _values_of(select: Mapping[str, Any]) -> list[Any]:
    return [one.get("value") for one in _dicts(_settings_of(select).get("options"))]


def _takes_one(component: Mapping[str, Any]) -> bool:
    """Return whether the component is a select box for one choice."""
    settings = _settings_of(component)
    counts = [
        one if isinstance(one := settings.get(name), int) else 0 for name in ("min_options", "max_options")
    ]
    return component.get("type") == _SELECT and max(counts) < 2


def _components(content: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the components below a message and in the fields of its embeds; malformed parts are skipped."""
    for row in _dicts(content.get("components")):
        yield from _dicts(row.get("components"))
    for embed in _dicts(content.get("embed")):
        for one in _dicts(embed.get("fields")):
            yield from _dicts([one.get("inputs")])
            yield from _dicts(one.get("button"))


def _dicts(value: Any) -> Iterator[dict[str, Any]]:
    return (one for one in value if isinstance(one, dict)) if isinstance(value, list) else iter(())
