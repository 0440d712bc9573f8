"""The stream against the local gateway."""

from __future__ import annotations

import asyncio
from typing import Any

from mezon._agents.stream import AgentEventStream
from mezon.errors import AuthenticationError
from mezon.testing import LocalGateway


async def test_events_reconnect_and_refusal(gateway: LocalGateway) -> None:
    received: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
    stream = AgentEventStream(
        gateway.url,
        gateway.bot_id,
        gateway.api_key,
        lambda name, payload: received.put_nowait((name, payload)),
        reconnect_delay=0.01,
        jitter=0,
    )
    await stream.start()
    assert (await received.get())[0] == "sse_open"
    sent = await gateway.agent_events.send("room_started")
    assert (await received.get())[0] == "sse_message"
    name, payload = await received.get()
    assert (name, payload.event_id) == ("session_started", sent["event_id"])
    await gateway.agent_events.end_all(abort=True)
    names = [(await received.get())[0] for _ in range(4)]
    assert names == ["sse_error", "sse_reconnecting", "sse_open", "sse_reconnected"]
    await stream.close()
    assert await received.get() == ("sse_close", None)

    refused = AgentEventStream(
        gateway.url, gateway.bot_id, "wrong", lambda name, payload: received.put_nowait((name, payload))
    )
    await refused.start()
    name, payload = await received.get()
    assert name == "sse_error"
    assert isinstance(payload, AuthenticationError)
    await refused.close()
