"""What dies: workers, relays, servers. MACHINES_TIMES repeats each, MACHINES_BURST is how many messages a burst has.

MACHINES_SECONDS is for how long a worker comes and another one goes each second.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path

import pytest
from in_process_cluster import InProcess
from ledgers import overtaken
from mezon import ChannelMessage
from mezon._cluster.broker import connect, disconnect
from mezon._cluster.dead_letters import dead_events, replay
from mezon._cluster.protocol import OPERATOR, Names
from mezon.testing import LocalGateway
from nats_servers import NatsServer, nats_cluster, needs_nats, relay_process, worker_process
from patience import patient
from test_cluster_bot import environment, lines
from waiting import until

TIMES = range(int(os.environ.get("MACHINES_TIMES", "1")))
BURST = int(os.environ.get("MACHINES_BURST", "1500"))
SECONDS = int(os.environ.get("MACHINES_SECONDS", "3"))
#: Seconds for which NATS is away beyond the life of the lock, and the number of messages meanwhile.
OUTAGE = float(os.environ.get("MACHINES_OUTAGE", "1"))
OUTAGE_EVENTS = int(os.environ.get("MACHINES_OUTAGE_EVENTS", "200"))
#: Seconds for a burst to be handled.
PATIENCE = 120 + BURST / 100

pytestmark = [needs_nats, pytest.mark.timeout(300 + BURST / 25)]


async def burst(
    gateway: LocalGateway, count: int, channels: int = 20, start: int = 0, text: str = ""
) -> list[str]:
    """Say numbered messages in several channels, in turns; gives the lines they make in the ledger."""
    clan = gateway.world.clan()
    known = {channel.label: channel for channel in gateway.world.channels.values()}
    places = [known.get(f"b{n}") or gateway.world.add_channel(f"b{n}", clan) for n in range(channels)]
    said = []
    for number in range(start, start + count):
        place = places[number % channels]
        await gateway.say(place, "alice", f"{text}{number}")
        said.append(f"{place.id} {text}{number}")
    return said


def check(ledger: Path, said: list[str]) -> Counter[str]:
    """Every message was handled, and the first time of each in the order of its channel. Gives how often each was."""
    times = Counter(lines(ledger))
    missing = [line for line in said if not times[line]]
    assert not missing, f"{len(missing)} of {len(said)} were lost, such as {missing[:5]}"
    handled = (line.split() for line in times)  # in the order in which each came first
    late = overtaken((int(channel), int(text.lstrip("?"))) for channel, text in handled)
    assert not late, f"{len(late)} were overtaken in their channel, such as {late[:5]}"
    return times


def answers(gateway: LocalGateway) -> Counter[str]:
    """What the bot said, and how often."""
    return Counter(sent.text for sent in gateway.sent if sent.kind == "channel_message_send")


@pytest.mark.parametrize("time", TIMES)
async def test_a_worker_killed_in_a_burst(
    gateway: LocalGateway, nats: NatsServer, bot: Path, ledger: Path, time: int
) -> None:
    async with (
        relay_process(gateway.client_options(), nats.url, rate_limit=0) as relay,
        worker_process(bot, nats.url, environment(gateway, ledger)) as victim,
        worker_process(bot, nats.url, environment(gateway, ledger)) as heir,
    ):
        await relay.ready()
        await asyncio.gather(victim.ready(), heir.ready())
        saying = asyncio.create_task(burst(gateway, BURST, text="?"))
        await until(lambda: len(lines(ledger)) > BURST // 4, "a quarter", timeout=PATIENCE, every=0.2)
        await victim.kill()
        said = await saying
        await until(lambda: len(set(lines(ledger))) >= BURST, "everything", timeout=PATIENCE, every=0.2)
        await until(lambda: len(answers(gateway)) >= BURST, "every answer", timeout=PATIENCE, every=0.2)
    check(ledger, said)
    assert max(answers(gateway).values()) == 1, "a message was answered twice"


@pytest.mark.parametrize("time", TIMES)
async def test_a_relay_killed_in_a_burst(
    gateway: LocalGateway, nats: NatsServer, bot: Path, ledger: Path, tmp_path: Path, time: int
) -> None:
    """The standby takes over, fills the gap, and nothing is lost or handled out of order."""
    options = gateway.client_options()
    async with relay_process(dict(options), nats.url, rate_limit=0) as first:
        await first.ready()
        async with (
            worker_process(bot, nats.url, environment(gateway, ledger)) as worker,
            relay_process(dict(options), nats.url, rate_limit=0) as second,
        ):
            await worker.ready()
            said = await burst(gateway, 200, channels=5)
            await until(lambda: len(lines(ledger)) >= 200, "the first messages", timeout=60)
            await asyncio.sleep(1.2)  # the notes are written twice a second
            saying = asyncio.create_task(burst(gateway, 300, channels=5, start=200))
            await asyncio.sleep(0.05)
            await first.kill()
            said += await saying
            await second.ready()
            said += await burst(gateway, 50, channels=5, start=500)
            await until(lambda: len(set(lines(ledger))) >= 550, "everything", timeout=90)
    check(ledger, said)


@pytest.mark.parametrize("time", TIMES)
async def test_the_server_of_nats_killed_in_a_burst(
    gateway: LocalGateway, nats: NatsServer, bot: Path, ledger: Path, time: int
) -> None:
    """The relay stops to read, keeps what it has, and goes on; nothing that was confirmed is lost."""
    options = gateway.client_options()
    long_lock = {"lock_ttl": 30.0, "lock_heartbeat": 1.0}
    from nats_servers import TIMING

    timing = {**TIMING, **long_lock}
    async with (
        relay_process(options, nats.url, rate_limit=0, timing=timing) as relay,
        worker_process(bot, nats.url, environment(gateway, ledger)) as worker,
    ):
        await relay.ready()
        await worker.ready()
        saying = asyncio.create_task(burst(gateway, BURST))
        await until(lambda: len(lines(ledger)) > BURST // 4, "a quarter", timeout=PATIENCE, every=0.2)
        await nats.kill()
        await asyncio.sleep(1.0)
        await nats.start()
        said = await saying
        await until(lambda: len(set(lines(ledger))) >= BURST, "everything", timeout=PATIENCE, every=0.2)
    check(ledger, said)


#: Appends "reaction <emoji id>" for each reaction as well.
REACTIONS = """
@client.on_message_reaction
async def react(reaction):
    os.write(ledger, f"reaction {reaction.emoji_id}\\n".encode())
"""


@pytest.mark.parametrize("time", TIMES)
async def test_the_server_of_nats_away_for_long(
    gateway: LocalGateway, nats: NatsServer, bot: Path, ledger: Path, time: int
) -> None:
    """Longer than the lock lives: the relay keeps its connection and every event, and no standby takes over."""
    text = await asyncio.to_thread(bot.read_text)
    await asyncio.to_thread(bot.write_text, text + REACTIONS)
    options = gateway.client_options()
    async with (
        relay_process(dict(options), nats.url, rate_limit=0) as relay,
        worker_process(bot, nats.url, environment(gateway, ledger)) as worker,
    ):
        await relay.ready()
        await worker.ready()
        async with relay_process(dict(options), nats.url, rate_limit=0) as second:
            general = next(one for one in gateway.world.channels.values() if one.label == "general")
            reacted_to = await gateway.say(general, "alice", "-1")
            said = [f"{general.id} -1", *await burst(gateway, 100, channels=5)]
            await until(lambda: len(lines(ledger)) >= 101, "the first messages", timeout=60)
            await until(lambda: "this one stands by" in second.log(), second.log, timeout=60)
            connections = gateway.connections.total
            await nats.kill()
            said += await burst(gateway, OUTAGE_EVENTS, channels=5, start=100)
            for number in range(60):
                await gateway.react(reacted_to, "bob", ":+1:", emoji_id=1000 + number)
            await until(lambda: "does not confirm" in relay.log(), relay.log, timeout=60)
            await asyncio.sleep(OUTAGE)
            await nats.start()
            said += await burst(gateway, 50, channels=5, start=100 + OUTAGE_EVENTS)
            expected = 211 + OUTAGE_EVENTS
            await until(
                lambda: len(set(lines(ledger))) >= expected,
                lambda: f"{len(set(lines(ledger)))} of {expected}: {relay.log()}",
                timeout=PATIENCE,
                every=0.2,
            )
            assert "is still in charge" in relay.log()
            assert "in charge of bot" not in second.log()
            assert gateway.connections.total == connections
            assert await second.terminate() == 0
        assert await worker.terminate() == 0
        assert await relay.terminate() == 0
    reactions = Counter(line for line in lines(ledger) if line.startswith("reaction"))
    assert set(reactions) == {f"reaction {1000 + number}" for number in range(60)}
    messages = [line for line in lines(ledger) if not line.startswith("reaction")]
    await asyncio.to_thread(ledger.write_text, "\n".join(messages))
    check(ledger, said)


@pytest.mark.parametrize("time", TIMES)
@pytest.mark.parametrize("how", ["killed", "stopped"])
async def test_an_outage_of_nats_answers_nothing_twice(
    gateway: LocalGateway, nats: NatsServer, bot: Path, ledger: Path, how: str, time: int
) -> None:
    """In the middle of a burst, and longer than the lock lives."""
    async with (
        relay_process(gateway.client_options(), nats.url, rate_limit=0) as relay,
        worker_process(bot, nats.url, environment(gateway, ledger)) as worker,
    ):
        await relay.ready()
        await worker.ready()
        saying = asyncio.create_task(burst(gateway, BURST, text="?"))
        await until(lambda: len(answers(gateway)) > BURST // 4, "a quarter", timeout=PATIENCE, every=0.05)
        await (nats.kill() if how == "killed" else nats.stop())
        await until(lambda: "does not confirm" in relay.log(), relay.log, timeout=60)
        await asyncio.sleep(OUTAGE)
        await nats.start()
        said = await saying
        await until(
            lambda: len(answers(gateway)) >= BURST,
            lambda: f"{len(answers(gateway))} of {BURST}: {relay.log()}",
            timeout=PATIENCE,
            every=0.2,
        )
    check(ledger, said)
    assert [text for text, times in answers(gateway).items() if times > 1] == []


async def test_an_event_that_is_acknowledged_early(
    gateway: LocalGateway, nats: NatsServer, bot: Path, ledger: Path
) -> None:
    """It is done while its handler runs, and does not come again when the worker dies with it."""
    names = InProcess(gateway, nats).relay.names
    client = await connect(InProcess(gateway, nats).broker)
    early = {"layout": {"acknowledge_early": True}}
    try:
        async with relay_process(gateway.client_options(), nats.url) as relay:
            await relay.ready()
            async with worker_process(bot, nats.url, environment(gateway, ledger), **early) as worker:
                await worker.ready()
                await gateway.say("general", "alice", "wait100")
                await until(lambda: lines(ledger), "the handler", timeout=30)

                async def done() -> bool:
                    info = await client.jetstream().stream_info(names.events)
                    return info.state.messages == 0

                await until(done, "its acknowledgement", timeout=30)
                await worker.kill()
            async with worker_process(bot, nats.url, environment(gateway, ledger), **early) as worker:
                await worker.ready()
                await gateway.say("general", "alice", "next")
                await until(lambda: len(lines(ledger)) > 1, "the next one", timeout=60)
    finally:
        await disconnect(client)
    assert [line.split()[1] for line in lines(ledger)] == ["wait100", "next"]


@pytest.mark.parametrize("time", TIMES)
async def test_the_leader_of_a_cluster_killed_in_a_burst(
    gateway: LocalGateway, bot: Path, ledger: Path, time: int
) -> None:
    from nats_servers import TIMING

    async with nats_cluster() as servers:
        urls = ",".join(server.url for server in servers)
        settings = {
            "layout": {"replicas": 3, "partitions": 8},
            "timing": {
                **TIMING,
                "lock_ttl": 30.0,
                "lock_heartbeat": 1.0,
                "member_ttl": 6.0,
                "ack_wait": 6.0,
                "pin_timeout": 6.0,
            },
        }
        async with (
            relay_process(gateway.client_options(), urls, rate_limit=0, **settings) as relay,
            worker_process(bot, urls, environment(gateway, ledger), **settings) as worker,
        ):
            await relay.ready()
            await worker.ready()
            saying = asyncio.create_task(burst(gateway, BURST))
            await until(lambda: len(lines(ledger)) > BURST // 4, "a quarter", timeout=PATIENCE, every=0.2)
            await (await _leader_of_events(servers, gateway.bot_id)).kill()
            said = await saying
            await until(lambda: len(set(lines(ledger))) >= BURST, "everything", timeout=PATIENCE, every=0.2)
    check(ledger, said)


async def _leader_of_events(servers: list[NatsServer], bot_id: int) -> NatsServer:
    import nats as client

    connection = await client.connect([server.url for server in servers])
    try:
        info = await connection.jetstream().stream_info(f"MEZON_{bot_id}_EVENTS")
        assert info.cluster is not None
        name = info.cluster.leader
    finally:
        await connection.close()
    assert name is not None
    return servers[int(name.removeprefix("n"))]


async def test_workers_that_come_and_go(gateway: LocalGateway, nats: NatsServer) -> None:
    """No event is lost, none is with two workers at a time, and every channel keeps its order."""
    handled: Counter[str] = Counter()
    begun: dict[int, list[int]] = defaultdict(list)
    inside: Counter[str] = Counter()
    overlaps: list[str] = []
    async with InProcess(gateway, nats, layout={"partitions": 24}) as machines:

        async def one_more() -> None:
            client = machines.client()

            @client.on_channel_message
            async def handle(message: ChannelMessage) -> None:
                text = message.content["t"]
                if not inside[text] and not handled[text]:
                    begun[message.channel_id].append(int(text))
                inside[text] += 1
                if inside[text] > 1:
                    overlaps.append(text)
                await asyncio.sleep(0.02)
                inside[text] -= 1
                handled[text] += 1

            await client.login()

        await one_more()
        await one_more()
        said: list[str] = []
        for _ in range(SECONDS):
            saying = asyncio.create_task(burst(gateway, 200, channels=40, start=len(said)))
            await one_more()
            await asyncio.sleep(0.5)
            leaving = asyncio.create_task(machines.clients.pop(0).disconnect(drain=5.0))
            await asyncio.sleep(0.5)
            said += await saying
            await leaving
        await until(
            lambda: len(handled) >= len(said), lambda: f"{len(handled)} of {len(said)}", timeout=PATIENCE
        )
    assert not overlaps
    assert all(numbers == sorted(numbers) for numbers in begun.values())
    assert set(handled) == {line.split()[1] for line in said}


async def test_an_event_that_kills_its_workers_is_put_away(
    gateway: LocalGateway, nats: NatsServer, bot: Path, ledger: Path
) -> None:
    layout = {"max_deliveries": 2}
    async with relay_process(gateway.client_options(), nats.url) as relay:
        await relay.ready()
        for time in range(2):  # once among others, once alone
            async with worker_process(bot, nats.url, environment(gateway, ledger), layout=layout) as worker:
                assert worker.process is not None
                if time == 0:  # the second one may die before it says that it is ready
                    await worker.ready()
                    await gateway.say("random", "bob", "listening")
                    await until(lambda: lines(ledger), "a worker that listens", timeout=30)
                    await gateway.say("general", "alice", "die now")
                    await gateway.say("random", "bob", "fine")
                async with asyncio.timeout(patient(60)):
                    assert await worker.process.wait() == 9
        async with worker_process(bot, nats.url, environment(gateway, ledger), layout=layout) as worker:
            await worker.ready()
            broker = InProcess(gateway, nats).broker
            client = await connect(replace(broker, inbox=Names(gateway.bot_id).inbox(OPERATOR)))
            names = InProcess(gateway, nats).relay.names
            try:

                async def dead() -> bool:
                    return bool(await dead_events(client, names))

                await until(dead, "the dead event", timeout=30)
                (event,) = await dead_events(client, names)
                assert "died with it" in event.reason
                assert event.name == "channel_message"
                assert worker.process is not None
                assert worker.process.returncode is None, "the third worker lives"
                await replay(client, names, event.number)
                async with asyncio.timeout(patient(30)):
                    assert await worker.process.wait() == 9, "brought back, it kills again"
                assert await dead_events(client, names) == []
            finally:
                await disconnect(client)
    assert any(line.endswith("fine") for line in lines(ledger))


async def test_a_slow_handler_keeps_its_event(
    gateway: LocalGateway, nats: NatsServer, bot: Path, ledger: Path
) -> None:
    """It runs three times as long as an event may go without a word, and is not given to anybody else."""
    async with (
        relay_process(gateway.client_options(), nats.url) as relay,
        worker_process(bot, nats.url, environment(gateway, ledger)) as first,
        worker_process(bot, nats.url, environment(gateway, ledger)) as second,
    ):
        await relay.ready()
        await asyncio.gather(first.ready(), second.ready())
        await gateway.say("general", "alice", "wait8")
        await until(lambda: any("done" in line for line in lines(ledger)), "its end", timeout=40)
        await asyncio.sleep(1.0)
    assert len([line for line in lines(ledger) if line.endswith(" wait8") and "done" not in line]) == 1


async def test_a_second_relay_stands_by(gateway: LocalGateway, nats: NatsServer) -> None:
    async with InProcess(gateway, nats) as first:
        second = InProcess(gateway, nats)
        task = asyncio.create_task(second.relay.run())
        await asyncio.sleep(2.0)
        assert not second.relay.ready.is_set()
        assert gateway.connections.live == 1
        assert first.task is not None
        first.task.cancel()
        await asyncio.wait([first.task])
        await until(second.relay.ready.is_set, "the second relay", timeout=20)
        task.cancel()
        await asyncio.wait([task])
