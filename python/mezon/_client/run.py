"""``client.run()``: the life of a process that is one bot."""

from __future__ import annotations

import asyncio
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Protocol

from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Iterator

logger = get_logger("mezon.client")

#: Seconds handlers may take to end when the process is told to.
_DRAIN: Final = 5.0


class Runnable(Protocol):
    """What is run: a :class:`mezon.MezonClient`."""

    async def login(self, enable_auto_reconnect: bool = True) -> None: ...
    async def wait_closed(self) -> None: ...
    async def disconnect(self, drain: float = 0.0) -> None: ...


class ClientRun:
    """The last line of a bot; a face of :class:`mezon.MezonClient`, without state."""

    def run(self: Runnable, enable_auto_reconnect: bool = True) -> None:
        """Log in and stay until the client is closed, or SIGINT or SIGTERM comes. For a bot's last line.

        At the end handlers have five seconds to finish. A second signal does not wait for them.

        Raises:
            MezonError: What ``login`` or ``wait_closed`` raises.
        """
        try:
            asyncio.run(run(self, enable_auto_reconnect))
        except KeyboardInterrupt:
            logger.info("Interrupted; the client is closed")


async def run(client: Runnable, enable_auto_reconnect: bool) -> None:
    """Log in and stay until the client is closed or a signal comes; then close it."""
    stopped = asyncio.Event()
    login: asyncio.Task[None] | None = None
    with _signals(asyncio.get_running_loop(), stopped):
        stop = asyncio.ensure_future(stopped.wait())
        try:
            login = asyncio.ensure_future(client.login(enable_auto_reconnect))
            await asyncio.wait([login, stop], return_when=asyncio.FIRST_COMPLETED)
            if not login.done():
                return
            login.result()
            end = asyncio.ensure_future(client.wait_closed())
            await asyncio.wait([end, stop], return_when=asyncio.FIRST_COMPLETED)
            if end.done():
                end.result()
            else:
                end.cancel()
        finally:
            stop.cancel()
            if login is not None and not login.done():
                login.cancel()
                await asyncio.wait([login])
            # The handlers of `disconnect` get their time as well.
            await client.disconnect(drain=_DRAIN)


@contextmanager
def _signals(loop: asyncio.AbstractEventLoop, stopped: asyncio.Event) -> Iterator[None]:
    """The first SIGINT or SIGTERM sets `stopped`; a second one interrupts whatever runs.

    Handlers of Python and not of the loop: they come through while a handler of the bot blocks it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    stopping = False

    def stop(number: int, frame: Any) -> None:
        nonlocal stopping
        if stopping:
            raise KeyboardInterrupt
        stopping = True
        loop.call_soon_threadsafe(_say, signal.Signals(number).name, stopped)

    before: dict[int, Any] = {}
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            before[number] = signal.signal(number, stop)
        yield
    finally:
        for known, handler in before.items():
            # None stands for a handler that was not set from Python, which cannot be put back.
            signal.signal(known, handler if handler is not None else signal.SIG_DFL)


def _say(name: str, stopped: asyncio.Event) -> None:
    logger.info("%s: the client is closing; handlers have %g s to end", name, _DRAIN)
    stopped.set()
