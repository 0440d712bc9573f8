"""Filters as values, and what they ask of an event: a small tree that core and Python both read.

A node is one of ``{"and": [...]}``, ``{"or": [...]}``, ``{"not": node}``; ``{"ids": path, "in": [...]}``, a number at a
place; ``{"str": field, "in": [...]}``; ``{"text": how, "words": [...], "fold": bool}``; ``{"list": name}`` with or
without ``"field"`` and ``"in"``; ``{"key": name}`` of the content. ``src/filter/parse.rs`` reads the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias

from mezon.constants.enum import Events
from mezon.errors import InvalidArgumentError

Spec: TypeAlias = dict[str, Any]

#: Stands for the bot's own id until a filter is registered.
ME: Final = object()

#: Where each event has what filters look at, by the names of the protocol.
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
    """Which events a handler wants. Made by the functions of ``mezon.filters``."""

    __slots__ = ("_lower", "_shown")

    def __init__(self, lower: Callable[[str, int], Spec], shown: str) -> None:
        self._lower = lower
        self._shown = shown

    def spec(self, event: str, me: int) -> Spec:
        """Give what it asks of the events of a name, for the bot of this id.

        Raises:
            InvalidArgumentError: If those events do not have it.
        """
        return self._lower(event, me)

    def __and__(self, other: Filter) -> Filter:
        return self._both("and", "&", other)

    def __or__(self, other: Filter) -> Filter:
        return self._both("or", "|", other)

    def __invert__(self) -> Filter:
        return Filter(lambda event, me: {"not": self.spec(event, me)}, f"~{self._shown}")

    def _both(self, how: str, sign: str, other: Filter) -> Filter:
        if not isinstance(other, Filter):
            return NotImplemented
        return Filter(
            lambda event, me: {how: [self.spec(event, me), other.spec(event, me)]},
            f"({self._shown} {sign} {other._shown})",
        )

    def __bool__(self) -> bool:
        raise InvalidArgumentError("filters are combined by &, | and ~, not by and, or and not")

    def __repr__(self) -> str:
        return f"<Filter {self._shown}>"


def place(event: str, what: str) -> list[str]:
    """Say where an event has something.

    Raises:
        InvalidArgumentError: If it has no such thing.
    """
    places = PLACES.get(event.value if isinstance(event, Events) else event)
    if places is None:
        raise InvalidArgumentError(f"{event!r} cannot be filtered; these can: {', '.join(PLACES)}")
    if what not in places:
        raise InvalidArgumentError(f"{event!r} has no {what} to filter by; it has {', '.join(places)}")
    return places[what]


def ids_at(what: str, ids: list[Any], shown: str | None = None) -> Filter:
    """Ask for one of these numbers where the event has it."""
    return Filter(
        lambda event, me: {"ids": place(event, what), "in": [me if one is ME else one for one in ids]},
        shown or f"{what}({', '.join(map(str, ids))})",
    )


def numbers(what: str, ids: Iterable[int | str]) -> list[int]:
    """Take ids as numbers.

    Raises:
        InvalidArgumentError: If there is none, or one is no id.
    """
    found = []
    for one in ids:
        try:
            number = None if isinstance(one, bool | float) else int(one)
        except (TypeError, ValueError):
            number = None
        if number is None or not -(2**63) <= number < 2**63:
            raise InvalidArgumentError(f"filters.{what} takes ids, numbers of 64 bits, not {one!r}")
        found.append(number)
    if not found:
        raise InvalidArgumentError(f"filters.{what} takes at least one id")
    return found


def texts(what: str, words: Iterable[str]) -> list[str]:
    """Take words to look for.

    Raises:
        InvalidArgumentError: If there is none, or one is no text or an empty one.
    """
    found = list(words)
    for word in found:
        if not isinstance(word, str):
            raise InvalidArgumentError(f"filters.{what} takes texts, not {word!r}")
        if not word and what != "equals":
            raise InvalidArgumentError(f"filters.{what} with an empty text would match everything")
    if not found:
        raise InvalidArgumentError(f"filters.{what} takes at least one text")
    return found
