"""The client as its own parts see it. They are below `mezon.client`, so they must not import the class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from mezon.managers.socket import SocketManager
    from mezon.models._outgoing import MessageLimits
    from mezon.options import GapOptions, GatewayOptions, Stats, TransportChoice
    from mezon.session import Session
    from mezon.structures import TextChannel, User
    from mezon.structures._owner import Owner

    class ClientView(Owner, Protocol):
        """What the parts read of the client, and the managers that the login sets. A bot may replace any of it."""

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
        limits: MessageLimits | None

        @property
        def latency(self) -> float | None: ...
        def stats(self) -> Stats: ...
        async def setup_hook(self) -> None: ...
        async def login(self, enable_auto_reconnect: bool = True) -> None: ...
        async def wait_closed(self) -> None: ...
        async def disconnect_ai_agent_sse(self) -> None: ...
        async def get_session(self) -> Session: ...
        async def initialize_managers(self, sock_session: Session) -> None: ...
        async def accept_friend(self, user_id: str | int, username: str | None = None) -> None: ...
        async def get_channel_from_id(self, channel_id: int) -> TextChannel: ...
        async def get_user_from_id(self, user_id: int) -> User: ...


def manager_of(client: ClientView) -> SocketManager | None:
    """Return the socket manager of a client; None before the login has created it.

    A client that overrides ``initialize_managers`` has no such attribute until then, as in mezon-sdk.
    """
    return getattr(client, "socket_manager", None)
