"""A thread with an event loop and a connection to NATS of its own, for what must not wait for the main loop.

The lock of a relay, heartbeats and progress reports keep a process in its role. If they ran in the main loop, a handler
that blocks or a loop with too much work would look like a dead process. The connection is separate for the same
reason: on the main one, a heartbeat would wait behind the data of events.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING, Any, Final, TypeVar

from mezon._cluster.broker import connect, disconnect
from mezon.utils.background import cancel_until_done

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from mezon._cluster.direct_client import DirectClient
    from mezon._cluster.settings import Broker

_Result = TypeVar("_Result")

#: Seconds for the end of the connection's tasks.
_END_TIMEOUT: Final = 1.0


def _run_loop(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
        # What the connection has left: its tasks end only in a running loop.
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.wait(left, timeout=_END_TIMEOUT))
    finally:
        loop.close()


class LivenessThread:
    """Runs coroutines in its own thread. Start and stop it in the main loop.

    Args:
        broker: Address and credentials of NATS.
    """

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._main_loop: asyncio.AbstractEventLoop | None = None
        self._main_thread = 0
        self._client: DirectClient | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        #: Called in the thread when its connection is restored.
        self.on_reconnect: Callable[[], None] = lambda: None

    @property
    def client(self) -> DirectClient:
        """The connection to NATS. Use it only in coroutines that this thread runs."""
        assert self._client is not None
        return self._client

    async def start(self) -> None:
        """Start the thread and connect it to NATS.

        Raises:
            MezonConnectionError: No server can be reached.
            BrokerError: The server refuses the credentials.
        """
        self._main_loop, self._main_thread = asyncio.get_running_loop(), threading.get_ident()
        self._loop = asyncio.new_event_loop()
        # A daemon: it must not keep a process alive whose main loop has ended without `stop`.
        self._thread = threading.Thread(
            target=_run_loop, args=(self._loop,), name="mezon-liveness", daemon=True
        )
        self._thread.start()
        self._client = await self.run(connect(self._broker, on_reconnect=self._reconnected))

    def _reconnected(self) -> None:
        self.on_reconnect()

    async def run(self, coroutine: Coroutine[Any, Any, _Result]) -> _Result:
        """Run a coroutine in the thread and return its result. A cancellation of the caller cancels the coroutine."""
        loop = self._loop
        if loop is None or loop.is_closed():
            coroutine.close()
            raise RuntimeError("the liveness thread does not run")
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._track(coroutine), loop))

    async def _track(self, coroutine: Coroutine[Any, Any, _Result]) -> _Result:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            return await coroutine
        finally:
            self._tasks.discard(task)

    def call(self, callback: Callable[[], None]) -> None:
        """Call a function in the thread, soon. Nothing happens once the thread has ended."""
        loop = self._loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(callback)

    def in_main_loop(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Return a function that calls ``callback`` in the main loop, whichever thread calls the function."""

        def call() -> None:
            if threading.get_ident() == self._main_thread:
                callback()
            elif self._main_loop is not None:
                # The main loop is closed if the process ends without `stop`.
                with contextlib.suppress(RuntimeError):
                    self._main_loop.call_soon_threadsafe(callback)

        return call

    async def stop(self) -> None:
        """Cancel what still runs, disconnect, and end the thread. Can be called in any state."""
        loop, self._loop = self._loop, None
        thread, self._thread = self._thread, None
        if loop is None or thread is None:
            return
        try:
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._end(), loop))
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()

    async def _end(self) -> None:
        tasks = list(self._tasks)
        await cancel_until_done(*tasks)
        client, self._client = self._client, None
        if client is not None:
            await disconnect(client)
