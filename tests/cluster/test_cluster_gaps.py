"""Gap filling behind the relay: live messages do not wait for the history, and a worker learns what is not filled."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import Any

import pytest
from fast_clock import FastClock
from in_process_cluster import InProcess
from mezon import ChannelMessage, GapOptions, UnfilledGap, filters
from mezon._cluster.relay import ActiveRelay
from mezon._http import limiter
from mezon.testing import LocalGateway
from nats_servers import NatsServer, needs_nats
from waiting import until

pytestmark = needs_nats


async def test_live_messages_do_not_wait_and_unfilled_gaps_are_reported(
    gateway: LocalGateway, nats: NatsServer
) -> None:
    async with InProcess(gateway, nats, gap=GapOptions(timeout=0.05)) as machines:
        client = machines.client()
        heard: list[str] = []
        unfilled: list[UnfilledGap] = []

        @client.on_channel_message
        def note(message: ChannelMessage) -> None:
            heard.append(message.content["t"])

        client.on_gap_unfilled(unfilled.append)
        await client.login()
        await gateway.say("general", "alice", "before")
        await until(lambda: "before" in heard, "the first message")
        active = machines.relay._active
        assert active is not None
        api, opened = active.client.api_client, asyncio.Event()
        fetch = api.list_raw_channel_messages

        async def wait(*given: Any, **options: Any) -> Any:
            await opened.wait()
            return await fetch(*given, **options)

        api.list_raw_channel_messages = wait  # type: ignore[method-assign]
        back: list[object] = []
        active.client.on_reconnected(back.append)
        await gateway.stop()
        missed = await gateway.say("general", "alice", "missed")
        await gateway.start()
        await until(lambda: back, "the reconnect of the relay")
        await gateway.say("general", "alice", "live")
        await until(lambda: "live" in heard, "the live message")
        await until(lambda: unfilled, "the report")
        assert unfilled[0].channel_ids == (gateway.world.message(missed).channel_id,)
        assert not unfilled[0].final
        opened.set()
        await until(lambda: "missed" in heard, "the missed message")
        assert heard == ["before", "live", "missed"]


async def test_another_relay_loses_nothing_under_the_default_rate_limit(
    gateway: LocalGateway, nats: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock of the rate limit runs a hundred times faster."""
    monkeypatch.setattr(limiter, "_LoopClock", FastClock)
    settings: dict[str, Any] = {"http_rate": (1, 1.25), "gap": GapOptions(channels=1000, timeout=0.02)}
    clan = gateway.world.clan()
    channels = [gateway.world.add_channel(f"room {number}", clan) for number in range(60)]
    heard: list[tuple[int, str]] = []

    async def say(text: str) -> None:
        for channel in channels:
            await gateway.say(channel, "alice", text)

    def all_heard(text: str) -> bool:
        return sum(said == text for _, said in heard) >= len(channels)

    async with InProcess(gateway, nats, **settings) as machines:
        client = machines.client()
        client.on_channel_message(lambda message: heard.append((message.channel_id, message.content["t"])))
        await client.login()
        await say("before")
        await until(lambda: all_heard("before"), "a message of every channel")
        assert machines.task is not None
        machines.task.cancel()
        await asyncio.wait([machines.task])
        await say("missed")
        async with InProcess(gateway, nats, **settings):
            await say("live")
            await until(lambda: all_heard("live"), "the live messages")
            await until(lambda: all_heard("missed"), "the missed messages")
    assert Counter(heard) == {
        (channel.id, text): 1 for channel in channels for text in ("before", "missed", "live")
    }


@pytest.mark.parametrize("checkpoint", ["new", "of an earlier version"])
async def test_another_relay_fetches_the_first_message_of_a_channel(
    gateway: LocalGateway, nats: NatsServer, monkeypatch: pytest.MonkeyPatch, checkpoint: str
) -> None:
    """The checkpoint of an earlier version lacks the newest message; its channels show it."""
    if checkpoint != "new":
        written = ActiveRelay._checkpoint

        def without_newest(relay: ActiveRelay) -> bytes:
            known = json.loads(written(relay))
            del known["newest"]
            return json.dumps(known).encode()

        monkeypatch.setattr(ActiveRelay, "_checkpoint", without_newest)
    await gateway.say("random", "alice", "before the login")
    heard: list[str] = []
    async with InProcess(gateway, nats) as machines:
        client = machines.client()
        client.on_channel_message(lambda message: heard.append(message.content["t"]))
        await client.login()
        await gateway.say("general", "alice", "before")
        await until(lambda: heard == ["before"], "the first message")
        assert machines.task is not None
        machines.task.cancel()
        await asyncio.wait([machines.task])
        new = gateway.world.add_channel("new")
        await gateway.say(new, "alice", "missed")
        await gateway.say_dm("bob", "missed, direct")
        async with InProcess(gateway, nats) as others:
            await until(lambda: len(heard) == 3, lambda: f"the missed messages; {heard}")
            active = others.relay._active
            assert active is not None
            gaps = active.gaps
            assert gaps is not None
            await until(lambda: not gaps._newest_at_loss, "the end of the search")
            await gateway.say(new, "alice", "live")
            await until(lambda: "live" in heard, "the live message")
    assert sorted(heard) == ["before", "live", "missed", "missed, direct"]


async def test_a_message_that_no_worker_wants_was_not_missed(gateway: LocalGateway, nats: NatsServer) -> None:
    async with InProcess(gateway, nats) as machines:
        heard: list[str] = []
        client = machines.client(message_db=False)
        client.on_channel_message(
            lambda message: heard.append(message.content["t"]), filter=filters.prefix("!")
        )
        await client.login()
        await gateway.say("random", "alice", "filtered out")
        await gateway.say("general", "alice", "!before")
        await until(lambda: heard, "the first message")
        active = machines.relay._active
        assert active is not None
        gaps = active.gaps
        assert gaps is not None
        back: list[object] = []
        active.client.on_reconnected(back.append)
        await gateway.stop()
        await gateway.say_dm("bob", "!missed")
        await gateway.start()
        await until(lambda: back, "the reconnect of the relay")
        await until(lambda: not gaps._newest_at_loss, "the end of the search")
        await until(lambda: len(heard) == 2, "the missed message")
        assert heard == ["!before", "!missed"]
        assert gaps.filled == 1
