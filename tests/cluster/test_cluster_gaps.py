"""Gap filling behind the relay: live messages do not wait for the history, and a worker learns what is not filled."""

from __future__ import annotations

import asyncio
from typing import Any

from in_process_cluster import InProcess
from mezon import ChannelMessage, GapOptions, UnfilledGap
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
