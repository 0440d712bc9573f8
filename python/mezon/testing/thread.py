"""The local gateway in a thread with its own event loop, which keeps running while the bot's loop is blocked."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, Self, TypeVar

from mezon.testing.gateway import LocalGateway

__all__ = ["GatewayThread"]

_T = TypeVar("_T")


class GatewayThread:
    """Run a ``LocalGateway`` in a thread.

        with GatewayThread() as server:
            client = MezonClient(**server.gateway.client_options())
            ...
            server.run(server.gateway.say("general", "alice", "hi"))

    Args:
        gateway: The gateway to run, not started yet. Defaults to ``LocalGateway()``.

    The records of the gateway (``sent``, ``connections``) can be read from any thread. Call its coroutines with
    ``run`` or ``arun``, and its other methods with ``call``.
    """

    def __init__(self, gateway: LocalGateway | None = None) -> None:
        self.gateway: LocalGateway = gateway or LocalGateway()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> Self:
        """Start the thread and the gateway."""
        if self._thread is not None:
            raise RuntimeError("the gateway thread is already running")
        ready = threading.Event()
        self._thread = threading.Thread(target=self._main, args=(ready,), name="mezon-gateway", daemon=True)
        self._thread.start()
        ready.wait()
        try:
            self.run(self.gateway.start())
        except BaseException:
            self._join()
            raise
        return self

    def _main(self, ready: threading.Event) -> None:
        with asyncio.Runner() as runner:
            loop = runner.get_loop()
            self._loop = loop
            self._stopping = asyncio.Event()
            ready.set()
            runner.run(self._wait())

    async def _wait(self) -> None:
        await self._stopping.wait()

    def run(self, coroutine: Coroutine[Any, Any, _T], *, timeout: float = 30.0) -> _T:
        """Run a coroutine in the thread of the gateway and return its result. Blocks."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._running()).result(timeout)

    async def arun(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        """Run a coroutine in the thread of the gateway and return its result, without blocking the caller's loop."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(coroutine, self._running()))

    def call(self, method: Any, *args: Any, **kwargs: Any) -> Any:
        """Call a method of the gateway that is not a coroutine, such as ``gateway.stall``, in its thread."""

        async def run() -> Any:
            return method(*args, **kwargs)

        return self.run(run())

    def _running(self) -> asyncio.AbstractEventLoop:
        if self._loop is None or self._thread is None:
            raise RuntimeError("the gateway thread is not running; call start() first")
        return self._loop

    def stop(self) -> None:
        """Stop the gateway and the thread."""
        if self._thread is None:
            return
        try:
            self.run(self.gateway.aclose())
        finally:
            self._join()

    def _join(self) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)
        if self._thread is not None:
            self._thread.join(10)
        self._thread = self._loop = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *error: object) -> None:
        self.stop()
