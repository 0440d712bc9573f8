"""Those who wait for an event: ``client.wait_for`` and ``client.stream``. They are served before handlers."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, Final, Generic, Self, TypeAlias, TypeVar

from mezon._events.tasks import ENDS
from mezon.errors import ConnectionLostError, InvalidArgumentError, MezonError, MezonTimeoutError
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

logger = get_logger("mezon.events")

T = TypeVar("T")
Check: TypeAlias = "Callable[[Any], Any] | None"

#: How many may wait at a time, and how many events a stream holds for its reader.
MAX_WAITERS: Final = 10_000
STREAM_LIMIT: Final = 1_000


class WaitEndedError(ConnectionLostError):
    """The client has ended, and with it who waited. A handler that ends by it is not reported as one that failed."""


def _fit_to_raise(error: BaseException, name: str) -> Exception:
    """Give what a check raised so that who waits gets it: these others mean something else to `await` and `for`."""
    if isinstance(error, Exception) and not isinstance(error, StopIteration | StopAsyncIteration):
        return error
    told = MezonError(f"the check of what waits for {name} raised {type(error).__name__}")
    told.__cause__ = error
    return told


class _One:
    """Waits for one event."""

    def __init__(self, check: Check) -> None:
        self.check = check
        self.future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def take(self, event: Any) -> bool:
        """Serve it; True when it wants no more."""
        if self.future.done():
            return True
        if self.check is not None and not self.check(event):
            return False
        self.future.set_result(event)
        return True

    def end(self, error: Exception) -> None:
        if not self.future.done() and not self.future.get_loop().is_closed():
            self.future.set_exception(error)


class _Many:
    """Collects events for a stream."""

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
                    "A stream of %s holds %d events its reader has not taken: the oldest are dropped now; read "
                    "faster, or stream with a larger limit",
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


class Waiters:
    """Who waits for which event of one client.

    Attributes:
        on_change: Called with an event's name when the first begins to wait for it, or the last has ended.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, list[_One | _Many]] = {}
        self._count = 0
        self.on_change: Callable[[str], None] = lambda name: None

    def has(self, name: str) -> bool:
        """Say whether somebody waits for this event."""
        return name in self._waiting

    @property
    def names(self) -> set[str]:
        """The events somebody waits for."""
        return set(self._waiting)

    def serve(self, name: str, event: Any) -> None:
        """Give an event to those who wait for it. A check that raises ends its waiter with what it raised."""
        end: BaseException | None = None
        for waiter in tuple(self._waiting.get(name, ())):
            try:
                done = waiter.take(event)
            except BaseException as error:
                waiter.end(_fit_to_raise(error, name))
                done = True
                if isinstance(error, ENDS):
                    end = error
            if done:
                self._remove(name, waiter)
        if end is not None:
            raise end

    def after(self, effect: Callable[[Any], None] | None, name: str) -> Callable[[Any], None]:
        """Do what the SDK does on an event, and then serve those who wait for it."""

        def both(event: Any) -> None:
            try:
                if effect is not None:
                    effect(event)
            finally:
                self.serve(name, event)

        return both

    def end_all(self, reason: str) -> None:
        """End all waiting: the client ends."""
        waiting, self._waiting = self._waiting, {}
        self._count = 0
        for name, waiters in waiting.items():
            for waiter in waiters:
                if isinstance(waiter, _Many):
                    waiter.end(None)
                else:
                    waiter.end(WaitEndedError(f"nothing comes any more while waiting for {name}: {reason}"))
            self.on_change(name)

    def _add(self, name: str, waiter: _One | _Many) -> None:
        if self._count >= MAX_WAITERS:
            raise MezonError(
                f"{MAX_WAITERS} already wait for events: give wait_for a timeout, and end streams that are not read"
            )
        self._count += 1
        known = self._waiting.setdefault(name, [])
        known.append(waiter)
        if len(known) == 1:
            self.on_change(name)

    def _remove(self, name: str, waiter: _One | _Many) -> None:
        known = self._waiting.get(name, [])
        if waiter not in known:
            return
        known.remove(waiter)
        self._count -= 1
        if not known:
            del self._waiting[name]
            self.on_change(name)

    async def wait_for(self, name: str, check: Check, timeout: float | None) -> Any:
        """Wait for the next event that fits."""
        waiter = _One(check)
        self._add(name, waiter)
        try:
            async with asyncio.timeout(timeout):
                return await waiter.future
        except TimeoutError:
            if waiter.future.done() and not waiter.future.cancelled():
                # It came in the very turn of the loop that ended the time, or the check itself raised one.
                return waiter.future.result()
            raise MezonTimeoutError(f"no {name} that fits came within {timeout:g} s") from None
        finally:
            self._remove(name, waiter)

    def stream(self, name: str, check: Check, limit: int) -> EventStream[Any]:
        """Give the events that fit, from now on."""
        if limit < 1:
            raise InvalidArgumentError(f"a stream holds 1 event or more, not {limit}")
        sink = _Many(name, check, limit)
        self._add(name, sink)
        return EventStream(self, name, sink)


class EventStream(Generic[T]):
    """Events as they come: ``async for event in client.stream(...)``. It ends with the client, or by ``close()``.

    What comes is held from the moment the stream was made; when the reader is too slow, the oldest is dropped and
    counted. A stream that nobody holds any more ends by itself.
    """

    def __init__(self, waiters: Waiters, name: str, sink: _Many) -> None:
        self._waiters = waiters
        self._name = name
        self._sink = sink

    @property
    def dropped(self) -> int:
        """Events that were dropped because the reader was too slow."""
        return self._sink.dropped

    def close(self) -> None:
        """End it; what is held is not given any more. Safe twice."""
        self._sink.events.clear()
        self._sink.end(None)
        self._waiters._remove(self._name, self._sink)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        sink = self._sink
        while not sink.events:
            if sink.ended:
                if sink.error is not None:
                    raise sink.error
                raise StopAsyncIteration
            if sink.reader is not None:
                raise MezonError("one task reads a stream at a time: give each its own client.stream(...)")
            sink.reader = asyncio.get_running_loop().create_future()
            try:
                await sink.reader
            finally:
                sink.reader = None
        event: T = sink.events.popleft()
        return event

    async def next(self, timeout: float | None = None) -> T:
        """Give the next event; unlike the loop, it says so when none comes any more.

        Args:
            timeout: Seconds; None waits until the client ends.

        Raises:
            MezonTimeoutError: If none came in time (a TimeoutError).
            ConnectionLostError: If the client, or the stream, has ended.
        """
        try:
            async with asyncio.timeout(timeout) as limit:
                return await self.__anext__()
        except StopAsyncIteration:
            raise WaitEndedError(f"nothing comes any more while waiting for {self._name}") from None
        except TimeoutError:
            if not limit.expired():
                raise  # the check's own
            raise MezonTimeoutError(f"no {self._name} that fits came within {timeout:g} s") from None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        self.close()

    def __del__(self) -> None:
        if not self._sink.ended:
            self.close()
