"""Clans, channels, messages, users, and builders of embeds and buttons."""

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
