"""The local gateway: the parts of a Mezon server put together, and the interface that tests use.

Each part does one job and can be created without a gateway:

============================  ==========================================================================
``state.ServerState``         settings, world, sessions, uploads, messages
``recorder.Recorder``         what the bot did; waiting for it; observers
``faults.FaultRules``         injected faults and stalls
``connection``                one connection; ``ConnectionRegistry`` delivers events to all of them
``calls.CallHandler``         answers envelopes and enforces limits (``limits.LimitEnforcer``)
``users.SimulatedUsers``      what users do
``interactions.Interactions`` what users do with buttons, select boxes and forms
``http``, ``websocket``,      the transports; ``tcp.PortMultiplexer`` serves all of them on one port
``tcp``
============================  ==========================================================================

``LocalGateway`` delegates to them.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Generic, Literal, Self, TypeVar, overload

from aiohttp import web

from mezon.options import GatewayOptions
from mezon.protobuf.api import api_pb2
from mezon.protobuf.rtapi import realtime_pb2
from mezon.testing.address import Address, Shape
from mezon.testing.agent_events import AgentEvents
from mezon.testing.blast import Blast, BlastResult, build_blast, send_blast
from mezon.testing.calls import CallHandler
from mezon.testing.connection import Connection, ConnectionRegistry
from mezon.testing.faults import FaultRules
from mezon.testing.frames import MIN_FRAME_LIMIT, Chunk
from mezon.testing.http import HttpServer
from mezon.testing.interactions import Interactions
from mezon.testing.limits import Limits, Meter
from mezon.testing.messages import CHAT
from mezon.testing.profiles import Client
from mezon.testing.recorder import Recorder, is_unmet_expectation
from mezon.testing.records import Connections, Handshake, Request, Sent, Tap, Upload
from mezon.testing.sessions import Sessions
from mezon.testing.state import API_KEY, MessageLike, ServerSettings, ServerState, UserLike
from mezon.testing.tcp import PortMultiplexer, TcpServer
from mezon.testing.tokens import Node, Transaction
from mezon.testing.users import SilenceExplainer, SimulatedUsers
from mezon.testing.webhooks import WebhookPost, Webhooks
from mezon.testing.websocket import WebSocketServer
from mezon.testing.wire import WireForm
from mezon.testing.world import BOT_ID, BOT_NAME, Channel, Clan, User, World
from mezon.utils.local_state import forget_state_file, use_state_file

__all__ = ["LocalGateway"]

__tracebackhide__ = is_unmet_expectation

_T = TypeVar("_T")
_C = TypeVar("_C", bound=Connection)


class _PartAttribute(Generic[_T]):
    """An attribute of a part that the gateway has under the same name."""

    def __init__(self, part: str) -> None:
        self._part = part

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, gateway: None, owner: type) -> Self: ...

    @overload
    def __get__(self, gateway: object, owner: type) -> _T: ...

    def __get__(self, gateway: object | None, owner: type) -> Self | _T:
        if gateway is None:
            return self
        value: _T = getattr(getattr(gateway, self._part), self._name)
        return value

    def __set__(self, gateway: object, value: _T) -> None:
        setattr(getattr(gateway, self._part), self._name, value)


class LocalGateway:
    """A Mezon server on a loopback port, for development and tests.

    ``async with LocalGateway() as gateway: ...`` or ``await gateway.start()`` and ``await gateway.aclose()``.

    Args:
        host: A loopback address.
        port: 0 for a free port, which is ``gateway.port`` after the start.
        tls: Serve https and wss with a temporary certificate. Clients must trust ``gateway.ca_file``.
        websocket: Serve the WebSocket. Both transports share the port. If one is off, its clients are refused (404
            for the WebSocket, a close without a response for TCP), but sessions still announce its URL.
        tcp: Serve abridged TCP.
        tcp_refusal: The response to an invalid token on TCP: ``http``, a 401 as text, or ``silent``, a close.
        frame_limit: Maximum size of a frame on TCP in bytes. A longer frame ends the connection.
        silence_limit: Seconds after which a silent socket is closed; None for never.
        wire: How the gateway splits and encodes its output, see ``WireForm``.
        limits: How much a bot may send, see ``Limits``. By default nothing is limited, and ``breaches`` records what
            the live service would have refused.
        strict: Enforce the limits of the live service, and refuse messages to channels that the bot has not joined.
        bot_id: The id of the bot that can log in (``add_bot`` adds more).
        api_key: The API key of the bot.
        bot_username: The username of the bot.
        world: The entities of the server. By default one clan, two channels and three users.
        require_join: Refuse messages to channels that the bot has not joined.
        joined_only: Deliver messages only to connections that have joined the clan or channel. By default every
            connection receives every message, so that a test need not wait for joins.
        echo_own_messages: Send a bot its own messages too, as the live service does.
        token_lifetime: Lifetime of a session token in seconds.
        chunk_size: Split raw API answers into chunks of this size in bytes.
        chunk_count: Split raw API answers into this number of chunks.
        max_records: Maximum length of ``sent`` and ``requests``; the oldest entries are dropped first.
        max_uploads: Maximum number of stored uploads.
        client: The client with which users click and fill in forms: ``web``, ``desktop``, ``ios`` or ``android``. It
            determines what they see and what arrives at the bot.

    Attributes:
        sent: Every envelope from the bot, as ``Sent``.
        requests: Every HTTP request, as ``Request``.
        uploads: Uploaded files by URL.
        connections: Counts of sockets: ``live``, ``total``, ``max_live``.
        handshakes: Every attempt to open a socket, as ``Handshake``.
        breaches: What the live service would have refused, one sentence each.
        live: The open connections; each has a ``transport``.
        taps: Observers of all traffic; see ``mezon.testing.records.Tap``.
        on_sent: Called for every envelope from the bot.
        on_made: Called when an envelope created a message: its ``message_id`` is known now.
        meter: ``meter.busiest_second`` is the largest number of frames that a bot sent within one second.
        world: Clans, channels, users, messages.
        mmn: The token node, its accounts and ``transactions``.
        agent_events: Server-sent events: ``await gateway.agent_events.send("room_started")``.
        webhooks: Webhooks of channels and clans: ``gateway.webhooks.channel_url("general")``.
        content_type: Content type of RPC responses; the live servers use several (docs/protocol.md, "RPC over HTTP").
        json_answers: Names of RPCs that answer as JSON over HTTP whatever the request accepts. The TypeScript SDK
            (2.8.53) requests protobuf but expects JSON from ``UpdateRole``, ``AddQuickMenuAccess`` and
            ``DeleteQuickMenuAccess``.
        session_fields: Fields that replace those of new sessions, such as ``{"ws_url": ...}``.
    """

    world: _PartAttribute[World] = _PartAttribute("state")
    sessions: _PartAttribute[Sessions] = _PartAttribute("state")
    uploads: _PartAttribute[dict[str, Upload]] = _PartAttribute("state")
    expected_uploads: _PartAttribute[dict[str, Upload]] = _PartAttribute("state")
    ephemerals: _PartAttribute[dict[int, api_pb2.ChannelMessage]] = _PartAttribute("state")

    websocket: _PartAttribute[bool] = _PartAttribute("settings")
    tcp: _PartAttribute[bool] = _PartAttribute("settings")
    tcp_refusal: _PartAttribute[Literal["http", "silent"]] = _PartAttribute("settings")
    frame_limit: _PartAttribute[int] = _PartAttribute("settings")
    silence_limit: _PartAttribute[float | None] = _PartAttribute("settings")
    wire: _PartAttribute[WireForm] = _PartAttribute("settings")
    limits: _PartAttribute[Limits] = _PartAttribute("settings")
    require_join: _PartAttribute[bool] = _PartAttribute("settings")
    joined_only: _PartAttribute[bool] = _PartAttribute("settings")
    echo_own_messages: _PartAttribute[bool] = _PartAttribute("settings")
    chunk_size: _PartAttribute[int | None] = _PartAttribute("settings")
    chunk_count: _PartAttribute[int | None] = _PartAttribute("settings")
    max_uploads: _PartAttribute[int] = _PartAttribute("settings")
    content_type: _PartAttribute[str] = _PartAttribute("settings")
    json_answers: _PartAttribute[set[str]] = _PartAttribute("settings")
    session_fields: _PartAttribute[dict[str, Any]] = _PartAttribute("settings")

    sent: _PartAttribute[list[Sent]] = _PartAttribute("recorder")
    untaken: _PartAttribute[list[Sent]] = _PartAttribute("recorder")
    requests: _PartAttribute[list[Request]] = _PartAttribute("recorder")
    handshakes: _PartAttribute[list[Handshake]] = _PartAttribute("recorder")
    breaches: _PartAttribute[list[str]] = _PartAttribute("recorder")
    connections: _PartAttribute[Connections] = _PartAttribute("recorder")
    max_records: _PartAttribute[int] = _PartAttribute("recorder")
    taps: _PartAttribute[list[Tap]] = _PartAttribute("recorder")
    on_sent: _PartAttribute[Callable[[Sent], None] | None] = _PartAttribute("recorder")
    on_made: _PartAttribute[Callable[[Sent], None] | None] = _PartAttribute("recorder")

    live: _PartAttribute[list[Connection]] = _PartAttribute("registry")
    client: _PartAttribute[Client] = _PartAttribute("interactions")
    meter: _PartAttribute[Meter] = _PartAttribute("calls")
    host: _PartAttribute[str] = _PartAttribute("address")
    port: _PartAttribute[int] = _PartAttribute("address")

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
        bot_username: str = BOT_NAME,
        world: World | None = None,
        require_join: bool = False,
        joined_only: bool = False,
        echo_own_messages: bool = True,
        token_lifetime: float = 3600.0,
        chunk_size: int | None = None,
        chunk_count: int | None = None,
        max_records: int = 100_000,
        max_uploads: int = 100,
        client: Client = "web",
    ) -> None:
        if frame_limit < MIN_FRAME_LIMIT:
            raise ValueError(f"frame_limit must be at least {MIN_FRAME_LIMIT} bytes, not {frame_limit}")
        if limits is None:
            limits = Limits.of_the_service() if strict else Limits()
        self.bot_id = bot_id
        self.api_key = api_key
        self.settings: ServerSettings = ServerSettings(
            websocket=websocket,
            tcp=tcp,
            tcp_refusal=tcp_refusal,
            frame_limit=frame_limit,
            silence_limit=silence_limit,
            wire=wire if wire is not None else WireForm(),
            limits=limits,
            require_join=require_join or strict,
            joined_only=joined_only,
            echo_own_messages=echo_own_messages,
            chunk_size=chunk_size,
            chunk_count=chunk_count,
            max_uploads=max_uploads,
        )
        self.address: Address = Address(host, port, tls=tls)
        self.state: ServerState = ServerState(
            world or World(User(bot_id, bot_username, bot_username.capitalize(), is_bot=True)),
            address=self.address,
            settings=self.settings,
            sessions=Sessions(lifetime=token_lifetime, accounts={bot_id: api_key}),
        )
        self.recorder: Recorder = Recorder(self.state.world, max_records)
        self.faults: FaultRules = FaultRules()
        self.registry: ConnectionRegistry = ConnectionRegistry(self.state, self.recorder, self.faults)
        self.calls: CallHandler = CallHandler(self.registry)
        self.users: SimulatedUsers = SimulatedUsers(self.registry)
        self.interactions: Interactions = Interactions(self.registry, client)
        self.mmn: Node = Node()
        self.agent_events: AgentEvents = AgentEvents(self.state.sessions, self.recorder.notify)
        self.webhooks: Webhooks = Webhooks(self.registry)
        self.websockets: WebSocketServer = WebSocketServer(self.registry, self.calls.handle)
        self._tcp = TcpServer(self.registry, self.calls.handle)
        self._http = HttpServer(
            self.registry,
            websockets=self.websockets,
            agent_events=self.agent_events,
            webhooks=self.webhooks,
            mmn=self.mmn,
        )
        self._runner: web.AppRunner | None = None
        self._site: PortMultiplexer | None = None
        #: Of the bots of ``running_bot``: they say why `command` gets no answer.
        self.explainers: list[SilenceExplainer] = []
        self._state_folder: tempfile.TemporaryDirectory[str] | None = None

    def __repr__(self) -> str:
        state = "running" if self._runner is not None else "stopped"
        return f"<{type(self).__name__} {self.url} {state}, {self.connections.live} connections>"

    # Starting and stopping

    async def start(self, *, port: int | None = None) -> Self:
        """Listen on ``port``. The default is the previous port, or the port of the constructor."""
        if self._runner is not None:
            raise RuntimeError("the gateway is already running")
        context = self.address.server_context()
        self.faults.bind()
        runner = web.AppRunner(self._http.application(), access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = PortMultiplexer(
            runner,
            self.address.host,
            self.address.port if port is None else port,
            tcp=self._tcp.protocol,
            silence_limit=self.settings.silence_limit,
            ssl_context=context,
        )
        try:
            await site.start()
        except BaseException:
            await runner.cleanup()
            raise
        self._runner, self._site = runner, site
        self.address.port = int(runner.addresses[0][1])
        use_state_file(self.url, self._make_state_file)
        return self

    async def stop(self) -> None:
        """Abort every connection and stop listening. The world, the records and the port are kept."""
        runner, self._runner = self._runner, None
        site, self._site = self._site, None
        if runner is None or site is None:
            return
        self.faults.resume()
        for connection in list(self.live):
            connection.abort()
        await self.agent_events.end_all(abort=True)
        await site.stop_accepting()
        await runner.cleanup()
        await self._tcp.stop()

    async def restart(self, *, downtime: float = 0.0) -> None:
        """Stop, wait for ``downtime`` seconds, and listen again on the same port."""
        await self.stop()
        if downtime:
            await asyncio.sleep(downtime)
        await self.start()

    async def aclose(self) -> None:
        """Stop, and delete the certificate and the stored records of bots."""
        await self.stop()
        self.address.remove_certificate()
        forget_state_file(self.url, self._make_state_file)
        folder, self._state_folder = self._state_folder, None
        if folder is not None:
            folder.cleanup()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *error: object) -> None:
        await self.aclose()

    # Addresses

    @property
    def tls(self) -> bool:
        """Whether the gateway serves https and wss."""
        return self.address.tls

    @property
    def url(self) -> str:
        """Base URL of the HTTP API, without a trailing slash."""
        return self.address.url

    @property
    def ws_url(self) -> str:
        """Base URL of the WebSocket."""
        return self.address.ws_url

    @property
    def tcp_url(self) -> str:
        """Host and port of abridged TCP, without a scheme, as the live service writes it."""
        return self.address.netloc

    @property
    def mmn_api_url(self) -> str:
        """URL of the token node."""
        return self.address.url + "/mmn-api/"

    @property
    def zk_api_url(self) -> str:
        """URL of the proof service."""
        return self.address.url + "/zk-api/"

    @property
    def ca_file(self) -> str | None:
        """Path of the CA certificate (PEM) that clients must trust; None without TLS and before the start."""
        return self.address.ca_file

    @property
    def announced_ws_url(self) -> str:
        """The WebSocket URL in new sessions."""
        return self.address.announced_ws_url

    @property
    def announced_tcp_url(self) -> str:
        """The URL of the TCP socket in new sessions."""
        return self.address.announced_tcp_url

    def announce(self, *, ws_url: Shape | None = None, tcp_url: Shape | None = None) -> None:
        """Set the form of the socket URLs in new sessions.

        ``url`` has a scheme, ``host:port`` has none. ``host`` is the form of the live service and implies port 443.
        ``none`` omits the URL. For anything else use ``session_fields``.

        Args:
            ws_url: The form of the WebSocket URL; initially ``url``.
            tcp_url: The form of the URL of abridged TCP; initially ``host:port``.
        """
        self.address.announce(ws_url=ws_url, tcp_url=tcp_url)

    def present_certificate(self, chain: Path) -> None:
        """Use this certificate (a PEM file with its key) for new connections. Requires a started gateway with TLS."""
        self.address.present_certificate(chain)

    @property
    def state_file(self) -> Path:
        """The file in which bots of this gateway keep their records by default; see ``mezon.ext.state``.

        ``aclose`` deletes it. Bots that are started again at the same gateway find their records, and bots of other
        gateways do not. ``Bot(state=...)`` takes precedence.
        """
        return self._make_state_file()

    def _make_state_file(self) -> Path:
        if self._state_folder is None:
            # On Windows, a file that a bot has not closed cannot be deleted.
            self._state_folder = tempfile.TemporaryDirectory(
                prefix="mezon-gateway-", ignore_cleanup_errors=True
            )
        return Path(self._state_folder.name) / "mezon-state.db"

    def client_options(self) -> dict[str, Any]:
        """Return the arguments for ``MezonClient(...)`` that connect a bot to this gateway.

        Messages are stored in memory, so that a test leaves no file behind, and HTTP calls are not spaced out, because
        this server has no rate limit.
        """
        options: dict[str, Any] = {
            "client_id": self.bot_id,
            "api_key": self.api_key,
            "host": self.host,
            "port": str(self.port),
            "use_ssl": self.tls,
            "mmn_api_url": self.mmn_api_url,
            "zk_api_url": self.zk_api_url,
            "agent_event_url": self.url,
            "message_db": ":memory:",
            "http_rate_period": 0.0,
        }
        if self.tls:
            options["gateway"] = GatewayOptions(ca_file=self.ca_file)
        return options

    def environment(self) -> dict[str, str]:
        """Return the environment variables that connect a bot's process to this gateway.

        These are the variables of the SDK, and MEZON_BOT_ID and MEZON_API_KEY.
        """
        return {
            "MEZON_BOT_ID": str(self.bot_id),
            "MEZON_API_KEY": self.api_key,
            "MEZON_HOST": self.host,
            "MEZON_PORT": str(self.port),
            "MEZON_USE_SSL": "true" if self.tls else "false",
            "MEZON_MMN_API_URL": self.mmn_api_url,
            "MEZON_ZK_API_URL": self.zk_api_url,
        }

    # Server state

    @property
    def transactions(self) -> list[Transaction]:
        """The accepted token transfers."""
        return self.mmn.transactions

    def add_bot(self, bot_id: int, api_key: str, username: str) -> User:
        """Allow another bot to log in. Every bot receives every broadcast."""
        return self.state.add_bot(bot_id, api_key, username)

    def new_session(self, bot_id: int) -> api_pb2.Session:
        """Create the response to a login."""
        return self.state.new_session(bot_id)

    def expire_tokens(self) -> None:
        """Invalidate every issued token: requests get a 401. Open sockets stay open."""
        self.state.sessions.expire_all()

    def accept_message(
        self, user_id: int, request: realtime_pb2.ChannelMessageSend, *, remember: bool = True
    ) -> tuple[realtime_pb2.ChannelMessageAck, api_pb2.ChannelMessage]:
        """Create the ack and the event of a message that a bot sends."""
        return self.state.accept_message(user_id, request, remember=remember)

    def apply_update(
        self,
        message: api_pb2.ChannelMessage,
        content: str,
        mentions: Iterable[api_pb2.MessageMention] = (),
        attachments: Iterable[api_pb2.MessageAttachment] = (),
        hide_edited: bool = False,
    ) -> None:
        """Change a message of the history without an event."""
        self.state.apply_update(message, content, mentions, attachments, hide_edited)

    def expect_upload(self, filename: str, filetype: str) -> str:
        """Return a URL that accepts one PUT of a file."""
        return self.state.expect_upload(filename, filetype)

    def add_cdn_file(
        self,
        channel: Channel | int | str,
        filename: str,
        body: bytes,
        filetype: str = "application/octet-stream",
    ) -> str:
        """Store a file of a channel as Mezon's CDN does. Return its URL.

        The URL answers 403 without the channel's signature, which ``GenerateCDNSignature`` returns to bots with access.
        """
        return self.state.add_cdn_file(self.world.channel(channel), filename, body, filetype)

    # Users

    async def say(
        self,
        channel: Channel | int | str,
        user: UserLike,
        content: str | Mapping[str, Any],
        *,
        mentions: Iterable[UserLike | api_pb2.MessageMention | Mapping[str, Any]] = (),
        reply_to: MessageLike | None = None,
        attachments: Iterable[str | api_pb2.MessageAttachment | Mapping[str, Any]] = (),
        topic_id: int = 0,
        code: int = CHAT,
        created: int = 0,
    ) -> int:
        """Send a message as a user. Every connected bot receives it. Return the message id.

        ```python
        await gateway.say("general", "alice", "hello @bob", mentions=["bob"])
        ```

        Args:
            channel: The channel, its id, or its name.
            user: The sender: the user, the id, or the username.
            content: Text, or the content object (``{"t": ..., "embed": [...]}``).
            mentions: Mentioned users. ``@username`` in the text determines the offsets.
            reply_to: The message that this one replies to.
            attachments: URLs or field mappings.
            topic_id: The topic of the message.
            code: The code of the event.
            created: Unix time of the message in seconds; 0 for now.

        Raises:
            LookupError: No such channel, user or message.
        """
        return await self.users.say(
            channel,
            user,
            content,
            mentions=mentions,
            reply_to=reply_to,
            attachments=attachments,
            topic_id=topic_id,
            code=code,
            created=created,
        )

    async def say_dm(self, user: UserLike, content: str | Mapping[str, Any], **options: Any) -> int:
        """Send a direct message to the bot as a user; options as for ``say``."""
        return await self.say(self.world.dm(user), user, content, **options)

    async def command(
        self,
        user: UserLike,
        text: str,
        *,
        channel: Channel | int | str | None = None,
        timeout: float = 5.0,
    ) -> Sent:
        """Send a message as a user and return the bot's answer, a message or an ephemeral one.

        Args:
            channel: The channel; the first one of the world by default.
            timeout: Seconds to wait for the answer.

        Raises:
            AssertionError: No answer arrived; the message lists what the bot did instead. If the bot runs by
                ``running_bot``, the message says why, such as a command that does not exist, and no time is lost when
                no code of the bot can answer.
        """
        return await self.users.command(
            user, text, channel=channel, timeout=timeout, explainers=self.explainers
        )

    async def edit(self, message: MessageLike, content: str | Mapping[str, Any]) -> None:
        """Change a message as its sender (an event with code 1)."""
        await self.users.edit(message, content)

    async def delete(self, message: MessageLike) -> None:
        """Delete a message (an event with code 2)."""
        await self.users.delete(message)

    async def remove(self, message: MessageLike) -> None:
        """Delete a message; the same as ``delete``."""
        await self.users.delete(message)

    async def react(
        self, message: MessageLike, user: UserLike, emoji: str, *, emoji_id: int = 1, remove: bool = False
    ) -> None:
        """Add a user's reaction to a message, or remove it."""
        await self.users.react(message, user, emoji, emoji_id=emoji_id, remove=remove)

    async def typing(self, channel: Channel | int | str, user: UserLike) -> None:
        """Show a user as typing."""
        await self.users.typing(channel, user)

    async def join(self, user: UserLike, place: Channel | Clan | int | str | None = None) -> None:
        """Add a user to a clan (the first one by default) or a channel. Bots receive an event."""
        await self.users.join(user, place)

    async def leave(self, user: UserLike, place: Channel | Clan | int | str | None = None) -> None:
        """Remove a user from a clan (the first one by default) or a channel. Bots receive an event."""
        await self.users.leave(user, place)

    async def give_role(self, user: UserLike, title: str, clan: Clan | int | str | None = None) -> None:
        """Give a user a role of a clan (the first one by default), which is created if necessary."""
        await self.users.give_role(user, title, clan)

    async def take_role(self, user: UserLike, title: str, clan: Clan | int | str | None = None) -> None:
        """Take a role of a clan (the first one by default) off a user. Bots receive an event."""
        await self.users.take_role(user, title, clan)

    # Buttons, select boxes and forms

    async def click(
        self,
        message: MessageLike,
        user_or_button: UserLike,
        button_id: str | int | None = None,
        *,
        user: UserLike | None = None,
        values: Mapping[str, Any] | None = None,
        extra_data: str | None = None,
        client: Client | None = None,
    ) -> None:
        """Click a button of a message as a user: ``click(sent, "yes")`` or ``click(sent, "alice", "yes")``.

        ```python
        from mezon import ButtonBuilder, ButtonMessageStyle

        row = ButtonBuilder().add_button("ok", "OK", ButtonMessageStyle.SUCCESS).build()
        await channel.send({"t": "Sure?", "components": [{"components": row}]})
        sent = await gateway.expect("Sure?")
        await gateway.click(sent, "OK", user="bob")
        ```

        Args:
            message: The envelope that created the message, or its id. An envelope must contain the button.
            user_or_button: The user if ``button_id`` is given, otherwise the button.
            button_id: The button's id, label, or index from 0.
            user: The user; the first person of the world by default.
            values: The filled-in fields by id: texts, numbers, dates, lists of options.
            extra_data: The raw text of the form, for anything that ``values`` cannot express.
            client: The user's client; that of the gateway by default.

        The event goes to the author of the message. It contains every value that the user has filled in so far, as the
        client keeps and writes them; see ``mezon.testing.profiles``.

        Raises:
            LookupError: There is no such message, button or field, or the client does not draw it.
            ValueError: A value is not an option of its field, or the button sends no click.
        """
        await self.interactions.click(
            message,
            user_or_button,
            button_id,
            user=user,
            values=values,
            extra_data=extra_data,
            client=client,
        )

    async def select(
        self,
        message: MessageLike,
        *choice: Any,
        user: UserLike | None = None,
        client: Client | None = None,
        dropdown: bool = False,
    ) -> None:
        """Choose in a select box of a message as a user.

        ``select(sent, "dish", "pho")``, ``select(sent, "dish", ["pho", "bun"], user="bob")``, or with the user
        before the box: ``select(sent, "bob", "dish", ["pho"])``.

        As with Mezon's clients, the bot receives a click whose ``button_id`` is the select box and whose ``extra_data``
        is the bare value, one for each added option. In an embed the value also becomes a part of the form, and ios
        sends no click.

        Args:
            client: The user's client; that of the gateway by default.
            dropdown: Send ``dropdown_box_selected`` with all values instead, as patched clients do.

        Raises:
            LookupError: There is no such message or select box, or the client does not draw it.
            ValueError: A value is not an option of the select box, or it takes one value only.
        """
        await self.interactions.select(message, *choice, user=user, client=client, dropdown=dropdown)

    async def deselect(
        self,
        message: MessageLike,
        box_id: str,
        value: str | None = None,
        *,
        user: UserLike | None = None,
        client: Client | None = None,
    ) -> None:
        """Remove a choice of a select box in an embed with its ✕, which only the web client has. Nothing is sent.

        The web client turns the value of a select box for one choice into the list of its letters:
        ``["p", "h", "o"]``. A later click contains it.

        Args:
            value: The option to remove; the last one by default.

        Raises:
            LookupError: There is no such message or select box, or nothing is chosen in it.
            ValueError: The client has no ✕.
        """
        await self.interactions.deselect(message, box_id, value, user=user, client=client)

    async def choose_menu(self, message: MessageLike, menu: str, *, user: UserLike | None = None) -> None:
        """Choose a quick menu of a bot on a message as a user.

        The bot that created the menu receives ``quick_menu_event``. If the menu is a flash message (type 1), the user
        sends its ``action_msg`` to the channel instead.

        Raises:
            LookupError: There is no such message, or its channel has no such menu.
        """
        await self.interactions.choose_menu(message, menu, user=user)

    async def submit(
        self,
        message: MessageLike,
        values: Mapping[str, Any] | None = None,
        *,
        button: str | int | None = None,
        user: UserLike | None = None,
        client: Client | None = None,
    ) -> None:
        """Fill in a form as a user and click its button. Each choice in a select box is also a click, except on ios.

        Args:
            values: The filled-in fields by id: texts, numbers, dates, lists of options.
            button: The button's id, label, or index from 0; required if there are several.
            user: The user; the first person of the world by default.
            client: The user's client; that of the gateway by default.

        Raises:
            LookupError: There is no such message, field or button, or the client does not draw it.
            ValueError: A value is not an option of its field, or the button sends no click.
        """
        await self.interactions.submit(message, values, button=button, user=user, client=client)

    async def fill(self, message: MessageLike, /, **values: Any) -> None:
        """Submit a form with the fields as keyword arguments: ``await gateway.fill(form, dish="pho")``."""
        await self.interactions.submit(message, values)

    # Waiting

    async def wait_until(
        self, condition: Callable[[], bool], *, timeout: float = 5.0, what: str = "the condition"
    ) -> None:
        """Wait until ``condition`` is true, re-checked at each recorded change.

        Raises:
            TimeoutError: The condition is not true after ``timeout`` seconds.
        """
        await self.recorder.wait_until(condition, timeout=timeout, what=what)

    async def wait_connected(self, n: int = 1, *, timeout: float = 5.0) -> None:
        """Wait until at least ``n`` sockets are open."""
        await self.recorder.wait_connected(n, timeout=timeout)

    async def wait_disconnected(self, *, timeout: float = 5.0) -> None:
        """Wait until no socket is open."""
        await self.recorder.wait_disconnected(timeout=timeout)

    async def wait_joined(self, clan_ids: Iterable[int] | None = None, *, timeout: float = 5.0) -> None:
        """Wait until an open connection has joined these clans (default: clan 0 and every clan of the world)."""
        await self.registry.wait_joined(clan_ids, timeout=timeout)

    async def next_sent(
        self, kind: str | None = None, *, timeout: float = 5.0, match: Callable[[Sent], bool] | None = None
    ) -> Sent:
        """Wait for the next envelope from the bot that no earlier call has returned.

        ```python
        await channel.send("hello")
        sent = await gateway.next_sent("message")
        assert sent.text == "hello"
        ```

        Args:
            kind: ``message``, ``ephemeral``, ``update``, ``delete``, ``reaction`` or ``typing``; an envelope field
                such as ``channel_message_send``; or an API name such as ``UpdateChannelMessage`` (updates and
                deletions are API calls). None: any kind except pings and joins.
            match: An additional condition.
        """
        return await self.recorder.next_sent(kind, timeout=timeout, match=match)

    async def next_webhook(self, *, timeout: float = 5.0) -> WebhookPost:
        """Wait for the next post to a webhook that no earlier call has returned.

        Raises:
            TimeoutError: If none arrives within ``timeout`` seconds.
        """
        return await self.webhooks.next(timeout=timeout)

    async def take_sent(self, fits: Callable[[Sent], bool], *, timeout: float, what: str) -> Sent:
        """Wait for the first envelope that fits and that no earlier call has returned. Raises TimeoutError."""
        return await self.recorder.take_sent(fits, timeout=timeout, what=what)

    async def expect(
        self,
        text: str | re.Pattern[str] | None = None,
        *,
        kind: str | None = None,
        channel: Channel | int | str | None = None,
        match: Callable[[Sent], bool] | None = None,
        since: float | None = None,
        timeout: float = 5.0,
    ) -> Sent:
        """Wait for the next envelope from the bot that fits and that no earlier call has returned.

        ```python
        await channel.send("hello")
        await gateway.expect("hello", channel="general")
        ```

        Args:
            text: The whole text, or a pattern to search for. None for any text.
            kind: As for ``next_sent``. None: a message or an ephemeral message.
            channel: The channel.
            match: An additional condition.
            since: Only envelopes that arrived at or after this ``time.monotonic()``.
            timeout: Seconds to wait.

        Raises:
            AssertionError: None arrived; the message lists what the bot did instead.
        """
        return await self.recorder.expect(
            text, kind=kind, channel=channel, match=match, since=since, timeout=timeout
        )

    async def expect_update(self, text: str | re.Pattern[str] | None = None, *, timeout: float = 5.0) -> Sent:
        """Wait until the bot updates a message. Raises AssertionError with what the bot did instead."""
        return await self.recorder.expect_update(text, timeout=timeout)

    async def expect_delete(self, message: Sent | int | None = None, *, timeout: float = 5.0) -> Sent:
        """Wait until the bot deletes this message, or any. Raises AssertionError with what the bot did instead."""
        return await self.recorder.expect_delete(message, timeout=timeout)

    async def expect_reaction(self, emoji: str | None = None, *, timeout: float = 5.0) -> Sent:
        """Wait until the bot reacts to a message. Raises AssertionError with what the bot did instead."""
        return await self.recorder.expect_reaction(emoji, timeout=timeout)

    async def expect_nothing(self, kind: str | None = None, *, seconds: float = 0.2) -> None:
        """Check that every envelope was returned by an earlier call, and that none arrives for ``seconds`` seconds.

        Args:
            kind: As for ``expect``; None for any kind except pings and joins.

        Raises:
            AssertionError: There is an envelope; the message lists it.
        """
        await self.recorder.expect_nothing(kind, seconds=seconds)

    def describe(self, sent: Sent) -> str:
        """Return a readable line about an envelope."""
        return self.recorder.describe(sent)

    def seen(self) -> str:
        """Return the latest records as text for an error message."""
        return self.recorder.seen()

    # Faults

    async def drop(self, *, reset: bool = False) -> int:
        """Abort every bot's connection without a close frame. With ``reset`` the bot receives a reset.

        Return the number of aborted connections.
        """
        return await self.registry.drop(reset=reset)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close every WebSocket with a close frame, such as 4006 (session expired). TCP connections just end."""
        await self.registry.close(code, reason)

    def stall(self) -> None:
        """Stop reading and writing on all sockets, including new ones, until ``resume()``. Pings are not answered.

        Output is held for ``resume()``. As with a server that hangs, the operating system accepts bytes until its
        buffers are full, and a connection that the bot closes ends.
        """
        self.faults.stall()

    def resume(self) -> None:
        """End ``stall()``."""
        self.faults.resume()
        self.registry.release()

    @property
    def stalled(self) -> bool:
        """Whether ``stall()`` is in effect."""
        return self.faults.stalled

    async def flowing(self) -> None:
        """Wait while the gateway is stalled."""
        await self.faults.flowing()

    def answer_with_error(
        self,
        kind: str,
        code: int,
        message: str = "refused by the test",
        *,
        times: int | None = 1,
        context: Mapping[str, str] | None = None,
        match: Callable[[Any], bool] | None = None,
    ) -> None:
        """Refuse the next ``times`` (None: all) socket calls of a kind. They have no effect.

        Args:
            kind: An envelope field, an API name, or ``"*"``.
            code: Error code of the envelope; for API calls the response code of the raw answer.
            message: Error message.
            context: Context of the error envelope.
            match: Refuse only calls whose payload (the protobuf message) fulfils this condition.
        """
        self.faults.answer_with_error(kind, code, message, times=times, context=context, match=match)

    def silence(
        self, kind: str, *, times: int | None = None, match: Callable[[Any], bool] | None = None
    ) -> None:
        """Ignore the next ``times`` (None: all) socket calls of a kind. They have no effect and get no answer."""
        self.faults.silence(kind, times=times, match=match)

    def delay(
        self,
        kind: str,
        seconds: float,
        *,
        times: int | None = None,
        match: Callable[[Any], bool] | None = None,
    ) -> None:
        """Delay the next ``times`` (None: all) socket calls of a kind. Later calls can overtake them."""
        self.faults.delay(kind, seconds, times=times, match=match)

    def http_status(
        self,
        target: str,
        status: int,
        *,
        times: int | None = 1,
        headers: Mapping[str, str] | None = None,
        body: bytes | str = b"",
    ) -> None:
        """Answer the next ``times`` (None: all) HTTP requests with this status, headers and body.

        Args:
            target: A path (``/v2/apps/authenticate/token``, ``/ws``), the name of an RPC (``ListClanDescs``),
                ``"rpc"`` for every RPC, or ``"*"``.
            status: The status of the response.
            headers: The headers of the response.
            body: The body of the response.
        """
        self.faults.http_status(target, status, times=times, headers=headers, body=body)

    def http_delay(self, target: str, seconds: float, *, times: int | None = None) -> None:
        """Delay HTTP requests; ``target`` as for ``http_status``."""
        self.faults.http_delay(target, seconds, times=times)

    def http_drop(self, target: str, *, times: int | None = 1) -> None:
        """Cut the connections of HTTP requests instead of answering; ``target`` as for ``http_status``."""
        self.faults.http_drop(target, times=times)

    def refuse_tcp(self, *, times: int | None = 1, status: int | None = None) -> None:
        """Refuse the next ``times`` (None: all) TCP connections.

        Args:
            status: HTTP status of the refusal, sent as text. None closes without a response, as the live service does.
        """
        self.faults.refuse_tcp(times=times, status=status)

    def clear_faults(self) -> None:
        """Remove every fault rule and end a stall."""
        self.faults.clear()
        self.resume()

    # Sending events

    async def push(self, envelope: realtime_pb2.Envelope | None = None, **field: Any) -> int:
        """Send an envelope, or an event by name (``push(channel_message=...)``), to every connection.

        Return how many connections received it.
        """
        return await self.registry.push(envelope, **field)

    async def push_raw(self, data: bytes, *, fragments: int = 1) -> int:
        """Send bytes as one message; on the WebSocket split into ``fragments`` frames."""
        return await self.registry.push_raw(data, fragments=fragments)

    async def push_chunks(self, chunks: Iterable[Chunk]) -> int:
        """Send chunks of a raw API answer (see ``mezon.testing.frames.raw_answer``)."""
        return await self.registry.push_chunks(chunks)

    async def push_text(self, text: str) -> int:
        """Send a WebSocket text message."""
        return await self.registry.push_text(text)

    async def push_wire(self, data: bytes) -> int:
        """Write raw bytes to the TCP connections: invalid frames, partial frames, anything."""
        return await self.registry.push_wire(data)

    def broadcast(self, **field: Any) -> int:
        """Send an event to the connections that should receive it. Return how many received it."""
        return self.registry.broadcast(**field)

    def broadcast_change(self, message: api_pb2.ChannelMessage, code: int) -> None:
        """Announce that a message was updated (code 1) or removed (2), after the answer to the current call."""
        self.registry.broadcast_change(message, code)

    # Bursts

    def prepare_blast(self, n: int, **options: Any) -> Blast:
        """Build the frames of a burst without sending them; options as for ``build_blast``."""
        return build_blast(self.world, n, **options)

    async def blast(
        self, burst: int | Blast, *, progress: Callable[[int], None] | None = None, **options: Any
    ) -> BlastResult:
        """Send N prepared messages to every connection as fast as the sockets accept them.

        Args:
            burst: The number of messages, or the result of ``prepare_blast``, which can be sent repeatedly.
            progress: Called regularly with the number of messages written so far.
            options: For ``build_blast``: ``seed``, ``channels``, ``senders``, ``mix``.

        Returns:
            The number of messages and bytes, the duration, and whether every connection is still open.
        """
        prepared = self.prepare_blast(burst, **options) if isinstance(burst, int) else burst
        return await send_blast(self.registry, prepared, progress)

    # Extension points for other transports

    def joined(self) -> list[set[int]]:
        """Return the clans that each open connection has joined."""
        return self.registry.joined()

    def admit(self, connection: _C) -> AbstractContextManager[_C]:
        """Register a connection for the duration of a ``with`` block."""
        return self.registry.admit(connection)

    def notify(self) -> None:
        """Make waiting calls re-check their conditions."""
        self.recorder.notify()

    def record_sent(self, sent: Sent) -> None:
        """Record an envelope from a bot."""
        self.recorder.record_sent(sent)

    def record_made(self, sent: Sent, message_id: int) -> None:
        """Record the id of the message that an envelope created."""
        self.recorder.record_made(sent, message_id)

    def record_handshake(self, handshake: Handshake) -> None:
        """Record an attempt to open a socket."""
        self.recorder.record_handshake(handshake)

    def record_breach(self, text: str) -> None:
        """Record what the live service would have refused."""
        self.recorder.record_breach(text)
