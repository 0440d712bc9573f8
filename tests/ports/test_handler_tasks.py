"""Every coroutine handler runs in its own asyncio.Task (docs/guide/events.md, "Tasks of handlers")."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import logging
import weakref
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio
from mezon import MezonClient
from patience import patient
from port_fakes import FakePorts, client_on, turns

TYPING = "message_typing_event"
OTHER = "last_pin_message_event"
variable: contextvars.ContextVar[Any] = contextvars.ContextVar("variable")


@pytest_asyncio.fixture
async def bot(ports: FakePorts) -> AsyncIterator[MezonClient]:
    client = client_on(ports)
    await client.login()
    yield client
    await client.disconnect()


def listen(client: MezonClient, handler: Callable[[Any], Any]) -> None:
    client.on(TYPING, handler)


def come(ports: FakePorts, *events: Any, name: str = TYPING) -> None:
    for event in events:
        ports.the_connection.event(name, event)


class TestOrder:
    @pytest.mark.parametrize("share", [0, 2, 3, 10, 1], ids=lambda share: f"every {share}. suspends")
    async def test_they_begin_in_the_order_of_the_wire(
        self, ports: FakePorts, bot: MezonClient, share: int
    ) -> None:
        began: list[Any] = []
        ended: set[Any] = set()

        async def one(number: int) -> None:
            began.append((number, 1))
            if share and number % share == 0:
                await asyncio.sleep(0)
            ended.add((number, 1))

        async def two(number: int) -> None:
            began.append((number, 2))
            await asyncio.sleep(0)
            ended.add((number, 2))

        listen(bot, one)
        listen(bot, two)
        for start in range(0, 300, 30):
            come(ports, *range(start, start + 30))
            await asyncio.sleep(0)
        await turns()
        for _ in range(400):
            await asyncio.sleep(0)
        assert began == [(number, which) for number in range(300) for which in (1, 2)]
        assert ended == set(began)
        assert bot.stats().handlers == 0


class TestWhoLooks:
    async def test_the_task_is_the_same_for_a_handlers_life(self, ports: FakePorts, bot: MezonClient) -> None:
        before: dict[int, Any] = {}
        after: dict[int, Any] = {}

        async def handle(number: int) -> None:
            before[number] = asyncio.current_task()
            await asyncio.sleep(0)
            after[number] = asyncio.current_task()

        listen(bot, handle)
        come(ports, *range(10))
        await turns()
        assert before == after
        assert len(set(before.values())) == 10
        assert all(isinstance(task, asyncio.Task) for task in before.values())

    @pytest.mark.parametrize("keep", [lambda task: task, weakref.ref], ids=["strongly", "weakly"])
    async def test_who_keeps_the_task_keeps_it_alone(
        self, ports: FakePorts, bot: MezonClient, keep: Callable[[Any], Any]
    ) -> None:
        """A handler that cancels the task of the previous handler does not cancel itself."""
        last: list[Any] = []
        done: list[int] = []

        async def handle(number: int) -> None:
            for held in last:
                task = held() if isinstance(held, weakref.ref) else held
                if task is not None:
                    assert task is not asyncio.current_task()
                    task.cancel()
            last[:] = [keep(asyncio.current_task())]
            if number % 2:
                await asyncio.sleep(0)
            done.append(number)

        listen(bot, handle)
        come(ports, 0, 2, 4, 6, 8)
        await turns()
        assert done == [0, 2, 4, 6, 8]

    async def test_names_are_those_of_the_events(self, ports: FakePorts, bot: MezonClient) -> None:
        names: list[str] = []

        async def handle(rename: bool) -> None:
            task = asyncio.current_task()
            assert task is not None
            names.append(task.get_name())
            if rename:
                task.set_name("mine")

        bot.on(OTHER, handle)
        listen(bot, handle)
        come(ports, False, True, False)
        come(ports, False, name=OTHER)
        await turns()
        assert names == [TYPING, TYPING, TYPING, OTHER]

    async def test_done_callbacks_run_when_the_handler_has_ended(
        self, ports: FakePorts, bot: MezonClient
    ) -> None:
        seen: list[Any] = []

        async def handle(number: int) -> None:
            task = asyncio.current_task()
            assert task is not None
            if number == 1:
                task.add_done_callback(lambda task: seen.append(("done", task.cancelled())))
            seen.append(number)

        listen(bot, handle)
        come(ports, 0, 1, 2)
        await turns()
        assert [one for one in seen if type(one) is int] == [0, 1, 2]
        assert seen.count(("done", False)) == 1

    async def test_context_variables_do_not_leak(self, ports: FakePorts, bot: MezonClient) -> None:
        seen: list[Any] = []

        async def handle(number: int) -> None:
            seen.append(variable.get(None))
            variable.set(number)
            if number % 3 == 0:
                await asyncio.sleep(0)
                assert variable.get() == number

        listen(bot, handle)
        come(ports, *range(9))
        await turns()
        assert seen == [None] * 9
        assert variable.get(None) is None

    async def test_a_context_variable_of_the_login_stays_what_it_was(self, ports: FakePorts) -> None:
        """Compared by identity, not by equality."""
        base: list[int] = []
        variable.set(base)
        client = client_on(ports)
        await client.login()
        seen: list[bool] = []

        async def handle(number: int) -> None:
            seen.append(variable.get() is base)
            variable.set([])

        listen(client, handle)
        come(ports, 1, 2, 3)
        await turns()
        assert seen == [True] * 3
        await client.disconnect()

    async def test_timeouts_and_task_groups_are_of_their_handler(
        self, ports: FakePorts, bot: MezonClient
    ) -> None:
        seen: list[Any] = []

        async def fail() -> None:
            raise ValueError

        async def handle(number: int) -> None:
            task = asyncio.current_task()
            assert task is not None
            assert task.cancelling() == 0
            try:
                if number % 3 == 0:
                    async with asyncio.timeout(0):
                        await asyncio.sleep(30)
                elif number % 3 == 1:
                    async with asyncio.TaskGroup() as group:
                        group.create_task(fail())
                        await asyncio.sleep(30)
            except TimeoutError:
                seen.append((number, "timeout"))
            except ExceptionGroup:
                seen.append((number, "group"))
            else:
                seen.append((number, "quick"))
            assert task.cancelling() == 0

        listen(bot, handle)
        come(ports, *range(9))
        for _ in range(50):
            await asyncio.sleep(0.001)
        kinds = ("timeout", "group", "quick")
        assert sorted(seen) == [(number, kinds[number % 3]) for number in range(9)]
        assert bot.stats().handler_errors == 0


class TestCancellation:
    @pytest.mark.parametrize("uncancel", [False, True])
    async def test_a_handler_that_asks_for_its_own(
        self, ports: FakePorts, bot: MezonClient, uncancel: bool
    ) -> None:
        """The handler ends without suspending, and the next handler is not affected."""
        seen: list[int] = []

        async def handle(number: int) -> None:
            task = asyncio.current_task()
            assert task is not None
            if number == 1:
                task.cancel()
                if uncancel:
                    task.uncancel()
            else:
                await asyncio.sleep(0)
            seen.append(number)

        listen(bot, handle)
        come(ports, 0, 1, 2, 3)
        await turns()
        assert sorted(seen) == [0, 1, 2, 3]

    async def test_one_raises_cancelled_error_and_the_others_go_on(
        self, ports: FakePorts, bot: MezonClient
    ) -> None:
        seen: list[int] = []

        async def handle(number: int) -> None:
            if number % 2:
                raise asyncio.CancelledError
            seen.append(number)

        listen(bot, handle)
        come(ports, *range(8))
        await turns()
        assert seen == [0, 2, 4, 6]
        assert (bot.stats().handlers, bot.stats().handler_errors) == (0, 0)

    async def test_a_suspended_one_is_cancelled_alone(self, ports: FakePorts, bot: MezonClient) -> None:
        tasks: dict[int, asyncio.Task[Any]] = {}
        ended: dict[int, str] = {}
        gate = asyncio.Event()

        async def handle(number: int) -> None:
            task = asyncio.current_task()
            assert task is not None
            tasks[number] = task
            try:
                await gate.wait()
                ended[number] = "ended"
            except asyncio.CancelledError:
                ended[number] = "cancelled"
                raise

        listen(bot, handle)
        come(ports, *range(5))
        await turns()
        assert bot.stats().handlers == 5
        tasks[2].cancel()
        await turns()
        assert bot.stats().handlers == 4
        gate.set()
        await turns()
        assert ended == {2: "cancelled", 0: "ended", 1: "ended", 3: "ended", 4: "ended"}
        assert [task.cancelled() for task in tasks.values()] == [False, False, True, False, False]


class TestFailures:
    @pytest.mark.parametrize("late", [False, True], ids=["at once", "after a turn"])
    async def test_are_logged_reported_and_stop_nothing(
        self, ports: FakePorts, bot: MezonClient, late: bool, caplog: pytest.LogCaptureFixture
    ) -> None:
        told: list[str] = []
        seen: list[int] = []
        bot.on_error(lambda error, name: told.append(f"{name}: {error}"))

        async def handle(number: int) -> None:
            if late:
                await asyncio.sleep(0)
            if number % 2:
                raise ValueError(str(number))
            seen.append(number)

        listen(bot, handle)
        with caplog.at_level(logging.ERROR):
            come(ports, *range(6))
            await turns()
            gc.collect()
        assert seen == [0, 2, 4]
        assert told == [f"{TYPING}: {number}" for number in (1, 3, 5)]
        assert bot.stats().handler_errors == 3
        assert "never retrieved" not in caplog.text
        assert "never awaited" not in caplog.text

    async def test_a_coroutine_given_twice_is_that_handlers_failure(
        self, ports: FakePorts, bot: MezonClient
    ) -> None:
        gate = asyncio.Event()
        ended: list[str] = []

        async def shared() -> None:
            await gate.wait()
            ended.append("ended")

        coroutine = shared()
        listen(bot, lambda event: coroutine)
        come(ports, 1, 2)
        await turns()
        assert bot.stats().handler_errors == 1
        gate.set()
        await turns()
        assert ended == ["ended"]

    async def test_what_it_throws_in_arrives(self, ports: FakePorts, bot: MezonClient) -> None:
        """An awaited future may fail, and the handler may catch the exception and continue."""
        seen: list[Any] = []

        async def handle(number: int) -> None:
            future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
            asyncio.get_running_loop().call_soon(future.set_exception, KeyError(number))
            try:
                await future
            except KeyError as error:
                seen.append(error.args[0])
            await asyncio.sleep(0)
            if number:
                raise RuntimeError
            seen.append("end")

        listen(bot, handle)
        come(ports, 0, 1)
        await turns()
        assert sorted(map(str, seen)) == ["0", "1", "end"]
        assert bot.stats().handler_errors == 1


class TestTheEnd:
    async def test_disconnect_gives_those_that_wait_their_first_step(
        self, ports: FakePorts, bot: MezonClient
    ) -> None:
        began: list[int] = []
        ended: list[str] = []

        async def handle(number: int) -> None:
            began.append(number)
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                ended.append("cancelled")
                raise

        listen(bot, handle)
        come(ports, *range(5))
        await bot.disconnect()
        assert began == [0, 1, 2, 3, 4]
        assert ended == ["cancelled"] * 5

    async def test_a_handler_disconnects_in_its_first_step(self, ports: FakePorts, bot: MezonClient) -> None:
        seen: list[int] = []

        async def handle(number: int) -> None:
            if number == 1:
                await bot.disconnect()
            seen.append(number)

        listen(bot, handle)
        come(ports, 0, 1, 2)
        await asyncio.wait_for(bot.wait_closed(), patient(10))
        await turns()
        # Whether the last one comes before the end is a matter of turns.
        assert {0, 1} <= set(seen)


def test_ctrl_c_in_a_handler_ends_the_process_after_the_others_have_begun() -> None:
    seen: list[int] = []

    async def main() -> None:
        ports = FakePorts()
        client = client_on(ports)
        await client.login()

        async def handle(number: int) -> None:
            if number in (1, 3):
                await asyncio.sleep(0)
            if number == 2:
                raise KeyboardInterrupt
            seen.append(number)
            await asyncio.sleep(60)

        listen(client, handle)
        come(ports, *range(4))
        await asyncio.sleep(60)

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(main())
    assert 0 in seen
    # What asyncio says of the task that ended so is said here, not in the midst of something else.
    gc.collect()
