"""The three ports of a client, in memory: no core, no aiohttp, no SQLite, no sockets."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, ClassVar

from mezon import MezonClient
from mezon.models import ChannelMessage, ChannelMessageAck
from mezon.ports import CLOSED, ConnectionListener, HttpAnswer, HttpLane, HttpRequest
from mezon.protobuf.api import api_pb2

BOT, ALICE, CLAN, GENERAL = 99, 1, 7, 70


def token_until(expires_at: int = 2**40) -> str:
    """A session token that ends then (UNIX seconds)."""
    claims = base64.urlsafe_b64encode(json.dumps({"exp": expires_at, "uid": str(BOT)}).encode())
    return f"e30.{claims.decode().rstrip('=')}.c2ln"


class FakeConnection:
    """A connection whose other side is the test: ``say`` lets a message come."""

    def __init__(self) -> None:
        self.listener: ConnectionListener | None = None
        self.around = None
        self.state = "idle"
        self.latency: float | None = None
        self.opened: list[tuple[list[str], bool]] = []
        self.calls: list[tuple[str, Any]] = []
        self.posts: list[tuple[str, Any]] = []
        self.wanted: set[str] = set()
        self.recent: dict[int, list[ChannelMessage]] = {}
        #: What came while the listener had no room.
        self.waiting: list[tuple[str, Any]] = []
        self.resumed = 0
        self.generation = 0
        self._ids = iter(range(1000, 100_000))

    # ---- the client's side

    async def open(self, urls: Sequence[str], auto_reconnect: bool) -> None:
        self.opened.append((list(urls), auto_reconnect))
        self.enter("connecting")
        await asyncio.sleep(0)
        self.enter("ready")

    async def close(self) -> None:
        if self.state not in ("idle", "closed"):
            self.enter("closed", CLOSED)

    def reconnect(self) -> bool:
        return False

    def stats(self) -> Mapping[str, Any]:
        return {"frames_sent": len(self.calls), "more": 1}

    def want(self, name: str, wanted: bool = True) -> None:
        (self.wanted.add if wanted else self.wanted.discard)(name)

    def take_recent(self, channel_id: int) -> Sequence[ChannelMessage]:
        return self.recent.pop(channel_id, [])

    async def call(self, name: str, value: Mapping[str, Any] | bytes, timeout: float) -> tuple[str, Any]:
        self.calls.append((name, value))
        await asyncio.sleep(0)
        if name == "channel_message_send":
            return "channel_message_ack", ChannelMessageAck(message_id=next(self._ids), username="bot")
        return name, b""

    async def call_raw(self, name: str, value: Mapping[str, Any] | bytes, timeout: float) -> bytes:
        self.calls.append((name, value))
        await asyncio.sleep(0)
        return b""

    def post(self, name: str, value: Mapping[str, Any] | bytes, timeout: float) -> None:
        self.posts.append((name, value))

    def in_flight(self) -> Mapping[int, asyncio.Future[Any]]:
        return {}

    # ---- the test's side

    def enter(self, state: str, reason: str = "") -> None:
        self.state = state
        self.generation += state == "connecting"
        if self.listener is not None:
            self.listener.on_state(state, self.generation, reason)

    def event(self, name: str, event: Any) -> None:
        """Let an event come, if it is wanted; it waits while the listener has no room."""
        if name in self.wanted:
            self.waiting.append((name, event))
            self._hand_out()

    def hold(self) -> None:
        """What waits is for nobody else."""

    def resume(self) -> None:
        self.resumed += 1
        self._hand_out()

    def _hand_out(self) -> None:
        while self.waiting and self.listener is not None and self.listener.capacity() > 0:
            self.listener.on_event(*self.waiting.pop(0))

    def say(self, text: str, *, message_id: int | None = None, sender: int = ALICE) -> ChannelMessage:
        """Let a message come in the channel."""
        message = ChannelMessage(
            message_id=message_id if message_id is not None else next(self._ids),
            channel_id=GENERAL,
            clan_id=CLAN,
            channel_label="general",
            sender_id=sender,
            username="alice",
            content={"t": text},
            mode=2,
            is_public=True,
        )
        self.recent.setdefault(GENERAL, []).append(message)
        self.event("channel_message", message)
        return message


class FakeStore:
    """A store in a dict."""

    def __init__(self) -> None:
        self.on_error: Callable[[Exception], object] | None = None
        self.loop: asyncio.AbstractEventLoop | None = None
        self.messages: dict[tuple[int, int], Any] = {}
        self.closed = 0

    def attach_loop(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop

    def accept(self, body: bytes) -> None:
        message = api_pb2.ChannelMessage.FromString(body)
        self.messages[message.channel_id, message.message_id] = message

    def came(self, channel_id: int, message_id: int) -> bool:
        return (channel_id, message_id) in self.messages

    async def save_message(self, message: Any) -> None:
        self.messages[message.channel_id, message.message_id] = message

    async def update_message(
        self, message_id: Any, channel_id: Any, content: Any, mentions: Any = None, attachments: Any = None
    ) -> None:
        self.messages[channel_id, message_id].content = content

    async def get_message_by_id(self, message_id: Any, channel_id: Any) -> Any:
        return self.messages.get((int(channel_id), int(message_id)))

    async def get_messages_by_channel(
        self, channel_id: Any, limit: int = 50, offset: int = 0
    ) -> list[dict[str, Any]]:
        return []

    async def search_messages(self, text: str, channel_id: Any = None, limit: int = 50) -> list[Any]:
        return []

    async def delete_message(self, message_id: Any, channel_id: Any) -> bool:
        return self.messages.pop((channel_id, message_id), None) is not None

    async def clear_channel_messages(self, channel_id: Any) -> int:
        return 0

    async def get_message_count(self, channel_id: Any = None) -> int:
        return len(self.messages)

    async def flush(self) -> bool:
        return True

    async def close(self) -> None:
        self.closed += 1

    def stats(self) -> Mapping[str, Any]:
        return {"rows_written": len(self.messages)}


class FakeStream:
    """An event stream, for as long as somebody reads it; the test puts its pieces into a queue."""

    status = 200
    headers: ClassVar = {"Content-Type": "text/event-stream"}

    def __init__(self, pieces: asyncio.Queue[bytes]) -> None:
        self._pieces = pieces

    async def chunks(self) -> AsyncIterator[bytes]:
        while True:
            yield await self._pieces.get()


class FakeHttp:
    """A transport that answers as a server with one clan and one channel."""

    def __init__(self) -> None:
        self.requests: list[HttpRequest] = []
        self.closed = 0
        #: Names of requests -> what they are answered instead.
        self.answers: dict[str, HttpAnswer | Exception] = {}
        #: What comes over a stream.
        self.streamed: asyncio.Queue[bytes] = asyncio.Queue()

    async def send(self, request: HttpRequest) -> HttpAnswer:
        if request.on_turn is not None:
            request.on_turn()
        self.requests.append(request)
        await asyncio.sleep(0)
        answer = self.answers.get(request.name)
        if isinstance(answer, Exception):
            raise answer
        if answer is not None:
            return answer
        body = self._body(request.name).SerializeToString()
        return HttpAnswer(200, "OK", {"Content-Type": "application/x-protobuf"}, body)

    def _body(self, name: str) -> Any:
        match name:
            case "authenticate":
                return api_pb2.Session(
                    token=token_until(),
                    api_url="https://api.example",
                    ws_url="wss://sock.example",
                    user_id=BOT,
                )
            case "ListClanDescs":
                return api_pb2.ClanDescList(clandesc=[api_pb2.ClanDesc(clan_id=CLAN, clan_name="clan")])
            case "ListChannelDetail":
                return api_pb2.ChannelDescription(
                    clan_id=CLAN, channel_id=GENERAL, channel_label="general", type=1
                )
            case "ListChannelDescs":
                return api_pb2.ChannelDescList()
        raise AssertionError(f"nobody thought of {name}")

    def stream(self, request: HttpRequest) -> contextlib.AbstractAsyncContextManager[Any]:
        return self._stream(request)

    @contextlib.asynccontextmanager
    async def _stream(self, request: HttpRequest) -> AsyncIterator[Any]:
        self.requests.append(request)
        yield FakeStream(self.streamed)

    def hold(self, lane: HttpLane, seconds: float) -> None:
        pass

    async def close(self) -> None:
        self.closed += 1


class FakePorts:
    """All three."""

    def __init__(self) -> None:
        self.the_connection = FakeConnection()
        self.the_store = FakeStore()
        self.the_http = FakeHttp()

    def http(self) -> FakeHttp:
        return self.the_http

    def store(self) -> FakeStore:
        return self.the_store

    def connection(self, store: Any) -> FakeConnection:
        return self.the_connection


def client_on(ports: FakePorts, **options: Any) -> MezonClient:
    """A client on these ports, without tokens."""
    return MezonClient(BOT, "key", mmn_api_url=None, zk_api_url=None, ports=ports, **options)


async def turns(count: int = 10) -> None:
    """Let the loop turn."""
    for _ in range(count):
        await asyncio.sleep(0)
