"""Methods of a client's subclass that are default handlers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from mezon.managers.event import EventManager

F = TypeVar("F", bound="Callable[..., Any]")

#: The events that every client acts on by itself (`defaults.py`, which is imported at the login).
SERVED: Final = frozenset(
    {
        "add_clan_user_event",
        "channel_created_event",
        "channel_deleted_event",
        "channel_message",
        "channel_updated_event",
        "clan_updated_event",
        "refresh_session_event",
        "token_sent_event",
        "user_channel_added_event",
        "user_clan_removed_event",
    }
)


def auto_bind(event_name: str) -> Callable[[F], F]:
    """Mark a method of a subclass of ``MezonClient`` as a default handler of an event.

    It is registered when the client is made, and is awaited before the bot's handlers of the event start.
    """

    def mark(method: F) -> F:
        method._auto_bind_event = event_name  # type: ignore[attr-defined]
        return method

    return mark


def bind_marked(owner: object, events: EventManager) -> None:
    """Register the methods of a client that `auto_bind` has marked, and tell which events the client serves itself."""
    events.served = SERVED
    kind = type(owner)
    for name in dir(kind):
        event = getattr(getattr(kind, name, None), "_auto_bind_event", None)
        # A mock has every attribute, this one too.
        if isinstance(event, str):
            events.add_default(event, getattr(owner, name))
