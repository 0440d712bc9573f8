"""What operators see of a client: reported errors, statistics, the health endpoint, systemd and the loop monitor."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import sys
import threading
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from mezon.errors import InvalidArgumentError, MezonError
from mezon.options import Stats
from mezon.utils.logger import MISTAKE, get_logger
from mezon.utils.process import ProcessGuard
from mezon.utils.user_code import is_run_by_user, stack_for_user

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mezon._client.view import ClientView
    from mezon._events.dispatcher import Dispatcher
    from mezon._events.gap_filling import GapFiller
    from mezon._gateway.recorder import FlightRecorder
    from mezon.ports import Connection, MessageStore
    from mezon.utils.background import BackgroundTasks

logger = get_logger("mezon.client")


class Operations:
    """The loop monitor, the health endpoint, the flight recorder and the systemd notifications of one client.

    They run from login to close.

    Args:
        client: The client.
        blocked_loop_warning: Seconds the event loop may be blocked before a warning; 0 for no warning.
        health: The address of the health endpoint, such as ``"127.0.0.1:8080"``; None or "" for none.
        recorder: The flight recorder; None for none.

    Raises:
        InvalidArgumentError: If ``health`` is not an address.
    """

    def __init__(
        self,
        client: ClientView,
        blocked_loop_warning: float,
        health: str | None,
        recorder: FlightRecorder | None = None,
    ) -> None:
        self._client = client
        self._recorder = recorder
        self._watchdog = Watchdog(blocked_loop_warning) if blocked_loop_warning > 0 else None
        self._systemd = SystemdNotifier()
        self._health: Health | None = None
        if health:
            self._health = Health(health, lambda: client.state == "ready", lambda: asdict(client.stats()))

    async def start(self) -> None:
        """Start the loop monitor and the health endpoint, at the beginning of a login.

        Raises:
            MezonError: If the port of ``health`` is taken.
        """
        if self._recorder is not None:
            self._recorder.begin()
        if self._watchdog is not None:
            self._watchdog.start()
        if self._health is not None:
            await self._health.start()

    def ready(self) -> None:
        """Notify systemd that the client is logged in."""
        self._systemd.ready()

    def connection_ended(self, *, lost: bool) -> None:
        """Stop the loop monitor.

        Args:
            lost: The connection was not closed by the client. The health endpoint closes as well: nobody may close
                this client, and the next one may need the port.
        """
        if self._watchdog is not None:
            self._watchdog.stop()
        if lost and self._health is not None:
            self._health.close()

    def stopping(self) -> None:
        """Notify systemd that the close has begun."""
        self._systemd.stopping()
        self.connection_ended(lost=False)

    async def stop(self) -> None:
        """Close the health endpoint, at the end of a close."""
        self._systemd.stop()
        if self._recorder is not None:
            self._recorder.end()
        if self._health is not None:
            await self._health.stop()

    def failed(self, error: BaseException) -> None:
        """Write a trace of what led to the end of the client."""
        if self._recorder is not None:
            self._recorder.failed(error, "the connection")


# ---- errors of handlers


class ErrorReporter:
    """Passes errors of handlers to the bot's ``on_error``.

    Args:
        assigned: Returns the function that was assigned to ``client.on_error``, or None.
        background: Runs an ``on_error`` that is a coroutine function.
        recorder: Writes a trace of what led to the error; None for none.
    """

    def __init__(
        self,
        assigned: Callable[[], Any],
        background: BackgroundTasks,
        recorder: FlightRecorder | None = None,
    ) -> None:
        self._recorder = recorder
        self._assigned = assigned
        self._background = background
        #: The function that was registered with ``client.on_error(...)``.
        self.handler: Callable[[Exception, str], Any] | None = None

    def report(self, error: Any, name: str) -> None:
        """Call ``on_error``, if the bot has one.

        Args:
            error: The exception.
            name: The event whose handler raised it, or ``message_db``.
        """
        if self._recorder is not None:
            self._recorder.failed(error, name)
        handler = self._assigned() or self.handler
        if handler is not None:
            outcome = handler(error, name)
            if asyncio.iscoroutine(outcome):
                self._background.spawn(outcome, "on_error")

    def log_and_report(self, error: Exception, where: str) -> None:
        """Log an error with its traceback, then call ``on_error``."""
        logger.error("%s failed", where, exc_info=error)
        self.report(error, where)


# ---- statistics


def stats_of(
    client: ClientView,
    connection: Connection | None,
    dispatcher: Dispatcher,
    gaps: GapFiller | None,
    store: MessageStore | None,
) -> Stats:
    """Return the counters of a client. Counters of a connection that `Stats` does not know are omitted."""
    counted = {} if connection is None else connection.stats()
    known: dict[str, Any] = {
        name: counted[name] for name in counted.keys() & Stats.__dataclass_fields__.keys()
    }
    known |= {
        "state": client.state,
        "latency": client.latency,
        "handlers": dispatcher.running,
        "handler_errors": dispatcher.errors,
        "http_waiting": _http_waiting(client),
        "gap_filled": 0 if gaps is None else gaps.filled,
        "duplicates": 0 if gaps is None else gaps.duplicates,
        "store": {} if store is None else _store_stats(store),
    }
    return Stats(**known)


def _http_waiting(client: ClientView) -> int:
    """Return the requests that wait for the rate limit; 0 for the bot's own implementation of the API or of HTTP."""
    waiting = getattr(getattr(client.api_client, "http", None), "waiting", 0)
    return waiting if isinstance(waiting, int) else 0


def _store_stats(store: MessageStore) -> dict[str, Any]:
    from mezon.messages._custom import as_store

    return dict(as_store(store).stats())


# ---- the health endpoint

#: The longest line of a request, in bytes.
_MAX_LINE: Final = 8 * 1024
#: Seconds a connection may take, from its first byte to the end of the answer.
_TIMEOUT: Final = 5.0
#: Simultaneous connections. One more aborts the oldest: a probe sends its request at once and is answered within two
#: iterations of the loop, so an old connection is idle.
MAX_CONNECTIONS: Final = 16


def address_of(health: str) -> tuple[str, int]:
    """Return host and port of ``health="127.0.0.1:8080"``.

    Raises:
        InvalidArgumentError: If the text is not an address.
    """
    host, separator, port = str(health).rpartition(":")
    if not separator or not host or not port.isdecimal() or int(port) > 65535:
        raise InvalidArgumentError(f'health must be host and port, such as "127.0.0.1:8080", not {health!r}')
    return host.strip("[]"), int(port)


_JSON: Final = "application/json"
_PROMETHEUS: Final = "text/plain; version=0.0.4; charset=utf-8"


class Health:
    """An HTTP server that answers ``GET /live``, ``/ready`` and ``/stats``, and ``/metrics`` if there are metrics.

    ``/live`` is 200 while the event loop runs; ``/ready`` is 200 while `ready` returns True and 503 otherwise;
    ``/stats`` is JSON, ``/metrics`` the text format of Prometheus. The answers contain no secrets, and no request
    changes anything.

    Args:
        health: The address, such as ``"127.0.0.1:8080"``; port 0 selects a free port.
        ready: Returns whether the bot receives events and can send.
        stats: Returns the counters.
        metrics: Returns the metrics; None for no ``/metrics``.
    """

    def __init__(
        self,
        health: str,
        ready: Callable[[], bool],
        stats: Callable[[], Mapping[str, Any]],
        metrics: Callable[[], str] | None = None,
    ) -> None:
        self._host, self._port = address_of(health)
        self._ready = ready
        self._stats = stats
        self._metrics = metrics
        self._server: asyncio.Server | None = None
        #: The open connections and the tasks that serve them, oldest first.
        self._open: dict[asyncio.StreamWriter, asyncio.Task[None]] = {}

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._port if self._server is None else int(self._server.sockets[0].getsockname()[1])

    async def start(self) -> None:
        """Listen. Has no effect if the server listens already.

        Raises:
            MezonError: If the port is taken.
        """
        if self._server is not None:
            return
        try:
            # The backlog is also how many connections the loop accepts in one iteration.
            self._server = await asyncio.start_server(
                self._accept, self._host, self._port, limit=_MAX_LINE, backlog=MAX_CONNECTIONS
            )
        except OSError as error:
            raise MezonError(
                f"the health server cannot listen on {self._host}:{self._port} ({error.strerror or error}): "
                "choose another port"
            ) from None
        logger.info("Health: http://%s:%d/live, /ready, /stats", self._host, self.port)

    def close(self) -> asyncio.Server | None:
        """Stop listening and abort the open connections, without waiting. Can be called at any time."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
            for task in tuple(self._open.values()):
                if not task.get_loop().is_closed():
                    task.cancel()
        return server

    async def stop(self) -> None:
        """Stop listening and wait until the server is closed. Can be called at any time."""
        server = self.close()
        if server is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await server.wait_closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._open) >= MAX_CONNECTIONS:
            oldest = next(iter(self._open))
            self._open.pop(oldest).cancel()
            oldest.transport.abort()
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._open[writer] = task
        task.add_done_callback(lambda _: self._end(writer))

    def _end(self, writer: asyncio.StreamWriter) -> None:
        self._open.pop(writer, None)
        # Unsent data is discarded.
        writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, ValueError, TimeoutError):
            async with asyncio.timeout(_TIMEOUT):
                line = await reader.readline()
                while (await reader.readline()).strip():
                    pass
                status, body, kind = self._answer(line.decode("latin-1").split())
                head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
                writer.write(f"{head}Cache-Control: no-store\r\nConnection: close\r\n\r\n".encode() + body)
                await writer.drain()
                writer.close()
                await writer.wait_closed()

    def _answer(self, words: list[str]) -> tuple[str, bytes, str]:
        if len(words) != 3 or words[0] not in ("GET", "HEAD"):
            return "405 Method Not Allowed", b"{}", _JSON
        match words[1].partition("?")[0]:
            case "/live":
                return "200 OK", b'{"live":true}', _JSON
            case "/ready":
                ready = self._ready()
                status = "200 OK" if ready else "503 Service Unavailable"
                return status, json.dumps({"ready": ready}).encode(), _JSON
            case "/stats":
                return "200 OK", json.dumps(dict(self._stats()), default=str).encode(), _JSON
            case "/metrics" if self._metrics is not None:
                return "200 OK", self._metrics().encode(), _PROMETHEUS
            case _:
                return "404 Not Found", b"{}", _JSON


# ---- systemd


class SystemdNotifier:
    """Sends READY, WATCHDOG and STOPPING to systemd, if it started this process with ``Type=notify``.

    WATCHDOG messages come from the event loop: systemd restarts a bot whose loop is blocked.
    """

    def __init__(self) -> None:
        self._address = os.environ.get("NOTIFY_SOCKET", "")
        self._timer: asyncio.TimerHandle | None = None

    def ready(self) -> None:
        """Send READY, and WATCHDOG periodically from now on."""
        self._send("READY=1")
        period = self._period()
        if period and self._timer is None:
            self._keep_alive(asyncio.get_running_loop(), period)

    def stopping(self) -> None:
        """Send STOPPING."""
        self._send("STOPPING=1")

    def stop(self) -> None:
        """Stop sending WATCHDOG."""
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def _keep_alive(self, loop: asyncio.AbstractEventLoop, period: float) -> None:
        self._send("WATCHDOG=1")
        self._timer = loop.call_later(period, self._keep_alive, loop, period)

    def _period(self) -> float:
        """Return the seconds between two WATCHDOG messages: half of what systemd allows."""
        if os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
            return 0.0
        try:
            return int(os.environ.get("WATCHDOG_USEC", "0")) / 2_000_000
        except ValueError:
            return 0.0

    def _send(self, text: str) -> None:
        if not self._address or not hasattr(socket, "AF_UNIX"):
            return
        # An abstract address is written with @ in place of its zero byte.
        address = f"\0{self._address[1:]}" if self._address.startswith("@") else self._address
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
            one.setblocking(False)
            one.sendto(text.encode(), address)


# ---- the loop monitor
#
# A timer on each loop increments a counter; one thread for all loops of the process checks that the counters change.
# Each loop has one timer, however many clients it runs. The thread sums up its own waits and reads no clock, so that a
# stopped process or a suspended machine does not count as a blocked loop.

#: Checks within the shortest block that is reported.
_CHECKS: Final = 5

#: Innermost frames of the stack in the warning.
_FRAMES: Final = 30


class Watchdog:
    """Logs a warning with the stack if the event loop is blocked between `start` and `stop`, both called on the loop.

    Args:
        limit: Seconds without an iteration of the loop before the warning. The smallest limit of the watchdogs of one
            loop applies, and each block is reported once.
    """

    def __init__(self, limit: float) -> None:
        self.limit: Final = limit
        self._monitor: _Monitor | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Monitor the running loop. Has no effect if it is monitored already."""
        loop = asyncio.get_running_loop()
        if self._monitor is not None and self._loop is loop and self._monitor.is_registered(self, loop):
            return
        self.stop()
        self._monitor, self._loop = _monitor(), loop
        self._monitor.add(self, loop)

    def stop(self) -> None:
        """Stop monitoring; the last watchdog to stop ends the thread. Can be called at any time and twice."""
        monitor, loop, self._monitor, self._loop = self._monitor, self._loop, None, None
        if monitor is not None and loop is not None:
            monitor.remove(self, loop)


class _MonitoredLoop:
    """One loop and its watchdogs."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop: Final = loop
        self.watchdogs: set[Watchdog] = set()
        self.limit = 0.0
        #: How many watchdogs have which limit: a thousand clients mostly have the same.
        self._limits: Counter[float] = Counter()
        self._thread = threading.get_ident()
        self._iterations = 0
        self._timer: asyncio.TimerHandle | None = None
        # Used by the monitor thread alone: the last counter, how long it has not changed, and whether it has warned.
        self._seen = 0
        self._silent = 0.0
        self._warned = False

    def add(self, watchdog: Watchdog) -> None:
        """Register a watchdog."""
        self.watchdogs.add(watchdog)
        self._limits[watchdog.limit] += 1
        self._apply_limit()

    def remove(self, watchdog: Watchdog) -> None:
        """Unregister a watchdog."""
        if watchdog not in self.watchdogs:
            return
        self.watchdogs.remove(watchdog)
        self._limits[watchdog.limit] -= 1
        if not self._limits[watchdog.limit]:
            del self._limits[watchdog.limit]
        self._apply_limit()

    def _apply_limit(self) -> None:
        """Set the smallest limit, and the interval of the timer accordingly."""
        smallest = min(self._limits, default=0.0)
        if smallest == self.limit:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.limit = smallest
        if smallest:
            self._tick()

    def _tick(self) -> None:
        self._iterations += 1
        self._thread = threading.get_ident()
        self._timer = self.loop.call_later(self.limit / _CHECKS, self._tick)

    def check(self, passed: float) -> None:
        """Check, in the monitor thread, whether the loop has run in the `passed` seconds since the last check."""
        if self._iterations != self._seen:
            if self._warned:
                logger.info("The event loop is no longer blocked")
            self._seen, self._silent, self._warned = self._iterations, 0.0, False
            return
        self._silent += passed
        # A loop that does not run is not blocked. Half an interval compensates for the error of summing up.
        if not self._warned and 0 < self.limit <= self._silent + passed / 2 and self.loop.is_running():
            self._warned = True
            self._warn()

    def _warn(self) -> None:
        frame = sys._current_frames().get(self._thread)
        place, stack = stack_for_user(frame, _FRAMES)
        logger.warning(
            "The event loop has been blocked for %g s%s: handlers and timers are delayed, while the core keeps "
            "receiving. Use await instead of a blocking call, or asyncio.to_thread. Blocked at:\n%s",
            self.limit,
            f" by {place}" if place is not None else "",
            stack,
            # A busy machine can delay code of this package as long.
            extra={MISTAKE: "blocked_loop"} if is_run_by_user(frame) else None,
        )


class _Monitor:
    """The monitored loops of this process and the thread that checks them, which exists while there are any."""

    def __init__(self) -> None:
        self.process = ProcessGuard()
        self.process.begin()
        self._loops: dict[asyncio.AbstractEventLoop, _MonitoredLoop] = {}
        self._lock = threading.Lock()
        #: Wakes the thread early: the smallest limit has changed, or there is nothing left to monitor.
        self._changed = threading.Event()
        self._thread: threading.Thread | None = None

    def is_registered(self, watchdog: Watchdog, loop: asyncio.AbstractEventLoop) -> bool:
        """Return whether this watchdog monitors this loop."""
        if self.process.elsewhere:
            return False
        monitored = self._loops.get(loop)
        return monitored is not None and watchdog in monitored.watchdogs

    def add(self, watchdog: Watchdog, loop: asyncio.AbstractEventLoop) -> None:
        """Monitor the running loop for a watchdog."""
        with self._lock:
            monitored = self._loops.get(loop)
            if monitored is None:
                monitored = self._loops[loop] = _MonitoredLoop(loop)
            before = monitored.limit
            monitored.add(watchdog)
            if self._thread is None:
                self._changed = threading.Event()
                self._thread = threading.Thread(
                    target=self._run, args=(self._changed,), name="mezon-watchdog", daemon=True
                )
                self._thread.start()
            elif monitored.limit != before:
                self._changed.set()

    def remove(self, watchdog: Watchdog, loop: asyncio.AbstractEventLoop) -> None:
        """Stop monitoring a loop for a watchdog."""
        if self.process.elsewhere:
            # The lock may have been held when the process was forked, and the loop is the parent's.
            return
        ended = None
        with self._lock:
            monitored = self._loops.get(loop)
            if monitored is None:
                return
            monitored.remove(watchdog)
            if monitored.watchdogs:
                return
            del self._loops[loop]
            self._forget_closed()
            if not self._loops:
                ended, self._thread = self._thread, None
                self._changed.set()
        if ended is not None:
            ended.join(1.0)

    def _run(self, changed: threading.Event) -> None:
        while (interval := self._interval(changed)) is not None:
            if changed.wait(interval):
                changed.clear()
                continue
            for monitored in list(self._loops.values()):
                monitored.check(interval)

    def _interval(self, changed: threading.Event) -> float | None:
        """Return the time until the next check, for the smallest limit of all; None if there is nothing to monitor."""
        with self._lock:
            if changed is not self._changed:
                return None  # another thread has taken over
            self._forget_closed()
            if not self._loops:
                self._thread = None
                return None
            return min(monitored.limit for monitored in self._loops.values()) / _CHECKS

    def _forget_closed(self) -> None:
        # A loop may be closed without stopping its watchdogs.
        for loop in [loop for loop in self._loops if loop.is_closed()]:
            del self._loops[loop]


_process_monitor: _Monitor | None = None


def _monitor() -> _Monitor:
    """Return the monitor of this process; a forked child creates its own, because it has no copy of the thread."""
    global _process_monitor
    if _process_monitor is None or _process_monitor.process.elsewhere:
        _process_monitor = _Monitor()
    return _process_monitor
