"""The attributes of mezon-sdk's socket: four callbacks, ``cids``, ``next_cid`` and the scheme."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest
from bot_process import quiet_options
from client_types import Connect
from mezon import Disconnect, GatewayOptions, Socket
from mezon.errors import ConnectionLostError, InvalidArgumentError, MezonConnectionError
from mezon.models import ApiSession
from mezon.session import Session
from mezon.socket.promise_executor import PromiseExecutor
from mezon.testing import LocalGateway
from waiting import until


class Calls:
    """Records calls and their arguments."""

    def __init__(self, socket: Socket) -> None:
        self.all: list[tuple[str, tuple[Any, ...]]] = []
        for name in ("onconnect", "ondisconnect", "onerror", "onheartbeattimeout"):
            setattr(socket, name, self.noting(name))

    def noting(self, name: str) -> Callable[..., Any]:
        async def note(*args: Any) -> None:
            await asyncio.sleep(0)
            self.all.append((name, args))

        return note

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.all]


def settings(gateway: LocalGateway, **options: Any) -> GatewayOptions:
    return GatewayOptions(
        **{"backoff_base": 0.01, "backoff_max": 0.05, "ca_file": gateway.ca_file, **options}
    )


def session_of(gateway: LocalGateway) -> Session:
    made = gateway.new_session(gateway.bot_id)
    return Session(
        ApiSession(
            token=made.token,
            refresh_token=made.refresh_token,
            user_id=str(made.user_id),
            ws_url=made.ws_url,
            tcp_url=made.tcp_url,
        )
    )


async def test_a_loss_and_the_reconnect(gateway: LocalGateway, connect: Connect) -> None:
    client = await connect(gateway=settings(gateway))
    calls = Calls(client.socket_manager.get_socket())
    await gateway.drop()
    await until(lambda: calls.names == ["ondisconnect", "onconnect"], lambda: f"both; called: {calls.all}")
    (lost,) = calls.all[0][1]
    assert isinstance(lost, Disconnect)
    assert (lost.will_reconnect, lost.error) == (True, None)
    assert calls.all[1][1] == ()


async def test_a_plain_function_and_one_that_fails(
    gateway: LocalGateway, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    client = await connect(gateway=settings(gateway))
    socket = client.socket_manager.get_socket()
    called: list[str] = []

    def ondisconnect(event: Disconnect) -> None:
        called.append("ondisconnect")
        raise ValueError("mine")

    async def onconnect() -> None:
        called.append("onconnect")
        raise ValueError("mine as well")

    socket.ondisconnect, socket.onconnect = ondisconnect, onconnect
    with caplog.at_level(logging.ERROR, "mezon.gateway"):
        await gateway.drop()
        await until(lambda: called == ["ondisconnect", "onconnect"], lambda: f"both; called: {called}")
        # On a busy machine, asyncio logs slow callbacks.
        await until(
            lambda: sum(record.name == "mezon.gateway" for record in caplog.records) == 2,
            lambda: f"two errors in {caplog.text}",
        )
    assert "the callback ondisconnect of the socket failed" in caplog.text.lower()
    assert "the callback onconnect of the socket failed" in caplog.text.lower()


@pytest.mark.parametrize("error", [asyncio.CancelledError, GeneratorExit, RecursionError])
async def test_errors_of_a_callback_are_contained(
    gateway: LocalGateway, connect: Connect, error: type[BaseException]
) -> None:
    client = await connect(gateway=settings(gateway))
    lost: list[Disconnect] = []
    client.on_disconnect(lost.append)
    calls = Calls(client.socket_manager.get_socket())

    def ondisconnect(event: Disconnect) -> None:
        raise error

    client.socket_manager.get_socket().ondisconnect = ondisconnect
    await gateway.drop()
    await until(lambda: calls.names == ["onconnect"], lambda: f"onconnect; called: {calls.all}")
    assert [event.will_reconnect for event in lost] == [True]


async def test_silence(gateway: LocalGateway, connect: Connect) -> None:
    client = await connect(
        gateway=settings(gateway, heartbeat_interval=0.2, heartbeat_timeout=0.3, connect_timeout=30.0)
    )
    calls = Calls(client.socket_manager.get_socket())
    gateway.stall()
    await until(lambda: len(calls.all) >= 2, lambda: f"two; called: {calls.all}")
    gateway.resume()
    assert calls.all[0] == ("onheartbeattimeout", ())
    assert calls.names[1] == "ondisconnect"


async def test_attempts_that_fail(gateway: LocalGateway, connect: Connect) -> None:
    client = await connect(gateway=settings(gateway))
    calls = Calls(client.socket_manager.get_socket())
    gateway.http_status("/v2/apps/authenticate/token", 503, times=None)
    await gateway.drop()
    await until(lambda: "onerror" in calls.names, lambda: f"onerror; called: {calls.all}")
    gateway.clear_faults()
    await until(lambda: "onconnect" in calls.names, lambda: f"onconnect; called: {calls.all}")
    assert calls.names[0] == "ondisconnect"
    (error,) = dict(calls.all)["onerror"]
    assert isinstance(error, ConnectionLostError)
    assert "503" in str(error)


async def test_the_final_close(gateway: LocalGateway, connect: Connect) -> None:
    client = await connect(gateway=settings(gateway))
    calls = Calls(client.socket_manager.get_socket())
    gateway.http_status("/v2/apps/authenticate/token", 401, times=None)
    await gateway.drop()
    await until(lambda: "onerror" in calls.names, lambda: f"onerror; called: {calls.all}")
    assert calls.names == ["ondisconnect", "onerror"]
    with pytest.raises(Exception, match="401"):
        await client.wait_closed()


async def test_an_own_close_is_no_loss(gateway: LocalGateway, connect: Connect) -> None:
    client = await connect(gateway=settings(gateway))
    calls = Calls(client.socket_manager.get_socket())
    await client.socket_manager.get_socket().close()
    await client.disconnect()
    assert calls.all == []


async def test_ondisconnect_by_hand_reopens_a_closed_socket(gateway: LocalGateway, connect: Connect) -> None:
    """As in mezon-sdk's own tests: close the socket, call ``ondisconnect``, wait for the reconnect."""
    client = await connect()
    socket = client.socket_manager.get_socket()
    come_back = socket.ondisconnect
    assert come_back is not None
    await come_back("nothing to do: it is open")
    assert gateway.connections.total == 1
    await socket.close()
    await come_back("closed by hand")
    assert await client.socket_manager.is_connected()
    assert client.socket_manager.get_socket() is socket
    room = gateway.world.channel("general")
    await client.send_message(room.clan_id, room.id, 2, True, "back")
    assert (await gateway.next_sent("message")).text == "back"
    await client.disconnect()
    await come_back("not after disconnect()")
    assert not await client.socket_manager.is_connected()
    assert gateway.connections.total == 2


async def test_ondisconnect_by_hand_without_auto_reconnect(gateway: LocalGateway, connect: Connect) -> None:
    client = await connect()
    await client.disconnect()
    await client.login(enable_auto_reconnect=False)
    socket = client.socket_manager.get_socket()
    await socket.close()
    come_back = socket.ondisconnect
    assert come_back is not None
    await come_back("nobody wants it")
    assert not await client.socket_manager.is_connected()


async def test_a_socket_alone(gateway: LocalGateway) -> None:
    session = session_of(gateway)
    socket = Socket(session.ws_url, quiet_options(gateway)["use_ssl"])
    calls = Calls(socket)
    await socket.connect(session, auto_reconnect=True)
    await until(lambda: calls.names == ["onconnect"], lambda: f"onconnect; called: {calls.all}")
    await gateway.drop()
    await until(
        lambda: calls.names == ["onconnect", "ondisconnect", "onconnect"],
        lambda: f"there and back; called: {calls.all}",
    )
    await socket.close()
    assert calls.names == ["onconnect", "ondisconnect", "onconnect"]
    assert socket.ondisconnect is not None
    socket.ondisconnect = None
    assert socket.ondisconnect is None, "nobody logs a bare socket in"


async def test_a_socket_alone_that_cannot_connect(gateway: LocalGateway) -> None:
    session = session_of(gateway)
    socket = Socket(session.ws_url, quiet_options(gateway)["use_ssl"])
    calls = Calls(socket)
    gateway.http_status("/ws", 500, times=None)
    gateway.refuse_tcp(times=None)
    with pytest.raises(MezonConnectionError):
        await socket.connect(session)
    await until(lambda: calls.names == ["onerror"], lambda: f"onerror; called: {calls.all}")


async def test_pending_calls(gateway: LocalGateway, connect: Connect) -> None:
    client = await connect()
    socket = client.socket_manager.get_socket()
    assert socket.cids == {}
    gateway.silence("channel_message_send")
    room = gateway.world.channel("general")
    sending = asyncio.ensure_future(client.send_message(room.clan_id, room.id, 2, True, "waits"))
    await until(lambda: len(socket.cids) == 1, "the call that waits")
    (waiting,) = socket.cids.values()
    assert isinstance(waiting, PromiseExecutor)
    waiting.reject(ValueError("given up by hand"))
    with pytest.raises(ValueError, match="given up by hand"):
        await sending


def test_custom_cids() -> None:
    socket = Socket("sock.example")
    assert (socket.next_cid, socket.generate_cid(), socket.generate_cid(), socket.next_cid) == (1, 1, 2, 3)
    socket.next_cid = 700
    assert socket.generate_cid() == 700


def test_the_scheme() -> None:
    assert Socket("sock.example").websocket_scheme == "ws"
    socket = Socket("sock.example", True)
    assert socket.websocket_scheme == "wss"
    socket.websocket_scheme = "ws"
    assert socket.use_ssl is False
    with pytest.raises(InvalidArgumentError, match="'wss' or 'ws', not 'http'"):
        socket.websocket_scheme = "http"
