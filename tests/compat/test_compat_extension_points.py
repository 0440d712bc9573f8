"""Code of a bot in the places where mezon-sdk calls it (docs/contract.md, "Extension points")."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import AsyncMock

import aiohttp
import pytest
from mezon import ChannelMessageContent, MezonClient
from mezon.api.mezon_api import MezonApi
from mezon.api.utils import build_url, parse_url_components
from mezon.managers.channel import ChannelManager
from mezon.managers.event import EventManager
from mezon.managers.session import SessionManager
from mezon.managers.socket import SocketManager
from mezon.messages import MessageDB
from mezon.models import ChannelMessage
from mezon.protobuf.api import api_pb2
from mezon.socket import Socket, WebSocketAdapter, WebSocketAdapterPb
from mezon.structures.message import Message
from peer import REFERENCE, Gateway, Inbox
from waiting import until

TYPING = "message_typing_event"


# ---- managers that a bot makes


class OwnManagers(MezonClient):
    """Makes its managers itself, as bots do that cannot use the login of mezon-sdk."""

    socket_manager_class = SocketManager

    async def initialize_managers(self, sock_session: Any) -> None:
        parts = parse_url_components(sock_session.api_url, use_ssl=self.use_ssl)
        self.api_client = self.make_api(build_url(parts["scheme"], parts["hostname"], parts["port"]))
        if not hasattr(self, "socket_manager"):
            self.socket_manager = self.make_socket_manager(sock_session)
        else:
            self.socket_manager.api_client = self.api_client
        self.session_manager = SessionManager(api_client=self.api_client, session=sock_session)
        self.channel_manager = ChannelManager(
            api_client=self.api_client,
            socket_manager=self.socket_manager,
            session_manager=self.session_manager,
        )
        await self.socket_manager.connect(sock_session)
        await asyncio.gather(
            self.socket_manager.connect_socket(sock_session.token),
            self.channel_manager.init_all_dm_channels(sock_session.token),
        )

    def make_api(self, base_url: str) -> MezonApi:
        return MezonApi(self.client_id, self.api_key, base_url, self.timeout_ms, rate_limit=1000)

    def make_socket_manager(self, session: Any) -> SocketManager:
        return self.socket_manager_class(
            ws_url=session.ws_url.partition("://")[2],
            use_ssl=self.use_ssl,
            api_client=self.api_client,
            event_manager=self.event_manager,
            mezon_client=self,
            message_db=self.message_db,
        )


class OwnLogin(OwnManagers):
    """Has a login of its own as well, which leaves the token services out."""

    async def login(self, enable_auto_reconnect: bool = True) -> None:
        session = await self.get_session()
        await self.initialize_managers(session)
        self._enable_auto_reconnect = enable_auto_reconnect
        self._is_hard_disconnect = False
        self._reconnect_task = None
        if enable_auto_reconnect:
            self._setup_reconnect_handlers()


# The login of mezon-sdk itself needs token clients, which an initialize_managers of one's own leaves out.
@pytest.mark.parametrize("kind", [OwnLogin] if REFERENCE else [OwnManagers, OwnLogin])
async def test_managers_made_by_a_subclass(
    gateway: Gateway, make_client: Callable[..., Any], kind: type[MezonClient]
) -> None:
    """A subclass that makes its own managers hears events, and the SDK's effects come first."""
    client, inbox = make_client(kind=kind), Inbox()
    assert not hasattr(client, "socket_manager")

    def heard(message: Any) -> None:
        channel, user = client.channels.get(message.channel_id), client.users.get(message.sender_id)
        inbox((message.content, channel is not None, user is not None))

    client.on_channel_message(heard)
    await client.login()
    await gateway.call("wait_joined")
    await gateway.say("general", "alice", "hi")
    content, *known = await inbox.next()
    assert content == {"t": "hi"}
    # mezon-sdk itself has no effects in a subclass.
    assert REFERENCE or known == [True, True]
    assert await gateway.clan_id() in [clan.id for clan in client.clans.values()]
    channel = await client.channels.fetch(await gateway.channel_id("general"))
    await channel.send(ChannelMessageContent(t="hello"))
    assert (await gateway.next_sent("channel_message_send")).text == "hello"


async def test_a_subclass_with_its_own_managers_comes_back(
    gateway: Gateway, make_client: Callable[..., Any]
) -> None:
    """A login of a bot's own that calls _setup_reconnect_handlers() gets a lost connection back."""
    client, inbox = make_client(kind=OwnLogin), Inbox()
    client.on_channel_message(inbox)
    await client.login()
    await gateway.call("wait_joined")
    await gateway.call("drop")

    async def again() -> bool:
        return (await gateway.call("connections"))["total"] == 2

    await until(again)
    await gateway.call("wait_joined")
    await gateway.say("general", "alice", "again")
    assert (await inbox.next()).content == {"t": "again"}


async def test_a_login_of_its_own_without_reconnect(
    gateway: Gateway, make_client: Callable[..., Any]
) -> None:
    """A login of a bot's own that sets _enable_auto_reconnect to False: a lost connection stays lost."""
    client = make_client(kind=OwnLogin)
    await client.login(enable_auto_reconnect=False)
    await gateway.call("drop")

    async def lost() -> bool:
        return not await client.socket_manager.is_connected()

    await until(lost)
    if not REFERENCE:
        await until(lambda: client.state == "closed")
    assert (await gateway.call("connections"))["total"] == 1


# ---- the API client

RPCS = {"ListClanDescs", "ListChannelDescs", "ListChannelDetail"}


class PacedApi(MezonApi):
    """Counts every call, as bots do that pace, log or sign them."""

    calls: ClassVar[list[str]] = []

    async def call_api(self, *args: Any, **kwargs: Any) -> Any:
        self.calls.append(kwargs["url_path"].rpartition("/")[2])
        kwargs["headers"] = {**kwargs["headers"], "X-Signed": "yes"}
        return await super().call_api(*args, **kwargs)


class PacedBot(OwnLogin):
    """Makes its managers itself, with an API client of its own."""

    def make_api(self, base_url: str) -> MezonApi:
        return PacedApi(self.client_id, self.api_key, base_url, self.timeout_ms, rate_limit=1000)


async def test_an_overridden_call_api(gateway: Gateway, make_client: Callable[..., Any]) -> None:
    """MezonApi.call_api, overridden in a subclass, sees every RPC, and may change what is sent."""
    PacedApi.calls.clear()
    client = make_client(kind=PacedBot)
    await client.login()
    await client.channels.fetch(await gateway.channel_id("general"))
    assert set(PacedApi.calls) == RPCS
    for name in RPCS:
        for request in await gateway.requests(name):
            assert {key.lower(): value for key, value in request["headers"].items()}["x-signed"] == "yes"


async def test_a_replaced_call_api(gateway: Gateway, client: Any) -> None:
    """A function set as api_client.call_api sees every RPC; what it gives is the answer."""
    description = api_pb2.ChannelDescription(channel_id=77, channel_label="made up")
    seen: list[dict[str, Any]] = []

    async def call_api(**call: Any) -> Any:
        seen.append(call)
        return description

    client.api_client.call_api = call_api
    session = client.session_manager.get_session()
    detail = await client.api_client.get_channel_detail(session.token, 77)
    assert (detail.channel_id, detail.channel_label) == (77, "made up")
    (call,) = seen
    assert call["method"] == "POST"
    assert call["url_path"] == "/mezon.api.Mezon/ListChannelDetail"
    assert call["response_proto_class"] is api_pb2.ChannelDescription
    assert api_pb2.ListChannelDetailRequest.FromString(call["body"]).channel_id == 77
    assert await gateway.requests("ListChannelDetail") == []


async def test_a_call_api_patched_on_the_class(
    gateway: Gateway, make_client: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """MezonApi.call_api, wrapped on the class, sees the login and every RPC."""
    original, seen = MezonApi.call_api, []

    @functools.wraps(original)
    async def call_api(self: Any, *args: Any, **kwargs: Any) -> Any:
        seen.append(kwargs["url_path"])
        return await original(self, *args, **kwargs)

    monkeypatch.setattr(MezonApi, "call_api", call_api)
    client = make_client()
    await client.login()
    assert seen[0] == "/v2/apps/authenticate/token"
    assert {path.rpartition("/")[2] for path in seen[1:]} == {"ListClanDescs", "ListChannelDescs"}


# ---- event managers


class Recording(EventManager):
    """Notes what is emitted."""

    def __init__(self) -> None:
        super().__init__()
        self.emitted: list[str] = []

    async def emit(self, event_name: Any, *args: Any, **kwargs: Any) -> None:
        self.emitted.append(str(event_name))
        await super().emit(event_name, *args, **kwargs)


class Foreign:
    """An event manager of a bot's own, from nothing."""

    def __init__(self) -> None:
        self.handlers: list[tuple[str, Callable[..., Any]]] = []

    def on(self, event_name: Any, handler: Callable[..., Any]) -> None:
        self.handlers.append((event_name, handler))

    async def emit(self, event_name: Any, *args: Any, **kwargs: Any) -> None:
        for name, handler in self.handlers:
            if name == event_name:
                outcome = handler(*args, **kwargs)
                if inspect.isawaitable(outcome):
                    await outcome


async def heard(gateway: Gateway, inbox: Inbox) -> None:
    await gateway.say("general", "alice", "hi")
    assert (await inbox.next()).content == {"t": "hi"}


@pytest.mark.parametrize("kind", [EventManager, Recording, Foreign])
async def test_another_event_manager(
    gateway: Gateway, make_client: Callable[..., Any], kind: type[Any]
) -> None:
    """client.event_manager = ... before the login: its handlers get the events."""
    client, inbox = make_client(), Inbox()
    client.event_manager = kind()
    client.on_channel_message(inbox)
    await client.login()
    await heard(gateway, inbox)


@pytest.mark.parametrize("kind", [EventManager, Recording, Foreign])
async def test_another_event_manager_after_the_login(gateway: Gateway, client: Any, kind: type[Any]) -> None:
    """client.event_manager = ... after the login: its handlers get the events from then on, and no others do."""
    inbox, gone = Inbox(), Inbox()
    client.on_channel_message(gone)
    client.event_manager = kind()
    client.on_channel_message(inbox)
    await heard(gateway, inbox)
    assert gone.empty


async def test_an_overridden_emit_sees_every_event(gateway: Gateway, make_client: Callable[..., Any]) -> None:
    """An emit that is overridden in a subclass is called for each event, also for those nobody listens to."""
    client, inbox = make_client(), Inbox()
    client.event_manager = events = Recording()
    client.on(TYPING, inbox)
    await client.login()
    await gateway.push(role_event={"user_id": 1})
    await gateway.push(message_typing_event={"channel_id": 1})
    await inbox.next()
    assert [name for name in events.emitted if name in ("role_event", TYPING)] == ["role_event", TYPING]


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_wrapped_emit(gateway: Gateway, make_client: Callable[..., Any], when: str) -> None:
    """A function set as event_manager.emit, before or after the login, is called for each event."""
    client, inbox = make_client(), Inbox()
    emitted: list[tuple[str, Any]] = []
    original = client.event_manager.emit

    @functools.wraps(original)
    async def emit(event_name: str, *args: Any, **kwargs: Any) -> None:
        emitted.append((event_name, args[0] if args else None))
        await original(event_name, *args, **kwargs)

    client.on(TYPING, inbox)
    if when == "before":
        client.event_manager.emit = emit
    await client.login()
    if when == "after":
        client.event_manager.emit = emit
    await gateway.push(message_typing_event={"channel_id": 7})
    assert (await inbox.next()).channel_id == 7
    assert [event.channel_id for name, event in emitted if name == TYPING] == [7]
    del client.event_manager.emit
    await gateway.push(message_typing_event={"channel_id": 8})
    assert (await inbox.next()).channel_id == 8
    assert len([name for name, _ in emitted if name == TYPING]) == 1


async def test_an_emit_that_keeps_an_event_back(gateway: Gateway, make_client: Callable[..., Any]) -> None:
    """An emit of a bot's own may keep an event from the handlers."""

    class Quiet(EventManager):
        async def emit(self, event_name: Any, *args: Any, **kwargs: Any) -> None:
            if event_name != TYPING:
                await super().emit(event_name, *args, **kwargs)

    client, inbox, gone = make_client(), Inbox(), Inbox()
    client.event_manager = Quiet()
    client.on(TYPING, gone)
    client.on("role_event", inbox)
    await client.login()
    await gateway.push(message_typing_event={"channel_id": 7})
    await gateway.push(role_event={"user_id": 1})
    await inbox.next()
    assert gone.empty


# ---- message stores


class Kept(MessageDB):
    """A store that looks at every message, and keeps it as ever."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.saved: list[dict[str, Any]] = []

    async def save_message(self, message: Any) -> None:
        self.saved.append(message)
        await super().save_message(message)


class Minimal:
    """A store of a bot's own, with what mezon-sdk calls and no more."""

    def __init__(self) -> None:
        self.saved: list[dict[str, Any]] = []
        self.closed = 0

    async def save_message(self, message: dict[str, Any]) -> None:
        self.saved.append(message)

    async def get_message_by_id(self, message_id: int, channel_id: int) -> ChannelMessage | None:
        for row in self.saved:
            if (row["message_id"], row["channel_id"]) == (message_id, channel_id):
                names = {"id": message_id, "msg_references": row["references"], "topic_id": 0}
                return ChannelMessage.from_db_dict({**row, **names})
        return None

    async def close(self) -> None:
        self.closed += 1


@pytest.mark.parametrize("kind", [Kept, Minimal])
async def test_a_store_of_its_own(
    gateway: Gateway, make_client: Callable[..., Any], tmp_path: Path, kind: type[Any]
) -> None:
    """save_message of a MessageDB subclass, or of a store of a bot's own, gets each message as a dict, before its
    handlers start; what is not in memory is looked up there."""
    client, inbox = make_client(), Inbox()
    store = client.message_db = Kept(str(tmp_path / "own.db")) if kind is Kept else Minimal()

    def heard(message: Any) -> None:
        inbox((message, [row["message_id"] for row in store.saved]))

    client.on_channel_message(heard)
    await client.login()
    assert client.message_db is store
    await gateway.say("general", "alice", "hi")
    message, saved = await inbox.next()
    assert saved == [message.message_id]
    (row,) = store.saved
    assert (row["channel_id"], row["sender_id"], row["content"]) == (
        message.channel_id,
        message.sender_id,
        {"t": "hi"},
    )
    channel = await client.channels.fetch(message.channel_id)
    assert (await channel.message_fetcher(message.message_id)).content == {"t": "hi"}


@pytest.mark.parametrize("kind", [Kept, Minimal])
async def test_what_the_bot_sends_is_saved_once(
    gateway: Gateway, make_client: Callable[..., Any], tmp_path: Path, kind: type[Any]
) -> None:
    """What the bot sends, edits and deletes works with a store of its own, which gets each message once."""
    client, inbox = make_client(), Inbox()
    store = client.message_db = Kept(str(tmp_path / "own.db")) if kind is Kept else Minimal()
    client.on_channel_message(inbox)
    await client.login()
    channel = await client.channels.fetch(await gateway.channel_id("general"))
    ack = await channel.send(ChannelMessageContent(t="mine"))
    await inbox.next()
    assert [row["message_id"] for row in store.saved] == [ack.message_id]
    message = await channel.messages.fetch(ack.message_id)
    await message.update(ChannelMessageContent(t="changed"))
    await message.delete()
    await client.disconnect()
    assert kind is Kept or store.closed == 1


async def test_a_slow_store_keeps_the_order(gateway: Gateway, make_client: Callable[..., Any]) -> None:
    """A save_message that waits holds the messages of its channel back, in their order, and those of no other."""
    client, inbox, go_on = make_client(), Inbox(), asyncio.Event()

    class Slow(Minimal):
        async def save_message(self, message: dict[str, Any]) -> None:
            if message["content"] == {"t": "first"}:
                await go_on.wait()
            await super().save_message(message)

    client.message_db = Slow()
    client.on_channel_message(lambda message: inbox(message.content["t"]))
    await client.login()
    await gateway.call("world.add_channel", "second")
    await gateway.say("general", "alice", "first")
    await gateway.say("general", "alice", "second")
    await gateway.say("second", "alice", "elsewhere")
    assert await inbox.next() == "elsewhere"
    go_on.set()
    assert [await inbox.next(), await inbox.next()] == ["first", "second"]


# ---- sending


@pytest.mark.parametrize("way", ["instance", "subclass"])
async def test_write_chat_message_of_its_own(
    gateway: Gateway, make_client: Callable[..., Any], way: str
) -> None:
    """A write_chat_message of a bot's own is called for sends, replies and DMs, with mezon-sdk's keywords."""
    sent: list[dict[str, Any]] = []

    class OwnSocketManager(SocketManager):
        async def write_chat_message(self, *args: Any, **kwargs: Any) -> Any:
            sent.append(kwargs)
            return await super().write_chat_message(*args, **kwargs)

    class Bot(OwnLogin):
        socket_manager_class = OwnSocketManager

    client, inbox = make_client(kind=Bot) if way == "subclass" else make_client(), Inbox()
    client.on_channel_message(inbox)
    await client.login()
    if way == "instance":
        original = client.socket_manager.write_chat_message

        async def write_chat_message(*args: Any, **kwargs: Any) -> Any:
            sent.append(kwargs)
            return await original(*args, **kwargs)

        client.socket_manager.write_chat_message = write_chat_message
    await gateway.call("wait_joined")
    channel = await client.channels.fetch(await gateway.channel_id("general"))
    ack = await channel.send(ChannelMessageContent(t="one"))
    assert ack.message_id
    (one,) = sent
    assert set(one) == {
        "clan_id", "channel_id", "mode", "is_public", "content", "mentions", "attachments",
        "anonymous_message", "mention_everyone", "code", "topic_id",
    }  # fmt: skip
    assert (await inbox.next()).content["t"] == "one"
    await gateway.say("general", "alice", "hi")
    question = await inbox.next()
    message = Message(question, channel, client.socket_manager)
    await message.reply(ChannelMessageContent(t="two"))
    user = await client.users.fetch(question.sender_id)
    await user.send_dm_message(ChannelMessageContent(t="three"))
    assert [call["content"].text for call in sent] == ["one", "two", "three"]
    assert sent[1]["references"][0].message_ref_id == question.message_id


async def test_a_mock_as_socket_manager(client: Any, gateway: Gateway) -> None:
    """A channel whose socket_manager is a mock sends by its write_chat_message."""
    channel = await client.channels.fetch(await gateway.channel_id("general"))
    channel.socket_manager = AsyncMock()
    channel.socket_manager.write_chat_message.return_value = "the ack"
    assert await channel.send(ChannelMessageContent(t="hi")) == "the ack"
    channel.socket_manager.write_chat_message.assert_awaited_once()


# ---- adapters and sockets


class Counting(WebSocketAdapterPb):
    """Looks at every envelope on its way out."""

    def __init__(self) -> None:
        super().__init__()
        self.kinds: list[str] = []

    async def send(self, message: Any) -> None:
        self.kinds.append(message.WhichOneof("message"))
        await super().send(message)


class Frames(WebSocketAdapter):
    """Carries the frames by aiohttp, as mezon-sdk's own does by websockets: what comes is iterated over."""

    def __init__(self) -> None:
        super().__init__()
        self.session: aiohttp.ClientSession | None = None
        self.web: Any = None
        self.sent = 0

    async def connect(self, scheme: str, ws_url: str, create_status: bool, token: str) -> None:
        self.session = aiohttp.ClientSession()
        status = str(create_status).lower()
        self.web = await self.session.ws_connect(
            f"{scheme}://{ws_url}/ws?lang=en&status={status}&token={token}&format=protobuf"
        )
        self._socket = self.frames()

    async def frames(self) -> AsyncIterator[bytes]:
        async for message in self.web:
            if message.type is aiohttp.WSMsgType.BINARY:
                yield message.data

    async def send(self, message: Any) -> None:
        self.sent += 1
        await self.web.send_bytes(message.SerializeToString())

    async def close(self) -> None:
        if self.web is not None:
            await self.web.close()
        if self.session is not None:
            await self.session.close()

    def is_open(self) -> bool:
        return self.web is not None and not self.web.closed


class Calling(Frames):
    """Hands each frame to ``on_message``, and tells the end to ``on_close``."""

    task: asyncio.Task[None] | None = None

    async def connect(self, scheme: str, ws_url: str, create_status: bool, token: str) -> None:
        await super().connect(scheme, ws_url, create_status, token)
        frames, self._socket = self._socket, None

        async def read() -> None:
            async for frame in frames:
                self.on_message(frame)
            self.on_close("the stream has ended")

        self.task = asyncio.create_task(read())


def bot_with(adapter: WebSocketAdapter) -> type[MezonClient]:
    """A bot whose socket has this adapter."""

    class Bot(OwnLogin):
        def make_socket_manager(self, session: Any) -> SocketManager:
            manager = super().make_socket_manager(session)
            manager.socket = Socket(
                session.ws_url.partition("://")[2],
                use_ssl=self.use_ssl,
                adapter=adapter,
                event_manager=self.event_manager,
            )
            return manager

    return Bot


ADAPTERS = [Counting, Frames] if REFERENCE else [Counting, Frames, Calling]


@pytest.mark.transports("websocket")
@pytest.mark.parametrize("kind", ADAPTERS)
async def test_an_adapter_of_its_own(
    gateway: Gateway, make_client: Callable[..., Any], kind: type[Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Socket(adapter=own): the adapter carries every frame; calls get their answers and handlers their events."""
    adapter = kind()
    client, inbox = make_client(kind=bot_with(adapter)), Inbox()
    client.on_channel_message(inbox)
    await client.login(enable_auto_reconnect=False)
    await gateway.call("wait_joined")
    await gateway.say("general", "alice", "hi")
    assert (await inbox.next()).content == {"t": "hi"}
    channel = await client.channels.fetch(await gateway.channel_id("general"))
    ack = await channel.send(ChannelMessageContent(t="one"))
    assert ack.message_id
    sent = await gateway.next_sent("channel_message_send")
    assert sent.text == "one"
    mine = await inbox.next()
    message = Message(mine, channel, client.socket_manager)
    await message.update(ChannelMessageContent(t="two"))
    assert (await gateway.next_sent("UpdateChannelMessage")).text == "two"
    if kind is Counting:
        assert {"clan_join", "channel_message_send", "api_request_event"} <= set(adapter.kinds)
    else:
        assert adapter.sent >= 4
        assert REFERENCE or "reconnects and heartbeats are its own responsibility" in caplog.text
    assert await client.socket_manager.is_connected()
    await client.disconnect()
    await gateway.call("wait_disconnected")
    assert not adapter.is_open()


@pytest.mark.transports("websocket")
@pytest.mark.parametrize("kind", ADAPTERS[1:])
async def test_an_adapter_that_loses_its_connection(
    gateway: Gateway, make_client: Callable[..., Any], kind: type[Any]
) -> None:
    """The end of the connection of an adapter of a bot's own reaches socket.ondisconnect."""
    client, inbox = make_client(kind=bot_with(kind())), Inbox()
    await client.login(enable_auto_reconnect=False)

    async def lost(event: Any) -> None:
        inbox("lost")

    client.socket_manager.get_socket().ondisconnect = lost
    await gateway.call("drop")
    assert await inbox.next() == "lost"
    assert not await client.socket_manager.is_connected()


async def test_a_replaced_send_of_the_adapter(gateway: Gateway, client: Any) -> None:
    """A function set as the adapter's send, after the login, gets each envelope with its cid."""
    adapter = client.socket_manager.get_socket().adapter
    original, seen = adapter.send, []

    async def send(message: Any) -> None:
        seen.append((message.WhichOneof("message"), message.cid > 0))
        await original(message)

    adapter.send = send
    channel = await client.channels.fetch(await gateway.channel_id("general"))
    await channel.send(ChannelMessageContent(t="one"))
    assert ("channel_message_send", True) in seen
    assert (await gateway.next_sent("channel_message_send")).text == "one"


async def test_a_send_that_fails(gateway: Gateway, client: Any) -> None:
    """What a send of the adapter's own raises, the caller gets."""

    async def send(message: Any) -> None:
        raise ValueError("not today")

    channel = await client.channels.fetch(await gateway.channel_id("general"))
    client.socket_manager.get_socket().adapter.send = send
    with pytest.raises(ValueError, match="not today"):
        await channel.send(ChannelMessageContent(t="one"))


@pytest.mark.transports("websocket")
async def test_a_socket_without_a_client(gateway: Gateway, make_client: Callable[..., Any]) -> None:
    """A Socket of a bot's own, with an event manager and no client, hears events and makes calls."""
    client, inbox, events = make_client(), Inbox(), EventManager()
    events.on(TYPING, inbox)
    session = await client.get_session()
    socket = Socket(session.ws_url.partition("://")[2], use_ssl=client.use_ssl, event_manager=events)
    await socket.connect(session)
    try:
        await socket.join_clan_chat(await gateway.clan_id())
        await gateway.push(message_typing_event={"channel_id": 3})
        assert (await inbox.next()).channel_id == 3
    finally:
        await socket.close()
