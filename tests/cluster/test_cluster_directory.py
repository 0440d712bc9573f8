"""What workers know without asking Mezon: the listings of a login, and channels and users that others have seen."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest
from in_process_cluster import InProcess
from mezon import ChannelMessage, MezonClient
from mezon.protobuf.rtapi import realtime_pb2
from mezon.testing import LocalGateway
from nats_servers import NatsServer, nats_server, needs_nats, relay_process, worker_process
from waiting import until

pytestmark = [needs_nats, pytest.mark.timeout(180)]


def requests(gateway: LocalGateway) -> list[str]:
    """The names of the HTTP requests that were made."""
    return [request.name for request in gateway.requests]


async def test_workers_start_without_http_calls(
    gateway: LocalGateway, nats: NatsServer, bot: Path, ledger: Path
) -> None:
    environment = {"BOT_ID": str(gateway.bot_id), "LEDGER": str(ledger)}
    async with (
        relay_process(gateway.client_options(), nats.url) as relay,
        contextlib.AsyncExitStack() as stack,
    ):
        await relay.ready()
        before = requests(gateway)
        workers = [
            await stack.enter_async_context(worker_process(bot, nats.url, environment)) for _ in range(4)
        ]
        await asyncio.gather(*(worker.ready() for worker in workers))
        await gateway.say("general", "alice", "?here")
        assert (await gateway.next_sent("channel_message_send", timeout=20)).text == "!here"
        # Each worker wants the channels of the clan with its first message: the relay asks once.
        assert requests(gateway)[len(before) :].count("ListChannelDescs") <= 1
        assert set(requests(gateway)[len(before) :]) <= {"ListChannelDescs"}


async def test_sixteen_workers_at_once_start_without_http_calls(
    gateway: LocalGateway, nats: NatsServer
) -> None:
    async with InProcess(gateway, nats, layout={"partitions": 16}) as machines:
        before = len(gateway.requests)
        clients = [machines.client() for _ in range(16)]
        await asyncio.gather(*(client.login() for client in clients))
        assert gateway.requests[before:] == []
        assert all(gateway.world.clan().id in client.clans for client in clients)


async def two_workers(machines: InProcess) -> list[MezonClient]:
    clients = [machines.client(), machines.client()]
    await asyncio.gather(*(client.login() for client in clients))
    return clients


async def test_every_worker_knows_what_one_has_seen(gateway: LocalGateway) -> None:
    from docs_permissions import server_permissions

    async with (
        nats_server(server_permissions(gateway.bot_id)) as server,
        InProcess(gateway, server, relay_user="relay", worker_user="worker-1") as machines,
    ):
        clients = await two_workers(machines)
        handled: list[str] = []
        for client in clients:

            @client.on_channel_message
            async def handle(message: ChannelMessage) -> None:
                handled.append(message.content["t"])

        alice, general = gateway.world.user("alice"), gateway.world.channel("general")
        await gateway.say("general", "alice", "hello")
        for client in clients:
            await until(lambda client=client: alice.id in client.users and general.id in client.channels)
            assert client.users.get(alice.id).username == "alice"
        await until(lambda: handled == ["hello"], lambda: f"{handled}")
        # A message that is only shared is no message of the channel.
        texts = [
            sorted(m.content.get("t", "") for m in client.channels.get(general.id).messages.values())
            for client in clients
        ]
        assert sorted(texts) == [[], ["hello"]]

        clan = gateway.world.clan()
        await gateway.push(
            channel_created_event=realtime_pb2.ChannelCreatedEvent(
                clan_id=clan.id, channel_id=77, channel_label="new", channel_type=1, status=1
            )
        )
        for client in clients:
            await until(lambda client=client: 77 in client.channels, "the new channel")
        await gateway.push(
            channel_updated_event=realtime_pb2.ChannelUpdatedEvent(
                clan_id=clan.id, channel_id=77, channel_label="renamed", channel_type=1
            )
        )
        for client in clients:
            await until(lambda client=client: client.channels.get(77).name == "renamed", "the new name")
        await gateway.push(
            channel_deleted_event=realtime_pb2.ChannelDeletedEvent(clan_id=clan.id, channel_id=77)
        )
        for client in clients:
            await until(lambda client=client: 77 not in client.channels, "the end of the channel")
        assert "Permissions Violation" not in (server.folder / "nats.log").read_text()


async def test_a_new_worker_learns_what_the_relay_has_seen(gateway: LocalGateway, nats: NatsServer) -> None:
    async with InProcess(gateway, nats) as machines:
        (first, _) = await two_workers(machines)
        people = [f"user{number}" for number in range(200)]
        for name in people:
            gateway.world.add_user(name)
            await gateway.say("random", name, "hello")
        last = gateway.world.user(people[-1])
        await until(lambda: last.id in first.users, "everybody")
        await until(lambda: any(name == "ListChannelDescs" for name in requests(gateway)))
        before = len(gateway.requests)
        late = machines.client()
        await late.login()
        for name in people:
            user = gateway.world.user(name)
            await until(lambda user=user: user.id in late.users, name)
            assert late.users.get(user.id).username == name
        assert gateway.world.channel("random").id in late.channels
        assert gateway.requests[before:] == []


async def test_a_listing_is_asked_for_again_after_a_change(gateway: LocalGateway, nats: NatsServer) -> None:
    async with InProcess(gateway, nats) as machines:
        client = machines.client()
        await client.login()
        clan = client.clans.get(gateway.world.clan().id)
        assert clan is not None
        before = len(gateway.requests)
        # A call of a handler is always made.
        await clan.load_channels()
        assert requests(gateway)[before:] == ["ListChannelDescs"]

        other = gateway.world.add_clan("another clan")
        await gateway.push(
            clan_updated_event=realtime_pb2.ClanUpdatedEvent(clan_id=other.id, clan_name="another clan")
        )
        await until(lambda: machines.relay._active.directory.version > 0, "the event at the relay")
        late = machines.client()
        await late.login()
        assert other.id in late.clans
        assert requests(gateway)[before + 1 :].count("ListClanDescs") == 1
