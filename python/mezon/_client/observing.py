"""Observers in place: around handlers, and around the two ports that calls go through."""

from __future__ import annotations

import inspect
from contextlib import AbstractAsyncContextManager, ExitStack
from functools import wraps
from typing import TYPE_CHECKING, Any

from mezon.errors import MezonError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mezon.ports import (
        Connection,
        HttpAnswer,
        HttpLane,
        HttpRequest,
        HttpStream,
        HttpTransport,
        MessageStore,
        Ports,
    )
    from mezon.utils.observer import Observer


class Observers:
    """The observers of one client; without any, nothing here is in anybody's way."""

    def __init__(self) -> None:
        self.all: list[Observer] = []

    def add(self, observer: Observer, *, late: bool) -> None:
        """Have an observer watch.

        Raises:
            MezonError: When it comes too late: the calls are on their way unwatched by then.
        """
        if late:
            raise MezonError(
                "an observer watches from the beginning: client.observe(...) comes before login()"
            )
        self.all.append(observer)

    def around(self, name: str, handler: Callable[..., Any]) -> Callable[..., Any]:
        """Give a handler of an event with its observers."""
        if not self.all:
            return handler
        if inspect.iscoroutinefunction(handler):

            @wraps(handler)
            async def watched(*event: Any) -> Any:
                with ExitStack() as stack:
                    for observer in self.all:
                        stack.enter_context(observer.handler(name, handler))
                    return await handler(*event)

            return watched

        def run(event: tuple[Any, ...]) -> Any:
            with ExitStack() as stack:
                for observer in self.all:
                    stack.enter_context(observer.handler(name, handler))
                return handler(*event)

        async def finish(outcome: Any) -> Any:
            with ExitStack() as stack:
                for observer in self.all:
                    stack.enter_context(observer.handler(name, handler))
                return await outcome

        def begin(*event: Any) -> Any:
            # A plain function that gives a coroutine: it is the coroutine that takes the time.
            outcome = handler(*event) if _gives_coroutines(handler) else run(event)
            return finish(outcome) if inspect.isawaitable(outcome) else outcome

        return wraps(handler)(begin) if hasattr(handler, "__name__") else begin


def _gives_coroutines(handler: Callable[..., Any]) -> bool:
    """Say whether its signature tells that it gives something to await."""
    wanted = getattr(handler, "__annotations__", {}).get("return", None)
    return "Awaitable" in str(wanted) or "Coroutine" in str(wanted)


class ObservedPorts:
    """Ports whose calls are watched."""

    def __init__(self, ports: Ports, observers: Observers) -> None:
        self._ports = ports
        self._observers = observers
        self._http: ObservedTransport | None = None
        self._connection: Connection | None = None

    def http(self) -> HttpTransport:
        """Give the transport of every HTTP request."""
        if self._http is None:
            self._http = ObservedTransport(self._ports.http(), self._observers)
        return self._http

    def store(self) -> MessageStore | None:
        """Give the message store."""
        return self._ports.store()

    def connection(self, store: MessageStore | None) -> Connection:
        """Give the connection; watched if there is an observer when it is first asked for."""
        if self._connection is None:
            inner = self._ports.connection(store)
            self._connection = ObservedConnection(inner, self._observers) if self._observers.all else inner
        return self._connection


class ObservedTransport:
    """An HTTP transport whose requests are watched."""

    def __init__(self, inner: HttpTransport, observers: Observers) -> None:
        self._inner = inner
        self._observers = observers

    async def send(self, request: HttpRequest) -> HttpAnswer:
        """As the transport itself."""
        with ExitStack() as stack:
            for observer in self._observers.all:
                stack.enter_context(observer.request(request.name, request.method))
            return await self._inner.send(request)

    def stream(self, request: HttpRequest) -> AbstractAsyncContextManager[HttpStream]:
        """As the transport itself; a stream has no end to wait for, so it is not watched."""
        return self._inner.stream(request)

    def hold(self, lane: HttpLane, seconds: float) -> None:
        """As the transport itself."""
        self._inner.hold(lane, seconds)

    async def close(self) -> None:
        """As the transport itself."""
        await self._inner.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class ObservedConnection:
    """A connection whose calls are watched; everything else is the connection's own."""

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...

    def __init__(self, inner: Connection, observers: Observers) -> None:
        object.__setattr__(self, "_inner", inner)
        object.__setattr__(self, "_observers", observers)

    async def call(self, name: str, value: Mapping[str, Any] | bytes, timeout: float) -> tuple[str, Any]:
        """As the connection itself."""
        with self._watched(name):
            answer: tuple[str, Any] = await self._inner.call(name, value, timeout)
            return answer

    async def call_raw(self, name: str, value: Mapping[str, Any] | bytes, timeout: float) -> bytes:
        """As the connection itself; it is watched by the name of the API."""
        called = str(value.get("api_name", name)) if not isinstance(value, bytes) else name
        with self._watched(called):
            answer: bytes = await self._inner.call_raw(name, value, timeout)
            return answer

    def _watched(self, name: str) -> ExitStack:
        stack = ExitStack()
        for observer in self._observers.all:
            stack.enter_context(observer.call(name))
        return stack

    if not TYPE_CHECKING:

        def __getattr__(self, name):
            return getattr(self._inner, name)

        def __setattr__(self, name, value):
            setattr(self._inner, name, value)
