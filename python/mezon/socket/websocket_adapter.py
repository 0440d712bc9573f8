"""The connection of a ``mezon.socket.Socket``, under its name in mezon-sdk.

Bots rarely use it. The core implements rate limit, heartbeat and reconnect.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mezon import protobuf
from mezon.constants.rate_limit import WEBSOCKET_PB_RATE_LIMIT, WEBSOCKET_PB_RATE_LIMIT_PERIOD
from mezon.errors import InvalidArgumentError
from mezon.options import check_options
from mezon.socket._url import socket_url
from mezon.utils.background import BackgroundTasks
from mezon.utils.logger import get_logger
from mezon.utils.secrets import masked

if TYPE_CHECKING:
    from mezon.ports import Connection

__all__ = [
    "WEBSOCKET_PB_RATE_LIMIT",
    "WEBSOCKET_PB_RATE_LIMIT_PERIOD",
    "WebSocketAdapter",
    "WebSocketAdapterPb",
]

logger = get_logger("mezon.gateway")


class WebSocketAdapter(ABC):
    """The interface of a transport for envelopes.

    A custom adapter implements the four methods, calls ``self.on_message(frame)`` with the bytes of each received
    frame, and ``self.on_close(reason)`` when the connection is lost. Alternatively, it sets ``self._socket`` to an
    async iterator of frames, as in mezon-sdk. It is responsible for reconnects and heartbeats; a warning says so.

    Attributes:
        on_message: Set before ``connect``; to be called with a frame.
        on_close: Set before ``connect``; to be called with the reason when the connection is lost.
    """

    on_message: Callable[[bytes], None] | None = None
    on_close: Callable[..., None] | None = None

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
        """Return whether the connection is open."""


class WebSocketAdapterPb(WebSocketAdapter):
    """The adapter of the core.

    Args:
        rate_limit: The maximum number of frames sent in one period.
        rate_limit_period: The period in seconds.
        options: Further settings of the core, by the names of ``mezon.GatewayOptions``.
        store: The core's message store, which saves received messages.
        connection: The connection to use, instead of a new one of the core with the settings above.

    Raises:
        InvalidArgumentError: If a setting does not exist, or has an invalid value.
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
        #: By cid, the calls that a custom ``send`` has not passed on yet: the call, its timeout, its answer.
        self._expected: dict[int, tuple[Callable[..., Any], float, asyncio.Future[Any]]] = {}
        self._calls = BackgroundTasks(logger)

    @property
    def connection(self) -> Connection:
        """The connection, by default one of the core."""
        if self._connection is None:
            from mezon._gateway.connection import CoreConnection

            self._connection = CoreConnection(self._options, self._store)
        return self._connection

    async def connect(self, scheme: str, ws_url: str, create_status: bool, token: str) -> None:
        """Open the connection to ``scheme`` + ``ws_url``; the scheme is ``ws://`` or ``wss://``.

        Raises:
            MezonConnectionError: If it cannot be opened.
        """
        token = masked(token)
        host = ws_url.split("://", 1)[-1]
        scheme = scheme.removesuffix("://")
        url = socket_url(f"{scheme}://{host}", scheme == "wss", token, status=create_status)
        await self.connection.open([url], False)

    async def send(self, message: Any) -> None:
        """Send an ``Envelope``, or the bytes of one, without waiting for an answer. Its cid is replaced.

        A custom ``send``, in a subclass or set on the adapter, is called with the envelope of each call, and calls this
        method to send it.

        Raises:
            MezonConnectionError: If the connection is not open.
            InvalidArgumentError: If ``message`` is not an envelope, or an empty one.
        """
        envelope = protobuf.realtime_pb2.Envelope
        if isinstance(message, bytes):
            message = envelope.FromString(message)
        if not isinstance(message, envelope):
            # The text of mezon-sdk.
            raise InvalidArgumentError(f"Invalid message type: {type(message)}")
        name = message.WhichOneof("message")
        if name is None:
            raise InvalidArgumentError("the envelope is empty: set one of its fields")
        body = getattr(message, name).SerializeToString()
        expected = self._expected.pop(message.cid, None)
        if expected is None:
            self.connection.post(name, body, 30.0)
            return
        call, timeout, answer = expected
        self._calls.spawn(_answer(call(name, body, timeout), answer), f"the call {name}")

    def expect(self, cid: int, call: Callable[..., Any], timeout: float) -> asyncio.Future[Any]:
        """Return a future of the answer to a call whose envelope will be passed to ``send``.

        Args:
            cid: The cid of the envelope.
            call: Makes the call, with field, body and timeout.
            timeout: The timeout of the call in seconds.
        """
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._expected[cid] = (call, timeout, answer)
        return answer

    def forget(self, cid: int) -> None:
        """Remove an expected call."""
        self._expected.pop(cid, None)

    async def close(self) -> None:
        """Close the connection. Idempotent."""
        if self._connection is not None:
            await self._connection.close()

    def is_open(self) -> bool:
        """Return whether the connection is ready for calls."""
        return self._connection is not None and self._connection.state == "ready"


async def _answer(call: Any, answer: asyncio.Future[Any]) -> None:
    """Await a call and set the result of ``answer``."""
    try:
        result = await call
    except Exception as error:
        if not answer.done():
            answer.set_exception(error)
    else:
        if not answer.done():
            answer.set_result(result)
