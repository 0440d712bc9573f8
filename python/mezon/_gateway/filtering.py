"""Filters on the core's side: what can be none is refused before anything is registered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mezon import _core
from mezon._gateway.codec import TAGS
from mezon.errors import InvalidArgumentError


def core_filter(event: str, spec: Mapping[str, Any]) -> _core.EventFilter:
    """Give the core's filter of an event.

    Raises:
        InvalidArgumentError: If the core knows no such filter.
    """
    import json

    try:
        return _core.EventFilter(event, json.dumps(spec))
    except ValueError as error:
        raise InvalidArgumentError(f"this filter of {event!r} cannot be: {error}") from None


def check(event: str, spec: Mapping[str, Any]) -> None:
    """Refuse what the core would refuse.

    Raises:
        InvalidArgumentError: If the core knows no such filter.
    """
    core_filter(event, spec)


def text_matcher(how: str, words: list[str], fold: bool) -> Callable[[str], bool]:
    """Return the core's predicate on the text of a message.

    Args:
        how: ``prefix``, ``contains``, ``equals`` or ``regex``.
        words: The words, or one regular expression.
        fold: Whether case is ignored.
    """
    matches = _core.TextFilter(how, words, fold).matches

    def matches_text(text: str) -> bool:
        try:
            return matches(text)
        except UnicodeEncodeError:
            # A lone surrogate, which JSON can encode and UTF-8 cannot.
            return matches(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))

    return matches_text


class Narrowing:
    """What a connection's handlers want of the events they listen to, for every core it makes."""

    def __init__(self) -> None:
        self._filters: dict[int, _core.EventFilter] = {}

    def set(self, name: str, spec: Mapping[str, Any] | None, core: _core.Gateway | None) -> None:
        """Set it from now on; None for everything."""
        tag = TAGS.get(name)
        if tag is None or (spec is None and tag not in self._filters):
            return
        if spec is None:
            del self._filters[tag]
        else:
            self._filters[tag] = core_filter(name, spec)
        if core is not None:
            core.set_filter(tag, self._filters.get(tag))

    def give(self, core: _core.Gateway) -> None:
        """Tell a core that is about to be opened all of it; what its caches have seen does not count any more."""
        for tag, one in self._filters.items():
            core.set_filter(tag, one)
