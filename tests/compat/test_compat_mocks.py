"""The test suites of bots: what they patch, and the stand-ins they use (docs/contract.md, "Objects")."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock, patch

import pytest
from mezon import MezonClient
from mezon.managers.channel import ChannelManager
from mezon.managers.event import EventManager
from mezon.managers.session import SessionManager
from mezon.managers.socket import SocketManager
from mezon.messages import MessageDB
from mezon.models import ApiChannelDescList, ApiChannelDescription, ChannelMessage
from mezon.socket import Socket
from mezon.structures import Clan, Message, TextChannel
from peer import Gateway, Inbox
from waiting import until


@pytest.mark.parametrize("name", ["clans", "channels", "users"])
async def test_fetch_is_replaced(make_client: Callable[..., Any], name: str) -> None:
    """client.channels.fetch = AsyncMock(...), and so for clans and users."""
    cache = getattr(make_client(), name)
    cache.fetch = AsyncMock(return_value="found")
    assert await cache.fetch(1) == "found"
    del cache.fetch
    assert getattr(cache.fetch, "__self__", None) is cache


@pytest.mark.parametrize("name", ["clans", "channels", "users"])
async def test_fetch_is_patched(make_client: Callable[..., Any], name: str) -> None:
    """patch.object(client.users, "fetch"), and so for clans and channels; it is taken back after the block."""
    cache = getattr(make_client(), name)
    with patch.object(cache, "fetch", AsyncMock(return_value="found")), patch.object(cache, "get"):
        assert await cache.fetch(1) == "found"
    assert getattr(cache.fetch, "__self__", None) is cache
    assert cache.get(1) is None


async def test_the_messages_of_a_channel_are_patched(gateway: Gateway, client: Any) -> None:
    """patch.object(channel.messages, "fetch")."""
    channel = await client.channels.fetch(await gateway.channel_id("general"))
    with patch.object(channel.messages, "fetch", AsyncMock(return_value="found")):
        assert await channel.messages.fetch(1) == "found"


def test_a_manager_takes_attributes() -> None:
    """event_manager.emit = AsyncMock(), and any other attribute."""
    manager = EventManager()
    manager.emit = AsyncMock()  # type: ignore[method-assign]
    manager.on = AsyncMock()  # type: ignore[method-assign]
    manager.note = "mine"  # type: ignore[attr-defined]
    assert isinstance(manager.emit, AsyncMock)


@pytest.mark.parametrize("name", ["login", "disconnect", "get_session", "send_token", "get_channel_from_id"])
async def test_a_patched_client_is_made(make_client: Callable[..., Any], name: str) -> None:
    """patch("mezon.client.MezonClient.login"): clients are made while a method of the class is a mock."""
    with patch(f"mezon.client.MezonClient.{name}", AsyncMock(return_value="patched")):
        client = make_client()
        assert await getattr(client, name)() == "patched"
        handlers = [client.event_manager.has_listeners(event) for event in ("channel_message", "nothing")]
    assert handlers == [True, False]


async def test_mocks_as_attributes_of_a_subclass(make_client: Callable[..., Any]) -> None:
    """AsyncMock() as a class attribute of a client's subclass is no default handler."""

    class Bot(MezonClient):
        notify = AsyncMock()

    Bot(client_id=1, api_key="key")
    Bot.notify.assert_not_called()


def test_a_socket_manager_of_a_stand_in() -> None:
    """A SocketManager is made with a stand-in that takes no weak references as its client."""
    manager = SocketManager(
        ws_url="localhost",
        use_ssl=False,
        api_client=SimpleNamespace(),  # type: ignore[arg-type]
        event_manager=EventManager(),
        mezon_client=SimpleNamespace(client_id=1),  # type: ignore[arg-type]
        message_db=MessageDB(":memory:"),
    )
    assert manager.get_socket().is_open() is False


def stand_in_channel() -> tuple[TextChannel, Any]:
    manager: Any = SimpleNamespace(
        write_chat_message=AsyncMock(return_value="ack"),
        write_ephemeral_message=AsyncMock(return_value="ephemeral"),
        update_chat_message=AsyncMock(return_value="updated"),
        write_message_reaction=AsyncMock(return_value="reacted"),
        remove_chat_message=AsyncMock(return_value="removed"),
    )
    alice = SimpleNamespace(
        clan_nick="", display_name="Alice", username="alice", clan_avatar="", avatar="a.png"
    )
    users = SimpleNamespace(fetch=AsyncMock(return_value=alice))
    clan: Any = SimpleNamespace(id=5, client=SimpleNamespace(users=users), users=users)
    description = ApiChannelDescription(
        channel_id=6, channel_label="general", type=1, channel_private=0, clan_id=5
    )
    database: Any = SimpleNamespace(get_message_by_id=AsyncMock(return_value=None))
    return TextChannel(description, clan, manager, database), manager


def stand_in_message(channel: TextChannel, manager: Any) -> Message:
    raw = ChannelMessage(message_id=7, clan_id=5, channel_id=6, sender_id=8, content={"t": "hello"})
    return Message(raw, channel, manager)


async def test_a_patched_fetch_names_the_sender(gateway: Gateway, client: Any) -> None:
    """message.reply uses a patched client.users.fetch, also for a user the bot has met."""
    channel = await client.channels.fetch(await gateway.channel_id("general"))
    await client.users.fetch(await gateway.user_id("alice"))
    raw = ChannelMessage(
        message_id=7,
        clan_id=channel.clan.id,
        channel_id=channel.id,
        sender_id=await gateway.user_id("alice"),
        username="alice",
        content={"t": "hello"},
    )
    other = SimpleNamespace(clan_nick="Queen", display_name="", username="", clan_avatar="q.png", avatar="")
    with patch.object(client.users, "fetch", AsyncMock(return_value=other)):
        await Message(raw, channel, client.socket_manager).reply({"t": "hello back"})
    (reference,) = (await gateway.next_sent("channel_message_send")).message.references
    assert reference.message_sender_username == "Queen"


async def test_a_stand_in_whispers() -> None:
    """channel.send_ephemeral works with stand-ins."""
    channel, manager = stand_in_channel()
    assert await channel.send_ephemeral([8], {"t": "psst"}) == "ephemeral"
    assert manager.write_ephemeral_message.await_args.kwargs["receiver_ids"] == [8]


async def test_a_stand_in_changes() -> None:
    """message.update, react and delete answer what the stand-in answers."""
    channel, manager = stand_in_channel()
    message = stand_in_message(channel, manager)
    assert await message.update({"t": "changed"}) == "updated"  # type: ignore[comparison-overlap]
    assert await message.react(emoji_id=1, emoji="heart", count=1) == "reacted"
    assert await message.delete() == "removed"
    assert channel.messages.get(7) is None
    with pytest.raises(ValueError, match="Message 9 not found"):
        await channel.messages.fetch(9)


async def test_a_clan_of_stand_ins() -> None:
    """clan.load_channels works with a client that has no session_manager."""
    listing = ApiChannelDescList(channeldesc=[ApiChannelDescription(channel_id=6, channel_label="general")])
    api: Any = SimpleNamespace(list_channel_descs=AsyncMock(return_value=listing))
    found: dict[int, Any] = {}
    channels = SimpleNamespace(get=found.get, set=found.__setitem__)
    client: Any = SimpleNamespace(client_id=1, channels=channels)
    clan = Clan(5, "Clan", 0, client, api, SimpleNamespace(), "token", SimpleNamespace())  # type: ignore[arg-type]
    await clan.load_channels()
    assert api.list_channel_descs.await_args.kwargs["token"] == "token"
    assert found[6].name == "general"
    with pytest.raises(ValueError, match="0 < limit <= 500"):
        await clan.list_channel_voice_users(limit=0)


async def test_a_channel_manager_of_stand_ins() -> None:
    """init_all_dm_channels works with an API that has no client_id."""
    listing = ApiChannelDescList(channeldesc=[ApiChannelDescription(channel_id=9, type=3, user_ids=[8])])
    api: Any = SimpleNamespace(list_channel_descs=AsyncMock(return_value=listing))
    manager = ChannelManager(api, SimpleNamespace(), SimpleNamespace())  # type: ignore[arg-type]
    await manager.init_all_dm_channels("token")
    assert manager.get_all_dm_channels() == {8: 9}


async def test_a_session_manager_answers_what_the_api_does() -> None:
    """SessionManager.authenticate returns whatever mezon_authenticate returns."""
    api: Any = SimpleNamespace(mezon_authenticate=AsyncMock(return_value="session"))
    assert await SessionManager(api).authenticate("1", "secret") == "session"  # type: ignore[comparison-overlap]
    assert api.mezon_authenticate.await_args.kwargs["body"].account.appid == "1"


async def test_close_socket_of_a_stand_in(make_client: Callable[..., Any]) -> None:
    """close_socket and disconnect close what get_socket() of a stand-in gives."""
    client = make_client()
    close = AsyncMock()
    client.socket_manager = SimpleNamespace(get_socket=lambda: SimpleNamespace(close=close))
    await client.close_socket()
    close.assert_awaited_once()
    await client.disconnect()
    assert close.await_count == 2


async def test_a_mocked_socket_acknowledges_anything(client: Any) -> None:
    """socket_manager.write_chat_message answers what socket.write_chat_message answers, a mock's text too."""
    client.socket_manager.socket.write_chat_message = AsyncMock(return_value="ack")
    assert await client.socket_manager.write_chat_message(1, 2, 3, True, {"t": "hello"}) == "ack"


async def test_connect_of_an_open_socket(client: Any) -> None:
    """socket.connect on an open socket answers the session it has."""
    socket = client.socket_manager.get_socket()
    session = socket.session
    assert await socket.connect(SimpleNamespace(token="another")) is session
    assert socket.is_open() is True


async def test_a_patched_connect_has_the_parameters_of_mezon_sdk(client: Any) -> None:
    """socket_manager.connect closes an open socket, then calls socket.connect(session, create_status=True)."""
    manager = client.socket_manager
    session = client.session_manager.get_session()
    with (
        patch.object(manager.socket, "connect", AsyncMock(return_value=session)) as connect,
        patch.object(manager.socket, "close", AsyncMock()) as close,
    ):
        assert await manager.connect(session) is session
    connect.assert_awaited_once_with(session, create_status=True)
    close.assert_awaited_once()


async def test_a_wrapped_connect_reconnects(
    gateway: Gateway, make_client: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Socket.connect with mezon-sdk's parameters connects a client that hears again after a loss."""
    connect = Socket.connect

    async def wrapped(
        self: Socket, session: Any, create_status: bool = False, connect_timeout_ms: int = 30000
    ) -> Any:
        return await connect(self, session, create_status, connect_timeout_ms)

    monkeypatch.setattr(Socket, "connect", wrapped)
    client = make_client()
    inbox = Inbox()
    client.on_channel_message(inbox)
    await client.login()
    before = await gateway.call("connections.total")
    await gateway.call("drop")

    async def back() -> bool:
        return await gateway.call("connections.total") > before and await client.socket_manager.is_connected()

    await until(back)
    await gateway.wait_requests("ListClanDescs", 2)
    await gateway.say("general", "alice", "back")
    assert (await inbox.next()).content["t"] == "back"


async def test_disconnect_calls_what_a_bot_has_put_there(client: Any) -> None:
    """disconnect() calls disconnect_ai_agent_sse by attribute, so an override on the instance works."""
    client.disconnect_ai_agent_sse = AsyncMock()
    await client.disconnect()
    client.disconnect_ai_agent_sse.assert_awaited_once()


async def test_an_api_that_answers_json(client: Any) -> None:
    """A call_api that answers a dict, as one of a bot's tests does, makes the model all the same."""
    client.api_client.call_api = AsyncMock(
        return_value={"channel_id": 6, "clan_id": 5, "channel_label": "general"}
    )
    detail = await client.api_client.get_channel_detail("token", 6)
    assert (detail.channel_id, detail.clan_id, detail.channel_label) == (6, 5, "general")


async def test_play_media_calls_call_api_by_keyword(client: Any) -> None:
    """play_media passes method, url_path and body to call_api by keyword."""
    client.api_client.call_api = AsyncMock(return_value={"played": True})
    assert await client.api_client.play_media("token", {"room_name": "room", "url": "a.mp3"}) == {
        "played": True
    }
    call = client.api_client.call_api.await_args
    assert call.args == ()
    assert (call.kwargs["method"], "url_path" in call.kwargs, "room" in call.kwargs["body"]) == (
        "POST",
        True,
        True,
    )


async def test_answers_of_another_http_library() -> None:
    """parse_response reads what has read(), json() and headers; a broken message is a ValueError."""
    from mezon.api.utils import parse_binary_response, parse_response
    from mezon.protobuf.api import api_pb2

    data = api_pb2.ClanDesc(clan_id=3).SerializeToString()
    binary: Any = SimpleNamespace(
        headers={"Content-Type": "application/x-protobuf"}, read=AsyncMock(return_value=data)
    )
    assert (await parse_response(binary, True, api_pb2.ClanDesc)).clan_id == 3
    assert (await parse_binary_response(binary, api_pb2.ClanDesc)).clan_id == 3
    as_json: Any = SimpleNamespace(
        headers={"Content-Type": "application/json"}, json=AsyncMock(return_value={"ok": True})
    )
    assert await parse_response(as_json, True, api_pb2.ClanDesc) == {"ok": True}
    broken: Any = SimpleNamespace(headers={}, read=AsyncMock(return_value=b"\xff"))
    with pytest.raises(ValueError, match="Invalid protobuf response"):
        await parse_binary_response(broken, api_pb2.ClanDesc)
