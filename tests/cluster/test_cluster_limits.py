"""What is larger than a message of NATS may be: an answer arrives in parts, a call is refused at once."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from in_process_cluster import InProcess
from mezon.errors import InvalidArgumentError
from mezon.testing import LocalGateway
from nats_servers import NatsServer, nats_server, needs_nats

pytestmark = [needs_nats, pytest.mark.timeout(120)]

#: Bytes: small, so that the lists of a test are large.
LIMIT = 16 * 1024


@pytest.fixture
async def small_nats() -> AsyncIterator[NatsServer]:
    """A server that carries 16 KiB in a message."""
    async with nats_server(f"max_payload: {LIMIT}") as server:
        yield server


async def test_an_answer_larger_than_a_message_arrives(gateway: LocalGateway, small_nats: NatsServer) -> None:
    clan = gateway.world.clan()
    made = {
        gateway.world.add_channel(f"a channel with a long name {number}", clan).id for number in range(600)
    }
    async with InProcess(gateway, small_nats) as machines:
        client = machines.client()
        await client.login()
        answer = await client.rpc("ListChannelDescs", {"clan_id": clan.id, "channel_type": 1, "limit": 1000})
        assert len(answer.SerializeToString()) > LIMIT
        assert made <= {channel.channel_id for channel in answer.channeldesc}
        assert machines.relay.reconnects == 0, "the server closed the connection of the relay"


async def test_a_call_larger_than_a_message_is_refused_at_once(
    gateway: LocalGateway, small_nats: NatsServer
) -> None:
    async with InProcess(gateway, small_nats) as machines:
        client = machines.client(timeout=600_000)
        await client.login()
        channel = await client.channels.fetch(gateway.world.channel("general").id)
        with pytest.raises(InvalidArgumentError, match=f"{LIMIT} in one message .max_payload"):
            await channel.send("x" * LIMIT)
        # The client of NATS does not count the headers; the server does, and would hang up.
        with pytest.raises(InvalidArgumentError, match="max_payload"):
            await channel.send("x" * (LIMIT - 140))
        # Of what fits by little, the row of the store is what is too large.
        await channel.send("y" * (LIMIT - 300))
        await channel.send("short")
        sent = [sent.text for sent in gateway.sent if sent.kind == "channel_message_send"]
        assert [text[:5] for text in sent] == ["yyyyy", "short"]
        assert machines.relay.reconnects == 0
