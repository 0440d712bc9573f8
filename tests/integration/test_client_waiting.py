"""``client.wait_for`` and ``client.stream``."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from mezon import (
    ChannelMessage,
    ConnectionLostError,
    Events,
    InvalidArgumentError,
    MezonClient,
    MezonError,
    MezonTimeoutError,
)
from mezon._events import waiting
from mezon.testing import LocalGateway
from patience import patient
from small import logged_in
from waiting import until


def begin(awaitable: Any) -> asyncio.Future[Any]:
    return asyncio.ensure_future(awaitable)


async def test_a_waiter_is_served_before_handlers_and_needs_none(gateway: LocalGateway) -> None:
    client = await logged_in(gateway)
    assert client.stats().events.get("message_typing_event", 0) == 0
    waiter = begin(
        client.wait_for(Events.MESSAGE_TYPING_EVENT, lambda event: event.sender_username == "bob", 5)
    )
    await asyncio.sleep(0)
    await gateway.typing("general", "alice")
    await gateway.typing("general", "bob")
    event = await waiter
    assert event.sender_username == "bob"
    skipped = client.stats().skipped
    await gateway.typing("general", "bob")  # no waiter is left, so it is not decoded
    await until(lambda: client.stats().skipped != skipped)

    order: list[str] = []
    waiter = begin(client.wait_for("channel_message", lambda message: order.append("waiter") or True))
    client.on_channel_message(lambda message: order.append("handler"))
    await asyncio.sleep(0)
    await gateway.say("general", "alice", "hi")
    message: ChannelMessage = await waiter
    assert message.content == {"t": "hi"}
    assert order == ["waiter", "handler"]
    # The default effects run first.
    assert client.channels.get(message.channel_id) is not None
    await client.disconnect()


async def test_timeouts_and_checks_that_raise(gateway: LocalGateway) -> None:
    client = await logged_in(gateway)
    with pytest.raises(MezonTimeoutError, match=r"no matching channel_message arrived within 0\.01 s"):
        await client.wait_for(Events.CHANNEL_MESSAGE, timeout=0.01)
    for error in (ZeroDivisionError, TimeoutError):

        def check(message: ChannelMessage, error: type[Exception] = error) -> bool:
            raise error("mine")

        waiter = begin(client.wait_for("channel_message", check, timeout=5))
        await asyncio.sleep(0)
        await gateway.say("general", "alice", "hi")
        with pytest.raises(error, match="mine"):
            await waiter
    waiter = begin(client.wait_for("channel_message"))
    await asyncio.sleep(0)
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    assert not client.waiters.names
    with pytest.raises(InvalidArgumentError):
        await client.wait_for(5)  # type: ignore[call-overload]
    await client.disconnect()


@pytest.mark.parametrize("raised", [StopIteration, StopAsyncIteration, asyncio.CancelledError, GeneratorExit])
async def test_a_check_that_raises_a_control_flow_exception(
    gateway: LocalGateway, raised: type[BaseException]
) -> None:
    """It ends its own waiter with an error, and later waiters are served."""
    client = await logged_in(gateway)

    def check(message: ChannelMessage) -> bool:
        raise raised

    waiter = begin(client.wait_for("channel_message", check))
    stream = client.stream("channel_message", check)
    behind = begin(client.wait_for("channel_message"))
    await asyncio.sleep(0)
    await gateway.say("general", "alice", "hi")
    assert (await behind).content["t"] == "hi"
    for call in (waiter, anext(stream)):
        with pytest.raises(MezonError, match=f"the check .* raised {raised.__name__}") as caught:
            await asyncio.wait_for(call, patient(5))
        assert isinstance(caught.value.__cause__, raised)
    assert not client.waiters.names
    assert client.stats().handler_errors == 0
    await client.disconnect()


async def test_an_event_in_the_last_iteration_is_not_lost(gateway: LocalGateway) -> None:
    client = await logged_in(gateway)
    waiter = begin(client.wait_for("my_event", timeout=0.05))
    await asyncio.sleep(0)
    loop = asyncio.get_running_loop()
    # Both timers are due in the same iteration; the event's is first.
    loop.call_later(0.01, client.waiters.serve, "my_event", "it")
    loop.call_soon(time.sleep, 0.1)
    assert await waiter == "it"
    await client.disconnect()


async def test_arguments_are_validated_before_waiting(gateway: LocalGateway) -> None:
    client = await logged_in(gateway)

    async def check(message: ChannelMessage) -> bool:
        return False

    for ask in (client.wait_for, client.stream):
        with pytest.raises(InvalidArgumentError, match="it is not awaited"):
            await ask("channel_message", check)  # type: ignore[call-overload]
        with pytest.raises(InvalidArgumentError, match="pass a timeout as timeout="):
            await ask("channel_message", 5)  # type: ignore[call-overload]
    with pytest.raises(InvalidArgumentError, match="a number of seconds or None, not '7'"):
        await client.wait_for("channel_message", timeout="7")  # type: ignore[call-overload]
    with pytest.warns(UserWarning, match="nothing comes; did you mean 'channel_message'") as told:
        client.stream("chanel_message").close()
    assert told[0].filename == __file__
    assert not client.waiters.names
    await client.disconnect()


async def test_waiters_and_streams_end_with_the_client(gateway: LocalGateway) -> None:
    reported: list[Exception] = []
    client = MezonClient(**gateway.client_options())
    client.on_error(lambda error, name: reported.append(error))
    early = begin(client.wait_for("ready", timeout=5))
    await asyncio.sleep(0)
    await client.login()
    assert await early is client
    stream = client.stream("channel_message")
    reader = begin(anext(stream))
    waiter = begin(client.wait_for("channel_message", lambda message: False))

    @client.on_message_reaction
    async def handler(reaction: Any) -> None:
        await client.wait_for("notifications")

    await gateway.react(await gateway.say("general", "alice", "hi"), "bob", ":ok:")
    more = begin(client.wait_for("channel_message", lambda message: message.content["t"] == "more"))
    await asyncio.sleep(0)
    await gateway.say("general", "alice", "more")
    await more
    assert (await reader).content == {"t": "hi"}
    await until(lambda: client.stats().handlers != 0)
    await client.disconnect(drain=5)
    with pytest.raises(
        ConnectionLostError, match="stopped waiting for channel_message: the client was closed"
    ):
        await waiter
    assert [message.content async for message in stream] == [{"t": "more"}]
    assert reported == []
    await client.login()
    again = begin(client.wait_for("channel_message"))
    await asyncio.sleep(0)
    await gateway.say("general", "alice", "back")
    assert (await again).content == {"t": "back"}
    lost = begin(client.wait_for("channel_message"))
    await asyncio.sleep(0)
    await client.close_socket()
    with pytest.raises(ConnectionLostError):
        await lost
    await client.disconnect()


async def test_a_stream_buffers_events_within_a_bound(
    gateway: LocalGateway, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await logged_in(gateway)
    last = begin(client.wait_for("channel_message", lambda message: message.content["t"] == "9"))
    stream = client.stream(Events.CHANNEL_MESSAGE, lambda message: message.content["t"] != "5", limit=3)
    await asyncio.sleep(0)
    for number in range(10):
        await gateway.say("general", "alice", str(number))
    await last
    assert [(await anext(stream)).content["t"] for _ in range(3)] == ["7", "8", "9"]
    assert stream.dropped == 6
    assert "the oldest are dropped" in caplog.text

    reader = begin(anext(stream))
    await asyncio.sleep(0)
    with pytest.raises(MezonError, match="a stream has one reader at a time"):
        await anext(stream)
    stream.close()
    with pytest.raises(StopAsyncIteration):
        await reader
    async with client.stream("channel_message") as inner:
        assert client.waiters.names == {"channel_message"}
    assert [one async for one in inner] == []

    async def leave_early() -> None:
        async for _ in client.stream("channel_message"):
            break

    leaving = begin(leave_early())
    await asyncio.sleep(0)
    await gateway.say("general", "alice", "x")
    await leaving
    assert not client.waiters.names

    monkeypatch.setattr(waiting, "MAX_WAITERS", 2)
    held = [client.stream("channel_message") for _ in range(2)]
    with pytest.raises(MezonError, match="already 2 waiters"):
        client.stream("channel_message")
    with pytest.raises(InvalidArgumentError):
        client.stream("channel_message", limit=0)
    held[0].close()
    held.append(client.stream("channel_message"))
    await client.disconnect()
