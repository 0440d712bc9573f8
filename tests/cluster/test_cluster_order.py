"""A partition changes hands: what comes later waits until what an earlier owner had is done or has come again."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from mezon._cluster import partitions
from mezon._cluster.broker import jetstream_api
from mezon._cluster.delivery import Acknowledger, Delivery, ProgressReporter
from mezon._cluster.partitions import PartitionReader
from mezon._cluster.protocol import MESSAGE_ID, Names
from mezon._cluster.settings import Timing
from mezon.utils.background import cancel_until_done
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats_servers import TIMING, intake_here, needs_nats
from patience import patient
from waiting import until

pytestmark = [needs_nats, pytest.mark.timeout(120)]

NAMES = Names(77)
TIMES = Timing(**TIMING)


class Owner:
    """A reader of partition 0, and what it was given."""

    def __init__(self, client: Client) -> None:
        self.seen: list[int] = []
        self.open: list[Delivery] = []
        self.words = Acknowledger(client, TIMES)
        self.intake = intake_here(client, TIMES)
        self.reader = PartitionReader(client, NAMES, TIMES, 0, self._take, self.words.put, self.intake)
        #: Does it end what it takes at once?
        self.quick = True
        #: Are handlers started?
        self.starts = True
        self._client = client
        self._signs: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self.words.start()
        progress = ProgressReporter(self._client, TIMES, lambda: self.reader.unacknowledged)
        self._signs = [
            asyncio.create_task(progress.run()),
            asyncio.create_task(self.intake.keep_bound()),
        ]
        self.reader.start()

    async def stop(self) -> None:
        await cancel_until_done(*self._signs)
        await self.words.stop()

    async def die(self) -> None:
        """Ask and say nothing more, as a process that was killed."""
        assert self.reader._task is not None
        self.reader._task.cancel()
        assert self.words._task is not None
        await cancel_until_done(self.words._task, *self._signs)

    def _take(self, delivery: Delivery) -> None:
        if not self.starts:
            return
        self.seen.append(int(delivery.body))
        delivery.begin()
        delivery.all_started()
        self.open.append(delivery)
        if self.quick:
            delivery.end()


async def publish(client: Client, numbers: range) -> None:
    stream = client.jetstream()
    for number in numbers:
        headers = {MESSAGE_ID: f"e{number}"}
        await stream.publish(NAMES.event(0, "channel_message"), str(number).encode(), headers=headers)


async def test_an_heir_that_asked_before_its_owner_died(client: Client) -> None:
    first, heir = Owner(client), Owner(client)
    first.quick = False
    first.start()
    await publish(client, range(1))
    await until(lambda: first.seen == [0])
    heir.start()
    await asyncio.sleep(TIMES.pull_timeout / 2)
    await publish(client, range(1, 20))
    await until(lambda: first.seen == list(range(20)))
    await first.die()
    await publish(client, range(20, 300))
    await until(lambda: len(heir.seen) >= 300, lambda: f"{heir.seen[:30]}", timeout=20)
    assert heir.seen == list(range(300))
    await heir.reader.release(1)
    await heir.stop()


async def test_a_full_reader_that_forgets_its_events_reads_on(client: Client) -> None:
    """As after a pause, in which nothing was reported as in progress."""
    owner = Owner(client)
    owner.starts = False
    owner.reader._max_unacknowledged = lambda: 4
    owner.start()
    # Nothing is reported.
    await cancel_until_done(owner._signs[0])
    await publish(client, range(10))
    await until(lambda: len(owner.reader.unacknowledged) == 4)
    # The reader waits until one of them ends.
    await asyncio.sleep(TIMES.pull_timeout)
    owner.reader.forget_unstarted()
    owner.starts = True
    await until(lambda: len(owner.seen) == 10, lambda: f"{owner.seen}")
    assert owner.seen == list(range(10))
    await owner.reader.release(1)
    await owner.stop()


async def test_an_heir_waits_for_handlers_that_still_run(client: Client) -> None:
    first, heir = Owner(client), Owner(client)
    first.quick = False
    first.start()
    await publish(client, range(10))
    await until(lambda: len(first.seen) == 10)
    leaving = asyncio.create_task(first.reader.release(30))
    heir.start()
    await publish(client, range(10, 20))
    # The last request of the first one may have taken some of them.
    await until(lambda: len(first.seen) + len(heir.reader.unacknowledged) == 20)
    took = len(first.seen)
    # Longer than a pin and an unacknowledged event live: the first one's handlers say that they run.
    await asyncio.sleep(TIMES.pin_timeout + TIMES.ack_wait)
    assert heir.seen == []
    for delivery in first.open:
        delivery.end()
    await until(lambda: len(heir.seen) == 20 - took, lambda: f"{heir.seen}", timeout=20)
    assert (first.seen, heir.seen) == (list(range(took)), list(range(took, 20)))
    await leaving
    await heir.reader.release(1)
    await first.stop()
    await heir.stop()


async def test_an_heir_counts_as_its_own_only_what_the_server_counted(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Events that overtake the server's answer do not hide one that is still out elsewhere."""
    first, heir = Owner(client), Owner(client)
    first.quick = False
    first.start()
    await publish(client, range(1))
    await until(lambda: first.seen == [0])
    leaving = asyncio.create_task(first.reader.release(30))
    await until(lambda: first.reader._closed)  # nothing more goes to the first one
    said = 1

    async def slow_answer(*arguments: Any, **options: Any) -> Any:
        nonlocal said
        known = await jetstream_api(*arguments, **options)
        if said < 6:
            # While the answer is on its way, as many come as the first one has: one.
            before = len(heir.reader.unacknowledged)
            await publish(client, range(said, said + 1))
            said += 1
            await until(lambda: len(heir.reader.unacknowledged) > before or heir.seen)
        return known

    monkeypatch.setattr(partitions, "jetstream_api", slow_answer)
    heir.start()
    await publish(client, range(1, 2))
    said += 1
    await until(lambda: said == 6 or heir.seen, timeout=20)
    assert heir.seen == []
    first.open[0].end()
    await until(lambda: len(heir.seen) == 5, lambda: f"{heir.seen}", timeout=20)
    assert heir.seen == list(range(1, 6))
    monkeypatch.undo()
    await leaving
    await heir.reader.release(1)
    await first.stop()
    await heir.stop()


async def test_what_is_lost_on_the_way_is_not_overtaken(client: Client) -> None:
    """A server of a cluster dies with an event that another one sent through it; the pin stays where it is."""
    owner = Owner(client)
    came, lost = owner.reader._receive, []

    def lossy(message: Msg, extended_at: float) -> None:
        if message.data in (b"3", b"7") and message.data not in lost:
            lost.append(message.data)
            return
        came(message, extended_at)

    owner.reader._receive = lossy  # type: ignore[method-assign]
    owner.start()
    await publish(client, range(3))
    await until(lambda: owner.seen == [0, 1, 2])
    await publish(client, range(3, 5))
    await until(lambda: len(lost) == 1)
    await publish(client, range(5, 12))
    await until(lambda: len(owner.seen) == 12, lambda: f"{owner.seen}", timeout=20)
    assert owner.seen == list(range(12))
    assert lost == [b"3", b"7"]
    await owner.reader.release(1)
    await owner.stop()


async def test_what_was_kept_is_given_back(client: Client) -> None:
    first, passing, heir = Owner(client), Owner(client), Owner(client)
    first.quick = False
    first.start()
    await publish(client, range(5))
    await until(lambda: len(first.seen) == 5, lambda: f"the first five: {first.seen}")
    passing.start()
    leaving = asyncio.create_task(first.reader.release(30))
    await publish(client, range(5, 10))
    # The last request of the first one may have taken some of them.
    await until(
        lambda: passing.reader.unacknowledged and len(first.seen) + len(passing.reader.unacknowledged) == 10,
        lambda: f"all ten: {first.seen}, and {len(passing.reader.unacknowledged)} at the next owner",
    )
    took = len(first.seen)
    async with asyncio.timeout(20):
        await passing.reader.release(30)
    assert passing.reader.unacknowledged == []
    heir.start()
    for delivery in first.open:
        delivery.end()
    await leaving
    await until(lambda: len(heir.seen) == 10 - took, lambda: f"{heir.seen}", timeout=20)
    assert (passing.seen, heir.seen) == ([], list(range(took, 10)))
    await heir.reader.release(1)
    for owner in (first, passing, heir):
        await owner.stop()


async def test_a_swallowed_cancellation_does_not_keep_a_partition(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`asyncio.wait_for` of 3.11 returns the answer of the server instead of the cancellation it arrives with."""
    first, passing, heir = Owner(client), Owner(client), Owner(client)
    first.quick = False
    asked, swallowed = asyncio.Event(), False

    async def swallowing(given: Client, subject: str, *rest: Any, **options: Any) -> Any:
        nonlocal swallowed
        answer = await jetstream_api(given, subject, *rest, **options)
        if subject.startswith("CONSUMER.INFO") and passing.reader.unacknowledged and not swallowed:
            asked.set()
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                swallowed = True
        return answer

    monkeypatch.setattr(partitions, "jetstream_api", swallowing)
    first.start()
    await publish(client, range(1))
    await until(lambda: first.seen == [0], "the first event")
    leaving = asyncio.create_task(first.reader.release(30))
    await until(lambda: first.reader._closed, "the end of reading")
    passing.start()
    await publish(client, range(1, 2))
    await until(lambda: passing.reader.unacknowledged, "the second event at the next owner")
    await asyncio.wait_for(asked.wait(), patient(20))
    async with asyncio.timeout(20):
        await passing.reader.release(30)
    assert swallowed
    heir.start()
    first.open[0].end()
    await leaving
    await until(lambda: heir.seen == [1], lambda: f"the second event: {heir.seen}")
    assert passing.seen == []
    await heir.reader.release(1)
    for owner in (first, passing, heir):
        await owner.stop()


async def test_what_has_not_begun_goes_with_the_partition(client: Client) -> None:
    first, heir = Owner(client), Owner(client)
    taken: list[Delivery] = []
    first.reader._deliver = taken.append
    first.start()
    await publish(client, range(10))
    await until(lambda: len(taken) == 10)
    taken[0].begin()
    taken[0].all_started()
    leaving = asyncio.create_task(first.reader.release(30))
    heir.start()
    await until(lambda: len(heir.reader.unacknowledged) == 9, lambda: f"{len(heir.reader.unacknowledged)}")
    assert heir.seen == [], "the first event runs elsewhere"
    assert [delivery.ended for delivery in taken] == [False] + [True] * 9
    taken[0].end()
    await until(lambda: len(heir.seen) == 9, lambda: f"{heir.seen}")
    assert heir.seen == list(range(1, 10))
    await leaving
    await heir.reader.release(1)
    await first.stop()
    await heir.stop()


async def test_an_event_that_an_earlier_owner_acknowledges_late_hides_no_other(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Event 1 comes again and is then acknowledged by the owner that had paused; event 0 still runs there."""
    looks = 0

    async def counted(given: Client, subject: str, *rest: Any, **options: Any) -> Any:
        nonlocal looks
        answer = await jetstream_api(given, subject, *rest, **options)
        looks += subject.startswith("CONSUMER.INFO")
        return answer

    monkeypatch.setattr(partitions, "jetstream_api", counted)
    first, heir = Owner(client), Owner(client)
    first.quick = False
    first.start()
    await publish(client, range(3))
    await until(lambda: first.seen == [0, 1, 2])
    await first.die()
    running = {0, 2}

    async def say_that_they_run() -> None:
        while True:
            for number in running:
                await client.publish(first.open[number].reply, b"+WPI")
            await asyncio.sleep(TIMES.ack_wait / 8)

    saying = asyncio.create_task(say_that_they_run())

    async def looked() -> None:
        before = looks
        await until(lambda: looks >= before + 3 or heir.seen, timeout=20)

    def came() -> list[int]:
        return sorted(int(delivery.body) for delivery in heir.reader.unacknowledged)

    try:
        heir.start()
        await until(lambda: came() == [1], lambda: f"{came()}", timeout=30)
        await client.publish(first.open[1].reply, b"+ACK")
        running.remove(2)
        await until(lambda: came() == [1, 2], lambda: f"{came()}", timeout=30)
        await looked()
        assert heir.seen == [], "event 0 runs elsewhere"
        running.remove(0)
        await until(lambda: heir.seen == [0, 1, 2], lambda: f"{heir.seen}", timeout=30)
    finally:
        saying.cancel()
    await heir.reader.release(1)
    await heir.stop()


async def test_a_late_acknowledgement_hides_no_event_at_a_third_worker(client: Client) -> None:
    """Events 1 and 2 come a third time, 0 still runs at the second owner, which acknowledges 1 late."""
    first, second, heir = Owner(client), Owner(client), Owner(client)
    first.quick = second.quick = False
    first.start()
    await publish(client, range(3))
    await until(lambda: first.seen == [0, 1, 2])
    await first.die()
    second.start()
    await until(lambda: second.seen == [0, 1, 2], lambda: f"{second.seen}", timeout=30)
    await second.die()
    running = {0}

    async def say_that_it_runs() -> None:
        while True:
            for number in running:
                await client.publish(second.open[number].reply, b"+WPI")
            await asyncio.sleep(TIMES.ack_wait / 8)

    saying = asyncio.create_task(say_that_it_runs())
    counted = 0
    count = heir.reader._count_elsewhere

    async def counting() -> int | None:
        nonlocal counted
        elsewhere = await count()
        counted += 1
        return elsewhere

    heir.reader._count_elsewhere = counting  # type: ignore[method-assign]

    def came() -> list[int]:
        return sorted(int(delivery.body) for delivery in heir.reader.unacknowledged)

    try:
        heir.start()
        await until(lambda: came() == [1, 2], lambda: f"{came()}", timeout=30)
        await client.publish(second.open[1].reply, b"+ACK")
        await client.flush()
        before = counted
        await until(lambda: counted >= before + 3 or heir.seen, timeout=20)
        assert heir.seen == [], "event 0 runs elsewhere"
        running.clear()
        await until(lambda: len(heir.seen) == 3, lambda: f"{heir.seen}", timeout=30)
        assert heir.seen == [0, 1, 2]
    finally:
        saying.cancel()
    await heir.reader.release(1)
    for owner in (first, second, heir):
        await owner.stop()
