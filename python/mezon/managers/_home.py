"""How a socket manager finds the client it belongs to, whoever made it: the login, or code of a bot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from mezon.managers.socket import SocketManager
    from mezon.models import ApiClanDesc
    from mezon.ports import Connection
    from mezon.session import Session


class SocketHome(Protocol):
    """The part of a client that its socket managers connect through.

    Attributes:
        auto_reconnect: Connect again when the connection is lost.
    """

    auto_reconnect: bool

    def socket_port(self) -> Connection:
        """Return the client's connection."""

    def socket_opens(self, manager: SocketManager) -> None:
        """Attach the dispatcher to a manager that is about to connect."""

    def socket_is_open(self, session: Session) -> None:
        """Take the connection as open."""

    def clans_are_joined(self) -> None:
        """Take the clans as joined."""

    def know_clan(self, description: ApiClanDesc, token: str) -> object:
        """Put a clan into the caches."""


class SocketOwner:
    """Base class of ``mezon.MezonClient``: a mock in its place is not taken for a client."""

    def _socket_home(self) -> SocketHome:
        raise NotImplementedError


def home_of(client: object) -> SocketHome | None:
    """Return the part of a client that its socket managers connect through; None if it is no client."""
    return client._socket_home() if isinstance(client, SocketOwner) else None
