"""Registration and emission of events."""

import asyncio
import logging
from typing import Any

import pytest
from mezon.constants import Events, InternalEventsSocket
from mezon.errors import InvalidArgumentError
from mezon.managers.event import EventManager
from patience import patient
from waiting import settle


@pytest.fixture
def manager() -> EventManager:
    return EventManager()


async def test_on_returns_the_handler_and_is_a_decorator(manager: EventManager) -> None:
    seen = []

    def first(event: Any) -> None:
        seen.append(("first", event))

    assert manager.on(Events.CHANNEL_MESSAGE, first) is first

    @manager.on("channel_message")
    async def second(event: Any) -> None:
        seen.append(("second", event))

    assert asyncio.iscoroutinefunction(second)
    await manager.emit(InternalEventsSocket.CHANNEL_MESSAGE, 1)
    await settle()
    assert seen == [("first", 1), ("second", 1)]


async def test_handlers_run_as_often_as_registered_in_order(manager: EventManager) -> None:
    seen = []

    class Callable_:
        async def __call__(self, event: Any) -> None:
            seen.append("object")

    def twice(event: Any) -> None:
        seen.append("twice")

    manager.on("x", twice)
    manager.on("x", Callable_())
    manager.on("x", twice)
    manager.on("x", lambda event: seen.append("lambda"))
    await manager.emit("x", 1)
    await settle()
    assert seen == ["twice", "twice", "lambda", "object"]
    manager.off("x", twice)
    await manager.emit("x", 1)
    await settle()
    assert seen[4:] == ["twice", "lambda", "object"]


def test_off_works_with_what_was_registered_and_spares_defaults(manager: EventManager) -> None:
    class Bot:
        def handler(self, event: Any) -> None: ...

    bot = Bot()

    def default(event: Any) -> None: ...

    def marked(event: Any) -> None: ...

    marked._is_default_handler = True  # type: ignore[attr-defined]
    manager.add_default("x", default)
    manager.on("x", marked)
    manager.on("x", bot.handler)
    manager.off("x", default)
    manager.off("x", bot.handler)  # another object, but an equal one
    assert manager.listeners == {}
    manager.on("x", bot.handler)
    manager.off("x")
    manager.off("x")
    manager.off("unknown", bot.handler)
    assert manager.listeners == {}
    assert manager.defaults == {"x": (default, marked)}
    assert manager.has_listeners("x")
    assert not manager.has_listeners("unknown")


def test_walking_along_the_listeners_needs_no_copy(manager: EventManager) -> None:
    manager.on("x", print)
    before = manager.listeners["x"]
    for handler in before:
        manager.off("x", handler)
        manager.on("x", repr)
    assert before == (print,)
    assert manager.listeners["x"] == (repr,)


def test_on_change_tells_plain_names(manager: EventManager) -> None:
    changes: list[str] = []
    manager.on_change = changes.append
    manager.on(Events.NOTIFICATION, print)
    manager.off("notifications", repr)
    manager.off(Events.NOTIFICATIONS, print)
    manager.off("notifications")
    manager.add_default("ready", print)
    assert changes == ["notifications", "notifications", "ready"]
    assert {type(name) for name in changes} == {str}
    assert {type(name) for name in manager.defaults} == {str}


@pytest.mark.parametrize(("name", "handler"), [("x", 5), (5, print), (None, print)])
def test_misuse_is_refused_at_registration(manager: EventManager, name: Any, handler: Any) -> None:
    with pytest.raises(InvalidArgumentError, match=r"must be callable|is named by"):
        manager.on(name, handler)
    assert manager.listeners == {}


async def test_defaults_finish_before_handlers_start(manager: EventManager) -> None:
    seen = []

    async def effect(event: Any) -> None:
        await asyncio.sleep(0.01)
        seen.append("effect")

    manager.on("x", lambda event: seen.append("handler"))
    manager.add_default("x", effect)
    await manager.emit("x", 1)
    assert seen == ["effect", "handler"]


async def test_handlers_are_not_awaited(manager: EventManager) -> None:
    release = asyncio.Event()

    async def slow(event: Any) -> None:
        await release.wait()

    manager.on("x", slow)
    await asyncio.wait_for(manager.emit("x", 1), patient(5))
    assert manager.runner.running == 1
    release.set()
    await settle()
    assert manager.runner.running == 0


async def test_failures_are_logged_and_told_and_stop_nothing(
    manager: EventManager, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[tuple[str, str]] = []

    def tell(name: str, error: Exception) -> None:
        told.append((name, str(error)))
        raise RuntimeError("in on_handler_error")

    async def failing_default(event: Any) -> None:
        raise ValueError("default")

    def failing(event: Any) -> None:
        raise ValueError("sync")

    async def failing_later(event: Any) -> None:
        await asyncio.sleep(0)
        raise ValueError("async")

    seen: list[Any] = []
    manager.on_handler_error = tell
    manager.add_default("x", failing_default)
    manager.on("x", failing)
    manager.on("x", failing_later)
    manager.on("x", seen.append)
    with caplog.at_level(logging.ERROR, "mezon"):
        await manager.emit("x", 7)
        await settle()
    assert seen == [7]
    assert told == [("x", "default"), ("x", "sync"), ("x", "async")]
    logged = [record for record in caplog.records if record.exc_info and "event 'x'" in record.getMessage()]
    assert [str(record.exc_info[1]) for record in logged if record.exc_info] == ["default", "sync", "async"]
    assert "failing_later" in caplog.text
