"""The client as its clans, channels and users see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mezon.api import MezonApi
    from mezon.managers.cache import CacheManager
    from mezon.managers.channel import ChannelManager
    from mezon.managers.event import EventManager
    from mezon.managers.session import SessionManager
    from mezon.managers.socket import SocketManager
    from mezon.models import (
        ApiMessageAttachment,
        ApiMessageMention,
        ApiMessageRef,
        ChannelMessageAck,
        UserInitData,
    )
    from mezon.models._body import Content
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

    def new_user(self, data: UserInitData) -> User:
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

    async def send_message(
        self,
        clan_id: int,
        channel_id: int,
        mode: int,
        is_public: bool,
        msg: Content,
        mentions: Sequence[ApiMessageMention] | None = None,
        attachments: Sequence[ApiMessageAttachment] | None = None,
        ref: Sequence[ApiMessageRef] | None = None,
        anonymous_message: bool | None = None,
        mention_everyone: bool | None = None,
        avatar: str | None = None,
        code: int | None = None,
        topic_id: int | None = None,
    ) -> ChannelMessageAck:
        """Send a message by ids."""

    async def disconnect(self, drain: float = 0.0) -> None:
        """End everything."""
