"""A handler that wants some of the events: its filter stands before it, and tells the core what the bot wants."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import Any

from mezon.errors import InvalidArgumentError
from mezon.filters._match import matcher
from mezon.filters._spec import Filter, Spec


def spec_of(filter: object, event: str, me: int) -> Spec:
    """Give what a filter asks of the events of a name.

    Raises:
        InvalidArgumentError: If it is no filter, or asks for something those events do not have.
    """
    if not isinstance(filter, Filter):
        raise InvalidArgumentError(
            f"filter takes what mezon.filters makes, such as filters.prefix('!'), not a {type(filter).__name__}"
        )
    spec = filter.spec(event, me)
    from mezon._gateway.filtering import check

    check(event, spec)
    return spec


class Filtered:
    """Calls a handler with the events its filter matches, and with no other."""

    def __init__(self, handler: Callable[[Any], Any], spec: Spec) -> None:
        self.handler = handler
        self.spec = spec
        self._matches = matcher(spec)
        update_wrapper(self, handler)

    def __call__(self, event: Any) -> Any:
        return self.handler(event) if self._matches(event) else None

    def __eq__(self, other: object) -> bool:
        # `off` is told the function that was registered.
        return self is other or self.handler == other

    def __hash__(self) -> int:
        return hash(self.handler)


def union(handlers: tuple[Callable[..., Any], ...]) -> Spec | None:
    """Give what the handlers want together; None when one of them wants everything, or there is none."""
    specs = [getattr(handler, "spec", None) for handler in handlers]
    if not specs or any(spec is None for spec in specs):
        return None
    return {"or": specs}
