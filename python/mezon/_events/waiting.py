"""Waiting for events: ``client.wait_for`` and ``client.stream``. Waiters are served before handlers."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, Final, Generic, Self, TypeAlias, TypeVar

from mezon.constants.enum import Events
from mezon.errors import InvalidArgumentError, MezonError, MezonTimeoutError
from mezon.managers._handlers import EXIT_ERRORS, WaitEndedError
from mezon.utils.logger import get_logger
from mezon.utils.user_code import coroutines_of

if TYPE_CHECKING:
    from collections.abc import Callable

logger = get_logger("mezon.events")

T = TypeVar("T")
Check: TypeAlias = "Callable[[Any], Any] | None"

#: The maximum number of waiters of a client.
MAX_WAITERS: Final = 10_000

#: The default number of events that a stream buffers for its reader.
STREAM_LIMIT: Final = 1_000

#: Mezon's apps send the choice in a select box as a click: its waiters take both events, as a DropdownBoxSelected.
_CHOICE: Final = Events.DROPDOWN_BOX_SELECTED.value
_CLICK: Final = Events.MESSAGE_BUTTON_CLICKED.value


def _as_exception(error: BaseException, name: str) -> Exception:
    """Return the exception of a check so that it can be raised in the waiting coroutine.

    ``StopIteration``, ``CancelledError`` and the like have a meaning of their own for ``await`` and ``for``.
    """
    if isinstance(error, Exception) and not isinstance(error, StopIteration | StopAsyncIteration):
        return error
    wrapper = MezonError(f"the check of what waits for {name} raised {type(error).__name__}")
    wrapper.__cause__ = error
    return wrapper


class _SingleWaiter:
    """Waits for one event."""

    def __init__(self, check: Check) -> None:
        self.check = check
        self.future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def take(self, event: Any) -> bool:
        """Take an event if it matches. Return True if no further event is needed."""
        if self.future.done():
            return True
        if self.check is not None and not self.check(event):
            return False
        self.future.set_result(event)
        return True

    def end(self, error: Exception) -> None:
        if not self.future.done() and not self.future.get_loop().is_closed():
            self.future.set_exception(error)


class _StreamBuffer:
    """Buffers the events of a stream."""

    def __init__(self, name: str, check: Check, limit: int) -> None:
        self.name = name
        self.check = check
        self.events: deque[Any] = deque(maxlen=limit)
        self.dropped: int = 0
        self.ended: bool = False
        self.error: Exception | None = None
        self.reader: asyncio.Future[None] | None = None

    def take(self, event: Any) -> bool:
        if self.ended:
            return True
        if self.check is not None and not self.check(event):
            return False
        if len(self.events) == self.events.maxlen:
            if not self.dropped:
                logger.warning(
                    "A stream of %s has buffered %d events that were not read: the oldest are dropped now; "
                    "read faster, or use a larger limit",
                    self.name,
                    len(self.events),
                )
            self.dropped += 1
        self.events.append(event)
        self._wake()
        return False

    def end(self, error: Exception | None) -> None:
        self.ended = True
        self.error = self.error or error
        self._wake()

    def _wake(self) -> None:
        reader, self.reader = self.reader, None
        if reader is not None and not reader.done() and not reader.get_loop().is_closed():
            reader.set_result(None)


class _ClickedChoice:
    """Passes the clicks on select boxes to a waiter for choices."""

    def __init__(self, waiter: _SingleWaiter | _StreamBuffer) -> None:
        self._waiter = waiter

    def take(self, click: Any) -> bool:
        from mezon.models.events import choice_of  # the models are imported with the first event

        choice = choice_of(click)
        return choice is not None and self._waiter.take(choice)

    def end(self, error: Exception) -> None:
        self._waiter.end(error)


_Waiter: TypeAlias = "_SingleWaiter | _StreamBuffer | _ClickedChoice"


class Waiters:
    """The waiters of one client, by event.

    Attributes:
        on_change: Called with an event's name when the event gets its first waiter or loses its last one.
        on_wait: Called with an event's name for each new waiter, in the context of the caller.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, list[_Waiter]] = {}
        self._count = 0
        self.on_change: Callable[[str], None] = lambda name: None
        self.on_wait: Callable[[str], object] = lambda name: None

    def has(self, name: str) -> bool:
        """Return whether the event has waiters."""
        return name in self._waiting

    @property
    def names(self) -> set[str]:
        """The names of the events that have waiters."""
        return set(self._waiting)

    def serve(self, name: str, event: Any) -> None:
        """Pass an event to its waiters. If a check raises, its waiter raises the same exception."""
        end: BaseException | None = None
        for waiter in tuple(self._waiting.get(name, ())):
            try:
                done = waiter.take(event)
            except BaseException as error:
                waiter.end(_as_exception(error, name))
                done = True
                if isinstance(error, EXIT_ERRORS):
                    end = error
            if done:
                self._remove(name, waiter)
        if end is not None:
            raise end

    def after(self, effect: Callable[[Any], None] | None, name: str) -> Callable[[Any], None]:
        """Return a function that applies the effect of an event and then serves its waiters."""

        def both(event: Any) -> None:
            try:
                if effect is not None:
                    effect(event)
            finally:
                self.serve(name, event)

        return both

    def end_all(self, reason: str) -> None:
        """End all waiters because the client was closed."""
        waiting, self._waiting = self._waiting, {}
        self._count = 0
        for name, waiters in waiting.items():
            for waiter in waiters:
                if isinstance(waiter, _StreamBuffer):
                    waiter.end(None)
                elif isinstance(waiter, _SingleWaiter):
                    waiter.end(WaitEndedError(f"stopped waiting for {name}: {reason}"))
            self.on_change(name)

    def _add(self, name: str, waiter: _SingleWaiter | _StreamBuffer) -> list[tuple[str, _Waiter]]:
        """Register a waiter. Return the registrations, for ``_remove_all``."""
        registrations: list[tuple[str, _Waiter]] = [(name, waiter)]
        if name == _CHOICE:
            registrations.append((_CLICK, _ClickedChoice(waiter)))
        if self._count >= MAX_WAITERS:
            raise MezonError(
                f"there are already {MAX_WAITERS} waiters: pass a timeout to wait_for, and close unused streams"
            )
        for one, registered in registrations:
            self._count += 1
            self.on_wait(one)
            waiters = self._waiting.setdefault(one, [])
            waiters.append(registered)
            if len(waiters) == 1:
                self.on_change(one)
        return registrations

    def _remove_all(self, registrations: list[tuple[str, _Waiter]]) -> None:
        for name, waiter in registrations:
            self._remove(name, waiter)

    def _remove(self, name: str, waiter: _Waiter) -> None:
        waiters = self._waiting.get(name, [])
        if waiter not in waiters:
            return
        waiters.remove(waiter)
        self._count -= 1
        if not waiters:
            del self._waiting[name]
            self.on_change(name)

    async def wait_for(self, name: str, check: Check, timeout: float | None) -> Any:
        """Wait for the next event that matches."""
        waiter = _SingleWaiter(check)
        registrations = self._add(name, waiter)
        try:
            async with asyncio.timeout(timeout):
                return await waiter.future
        except TimeoutError:
            if waiter.future.done() and not waiter.future.cancelled():
                # The event arrived in the iteration of the timeout, or the check raised the TimeoutError.
                return waiter.future.result()
            raise MezonTimeoutError(f"no matching {name} arrived within {timeout:g} s") from None
        finally:
            self._remove_all(registrations)

    def stream(self, name: str, check: Check, limit: int) -> EventStream[Any]:
        """Return a stream of the matching events from now on."""
        if limit < 1:
            raise InvalidArgumentError(f"limit must be at least 1 event, not {limit}")
        buffer = _StreamBuffer(name, check, limit)
        stream: EventStream[Any] = EventStream(self, name, buffer)
        stream._registrations = self._add(name, buffer)
        return stream


class EventStream(Generic[T]):
    """An asynchronous iterator of events: ``async for event in client.stream(...)``.

    The stream ends when the client is closed or ``close()`` is called. Events are buffered from the creation of the
    stream; when the buffer is full, the oldest event is dropped and counted. A stream without references is closed.
    """

    def __init__(self, waiters: Waiters, name: str, buffer: _StreamBuffer) -> None:
        self._waiters = waiters
        self._name = name
        self._buffer = buffer
        self._registrations: list[tuple[str, _Waiter]] = []

    @property
    def dropped(self) -> int:
        """The number of events that were dropped because the buffer was full."""
        return self._buffer.dropped

    def close(self) -> None:
        """End the stream and drop the buffered events. Idempotent."""
        self._buffer.events.clear()
        self._buffer.end(None)
        self._waiters._remove_all(self._registrations)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        buffer = self._buffer
        while not buffer.events:
            if buffer.ended:
                if buffer.error is not None:
                    raise buffer.error
                raise StopAsyncIteration
            if buffer.reader is not None:
                raise MezonError("a stream has one reader at a time: create a stream for each task")
            buffer.reader = asyncio.get_running_loop().create_future()
            try:
                await buffer.reader
            finally:
                buffer.reader = None
        event: T = buffer.events.popleft()
        return event

    async def next(self, timeout: float | None = None) -> T:
        """Return the next event. Unlike ``async for``, raise an exception when the stream has ended.

        Args:
            timeout: Seconds; None waits until the client is closed.

        Raises:
            MezonTimeoutError: If no event arrives in time (a TimeoutError).
            ConnectionLostError: If the client or the stream was closed.
        """
        try:
            async with asyncio.timeout(timeout) as limit:
                return await self.__anext__()
        except StopAsyncIteration:
            raise WaitEndedError(f"stopped waiting for {self._name}: the stream has ended") from None
        except TimeoutError:
            if not limit.expired():
                raise  # by the check
            raise MezonTimeoutError(f"no matching {self._name} arrived within {timeout:g} s") from None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        self.close()

    def __del__(self) -> None:
        if not self._buffer.ended:
            self.close()


def waits_for_event(task: asyncio.Task[Any]) -> bool:
    """Return whether a task is in ``client.wait_for``, or reads a stream."""
    waiting = (Waiters.wait_for.__code__, EventStream.__anext__.__code__)
    return any(getattr(one, "cr_code", None) in waiting for one in coroutines_of(task))
