"""``client.run()``: the life of a process that is one bot."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from mezon._client.forced_exit import ForcedExit
from mezon._client.stopping import DRAIN
from mezon._client.user_code import involves_user_code, where_it_waits
from mezon.errors import MezonError
from mezon.utils.logger import get_logger, setup_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mezon._client.login import Login
    from mezon._client.stopping import Stop

logger = get_logger("mezon.client")

#: Seconds a task has to end after it was cancelled, before the loop is closed without it.
_CANCEL_TIMEOUT: Final = 2.0


class Runnable(Protocol):
    """What is run: a ``mezon.MezonClient``."""

    async def login(self, enable_auto_reconnect: bool = True) -> None: ...
    async def wait_closed(self) -> None: ...
    async def disconnect(self, drain: float = 0.0) -> None: ...


class ClientRun:
    """The last line of a bot; a face of ``mezon.MezonClient``, without state."""

    _stop: Stop
    _login: Login

    def run(self, enable_auto_reconnect: bool = True) -> None:
        """Log in and stay until the client is closed, or SIGINT or SIGTERM comes. For a bot's last line.

        At the end handlers have five seconds to finish, then they are cancelled. A handler that ignores its
        cancellation is named in the log and left behind. A second signal interrupts the handlers at once, and exits
        the process five seconds later if a handler still blocks it.

        Unless logging is configured already, what happens is shown on standard error.

        ```python
        if __name__ == "__main__":
            client.run()
        ```

        Raises:
            MezonError: What ``login`` or ``wait_closed`` raises.
            RuntimeError: If a loop runs here already, as in a notebook: ``await client.login()`` is for that.
        """
        refuse_inside_a_loop()
        with shown_logs(), ForcedExit() as forced_exit:
            try:
                with asyncio.Runner() as runner:
                    try:
                        runner.run(
                            run(cast("Runnable", self), enable_auto_reconnect, self._stop, forced_exit.arm)
                        )
                    finally:
                        _cancel_tasks(runner.get_loop())
            except KeyboardInterrupt:
                logger.info("Interrupted; the client is closed")
            except MezonError as error:
                if not involves_user_code(error):
                    # The message and the line that called run() say it all: a refused login, say. A bare `raise` adds
                    # no frame of this function to a traceback that was removed.
                    logger.debug("The bot ends with an error", exc_info=error)
                    error.__traceback__ = None
                    error.__cause__ = None  # "from None": the context is not shown either
                raise

    def stop(self) -> None:
        """Close the client in order, as SIGTERM does. From any thread, and from handlers; returns at once.

        ``run()`` and ``wait_closed()`` return when it is done. Without a login there is nothing to do.
        """
        self._stop(self._login.loop)


def refuse_inside_a_loop() -> None:
    """Say what to write instead where a loop runs already.

    Raises:
        RuntimeError: If one does.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError(
        "client.run() starts an event loop, and one runs here already, as in a notebook or inside async code: write "
        "await client.login() instead, and await client.disconnect() at the end"
    )


@contextmanager
def shown_logs() -> Iterator[None]:
    """Show what happens on standard error, from INFO on, while a bot runs that has configured no logging."""
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


async def run(
    client: Runnable,
    enable_auto_reconnect: bool,
    stop_order: Stop | None = None,
    insist: Callable[[int], None] = lambda number: None,
) -> None:
    """Log in and stay until the client is closed, a signal comes or ``stop_order`` is given; then close it.

    ``insist`` is called with the number of a second signal, in the signal handler.
    """
    stopped = asyncio.Event()
    login: asyncio.Task[None] | None = None
    with (
        _signals(asyncio.get_running_loop(), stopped, insist),
        stop_order.ends(stopped) if stop_order else nullcontext(),
    ):
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
            await client.disconnect(drain=DRAIN)


@contextmanager
def _signals(
    loop: asyncio.AbstractEventLoop, stopped: asyncio.Event, insist: Callable[[int], None]
) -> Iterator[None]:
    """Let the first SIGINT or SIGTERM set `stopped`; a second one calls `insist` and interrupts whatever runs.

    Handlers of Python and not of the loop: they come through while a handler of the bot blocks it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    stopping = False

    def stop(number: int, frame: Any) -> None:
        nonlocal stopping
        if stopping:
            insist(number)
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
    logger.info("%s: the client is closing; handlers have %g s to end", name, DRAIN)
    stopped.set()


def _cancel_tasks(loop: asyncio.AbstractEventLoop) -> None:
    """Cancel the tasks that are left, and leave behind those that do not end.

    ``asyncio.Runner`` cancels them too, but waits for them without a bound.
    """
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if not tasks:
        return
    _, left = loop.run_until_complete(asyncio.wait(tasks, timeout=_CANCEL_TIMEOUT))
    for task in left:
        where = where_it_waits(task)
        if where is not None:
            logger.warning(
                "The handler %s of %s ignores its cancellation: the process ends without it. "
                "Let asyncio.CancelledError through",
                where,
                task.get_name(),
            )
        asyncio.tasks._unregister_task(task)
        task._log_destroy_pending = False  # type: ignore[attr-defined]
