"""The entities a local gateway serves (clans, channels, users, roles, messages), in memory.

``World`` holds them, ``load_world`` reads one from a JSON file for ``mezon dev --world`` and tests::

    {
      "bot": "helper",
      "users": ["alice", {"username": "bob", "display_name": "Bob B."}],
      "clans": [{"name": "Company", "channels": ["general", {"label": "hr", "private": true, "members": ["alice"]}],
                 "roles": ["Cook", {"title": "Waiter", "users": ["bob"]}]}]
    }

A name can replace an object; objects take the parameters of ``World.add_user``, ``World.add_channel`` and
``World.add_role``.
"""

from __future__ import annotations

import json
import time
import warnings
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from mezon.protobuf.api import api_pb2

__all__ = [
    "BOT_ID",
    "BOT_NAME",
    "CHANNEL",
    "DM",
    "FRIEND",
    "GROUP",
    "INVITE_RECEIVED",
    "INVITE_SENT",
    "THREAD",
    "USERNAMES",
    "VOICE",
    "Channel",
    "Clan",
    "Role",
    "User",
    "World",
    "load_world",
]

BOT_ID: Final = 1_830_000_000_000_000_001
"""The default id of the bot."""

BOT_NAME: Final = "echo"
"""The default username of the bot."""

USERNAMES: Final = {"alice": "Alice", "bob": "Bob", "chi": "Chi Nguyễn"}
"""The users of a populated world: username -> display name."""

# Channel types on the wire.
CHANNEL: Final = 1
GROUP: Final = 2
DM: Final = 3
THREAD: Final = 7
VOICE: Final = 10

# Message mode by channel type (docs/protocol.md, "Sending").
_MODES: Final = {CHANNEL: 2, GROUP: 3, DM: 4, THREAD: 6}

# Friend.state on the wire.
FRIEND: Final = 0
INVITE_SENT: Final = 1
INVITE_RECEIVED: Final = 2

MESSAGES_PER_CHANNEL: Final = 10_000
"""Length of a channel's history; the oldest messages are dropped first."""

_FIRST_ID: Final = 1_840_000_000_000_000_000
_FIRST_MESSAGE_ID: Final = 1_850_000_000_000_000_000


@dataclass(slots=True)
class User:
    """A person or a bot."""

    id: int
    username: str
    display_name: str = ""
    avatar_url: str = ""
    online: bool = True
    is_bot: bool = False
    clan_nicks: dict[int, str] = field(default_factory=dict)
    """Nickname by clan id."""

    def to_pb(self) -> api_pb2.User:
        """Return the user as a protobuf message."""
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
        """Return the clan as a protobuf message."""
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
        """The ``mode`` of messages in this channel."""
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
        """Return the role as a protobuf message."""
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


class World:
    """The entities of one gateway. Lookups take an object, an id or a name.

    Args:
        bot: The bot's user. It is a member of every clan.
        populate: Create one clan, two channels and three users. Otherwise the world contains only the bot.
    """

    def __init__(self, bot: User, *, populate: bool = True) -> None:
        self._last_id = _FIRST_ID
        self._last_message_id = _FIRST_MESSAGE_ID
        self.bot = bot
        self.users: dict[int, User] = {bot.id: bot}
        self.clans: dict[int, Clan] = {}
        self.channels: dict[int, Channel] = {}
        self.roles: dict[int, Role] = {}
        self.friends: dict[int, int] = {}
        """State by user id: 0 friend, 1 invite sent by the bot, 2 invite received, 3 blocked."""
        self.menus: dict[int, api_pb2.QuickMenuAccess] = {}
        self.pins: dict[int, dict[int, api_pb2.PinMessage]] = {}
        """By channel id and message id."""
        self.bans: dict[tuple[int, int], dict[int, api_pb2.BannedUser]] = {}
        """By clan id and channel id (0 for the whole clan), then by user id."""
        self.emojis: list[api_pb2.ClanEmoji] = []
        self._messages: dict[int, deque[api_pb2.ChannelMessage]] = {}
        if populate:
            clan = self.add_clan("Playground")
            self.add_channel("general", clan)
            self.add_channel("random", clan)
            for username, display_name in USERNAMES.items():
                self.add_user(username, display_name=display_name)

    # Creating entities

    def next_id(self) -> int:
        """Return a new id for anything but a message."""
        self._last_id += 1
        return self._last_id

    def next_message_id(self) -> int:
        """Return a new message id, larger than all previous ones."""
        self._last_message_id += 1
        return self._last_message_id

    def reserve_message_ids(self, count: int) -> range:
        """Reserve ``count`` consecutive message ids."""
        first = self._last_message_id + 1
        self._last_message_id += count
        return range(first, first + count)

    def add_user(
        self,
        username: str,
        *,
        id: int | None = None,
        display_name: str = "",
        avatar_url: str = "",
        is_bot: bool = False,
        clans: Iterable[Clan | int | str] | None = None,
    ) -> User:
        """Add a user to ``clans``, by default to every clan."""
        user_id = id if id is not None else self.next_id()
        user = User(user_id, username, display_name, avatar_url, is_bot=is_bot)
        self.users[user_id] = user
        for clan in self.clans.values() if clans is None else [self.clan(c) for c in clans]:
            clan.member_ids.add(user_id)
        return user

    def add_clan(self, name: str, *, id: int | None = None, logo: str = "", description: str = "") -> Clan:
        """Add a clan. Every existing user becomes a member."""
        clan_id = id if id is not None else self.next_id()
        clan = Clan(clan_id, name, logo=logo, description=description, member_ids=set(self.users))
        self.clans[clan_id] = clan
        return clan

    def add_channel(
        self,
        label: str,
        clan: Clan | int | str | None = None,
        *,
        id: int | None = None,
        type: int = CHANNEL,
        private: bool = False,
        parent: Channel | int | str | None = None,
        members: Iterable[User | int | str] = (),
        category_name: str = "TEXT CHANNELS",
        topic: str = "",
    ) -> Channel:
        """Add a channel to a clan (to the first clan if ``clan`` is None).

        Args:
            type: 1 text, 7 thread (requires ``parent``), 10 voice.
            private: Hide the channel from everyone except ``members``.
        """
        home = self.clan(clan)
        channel_id = id if id is not None else self.next_id()
        channel = Channel(
            channel_id,
            label,
            clan_id=home.id,
            type=type,
            private=private,
            parent_id=self.channel(parent).id if parent is not None else 0,
            category_id=home.id + 1_000_000,
            category_name=category_name,
            creator_id=home.creator_id,
            topic=topic,
            member_ids=[self.user(m).id for m in members],
            meeting_code=f"room-{channel_id}" if type == VOICE else "",
        )
        self.channels[channel_id] = channel
        if not home.welcome_channel_id:
            home.welcome_channel_id = channel_id
        return channel

    def add_thread(self, label: str, parent: Channel | int | str, *, private: bool = False) -> Channel:
        """Add a thread to a channel."""
        above = self.channel(parent)
        return self.add_channel(label, above.clan_id, type=THREAD, parent=above, private=private)

    def add_voice_channel(
        self, label: str, clan: Clan | int | str | None = None, *, users: Iterable[User | int | str] = ()
    ) -> Channel:
        """Add a voice room that contains ``users``."""
        channel = self.add_channel(label, clan, type=VOICE)
        channel.voice_user_ids = [self.user(u).id for u in users]
        return channel

    def add_role(
        self,
        title: str,
        clan: Clan | int | str | None = None,
        *,
        color: str = "",
        users: Iterable[User | int | str] = (),
    ) -> Role:
        """Add a role to a clan."""
        role = Role(
            self.next_id(), self.clan(clan).id, title, color=color, user_ids={self.user(u).id for u in users}
        )
        self.roles[role.id] = role
        return role

    def dm(self, *users: User | int | str) -> Channel:
        """Return the bot's direct conversation with a user or a group. Create the conversation if necessary."""
        ids = [self.user(u).id for u in users]
        kind = DM if len(ids) == 1 else GROUP
        for channel in self.channels.values():
            if channel.type == kind and sorted(channel.member_ids) == sorted(ids):
                return channel
        label = ", ".join(self.users[i].username for i in ids)
        channel = Channel(
            self.next_id(), label, type=kind, private=True, creator_id=self.bot.id, member_ids=ids
        )
        self.channels[channel.id] = channel
        return channel

    def ensure_senders(self, channels: int, senders: int) -> tuple[list[Channel], list[User]]:
        """Return that many text channels of the first clan and that many users. Create the missing ones."""
        clan = self.clan(None)
        rooms = [
            c for c in self.channels.values() if c.clan_id == clan.id and c.type == CHANNEL and not c.private
        ]
        while len(rooms) < channels:
            rooms.append(self.add_channel(f"room-{len(rooms) + 1:03d}", clan))
        users = [u for u in self.users.values() if not u.is_bot]
        while len(users) < senders:
            number = len(users) + 1
            users.append(self.add_user(f"user{number:04d}", display_name=f"Người dùng {number}"))
        return rooms[:channels], users[:senders]

    def ensure_crowd(self, channels: int, senders: int) -> tuple[list[Channel], list[User]]:
        """Call ``ensure_senders``: this is its deprecated name."""
        warnings.warn("World.ensure_crowd is now World.ensure_senders", DeprecationWarning, stacklevel=2)
        return self.ensure_senders(channels, senders)

    # Lookups

    def user(self, who: User | int | str) -> User:
        """Return the user with this id or username. Raises LookupError."""
        if isinstance(who, User):
            return who
        found = self.users.get(who) if isinstance(who, int) else None
        if found is None:
            found = next((u for u in self.users.values() if u.username == who), None)
        if found is None:
            raise LookupError(f"there is no user {who!r} in the world; add one with world.add_user(...)")
        return found

    def clan(self, which: Clan | int | str | None = None) -> Clan:
        """Return the clan with this id or name, or the first clan for None. Raises LookupError."""
        if isinstance(which, Clan):
            return which
        if which is None:
            found = next(iter(self.clans.values()), None)
        elif isinstance(which, int):
            found = self.clans.get(which)
        else:
            found = next((c for c in self.clans.values() if c.name == which), None)
        if found is None:
            raise LookupError(f"there is no clan {which!r} in the world; add one with world.add_clan(...)")
        return found

    def channel(self, which: Channel | int | str | None = None) -> Channel:
        """Return the channel with this id or label, or the first channel for None. Raises LookupError."""
        if isinstance(which, Channel):
            return which
        if which is None:
            found = next(iter(self.channels.values()), None)
        elif isinstance(which, int):
            found = self.channels.get(which)
        else:
            found = next((c for c in self.channels.values() if c.label == which), None)
        if found is None:
            raise LookupError(
                f"there is no channel {which!r} in the world; add one with world.add_channel(...)"
            )
        return found

    def may_see(self, user_id: int, channel: Channel) -> bool:
        """Return whether a user has access to a channel. The bot has access to all of its direct conversations."""
        if channel.type in (DM, GROUP):
            return user_id == self.bot.id or user_id in channel.member_ids
        clan = self.clans.get(channel.clan_id)
        if clan is None or user_id not in clan.member_ids:
            return False
        return not channel.private or user_id in channel.member_ids or user_id == self.bot.id

    # Messages

    def remember(self, message: api_pb2.ChannelMessage) -> None:
        """Append a message to the history of its channel."""
        history = self._messages.get(message.channel_id)
        if history is None:
            history = self._messages[message.channel_id] = deque(maxlen=MESSAGES_PER_CHANNEL)
        history.append(message)

    def messages(self, channel: Channel | int | str) -> list[api_pb2.ChannelMessage]:
        """Return the history of a channel, oldest message first."""
        return list(self._messages.get(self.channel(channel).id, ()))

    def last_message(self, channel_id: int) -> api_pb2.ChannelMessage | None:
        """Return the newest message from the history of a channel, or None."""
        history = self._messages.get(channel_id)
        return history[-1] if history else None

    def message(self, message_id: int, channel_id: int = 0) -> api_pb2.ChannelMessage | None:
        """Return a message from the history of one channel or of any, or None."""
        histories = (
            [self._messages[channel_id]] if channel_id in self._messages else list(self._messages.values())
        )
        for history in histories:
            for message in reversed(history):
                if message.message_id == message_id:
                    return message
        return None

    def forget(self, message: api_pb2.ChannelMessage) -> None:
        """Remove a message from the history."""
        history = self._messages.get(message.channel_id)
        if history is not None and message in history:
            history.remove(message)

    def forget_messages(self) -> None:
        """Clear every history."""
        self._messages.clear()

    def describe(self, channel: Channel) -> api_pb2.ChannelDescription:
        """Return a channel as a protobuf message."""
        clan = self.clans.get(channel.clan_id)
        members = [self.users[i] for i in channel.member_ids if i in self.users]
        description = api_pb2.ChannelDescription(
            clan_id=channel.clan_id,
            parent_id=channel.parent_id,
            channel_id=channel.id,
            category_id=channel.category_id,
            category_name=channel.category_name,
            type=channel.type,
            creator_id=channel.creator_id,
            channel_label=channel.label,
            channel_private=int(channel.private),
            user_ids=channel.member_ids,
            usernames=[p.username for p in members],
            display_names=[p.display_name for p in members],
            avatars=[p.avatar_url for p in members],
            onlines=[p.online for p in members],
            clan_name=clan.name if clan is not None else "",
            meeting_code=channel.meeting_code,
            active=1,
            topic=channel.topic,
            member_count=len(channel.member_ids),
        )
        history = self._messages.get(channel.id)
        if history:
            last = history[-1]
            description.last_sent_message.id = last.message_id
            description.last_sent_message.sender_id = last.sender_id
            description.last_sent_message.content = last.content
            description.last_sent_message.timestamp_seconds = last.create_time_seconds or int(time.time())
        return description


def load_world(path: str | Path, bot: str = BOT_NAME) -> World:
    """Read a world from a JSON file.

    Args:
        path: The file.
        bot: The username of the bot, unless the file names it.

    Raises:
        ValueError: The file does not describe a world; the message names the place.
        OSError: The file cannot be read.
    """
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is not valid JSON: {error}") from None
    if not isinstance(found, dict) or set(found) - {"bot", "users", "clans"}:
        raise ValueError(f'{path} must be an object with "users", "clans" and optionally "bot"')
    name = str(found.get("bot", bot))
    world = World(User(BOT_ID, name, name.capitalize(), is_bot=True), populate=False)
    try:
        users = [_as_object(user, "username") for user in found.get("users", [])]
        for user in users:
            world.add_user(**{"display_name": str(user["username"]).capitalize(), **user})
        for clan in found.get("clans", []):
            fields = _as_object(clan, "name")
            channels, roles = fields.pop("channels", ["general"]), fields.pop("roles", [])
            home = world.add_clan(**fields)
            for role in roles:
                world.add_role(clan=home, **_as_object(role, "title"))
            for channel in channels:
                world.add_channel(clan=home, **_as_object(channel, "label"))
    except (TypeError, KeyError, LookupError) as error:
        raise ValueError(f"{path}: {error}") from None
    if not world.channels:
        raise ValueError(f'{path} has no channel: "clans": [{{"name": "Home", "channels": ["general"]}}]')
    return world


def _as_object(value: Any, name: str) -> dict[str, Any]:
    if isinstance(value, str):
        return {name: value}
    if not isinstance(value, Mapping) or name not in value:
        raise TypeError(f'{value!r} must be a name, or an object with "{name}"')
    return dict(value)
