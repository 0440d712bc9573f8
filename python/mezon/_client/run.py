"""``client.run()`` and ``client.stop()``: the life of a process that runs one bot."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from typing import TYPE_CHECKING, Final

from mezon.utils.background import BackgroundTasks
from mezon.utils.logger import get_logger, setup_logger
from mezon.utils.signals import stop_on_signal
from mezon.utils.user_code import stack_for_user

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mezon._client.view import ClientView
    from mezon.utils.signals import ForcedExit

logger = get_logger("mezon.client")

#: Seconds handlers may take to end when the process is asked to stop.
DRAIN: Final = 5.0


class StopHandle:
    """Stops a client from any thread: ends ``run()`` if it is running, disconnects otherwise.

    Args:
        client: The client.
    """

    def __init__(self, client: ClientView) -> None:
        self._client = client
        self._run: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None
        self._background = BackgroundTasks(logger)

    @contextlib.contextmanager
    def sets(self, stopped: asyncio.Event) -> Iterator[None]:
        """Let `stop` set this event of the running loop while the block runs."""
        self._run = (asyncio.get_running_loop(), stopped)
        try:
            yield
        finally:
            self._run = None

    def stop(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """Stop the client. Has no effect if no loop is running.

        Args:
            loop: The loop of the last login.
        """
        run = self._run
        if run is not None:
            loop = run[0]
        if loop is None or loop.is_closed():
            return
        with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
            loop.call_soon_threadsafe(self._begin, run[1] if run is not None else None)

    def _begin(self, stopped: asyncio.Event | None) -> None:
        if stopped is not None:
            stopped.set()
        else:
            self._background.spawn(self._client.disconnect(DRAIN), "stopping the client")


async def run(
    client: ClientView, auto_reconnect: bool, stop_handle: StopHandle, forced_exit: ForcedExit
) -> None:
    """Log in, wait until the client is closed, a signal arrives or ``stop_handle`` is used, then close the client.

    Args:
        client: The client.
        auto_reconnect: Reconnect when the connection is lost.
        stop_handle: Ends the wait.
        forced_exit: Armed by a second signal.
    """
    stopped = asyncio.Event()
    login: asyncio.Task[None] | None = None

    def stop(name: str) -> None:
        logger.info("%s: the client is closing; handlers have %g s to end", name, DRAIN)
        stopped.set()

    with stop_on_signal(stop, forced_exit), stop_handle.sets(stopped):
        stop_waiter = asyncio.ensure_future(stopped.wait())
        try:
            login = asyncio.ensure_future(client.login(auto_reconnect))
            await asyncio.wait([login, stop_waiter], return_when=asyncio.FIRST_COMPLETED)
            if not login.done():
                return
            login.result()
            end = asyncio.ensure_future(client.wait_closed())
            await asyncio.wait([end, stop_waiter], return_when=asyncio.FIRST_COMPLETED)
            if end.done():
                end.result()
            else:
                end.cancel()
        finally:
            stop_waiter.cancel()
            if login is not None and not login.done():
                login.cancel()
                await asyncio.wait([login])
            # The drain applies to running handlers, then to the handlers of `disconnect`.
            await client.disconnect(drain=DRAIN)


def refuse_running_loop() -> None:
    """Raise an error if this thread is running an event loop.

    Raises:
        RuntimeError: If it is.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    place, _ = stack_for_user(sys._getframe(), 10)
    where = f"{place}: " if place is not None else ""
    raise RuntimeError(
        f"{where}client.run() starts an event loop, but one is already running, as in a notebook or in async code: use "
        "await client.login() instead, and await client.disconnect() at the end"
    )


@contextlib.contextmanager
def default_logging() -> Iterator[None]:
    """Log to standard error from INFO on while the block runs, unless the bot has configured logging."""
    package = logging.getLogger("mezon")
    if logging.root.handlers or package.handlers or package.level or package.disabled:
        yield
        return
    setup_logger()
    try:
        yield
    finally:
        for handler in list(package.handlers):
            package.removeHandler(handler)
        package.setLevel(logging.NOTSET)
