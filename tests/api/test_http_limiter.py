"""The rate limit: spacing, order, priorities, cancellation, pauses. On a clock that is turned by hand."""

from __future__ import annotations

import asyncio
import itertools
import math
import threading

import pytest
from http_doubles import FakeClock
from hypothesis import given, settings
from hypothesis import strategies as st
from mezon._http.limiter import Window
from mezon.api import Limiter, Priority, prioritized
from mezon.errors import MezonError
from waiting import settle

moves = st.lists(
    st.tuples(
        st.sampled_from(["ask", "ask", "ask", "ask", "cancel", "hold"]),
        st.floats(0, 3),
        st.sampled_from(list(Priority)),
    ),
    max_size=40,
)


@given(
    limit=st.floats(0.1, 5), period=st.floats(0.1, 5), gaps=st.lists(st.floats(0, 4), min_size=1, max_size=60)
)
def test_no_stretch_of_a_period_holds_more_starts_than_the_limit(
    limit: float, period: float, gaps: list[float]
) -> None:
    window = Window(limit, period)
    now, starts = 0.0, []
    for gap in gaps:
        now += gap
        if window.take(now) == 0:
            starts.append(now)
    assert starts[0] == gaps[0]
    size = max(int(limit), 1)
    stretch = period * size / limit
    for first, later in zip(starts, starts[size:], strict=False):
        assert later - first >= stretch * (1 - 1e-9)


@given(limit=st.floats(0.1, 5), period=st.floats(0.1, 5), asks=st.integers(1, 30))
def test_a_start_comes_as_soon_as_the_window_says(limit: float, period: float, asks: int) -> None:
    window = Window(limit, period)
    now = 0.0
    for _ in range(asks):
        for _ in range(3):  # rounding may ask for one more tiny step
            wait = window.take(now)
            assert 0 <= wait <= period * max(int(limit), 1) / limit + 1e-9
            if wait == 0:
                break
            now += wait
        else:
            pytest.fail("the window named a time and then refused it")
    # Full speed: `asks` starts take no longer than the limit demands.
    size = max(int(limit), 1)
    assert now <= (asks - 1) // size * (period * size / limit) + 1e-6


@pytest.mark.parametrize(("limit", "period"), [(0, 1.25), (None, 1.25), (1, 0), (1, None), (-1, 1)])
def test_no_limit(limit: float | None, period: float | None) -> None:
    window = Window(limit, period)
    assert [window.take(5.0) for _ in range(100)] == [0.0] * 100
    window.hold(7.0)
    assert window.take(5.0) == 2.0
    assert window.take(7.0) == 0.0


def test_a_refund_frees_the_start_and_a_move_delays_the_next() -> None:
    window = Window(1, 1.25)
    assert window.take(0.0) == 0
    window.refund(0.0)
    assert window.take(0.5) == 0
    window.move(0.5, 1.0)
    assert window.take(1.75) == pytest.approx(0.5)
    assert window.take(2.25) == 0


@settings(deadline=None)
@given(moves)
def test_invariants_under_any_sequence(sequence: list[tuple[str, float, Priority]]) -> None:
    asyncio.run(_play(sequence))


async def _play(sequence: list[tuple[str, float, Priority]]) -> None:
    """Spacing holds, the waiting are served by priority and then in order, nothing is lost, nothing idles."""
    clock = FakeClock()
    limiter = Limiter(1, 1.25, clock=clock, max_background_wait=math.inf)
    started: list[tuple[float, int]] = []
    waiting: dict[int, Priority] = {}
    tasks: dict[int, asyncio.Task[None]] = {}
    held_until = 0.0

    async def ask(number: int, priority: Priority) -> None:
        await limiter.acquire(limiter.ticket(priority))
        best = min((waiting[other], other) for other in waiting)
        assert best == (priority, number)
        assert clock.now() >= held_until
        del waiting[number]
        started.append((clock.now(), number))

    for number, (move, seconds, priority) in enumerate(sequence):
        if move == "ask":
            waiting[number] = priority
            tasks[number] = asyncio.create_task(ask(number, priority))
            await settle()
        elif move == "cancel" and waiting:
            victim = list(waiting)[int(seconds * 7) % len(waiting)]
            del waiting[victim]
            tasks.pop(victim).cancel()
        elif move == "hold":
            limiter.hold(seconds)
            held_until = max(held_until, clock.now() + seconds)
        await clock.advance(seconds if move != "hold" else 0)
    # Everybody still waiting is served within one period each, after the longest pause.
    await clock.advance(max(held_until - clock.now(), 0) + 1.26 * (len(waiting) + 1))
    assert not waiting
    await asyncio.gather(*tasks.values())
    assert clock.next_timer() is None
    times = [time for time, _ in started]
    assert all(b - a >= 1.25 - 1e-9 for a, b in itertools.pairwise(times))


async def test_the_first_goes_at_once_and_the_next_after_the_period() -> None:
    clock = FakeClock()
    limiter = Limiter(1, 1.25, clock=clock)
    await limiter.acquire()
    second = asyncio.create_task(limiter.acquire())
    await clock.advance(1.2)
    assert not second.done()
    await clock.advance(0.06)
    assert second.done()


async def test_what_the_context_says_is_the_priority() -> None:
    clock = FakeClock()
    limiter = Limiter(1, 1, clock=clock)
    order: list[str] = []

    async def ask(name: str) -> None:
        await limiter.acquire()
        order.append(name)

    with prioritized(Priority.BACKGROUND):
        tasks = [asyncio.create_task(ask(name)) for name in ("first", "refresh 1", "refresh 2")]
    await settle()
    tasks += [asyncio.create_task(ask(name)) for name in ("handler 1", "handler 2")]
    with prioritized(Priority.LOGIN):
        tasks.append(asyncio.create_task(ask("login")))
    await clock.advance(10)
    assert order == ["first", "login", "handler 1", "handler 2", "refresh 1", "refresh 2"]
    await asyncio.gather(*tasks)


async def test_handlers_that_never_pause_do_not_hold_the_background_up_for_ever() -> None:
    """A handler's call is always waiting. After max_background_wait a background call gets every second turn."""
    clock = FakeClock()
    limiter = Limiter(1, 1, clock=clock, max_background_wait=5)
    order: list[str] = []

    async def ask(name: str, priority: Priority) -> None:
        await limiter.acquire(limiter.ticket(priority))
        order.append(name)

    tasks = [asyncio.create_task(ask(f"old {number}", Priority.BACKGROUND)) for number in (1, 2)]
    await settle()
    for second in range(1, 12):
        if second == 3:
            tasks.append(asyncio.create_task(ask("young", Priority.BACKGROUND)))
        tasks += [asyncio.create_task(ask("handler", Priority.INTERACTIVE)) for _ in range(3)]
        await settle()
        await clock.advance(1)
    # Its start was free, so the first went at once. The others were asked at 0 and 2 s.
    old = [(place, name) for place, name in enumerate(order) if name != "handler"]
    assert old == [(0, "old 1"), (5, "old 2"), (7, "young")]
    assert len(order) == 12
    for task in tasks:
        task.cancel()


async def test_old_background_calls_and_those_of_handlers_take_turns() -> None:
    clock = FakeClock()
    limiter = Limiter(1, 1, clock=clock, max_background_wait=5)
    limiter.hold(60)
    order: list[str] = []

    async def ask(name: str, priority: Priority) -> None:
        await limiter.acquire(limiter.ticket(priority))
        order.append(name)

    tasks = [asyncio.create_task(ask(f"b{number}", Priority.BACKGROUND)) for number in range(5)]
    await settle()
    tasks[1].cancel()
    tasks += [asyncio.create_task(ask(f"h{number}", Priority.INTERACTIVE)) for number in range(2)]
    await clock.advance(70)
    assert order == ["b0", "h0", "b2", "h1", "b3", "b4"]
    assert clock.next_timer() is None
    await asyncio.gather(*tasks, return_exceptions=True)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 1)), min_size=5, max_size=40))
def test_nobody_waits_for_ever(asks: list[tuple[int, int]]) -> None:
    """Whatever handlers do, a background call starts within max_background_wait and two periods for each before it."""

    async def play() -> None:
        clock = FakeClock()
        limiter = Limiter(1, 1, clock=clock, max_background_wait=5)
        waiting = 0
        waits: list[tuple[float, int]] = []

        async def background() -> None:
            nonlocal waiting
            before, since = waiting, clock.now()
            waiting += 1
            await limiter.acquire(limiter.ticket(Priority.BACKGROUND))
            waiting -= 1
            waits.append((clock.now() - since, before))

        tasks = []
        for handlers, others in asks:
            tasks += [
                asyncio.create_task(limiter.acquire(limiter.ticket(Priority.INTERACTIVE)))
                for _ in range(handlers)
            ]
            tasks += [asyncio.create_task(background()) for _ in range(others)]
            await settle()
            await clock.advance(1)
        await clock.advance(len(tasks) + 1)
        assert len(waits) == sum(others for _, others in asks)
        for wait, before in waits:
            assert wait <= 5 + 2 * (before + 1)
        await asyncio.gather(*tasks)

    asyncio.run(play())


async def test_a_start_granted_to_a_cancelled_caller_goes_to_the_next() -> None:
    clock = FakeClock()
    limiter = Limiter(1, 100, clock=clock)
    await limiter.acquire()
    first, second = (asyncio.create_task(limiter.acquire()) for _ in range(2))
    await settle()
    # Granting and cancelling in one turn of the loop: `first` never gets to run.
    clock.time += 100
    limiter._queue()._pump()
    first.cancel()
    await settle()
    assert first.cancelled()
    assert second.done()


async def test_a_start_counts_from_when_the_caller_runs() -> None:
    clock = FakeClock()
    limiter = Limiter(1, 1.25, clock=clock)
    await limiter.acquire()
    waiting = asyncio.create_task(limiter.acquire())
    await settle()
    clock.time += 1.25
    limiter._queue()._pump()
    clock.time += 1.0  # the loop was blocked before the caller ran
    await waiting
    later = asyncio.create_task(limiter.acquire())
    await clock.advance(1.2)
    assert not later.done()
    await clock.advance(0.1)
    assert later.done()


async def test_many_cancelled_waiters_leave_nothing_behind() -> None:
    clock = FakeClock()
    limiter = Limiter(1, 1.25, clock=clock)
    await limiter.acquire()
    last = asyncio.create_task(limiter.acquire(limiter.ticket(Priority.LOGIN)))
    tasks = [asyncio.create_task(limiter.acquire()) for _ in range(2_000)]
    await settle()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert len(limiter._queue()._heap) <= 2
    await clock.advance(1.25)
    assert last.done()


async def test_the_line_is_bounded() -> None:
    limiter = Limiter(1, 1.25, clock=FakeClock(), max_waiting=2)
    await limiter.acquire()
    tasks = [asyncio.create_task(limiter.acquire()) for _ in range(2)]
    await settle()
    with pytest.raises(MezonError, match="2 HTTP calls are waiting"):
        await limiter.acquire()
    tasks[0].cancel()
    await settle()
    tasks.append(asyncio.create_task(limiter.acquire()))
    await settle()
    assert not tasks[2].done()
    for task in tasks:
        task.cancel()


async def test_failing_an_owner_leaves_the_others_waiting() -> None:
    clock = FakeClock()
    limiter = Limiter(1, 1.25, clock=clock)
    await limiter.acquire()
    mine, yours = (asyncio.create_task(limiter.acquire(owner=name)) for name in ("me", "you"))
    await settle()
    limiter.fail("me", lambda: MezonError("over"))
    await settle()
    with pytest.raises(MezonError, match="over"):
        await mine
    await clock.advance(1.25)
    assert yours.done()


def test_loops_share_one_window() -> None:
    limiter = Limiter(1, 3600)
    asyncio.run(limiter.acquire())

    async def try_briefly() -> bool:
        task = asyncio.create_task(limiter.acquire())
        await settle()
        done = task.done()
        task.cancel()
        return done

    assert asyncio.run(try_briefly()) is False
    found: list[bool] = []
    thread = threading.Thread(target=lambda: found.append(asyncio.run(try_briefly())))
    thread.start()
    thread.join()
    assert found == [False]
    assert all(not loop.is_closed() for loop in limiter._queues) or len(limiter._queues) <= 1


def test_the_former_name_of_the_background_wait_is_deprecated() -> None:
    with pytest.deprecated_call(match="use max_background_wait"):
        limiter = Limiter(1, 1, patience=5)
    assert limiter.max_background_wait == 5
