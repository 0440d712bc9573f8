"""The connection below a ``mezon.socket.Socket``, under the name the reference has for it.

Bots rarely touch it. Rate limit, heartbeat and reconnect live in the core.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from mezon.constants.rate_limit import WEBSOCKET_PB_RATE_LIMIT, WEBSOCKET_PB_RATE_LIMIT_PERIOD
from mezon.errors import InvalidArgumentError
from mezon.options import check_options
from mezon.socket._url import socket_url

if TYPE_CHECKING:
    from mezon.ports import Connection

__all__ = [
    "WEBSOCKET_PB_RATE_LIMIT",
    "WEBSOCKET_PB_RATE_LIMIT_PERIOD",
    "WebSocketAdapter",
    "WebSocketAdapterPb",
]


class WebSocketAdapter(ABC):
    """What carries envelopes to the server."""

    def __init__(self) -> None:
        self._connection: Connection | None = None

    @abstractmethod
    async def connect(self, scheme: str, ws_url: str, create_status: bool, token: str) -> None:
        """Open the connection."""

    @abstractmethod
    async def send(self, message: Any) -> None:
        """Send an envelope without waiting for an answer."""

    @abstractmethod
    async def close(self) -> None:
        """Close the connection."""

    @abstractmethod
    def is_open(self) -> bool:
        """Say whether the connection is open."""


class WebSocketAdapterPb(WebSocketAdapter):
    """Carries protobuf envelopes through the core.

    Args:
        rate_limit: Frames sent in one period.
        rate_limit_period: The period in seconds.
        options: Further settings of the core, by the names of ``mezon.GatewayOptions``.
        store: The core's message store, which received messages go to.
        connection: The connection to use, instead of one of the core with the settings above.

    Raises:
        InvalidArgumentError: A setting there is not, or a value that cannot be used.
    """

    def __init__(
        self,
        rate_limit: int = WEBSOCKET_PB_RATE_LIMIT,
        rate_limit_period: float = WEBSOCKET_PB_RATE_LIMIT_PERIOD,
        options: dict[str, Any] | None = None,
        store: Any = None,
        connection: Connection | None = None,
    ) -> None:
        super().__init__()
        self._connection = connection
        self.rate_limit = rate_limit
        self.rate_limit_period = rate_limit_period
        self._store = store
        self._options = {"rate_limit": rate_limit, "rate_period": rate_limit_period, **(options or {})}
        check_options(self._options)

    @property
    def connection(self) -> Connection:
        """The connection; one of the core unless another was given."""
        if self._connection is None:
            from mezon._gateway.connection import CoreConnection

            self._connection = CoreConnection(self._options, self._store)
        return self._connection

    async def connect(self, scheme: str, ws_url: str, create_status: bool, token: str) -> None:
        """Open the connection to ``scheme`` + ``ws_url``; scheme is ``ws://`` or ``wss://``.

        Raises:
            MezonConnectionError: If it cannot be opened.
        """
        host = ws_url.split("://", 1)[-1]
        scheme = scheme.removesuffix("://")
        url = socket_url(f"{scheme}://{host}", scheme == "wss", token, status=create_status)
        await self.connection.open([url], False)

    async def send(self, message: Any) -> None:
        """Send an ``Envelope``, or the bytes of one, without waiting for an answer; its cid is replaced.

        Raises:
            MezonConnectionError: If the connection is not open.
            InvalidArgumentError: If ``message`` is no envelope or an empty one.
        """
        from mezon.protobuf.rtapi.realtime_pb2 import Envelope

        if isinstance(message, bytes):
            message = Envelope.FromString(message)
        if not isinstance(message, Envelope):
            # The reference's words.
            raise InvalidArgumentError(f"Invalid message type: {type(message)}")
        name = message.WhichOneof("message")
        if name is None:
            raise InvalidArgumentError("the envelope holds no message: set one of its fields")
        self.connection.post(name, getattr(message, name).SerializeToString(), 30.0)

    async def close(self) -> None:
        """Close the connection. Safe at any time."""
        if self._connection is not None:
            await self._connection.close()

    def is_open(self) -> bool:
        """Say whether the connection is ready for calls."""
        return self._connection is not None and self._connection.state == "ready"
