"""Handlers of clicks: which handler a component id belongs to, and which clicks are ignored."""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter, ValidationError

from mezon import ButtonMessageStyle, InvalidArgumentError, parse_extra_data
from mezon.ext._checks import Guarded
from mezon.ext._ids import CALLBACK, FORM, IdPattern, check_id
from mezon.ext._parsing import as_dict
from mezon.ext._signatures import check_handler, hints_of
from mezon.ext._widgets import Button, Form
from mezon.ext.errors import FormError

__all__ = [
    "Callbacks",
    "ClickDeduplicator",
    "FormHandler",
    "Pattern",
    "SelectHandler",
    "first_match",
    "is_disabled",
    "parse_form",
]

FormT = TypeVar("FormT", bound=Form)

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

    def __init__(self, pattern: str, callback: Callable[..., Any]) -> None:
        super().__init__()
        self.pattern = pattern
        self.callback = callback
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
        check_handler(callback, f"a handler of {pattern!r}", ["click"], self._adapters)

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
        **fields: Any,
    ) -> Button:
        """Return a button that calls this handler with these values."""
        return Button(label, id=self.id(**fields), style=style, disabled=disabled)

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


class FormHandler(Guarded):
    """A handler of the submissions of a form."""

    def __init__(self, form: type[Form], callback: Callable[..., Any]) -> None:
        super().__init__()
        check_handler(callback, f"a handler of the form {form.__name__}", ["click", "form"])
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
        raise FormError({"The form": "could not be read: fill it in again"}) from None
    return form.parse(values)


class Callbacks:
    """The callbacks of buttons until their timeout, and the ids of forms that a handler waits for."""

    def __init__(self) -> None:
        self._callbacks: OrderedDict[str, tuple[Callable[[Any], Any], float]] = OrderedDict()
        self._awaited: set[str] = set()

    def add(self, callback: Callable[[Any], Any], timeout: float) -> str:
        """Register a callback for ``timeout`` seconds; returns the id of its button."""
        now = asyncio.get_running_loop().time()
        # Drop a few expired callbacks on each call, and all of them before a live one has to be dropped.
        self._drop_expired(now, 8)
        if len(self._callbacks) >= _MAX_CALLBACKS:
            self._drop_expired(now, len(self._callbacks))
        if len(self._callbacks) >= _MAX_CALLBACKS:
            self._callbacks.popitem(last=False)
        button_id = CALLBACK + secrets.token_urlsafe(9)
        self._callbacks[button_id] = (callback, now + timeout)
        return button_id

    def _drop_expired(self, now: float, most: int) -> None:
        for button_id, (_, end) in list(islice(self._callbacks.items(), most)):
            if end <= now:
                del self._callbacks[button_id]

    def get(self, button_id: str) -> Callable[[Any], Any] | None:
        """Return the callback of a button, or None if it is unknown or expired."""
        callback, end = self._callbacks.get(button_id, (None, 0.0))
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

    def is_expired(self, event: Any, bot_id: int) -> bool:
        """Return whether the click is on a button of this bot whose callback or waiting handler is gone."""
        return (
            event.button_id.startswith((CALLBACK, f"{FORM}-"))
            and event.button_id not in self._callbacks
            and event.button_id not in self._awaited
            and event.sender_id in (0, None, bot_id)
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

    def forget(self, event: Any) -> None:
        """Forget a click whose handler failed: the same click again is a retry."""
        self._seen.pop(self._key(event), None)

    @staticmethod
    def _key(event: Any) -> tuple[Any, ...]:
        # The choice in a select box has values instead of form data.
        if not hasattr(event, "button_id"):
            return (event.message_id, event.selectbox_id, event.user_id, tuple(event.values))
        return (event.message_id, event.button_id, event.user_id, event.extra_data)


def is_disabled(content: Any, component_id: str) -> bool:
    """Return whether a message disables a component: buttons have the flag ``disable``, inputs ``disabled``."""
    return any(
        one.get("id") == component_id
        and isinstance(flags := one.get("component"), Mapping)
        and bool(flags.get("disable") or flags.get("disabled"))
        for one in _components(as_dict(content))
    )


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
