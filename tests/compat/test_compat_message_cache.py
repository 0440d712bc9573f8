"""``channel.messages.cache``: the messages themselves (docs/contract.md, "Objects")."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio
from peer import Gateway, Inbox


@pytest_asyncio.fixture
async def inbox(client: Any) -> Inbox:
    inbox = Inbox()
    client.on_channel_message(inbox)
    return inbox


async def hear(gateway: Gateway, inbox: Inbox, text: str) -> int:
    message = await gateway.say("general", "alice", text)
    assert (await inbox.next()).message_id == message
    return message


async def test_the_cache_shows_what_came(gateway: Gateway, client: Any, inbox: Inbox) -> None:
    """channel.messages.cache has the messages that came, without a use of channel.messages itself."""
    ids = [await hear(gateway, inbox, text) for text in ("one", "two", "three")]
    cache = (await client.channels.fetch(await gateway.channel_id("general"))).messages.cache
    assert [message.content["t"] for message in cache.values()] == ["one", "two", "three"]
    assert list(cache) == list(cache.keys()) == ids
    assert [(key, message.id) for key, message in cache.items()] == [(key, key) for key in ids]


@pytest.mark.parametrize(
    ("read", "value"),
    [
        pytest.param(lambda cache, ids: cache.size, lambda ids: 2, id="size"),
        pytest.param(lambda cache, ids: len(cache), lambda ids: 2, id="len"),
        pytest.param(lambda cache, ids: [one.id for one in cache.values()], lambda ids: ids, id="values"),
        pytest.param(lambda cache, ids: list(cache), lambda ids: ids, id="iter"),
        pytest.param(lambda cache, ids: list(cache.keys()), lambda ids: ids, id="keys"),
        pytest.param(lambda cache, ids: [key for key, _ in cache.items()], lambda ids: ids, id="items"),
        pytest.param(lambda cache, ids: cache.get(ids[1]).id, lambda ids: ids[1], id="get"),
        pytest.param(lambda cache, ids: ids[1] in cache, lambda ids: True, id="in"),
        pytest.param(lambda cache, ids: cache.map(lambda one: one.id), lambda ids: ids, id="map"),
        pytest.param(
            lambda cache, ids: list(cache.filter(lambda one: one.id == ids[1])),
            lambda ids: ids[1:],
            id="filter",
        ),
        pytest.param(lambda cache, ids: cache.delete(ids[1]), lambda ids: True, id="delete"),
    ],
)
async def test_a_held_cache_goes_on(
    gateway: Gateway, client: Any, inbox: Inbox, read: Any, value: Any
) -> None:
    """A cache that somebody holds shows what comes later, whichever way it is read first."""
    first = await hear(gateway, inbox, "one")
    cache = (await client.channels.fetch(await gateway.channel_id("general"))).messages.cache
    assert (cache.size, cache.first().id, cache.first_key()) == (1, first, first)
    ids = [first, await hear(gateway, inbox, "two")]
    assert read(cache, ids) == value(ids)


async def test_cleared_and_set(gateway: Gateway, client: Any, inbox: Inbox) -> None:
    """clear() and set() of the cache count for channel.messages."""
    first = await hear(gateway, inbox, "one")
    channel = await client.channels.fetch(await gateway.channel_id("general"))
    message = channel.messages.cache.get(first)
    channel.messages.cache.clear()
    assert channel.messages.size == 0
    channel.messages.cache.set(first, message)
    assert channel.messages.get(first) is message
    assert await channel.messages.fetch(first) is message
