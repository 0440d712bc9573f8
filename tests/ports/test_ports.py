"""A whole client on fakes of its three ports: what it needs from outside is in ``mezon.ports`` and nowhere else."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from mezon import Disconnect, Gap, MezonClient
from mezon.errors import AuthenticationError, ConnectionLostError, MezonError
from mezon.models import ChannelMessage
from mezon.models._outgoing import OutgoingMessage
from mezon.ports import HttpAnswer, SessionRefusedError
from port_fakes import ALICE, BOT, CLAN, GENERAL, FakePorts, client_on, turns


async def test_a_life(ports: FakePorts, client: MezonClient) -> None:
    connection, store, http = ports.the_connection, ports.the_store, ports.the_http
    said: list[str] = []

    @client.on_channel_message
    async def answer(message: ChannelMessage) -> None:
        said.append(message.content["t"])
        channel = await client.channels.fetch(message.channel_id)
        await channel.send("pong")

    assert client.state == "idle"
    await client.login()
    assert client.state == "ready"
    [(urls, auto_reconnect)] = connection.opened
    assert auto_reconnect
    assert urls[0].startswith("wss://sock.example/ws?")
    assert [value["clan_id"] for name, value in connection.calls if name == "clan_join"] == [0, CLAN]
    assert connection.wanted >= {"channel_message", "channel_created_event"}
    assert store.loop is asyncio.get_running_loop()

    connection.say("ping")
    await turns()
    assert said == ["ping"]
    [sent] = [value for name, value in connection.calls if name == "channel_message_send"]
    assert (sent["channel_id"], sent["content"]) == (GENERAL, '{"t":"pong"}')
    [stored] = store.messages.values()
    assert (stored.sender_id, stored.content) == (BOT, {"t": "pong"})
    # The channel's messages: what came by the connection, and what the bot has sent.
    channel = client.channels.get(GENERAL)
    assert channel is not None
    assert [message.content["t"] for message in channel.messages.values()] == ["ping", "pong"]
    user = client.users.get(ALICE)
    assert user is not None
    assert user.username == "alice"

    stats = client.stats()
    assert stats.frames_sent == len(connection.calls)
    assert stats.store == {"rows_written": 1}
    await client.disconnect()
    assert client.state == "closed"
    assert (store.closed, http.closed) == (1, 1)
    await client.wait_closed()


async def test_a_message_is_built_once_on_its_way_to_the_connection(
    ports: FakePorts, client: MezonClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[OutgoingMessage] = []
    init = OutgoingMessage.__init__

    def counted(self: OutgoingMessage, *args: Any, **kwargs: Any) -> None:
        built.append(self)
        init(self, *args, **kwargs)

    monkeypatch.setattr(OutgoingMessage, "__init__", counted)
    await client.login()
    channel = await client.channels.fetch(GENERAL)
    await channel.send("x")
    assert len(built) == 1
    assert [name for name, _ in ports.the_connection.calls].count("channel_message_send") == 1


async def test_the_servers_copy_is_not_stored_again(ports: FakePorts, client: MezonClient) -> None:
    await client.login()
    channel = await client.channels.fetch(GENERAL)
    asked: list[tuple[int, int]] = []

    def came(channel_id: int, message_id: int) -> bool:
        asked.append((channel_id, message_id))
        return True

    ports.the_store.came = came  # type: ignore[method-assign]
    ack = await channel.send("x")
    assert asked == [(GENERAL, ack.message_id)]
    assert ports.the_store.messages == {}


async def test_a_loss_and_the_way_back(ports: FakePorts, client: MezonClient) -> None:
    connection = ports.the_connection
    told: list[Any] = []
    client.on_disconnect(told.append)
    client.on_reconnected(told.append)
    await client.login()
    assert connection.listener is not None
    connection.calls.clear()

    connection.enter("backoff", "the line was cut")
    connection.enter("authenticating")
    url, *_ = await connection.listener.new_urls(1)
    assert url.startswith("wss://sock.example/ws?")
    assert [request.name for request in ports.the_http.requests].count("authenticate") == 2
    connection.enter("connecting")
    connection.enter("ready")
    connection.listener.on_reconnected(10.0, 12.5)
    await turns()
    assert told == [Disconnect("the line was cut", will_reconnect=True), Gap(10.0, 12.5)]
    assert [request.name for request in ports.the_http.requests].count("ListClanDescs") == 2


async def test_attempts_are_counted_however_long_an_outage_lasts(
    ports: FakePorts, client: MezonClient, caplog: pytest.LogCaptureFixture
) -> None:
    """Half a day of them: two to the power of that is no number of seconds any more."""
    connection = ports.the_connection
    await client.login()
    for _ in range(1100):
        connection.enter("backoff", "nobody there")
    said = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert said[-1] == "Reconnect attempt 1099 failed: nobody there. The next one follows within 60 s"
    assert len(said) == 1100


async def test_credentials_that_are_refused_end_the_attempts(ports: FakePorts, client: MezonClient) -> None:
    connection = ports.the_connection
    await client.login()
    assert connection.listener is not None
    ports.the_http.answers["authenticate"] = HttpAnswer(401)
    connection.enter("backoff", "lost")
    with pytest.raises(SessionRefusedError):
        await connection.listener.new_urls(1)
    connection.enter("closed", "refused")
    with pytest.raises(AuthenticationError):
        await client.wait_closed()


async def test_trouble_with_a_new_session_is_tried_again(ports: FakePorts, client: MezonClient) -> None:
    connection = ports.the_connection
    await client.login()
    assert connection.listener is not None
    ports.the_http.answers["authenticate"] = HttpAnswer(500)
    connection.enter("backoff", "lost")
    with pytest.raises(MezonError) as caught:
        await connection.listener.new_urls(1)
    assert not isinstance(caught.value, SessionRefusedError)
    connection.enter("closed", "given up")
    with pytest.raises(ConnectionLostError, match="given up"):
        await client.wait_closed()


async def test_interest_is_told_while_it_changes(ports: FakePorts, client: MezonClient) -> None:
    wanted = ports.the_connection.wanted
    await client.login()
    assert "message_typing_event" not in wanted
    client.on("message_typing_event", print)
    assert "message_typing_event" in wanted
    client.off("message_typing_event", print)
    assert "message_typing_event" not in wanted
    client.off("channel_message")
    assert "channel_message" in wanted  # the caches live on it


async def test_gaps_are_filled_over_the_ports(ports: FakePorts) -> None:
    from mezon.protobuf.api import api_pb2

    client, connection = client_on(ports, fill_gaps=True), ports.the_connection
    said: list[str] = []
    client.on_channel_message(lambda message: said.append(message.content["t"]))
    await client.login()
    connection.say("one", message_id=1)
    assert connection.listener is not None
    connection.enter("backoff", "lost")
    connection.enter("joining")
    connection.enter("ready")
    missed = api_pb2.ChannelMessage(message_id=2, channel_id=GENERAL, clan_id=CLAN, content='{"t":"two"}')
    page = api_pb2.ChannelMessageList(messages=[missed])
    ports.the_http.answers["ListChannelMessages"] = HttpAnswer(
        200, "OK", {"Content-Type": "application/x-protobuf"}, page.SerializeToString()
    )
    connection.say("three", message_id=3)
    connection.listener.on_reconnected(1.0, 2.0)
    await turns(50)
    assert said == ["one", "two", "three"]
    assert (GENERAL, 2) in ports.the_store.messages
    assert client.stats().gap_filled == 1
    await client.disconnect()


async def test_errors_of_the_store_reach_on_error(ports: FakePorts, client: MezonClient) -> None:
    told: list[tuple[str, str]] = []

    @client.on_error
    async def tell(error: Exception, name: str) -> None:
        told.append((str(error), name))

    await client.login()
    assert ports.the_store.on_error is not None
    ports.the_store.on_error(OSError("disk full"))
    await turns()
    assert told == [("disk full", "message_db")]
