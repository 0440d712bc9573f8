"""Filters as values, the programs that they compile to, and the evaluation of a program on a decoded event.

A program (`Spec`) is a tree that is passed to the core as JSON; ``src/filter/parse.rs`` reads it. A node is one of

- ``{"and": [...]}``, ``{"or": [...]}``, ``{"not": node}``;
- ``{"ids": path, "in": [...]}``: a number at a path;
- ``{"str": field, "in": [...]}``: a string field;
- ``{"text": how, "words": [...], "fold": bool}``: the text of a message;
- ``{"list": name}``, with or without ``"field"`` and ``"in"``: a list of objects;
- ``{"key": name}``: a key of the content of a message.

The core evaluates the union of the programs of all handlers of an event, on encoded events. `matcher` evaluates the
program of one handler on decoded events: when handlers have different filters, for events that the core lets through
(a message that changes the caches, or content that the core cannot judge), and for connections other than the core.
Texts are compared by the core in both cases. ``tests/unit/test_filters.py`` checks that both evaluations agree.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from functools import update_wrapper
from typing import Any, Final, TypeAlias

from mezon.constants.enum import Events
from mezon.errors import InvalidArgumentError

Spec: TypeAlias = dict[str, Any]

#: Stands for the bot's own id until a filter is compiled.
ME: Final = object()

#: The path of each filterable attribute in each event, by the names of the protocol.
PLACES: Final[dict[str, dict[str, list[str]]]] = {
    "channel_message": {
        "sender": ["sender_id"],
        "channel": ["channel_id"],
        "clan": ["clan_id"],
        "topic": ["topic_id"],
        "code": ["code"],
        "mode": ["mode"],
    },
    "message_reaction_event": {
        "sender": ["sender_id"],
        "channel": ["channel_id"],
        "clan": ["clan_id"],
        "topic": ["topic_id"],
        "mode": ["mode"],
        "emoji": ["emoji"],
    },
    "message_typing_event": {
        "sender": ["sender_id"],
        "channel": ["channel_id"],
        "clan": ["clan_id"],
        "topic": ["topic_id"],
        "mode": ["mode"],
    },
    "message_button_clicked": {"sender": ["user_id"], "channel": ["channel_id"], "button": ["button_id"]},
    "dropdown_box_selected": {"sender": ["user_id"], "channel": ["channel_id"], "button": ["selectbox_id"]},
    "user_channel_added_event": {
        "user": ["users", "user_id"],
        "channel": ["channel_desc", "channel_id"],
        "clan": ["clan_id"],
    },
    "user_channel_removed_event": {"user": ["user_ids"], "channel": ["channel_id"], "clan": ["clan_id"]},
    "user_clan_removed_event": {"user": ["user_ids"], "clan": ["clan_id"]},
    "add_clan_user_event": {"user": ["user", "user_id"], "clan": ["clan_id"]},
}


class Filter:
    """Selects the events of a handler. Created by the functions of ``mezon.filters``."""

    __slots__ = ("_compile", "_shown")

    def __init__(self, compile: Callable[[str, int], Spec], shown: str) -> None:
        self._compile = compile
        self._shown = shown

    def spec(self, event: str, me: int) -> Spec:
        """Compile the filter for an event.

        Args:
            event: The event's name.
            me: The id of the bot.

        Raises:
            InvalidArgumentError: If the event does not have an attribute that the filter needs.
        """
        return self._compile(event, me)

    def __and__(self, other: Filter) -> Filter:
        return self._combine("and", "&", other)

    def __or__(self, other: Filter) -> Filter:
        return self._combine("or", "|", other)

    def __invert__(self) -> Filter:
        return Filter(lambda event, me: {"not": self.spec(event, me)}, f"~{self._shown}")

    def _combine(self, operator: str, sign: str, other: Filter) -> Filter:
        if not isinstance(other, Filter):
            return NotImplemented
        return Filter(
            lambda event, me: {operator: [self.spec(event, me), other.spec(event, me)]},
            f"({self._shown} {sign} {other._shown})",
        )

    def __bool__(self) -> bool:
        raise InvalidArgumentError("filters are combined by &, | and ~, not by and, or and not")

    def __repr__(self) -> str:
        return f"<Filter {self._shown}>"


# ---- building filters


def path_of(event: str, attribute: str) -> list[str]:
    """Return the path of an attribute in an event.

    Raises:
        InvalidArgumentError: If the event does not have the attribute.
    """
    places = PLACES.get(event.value if isinstance(event, Events) else event)
    if places is None:
        raise InvalidArgumentError(f"{event!r} cannot be filtered; these can: {', '.join(PLACES)}")
    if attribute not in places:
        raise InvalidArgumentError(f"{event!r} has no {attribute} to filter by; it has {', '.join(places)}")
    return places[attribute]


def has_id(attribute: str, ids: list[Any], shown: str | None = None) -> Filter:
    """Return a filter of events in which an attribute is one of these numbers."""
    return Filter(
        lambda event, me: {
            "ids": path_of(event, attribute),
            "in": [me if one is ME else one for one in ids],
        },
        shown or f"{attribute}({', '.join(map(str, ids))})",
    )


def has_string(attribute: str, strings: tuple[str, ...]) -> Filter:
    """Return a filter of events in which an attribute is one of these strings."""
    found = check_texts(attribute, strings)
    return Filter(
        lambda event, me: {"str": path_of(event, attribute)[0], "in": found},
        f"{attribute}({', '.join(map(repr, strings))})",
    )


def has_text(how: str, words: tuple[str, ...], ignore_case: bool) -> Filter:
    """Return a filter of messages by their text.

    Args:
        how: ``prefix``, ``contains``, ``equals`` or ``regex``.
        words: The words, or one regular expression.
        ignore_case: Whether case is ignored.
    """
    spec: Spec = {"text": how, "words": check_texts(how, words), "fold": bool(ignore_case)}
    return Filter(lambda event, me: spec, f"{how}({', '.join(map(repr, words))})")


def has_item(list_name: str, field: str, ids: list[Any], shown: str) -> Filter:
    """Return a filter of messages with a list item whose field is one of these numbers."""
    return Filter(
        lambda event, me: {
            "list": list_name,
            "field": field,
            "in": [me if one is ME else one for one in ids],
        },
        shown,
    )


def check_ids(function: str, ids: Iterable[int | str]) -> list[int]:
    """Return ids as numbers.

    Raises:
        InvalidArgumentError: If there are no ids, or one is not a 64-bit number.
    """
    found = []
    for one in ids:
        try:
            number = None if isinstance(one, bool | float) else int(one)
        except (TypeError, ValueError):
            number = None
        if number is None or not -(2**63) <= number < 2**63:
            raise InvalidArgumentError(f"filters.{function} takes ids, numbers of 64 bits, not {one!r}")
        found.append(number)
    if not found:
        raise InvalidArgumentError(f"filters.{function} takes at least one id")
    return found


def check_texts(function: str, words: Iterable[str]) -> list[str]:
    """Return words as a list.

    Raises:
        InvalidArgumentError: If there are no words, one is not a str, or one is empty.
    """
    found = list(words)
    for word in found:
        if not isinstance(word, str):
            raise InvalidArgumentError(f"filters.{function} takes texts, not {word!r}")
        if not word and function != "equals":
            raise InvalidArgumentError(f"filters.{function} with an empty text would match everything")
    if not found:
        raise InvalidArgumentError(f"filters.{function} takes at least one text")
    return found


# ---- filters of handlers


def compile_filter(filter: object, event: str, me: int) -> Spec:
    """Compile a filter for an event, and check that the core accepts it.

    Raises:
        InvalidArgumentError: If it is not a filter, or does not apply to the event.
    """
    if not isinstance(filter, Filter):
        raise InvalidArgumentError(
            f"filter takes what mezon.filters makes, such as filters.prefix('!'), not a {type(filter).__name__}"
        )
    spec = filter.spec(event, me)
    # Start-up time: the codec imports all models.
    from mezon._gateway.filtering import core_filter

    core_filter(event, spec)
    return spec


def without_own(filter: Filter | None) -> Filter:
    """Return the filter, restricted to events that the bot itself did not cause."""
    others = ~has_id("sender", [ME], "own")
    return others if filter is None else filter & others


class FilteredHandler:
    """A handler that is called with the events that match its filter."""

    def __init__(self, handler: Callable[[Any], Any], spec: Spec) -> None:
        self.handler = handler
        self.spec = spec
        self._matches = matcher(spec)
        update_wrapper(self, handler)

    def __call__(self, event: Any) -> Any:
        return self.handler(event) if self._matches(event) else None

    def __eq__(self, other: object) -> bool:
        # `off` is called with the function that was registered.
        return self is other or self.handler == other

    def __hash__(self) -> int:
        return hash(self.handler)


def union(handlers: tuple[Callable[..., Any], ...]) -> Spec | None:
    """Return a program that matches the events of any of the handlers; None if one of them has no filter."""
    specs = [getattr(handler, "spec", None) for handler in handlers]
    if not specs or any(spec is None for spec in specs):
        return None
    return {"or": specs}


# ---- evaluation on decoded events


def matcher(spec: Spec) -> Callable[[Any], bool]:
    """Return a function that evaluates a program on a decoded event."""
    if "and" in spec:
        every = [matcher(part) for part in spec["and"]]
        return lambda event: all(one(event) for one in every)
    if "or" in spec:
        some = [matcher(part) for part in spec["or"]]
        return lambda event: any(one(event) for one in some)
    if "not" in spec:
        inner = matcher(spec["not"])
        return lambda event: not inner(event)
    if "ids" in spec:
        path, ids = spec["ids"], frozenset(spec["in"])
        if len(path) == 1:
            return lambda event: _has_id(getattr(event, path[0], 0), ids)
        return lambda event: any(_has_id(value, ids) for value in _values_at(event, path))
    if "str" in spec:
        field, texts = spec["str"], frozenset(spec["in"])
        return lambda event: getattr(event, field, "") in texts
    if "text" in spec:
        from mezon._gateway.filtering import text_matcher

        matches = text_matcher(spec["text"], spec["words"], spec["fold"])
        return lambda event: matches(text_of(event))
    if "key" in spec:
        key = spec["key"]
        return lambda event: bool(_content_of(event).get(key))
    name = spec["list"]
    if "field" not in spec:
        return lambda event: bool(getattr(event, name, None))
    field, ids = spec["field"], frozenset(spec["in"])
    return lambda event: any(
        (getattr(item, field, 0) or 0) in ids for item in getattr(event, name, None) or ()
    )


def _has_id(value: Any, ids: frozenset[int]) -> bool:
    if isinstance(value, int):
        return value in ids
    if value is None:
        return 0 in ids
    return any(one in ids for one in value)


def _values_at(event: Any, path: list[str]) -> Iterator[Any]:
    """Yield the values at a path. The fields of a missing object are 0."""
    found = getattr(event, path[0], None)
    if len(path) == 1:
        yield found
    elif found is None:
        yield 0
    elif hasattr(found, "__iter__") and hasattr(found, "__len__"):
        for one in found:
            yield from _values_at(one, path[1:])
    else:
        yield from _values_at(found, path[1:])


def _content_of(event: Any) -> dict[str, Any]:
    content = getattr(event, "content", None)
    if isinstance(content, str):  # MezonClient(content_as_json=True)
        try:
            content = json.loads(content)
        except (ValueError, RecursionError):
            return {}
    return content if isinstance(content, dict) else {}


def text_of(event: Any) -> str:
    """Return the text of a message: ``t`` of its content, if that is a str, else an empty str."""
    text = _content_of(event).get("t")
    return text if isinstance(text, str) else ""
