"""Methods of a client's subclass that are default handlers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from mezon.managers.event import EventManager

F = TypeVar("F", bound="Callable[..., Any]")


def auto_bind(event_name: str) -> Callable[[F], F]:
    """Mark a method of a subclass of ``MezonClient`` as a default handler of an event.

    It is registered when the client is made, and is awaited before the bot's handlers of the event start.
    """

    def mark(method: F) -> F:
        method._auto_bind_event = event_name  # type: ignore[attr-defined]
        return method

    return mark


def bind_marked(owner: object, events: EventManager) -> None:
    """Register the methods of an object that `auto_bind` has marked."""
    kind = type(owner)
    for name in dir(kind):
        event = getattr(getattr(kind, name, None), "_auto_bind_event", None)
        if event is not None:
            events.add_default(event, getattr(owner, name))
