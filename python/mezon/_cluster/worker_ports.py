"""A worker's ports: a client with these has its connection, its API calls and its message store at the relay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from mezon._client.assembly import StandardPorts
from mezon._cluster.protocol import Names, Packet, decode_answer
from mezon._cluster.settings import Layout, Timing
from mezon._cluster.state_bucket import BucketBackend
from mezon._cluster.worker_connection import WorkerConnection
from mezon._gateway.codec import JsonContentMessage, origin_plan
from mezon._http.limiter import current_priority
from mezon.errors import InvalidArgumentError
from mezon.messages._row import json_text
from mezon.models import ChannelMessage
from mezon.options import GatewayOptions
from mezon.ports import HttpAnswer, HttpLane, HttpRequest
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from mezon._client.assembly import PortSettings
    from mezon._cluster.relay_client import RelayClient
    from mezon._cluster.settings import Broker
    from mezon.client import MezonClient
    from mezon.ports import Connection, HttpStream, HttpTransport, MessageStore

logger = get_logger("mezon.cluster")

#: Prefixes of API calls that only read, so that repeating them is safe.
_IDEMPOTENT: Final = ("List", "Get", "Search", "Check")

#: Headers of a request that the relay passes on.
_HEADERS: Final = ("accept", "content-type")

#: The rate limit of a client that sets none.
_DEFAULT_HTTP_RATE: Final = (1, 1.25)

#: Seconds that a request may wait for the relay's rate limit, in addition to its own timeout.
_QUEUE_TIMEOUT: Final = 120.0

#: Time limit in seconds of a call of the message store.
_STORE_TIMEOUT: Final = 30.0


class WorkerPorts:
    """Implements `mezon.ports.Ports` for a client in a worker.

    Args:
        settings: The settings of the client's constructor. Host, key and limits are those of the relay.
        broker: Address and credentials of NATS.
        layout: Its ``max_deliveries`` and ``acknowledge_early``. The rest is used by the relay.
        timing: Time limits.
        name: The worker's name in the permissions of NATS.
    """

    def __init__(
        self,
        settings: PortSettings,
        broker: Broker,
        layout: Layout | None = None,
        timing: Timing | None = None,
        name: str = "worker",
    ) -> None:
        plan = None
        if settings.content_as_json:
            plan = origin_plan(JsonContentMessage, "mezon.api.ChannelMessage", settings.origin)
        for problem in _settings_of_relay(settings):
            logger.warning("%s", problem)
        self._settings = settings
        self._connection = WorkerConnection(
            broker,
            Names(settings.client_id),
            layout or Layout(),
            timing or Timing(),
            plan=plan,
            origin=settings.origin,
            recent=(settings.recent_per_channel, settings.recent_channels),
            name=name,
        )
        self._http: HttpTransport | None = None
        self._store: WorkerStore | None = None

    def http(self) -> HttpTransport:
        """Return the transport that passes API requests to the relay."""
        if self._http is None:
            self._http = WorkerHttp(self._connection.relay, StandardPorts(self._settings).http())
        return self._http

    def store(self) -> MessageStore | None:
        """Return the relay's store, or None if the bot has turned the store off."""
        if self._store is None and self._settings.message_db is not False:
            self._store = WorkerStore(self._connection.relay)
        return self._store

    def connection(self, store: MessageStore | None) -> Connection:
        """Return the connection that receives events from the stream."""
        return self._connection


def worker_state(client: MezonClient) -> BucketBackend:
    """Return the durable state of a worker's client: the bucket that the workers of the bot share."""
    connection = client.socket_manager.socket.connection
    assert isinstance(connection, WorkerConnection)
    return BucketBackend(connection.nats, Names(client.client_id).state_bucket)


def _settings_of_relay(settings: PortSettings) -> list[str]:
    """Return a sentence for each setting of the bot's file that has no effect here, because it is one of the relay."""
    defaults = GatewayOptions()
    found = [
        f"GatewayOptions({name}=...) of the bot has no effect in a worker, because the relay holds the connection: "
        f"pass it as mezon relay --gateway {name}={value}"
        for name, value in settings.gateway.as_dict().items()
        # Free requests of a worker use these two.
        if name not in ("ca_file", "insecure") and value != getattr(defaults, name)
    ]
    if settings.http_rate != _DEFAULT_HTTP_RATE:
        count, period = settings.http_rate
        found.append(
            "The rate limit of HTTP calls of the bot has no effect in a worker, because the relay makes its calls: "
            f"pass it as mezon relay --http-rate {count}/{period:g}"
        )
    if settings.message_db not in (None, False):
        found.append(
            "message_db of the bot has no effect in a worker, because the relay has the message store: pass its path "
            "as mezon relay --cache"
        )
    return found


class WorkerHttp:
    """Implements `mezon.ports.HttpTransport`.

    Requests in the lanes of the API and of the login are made by the relay, which has the key, the token and the rate
    limit. Free requests, such as uploads to a signed URL and token transfers, need none of them and are made here.

    Args:
        relay: Returns the client for calls to the relay.
        own: The transport for free requests.
    """

    def __init__(self, relay: Callable[[], Awaitable[RelayClient]], own: HttpTransport) -> None:
        self._relay = relay
        self._own = own

    async def send(self, request: HttpRequest) -> HttpAnswer:
        """Implement `HttpTransport.send`."""
        if request.lane is HttpLane.FREE:
            return await self._own.send(request)
        relay = await self._relay()
        if request.lane is HttpLane.LOGIN:
            answer = await relay.call("session", Packet(), request.timeout, request.name, idempotent=True)
            return decode_answer(answer)
        if request.on_turn is not None:
            request.on_turn()
        path = request.url.partition("://")[2].partition("/")[2]
        headers = request.headers.items()
        values: dict[str, Any] = {
            "name": request.name,
            "method": request.method,
            "path": f"/{path}",
            "params": dict(request.params) if request.params else None,
            "headers": {name: str(value) for name, value in headers if name.lower() in _HEADERS},
            "timeout": request.timeout,
            "max_answer": request.max_answer,
            "priority": current_priority() if request.priority is None else request.priority,
        }
        body = request.body if isinstance(request.body, bytes) else str(request.body or "").encode()
        idempotent = request.method == "GET" or request.name.startswith(_IDEMPOTENT)
        timeout = None if request.timeout is None else request.timeout + _QUEUE_TIMEOUT
        answer = await relay.call("http", Packet(values, body), timeout, request.name, idempotent=idempotent)
        return decode_answer(answer)

    def stream(self, request: HttpRequest) -> AbstractAsyncContextManager[HttpStream]:
        """Implement `HttpTransport.stream`. Streams are free requests."""
        return self._own.stream(request)

    def hold(self, lane: HttpLane, seconds: float) -> None:
        """Pause the lane of free requests. The relay reads the same answers and pauses its own lanes."""
        if lane is HttpLane.FREE:
            self._own.hold(lane, seconds)

    async def close(self) -> None:
        """Close the transport for free requests."""
        await self._own.close()


class WorkerStore:
    """Implements `mezon.ports.MessageStore` by calls to the relay, whose store receives every message.

    Args:
        relay: Returns the client for calls to the relay.
    """

    def __init__(self, relay: Callable[[], Awaitable[RelayClient]]) -> None:
        self._relay = relay
        self.on_error: Callable[[Exception], object] | None = None

    def attach_loop(self, loop: asyncio.AbstractEventLoop) -> None:
        """Do nothing: the relay logs the errors of its store."""

    def accept(self, body: bytes) -> None:
        """Do nothing: the relay stores every message itself."""

    def came(self, channel_id: int, message_id: int) -> bool:
        """Return False: unknown here, and storing a message twice is safe."""
        return False

    async def save_message(self, message: ChannelMessage | Mapping[str, Any]) -> None:
        """Store a message. Does not wait for the relay; a later query finds the message."""
        row = message if isinstance(message, Mapping) else message.to_db_dict()
        await self._post(Packet({"method": "save"}, json_text(dict(row)).encode()))

    async def update_message(
        self,
        message_id: int | str,
        channel_id: int | str,
        content: Any,
        mentions: Any = None,
        attachments: Any = None,
    ) -> None:
        """Apply an edit to a message."""
        change = {"content": content, "mentions": mentions, "attachments": attachments}
        values = {"method": "update", "message_id": str(message_id), "channel_id": str(channel_id)}
        await self._post(Packet(values, json_text(change).encode()))

    async def get_message_by_id(self, message_id: int | str, channel_id: int | str) -> ChannelMessage | None:
        """Return a message, or None."""
        answer = await self._call("get", message_id=str(message_id), channel_id=str(channel_id))
        if not answer.body:
            return None
        return ChannelMessage.model_validate_json(answer.body, by_name=True)

    async def get_messages_by_channel(
        self, channel_id: int | str, limit: int = 50, offset: int = 0
    ) -> list[dict[str, Any]]:
        """Return a channel's messages as dicts, newest first."""
        return list(
            (await self._call("list", channel_id=str(channel_id), limit=limit, offset=offset)).values["found"]
        )

    async def search_messages(
        self, text: str, channel_id: int | str | None = None, limit: int = 50
    ) -> list[dict[str, Any]]:
        """Return messages that contain every word of ``text``, newest first."""
        channel = None if channel_id is None else str(channel_id)
        return list((await self._call("search", text=text, channel_id=channel, limit=limit)).values["found"])

    async def delete_message(self, message_id: int | str, channel_id: int | str) -> bool:
        """Delete a message. Return whether it existed."""
        answer = await self._call("delete", message_id=str(message_id), channel_id=str(channel_id))
        return bool(answer.values["found"])

    async def clear_channel_messages(self, channel_id: int | str) -> int:
        """Delete a channel's messages and return their number."""
        return int((await self._call("clear", channel_id=str(channel_id))).values["found"])

    async def get_message_count(self, channel_id: int | str | None = None) -> int:
        """Return the number of messages of a channel, or of all channels."""
        channel = None if channel_id is None else str(channel_id)
        return int((await self._call("count", channel_id=channel)).values["found"])

    async def flush(self) -> bool:
        """Wait until the relay's store has written everything to disk."""
        return bool((await self._call("flush")).values["found"])

    async def close(self) -> None:
        """Do nothing: the relay closes its store."""

    def stats(self) -> Mapping[str, Any]:
        """Return no counters: the relay has them."""
        return {}

    async def _post(self, packet: Packet) -> None:
        relay = await self._relay()
        try:
            await relay.post("store", packet)
        except InvalidArgumentError as error:
            # The message itself was sent; only the store lacks it.
            logger.warning("A message is not stored: %s", error)

    async def _call(self, method: str, **values: Any) -> Packet:
        relay = await self._relay()
        return await relay.call(
            "store",
            Packet({"method": method, **values}),
            _STORE_TIMEOUT,
            "the message store",
            idempotent=True,
        )
