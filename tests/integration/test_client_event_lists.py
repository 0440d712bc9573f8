"""Consecutive events for batch handlers, which the core passes as lists: one Python call for each list."""

from __future__ import annotations

from typing import Any

import pytest
from client_types import Connect
from mezon import ChannelMessage, filters
from mezon._events.dispatcher import Dispatcher
from mezon.testing import LocalGateway
from waiting import until

COUNT = 200


@pytest.fixture
def together(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The lengths of the lists that the dispatcher received."""
    lengths: list[int] = []
    dispatch = Dispatcher.on_events

    def on_events(self: Dispatcher, name: str, events: list[Any]) -> None:
        lengths.append(len(events))
        dispatch(self, name, events)

    monkeypatch.setattr(Dispatcher, "on_events", on_events)
    return lengths


async def burst(gateway: LocalGateway) -> list[int]:
    blast = gateway.prepare_blast(COUNT, channels=1)
    await gateway.blast(blast)
    return list(range(blast.first_message_id, blast.last_message_id + 1))


async def test_lists_in_order_and_default_effects(
    gateway: LocalGateway, connect: Connect, together: list[int]
) -> None:
    client = await connect()
    lists: list[list[int]] = []
    client.on_batch(
        "channel_message", lambda events: lists.append([e.message_id for e in events]), max_size=16
    )
    said = await burst(gateway)
    await until(lambda: sum(map(len, lists)) >= COUNT - COUNT % 16, lambda: f"{lists}")
    await client.disconnect(drain=5)
    assert [one for part in lists for one in part] == said
    assert all(len(part) == 16 for part in lists[: COUNT // 16])
    assert sum(together) == COUNT
    assert max(together) > 1
    assert client.users.size


async def test_each_batch_handler_filters_for_itself(
    gateway: LocalGateway, connect: Connect, together: list[int]
) -> None:
    client = await connect()
    every: list[str] = []
    some: list[str] = []
    texts = lambda events: [event.content["t"] for event in events]  # noqa: E731
    client.on_batch("channel_message", lambda events: every.extend(texts(events)), max_size=1)
    client.on_batch(
        "channel_message", lambda events: some.extend(texts(events)), max_size=1, filter=filters.prefix("!")
    )
    for text in ("one", "!two", "three", "!four"):
        await gateway.say("general", "alice", text)
    await until(lambda: len(every) == 4)
    assert every == ["one", "!two", "three", "!four"]
    assert some == ["!two", "!four"]
    assert sum(together) == 4
    await client.disconnect()


async def test_another_handler_gets_its_events_one_by_one(
    gateway: LocalGateway, connect: Connect, together: list[int]
) -> None:
    client = await connect()
    lists: list[str] = []
    single: list[str] = []
    client.on_batch(
        "channel_message", lambda events: lists.extend(e.content["t"] for e in events), max_size=1
    )

    async def hear(message: ChannelMessage) -> None:
        single.append(message.content["t"])

    client.on_channel_message(hear)
    await gateway.say("general", "alice", "one")
    await until(lambda: bool(single))
    assert (lists, single, together) == (["one"], ["one"], [])
    client.off("channel_message", hear)
    await gateway.say("general", "alice", "two")
    await until(lambda: len(lists) == 2)
    assert (lists, single, together) == (["one", "two"], ["one"], [1])
    await client.disconnect()


async def test_handlers_that_change_after_a_drain_miss_nothing(
    gateway: LocalGateway, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list that was drained before another handler was registered is dispatched event by event."""
    lists: list[int] = []
    single: list[int] = []
    dispatch = Dispatcher.on_events

    def on_events(self: Dispatcher, name: str, events: list[Any]) -> None:
        if not single:
            client.on_channel_message(lambda event: single.append(event.message_id))
        dispatch(self, name, events)

    monkeypatch.setattr(Dispatcher, "on_events", on_events)
    client = await connect()
    client.on_batch("channel_message", lambda events: lists.extend(e.message_id for e in events), max_size=1)
    said = await burst(gateway)
    await until(lambda: len(single) == COUNT)
    assert single == lists == said
    await client.disconnect()
