"""The client as its clans, channels and users see it, and the objects that an event refers to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from mezon.models._lazy import ChannelPreview, SenderPreview
from mezon.structures.message import Message

if TYPE_CHECKING:
    from mezon.api import MezonApi
    from mezon.managers.cache import CacheManager
    from mezon.managers.channel import ChannelManager
    from mezon.managers.event import EventManager
    from mezon.managers.session import SessionManager
    from mezon.managers.socket import SocketManager
    from mezon.models import ChannelMessage, UserInitData
    from mezon.ports import MessageStore
    from mezon.structures.clan import Clan
    from mezon.structures.text_channel import TextChannel
    from mezon.structures.user import User


class ObjectFactory(Protocol):
    """Creates the objects of a client."""

    def new_clan(self, clan_id: int) -> Clan:
        """Create a clan and cache it."""

    def new_channel(self, description: Any, clan: Clan) -> TextChannel:
        """Create a channel."""

    def new_user(self, data: UserInitData | SenderPreview) -> User:
        """Create a user."""

    def remember_user(self, profile: UserInitData) -> None:
        """Cache a user that a list shows."""


class Owner(Protocol):
    """A ``mezon.MezonClient``, as far as the structures use it: they are below the client."""

    client_id: int
    messages_per_channel: int
    event_manager: EventManager
    api_client: MezonApi
    socket_manager: SocketManager
    session_manager: SessionManager
    channel_manager: ChannelManager
    clans: CacheManager[int, Clan]
    channels: CacheManager[int, TextChannel]
    users: CacheManager[int, User]

    @property
    def directory(self) -> ObjectFactory:
        """The factory of clans, channels and users."""

    @property
    def message_db(self) -> MessageStore:
        """The message store; None for a client without a store."""

    @property
    def state(self) -> str:
        """idle, authenticating, connecting, joining, ready, backoff or closed."""

    async def disconnect(self, drain: float = 0.0) -> None:
        """Close the client."""


def channel_of_message(client: Owner, message: Any) -> TextChannel:
    """Return the channel of a message: the cached one, otherwise one made of the message's fields."""
    channel = client.channels.get(message.channel_id)
    if channel is not None:
        return channel
    clan_id = message.clan_id or 0
    clan = client.clans.get(clan_id) or client.directory.new_clan(clan_id)
    return clan.channels.get(message.channel_id) or client.directory.new_channel(
        ChannelPreview(message), clan
    )


def user_of_message(client: Owner, message: ChannelMessage) -> User:
    """Return the author of a message: the cached user, otherwise one made of the message's fields."""
    user = client.users.get(message.sender_id)
    if user is not None:
        return user
    return client.directory.new_user(SenderPreview(message, client.channel_manager.get_all_dm_channels()))


def as_message(client: Owner, message: ChannelMessage) -> Message:
    """Return a received message as a ``Message``, which can be answered."""
    return Message(message, channel_of_message(client, message), client.socket_manager)
