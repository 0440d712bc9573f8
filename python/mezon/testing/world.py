"""The world the local gateway serves: clans, channels, users, roles, menus, messages. All in memory."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final

from mezon.protobuf.api import api_pb2
from mezon.testing.things import CHANNEL, DM, GROUP, THREAD, VOICE, Channel, Clan, Role, User

__all__ = ["CHANNEL", "DM", "GROUP", "THREAD", "VOICE", "Channel", "Clan", "Role", "User", "World"]

# Friend.state on the wire.
FRIEND: Final = 0
INVITE_SENT: Final = 1
INVITE_RECEIVED: Final = 2

MESSAGES_PER_CHANNEL: Final = 10_000
"""How many messages of a channel the world remembers; older ones are forgotten."""

_FIRST_ID: Final = 1_840_000_000_000_000_000
_FIRST_MESSAGE_ID: Final = 1_850_000_000_000_000_000


class World:
    """Everything there is. Lookups take an object, an id, or a name.

    Args:
        bot: The bot's own user; it becomes a member of every clan.
        populate: Start with one clan, two channels and three users (else only with the bot).
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
            self.add_user("alice", display_name="Alice")
            self.add_user("bob", display_name="Bob")
            self.add_user("chi", display_name="Chi Nguyễn")

    # Making things

    def next_id(self) -> int:
        """Give a fresh id for anything but a message."""
        self._last_id += 1
        return self._last_id

    def next_message_id(self) -> int:
        """Give a fresh message id, larger than every one before."""
        self._last_message_id += 1
        return self._last_message_id

    def reserve_message_ids(self, count: int) -> range:
        """Take ``count`` consecutive message ids at once."""
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
        """Add a user, by default as a member of every clan there is."""
        user_id = id if id is not None else self.next_id()
        user = User(user_id, username, display_name, avatar_url, is_bot=is_bot)
        self.users[user_id] = user
        for clan in self.clans.values() if clans is None else [self.clan(c) for c in clans]:
            clan.member_ids.add(user_id)
        return user

    def add_clan(self, name: str, *, id: int | None = None, logo: str = "", description: str = "") -> Clan:
        """Add a clan with everybody as a member."""
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
        """Add a channel to a clan (the first one when ``clan`` is None).

        Args:
            type: 1 text, 7 thread (give ``parent``), 10 voice.
            private: Only ``members`` may see it.
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
        """Add a thread below a channel."""
        above = self.channel(parent)
        return self.add_channel(label, above.clan_id, type=THREAD, parent=above, private=private)

    def add_voice_channel(
        self, label: str, clan: Clan | int | str | None = None, *, users: Iterable[User | int | str] = ()
    ) -> Channel:
        """Add a voice room with somebody in it."""
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
        """Give the direct conversation of the bot with a user (or a group of users), made when there is none."""
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

    def ensure_crowd(self, channels: int, senders: int) -> tuple[list[Channel], list[User]]:
        """Give that many text channels of the first clan and that many people, made when there are too few."""
        clan = self.clan(None)
        rooms = [
            c for c in self.channels.values() if c.clan_id == clan.id and c.type == CHANNEL and not c.private
        ]
        while len(rooms) < channels:
            rooms.append(self.add_channel(f"room-{len(rooms) + 1:03d}", clan))
        people = [u for u in self.users.values() if not u.is_bot]
        while len(people) < senders:
            number = len(people) + 1
            people.append(self.add_user(f"user{number:04d}", display_name=f"Người dùng {number}"))
        return rooms[:channels], people[:senders]

    # Finding things

    def user(self, who: User | int | str) -> User:
        """Give the user with this id or username. Raises LookupError."""
        if isinstance(who, User):
            return who
        found = self.users.get(who) if isinstance(who, int) else None
        if found is None:
            found = next((u for u in self.users.values() if u.username == who), None)
        if found is None:
            raise LookupError(f"there is no user {who!r} in the world; add one with world.add_user(...)")
        return found

    def clan(self, which: Clan | int | str | None = None) -> Clan:
        """Give the clan with this id or name; the first one for None. Raises LookupError."""
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
        """Give the channel with this id or label; the first one for None. Raises LookupError."""
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
        """Say whether somebody belongs to a channel; the bot belongs to all of its direct conversations."""
        if channel.type in (DM, GROUP):
            return user_id == self.bot.id or user_id in channel.member_ids
        clan = self.clans.get(channel.clan_id)
        if clan is None or user_id not in clan.member_ids:
            return False
        return not channel.private or user_id in channel.member_ids or user_id == self.bot.id

    # Messages

    def remember(self, message: api_pb2.ChannelMessage) -> None:
        """Add a message to the history of its channel."""
        history = self._messages.get(message.channel_id)
        if history is None:
            history = self._messages[message.channel_id] = deque(maxlen=MESSAGES_PER_CHANNEL)
        history.append(message)

    def messages(self, channel: Channel | int | str) -> list[api_pb2.ChannelMessage]:
        """Give the history of a channel, oldest first."""
        return list(self._messages.get(self.channel(channel).id, ()))

    def message(self, message_id: int, channel_id: int = 0) -> api_pb2.ChannelMessage | None:
        """Give a message of the history by id (of one channel, or of any)."""
        rooms: Iterator[deque[api_pb2.ChannelMessage]] | list[deque[api_pb2.ChannelMessage]]
        rooms = (
            [self._messages[channel_id]] if channel_id in self._messages else iter(self._messages.values())
        )
        for history in rooms:
            for message in reversed(history):
                if message.message_id == message_id:
                    return message
        return None

    def forget(self, message: api_pb2.ChannelMessage) -> None:
        """Take a message out of the history."""
        history = self._messages.get(message.channel_id)
        if history is not None and message in history:
            history.remove(message)

    def forget_messages(self) -> None:
        """Empty every history."""
        self._messages.clear()

    def describe(self, channel: Channel) -> api_pb2.ChannelDescription:
        """Give the channel as the wire carries it."""
        clan = self.clans.get(channel.clan_id)
        people = [self.users[i] for i in channel.member_ids if i in self.users]
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
            usernames=[p.username for p in people],
            display_names=[p.display_name for p in people],
            avatars=[p.avatar_url for p in people],
            onlines=[p.online for p in people],
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
