"""The flight recorder of a client: the latest frames and HTTP exchanges, written to a trace on request or on an error.

The ring is in the core, which adds the frames; the HTTP transport adds its exchanges. A trace is redacted and written
in a thread.
"""

from __future__ import annotations

import _thread
import os
import signal
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from mezon._core import Recorder, __version__
from mezon.utils.instance_mark import InstanceMark
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mezon.options import RecordOptions
    from mezon.ports import HttpExchange

__all__ = ["FlightRecorder", "mark_of"]

logger = get_logger("mezon.client")

#: Seconds between two traces that errors cause.
_ERROR_INTERVAL: Final = 10.0

#: The signal that asks for a trace. Windows has none.
SIGNAL: Final = getattr(signal, "SIGUSR2", None)


class FlightRecorder:
    """Records what a client receives and sends.

    Args:
        options: The trace file and the bounds.
        bot_id: The id of the bot.
        secrets: Secrets to redact in a trace wherever they appear.

    Attributes:
        core: The recorder of the core, for the connection.
    """

    def __init__(self, options: RecordOptions, bot_id: int, secrets: Sequence[str] = ()) -> None:
        self.core = Recorder(options.max_bytes, options.seconds)
        self._options = options
        self._bot_id = bot_id
        self._secrets = tuple(secrets)
        self._lock = threading.Lock()
        self._failed_at = -_ERROR_INTERVAL
        self._mark = mark_of(options.path)

    # ---- what is recorded

    def add_exchange(self, exchange: HttpExchange) -> None:
        """Record an HTTP exchange."""
        self.core.add_http(exchange.encode())

    # ---- when a trace is written

    def begin(self) -> None:
        """Write a trace at SIGUSR2 from now on. Has no effect outside the main thread."""
        if SIGNAL is None or threading.current_thread() is not threading.main_thread():
            return
        other = self._mark.take()
        if other is not None:
            logger.warning(
                "Another client%s records to %s as well: the last one to write replaces the trace of the other",
                f" (process {other})" if other else "",
                self._options.path,
            )
        _register(self)

    def end(self) -> None:
        """Write no trace at SIGUSR2 any more. Idempotent."""
        _unregister(self)
        self._mark.release()

    def failed(self, error: object, where: str) -> None:
        """Write a trace because of an error, at most one in ten seconds. Only the kind of the error is recorded."""
        now = time.monotonic()
        if now - self._failed_at >= _ERROR_INTERVAL:
            self._failed_at = now
            # The process waits for this thread at its end.
            reason = f"{type(error).__name__} in {where}"
            threading.Thread(target=self.write_logged, args=(reason,), name="mezon-trace").start()

    def write(self, reason: str) -> int:
        """Write a trace and return the number of its records."""
        # Imports protobuf, which most processes that record never need.
        from mezon.traces import write_trace

        with self._lock:
            rows, dropped = self.core.records()
            return write_trace(
                self._options.path,
                rows,
                bot_id=self._bot_id,
                reason=reason,
                version=__version__,
                texts=self._options.texts,
                dropped=dropped,
                secrets=self._secrets,
            )

    def write_logged(self, reason: str) -> None:
        """Write a trace and log the outcome."""
        try:
            count = self.write(reason)
        except Exception as error:
            # The text of an error of the encoder may contain a message.
            detail = error.strerror if isinstance(error, OSError) else type(error).__name__
            logger.error("No trace was written to %s: %s", self._options.path, detail)
        else:
            logger.info("A trace of %d records was written to %s: %s", count, self._options.path, reason)


def mark_of(path: str) -> InstanceMark:
    """Return the mark that shows which process records to a trace file."""
    return InstanceMark("record", os.path.abspath(path))


# ---- the signal

_registered: Final[list[FlightRecorder]] = []
_handler_before: list[Any] = []


def _register(recorder: FlightRecorder) -> None:
    if not _registered:
        # A handler of Python and not of the loop: it is called while a callback blocks the loop.
        _handler_before.append(signal.signal(SIGNAL, _receive))  # type: ignore[arg-type]
    if recorder not in _registered:
        _registered.append(recorder)


def _unregister(recorder: FlightRecorder) -> None:
    if recorder in _registered:
        _registered.remove(recorder)
        if not _registered and threading.current_thread() is threading.main_thread():
            before = _handler_before.pop()
            signal.signal(SIGNAL, before if before is not None else signal.SIG_DFL)  # type: ignore[arg-type]


def _receive(number: int, frame: Any) -> None:
    for recorder in _registered:
        # Not a threading.Thread: the signal may have interrupted code that holds a lock of that module.
        _thread.start_new_thread(recorder.write_logged, ("SIGUSR2",))
