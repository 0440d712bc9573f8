"""One dispatcher for every event of a client, whatever its source, which no handler can stop."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from mezon import MezonClient
from mezon.client import auto_bind
from mezon.managers.cache import CacheManager
from patience import patient
from port_fakes import BOT, FakePorts, client_on, turns

TYPING = "message_typing_event"


class Alien(BaseException):
    """Not an Exception, like a panic of a native library."""


@pytest_asyncio.fixture
async def ready(client: MezonClient) -> AsyncIterator[MezonClient]:
    await client.login()
    yield client


class TestDefaults:
    """Handlers that are awaited first: ``auto_bind`` and ``event_manager.add_default``."""

    async def test_they_are_awaited_before_the_others_start(
        self, ports: FakePorts, ready: MezonClient
    ) -> None:
        seen: list[str] = []
        gate = asyncio.Event()

        async def default(event: Any) -> None:
            seen.append("default begins")
            await gate.wait()
            seen.append("default ends")

        ready.event_manager.add_default(TYPING, default)
        ready.on(TYPING, lambda event: seen.append("handler"))
        ports.the_connection.event(TYPING, 1)
        await turns()
        assert seen == ["default begins"]
        gate.set()
        await turns()
        assert seen == ["default begins", "default ends", "handler"]

    async def test_auto_bind_goes_the_same_way(self, ports: FakePorts) -> None:
        seen: list[Any] = []

        class Bot(MezonClient):
            @auto_bind(TYPING)
            async def first(self, event: Any) -> None:
                await asyncio.sleep(0)
                seen.append(("first", event))
                raise ValueError("in auto_bind")

        bot = Bot(BOT, "key", mmn_api_url=None, zk_api_url=None, ports=ports)
        told: list[tuple[str, str]] = []
        bot.on_error(lambda error, name: told.append((str(error), name)))
        bot.on(TYPING, lambda event: seen.append(("then", event)))
        await bot.login()
        ports.the_connection.event(TYPING, 5)
        await turns()
        assert seen == [("first", 5), ("then", 5)]
        assert told == [("in auto_bind", TYPING)]
        await bot.disconnect()

    async def test_a_failing_one_reaches_on_error_and_the_counters(
        self, ports: FakePorts, ready: MezonClient
    ) -> None:
        told: list[tuple[str, str]] = []
        seen: list[Any] = []
        ready.on_error(lambda error, name: told.append((str(error), name)))

        async def slow(event: Any) -> None:
            await asyncio.sleep(0)
            raise ValueError("async")

        def quick(event: Any) -> None:
            raise ValueError("sync")

        ready.event_manager.add_default(TYPING, slow)
        ready.event_manager.add_default(TYPING, quick)
        ready.on(TYPING, seen.append)
        ports.the_connection.event(TYPING, 7)
        await turns()
        assert told == [("async", TYPING), ("sync", TYPING)]
        assert ready.stats().handler_errors == 2
        assert seen == [7]

    async def test_a_handler_behind_them_that_fails_reaches_on_error(
        self, ports: FakePorts, ready: MezonClient
    ) -> None:
        told: list[str] = []
        ready.on_error(lambda error, name: told.append(str(error)))

        async def fail(event: Any) -> None:
            await asyncio.sleep(0)
            raise ValueError("handler")

        ready.event_manager.add_default(TYPING, lambda event: None)
        ready.on(TYPING, fail)
        ports.the_connection.event(TYPING, 1)
        await turns()
        assert told == ["handler"]
        assert ready.stats().handler_errors == 1

    async def test_stats_count_their_tasks(self, ports: FakePorts, ready: MezonClient) -> None:
        gate = asyncio.Event()

        async def wait(event: Any) -> None:
            await gate.wait()

        ready.event_manager.add_default(TYPING, wait)
        ports.the_connection.event(TYPING, 1)
        await turns()
        assert ready.stats().handlers == 1
        gate.set()
        await turns()
        assert ready.stats().handlers == 0

    async def test_the_bound_of_handlers_holds_for_them_and_those_behind_them(self, ports: FakePorts) -> None:
        client, connection = client_on(ports, max_concurrent_handlers=4), ports.the_connection
        await client.login()
        running, most = 0, 0
        gate = asyncio.Semaphore(0)

        async def handle(event: Any) -> None:
            nonlocal running, most
            running += 1
            most = max(most, running)
            await gate.acquire()
            running -= 1

        client.event_manager.add_default(TYPING, handle)
        client.on(TYPING, handle)
        client.on(TYPING, handle)
        for number in range(10):
            connection.event(TYPING, number)
        await turns()
        assert most <= 4
        assert connection.waiting
        for _ in range(30):
            gate.release()
            await turns()
        assert connection.waiting == []
        assert (running, most <= 4) == (0, True)
        await client.disconnect()

    async def test_disconnect_gives_them_their_time(self, ports: FakePorts, ready: MezonClient) -> None:
        ended: list[str] = []

        async def default(event: Any) -> None:
            await asyncio.sleep(0.02)
            ended.append("default")

        ready.event_manager.add_default(TYPING, default)
        ports.the_connection.event(TYPING, 1)
        await ready.disconnect(drain=5.0)
        assert ended == ["default"]

    async def test_disconnect_without_drain_cancels_them(self, ports: FakePorts, ready: MezonClient) -> None:
        ended: list[str] = []

        async def default(event: Any) -> None:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                ended.append("cancelled")
                raise

        ready.event_manager.add_default(TYPING, default)
        ready.on(TYPING, lambda event: ended.append("handler"))
        ports.the_connection.event(TYPING, 1)
        await turns()
        await ready.disconnect()
        assert ended == ["cancelled"]

    async def test_emit_still_works_by_hand(self, ready: MezonClient) -> None:
        seen: list[Any] = []
        ready.event_manager.add_default("mine", lambda event: seen.append(("default", event)))
        ready.on("mine", lambda event: seen.append(("handler", event)))
        await ready.event_manager.emit("mine", 3)
        assert seen == [("default", 3), ("handler", 3)]

    async def test_handlers_of_emit_belong_to_the_client(self, ports: FakePorts, ready: MezonClient) -> None:
        """They are counted, their errors reach on_error, and they are cancelled when the client closes."""
        reported: list[tuple[str, str]] = []
        ended: list[str] = []

        async def wait(*args: Any, **kwargs: Any) -> None:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                ended.append(f"cancelled with {args} {kwargs}")
                raise

        async def fail(*args: Any, **kwargs: Any) -> None:
            raise ValueError("failed")

        ready.on_error(lambda error, name: reported.append((str(error), name)))
        ready.on("mine", wait)
        ready.on("mine", fail)
        await ready.event_manager.emit("mine", 1, 2, three=3)
        await turns()
        assert (ready.stats().handlers, ready.stats().handler_errors) == (1, 1)
        assert reported == [("failed", "mine")]
        await ready.disconnect()
        assert ended == ["cancelled with (1, 2) {'three': 3}"]


class TestAgentEvents:
    """Events of AI agents are received over HTTP, with or without a login, and are dispatched like others."""

    @pytest.fixture
    def client(self, ports: FakePorts) -> MezonClient:
        return client_on(ports, agent_event_url="http://agents.invalid")

    @staticmethod
    def room_started(ports: FakePorts, event_id: str) -> None:
        told = {
            "event_id": event_id,
            "event_type": "room_started",
            "timestamp": "2026-03-01T10:30:00Z",
            "room": {"room_id": "1", "room_name": "room"},
            "metadata": {"duration_seconds": 1},
        }
        ports.the_http.streamed.put_nowait(f"data: {json.dumps(told)}\n\n".encode())

    @pytest.mark.parametrize("login", [False, True], ids=["before the login", "after it"])
    async def test_failures_and_counters(self, ports: FakePorts, client: MezonClient, login: bool) -> None:
        if login:
            await client.login()
        told: list[tuple[str, str]] = []
        gate = asyncio.Event()
        client.on_error(lambda error, name: told.append((str(error), name)))

        async def fail(event: Any) -> None:
            await gate.wait()
            raise ValueError("agent")

        client.on("session_started", fail)
        await client.connect_ai_agent_sse()
        self.room_started(ports, "1")
        await turns()
        assert client.stats().handlers == 1
        gate.set()
        await turns()
        assert told == [("agent", "session_started")]
        assert (client.stats().handlers, client.stats().handler_errors) == (0, 1)
        await client.disconnect()

    @pytest.mark.parametrize("login", [False, True], ids=["before the login", "after it"])
    async def test_disconnect_finishes_their_handlers(
        self, ports: FakePorts, client: MezonClient, login: bool
    ) -> None:
        if login:
            await client.login()
        ended: list[str] = []

        async def handle(event: Any) -> None:
            try:
                await asyncio.sleep(0.02 if event.event_id == "quick" else 60)
                ended.append("ended")
            except asyncio.CancelledError:
                ended.append("cancelled")
                raise

        client.on("session_started", handle)
        await client.connect_ai_agent_sse()
        self.room_started(ports, "quick")
        await turns()
        await client.disconnect(drain=5.0)
        await client.connect_ai_agent_sse()
        self.room_started(ports, "slow")
        await turns()
        await client.disconnect()
        assert ended == ["ended", "cancelled"]


class TestAnythingRaised:
    """Whatever a handler raises, every other handler starts and the next event is dispatched."""

    @pytest.mark.parametrize("raised", [Alien, asyncio.CancelledError, RecursionError, GeneratorExit])
    async def test_out_of_a_plain_handler(
        self, ports: FakePorts, ready: MezonClient, raised: type[BaseException]
    ) -> None:
        told: list[str] = []
        seen: list[Any] = []

        def fail(event: Any) -> None:
            raise raised

        ready.on(TYPING, fail)
        ready.on(TYPING, seen.append)
        ready.on_error(lambda error, name: told.append(type(error).__name__))
        for number in range(3):
            ports.the_connection.event(TYPING, number)
        assert seen == [0, 1, 2]
        assert told == [raised.__name__] * 3
        assert ready.stats().handler_errors == 3

    @pytest.mark.parametrize("turn", [0, 1], ids=["at once", "later"])
    @pytest.mark.parametrize("raised", [Alien, RecursionError, GeneratorExit])
    async def test_out_of_a_coroutine(
        self,
        ports: FakePorts,
        ready: MezonClient,
        caplog: pytest.LogCaptureFixture,
        raised: type[BaseException],
        turn: int,
    ) -> None:
        seen: list[Any] = []

        async def fail(event: Any) -> None:
            for _ in range(turn):
                await asyncio.sleep(0)
            raise raised("out of a coroutine")

        async def see(event: Any) -> None:
            seen.append(event)

        ready.on(TYPING, fail)
        ready.on(TYPING, see)
        with caplog.at_level(logging.ERROR):
            ports.the_connection.event(TYPING, 1)
            ports.the_connection.event(TYPING, 2)
            await turns()
            gc.collect()
        assert ready.stats().handler_errors == 2
        assert seen == [1, 2]
        assert "never retrieved" not in caplog.text

    async def test_a_handler_whose_task_is_closed_has_not_failed(
        self, ports: FakePorts, ready: MezonClient
    ) -> None:
        """A loop that is discarded closes its tasks: GeneratorExit comes from outside the handler."""
        ended: list[str] = []

        async def slow(event: Any) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                ended.append("ended")

        ready.on(TYPING, slow)
        ports.the_connection.event(TYPING, 1)
        await turns()
        (task,) = [task for task in asyncio.all_tasks() if task.get_name() == TYPING]
        task.get_coro().close()  # type: ignore[union-attr]
        assert ended == ["ended"]
        assert ready.stats().handler_errors == 0
        task.cancel()
        await asyncio.wait([task])

    @pytest.mark.parametrize("raised", [Alien, asyncio.CancelledError])
    async def test_out_of_on_error(
        self, ports: FakePorts, ready: MezonClient, raised: type[BaseException]
    ) -> None:
        seen: list[Any] = []

        def fail(event: Any) -> None:
            raise ValueError

        def on_error(error: Exception, name: str) -> None:
            raise raised

        ready.on(TYPING, fail)
        ready.on(TYPING, seen.append)
        ready.on_error(on_error)
        for number in range(3):
            ports.the_connection.event(TYPING, number)
        assert seen == [0, 1, 2]

    async def test_out_of_an_async_on_error(self, ports: FakePorts, ready: MezonClient) -> None:
        async def on_error(error: Exception, name: str) -> None:
            raise Alien

        def fail(event: Any) -> None:
            raise ValueError

        ready.on_error(on_error)
        ready.on(TYPING, fail)
        ports.the_connection.event(TYPING, 1)
        await turns()
        assert ready.state == "ready"

    async def test_out_of_on_disconnect(self, ports: FakePorts, ready: MezonClient) -> None:
        def fail(event: Any) -> None:
            raise Alien

        ready.on_disconnect(fail)
        ports.the_connection.enter("backoff", "lost")
        ports.the_connection.enter("ready")
        ports.the_connection.enter("closed", "over")
        with pytest.raises(ConnectionError):
            await asyncio.wait_for(ready.wait_closed(), patient(5))
        assert ready.stats().handler_errors == 2

    async def test_out_of_a_default_effect(
        self, ports: FakePorts, ready: MezonClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[str] = []
        ready.on_channel_message(lambda message: seen.append(message.content["t"]))

        def fail(cache: Any, key: Any) -> None:
            raise Alien

        # As native code does, in the cache that the effect asks.
        monkeypatch.setattr(CacheManager, "get", fail)
        ports.the_connection.say("one")
        ports.the_connection.say("two")
        assert seen == ["one", "two"]
        assert ready.stats().handler_errors == 2

    @pytest.mark.parametrize("raised", [KeyboardInterrupt, SystemExit])
    async def test_what_ends_the_process_goes_on_after_the_others_have_started(
        self, ports: FakePorts, ready: MezonClient, raised: type[BaseException]
    ) -> None:
        seen: list[Any] = []

        def stop(event: Any) -> None:
            raise raised

        ready.on(TYPING, stop)
        ready.on(TYPING, seen.append)
        with pytest.raises(raised):
            ports.the_connection.event(TYPING, 1)
        assert seen == [1]
        assert ready.stats().handler_errors == 0


class TestCancelledBeforeTheFirstStep:
    async def test_it_does_not_stay_in_the_bound(self, ports: FakePorts) -> None:
        client, connection = client_on(ports, max_concurrent_handlers=1), ports.the_connection
        seen: list[Any] = []

        async def handle(event: Any) -> None:
            seen.append(event)
            await asyncio.sleep(0)

        client.on(TYPING, handle)
        await client.login()
        before = asyncio.all_tasks()
        connection.event(TYPING, 1)
        [task] = asyncio.all_tasks() - before
        task.cancel()
        connection.event(TYPING, 2)
        await turns()
        assert seen[-1:] == [2]
        assert client.stats().handlers == 0
        await client.disconnect()

    async def test_it_is_not_counted_without_a_bound(self, ports: FakePorts, ready: MezonClient) -> None:
        async def handle(event: Any) -> None:
            await asyncio.sleep(0)

        ready.on(TYPING, handle)
        before = asyncio.all_tasks()
        ports.the_connection.event(TYPING, 1)
        for task in asyncio.all_tasks() - before:
            task.cancel()
        await turns()
        assert ready.stats().handlers == 0
