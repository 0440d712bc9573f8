"""What the world is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from mezon.protobuf.api import api_pb2

__all__ = ["CHANNEL", "DM", "GROUP", "THREAD", "VOICE", "Channel", "Clan", "Role", "User"]

# Channel types on the wire.
CHANNEL: Final = 1
GROUP: Final = 2
DM: Final = 3
THREAD: Final = 7
VOICE: Final = 10

# Message mode by channel type (docs/protocol.md, "Sending").
_MODES: Final = {CHANNEL: 2, GROUP: 3, DM: 4, THREAD: 6}


@dataclass(slots=True)
class User:
    """Somebody: a person or a bot."""

    id: int
    username: str
    display_name: str = ""
    avatar_url: str = ""
    online: bool = True
    is_bot: bool = False
    clan_nicks: dict[int, str] = field(default_factory=dict)
    """Nickname by clan id."""

    def to_pb(self) -> api_pb2.User:
        """Give the user as the wire carries it."""
        return api_pb2.User(
            id=self.id,
            username=self.username,
            display_name=self.display_name,
            avatar_url=self.avatar_url,
            online=self.online,
        )


@dataclass(slots=True)
class Clan:
    """A clan (server) with its members."""

    id: int
    name: str
    creator_id: int = 0
    logo: str = ""
    description: str = ""
    welcome_channel_id: int = 0
    member_ids: set[int] = field(default_factory=set)

    def to_pb(self) -> api_pb2.ClanDesc:
        """Give the clan as the wire carries it."""
        return api_pb2.ClanDesc(
            creator_id=self.creator_id,
            clan_name=self.name,
            logo=self.logo,
            clan_id=self.id,
            status=1,
            welcome_channel_id=self.welcome_channel_id,
            description=self.description,
        )


@dataclass(slots=True)
class Channel:
    """A channel, thread, voice room, group or direct conversation."""

    id: int
    label: str
    clan_id: int = 0
    type: int = CHANNEL
    private: bool = False
    parent_id: int = 0
    category_id: int = 0
    category_name: str = ""
    creator_id: int = 0
    topic: str = ""
    member_ids: list[int] = field(default_factory=list)
    voice_user_ids: list[int] = field(default_factory=list)
    meeting_code: str = ""

    @property
    def mode(self) -> int:
        """The ``mode`` a message of this channel carries."""
        return _MODES.get(self.type, 2)


@dataclass(slots=True)
class Role:
    """A role of a clan."""

    id: int
    clan_id: int
    title: str
    color: str = ""
    icon: str = ""
    description: str = ""
    user_ids: set[int] = field(default_factory=set)
    permission_ids: set[int] = field(default_factory=set)
    display_online: int = 0
    allow_mention: int = 1

    def to_pb(self) -> api_pb2.Role:
        """Give the role as the wire carries it."""
        role = api_pb2.Role(
            id=self.id,
            title=self.title,
            color=self.color,
            role_icon=self.icon,
            slug=self.title.lower().replace(" ", "-"),
            description=self.description,
            clan_id=self.clan_id,
            active=1,
            display_online=self.display_online,
            allow_mention=self.allow_mention,
        )
        for user_id in sorted(self.user_ids):
            role.role_user_list.role_users.add(id=user_id)
        for permission_id in sorted(self.permission_ids):
            role.permission_list.permissions.add(id=permission_id, active=1)
        return role
