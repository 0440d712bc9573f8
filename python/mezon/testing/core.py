"""The gateway's state and life: starting, stopping, waiting, telling the connections."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar
from urllib.parse import quote

from aiohttp import web
from google.protobuf import wrappers_pb2

from mezon.protobuf.api import api_pb2
from mezon.protobuf.rtapi import realtime_pb2
from mezon.testing.abridged import LEAST_FRAME_LIMIT
from mezon.testing.address import API_KEY, BOT_ID, Addressed
from mezon.testing.agent_events import AgentEvents
from mezon.testing.connection import Connection
from mezon.testing.entrance import Entrance
from mezon.testing.faults import FaultBook
from mezon.testing.http import HttpSide
from mezon.testing.limits import Limits
from mezon.testing.messages import message_from_send
from mezon.testing.records import Upload
from mezon.testing.sessions import Sessions
from mezon.testing.tcp import TcpSide
from mezon.testing.tokens import Node, Transaction
from mezon.testing.webhooks import Webhooks
from mezon.testing.websocket import WebSocketSide
from mezon.testing.wire import WireForm
from mezon.testing.world import DM, GROUP, User, World

if TYPE_CHECKING:
    pass

__all__ = ["GatewayCore"]


_EPHEMERALS = 1000


_C = TypeVar("_C", bound=Connection)


class GatewayCore(Addressed):
    """What ``mezon.testing.LocalGateway`` stands on; see there."""

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: bool = False,
        websocket: bool = True,
        tcp: bool = True,
        tcp_refusal: Literal["http", "silent"] = "http",
        frame_limit: int = 64 * 1024 * 1024,
        silence_limit: float | None = 60.0,
        wire: WireForm | None = None,
        limits: Limits | None = None,
        strict: bool = False,
        bot_id: int = BOT_ID,
        api_key: str = API_KEY,
        bot_username: str = "echo",
        world: World | None = None,
        require_join: bool = False,
        joined_only: bool = False,
        echo_own_messages: bool = True,
        token_lifetime: float = 3600.0,
        chunk_size: int | None = None,
        chunk_count: int | None = None,
        max_records: int = 100_000,
        max_uploads: int = 100,
    ) -> None:
        if frame_limit < LEAST_FRAME_LIMIT:
            raise ValueError(f"frame_limit is at least {LEAST_FRAME_LIMIT} bytes, not {frame_limit}")
        bot = User(bot_id, bot_username, bot_username.capitalize(), is_bot=True)
        super().__init__(
            world or World(bot), max_records, host=host, port=port, tls=tls, bot_id=bot_id, api_key=api_key
        )
        self.websocket = websocket
        self.tcp = tcp
        self.tcp_refusal = tcp_refusal
        self.frame_limit = frame_limit
        self.silence_limit = silence_limit
        self.wire: WireForm = wire if wire is not None else WireForm()
        if limits is None:
            limits = Limits.of_the_service() if strict else Limits()
        self.limits = limits
        self.require_join: bool = require_join or strict
        self.joined_only = joined_only
        self.echo_own_messages = echo_own_messages
        self.chunk_size = chunk_size
        self.chunk_count = chunk_count
        self.max_uploads = max_uploads
        self.content_type = "application/proto"
        self.json_answers: set[str] = set()
        """Names of RPCs that answer as JSON over HTTP whatever the request says it takes."""
        """Content type of RPC answers; the live servers use several (docs/protocol.md, "RPC over HTTP")."""
        self.session_fields: dict[str, Any] = {}
        """Fields that replace those of the next sessions, such as ``ws_url``, ``api_url`` or ``token``."""

        self.uploads: dict[str, Upload] = {}
        self.ephemerals: dict[int, api_pb2.ChannelMessage] = {}
        """Ephemeral messages by id, so that they can be clicked; the last thousand."""
        self.faults: FaultBook = FaultBook()
        self.sessions: Sessions = Sessions(lifetime=token_lifetime, accounts={bot_id: api_key})
        self.mmn: Node = Node()
        self.agent_events: AgentEvents = AgentEvents(self)
        self.webhooks: Webhooks = Webhooks(self)
        self.live: list[Connection] = []
        self.websockets: WebSocketSide = WebSocketSide(self)
        self.joined: Callable[[], Iterable[set[int]]] = lambda: [connection.clans for connection in self.live]
        self.expected_uploads: dict[str, Upload] = {}
        self._http = HttpSide(self)
        self._tcp = TcpSide(self)
        self._upload_keys = itertools.count(1)
        self._flow: asyncio.Event | None = None
        self._runner: web.AppRunner | None = None

    def __repr__(self) -> str:
        state = "running" if self._runner is not None else "stopped"
        return f"<{type(self).__name__} {self.url} {state}, {self.connections.live} connections>"

    @property
    def transactions(self) -> list[Transaction]:
        """The accepted token transfers."""
        return self.mmn.transactions

    def present_certificate(self, chain: Path) -> None:
        """Show this certificate (a PEM file with its key) from the next connection on. Only with TLS, when started."""
        if self._certificate is None:
            raise RuntimeError("a certificate belongs to LocalGateway(tls=True) that was started")
        self._certificate.context.load_cert_chain(chain)

    # Life

    async def start(self, *, port: int | None = None) -> Self:
        """Listen: on ``port``, else where it listened before, else where the constructor said."""
        if self._runner is not None:
            raise RuntimeError("the gateway is running already")
        if self._tls and self._certificate is None:
            from mezon.testing.tls import LocalCertificate

            self._certificate = LocalCertificate(self.host)
        self._flow = asyncio.Event()
        self._flow.set()
        runner = web.AppRunner(self._http.application(), access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        context = self._certificate.context if self._certificate is not None else None
        site = Entrance(
            runner,
            self.host,
            self.port if port is None else port,
            tcp=self._tcp.protocol,
            silence_limit=self.silence_limit,
            ssl_context=context,
        )
        try:
            await site.start()
        except BaseException:
            await runner.cleanup()
            raise
        self._runner = runner
        self.port: int = int(runner.addresses[0][1])
        return self

    async def stop(self) -> None:
        """Cut every connection and stop listening. The world, the records and the port stay."""
        runner, self._runner = self._runner, None
        if runner is None:
            return
        if self._flow is not None:
            self._flow.set()
        for connection in list(self.live):
            connection.abort()
        await self.agent_events.end_all(abort=True)
        await self._accept_no_more(runner)
        await runner.cleanup()
        await self._tcp.stop()

    async def _accept_no_more(self, runner: web.AppRunner) -> None:
        """Let what is being accepted come to life, so that the cleanup ends it.

        asyncio leaves the socket of a connection open that is accepted in the turn its listener is closed.
        """
        loop = asyncio.get_running_loop()
        for site in runner.sites:
            # aiohttp has no public name for it.
            server = getattr(site, "_server", None)
            for listener in server.sockets if server is not None else ():
                with contextlib.suppress(NotImplementedError):  # a loop that watches no descriptors
                    loop.remove_reader(listener.fileno())
        for _ in range(3):
            await asyncio.sleep(0)

    async def restart(self, *, downtime: float = 0.0) -> None:
        """Stop and, after ``downtime`` seconds, listen again on the same port."""
        await self.stop()
        if downtime:
            await asyncio.sleep(downtime)
        await self.start()

    async def aclose(self) -> None:
        """Stop for good and remove the certificate."""
        await self.stop()
        certificate, self._certificate = self._certificate, None
        if certificate is not None:
            certificate.remove()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *error: object) -> None:
        await self.aclose()

    # Bots

    def add_bot(self, bot_id: int, api_key: str, username: str) -> User:
        """Let another bot in. Every bot gets every broadcast."""
        self.sessions.accounts[bot_id] = api_key
        return self.world.add_user(username, id=bot_id, display_name=username.capitalize(), is_bot=True)

    def new_session(self, bot_id: int) -> api_pb2.Session:
        """Make the answer to a login."""
        fields: dict[str, Any] = {
            "created": False,
            "token": self.sessions.issue(bot_id),
            "refresh_token": self.sessions.issue(bot_id, use="refresh"),
            "id_token": self.sessions.issue(bot_id, use="id"),
            "user_id": bot_id,
            "api_url": self.url,
            "ws_url": self.announced_ws_url,
            "session_id": self.sessions.issue_session_id(bot_id),
            "tcp_url": self.announced_tcp_url,
            **self.session_fields,
        }
        return api_pb2.Session(**fields)

    # Connections

    @contextlib.contextmanager
    def admit(self, connection: _C) -> Iterator[_C]:
        """Count a connection in, and out at its end."""
        counts = self.connections
        counts.total += 1
        connection.number = counts.total
        self.live.append(connection)
        counts.live = len(self.live)
        counts.max_live = max(counts.max_live, counts.live)
        self._live_changed()
        try:
            yield connection
        finally:
            connection.end()
            self.live.remove(connection)
            counts.live = len(self.live)
            self._live_changed()

    def _live_changed(self) -> None:
        self.notify()
        for tap in self.taps:
            tap.connected(len(self.live))

    # Waiting

    @property
    def stalled(self) -> bool:
        """Whether ``stall()`` is in force."""
        return self._flow is not None and not self._flow.is_set()

    async def flowing(self) -> None:
        """Return when the gateway is not stalled."""
        if self._flow is not None:
            await self._flow.wait()

    # Telling

    def broadcast(self, **field: Any) -> int:
        """Send an event to every connection that should have it; return to how many."""
        ((kind, message),) = field.items()
        envelope = realtime_pb2.Envelope(**field)
        data = envelope.SerializeToString()
        for tap in self.taps:
            tap.told(envelope)
        reached = 0
        for connection in self.live:
            if kind == "channel_message" and not self._should_hear(connection, message):
                continue
            connection.push(data)
            connection.tell_taps(envelope, len(data))
            reached += connection.is_open
        return reached

    def _should_hear(self, connection: Connection, message: api_pb2.ChannelMessage) -> bool:
        if message.sender_id == connection.user_id and not self.echo_own_messages:
            return False
        if not self.joined_only:
            return True
        if message.channel_id in connection.channels:
            return True
        channel = self.world.channels.get(message.channel_id)
        if channel is None or channel.clan_id not in connection.clans:
            return False
        # Direct conversations come with clan 0, private channels have to be joined themselves.
        return not channel.private or channel.type in (DM, GROUP)

    def broadcast_change(self, message: api_pb2.ChannelMessage, code: int) -> None:
        """Tell that a message was updated (1) or removed (2), after the answer that is being made now."""
        event = api_pb2.ChannelMessage()
        event.CopyFrom(message)
        event.code = code
        asyncio.get_running_loop().call_soon(lambda: self.broadcast(channel_message=event))

    def apply_update(
        self,
        message: api_pb2.ChannelMessage,
        content: str,
        mentions: Iterable[api_pb2.MessageMention] = (),
        attachments: Iterable[api_pb2.MessageAttachment] = (),
        hide_edited: bool = False,
    ) -> None:
        """Change a message of the history."""
        message.content = content
        message.mentions = api_pb2.MessageMentionList(mentions=mentions).SerializeToString()
        message.attachments = api_pb2.MessageAttachmentList(attachments=attachments).SerializeToString()
        message.hide_editted = hide_edited
        message.update_time_seconds = int(time.time())

    def accept_message(
        self, user_id: int, request: realtime_pb2.ChannelMessageSend, *, remember: bool = True
    ) -> tuple[realtime_pb2.ChannelMessageAck, api_pb2.ChannelMessage]:
        """Make the ack and the event of a message a bot sends."""
        world = self.world
        channel, sender = world.channels[request.channel_id], world.users[user_id]
        message = message_from_send(world, channel, sender, request, message_id=world.next_message_id())
        if remember:
            world.remember(message)
        else:
            while len(self.ephemerals) >= _EPHEMERALS:
                del self.ephemerals[next(iter(self.ephemerals))]
            self.ephemerals[message.message_id] = message
        ack = realtime_pb2.ChannelMessageAck(
            channel_id=channel.id,
            message_id=message.message_id,
            code=message.code,
            username=sender.username,
            create_time_seconds=message.create_time_seconds,
            update_time_seconds=message.update_time_seconds,
            persistent=wrappers_pb2.BoolValue(value=remember),
            clan_logo=message.clan_logo,
            category_name=channel.category_name,
        )
        return ack, message

    def expect_upload(self, filename: str, filetype: str) -> str:
        """Make a URL somebody may PUT a file to, once."""
        key = f"{next(self._upload_keys):x}"
        url = f"{self.url}/upload/{key}/{quote(filename, safe='')}"
        while len(self.expected_uploads) >= self.max_uploads:
            del self.expected_uploads[next(iter(self.expected_uploads))]
        self.expected_uploads[key] = Upload(filename, filetype, url, b"")
        return url
