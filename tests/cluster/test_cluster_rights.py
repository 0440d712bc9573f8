"""What docs/guide/many-machines.md forbids is attempted, on a server with exactly the configuration it shows."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
from docs_permissions import server_permissions
from in_process_cluster import InProcess, as_user
from mezon import ChannelMessage
from mezon._cluster.broker import connect, disconnect, jetstream_api
from mezon._cluster.call_handlers import CallHandlers
from mezon._cluster.dead_letters import dead_events
from mezon._cluster.direct_client import DirectClient
from mezon._cluster.layout import create_layout, lock_key
from mezon._cluster.leader import LeaderLock
from mezon._cluster.metrics import LagMeter
from mezon._cluster.protocol import (
    CALL_KEY,
    GROUP,
    MESSAGE_ID,
    OPERATOR,
    RELAY,
    Names,
    Packet,
    check_worker_name,
)
from mezon._cluster.relay_client import RelayClient
from mezon._cluster.rpc_server import FairQueue
from mezon._cluster.settings import Broker, Layout, Timing
from mezon._gateway.codec import MESSAGES, dict_plan
from mezon.errors import InvalidArgumentError
from mezon.ports import HttpAnswer, HttpLane, HttpRequest
from mezon.testing import LocalGateway
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats_servers import TIMING, NatsServer, nats_server, needs_nats
from patience import patient
from waiting import until

pytestmark = [needs_nats, pytest.mark.timeout(240)]

BOT = 1234567890
NAMES = Names(BOT)
EVENTS, DEAD = NAMES.events, NAMES.dead
WORKERS, LOCK, ANSWERS, NOTES = NAMES.members, NAMES.lock, NAMES.answers, NAMES.notes
STATE = NAMES.state_bucket

#: By user, what it must not publish.
PUBLISH: dict[str, list[str]] = {
    "worker-1": [
        # An event of any sender, and a dead one once more.
        "{root}.ev.0.channel_message",
        "{root}.operator.replay",
        "{root}.call.replay",
        # In the name of somebody else.
        "{root}.call.socket",
        "{root}.call.worker-2.x.socket",
        "{root}.call.relay.x.socket",
        "{root}.call.operator.x.replay",
        "{root}.call.worker-1.x.y.socket",
        "{root}.state",
        # Answers to others.
        "{root}.inbox.worker-2.x.y",
        "{root}.inbox.relay.x",
        "{root}.inbox.operator.x",
        "{root}.inbox.worker-1.x",
        "_INBOX.x.y",
        # The lock, what is remembered, the notes of the relay, signs of life of others.
        f"$KV.{LOCK}.relay",
        f"$KV.{LOCK}.anything",
        f"$KV.{ANSWERS}.x",
        f"$KV.{NOTES}.floors",
        f"$KV.{WORKERS}.worker-2.x",
        f"$KV.{WORKERS}.x",
        # What is made at the broker.
        *(
            f"$JS.API.STREAM.{what}.{stream}"
            for what in ("CREATE", "UPDATE", "DELETE", "PURGE", "MSG.DELETE", "SNAPSHOT")
            for stream in (EVENTS, DEAD, f"KV_{LOCK}", f"KV_{NOTES}", f"KV_{STATE}")
        ),
        # Bytes of its choice, published by NATS to any subject.
        f"$JS.API.DIRECT.GET.KV_{STATE}",
        f"$JS.API.DIRECT.GET.KV_{STATE}.$KV.{STATE}.x",
        f"$JS.API.CONSUMER.CREATE.KV_{STATE}",
        f"$JS.API.CONSUMER.CREATE.KV_{STATE}.mine",
        f"$JS.API.CONSUMER.CREATE.KV_{STATE}.mine.$KV.{STATE}.>",
        f"$JS.API.CONSUMER.DURABLE.CREATE.KV_{STATE}.mine",
        f"$JS.API.STREAM.INFO.KV_{LOCK}",
        f"$JS.API.STREAM.INFO.{DEAD}",
        f"$JS.API.STREAM.MSG.GET.{EVENTS}",
        f"$JS.API.STREAM.MSG.GET.{DEAD}",
        f"$JS.API.STREAM.MSG.GET.KV_{LOCK}",
        f"$JS.API.STREAM.MSG.GET.KV_{ANSWERS}",
        f"$JS.API.DIRECT.GET.KV_{LOCK}.$KV.{LOCK}.relay",
        f"$JS.API.DIRECT.GET.KV_{ANSWERS}.x",
        f"$JS.API.CONSUMER.CREATE.{EVENTS}.mine.{NAMES.root}.ev.>",
        f"$JS.API.CONSUMER.CREATE.KV_{LOCK}.mine.$KV.{LOCK}.>",
        f"$JS.API.CONSUMER.DELETE.{EVENTS}.partition-0",
        "$JS.API.STREAM.NAMES",
        "$JS.API.STREAM.LIST",
        "$JS.API.INFO",
        # Another bot.
        "mezon.79.call.worker-1.x.socket",
        "mezon.79.ev.0.channel_message",
        "$KV.MEZON_79_STATE.x",
    ],
    "operator": [
        "{root}.ev.0.channel_message",
        "{root}.call.operator.x.socket",
        "{root}.call.worker-1.x.socket",
        "{root}.call.replay",
        "{root}.operator.anything",
        "{root}.dead.channel_message",
        "{root}.state",
        "{root}.inbox.worker-1.x.y",
        "{root}.inbox.relay.x",
        f"$KV.{LOCK}.relay",
        f"$KV.{WORKERS}.worker-1.x",
        f"$JS.API.STREAM.PURGE.{DEAD}",
        f"$JS.API.STREAM.DELETE.{DEAD}",
        f"$JS.API.STREAM.MSG.DELETE.{EVENTS}",
        f"$JS.API.CONSUMER.MSG.NEXT.{EVENTS}.partition-0",
        f"$JS.API.DIRECT.GET.KV_{STATE}.$KV.{STATE}.x",
        f"$JS.API.CONSUMER.CREATE.KV_{STATE}.mine.$KV.{STATE}.>",
        f"$JS.API.STREAM.DELETE.KV_{STATE}",
        "mezon.79.operator.replay",
    ],
    "relay": [
        "{root}.operator.replay",
        "{root}.call.worker-1.x.socket",
        f"$KV.{WORKERS}.worker-1.x",
        f"$KV.{STATE}.x",
        f"$JS.API.STREAM.MSG.GET.KV_{STATE}",
        f"$JS.API.STREAM.DELETE.{EVENTS}",
        f"$JS.API.STREAM.PURGE.{EVENTS}",
        f"$JS.API.STREAM.MSG.DELETE.{EVENTS}",
        f"$JS.API.CONSUMER.MSG.NEXT.{EVENTS}.partition-0",
        f"$JS.API.CONSUMER.DELETE.{EVENTS}.partition-0",
        "$JS.API.STREAM.INFO.MEZON_79_EVENTS",
        "mezon.79.ev.0.channel_message",
    ],
}

#: By user, what it must not listen to.
SUBSCRIBE: dict[str, list[str]] = {
    "worker-1": [
        ">",
        "*.>",
        "_INBOX.>",
        "{root}.>",
        "{root}.inbox.>",
        "{root}.inbox.*.>",
        "{root}.inbox.worker-2.>",
        "{root}.inbox.relay.>",
        "{root}.inbox.operator.>",
        "{root}.call.>",
        "{root}.call.worker-1.*.*",
        "{root}.operator.*",
        "{root}.ev.>",
        "{root}.dead.>",
        f"$KV.{LOCK}.>",
        f"$KV.{ANSWERS}.>",
        f"$KV.{NOTES}.>",
        "$KV.>",
        "$JS.>",
        "$SYS.>",
        "mezon.79.>",
    ],
    "operator": [
        ">",
        "_INBOX.>",
        "{root}.>",
        "{root}.inbox.>",
        "{root}.inbox.worker-1.>",
        "{root}.inbox.relay.>",
        "{root}.call.>",
        "{root}.operator.*",
        "{root}.ev.>",
        "{root}.dead.>",
        "$KV.>",
        "$JS.>",
    ],
    "relay": [
        ">",
        "_INBOX.>",
        "{root}.>",
        "{root}.inbox.worker-1.>",
        "{root}.inbox.operator.>",
        "{root}.ev.>",
        "mezon.79.>",
        "$KV.>",
        "$JS.>",
    ],
}


@contextlib.asynccontextmanager
async def user(server: NatsServer, name: str, inbox: str) -> AsyncIterator[tuple[DirectClient, list[str]]]:
    """A bare client of NATS, as somebody has who took a user's password; and what the server forbids it."""
    client, forbidden = DirectClient(), []

    async def said(error: Exception) -> None:
        forbidden.append(str(error))

    await client.connect(
        as_user(server.url, name),
        inbox_prefix=inbox,
        error_cb=said,
        allow_reconnect=False,
        connect_timeout=10,
    )
    try:
        yield client, forbidden
    finally:
        await disconnect(client)


async def test_what_the_configuration_forbids() -> None:
    """Each forbidden subject, for each user: the server itself says no."""
    async with nats_server(server_permissions(BOT)) as server:
        for name, subjects in PUBLISH.items():
            async with user(server, name, NAMES.inbox(name)) as (client, forbidden):
                for template in subjects:
                    subject = template.format(root=NAMES.root)
                    forbidden.clear()
                    await client.publish(subject, b"x", reply=NAMES.inbox(f"{name}.x.y"))
                    await refusal(forbidden, "publish", subject, name)
        for name, subjects in SUBSCRIBE.items():
            for template in subjects:
                subject = template.format(root=NAMES.root)
                async with user(server, name, NAMES.inbox(name)) as (client, forbidden):
                    await client.subscribe(subject)
                    await refusal(forbidden, "subscription", subject, name)


async def refusal(forbidden: list[str], what: str, subject: str, name: str) -> None:
    """Wait for the server's word that a user may not do something."""
    await until(
        lambda: any(what in one.lower() and f'"{subject.lower()}"' in one.lower() for one in forbidden),
        f"the server lets {name} have {what} of {subject}",
        timeout=10,
    )


@contextlib.asynccontextmanager
async def machines_of(
    gateway: LocalGateway, **settings: Any
) -> AsyncIterator[tuple[InProcess, NatsServer, Names]]:
    """A relay and workers with the rights of the guide."""
    async with (
        nats_server(server_permissions(gateway.bot_id)) as server,
        InProcess(gateway, server, relay_user="relay", worker_user="worker-1", **settings) as machines,
    ):
        yield machines, server, Names(gateway.bot_id)


@contextlib.asynccontextmanager
async def relay_client_of(
    server: NatsServer, names: Names, name: str, inbox: str
) -> AsyncIterator[tuple[Client, RelayClient]]:
    """Somebody with a user's rights who speaks the protocol of workers."""
    async with user(server, name, names.inbox(inbox)) as (client, _):
        relay_client = RelayClient(client, names, inbox)
        await relay_client.start()
        yield client, relay_client
        await relay_client.stop()


async def last_event(server: NatsServer, names: Names) -> int:
    """The number of the last event in the stream, as a worker may ask for it."""
    async with user(server, "worker-1", names.inbox("worker-1.look")) as (client, _):
        found = await jetstream_api(client, f"STREAM.INFO.{names.events}")
        assert found is not None
        return int(found["state"]["last_seq"])


async def test_the_relay_answers_nowhere_but_at_the_caller(gateway: LocalGateway) -> None:
    """Its rights are more than a worker's: with a reply subject of its choice a worker would have them too."""
    async with machines_of(gateway) as (machines, server, names):
        async with user(server, "relay", names.inbox(RELAY)) as (relay, _):
            key = await lock_key(relay, names)
        before, epoch = await last_event(server, names), machines.relay.stats()["epoch"]
        call = names.call("worker-2.evil", "session")
        replies = [
            f"$KV.{names.lock}.{key}",
            f"$KV.{names.answers}.x",
            f"$KV.{names.notes}.floors",
            f"{names.root}.ev.0.channel_message",
            f"{names.root}.state",
            f"{names.inbox('worker-1.x')}.y",
            f"{names.inbox('worker-2.other')}.y",
            f"{names.inbox('worker-2.evil')}",
            f"{names.inbox('worker-2.evil')}.",
            f"{names.inbox('worker-2.evil')}x.y",
            f"{names.inbox('worker-2.evil')}.*",
            f"{names.inbox('worker-2.evil')}.>",
            f"{names.inbox(RELAY)}.x",
            f"{names.inbox(OPERATOR)}.x",
            "_INBOX.x.y",
        ]
        async with relay_client_of(server, names, "worker-2", "worker-2.evil") as (client, relay_client):
            for strange in ("worker-2.é", "worker-2.a:b", "worker-2." + "x" * 65):
                subject = names.call(strange, "interest")
                await client.publish(
                    subject, Packet({"member": '{"interests": []}'}).encode(), headers=in_time()
                )
            for reply in replies:
                await client.publish(call, Packet().encode(), reply=reply, headers=in_time())
            # A right one behind them is answered, so all before it have been seen.
            assert (await relay_client.call("session", Packet(), 20.0, "the session", idempotent=True)).body
        assert machines.relay.stats()["calls_refused"] == len(replies) + 3
        assert machines.relay.stats()["workers"] == []
        assert machines.relay.stats()["in_charge"]
        assert machines.relay.stats()["epoch"] == epoch
        assert await last_event(server, names) == before


def in_time() -> dict[str, str]:
    """Headers of a call that has time."""
    return {"Mezon-Timeout": "20"}


async def test_a_worker_cannot_write_over_the_lock(gateway: LocalGateway) -> None:
    """NATS publishes its own answers where a request says; nobody but relays knows where the lock is."""
    async with machines_of(gateway) as (machines, server, names):
        renewed: list[float] = []
        lock = machines.relay._lock
        assert lock is not None
        renew = lock.on_renewed
        lock.on_renewed = lambda left: (renewed.append(left), renew(left))
        epoch = machines.relay.stats()["epoch"]
        async with user(server, "worker-2", names.inbox("worker-2.evil")) as (client, forbidden):
            for subject in (
                f"$KV.{names.members}.worker-2.evil",
                f"$JS.API.STREAM.INFO.{names.events}",
                f"$JS.API.CONSUMER.INFO.{names.events}.partition-0",
                f"$JS.API.STREAM.MSG.GET.KV_{names.notes}",
            ):
                for key in ("relay", "lock", names.root):
                    await client.publish(subject, b"{}", reply=f"$KV.{names.lock}.{key}")
            await client.flush()
            assert not forbidden
        renewed.clear()
        await until(lambda: len(renewed) >= 3, "the lock to be renewed")
        assert min(renewed) > 0
        assert machines.relay.stats()["epoch"] == epoch
        async with user(server, "relay", names.inbox(RELAY)) as (relay, _):
            assert len(await lock_key(relay, names)) > 32


async def test_the_key_of_the_lock_is_the_same_for_all_relays(nats: NatsServer) -> None:
    client = await connect(Broker(urls=nats.url))
    try:
        # At once: one of them makes the bucket, and the others take what it made.
        layout, timing = Layout(partitions=1), Timing(**TIMING)
        await asyncio.gather(*(create_layout(client, NAMES, layout, timing) for _ in range(5)))
        keys = {await lock_key(client, NAMES) for _ in range(3)}
        assert len(keys) == 1
        first = LeaderLock(client, NAMES, timing, "first", keys.pop())
        await first.acquire()
        # A bucket of an earlier version has no key of its own: the one that relays of then have.
        await jetstream_api(client, f"STREAM.DELETE.KV_{NAMES.lock}")
        bucket = {"name": f"KV_{NAMES.lock}", "subjects": [f"$KV.{NAMES.lock}.>"]}
        await jetstream_api(client, f"STREAM.CREATE.KV_{NAMES.lock}", bucket)
        assert await lock_key(client, NAMES) == "relay"
    finally:
        await disconnect(client)


async def test_only_the_operator_replays(gateway: LocalGateway) -> None:
    async with machines_of(gateway) as (machines, server, names):
        before = await last_event(server, names)
        forged = Packet({"partition": 0, "name": "channel_message", "event_id": "m1"}, b"")
        async with relay_client_of(server, names, "worker-2", "worker-2.evil") as (_, relay_client):
            with pytest.raises(Exception, match="no calls of the kind replay"):
                await relay_client.call("replay", forged, 20.0, "a dead event", idempotent=True)
        async with relay_client_of(server, names, OPERATOR, OPERATOR) as (_, relay_client):
            await relay_client.call("replay", forged, 20.0, "a dead event", idempotent=True)
        await until(lambda: machines.relay.stats()["events_published"] == 1, "the event")
        assert await last_event(server, names) == before + 1


async def test_an_event_delivered_to_the_relay_is_no_call(gateway: LocalGateway) -> None:
    """A worker may have the server deliver an event anywhere: on the operator's subject it replays nothing."""
    async with machines_of(gateway) as (machines, server, names):
        async with relay_client_of(server, names, "worker-2", "worker-2.evil") as (client, relay_client):
            said = {"member": json.dumps({"interests": ["channel_message"]})}
            await relay_client.call("interest", Packet(said), 20.0, "interests", idempotent=True)
            await gateway.say("general", "alice", "an event")
            await until(lambda: machines.relay.stats()["events_published"] == 1, "the event")
            request = json.dumps({"batch": 1, "expires": 2_000_000_000, "group": GROUP}).encode()
            for partition in range(machines.layout.partitions):
                subject = f"$JS.API.CONSUMER.MSG.NEXT.{names.events}.{names.consumer(partition)}"
                await client.publish(subject, request, reply=names.call(OPERATOR, "replay"))
            await until(
                lambda: machines.relay.stats()["calls_refused"] >= 1, "the event to be refused as a call"
            )
        assert machines.relay.stats()["events_published"] == 1
        assert await last_event(server, names) == 1


REPLAYS: list[dict[str, Any]] = [
    {"name": "channel message"},
    {"name": "channel_message extra"},
    {"name": "channel_message.x"},
    {"name": ""},
    {"name": ">"},
    {"name": None},
    {"name": ["channel_message"]},
    {"partition": -1},
    {"partition": 8},
    {"partition": 10**30},
    {"partition": 0.5},
    {"partition": "0"},
    {"partition": True},
    {"event_id": ""},
    {"event_id": "m1 m2"},
    {"event_id": "m1\r\nNats-Rollup: all"},
    {"event_id": "m" * 300},
    {"event_id": 1},
]


async def test_a_wrong_name_or_number_never_stops_the_relay(gateway: LocalGateway) -> None:
    """One of them was in every batch again, and no event left the relay any more."""
    async with machines_of(gateway) as (machines, server, names):
        heard: list[str] = []
        client = machines.client()

        @client.on_channel_message
        async def handle(message: ChannelMessage) -> None:
            heard.append(message.content["t"])

        await client.login()
        async with relay_client_of(server, names, OPERATOR, OPERATOR) as (_, relay_client):
            for wrong in REPLAYS:
                values = {"partition": 0, "name": "channel_message", "event_id": "m1", **wrong}
                with pytest.raises(InvalidArgumentError):
                    await relay_client.call("replay", Packet(values), 20.0, "a dead event", idempotent=True)
        async with relay_client_of(server, names, "worker-2", "worker-2.evil") as (evil, relay_client):
            for said in (
                "",
                "[]",
                "{}",
                '{"interests": 1}',
                '{"interests": [], "filters": []}',
                "[" * 50_000,
            ):
                with pytest.raises(InvalidArgumentError):
                    await relay_client.call(
                        "interest", Packet({"member": said}), 20.0, "interests", idempotent=True
                    )
            said = json.dumps(
                {
                    "interests": ["channel message", "channel_message"],
                    "filters": {"channel_message": "[" * 50_000},
                }
            )
            await relay_client.call("interest", Packet({"member": said}), 20.0, "interests", idempotent=True)
            for body in (b"", b"null", b"[" * 50_000, said.encode()):
                await evil.publish(f"$KV.{names.members}.worker-2.evil", body)
            for data in (b"", b"\xff" * 8, b"\x00\x00\xc3\x50" + b"[" * 50_000):
                await evil.publish(names.call("worker-2.evil", "socket"), data, headers=in_time())
        await gateway.say("general", "alice", "still there")
        await until(lambda: heard == ["still there"], "the message", timeout=30)
        assert machines.relay.stats()["trouble"] is None


async def test_what_a_worker_says_of_others_does_not_count(gateway: LocalGateway) -> None:
    """The relay goes by the subject, which NATS has checked."""
    async with machines_of(gateway) as (machines, server, names):
        async with relay_client_of(server, names, "worker-2", "worker-2.evil") as (_, relay_client):
            values = {"worker": "worker-1.x", "caller": "worker-1.x", "member": '{"interests": []}'}
            await relay_client.call("interest", Packet(values), 20.0, "interests", idempotent=True)
        assert machines.relay.stats()["workers"] == ["worker-2.evil"]


async def test_a_worker_cannot_answer_for_the_calls_of_another(gateway: LocalGateway) -> None:
    """What is remembered under the key of a call goes to whoever makes it: a worker's own keys are its own."""
    async with (
        machines_of(gateway) as (_, server, names),
        user(server, "worker-2", names.inbox("worker-2.evil")) as (client, forbidden),
    ):
        inbox, answers = f"{client.new_inbox()}.1", asyncio.Queue[bytes]()

        async def answered(message: Msg) -> None:
            answers.put_nowait(message.data)

        await client.subscribe(inbox, cb=answered)
        for key, refused in (
            ("worker-1.abc/1", True),
            ("worker-2.evil2/1", True),
            ("worker-2.evil/1", False),
            ("m1/bot.handler#0/1", False),
        ):
            headers = {**in_time(), CALL_KEY: key}
            data = Packet().encode()
            await client.publish(names.call("worker-2.evil", "session"), data, reply=inbox, headers=headers)
            answer = Packet.decode(await asyncio.wait_for(answers.get(), patient(20)))
            assert (answer.values.get("error") == "InvalidArgumentError") is refused, key
        assert not forbidden


async def test_an_answer_of_nats_is_no_word_of_a_worker(gateway: LocalGateway) -> None:
    """The server's receipts and empty answers, sent where a worker says that it lives, change nothing."""
    async with machines_of(gateway) as (machines, server, names):
        client = machines.client()
        await client.login()
        (victim,) = machines.relay.stats()["workers"]
        members = machines.relay._active.members  # type: ignore[union-attr]
        seen: list[list[str]] = []
        members._on_change = lambda: seen.append(machines.relay.stats()["workers"])
        async with user(server, "worker-2", names.inbox("worker-2.evil")) as (evil, forbidden):
            victims = f"$KV.{names.members}.{victim}"
            empty = f"$JS.API.CONSUMER.MSG.NEXT.{names.events}.partition-0"
            for _ in range(20):
                await evil.publish(f"$KV.{names.notes}.suspect.x", b"1", reply=victims)
                await evil.publish(empty, b'{"batch": 1, "no_wait": true}', reply=victims)
                await evil.publish(empty, b'{"batch": 1, "expires": 1}', reply=victims)
            await evil.flush()
            # Its own word, behind all that: the relay has heard everything before it.
            await evil.publish(f"$KV.{names.members}.worker-2.evil", b'{"interests": []}')
            await until(lambda: seen, "the other worker")
            assert not forbidden
        assert all(victim in workers for workers in seen), seen


# ---- the lag


async def test_the_lag_with_the_rights_of_the_guide(
    gateway: LocalGateway, caplog: pytest.LogCaptureFixture
) -> None:
    async with machines_of(gateway) as (machines, server, _):
        await gateway.say("general", "alice", "hello")
        stats = machines.relay.stats
        await until(lambda: stats().get("lag_events") == 1, lambda: f"{stats()}")
        assert stats()["lag_seconds"] > 0
        assert "cannot be asked" not in caplog.text
        assert "Permissions Violation" not in (server.folder / "nats.log").read_text()


async def test_the_lag_with_the_rights_of_an_earlier_version(caplog: pytest.LogCaptureFixture) -> None:
    """It counts every event in the stream, says so once, and does not ask the consumers again and again."""
    current = server_permissions(BOT)
    granted = f'"$JS.API.CONSUMER.INFO.{EVENTS}.>", "$JS.API.STREAM.MSG.GET.{EVENTS}"\n'
    assert current.count(granted) == 1
    async with (
        nats_server(current.replace(granted, "\n")) as server,
        user(server, "relay", NAMES.inbox(RELAY)) as (client, forbidden),
    ):
        await create_layout(client, NAMES, Layout(partitions=2), Timing(**TIMING))
        headers = {MESSAGE_ID: "m1"}
        await client.request(NAMES.event(0, "channel_message"), b"", timeout=patient(5), headers=headers)
        meter = LagMeter(client, NAMES)
        found = [await meter.measure() for _ in range(3)]
        assert [one["lag_events"] for one in found] == [1, 1, 1]
        assert found[2]["lag_seconds"] > found[1]["lag_seconds"] > 5
        assert caplog.text.count("cannot be asked") == 1
        assert len(forbidden) == 1


# ---- the session's token


async def test_the_token_never_leaves_the_relay(gateway: LocalGateway, nats: NatsServer) -> None:
    """Everything that goes over NATS is looked at, from the login of a worker on."""
    async with InProcess(gateway, nats) as machines:
        session = machines.relay._active.client.session_manager.get_session()  # type: ignore[union-attr]
        assert session.token
        seen: list[bytes] = []

        async def saw(message: Msg) -> None:
            seen.append(message.data)

        spy = await connect(Broker(urls=nats.url))
        await spy.subscribe(">", cb=saw)
        await spy.flush()
        client = machines.client()
        await client.login()
        own = client.session_manager.get_session()
        assert own.token
        assert own.token != session.token
        assert (own.user_id, own.expires_at) == (session.user_id, session.expires_at)
        channel = await client.channels.fetch(gateway.world.channel("general").id)
        await channel.send("made by the relay")
        assert (await gateway.next_sent("channel_message_send")).text == "made by the relay"
        assert await client.rpc("ListClanDescs", {"limit": 10})
        # What a worker pays with, unless the relay withholds it.
        assert own.id_token == session.id_token != ""
        await spy.flush()
        assert any(b"made by the relay" in data for data in seen)
        for secret in (session.token, session.refresh_token, gateway.api_key):
            assert secret
            assert not [data for data in seen if secret.encode() in data]
        await disconnect(spy)


async def test_the_identity_token_can_be_withheld(gateway: LocalGateway, nats: NatsServer) -> None:
    async with InProcess(gateway, nats, token_transfers=False) as machines:
        client = machines.client()
        await client.login()
        assert client.session_manager.get_session().id_token == ""
        relays = machines.relay._active.client.session_manager.get_session()  # type: ignore[union-attr]
        assert relays.id_token


PATHS = [
    "/mezon.api.Mezon/SessionRefresh",
    "/mezon.api.Mezon/sessionrefresh",
    "/mezon.api.Mezon/%53ession%52efresh",
    "/mezon.api.Mezon/%2553essionRefresh",
    "/mezon.api.Mezon/SessionRefresh/",
    "/mezon.api.Mezon/SessionRefresh?x=y",
    "/mezon.api.Mezon/SessionLogout",
    "/mezon.api.Mezon/UpdateUsername",
    "/mezon.api.Mezon/RegistrationEmail",
    "/v2/apps/authenticate/token",
    "/v2/account/session/refresh",
    "/mezon.api.Mezon/x/../SessionRefresh",
    "/mezon.api.Mezon/../ListClanDescs",
    "/mezon.api.Mezon/%2e%2e/ListClanDescs",
    "/x/..%5cListClanDescs",
    "//another.example/ListClanDescs",
    "/a b",
    "/a\r\nHost: b",
    "/a#b",
    "ListClanDescs",
    "@another.example/",
    "",
    None,
    7,
]

HTTP: list[dict[str, Any]] = [
    *({"path": path} for path in PATHS),
    {"hold": "api", "seconds": 1e12, "path": None},
    {"method": "CONNECT"},
    {"method": "GET / HTTP/1.1\r\n"},
    {"method": None},
    {"headers": None},
    {"headers": {"accept": "a\r\nAuthorization: b"}},
    {"headers": {"accept": 1}},
    {"params": "x"},
    {"timeout": 1e12},
    {"timeout": -1},
    {"timeout": float("nan")},
    {"timeout": float("inf")},
    {"timeout": "soon"},
    {"max_answer": 10**12},
    {"max_answer": -1},
    {"max_answer": None},
    {"priority": -5},
    {"priority": "first"},
    {"name": "a\nb"},
    {"name": "n" * 2000},
]


def api_request(**values: Any) -> bytes:
    return dict_plan(MESSAGES["api_request_event"]).encode(values)


SOCKET: list[tuple[dict[str, Any], bytes]] = [
    ({"name": "no such field"}, b""),
    ({"name": "channel message"}, b""),
    ({"name": None}, b""),
    ({"name": "refresh_session_event"}, b""),
    ({"timeout": 1e12}, b""),
    ({"timeout": float("nan")}, b""),
    ({"timeout": None}, b""),
    ({"mode": "sideways"}, b""),
    ({"name": "api_request_event", "mode": "raw"}, api_request(api_index=199, api_name="SessionRefresh")),
    ({"name": "api_request_event", "mode": "raw"}, api_request(api_index=0, api_name="sessionRefresh")),
    ({"name": "api_request_event", "mode": "raw"}, api_request(api_index=199, api_name="ListClanDescs")),
    ({"name": "api_request_event", "mode": "post"}, api_request(api_index=199)),
    ({"name": "api_request_event", "mode": "call"}, api_request(api_index=107, api_name="UpdateUsername")),
    ({"name": "api_request_event", "mode": "raw"}, b"\xff\xff"),
]

STORE: list[tuple[dict[str, Any], bytes]] = [
    ({"method": "list", "channel_id": "1", "limit": 1e12, "offset": 0}, b""),
    ({"method": "list", "channel_id": "1", "limit": 5, "offset": -1}, b""),
    ({"method": "list", "channel_id": "1", "limit": "5", "offset": 0}, b""),
    ({"method": "list", "limit": 5, "offset": 0}, b""),
    ({"method": "search", "text": ["a"], "limit": 5}, b""),
    ({"method": "save"}, b"[" * 50_000),
    ({"method": "save"}, b"null"),
    ({"method": "drop tables"}, b""),
    ({}, b""),
]


async def test_calls_that_no_worker_may_make(gateway: LocalGateway) -> None:
    """Sessions are the relay's, and what is no value of a call is refused before anything is done with it."""
    async with machines_of(gateway, message_db=gateway.client_options().get("message_db")) as (
        _,
        server,
        names,
    ):
        http: dict[str, Any] = {
            "name": "ListClanDescs",
            "method": "POST",
            "path": "/mezon.api.Mezon/ListClanDescs",
            "params": None,
            "headers": {"Accept": "application/x-protobuf", "Content-Type": "application/x-protobuf"},
            "timeout": 20.0,
            "max_answer": 1_000_000,
            "priority": None,
        }
        socket: dict[str, Any] = {"mode": "call", "name": "channel_message_send", "timeout": 20.0}
        calls = [
            *(("http", {**http, **wrong}, b"") for wrong in HTTP),
            *(("socket", {**socket, **wrong}, body) for wrong, body in SOCKET),
            *(("store", wrong, body) for wrong, body in STORE),
        ]
        async with relay_client_of(server, names, "worker-2", "worker-2.evil") as (_, relay_client):
            asked = len(gateway.requests)
            for what, values, body in calls:
                try:
                    with pytest.raises(InvalidArgumentError):
                        await relay_client.call(what, Packet(values, body), 20.0, "a call", idempotent=True)
                except BaseException as error:
                    error.add_note(f"{what}: {str(values)[:200]}")
                    raise
            assert len(gateway.requests) == asked, "nothing of it reached Mezon"
            # Headers of its own do not come through, and the right call is made: nothing holds the API.
            headers = {**http["headers"], "authorization": "Bearer forged", "X-Forged": "1"}
            packet = Packet({**http, "headers": headers})
            answer = await relay_client.call("http", packet, 20.0, "ListClanDescs", idempotent=True)
            assert answer.values["status"] == 200
            (request,) = gateway.requests[asked:]
            assert "X-Forged" not in request.headers
            assert request.headers["Authorization"] != "Bearer forged"


async def test_a_client_in_a_worker_cannot_renew_the_session(gateway: LocalGateway, nats: NatsServer) -> None:
    async with InProcess(gateway, nats) as machines:
        client = machines.client()
        await client.login()
        with pytest.raises(InvalidArgumentError, match="relay's session"):
            await client.rpc("SessionRefresh", {"token": "x"})


async def test_what_a_worker_writes_beside_a_dead_event_is_shown_harmlessly(nats: NatsServer) -> None:
    client = await connect(Broker(urls=nats.url))
    try:
        await create_layout(client, NAMES, Layout(partitions=1), Timing(**TIMING))
        for partition in ("many", "-1", "9" * 5000):
            headers = {
                "Mezon-Reason": "\x1b[2J" + "r" * 5000,
                "Mezon-Partition": partition,
                "Mezon-Worker": "w\x07",
                "Mezon-Event": "m1",
            }
            await client.request(NAMES.dead_event("channel_message"), b"", timeout=5, headers=headers)
        found = await dead_events(client, NAMES)
        assert [(one.partition, one.worker) for one in found] == [(0, "w?")] * 3
        assert all(one.reason.startswith("?[2J") and len(one.reason) == 500 for one in found)
    finally:
        await disconnect(client)


def test_the_stand_in_is_no_copy_of_the_token() -> None:
    from mezon._cluster.call_handlers import _placeholder_token
    from mezon.models import ApiSession
    from mezon.session import Session

    def part(values: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(values).encode()).rstrip(b"=").decode()

    claims = {"uid": BOT, "usn": "bot", "exp": 2_000_000_000, "tid": "private", "vrs": {"secret": "variable"}}
    session = Session(ApiSession(token=f"{part({'alg': 'HS256'})}.{part(claims)}.signature", user_id=BOT))
    stand_in = Session(ApiSession(token=_placeholder_token(session), user_id=BOT))
    assert (stand_in.user_id, stand_in.username, stand_in.expires_at) == (str(BOT), "bot", 2_000_000_000)
    shown = base64.urlsafe_b64decode(stand_in.token.split(".")[1] + "==").decode()
    assert "private" not in shown
    assert "variable" not in shown
    assert "signature" not in stand_in.token


class Slow:
    """A transport whose server says that calls follow too fast."""

    def __init__(self, *answers: HttpAnswer) -> None:
        self.answers = list(answers)
        self.holds: list[tuple[HttpLane, float]] = []

    async def send(self, request: HttpRequest) -> HttpAnswer:
        return self.answers.pop(0)

    def hold(self, lane: HttpLane, seconds: float) -> None:
        self.holds.append((lane, seconds))


async def test_the_relay_alone_holds_the_api_and_not_for_long() -> None:
    """It goes by the server's answer; how long is bounded, whatever the server asks for."""
    session = SimpleNamespace(token="the-token")
    client: Any = SimpleNamespace(
        api_client=SimpleNamespace(base_url="http://one", playmedia_url="", reauthenticate=None),
        session_manager=SimpleNamespace(get_session=lambda: session),
    )
    http: Any = Slow(
        HttpAnswer(429, headers={"Retry-After": "7"}, body=b"slower, the-token"),
        HttpAnswer(429, headers={"Retry-After": "999999999"}),
        HttpAnswer(429),
        HttpAnswer(403, body=b"you may not"),
        HttpAnswer(200),
    )
    nothing: Any = None
    ways = CallHandlers(client, nothing, http, nothing, None, nothing, nothing, lambda: True)
    call = {"name": "a call", "method": "POST", "path": "/x", "headers": {}, "timeout": 5, "max_answer": 10}
    first = await ways.http(Packet(dict(call)), 5.0)
    assert first.body == b"slower, *********"
    for _ in range(4):
        await ways.http(Packet(dict(call)), 5.0)
    assert http.holds[0] == (HttpLane.API, 7.0)
    ((lane, seconds),) = http.holds[1:]
    assert lane is HttpLane.API
    assert 0 < seconds <= 30


def test_a_worker_that_invents_processes_gets_no_more_turns() -> None:
    turns, order = FairQueue(1), []
    turns.enqueue("quiet.1", lambda: order.append("begun"))
    for number in range(4):
        turns.enqueue(f"busy.{number}", lambda number=number: order.append(f"busy {number}"))
    turns.enqueue("quiet.1", lambda: order.append("quiet"))
    turns.enqueue("busy.0", lambda: order.append("busy 0 again"))
    for _ in range(6):
        turns.release()
    assert order == ["begun", "busy 0", "quiet", "busy 1", "busy 2", "busy 3", "busy 0 again"]


def test_too_many_calls_of_one_name_are_refused_whatever_its_processes() -> None:
    turns = FairQueue(0)
    assert all(turns.enqueue(f"busy.{number}", lambda: None) for number in range(10_000))
    assert not turns.enqueue("busy.another", lambda: None)
    assert turns.enqueue("quiet.1", lambda: None)


@pytest.mark.parametrize("name", ["", "a b", "a.b", "*", ">", "relay", "operator", "x" * 65, "wörker", "a\n"])
def test_a_name_that_is_none_of_a_worker_is_refused(name: str) -> None:
    with pytest.raises(InvalidArgumentError, match="no name for a worker"):
        check_worker_name(name)
    assert check_worker_name("worker-1") == "worker-1"
