"""The client as its own parts see it: the attributes that bots see too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from mezon._gateway.transport import TransportChoice
    from mezon.api import MezonApi
    from mezon.managers.cache import CacheManager
    from mezon.managers.channel import ChannelManager
    from mezon.managers.event import EventManager
    from mezon.managers.session import SessionManager
    from mezon.managers.socket import SocketManager
    from mezon.models._outgoing import MessageLimits
    from mezon.options import GapOptions, GatewayOptions
    from mezon.ports import MessageStore
    from mezon.session import Session
    from mezon.structures import Clan, TextChannel, User


class ClientView(Protocol):
    """What the parts read of the client, and the managers that the login sets. A bot may replace any of it."""

    client_id: int
    api_key: str
    use_ssl: bool
    timeout_ms: int
    login_url: str
    agent_event_url: str | None
    transport: TransportChoice
    gateway: GatewayOptions
    auto_accept_friends: bool
    content_as_json: bool
    fill_gaps: bool | GapOptions
    messages_per_channel: int
    limits: MessageLimits | None
    event_manager: EventManager
    clans: CacheManager[int, Clan]
    channels: CacheManager[int, TextChannel]
    users: CacheManager[int, User]
    api_client: MezonApi
    socket_manager: SocketManager
    session_manager: SessionManager
    channel_manager: ChannelManager

    @property
    def message_db(self) -> MessageStore: ...
    @property
    def state(self) -> str: ...
    async def setup_hook(self) -> None: ...
    async def get_session(self) -> Session: ...
    async def accept_friend(self, user_id: str | int, username: str | None = None) -> None: ...
    async def initialize_managers(self, sock_session: Session) -> None: ...


def manager_of(client: ClientView) -> SocketManager | None:
    """Return the socket manager of a client; None before there is one.

    A client whose ``initialize_managers`` is the bot's own has no such attribute then, as with mezon-sdk.
    """
    return getattr(client, "socket_manager", None)
