"""Clans, channels, messages, users, and builders of embeds and buttons."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mezon.structures._owner import as_message as as_message
    from mezon.structures._owner import channel_of_message as channel_of_message
    from mezon.structures._owner import user_of_message as user_of_message
    from mezon.structures.button_builder import ButtonBuilder
    from mezon.structures.clan import Clan
    from mezon.structures.interactive_message import InteractiveBuilder
    from mezon.structures.member import Member, Role
    from mezon.structures.message import Message, MessageHandle
    from mezon.structures.paging import Pages
    from mezon.structures.text_channel import TextChannel
    from mezon.structures.user import User

__all__ = [
    "ButtonBuilder",
    "Clan",
    "InteractiveBuilder",
    "Member",
    "Message",
    "MessageHandle",
    "Pages",
    "Role",
    "TextChannel",
    "User",
]

#: The module of each name.
_HOMES = {
    "ButtonBuilder": "button_builder",
    "Clan": "clan",
    "InteractiveBuilder": "interactive_message",
    "Member": "member",
    "Message": "message",
    "MessageHandle": "message",
    "Pages": "paging",
    "Role": "member",
    "TextChannel": "text_channel",
    "User": "user",
    # For this package only: what the client's caches use.
    "as_message": "_owner",
    "channel_of_message": "_owner",
    "user_of_message": "_owner",
}


def __getattr__(name: str) -> Any:
    # Start-up time: a client is created without the objects, which import all models.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    return value
