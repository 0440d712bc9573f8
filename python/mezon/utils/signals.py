"""SIGINT and SIGTERM: the first signal stops the process in order, a second one interrupts it."""

from __future__ import annotations

import _thread
import asyncio
import contextlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Final, Self, TypeVar

from mezon.utils.logger import get_logger
from mezon.utils.user_code import frame_of_user, where_it_waits

__all__ = ["ForcedExit", "run_process", "run_until_signal", "stop_on_signal"]

logger: logging.Logger = get_logger("mezon.client")

_T = TypeVar("_T")

#: Seconds a process has to end after the second signal.
_EXIT_TIMEOUT: Final = 5.0
#: Seconds the last log line may take: the blocked thread may hold the lock of a log handler.
_LOG_TIMEOUT: Final = 1.0
#: Seconds a task has to end after its cancellation before the loop is closed without it.
_CANCEL_TIMEOUT: Final = 2.0


class ForcedExit:
    """Exits the process a few seconds after `arm`, unless the block has ended by then."""

    def __init__(self) -> None:
        self._main = threading.get_ident()
        self._ended = threading.Event()
        self._armed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()

    def arm(self, number: int) -> None:
        """Start the countdown. Safe in a signal handler.

        Args:
            number: The signal; the exit code is that of a process terminated by it.
        """
        if not self._armed:
            self._armed = True
            # Not a threading.Thread: the signal may have interrupted code that holds a lock of that module.
            _thread.start_new_thread(self._wait, (number,))

    def _wait(self, number: int) -> None:
        if self._ended.wait(_EXIT_TIMEOUT):
            return
        log = threading.Thread(target=self._log, args=(number,), daemon=True)
        log.start()
        log.join(_LOG_TIMEOUT)
        os._exit(128 + number)

    def _log(self, number: int) -> None:
        logger.critical(
            "The process did not end within %g s after a second signal (%s); it exits now and abandons %s",
            _EXIT_TIMEOUT,
            signal.Signals(number).name,
            frame_of_user(sys._current_frames().get(self._main)) or "its tasks",
        )


@contextlib.contextmanager
def stop_on_signal(stop: Callable[[str], object], forced_exit: ForcedExit | None = None) -> Iterator[None]:
    """Call `stop` on the running loop at the first SIGINT or SIGTERM. Has no effect outside the main thread.

    The handlers are Python's and not the loop's, so that they are called while a callback blocks the loop.

    Args:
        stop: Called with the name of the signal.
        forced_exit: Armed by a second signal, which also raises KeyboardInterrupt in whatever is running. None ignores
            further signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    stopping = False

    def receive(number: int, frame: Any) -> None:
        nonlocal stopping
        if not stopping:
            stopping = True
            loop.call_soon_threadsafe(stop, signal.Signals(number).name)
        elif forced_exit is not None:
            forced_exit.arm(number)
            raise KeyboardInterrupt

    before: dict[int, Any] = {}
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            before[number] = signal.signal(number, receive)
        yield
    finally:
        for known, handler in before.items():
            # None stands for a handler that was not installed from Python and cannot be restored.
            signal.signal(known, handler if handler is not None else signal.SIG_DFL)


async def run_until_signal(work: Coroutine[Any, Any, Any], stop: asyncio.Event | None = None) -> None:
    """Run `work` until it is done, `stop` is set, or SIGINT or SIGTERM arrives. Raises what `work` raises."""
    stopped = stop or asyncio.Event()
    task = asyncio.ensure_future(work)
    end = asyncio.ensure_future(stopped.wait())
    with stop_on_signal(lambda name: stopped.set()):
        try:
            await asyncio.wait((task, end), return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                task.result()
        finally:
            for one in (task, end):
                one.cancel()
            await asyncio.gather(task, end, return_exceptions=True)


def run_process(main: Callable[[ForcedExit], Coroutine[Any, Any, _T]]) -> _T:
    """Run a coroutine on a new event loop, as ``asyncio.run`` does, and close the loop in bounded time.

    ``asyncio.run`` waits without a bound for tasks that ignore their cancellation. Here such a task is logged by name
    and abandoned two seconds later.

    Args:
        main: Returns the coroutine. Its argument is for `stop_on_signal`: a second signal exits the process if it does
            not end within five seconds.

    Raises:
        KeyboardInterrupt: A second signal arrived, or a first one while no handler was installed.
    """
    with ForcedExit() as forced_exit:
        loop = asyncio.new_event_loop()
        try:
            asyncio.set_event_loop(loop)
            return loop.run_until_complete(main(forced_exit))
        finally:
            try:
                _cancel_tasks(loop)
                loop.run_until_complete(loop.shutdown_asyncgens())
                loop.run_until_complete(loop.shutdown_default_executor())
            finally:
                asyncio.set_event_loop(None)
                loop.close()


def _cancel_tasks(loop: asyncio.AbstractEventLoop) -> None:
    """Cancel the remaining tasks; abandon those that do not end."""
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if not tasks:
        return
    try:
        loop.run_until_complete(asyncio.wait(tasks, timeout=_CANCEL_TIMEOUT))
    finally:
        # A further signal may interrupt the wait: the tasks that have not ended are named all the same.
        _report_tasks(loop, tasks)


def _report_tasks(loop: asyncio.AbstractEventLoop, cancelled: set[asyncio.Task[Any]]) -> None:
    """Log what the cancelled tasks raised, and name those that have not ended."""
    for task in cancelled:
        error = task.exception() if task.done() and not task.cancelled() else None
        if error is not None:
            context = {"message": "unhandled exception while the loop was closed", "exception": error}
            loop.call_exception_handler({**context, "task": task})
    # Including tasks that the cancelled ones have started.
    abandoned = asyncio.all_tasks(loop)
    for task in abandoned & cancelled:
        where = where_it_waits(task)
        if where is not None:
            logger.warning(
                "The handler %s of %s ignores its cancellation: the process ends without it. "
                "Do not suppress asyncio.CancelledError",
                where,
                task.get_name(),
            )
    if abandoned:
        loop.set_exception_handler(_IgnoreAbandoned(abandoned))


class _IgnoreAbandoned:
    """The exception handler of a loop that was closed over tasks: asyncio need not report them once more."""

    def __init__(self, tasks: set[asyncio.Task[Any]]) -> None:
        self._tasks = {id(task) for task in tasks}

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if id(context.get("task")) not in self._tasks:
            loop.default_exception_handler(context)
