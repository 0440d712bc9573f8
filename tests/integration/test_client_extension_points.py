"""A bot's own code at the extension points of mezon-sdk, beyond what mezon-sdk itself supports."""

from __future__ import annotations

import asyncio
import functools
import logging
from typing import Any
from unittest.mock import AsyncMock, patch

import pytest
from bot_process import quiet_options
from client_types import Connect
from mezon import EventManager, MezonClient
from mezon.api import MezonApi
from mezon.managers.channel import ChannelManager
from mezon.managers.session import SessionManager
from mezon.managers.socket import SocketManager
from mezon.socket import Socket
from mezon.testing import LocalGateway
from mezon.utils.own import is_own
from patience import patient
from waiting import until

TYPING = "message_typing_event"


class OwnLogin(MezonClient):
    """Creates its managers in its own ``login``."""

    socket_manager_class = SocketManager

    async def initialize_managers(self, sock_session: Any) -> None:
        self.api_client = MezonApi(
            self.client_id, self.api_key, sock_session.api_url, self.timeout_ms, rate_limit=0
        )
        self.session_manager = SessionManager(self.api_client, sock_session)
        if not hasattr(self, "socket_manager"):
            self.socket_manager = self.socket_manager_class(
                ws_url=sock_session.ws_url,
                use_ssl=self.use_ssl,
                api_client=self.api_client,
                event_manager=self.event_manager,
                mezon_client=self,
                message_db=self.message_db,
            )
        self.channel_manager = ChannelManager(self.api_client, self.socket_manager, self.session_manager)
        await self.socket_manager.connect(sock_session)
        await self.socket_manager.connect_socket(sock_session.token)

    async def login(self, enable_auto_reconnect: bool = True) -> None:
        await self.initialize_managers(await self.get_session())


class TestOverriddenLogin:
    async def test_ready_is_dispatched_and_the_end_is_awaited(self, gateway: LocalGateway) -> None:
        client, ready = OwnLogin(**quiet_options(gateway)), asyncio.Event()
        client.on_ready(ready.set)
        await client.login()
        await asyncio.wait_for(ready.wait(), patient(5))
        end = asyncio.ensure_future(client.wait_closed())
        assert client.state == "ready"
        await client.disconnect()
        await asyncio.wait_for(end, patient(5))
        assert gateway.connections.live == 0

    async def test_it_may_log_in_again(self, gateway: LocalGateway) -> None:
        client = OwnLogin(**quiet_options(gateway))
        heard: asyncio.Queue[Any] = asyncio.Queue()
        client.on(TYPING, heard.put_nowait)
        for channel in (1, 2):
            await client.login()
            await gateway.push(message_typing_event={"channel_id": channel})
            assert (await asyncio.wait_for(heard.get(), patient(5))).channel_id == channel
            await client.disconnect()

    async def test_a_manager_that_does_not_reach_the_client_causes_a_warning(
        self, gateway: LocalGateway, caplog: pytest.LogCaptureFixture
    ) -> None:
        class Apart(SocketManager):
            async def connect(self, api_session: Any, *, auto_reconnect: bool | None = None) -> Any:
                return await self.socket.connect(api_session)

        class Bot(OwnLogin):
            socket_manager_class = Apart
            login = MezonClient.login

        client = Bot(**quiet_options(gateway))
        with caplog.at_level(logging.WARNING, "mezon.client"):
            await client.login()
        assert "was not connected by SocketManager.connect" in caplog.text
        await client.disconnect()


class TestEmit:
    async def test_errors_of_handlers_reach_on_error(self, gateway: LocalGateway, connect: Connect) -> None:
        class Own(EventManager):
            async def emit(self, event_name: str, *args: Any, **kwargs: Any) -> None:
                await super().emit(event_name, *args, **kwargs)

        client = await connect()
        told: asyncio.Queue[Any] = asyncio.Queue()
        client.on_error(lambda error, name: told.put_nowait((str(error), name)))
        client.event_manager = Own()

        @client.on(TYPING)
        async def fails(event: Any) -> None:
            raise ValueError("in a handler")

        await gateway.push(message_typing_event={"channel_id": 1})
        assert await asyncio.wait_for(told.get(), patient(5)) == ("in a handler", TYPING)
        assert client.stats().handler_errors == 1

    async def test_ready_may_take_no_argument(self, gateway: LocalGateway) -> None:
        class Own(EventManager):
            async def emit(self, event_name: str, *args: Any, **kwargs: Any) -> None:
                await super().emit(event_name, *args, **kwargs)

        client, ready = MezonClient(**quiet_options(gateway)), asyncio.Event()
        client.event_manager = Own()
        client.on_ready(ready.set)
        await client.login()
        await asyncio.wait_for(ready.wait(), patient(5))
        await client.disconnect()

    async def test_a_patched_event_manager_is_restored(self, gateway: LocalGateway, connect: Connect) -> None:
        client = await connect()
        own, heard = client.event_manager, asyncio.Event()
        client.on(TYPING, lambda event: heard.set())
        with patch.object(client, "event_manager", AsyncMock()) as mock:
            await gateway.push(message_typing_event={"channel_id": 1})
            await until(lambda: mock.emit.await_count)
            assert not heard.is_set()
        assert client.event_manager is own
        await gateway.push(message_typing_event={"channel_id": 2})
        await asyncio.wait_for(heard.wait(), patient(5))

    async def test_wait_for_works_beside_it(self, gateway: LocalGateway, connect: Connect) -> None:
        client = await connect()
        client.event_manager.emit = AsyncMock()  # type: ignore[method-assign]
        waiting = asyncio.ensure_future(client.wait_for(TYPING, timeout=5))
        await asyncio.sleep(0)
        await gateway.push(message_typing_event={"channel_id": 4})
        assert (await waiting).channel_id == 4


class Minimal:
    """A store with the three methods of mezon-sdk."""

    def __init__(self) -> None:
        self.saved: list[Any] = []

    async def save_message(self, message: Any) -> None:
        self.saved.append(message)

    async def get_message_by_id(self, message_id: int, channel_id: int) -> None:
        return None

    async def close(self) -> None:
        pass


async def test_missing_methods_of_a_store_are_not_needed(gateway: LocalGateway, connect: Connect) -> None:
    heard: asyncio.Queue[Any] = asyncio.Queue()
    store = Minimal()
    client = await connect(heard.put_nowait, message_db=store)
    assert client.message_db is store
    assert client.stats().store == {}
    await gateway.say("general", "alice", "hi")
    message = await asyncio.wait_for(heard.get(), patient(5))
    channel = await client.channels.fetch(message.channel_id)
    found = [one.id async for one in channel.history(limit=10)]
    assert message.message_id in found
    # Messages of a history are saved as dicts as well.
    assert all(isinstance(row, dict) for row in store.saved)


async def test_a_socket_without_a_listener_causes_a_warning(
    gateway: LocalGateway, caplog: pytest.LogCaptureFixture
) -> None:
    client = MezonClient(**quiet_options(gateway))
    session = await client.get_session()
    socket = Socket(session.ws_url, use_ssl=False)
    with caplog.at_level(logging.WARNING, "mezon.gateway"):
        await socket.connect(session)
    assert "are dropped" in caplog.text
    await socket.close()
    await client.disconnect()


class TestIsOwn:
    def test_a_method_of_the_package(self) -> None:
        assert is_own(EventManager(), "emit")

        class Plain(EventManager):
            pass

        assert is_own(Plain(), "emit")

    def test_an_override_and_a_function_on_the_instance(self) -> None:
        class Own(EventManager):
            async def emit(self, event_name: str, *args: Any, **kwargs: Any) -> None:
                pass

        assert not is_own(Own(), "emit")
        events = EventManager()
        events.emit = AsyncMock()  # type: ignore[method-assign]
        assert not is_own(events, "emit")

    def test_a_wrapper_with_our_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        original = EventManager.emit

        @functools.wraps(original)
        async def emit(self: Any, *args: Any, **kwargs: Any) -> None:
            await original(self, *args, **kwargs)

        assert emit.__module__.startswith("mezon.")
        monkeypatch.setattr(EventManager, "emit", emit)
        assert not is_own(EventManager(), "emit")

    def test_a_mock(self) -> None:
        assert not is_own(AsyncMock(), "emit")
        with patch.object(EventManager, "emit", AsyncMock()):
            assert not is_own(EventManager(), "emit")
