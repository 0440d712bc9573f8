"""The interface of a client to its socket managers, which the login or a bot creates."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from mezon.models import ApiClanDesc
    from mezon.ports import Connection
    from mezon.session import Session


class SocketHome(Protocol):
    """The part of a client that its socket managers connect through.

    Attributes:
        auto_reconnect: Whether a lost connection is restored.
    """

    auto_reconnect: bool

    def socket_port(self) -> Connection:
        """Return the client's connection."""

    def socket_opens(self, manager: Any) -> None:
        """Attach the dispatcher to a `SocketManager` that is about to connect. Its module imports this one."""

    def socket_is_open(self, session: Session) -> None:
        """Start what depends on an open connection."""

    def clans_are_joined(self) -> None:
        """Record that the clans were joined."""

    def know_clan(self, description: ApiClanDesc, token: str) -> object:
        """Put a clan into the caches."""


class SocketOwner(ABC):
    """Virtual base class of ``mezon.MezonClient``, which registers itself: a mock of a client is none."""

    @abstractmethod
    def _socket_home(self) -> SocketHome: ...


def home_of(client: object) -> SocketHome | None:
    """Return the part of a client that its socket managers connect through; None if it is not a client."""
    return client._socket_home() if isinstance(client, SocketOwner) else None
