"""``client.on_batch``: one list per call, in order, bounded, and delivered before the client closes."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from mezon import InvalidArgumentError, MezonClient, filters
from patience import patient
from port_fakes import FakePorts, client_on, turns

TYPING = "message_typing_event"


@pytest_asyncio.fixture
async def ready(client: MezonClient) -> AsyncIterator[MezonClient]:
    await client.login()
    yield client


def come(ports: FakePorts, *events: Any) -> None:
    for event in events:
        ports.the_connection.event(TYPING, event)


async def test_full_lists_come_at_once_and_in_order(ports: FakePorts, ready: MezonClient) -> None:
    lists: list[list[int]] = []
    ready.on_batch(TYPING, lists.append, max_size=4, max_wait=3600)
    come(ports, *range(10))
    await turns()
    assert lists == [[0, 1, 2, 3], [4, 5, 6, 7]]
    await ready.disconnect()
    assert lists == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


async def test_the_first_event_waits_no_longer_than_it_may(ports: FakePorts, ready: MezonClient) -> None:
    came: asyncio.Future[list[int]] = asyncio.get_running_loop().create_future()
    ready.on_batch(TYPING, came.set_result, max_wait=0.001)
    come(ports, 1, 2)
    assert await asyncio.wait_for(came, patient(10)) == [1, 2]


async def test_one_list_at_a_time_and_the_connection_waits(ports: FakePorts, ready: MezonClient) -> None:
    lists: list[list[int]] = []
    gate = asyncio.Event()

    @ready.on_batch(TYPING, max_size=2, max_wait=0)
    async def handle(events: list[int]) -> None:
        lists.append(events)
        await gate.wait()

    come(ports, *range(100))
    await turns()
    assert lists == [[0, 1]]
    assert ready.stats().handlers == 1
    # Two are with the handler, 32 wait for it.
    assert len(ports.the_connection.waiting) == 100 - 2 - 32
    gate.set()
    for _ in range(400):
        await asyncio.sleep(0)
    assert [one for part in lists for one in part] == list(range(100))
    assert all(len(part) == 2 for part in lists)


@pytest.mark.parametrize("late", [False, True])
async def test_a_failure_costs_its_list_alone(ports: FakePorts, ready: MezonClient, late: bool) -> None:
    seen: list[list[int]] = []
    told: list[str] = []
    ready.on_error(lambda error, name: told.append(f"{name}: {error}"))

    @ready.on_batch(TYPING, max_size=2)
    async def handle(events: list[int]) -> None:
        if late:
            await asyncio.sleep(0)
        if events[0] == 2:
            raise ValueError("two")
        seen.append(events)

    come(ports, *range(6))
    await ready.disconnect(drain=5)
    assert seen == [[0, 1], [4, 5]]
    assert told == [f"{TYPING}: two"]


async def test_the_end_waits_for_lists_as_for_handlers(ports: FakePorts, ready: MezonClient) -> None:
    seen: list[int] = []

    @ready.on_batch(TYPING, max_size=3, max_wait=3600)
    async def handle(events: list[int]) -> None:
        await asyncio.sleep(0.001)
        seen.extend(events)

    come(ports, *range(8))
    await ready.disconnect(drain=5)
    assert seen == list(range(8))


async def test_a_list_is_freed_when_its_handler_returns(ports: FakePorts, ready: MezonClient) -> None:
    """Before the next events arrive: otherwise the garbage collector runs for each list."""

    class Event:
        pass

    handled: list[int] = []

    @ready.on_batch(TYPING, max_size=2)
    async def handle(events: list[Event]) -> None:
        handled.append(len(events))

    events = [Event(), Event()]
    alive = [weakref.ref(event) for event in events]
    come(ports, *events)
    events.clear()
    # The first step of the handler's task.
    await asyncio.sleep(0)
    assert handled == [2]
    assert [ref() for ref in alive] == [None, None]


async def test_off_and_a_filter(ports: FakePorts, ready: MezonClient) -> None:
    seen: list[str] = []

    def handle(messages: list[Any]) -> None:
        seen.extend(message.content["t"] for message in messages)

    ready.on_batch("channel_message", handle, max_size=2, max_wait=3600, filter=filters.prefix("!"))
    for text in ("!one", "two", "!three"):
        ports.the_connection.say(text)
    assert seen == ["!one", "!three"]
    ready.off("channel_message", handle)
    for text in ("!four", "!five"):
        ports.the_connection.say(text)
    await turns()
    assert seen == ["!one", "!three"]


async def test_what_cannot_be_is_refused(client: MezonClient) -> None:
    for wrong in ({"max_size": 0}, {"max_size": 1.5}, {"max_wait": -1}, {"max_wait": float("nan")}):
        with pytest.raises(InvalidArgumentError):
            client.on_batch(TYPING, print, **wrong)
    with pytest.raises(InvalidArgumentError, match="callable"):
        client.on_batch(TYPING, 5)  # type: ignore[type-var]
    with pytest.raises(InvalidArgumentError, match="one argument"):
        client.on_batch(TYPING, lambda: None)


async def test_a_second_client_can_be_made_of_the_same_ports(ports: FakePorts) -> None:
    """A batch belongs to a login and its loop: events of an earlier login are not delivered."""
    seen: list[list[int]] = []
    client = client_on(ports)
    client.on_batch(TYPING, seen.append, max_wait=3600)
    await client.login()
    come(ports, 1)
    await client.disconnect()
    await client.login()
    come(ports, 2)
    await client.disconnect()
    assert seen == [[1], [2]]
