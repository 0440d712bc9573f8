"""When ``mezon chat`` sends the next line of a pipe: the handlers have ended, or wait for an event."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from mezon import MezonClient
from mezon.cli.activity import Activity
from mezon.testing import LocalGateway
from mezon.testing.bots import pointed_at
from patience import patient

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
async def gateway() -> AsyncIterator[LocalGateway]:
    """A started gateway."""
    async with LocalGateway() as gateway:
        yield gateway


def watched(gateway: LocalGateway, activity: Activity) -> MezonClient:
    """Return a client whose handlers are tracked."""
    with pointed_at(gateway.client_options(), activity.watch):
        return MezonClient("1", "key")


async def test_the_handlers_of_earlier_events_are_waited_for(gateway: LocalGateway) -> None:
    activity = Activity()
    client, ended = watched(gateway, activity), []

    @client.on_channel_message(ignore_self=True)
    async def answer(message: object) -> None:
        await asyncio.sleep(0.3)
        ended.append(message)

    await client.login()
    try:
        for number in range(5):
            await gateway.say("general", "alice", f"message {number}")
        assert await activity.settle(patient(20), patient(40)) == []
        assert len(ended) == 5
    finally:
        await client.disconnect()


async def test_a_handler_that_waits_for_an_event_is_settled(gateway: LocalGateway) -> None:
    activity = Activity()
    client, texts = watched(gateway, activity), []

    @client.on_channel_message(ignore_self=True)
    async def ask(message: object) -> None:
        if texts:
            return
        texts.append("question")
        texts.append((await client.wait_for("channel_message")).text)
        stream = client.stream("channel_message")
        while True:
            texts.append((await stream.next()).text)

    await client.login()
    try:
        for text in ("hi", "one", "two", "three"):
            await gateway.say("general", "alice", text)
            assert await activity.settle(patient(20), patient(40)) == []
        assert texts == ["question", "one", "two", "three"]
    finally:
        await client.disconnect()


async def test_a_handler_whose_event_has_just_been_dispatched_is_busy(
    gateway: LocalGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    activity = Activity()
    client, ended = watched(gateway, activity), []

    @client.on_channel_message(ignore_self=True)
    async def ask(message: object) -> None:
        await client.wait_for("channel_join")
        await asyncio.sleep(0.2)
        ended.append(message)

    await client.login()
    try:
        await gateway.say("general", "alice", "hi")
        assert await activity.settle(patient(20), patient(40)) == []
        assert not ended
        stats = client.stats

        def dispatch() -> object:
            # The event is dispatched in the iteration in which the queue is found to be empty.
            monkeypatch.setattr(client, "stats", stats)
            client.waiters.serve("channel_join", None)
            return stats()

        monkeypatch.setattr(client, "stats", dispatch)
        assert await activity.settle(patient(20), patient(40)) == []
        assert len(ended) == 1
    finally:
        await client.disconnect()


async def test_a_handler_that_does_not_end_is_named_once(gateway: LocalGateway) -> None:
    activity = Activity()
    client = watched(gateway, activity)

    @client.on_channel_message(ignore_self=True)
    async def endless(message: object) -> None:
        await asyncio.Event().wait()

    @client.on("ready")
    async def ready() -> None:
        await asyncio.Event().wait()

    await client.login()
    try:
        await gateway.say("general", "alice", "hi")
        name = endless.__qualname__
        assert await activity.settle(0.5, patient(20)) == [name]
        assert await activity.settle(patient(20), patient(20)) == []
    finally:
        await client.disconnect()


async def test_a_lost_connection_is_waited_for(gateway: LocalGateway) -> None:
    activity = Activity()
    client = watched(gateway, activity)
    await client.login()
    try:
        await gateway.drop()
        assert await activity.settle(patient(20), patient(40)) == []
        assert client.state == "ready"
    finally:
        await client.disconnect()
