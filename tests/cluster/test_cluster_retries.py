"""Handlers that raise are called again, and their event becomes a dead letter after the last attempt."""

from __future__ import annotations

import pytest
from in_process_cluster import InProcess
from mezon import ChannelMessage
from mezon._cluster.broker import connect, disconnect
from mezon._cluster.dead_letters import DeadEvent, dead_events
from mezon._cluster.settings import Layout
from mezon.errors import InvalidArgumentError, ServerError
from mezon.testing import LocalGateway
from nats_servers import NatsServer, needs_nats
from test_cluster_faults import answers
from waiting import until

pytestmark = [needs_nats, pytest.mark.timeout(120)]

RETRY = {"attempts": 3, "retry_delay": 0.01}


async def dead(machines: InProcess) -> list[DeadEvent]:
    client = await connect(machines.broker)
    try:
        return await dead_events(client, machines.relay.names)
    finally:
        await disconnect(client)


async def test_a_handler_that_succeeds_later_has_answered_once(
    gateway: LocalGateway, nats: NatsServer
) -> None:
    attempts: list[str] = []
    async with InProcess(gateway, nats, layout=RETRY) as machines:
        client = machines.client()

        @client.on_channel_message
        async def handle(message: ChannelMessage) -> None:
            if message.sender_id == client.client_id:
                return
            attempts.append("attempt")
            await message.reply("once")
            if len(attempts) < 3:
                raise ValueError("not yet")
            await message.reply("done")

        await client.login()
        await gateway.say("general", "alice", "hello")
        await until(lambda: answers(gateway) == {"once": 1, "done": 1}, lambda: f"{answers(gateway)}")
        assert len(attempts) == 3
        assert await dead(machines) == []


@pytest.mark.parametrize("asynchronous", [True, False])
async def test_the_event_is_dead_after_the_last_attempt(
    gateway: LocalGateway, nats: NatsServer, asynchronous: bool
) -> None:
    attempts: list[str] = []

    def fail(text: str) -> None:
        attempts.append(text)
        if text == "bad":
            raise ValueError("a text that belongs to the user")

    async with InProcess(gateway, nats, layout=RETRY) as machines:
        client = machines.client()
        if asynchronous:

            @client.on_channel_message
            async def handle(message: ChannelMessage) -> None:
                fail(message.content["t"])

        else:

            @client.on_channel_message
            def handle_at_once(message: ChannelMessage) -> None:
                fail(message.content["t"])

        await client.login()
        await gateway.say("general", "alice", "bad")
        await until(lambda: len(attempts) == 3, lambda: f"{attempts}")
        found: list[DeadEvent] = []

        async def is_dead() -> bool:
            found[:] = await dead(machines)
            return bool(found)

        while not await is_dead():
            pass
        await gateway.say("general", "alice", "good")
        await until(lambda: attempts[-1] == "good", lambda: f"{attempts}")
        assert attempts == ["bad", "bad", "bad", "good"]
        assert len(found) == 1
        assert "raised ValueError in each of 3 attempts" in found[0].reason
        assert "belongs" not in found[0].reason


async def test_without_retries_the_event_counts_as_handled(gateway: LocalGateway, nats: NatsServer) -> None:
    attempts: list[str] = []
    async with InProcess(gateway, nats) as machines:
        client = machines.client()

        @client.on_channel_message
        async def handle(message: ChannelMessage) -> None:
            attempts.append(message.content["t"])
            if message.content["t"] == "bad":
                raise ValueError

        await client.login()
        await gateway.say("general", "alice", "bad")
        await gateway.say("general", "alice", "good")
        await until(lambda: attempts == ["bad", "good"], lambda: f"{attempts}")
        assert await dead(machines) == []


async def test_a_refused_call_is_made_again(gateway: LocalGateway, nats: NatsServer) -> None:
    """The cached refusal of the first attempt is not the answer of the second one."""
    refused: list[ServerError] = []
    sent: list[str] = []
    async with InProcess(gateway, nats, layout=RETRY) as machines:
        client = machines.client()

        @client.on_channel_message
        async def handle(message: ChannelMessage) -> None:
            if message.sender_id == client.client_id:
                return
            try:
                await message.reply("again")
            except ServerError as error:
                refused.append(error)
                raise
            sent.append("again")

        await client.login()
        gateway.answer_with_error("channel_message_send", 13)
        await gateway.say("general", "alice", "hello")
        await until(lambda: sent == ["again"], lambda: f"{refused} {sent}")
        assert len(refused) == 1


@pytest.mark.parametrize("setting", [{"attempts": 0}, {"retry_delay": -1.0}, {"retry_delay": float("nan")}])
def test_wrong_settings_are_refused(setting: dict[str, float]) -> None:
    with pytest.raises(InvalidArgumentError, match=next(iter(setting))):
        Layout(**setting)  # type: ignore[arg-type]
