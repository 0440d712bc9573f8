"""Event filters that the core evaluates. The core decides which specifications are valid."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from mezon._core import EventFilter, TextFilter
from mezon._gateway.codec import TAGS
from mezon.errors import InvalidArgumentError

if TYPE_CHECKING:
    from mezon._core import Gateway


def core_filter(event: str, spec: Mapping[str, Any]) -> EventFilter:
    """Compile the filter of an event.

    Raises:
        InvalidArgumentError: If the core does not support the filter.
    """
    try:
        return EventFilter(event, json.dumps(spec))
    except ValueError as error:
        raise InvalidArgumentError(f"invalid filter of {event!r}: {error}") from None


def text_matcher(how: str, words: list[str], fold: bool) -> Callable[[str], bool]:
    """Return the core's predicate on the text of a message.

    Args:
        how: ``prefix``, ``contains``, ``equals`` or ``regex``.
        words: The words, or one regular expression.
        fold: Whether case is ignored.
    """
    matches = TextFilter(how, words, fold).matches

    def matches_text(text: str) -> bool:
        try:
            return matches(text)
        except UnicodeEncodeError:
            # A lone surrogate, which JSON can encode and UTF-8 cannot.
            return matches(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))

    return matches_text


class EventFilters:
    """The filters of a connection's events, applied to each core that the connection creates."""

    def __init__(self) -> None:
        self._filters: dict[int, EventFilter] = {}

    def set(self, name: str, spec: Mapping[str, Any] | None, core: Gateway | None) -> None:
        """Set the filter of an event, in the core too if there is one; None to receive every event."""
        tag = TAGS.get(name)
        if tag is None or (spec is None and tag not in self._filters):
            return
        if spec is None:
            del self._filters[tag]
        else:
            self._filters[tag] = core_filter(name, spec)
        if core is not None:
            core.set_filter(tag, self._filters.get(tag))

    def apply(self, core: Gateway) -> None:
        """Set all filters in a core that is about to be opened. The state of stateful filters starts anew."""
        for tag, one in self._filters.items():
            core.set_filter(tag, one)
