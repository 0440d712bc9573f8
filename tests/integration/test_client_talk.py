"""Login, receiving, sending, and answers of the server, good and bad."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from bot_process import quiet_options
from client_types import Connect
from mezon import MezonClient
from mezon.errors import (
    AuthenticationError,
    DeliveryUnknownError,
    MezonConnectionError,
    MezonTimeoutError,
    ServerError,
)
from mezon.models import ChannelMessage, ChannelMessageContent
from mezon.protobuf.rtapi import realtime_pb2
from mezon.testing import LocalGateway
from patience import patient
from waiting import until

SEND = "channel_message_send"


class Ear:
    """A handler that records its messages."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[ChannelMessage] = asyncio.Queue()

    async def __call__(self, message: ChannelMessage) -> None:
        self.heard.put_nowait(message)

    async def next(self) -> ChannelMessage:
        return await asyncio.wait_for(self.heard.get(), patient(5))


async def test_login(gateway: LocalGateway, connect: Connect) -> None:
    client = await connect()
    assert client.state == "ready"
    assert gateway.connections.live == 1
    await gateway.wait_joined()
    assert await client.socket_manager.is_connected()
    assert client.clans.get(gateway.world.clan().id) is not None
    names = [request.name for request in gateway.requests]
    assert names[0] == "/v2/apps/authenticate/token"
    assert [handshake.accepted for handshake in gateway.handshakes] == [True]


async def test_a_second_login_does_nothing(gateway: LocalGateway, connect: Connect) -> None:
    client = await connect()
    await client.login()
    assert gateway.connections.total == 1


async def test_logins_at_the_same_time_are_one(gateway: LocalGateway) -> None:
    client = MezonClient(**quiet_options(gateway))
    await asyncio.gather(client.login(), client.login(), client.login())
    assert gateway.connections.total == 1
    await client.disconnect()


async def test_a_login_that_is_given_up_leaves_the_others_theirs(gateway: LocalGateway) -> None:
    """Two tasks wait for one login. The one that started it is cancelled, and the other is still logged in."""
    gateway.http_delay("*", 0.2)
    client = MezonClient(**quiet_options(gateway))
    logins = [asyncio.ensure_future(client.login()) for _ in range(3)]
    await until(lambda: client.session_manager is not None or bool(gateway.requests))
    logins[0].cancel()
    outcomes = await asyncio.gather(*logins, return_exceptions=True)
    assert isinstance(outcomes[0], asyncio.CancelledError)
    assert outcomes[1:] == [None, None]
    assert client.state == "ready"
    await client.disconnect()
    assert gateway.connections.total <= 2


async def test_wrong_key(gateway: LocalGateway, caplog: pytest.LogCaptureFixture) -> None:
    client = MezonClient(**{**quiet_options(gateway), "api_key": "wrong-key-nobody-shall-see"})
    with pytest.raises(AuthenticationError) as error:
        await client.login()
    assert "wrong-key" not in str(error.value) + caplog.text
    assert gateway.connections.total == 0
    await client.disconnect()


async def test_a_closed_port(gateway: LocalGateway) -> None:
    await gateway.stop()
    client = MezonClient(**quiet_options(gateway), timeout=300)
    with pytest.raises(MezonConnectionError):
        await client.login()
    await client.disconnect()


async def test_the_first_message_of_a_channel_waits_for_no_http(
    gateway: LocalGateway, connect: Connect
) -> None:
    ear = Ear()
    client = await connect(ear)
    gateway.http_delay("*", 30.0)
    await gateway.say("general", "alice", "first")
    message = await ear.next()
    assert (message.content, message.username) == ({"t": "first"}, "alice")
    channel = client.channels.get(message.channel_id)
    assert channel is not None
    assert channel.id == gateway.world.channel("general").id
    assert client.users.get(message.sender_id) is not None
    assert channel.messages.get(message.message_id) is not None


async def test_every_part_of_a_message_arrives(gateway: LocalGateway, connect: Connect) -> None:
    ear = Ear()
    await connect(ear)
    first = await gateway.say("general", "alice", "Chào 🎉")
    await gateway.say(
        "general",
        "bob",
        {"t": "see @chi", "embed": [{"title": "x"}]},
        mentions=["chi"],
        reply_to=first,
        attachments=["https://cdn.example/a.png"],
        topic_id=77,
    )
    assert (await ear.next()).content == {"t": "Chào 🎉"}
    second = await ear.next()
    assert second.content == {"t": "see @chi", "embed": [{"title": "x"}]}
    assert [m.username for m in second.mentions or []] == ["chi"]
    assert [(m.s, m.e) for m in second.mentions or []] == [(4, 8)]
    assert [r.message_ref_id for r in second.references or []] == [first]
    assert [a.url for a in second.attachments or []] == ["https://cdn.example/a.png"]
    assert second.topic_id == 77


async def test_ten_thousand_messages_in_order(gateway: LocalGateway, connect: Connect) -> None:
    seen: dict[int, list[int]] = {}
    total = 0
    done = asyncio.Event()

    async def note(message: ChannelMessage) -> None:
        nonlocal total
        seen.setdefault(message.channel_id, []).append(int(message.content["t"].split()[2]))
        total += 1
        if total == 10_000:
            done.set()

    client = await connect(note)
    blast = gateway.prepare_blast(10_000)
    await gateway.blast(blast)
    await asyncio.wait_for(done.wait(), patient(45))
    assert {channel: len(numbers) for channel, numbers in seen.items()} == blast.per_channel
    assert all(numbers == list(range(len(numbers))) for numbers in seen.values())
    stats = client.stats()
    assert stats.events["channel_message"] == 10_000
    assert (stats.malformed, stats.reconnects, stats.handler_errors) == (0, 0, 0)


async def test_send_and_ack(gateway: LocalGateway, connect: Connect) -> None:
    client = await connect()
    channel = await client.channels.fetch(gateway.world.channel("general").id)
    ack = await channel.send(ChannelMessageContent(t="Xin chào 🎉"))
    sent = await gateway.next_sent(SEND)
    assert sent.text == "Xin chào 🎉"
    assert sent.message.content == '{"t":"Xin chào 🎉"}'
    assert ack.message_id == gateway.world.messages("general")[-1].message_id
    assert (await channel.messages.fetch(ack.message_id)).id == ack.message_id


async def test_many_sends_at_once_each_get_their_own_ack(gateway: LocalGateway, connect: Connect) -> None:
    client = await connect()
    channel = await client.channels.fetch(gateway.world.channel("general").id)
    acks = await asyncio.gather(*(channel.send(f"number {number}") for number in range(60)))
    texts = {message.message_id: message.content for message in gateway.world.messages("general")}
    assert [texts[ack.message_id] for ack in acks] == [f'{{"t":"number {n}"}}' for n in range(60)]


async def test_error_answer(gateway: LocalGateway, connect: Connect) -> None:
    client = await connect()
    channel = await client.channels.fetch(gateway.world.channel("general").id)
    gateway.answer_with_error(SEND, 7, "the function raised", context={"why": "a test"})
    with pytest.raises(ServerError, match="the function raised") as error:
        await channel.send("hello")
    assert (error.value.code, error.value.message, error.value.context) == (
        7,
        "the function raised",
        {"why": "a test"},
    )
    await channel.send("again")
    assert client.state == "ready"


async def test_must_join_is_answered_with_a_join(gateway_factory: Any) -> None:
    gateway = await gateway_factory(require_join=True)
    gateway.world.add_channel("hidden", private=True)
    client = MezonClient(**quiet_options(gateway))
    await client.login()
    try:
        channel = await client.channels.fetch(gateway.world.channel("hidden").id)
        await channel.send("hello")
        kinds = [sent.kind for sent in gateway.sent if sent.kind in (SEND, "channel_join")]
        assert kinds[-1] == SEND
        assert "channel_join" in kinds
        assert len(gateway.world.messages("hidden")) == 1
    finally:
        await client.disconnect()


async def test_timeout(gateway: LocalGateway, connect: Connect) -> None:
    client = await connect(timeout=60_000)
    channel = await client.channels.fetch(gateway.world.channel("general").id)
    # The login had all the time it needs.
    assert client.socket_manager.socket.send_timeout_ms == 60_000
    client.socket_manager.socket.send_timeout_ms = 300
    gateway.silence(SEND, times=1)
    with pytest.raises(MezonTimeoutError) as error:
        await channel.send("into the void")
    assert isinstance(error.value, TimeoutError)
    client.socket_manager.socket.send_timeout_ms = 60_000
    await channel.send("heard")
    assert client.stats().pending == 0


async def test_a_late_answer_is_ignored(gateway: LocalGateway, connect: Connect) -> None:
    client = await connect()
    channel = await client.channels.fetch(gateway.world.channel("general").id)
    gateway.delay(SEND, 0.3, times=1)
    socket = client.socket_manager.socket
    socket.send_timeout_ms = 100
    with pytest.raises(MezonTimeoutError):
        await channel.send("slow")
    socket.send_timeout_ms = socket.DEFAULT_SEND_TIMEOUT_MS
    await until(lambda: len(gateway.world.messages("general")) == 1)
    await until(lambda: client.stats().unclaimed >= 1)
    await channel.send("quick")
    assert client.state == "ready"


async def test_cancellation(gateway: LocalGateway, connect: Connect) -> None:
    client = await connect()
    channel = await client.channels.fetch(gateway.world.channel("general").id)
    gateway.silence(SEND, times=1)
    task = asyncio.ensure_future(channel.send("never mind"))
    await gateway.next_sent(SEND)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    # The core's thread removes it.
    await until(lambda: client.stats().pending == 0)
    await channel.send("still here")


async def test_a_send_fails_at_once_when_its_connection_is_lost(
    gateway: LocalGateway, connect: Connect
) -> None:
    client = await connect(timeout=60_000)
    channel = await client.channels.fetch(gateway.world.channel("general").id)
    gateway.silence(SEND)
    task = asyncio.ensure_future(channel.send("lost?"))
    await gateway.next_sent(SEND)
    await gateway.drop()
    with pytest.raises(DeliveryUnknownError) as error:
        await asyncio.wait_for(task, patient(5))
    assert isinstance(error.value, ConnectionError)


async def test_reply(gateway: LocalGateway, connect: Connect) -> None:
    ear = Ear()
    client = await connect(ear)
    asked = await gateway.say("general", "alice", "ready?", topic_id=9)
    heard = await ear.next()
    channel = await client.channels.fetch(heard.channel_id)
    message = await channel.messages.fetch(heard.message_id)
    await message.reply("yes")
    sent = await gateway.next_sent(SEND)
    [reference] = sent.message.references
    assert sent.text == "yes"
    assert (reference.message_ref_id, reference.message_sender_id) == (asked, gateway.world.user("alice").id)
    assert reference.content == '{"t":"ready?"}'
    assert sent.message.topic_id == 9


async def test_direct_message(gateway: LocalGateway, connect: Connect) -> None:
    ear = Ear()
    client = await connect(ear)
    user = await client.users.fetch(gateway.world.user("bob").id)
    await user.send_dm_message(ChannelMessageContent(t="psst"))
    sent = await gateway.next_sent(SEND)
    assert (sent.text, sent.channel_id) == ("psst", gateway.world.dm("bob").id)
    own = await ear.next()
    assert own.sender_id == client.client_id
    await gateway.say_dm("bob", "what?")
    heard = await ear.next()
    assert (heard.content, heard.mode, heard.clan_id) == ({"t": "what?"}, 4, 0)


async def test_handlers_of_other_events(gateway: LocalGateway, connect: Connect) -> None:
    client = await connect()
    got: asyncio.Queue[Any] = asyncio.Queue()

    @client.on("message_typing_event")
    def typing(event: Any) -> None:
        got.put_nowait(event)

    @client.on("message_reaction_event")
    async def reaction(event: Any) -> None:
        got.put_nowait(event)

    await gateway.typing("general", "alice")
    event = await asyncio.wait_for(got.get(), patient(5))
    assert (type(event).__name__, event.sender_id) == ("MessageTypingEvent", gateway.world.user("alice").id)
    said = await gateway.say("general", "alice", "react to me")
    await gateway.react(said, "bob", "👍")
    event = await asyncio.wait_for(got.get(), patient(5))
    assert event.emoji == "👍"
    assert event.DESCRIPTOR.full_name == "mezon.api.MessageReaction"


async def test_an_error_of_a_handler_does_not_affect_others(
    gateway: LocalGateway, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    ear = Ear()
    reported: list[tuple[Exception, str]] = []

    async def broken(message: ChannelMessage) -> None:
        raise RuntimeError("the bot's own trouble")

    def broken_at_once(message: ChannelMessage) -> None:
        raise LookupError("at once")

    client = await connect(broken)
    client.on_error(lambda error, name: reported.append((error, name)))
    client.on_channel_message(broken_at_once)
    client.on_channel_message(ear)
    await gateway.say("general", "alice", "one")
    await gateway.say("general", "alice", "two")
    assert [(await ear.next()).content["t"] for _ in range(2)] == ["one", "two"]
    await until(lambda: client.stats().handler_errors == 4)
    assert {type(error) for error, _ in reported} == {RuntimeError, LookupError}
    assert {name for _, name in reported} == {"channel_message"}
    assert "Traceback" in caplog.text


async def test_events_without_handlers_are_counted_and_dropped(
    gateway: LocalGateway, connect: Connect
) -> None:
    ear = Ear()
    client = await connect(ear)
    await gateway.blast(500, mix="typing")
    await gateway.say("general", "alice", "end")
    await ear.next()
    stats = client.stats()
    assert stats.events["message_typing_event"] == 500
    assert stats.skipped >= 500


async def test_an_event_of_a_later_schema_is_skipped(gateway: LocalGateway, connect: Connect) -> None:
    ear = Ear()
    client = await connect(ear)
    # Field 190, a message; protobuf skips unknown fields.
    await gateway.push_raw(b"\xf2\x0b\x02\x08\x01")
    await gateway.push(realtime_pb2.Envelope())
    await gateway.say("general", "alice", "after")
    assert (await ear.next()).content == {"t": "after"}
    assert client.stats().malformed == 0
