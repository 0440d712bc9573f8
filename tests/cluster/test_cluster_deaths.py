"""Only a worker that died while it ran an event counts against the event: not deliveries, not workers that leave."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from in_process_cluster import InProcess
from mezon import ChannelMessage
from mezon._cluster.broker import connect, disconnect
from mezon._cluster.delivery import Acknowledger, Delivery, ProgressReporter
from mezon._cluster.partitions import PartitionReader
from mezon._cluster.poison_detector import PoisonDetector
from mezon._cluster.protocol import MESSAGE_ID, Names
from mezon._cluster.settings import Broker, Timing
from mezon.testing import LocalGateway
from mezon.utils.background import cancel_until_done
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats_servers import TIMING, NatsServer, intake_here, needs_nats
from test_cluster_faults import burst
from waiting import settle, until

pytestmark = [needs_nats, pytest.mark.timeout(120)]

NAMES = Names(81)
TIMES = Timing(**TIMING)


class Worker:
    """A reader of partition 0 that begins nothing by itself."""

    def __init__(self, client: Client) -> None:
        self.given: list[Delivery] = []
        self.words = Acknowledger(client, TIMES)
        intake = intake_here(client, TIMES)
        self.reader = PartitionReader(client, NAMES, TIMES, 0, self.given.append, self.words.put, intake)
        progress = ProgressReporter(client, TIMES, lambda: self.reader.unacknowledged)
        self.words.start()
        self.signs = [asyncio.create_task(progress.run()), asyncio.create_task(intake.keep_bound())]
        self.reader.start()

    async def leave(self, patience: float = 5.0) -> None:
        """End in order: what has not begun is given back."""
        await self.reader.release(patience)
        await cancel_until_done(*self.signs)
        await self.words.stop()

    async def die(self) -> None:
        """Ask and say nothing more, as a process that was killed."""
        assert self.reader._task is not None
        assert self.reader._inbox is not None
        assert self.words._task is not None
        self.reader._task.cancel()
        await self.reader._inbox._subscription.unsubscribe()
        await cancel_until_done(self.words._task, *self.signs)


def begin(delivery: Delivery) -> None:
    delivery.begin()
    delivery.all_started()


async def publish(client: Client, count: int) -> None:
    stream = client.jetstream()
    for number in range(count):
        headers = {MESSAGE_ID: f"m{number}"}
        await stream.publish(NAMES.event(0, "channel_message"), str(number).encode(), headers=headers)


async def test_what_is_given_back_is_no_death(client: Client) -> None:
    await publish(client, 20)
    for _ in range(5):
        worker = Worker(client)
        await until(lambda worker=worker: len(worker.given) == 20, timeout=30)
        await worker.leave()
    last = Worker(client)
    await until(lambda: len(last.given) == 20, timeout=30)
    assert {delivery.times for delivery in last.given} >= {6}
    assert {delivery.possible_deaths for delivery in last.given} == {1}
    assert not any(delivery.may_have_run for delivery in last.given)
    await last.leave()


async def test_a_worker_that_dies_counts(client: Client) -> None:
    await publish(client, 3)
    for deaths in range(3):
        worker = Worker(client)
        await until(lambda worker=worker: len(worker.given) == 3, timeout=30)
        assert {delivery.possible_deaths for delivery in worker.given} == {deaths + 1}
        await worker.die()
        # Others give it back in between.
        between = Worker(client)
        await until(lambda between=between: len(between.given) == 3, timeout=30)
        assert {delivery.possible_deaths for delivery in between.given} == {deaths + 2}
        assert all(delivery.may_have_run for delivery in between.given)
        await between.leave()


async def test_a_handler_that_outlasts_its_partition_is_no_death(client: Client) -> None:
    """But its calls may have been made: they are looked for."""
    await publish(client, 1)
    first = Worker(client)
    await until(lambda: len(first.given) == 1, timeout=30)
    begin(first.given[0])
    first.given[0].begin()
    await first.leave(0.0)
    second = Worker(client)
    await until(lambda: len(second.given) == 1, timeout=30)
    assert (second.given[0].possible_deaths, second.given[0].may_have_run) == (1, True)
    # A handler that is stopped in the middle gives its event back as well.
    second.given[0].fail()
    begin(second.given[0])
    second.given[0].end()
    await until(lambda: len(second.given) == 2, timeout=30)
    assert (second.given[1].times, second.given[1].possible_deaths, second.given[1].may_have_run) == (
        3,
        1,
        True,
    )
    await second.leave()


async def test_a_worker_that_leaves_before_it_knows_the_note_keeps_it(client: Client) -> None:
    """It gives back a part of what the note of the worker before it is about."""
    await publish(client, 4)
    first = Worker(client)
    await until(lambda: len(first.given) == 4, "the events", timeout=30)
    begin(first.given[0])
    leaving = asyncio.create_task(first.leave(60.0))
    second = Worker(client)
    await until(lambda: len(second.reader.unacknowledged) == 3, "what has not begun", timeout=30)
    assert second.given == [], "the first event runs elsewhere"
    await second.leave()
    third = Worker(client)
    first.given[0].end()
    await leaving
    await until(lambda: len(third.given) == 3, "the same again", timeout=30)
    assert {(delivery.times, delivery.possible_deaths) for delivery in third.given} == {(3, 1)}
    assert not any(delivery.may_have_run for delivery in third.given)
    await third.leave()


@pytest.mark.timeout(300)  # workers of one process settle several times: slow next to other work
async def test_scaling_out_with_a_backlog_suspects_nothing(gateway: LocalGateway, nats: NatsServer) -> None:
    """Events that go from worker to worker many times are begun as any others."""
    handled: list[str] = []
    names = Names(gateway.bot_id)
    client = await connect(Broker(urls=nats.url))
    trials: list[str] = []

    async def noted(message: Msg) -> None:
        if "returned" not in message.subject:
            trials.append(message.subject)

    # All workers share one loop here, and debug mode would make it late for seconds.
    asyncio.get_running_loop().set_debug(False)
    settings = {"layout": {"partitions": 16}, "timing": {"ack_wait": 60.0}}
    try:
        async with InProcess(gateway, nats, **settings) as machines:
            await client.subscribe(f"$KV.{names.notes}.suspect.>", cb=noted)
            go = asyncio.Event()

            async def one_more() -> None:
                bot = machines.client(max_concurrent_handlers=2)

                @bot.on_channel_message
                async def handle(message: ChannelMessage) -> None:
                    await go.wait()
                    handled.append(message.content["t"])

                await bot.login()

            await one_more()
            said = await burst(gateway, 300, channels=40)
            first = machines.clients[0]
            await until(lambda: first.socket_manager.socket.connection.stats()["queued"] > 0)
            for _ in range(3):
                await one_more()
                await until(machines.settled, timeout=120)
            go.set()
            await until(lambda: len(handled) >= len(said), lambda: f"{len(handled)}", timeout=120)
    finally:
        await disconnect(client)
    assert trials == []
    assert sorted(handled) == sorted(line.split()[1] for line in said)


# ---- trials


class Trials:
    """Suspects, and what they began and put away."""

    def __init__(self, client: Client, most: int = 5) -> None:
        self.begun: list[Delivery] = []
        self.dead: list[str] = []
        self.suspects = PoisonDetector(client, NAMES, most, self.begun.append, self._dead_letter)

    def _dead_letter(self, delivery: Delivery, reason: str) -> None:
        self.dead.append(f"{delivery.event_id}: {reason}")

    def bring(self, count: int, times: int) -> list[Delivery]:
        """Deliver so many events, of several partitions, for the time of that number."""
        ended: Callable[[Delivery, bool], None] = lambda delivery, done: None  # noqa: E731
        brought = [
            Delivery(f"m{number}", "channel_message", b"", "", times, number, number, number % 4, ended)
            for number in range(count)
        ]
        for delivery in brought:
            assert self.suspects.intercept(delivery)
        return brought

    async def die(self) -> None:
        """Say nothing of the notes, as a process that was killed."""
        task = self.suspects._task
        assert task is not None
        task.cancel()
        await asyncio.wait([task])

    def end(self, deliveries: list[Delivery]) -> None:
        for delivery in deliveries:
            begin(delivery)
            delivery.end()


async def test_innocent_events_are_tried_together(client: Client) -> None:
    """Workers were killed one after the other: what they had is not begun one by one."""
    trials = Trials(client)
    brought = trials.bring(50, 3)
    await until(lambda: len(trials.begun) == 50)
    trials.end(brought)
    for partition in range(4):
        numbers = [delivery.sequence for delivery in trials.begun if delivery.partition == partition]
        assert numbers == sorted(numbers)
    again = Trials(client)
    await trials.suspects.stop()
    again.bring(50, 3)
    await until(lambda: len(again.begun) == 50, "no note is left")
    await again.suspects.stop()


async def test_the_one_that_kills_is_found_alone(client: Client) -> None:
    """It dies with its worker three times more: in the trial of all, and twice alone. The others are handled."""
    for times in (3, 4, 5):
        trials = Trials(client)
        trials.bring(10, times)
        if times == 3:
            await until(lambda trials=trials: len(trials.begun) == 10)
        else:
            while trials.begun == [] or trials.begun[-1].event_id != "m3":
                before = len(trials.begun)
                trials.end(trials.begun[-1:])
                await until(lambda trials=trials, before=before: len(trials.begun) > before)
                assert len(trials.begun) == before + 1, "one after the other"
            await settle()
            assert trials.begun[-1].event_id == "m3", "nothing begins beside it"
        await trials.die()
        assert trials.dead == []
    trials = Trials(client)
    trials.bring(10, 6)
    for number in range(9):
        await until(lambda number=number: len(trials.begun) == number + 1)
        trials.end(trials.begun[-1:])
    await until(lambda: trials.dead == ["m3: 3 workers died with it"], lambda: f"{trials.dead}")
    assert {delivery.event_id for delivery in trials.begun} == {f"m{n}" for n in range(10)} - {"m3"}
    await trials.suspects.stop()


async def test_a_worker_that_ends_in_order_did_not_die(client: Client) -> None:
    for _ in range(6):
        trials = Trials(client)
        trials.bring(2, 3)
        await until(lambda trials=trials: len(trials.begun) == 2)
        await trials.suspects.stop()
        assert trials.dead == []
