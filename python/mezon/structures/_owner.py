"""The client as its clans, channels and users see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from mezon.api import MezonApi
    from mezon.managers.cache import CacheManager
    from mezon.managers.channel import ChannelManager
    from mezon.managers.event import EventManager
    from mezon.managers.session import SessionManager
    from mezon.managers.socket import SocketManager
    from mezon.models import UserInitData
    from mezon.models._lazy import SenderPreview
    from mezon.ports import MessageStore
    from mezon.structures.clan import Clan
    from mezon.structures.text_channel import TextChannel
    from mezon.structures.user import User


class Maker(Protocol):
    """Who makes the objects of a client."""

    def new_clan(self, clan_id: int) -> Clan:
        """Make the object of a clan and remember it."""

    def new_channel(self, description: Any, clan: Clan) -> TextChannel:
        """Make the object of a channel."""

    def new_user(self, data: UserInitData | SenderPreview) -> User:
        """Make the object of a user."""


class Owner(Protocol):
    """A ``mezon.MezonClient``. Structures stand below the client, so they know this of it."""

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
    def directory(self) -> Maker:
        """Who makes its clans, channels and users."""

    @property
    def message_db(self) -> MessageStore:
        """The message store; None for a client without one."""

    @property
    def state(self) -> str:
        """idle, authenticating, connecting, joining, ready, backoff or closed."""

    async def disconnect(self, drain: float = 0.0) -> None:
        """End everything."""
