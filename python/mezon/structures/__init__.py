"""What bots work with: clans, channels, messages, users, and builders for forms and buttons."""

from mezon.structures.button_builder import ButtonBuilder
from mezon.structures.clan import Clan
from mezon.structures.handle import MessageHandle
from mezon.structures.interactive_message import InteractiveBuilder
from mezon.structures.member import Member
from mezon.structures.message import Message
from mezon.structures.paging import Pages
from mezon.structures.role import Role
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
