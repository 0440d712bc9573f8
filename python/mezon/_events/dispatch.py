"""From events to handlers: what the SDK itself does first, then the bot's handlers, in wire order, never waiting.

Runs on the loop, once for each event, so it is kept short. A handler gets a task of its own unless it is an
ordinary function; the task is held until it ends, and its error is logged and reported.
"""

from __future__ import annotations

import asyncio
import inspect
import sys
from functools import partial, wraps
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

from mezon._events.waiting import WaitEndedError, Waiters
from mezon._gateway.codec import MESSAGES, NAMES, TAGS
from mezon._gateway.connection import BATCH
from mezon.models._answers import equip
from mezon.models._origin import held
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from mezon._gateway.connection import Link
    from mezon.managers.event import EventManager

logger = get_logger(__name__)

#: The one event of protobuf that can be answered.
_CLICK: Final = "message_button_clicked"

#: The event's name, the SDK's own effect, whether somebody registered a default, and the bot's handlers.
_Route: TypeAlias = "tuple[str, Callable[[Any], None] | None, bool, tuple[Callable[..., Any], ...]]"


class _MakeTask(Protocol):
    # A name that is given costs less than the one asyncio makes up.
    def __call__(self, coroutine: Coroutine[Any, Any, None], /, *, name: str) -> asyncio.Task[None]: ...


def _unbounded() -> int:
    return BATCH


class Dispatcher:
    """Dispatches the events of one client.

    Args:
        events: Who listens to what.
        effects: By envelope field, what the SDK does on an event before the handlers start.
        on_error: Called with an exception and the name of the event whose handler raised it.
        max_handlers: How many handlers may run before dispatch waits; None for no bound.
        waiters: Who waits for an event: served before the handlers start.
    """

    def __init__(
        self,
        events: EventManager,
        effects: dict[str, Callable[[Any], None]],
        on_error: Callable[[Exception, str], None],
        max_handlers: int | None = None,
        waiters: Waiters | None = None,
    ) -> None:
        self._events = events
        self._waiters = waiters if waiters is not None else Waiters()
        self._effects = effects
        self._on_error = on_error
        self._max = max_handlers
        self._make_task: _MakeTask = _task_on_running_loop
        #: By tag, where an event goes.
        self._routes: dict[int, _Route] = {}
        self._link: Link | None = None
        #: What handlers returned and has not ended, and the task that waits for it.
        self._running: dict[Coroutine[Any, Any, Any] | asyncio.Future[Any], asyncio.Task[None]] = {}
        self._held = False
        #: Handlers that raised.
        self.errors = 0

    @property
    def running(self) -> int:
        """Handlers running now."""
        return len(self._running)

    def attach(self, link: Link, loop: asyncio.AbstractEventLoop) -> None:
        """Take the events of a connection, on this loop."""
        self._link = link
        self._make_task = _task_maker(loop)
        link.on_event = self.on_event
        link.capacity = self._capacity if self._max is not None else _unbounded
        interesting = self._events.listeners.keys() | self._events.defaults.keys() | self._effects.keys()
        for name in interesting | self._waiters.names:
            self._interest_changed(name)
        self._events.on_change = self._waiters.on_change = self._interest_changed

    def hold(self) -> None:
        """Dispatch no more events; answers to calls still come."""
        if self._link is not None:
            self._link.capacity = lambda: 0

    def _interest_changed(self, name: str) -> None:
        """Somebody began or ceased to listen: the core is told, and the way to the handlers is set anew."""
        tag = TAGS.get(name)
        if tag is None:
            return
        wanted = self._events.has_listeners(name) or name in self._effects or self._waiters.has(name)
        if wanted:
            self._routes[tag] = self._route(name)
        else:
            self._routes.pop(tag, None)
        if self._link is not None:
            self._link.want(name, wanted)

    def _route(self, name: str) -> _Route:
        handlers, effect = self._events.listeners.get(name, ()), self._effects.get(name)
        if self._waiters.has(name):
            effect = self._waiters.after(effect, name)
        return name, effect, name in self._events.defaults, handlers

    def _capacity(self) -> int:
        """How many events may come now: one starts as many handlers as listen to it."""
        room = self._room()
        self._held = room <= 0
        return room

    def _room(self) -> int:
        assert self._max is not None
        each = max((len(handlers) for handlers in self._events.listeners.values()), default=1)
        room = (self._max - len(self._running)) // each
        if not self._running:
            room = max(room, 1)
        return max(room, 0)

    @property
    def full(self) -> bool:
        """Do as many handlers run as may?"""
        return self._max is not None and self._room() <= 0

    def runs(self, task: asyncio.Task[Any] | None) -> bool:
        """Is this the task of a running handler, or one that a handler has returned?"""
        return any(task is mine or task is outcome for outcome, mine in self._running.items())

    async def wait_room(self) -> None:
        """Wait until a handler ends, if one runs."""
        if self._running:
            await asyncio.wait(set(self._running.values()), return_when=asyncio.FIRST_COMPLETED)

    def on_event(self, tag: int, event: Any) -> None:
        """One event from the wire."""
        route = self._routes.get(tag)
        if route is None:
            # It was on its way when the last listener went.
            return
        if type(event) is bytes:
            event = _protobuf(NAMES[tag], event)
            if event is None:
                return
            if NAMES[tag] == _CLICK and self._link is not None and self._link.origin is not None:
                held.add(event, self._link.origin)
        self._follow(route, event)

    def dispatch(self, name: str, event: Any) -> None:
        """Let an event occur that did not come from the wire. A handler that takes nothing is given nothing."""
        name, effect, has_defaults, handlers = self._route(name)
        fitting = tuple(h if _takes_one(h) else _without_argument(h) for h in handlers)
        self._follow((name, effect, has_defaults, fitting), event)

    def _follow(self, route: _Route, event: Any) -> None:
        name, effect, has_defaults, handlers = route
        if effect is not None:
            try:
                effect(event)
            except Exception as error:
                self.failed(error, name, effect)
        if has_defaults:
            # Somebody uses the reference's way to be called first: those are awaited, so all goes by emit.
            self.start(name, self._events.emit, self._events.emit(name, event))
            return
        for handler in handlers:
            try:
                outcome = handler(event)
            except Exception as error:
                self.failed(error, name, handler)
                continue
            if outcome is not None and (type(outcome) is CoroutineType or inspect.isawaitable(outcome)):
                self.start(name, handler, outcome)

    def start(self, name: str, handler: Callable[..., Any], outcome: Awaitable[Any]) -> None:
        """Run what a handler returned, in a task that is held until it ends."""
        if type(outcome) is not CoroutineType and (
            not isinstance(outcome, asyncio.Future) or outcome in self._running
        ):
            # A future may come of two handlers; anything else need not be hashable.
            outcome = _wait_for(outcome)
        task = self._make_task(self._run(name, handler, outcome), name=name)
        if not task.done():  # an eager one may be
            self._running[outcome] = task

    async def _run(
        self,
        name: str,
        handler: Callable[..., Any],
        outcome: Coroutine[Any, Any, Any] | asyncio.Future[Any],
    ) -> None:
        try:
            await outcome
        except Exception as error:
            self.failed(error, name, handler)
        finally:
            self._running.pop(outcome, None)
            if self._held and self._link is not None:
                self._held = False
                # After those that are about to go on: an eager handler must not overtake them.
                asyncio.get_running_loop().call_soon(self._link.drain)

    def failed(self, error: Exception, name: str, handler: Callable[..., Any]) -> None:
        """Log an error with its traceback, and report it."""
        if isinstance(error, WaitEndedError):
            logger.debug("A handler of %s waited for an event when the client ended", name)
            return
        self.errors += 1
        where = getattr(handler, "__qualname__", None) or type(handler).__qualname__
        logger.error("The handler %s of %s raised", where, name, exc_info=error)
        try:
            self._on_error(error, name)
        except Exception:
            logger.exception("on_error raised")

    async def finish(self, timeout: float) -> None:
        """Let running handlers end, and cancel those that have not after `timeout` seconds; but not the caller."""
        current = asyncio.current_task()
        # One turn, so that what has just begun comes to its first step, as it would without the end.
        await asyncio.sleep(0)
        tasks = {
            task
            for outcome, task in self._running.items()
            if task is not current and outcome is not current and not task.done()
        }
        if tasks and timeout > 0:
            _, tasks = await asyncio.wait(tasks, timeout=timeout)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=1.0)
        # A task that was cancelled before its first step has run no `finally`, and never awaited its handler.
        for outcome in [outcome for outcome, task in self._running.items() if task.done()]:
            del self._running[outcome]
            if inspect.iscoroutine(outcome):
                outcome.close()


def _takes_one(handler: Callable[..., Any]) -> bool:
    try:
        inspect.signature(handler).bind(None)
    except TypeError:
        return False
    except ValueError:
        # Callables of C need not say what they take.
        return True
    return True


def _without_argument(handler: Callable[..., Any]) -> Callable[[Any], Any]:
    @wraps(handler)
    def call(event: Any) -> Any:
        return handler()

    return call


async def _wait_for(awaitable: Awaitable[Any]) -> None:
    await awaitable


def _task_on_running_loop(coroutine: Coroutine[Any, Any, None], *, name: str) -> asyncio.Task[None]:
    return asyncio.get_running_loop().create_task(coroutine, name=name)


def _task_maker(loop: asyncio.AbstractEventLoop) -> _MakeTask:
    """The shortest way to a task on this loop."""
    if loop.get_task_factory() is not None or not isinstance(loop, asyncio.BaseEventLoop):
        return loop.create_task
    if sys.version_info >= (3, 12):
        # A handler that awaits nothing is done without a turn of the loop.
        return partial(asyncio.Task, loop=loop, eager_start=True)
    return partial(asyncio.Task, loop=loop)


def run_in_background(
    loop: asyncio.AbstractEventLoop,
    tasks: set[asyncio.Task[Any]],
    coroutine: Coroutine[Any, Any, Any],
    what: str,
) -> None:
    """Run something nobody waits for; its failure is a warning."""

    async def run() -> None:
        try:
            await coroutine
        except Exception as error:
            logger.warning("%s failed: %s", what, error)

    task = loop.create_task(run(), name=f"mezon: {what}")
    tasks.add(task)
    task.add_done_callback(tasks.discard)


_classes: dict[str, Any] = {}


def _protobuf(name: str, body: bytes) -> Any:
    """The protobuf message of an envelope field; None, logged, when it cannot be read."""
    kind = _classes.get(name)
    if kind is None:
        from mezon.protobuf.api import api_pb2
        from mezon.protobuf.rtapi import realtime_pb2

        package, _, message = MESSAGES[name].rpartition(".")
        kind = _classes[name] = getattr(api_pb2 if package == "mezon.api" else realtime_pb2, message)
        if name == _CLICK:
            equip(kind)
    try:
        return kind.FromString(body)
    except Exception as error:
        logger.warning("An event %s could not be read and is left out: %s", name, error)
        return None
