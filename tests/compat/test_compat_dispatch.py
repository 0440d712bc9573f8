"""How events become calls of handlers (docs/contract.md, "Dispatch")."""

from __future__ import annotations

import asyncio
import functools
import gc
import logging
from collections.abc import Callable
from typing import Any

import pytest
from mezon.protobuf.api import api_pb2
from peer import Gateway, Inbox
from waiting import until

TYPING = "message_typing_event"


async def type_something(gateway: Gateway) -> None:
    await gateway.push(message_typing_event={"channel_id": 1})


async def test_defaults_come_first(gateway: Gateway, client: Any) -> None:
    """SDK defaults finish before user handlers start: channel, message and user are in the caches."""
    inbox = Inbox()

    def handler(message: Any) -> None:
        channel = client.channels.get(message.channel_id)
        inbox(
            (
                channel is not None,
                channel is not None and channel.messages.get(message.message_id) is not None,
                client.users.get(message.sender_id) is not None,
            )
        )

    client.on_channel_message(handler)
    await gateway.say("general", "alice", "hi")
    assert await inbox.next() == (True, True, True)


async def test_order_of_registration(gateway: Gateway, client: Any) -> None:
    """User handlers start in the order of registration."""
    order: list[int] = []
    inbox = Inbox()
    for number in range(5):
        client.on(TYPING, functools.partial(lambda n, _: order.append(n), number))
    client.on(TYPING, inbox)
    await type_something(gateway)
    await inbox.next()
    assert order == [0, 1, 2, 3, 4]


async def test_handlers_are_not_awaited(gateway: Gateway, client: Any) -> None:
    """User handlers are not awaited: one that hangs holds neither the others nor the next event."""
    inbox = Inbox()
    never = asyncio.Event()

    async def hangs(event: Any) -> None:
        await never.wait()

    client.on(TYPING, hangs)
    client.on(TYPING, inbox)
    await type_something(gateway)
    await type_something(gateway)
    await inbox.next()
    await inbox.next()
    never.set()


class Handlers:
    """Callables of every kind."""

    def __init__(self, inbox: Inbox) -> None:
        self.inbox = inbox

    def method(self, event: Any) -> None:
        self.inbox("method")

    async def async_method(self, event: Any) -> None:
        self.inbox("async method")

    def __call__(self, event: Any) -> None:
        self.inbox("object")


class AsyncCallable(Handlers):
    """An object whose call is a coroutine."""

    async def __call__(self, event: Any) -> None:
        self.inbox("async object")


@pytest.mark.parametrize("helper", ["on", "on_helper"])
@pytest.mark.parametrize(
    "kind",
    [
        "sync",
        "async",
        "lambda",
        "method",
        "async method",
        "object",
        "async object",
        "partial",
        "async lambda",
    ],
)
async def test_kinds_of_handlers(gateway: Gateway, client: Any, kind: str, helper: str) -> None:
    """Handlers may be sync, async, methods, or callable objects, also those that return an awaitable."""
    inbox = Inbox()

    def sync(event: Any) -> None:
        inbox("sync")

    async def asynchronous(event: Any) -> None:
        inbox(kind)

    handler: Callable[[Any], Any] = {
        "sync": sync,
        "async": asynchronous,
        "lambda": lambda event: inbox("lambda"),
        "method": Handlers(inbox).method,
        "async method": Handlers(inbox).async_method,
        "object": Handlers(inbox),
        "async object": AsyncCallable(inbox),
        "partial": functools.partial(asynchronous),
        "async lambda": lambda event: asynchronous(event),
    }[kind]
    if helper == "on":
        client.on("role_event", handler)
    else:
        client.on_role_event(handler)
    await gateway.push(role_event={"user_id": 1})
    assert await inbox.next() == kind


async def test_registration_before_login(gateway: Gateway, make_client: Callable[..., Any]) -> None:
    """Handlers may be registered before the login."""
    client, inbox = make_client(), Inbox()
    client.on(TYPING, inbox)
    client.on_channel_message(inbox)
    await client.login()
    await type_something(gateway)
    await gateway.say("general", "alice", "hi")
    await inbox.next()
    assert (await inbox.next()).content == {"t": "hi"}


async def test_registration_after_login(gateway: Gateway, client: Any) -> None:
    """Handlers may be registered after the login, and in a handler."""
    inbox = Inbox()

    def first(event: Any) -> None:
        client.on("voice_joined_event", inbox)
        inbox("registered")

    client.on(TYPING, first)
    await type_something(gateway)
    assert await inbox.next() == "registered"
    await gateway.push(voice_joined_event={"user_id": 5})
    assert (await inbox.next()).user_id == 5


async def test_registered_twice(gateway: Gateway, client: Any) -> None:
    """A handler that is registered twice is called twice."""
    calls: list[Any] = []
    inbox = Inbox()
    client.on(TYPING, calls.append)
    client.on(TYPING, calls.append)
    client.on(TYPING, inbox)
    await type_something(gateway)
    await inbox.next()
    assert len(calls) == 2


async def test_on_as_a_decorator(gateway: Gateway, client: Any) -> None:
    """client.on(event) is a decorator, and client.on(event, handler) returns the handler."""
    inbox = Inbox()
    assert client.on(TYPING, inbox) is inbox

    @client.on("voice_joined_event")
    def joined(event: Any) -> None:
        inbox(event)

    await gateway.push(voice_joined_event={"user_id": 5})
    assert (await inbox.next()).user_id == 5


async def test_off(gateway: Gateway, client: Any) -> None:
    """off(event, handler) works with the function that was registered, also by an on_* helper."""
    inbox, gone = Inbox(), Inbox()
    client.on_channel_message(gone)
    client.off("channel_message", gone)
    client.on_channel_message(inbox)
    await gateway.say("general", "alice", "hi")
    await inbox.next()
    assert gone.empty


async def test_off_all(gateway: Gateway, client: Any) -> None:
    """off(event) removes all handlers of the bot for it."""
    inbox, gone = Inbox(), Inbox()
    client.on_channel_message(gone)
    client.on_channel_message(gone)
    client.off("channel_message")
    client.on_channel_message(inbox)
    await gateway.say("general", "alice", "hi")
    await inbox.next()
    assert gone.empty


@pytest.mark.parametrize("way", ["client", "event_manager"])
async def test_off_keeps_effects(gateway: Gateway, client: Any, way: str) -> None:
    """off() never removes what the SDK does itself."""
    inbox = Inbox()
    (client if way == "client" else client.event_manager).off("channel_message")
    client.on(TYPING, inbox)
    message_id = await gateway.say("general", "alice", "hi")
    await type_something(gateway)
    await inbox.next()
    channel = client.channels.get(await gateway.channel_id("general"))
    assert channel is not None
    assert channel.messages.get(message_id) is not None


@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_errors_of_handlers(
    gateway: Gateway, client: Any, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    """An exception of a handler is logged with its traceback and stops nothing else."""
    inbox = Inbox()

    def sync(event: Any) -> None:
        raise RuntimeError("my own fault")

    async def asynchronous(event: Any) -> None:
        raise RuntimeError("my own fault")

    client.on(TYPING, sync if kind == "sync" else asynchronous)
    client.on(TYPING, inbox)
    with caplog.at_level(logging.ERROR, "mezon"):
        await type_something(gateway)
        await type_something(gateway)
        await inbox.next()
        await inbox.next()
        records = await until(lambda: [r for r in caplog.records if r.levelno == logging.ERROR])
    assert records[0].exc_info
    assert "my own fault" in str(records[0].exc_info[1])
    assert records[0].exc_info[2] is not None


@pytest.mark.parametrize("way", ["decorator", "attribute"])
@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_on_error(
    gateway: Gateway, client: Any, caplog: pytest.LogCaptureFixture, way: str, kind: str
) -> None:
    """Exceptions of handlers reach on_error, with the name of the event."""
    inbox = Inbox()

    async def reports(error: Exception, name: str) -> None:
        inbox((str(error), name))

    def fails(event: Any) -> None:
        raise RuntimeError("my own fault")

    async def fails_later(event: Any) -> None:
        fails(event)

    if way == "decorator":
        assert client.on_error(reports) is reports
    else:
        client.on_error = reports
    client.on(TYPING, fails if kind == "sync" else fails_later)
    await type_something(gateway)
    assert await inbox.next() == ("my own fault", TYPING)


async def test_a_failing_on_error(gateway: Gateway, client: Any, caplog: pytest.LogCaptureFixture) -> None:
    """A failing on_error stops nothing either."""
    inbox = Inbox()

    def fails(*args: Any) -> None:
        raise RuntimeError("again")

    client.on_error(fails)
    client.on(TYPING, fails)
    client.on(TYPING, inbox)
    await type_something(gateway)
    await inbox.next()
    await type_something(gateway)
    await inbox.next()


async def test_tasks_are_held(gateway: Gateway, client: Any) -> None:
    """The task of a handler is held by a strong reference until it is done."""
    inbox = Inbox()

    async def waits(event: Any) -> None:
        # Nobody but the SDK holds this task: what it waits for is held by it alone.
        future = asyncio.get_running_loop().create_future()
        inbox("started")
        asyncio.get_running_loop().call_later(0.05, future.set_result, None)
        await future
        inbox("done")

    client.on(TYPING, waits)
    await type_something(gateway)
    assert await inbox.next() == "started"
    gc.collect()
    assert await inbox.next() == "done"


async def test_order_in_a_channel(gateway: Gateway, client: Any) -> None:
    """For one channel, handlers start in wire order, also when its first message meets an unknown channel."""
    seen: list[str] = []
    inbox = Inbox()

    async def handler(message: Any) -> None:
        seen.append(message.content["t"])
        if len(seen) == 50:
            inbox("done")

    client.on_channel_message(handler)
    await gateway.call("http_delay", "ListChannelDescs", 0.2)
    await gateway.call("http_delay", "ListChannelDetail", 0.2)
    for number in range(50):
        await gateway.say("general", "alice" if number % 2 else "bob", str(number))
    await inbox.next(15)
    assert seen == [str(number) for number in range(50)]


async def test_channels_do_not_wait(gateway: Gateway, client: Any) -> None:
    """Channels do not wait for each other: a handler that is busy in one lets another channel's start."""
    inbox, never = Inbox(), asyncio.Event()
    general = await gateway.channel_id("general")

    async def handler(message: Any) -> None:
        if message.channel_id == general:
            await never.wait()
        inbox(message.channel_id)

    client.on_channel_message(handler)
    await gateway.say("general", "alice", "1")
    await gateway.say("random", "alice", "2")
    assert await inbox.next() == await gateway.channel_id("random")
    never.set()


async def test_own_messages_are_delivered(gateway: Gateway, client: Any) -> None:
    """The bot's own messages are delivered."""
    inbox = Inbox()
    client.on_channel_message(inbox)
    channel = await client.channels.fetch(await gateway.channel_id("general"))
    await channel.send({"t": "me"})
    message = await inbox.next()
    assert (message.sender_id, message.content["t"]) == (client.client_id, "me")


async def test_the_first_message_does_not_wait_for_http(gateway: Gateway, client: Any) -> None:
    """A handler never waits for HTTP: the first message of a clan starts its handlers while every call hangs."""
    inbox = Inbox()
    client.on_channel_message(inbox)
    clan = await gateway.call("world.add_clan", "Late")
    await gateway.call("world.add_channel", "late", "Late")
    await gateway.call("http_delay", "*", 30)
    await gateway.say("late", "alice", "hi")
    message = await inbox.next()
    channel = client.channels.get(message.channel_id)
    assert (channel.name, channel.clan.id, channel.category_name) == ("late", clan["id"], "TEXT CHANNELS")
    assert (channel.is_private, channel.channel_type) == (False, 1)
    await gateway.call("clear_faults")


async def test_a_clan_is_listed_once(gateway: Gateway, client: Any) -> None:
    """The channels of a clan are listed in the background, once, however many messages came first."""
    inbox = Inbox()
    client.on_channel_message(inbox)
    before = len(await gateway.requests("ListChannelDescs"))
    for name in ("general", "random", "general", "random", "general"):
        await gateway.say(name, "alice", "hi")
        await inbox.next()
    await gateway.wait_requests("ListChannelDescs", before + 1)
    await client.api_client.list_clans_descs(client.session_manager.get_session().token)
    assert len(await gateway.requests("ListChannelDescs")) == before + 1


async def test_forty_clans(gateway: Gateway, client: Any) -> None:
    """The first messages of forty clans reach their handlers at once, without any HTTP answer."""
    inbox = Inbox()
    client.on_channel_message(inbox)
    for number in range(40):
        await gateway.call("world.add_clan", f"clan-{number}")
        await gateway.call("world.add_channel", f"room-{number}", f"clan-{number}")
    await gateway.call("http_delay", "*", 30)
    for number in range(40):
        await gateway.say(f"room-{number}", "alice", str(number))
    assert [(await inbox.next()).content["t"] for _ in range(40)] == [str(number) for number in range(40)]
    await gateway.call("clear_faults")


async def test_a_channel_made_of_a_message_is_completed(gateway: Gateway, client: Any) -> None:
    """A TextChannel that was made of a message is the same object after the background refresh."""
    inbox = Inbox()
    client.on_channel_message(inbox)
    thread = await gateway.call("world.add_thread", "side", "general")
    await gateway.say(thread["id"], "alice", "hi")
    await inbox.next()
    channel = client.channels.get(thread["id"])
    assert channel.channel_type == 7
    await until(lambda: channel.parent_id == thread["parent_id"])
    assert client.channels.get(thread["id"]) is channel


async def test_max_concurrent_handlers(gateway: Gateway, make_client: Callable[..., Any]) -> None:
    """With max_concurrent_handlers no more handlers run at a time, and none is lost."""
    client = make_client(max_concurrent_handlers=3)
    running, most, inbox, go = 0, 0, Inbox(), asyncio.Event()

    async def handler(message: Any) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await go.wait()
        running -= 1
        inbox(message.content["t"])

    client.on_channel_message(handler)
    await client.login()
    for number in range(30):
        await gateway.say("general", "alice", str(number))
    await until(lambda: client.stats().frames_received >= 30)
    await until(lambda: running == 3)
    go.set()
    assert [await inbox.next() for _ in range(30)] == [str(number) for number in range(30)]
    assert most == 3


async def test_lifecycle(gateway: Gateway, make_client: Callable[..., Any]) -> None:
    """on_ready comes once after login, on_disconnect and on_reconnected when the connection goes and comes."""
    client = make_client()
    ready, lost, back, messages = Inbox(), Inbox(), Inbox(), Inbox()
    client.on_ready(ready)
    client.on_disconnect(lost)
    client.on_reconnected(back)
    client.on_channel_message(messages)
    await client.login()
    await ready.next()
    await gateway.call("drop")
    assert (await lost.next()).will_reconnect
    assert (await back.next(15)).seconds >= 0
    await gateway.say("general", "alice", "back again")
    assert (await messages.next()).content == {"t": "back again"}
    assert ready.empty


async def test_an_event_without_effect_and_listener(gateway: Gateway, client: Any) -> None:
    """Notifications nobody listens to cost nothing and break nothing."""
    inbox = Inbox()
    await gateway.push(notifications={"notifications": [api_pb2.Notification(id=1)]})
    client.on(TYPING, inbox)
    await type_something(gateway)
    await inbox.next()


async def test_ready_takes_the_client_or_nothing(gateway: Gateway, make_client: Callable[..., Any]) -> None:
    """A handler of on_ready takes the client, or nothing."""
    client, inbox = make_client(), Inbox()

    @client.on_ready
    def nothing() -> None:
        inbox("nothing")

    @client.on_ready
    async def nothing_async() -> None:
        inbox("nothing, async")

    client.on_ready(inbox)
    await client.login()
    assert {str(await inbox.next()) for _ in range(3)} == {"nothing", "nothing, async", str(client)}
