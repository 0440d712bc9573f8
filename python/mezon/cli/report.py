"""What a bot's process tells the command that started it: state, counters, log, errors with tracebacks.

JSON lines over a loopback connection. The first line has the token, so that nobody else can report.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import secrets
import signal
import socket
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Final, Self

from mezon.utils.logger import setup_logger

__all__ = ["ADDRESS", "ReportServer", "Reporter"]

ADDRESS: Final = "MEZON_CLI_REPORT"
"""The variable with ``host:port:token``."""

_EVERY: Final = 0.5
_LINE_LIMIT: Final = 1 << 20

#: Seconds a bot may take to end after its command is gone: as long as the command itself gives it.
_END_TIMEOUT: Final = 8.0


class Reporter:
    """The bot's side. Lives in threads of its own, for the bot's loop may be blocked."""

    def __init__(self, connection: socket.socket, token: str, clients: Callable[[], list[Any]]) -> None:
        self._connection = connection
        self._clients = clients
        self._lock = threading.Lock()
        self._broken = False
        self._handler = _Handler(self)
        self.tell("hello", token=token, pid=os.getpid())

    @classmethod
    def from_environment(cls, clients: Callable[[], list[Any]]) -> Self | None:
        """Make a reporter when somebody asked for one, and it is there."""
        address = os.environ.pop(ADDRESS, None)
        if address is None:
            return None
        host, port, token = address.split(":")
        try:
            return cls(socket.create_connection((host, int(port)), timeout=5), token, clients)
        except OSError:
            return None

    def tell(self, kind: str, **details: Any) -> None:
        """Send a line; silently stop when nobody listens any more."""
        data = json.dumps({"kind": kind, **details}, ensure_ascii=False, default=str).encode() + b"\n"
        if self._broken or len(data) > _LINE_LIMIT:
            return
        try:
            with self._lock:
                self._connection.sendall(data)
        except OSError:
            self._broken = True

    def start(self) -> None:
        """Begin to tell the state every half second, and what is logged under ``mezon``."""
        logging.getLogger("mezon").addHandler(self._handler)
        threading.Thread(target=self._sample, name="mezon-report", daemon=True).start()
        threading.Thread(target=self._end_with_listener, name="mezon-report-end", daemon=True).start()

    def show_logs(self) -> None:
        """Show the log in the terminal as ``client.run()`` does: unless the bot has configured logging.

        ``run()`` itself takes our handler for such a configuration.
        """
        package = logging.getLogger("mezon")
        if logging.root.handlers or package.handlers != [self._handler] or package.level or package.disabled:
            return
        package.removeHandler(self._handler)
        setup_logger()
        package.addHandler(self._handler)

    def _end_with_listener(self) -> None:
        """End a bot with the command that started it, even if the command was killed."""
        self._connection.settimeout(None)
        with contextlib.suppress(OSError):
            while self._connection.recv(4096):
                pass
        self._broken = True
        if os.name == "posix":
            # To the process and not to this thread: it interrupts the system call in which the loop waits.
            os.kill(os.getpid(), signal.SIGTERM)
        else:
            signal.raise_signal(signal.SIGTERM)
        # A handler that blocks the loop, or the import of the bot, would never see the signal's Python handler.
        time.sleep(_END_TIMEOUT)
        os._exit(128 + signal.SIGTERM)

    def _sample(self) -> None:
        waiting = threading.Event()
        while not self._broken and not waiting.wait(_EVERY):
            for client in self._clients()[-1:]:
                # Read from another thread: what is torn now is whole half a second later.
                with contextlib.suppress(Exception):
                    self.tell(
                        "stats", state=client.state, latency=client.latency, stats=asdict(client.stats())
                    )


class _Handler(logging.Handler):
    def __init__(self, reporter: Reporter) -> None:
        super().__init__(logging.INFO)
        self._reporter = reporter

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = record.getMessage()
            trace = ""
            if record.exc_info and record.exc_info[1] is not None:
                trace = "".join(traceback.format_exception(record.exc_info[1]))
            kind = "error" if trace else "log"
            self._reporter.tell(
                kind,
                level=record.levelname,
                logger=record.name,
                text=text,
                traceback=trace,
                time=record.created,
            )
        except Exception:
            self.handleError(record)


class ReportServer:
    """The command's side: ``on_report`` gets every line as a dict, ``{"kind": "gone"}`` when the bot ends."""

    def __init__(self, on_report: Callable[[dict[str, Any]], None]) -> None:
        self._on_report = on_report
        self._token = secrets.token_urlsafe(16)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=_LINE_LIMIT)
        return self

    async def __aexit__(self, *error: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.close()

    @property
    def environment(self) -> dict[str, str]:
        """What the bot's process needs to report here."""
        assert self._server is not None
        host, port = self._server.sockets[0].getsockname()[:2]
        return {ADDRESS: f"{host}:{port}:{self._token}"}

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            first = json.loads(await reader.readline() or b"{}")
            if not secrets.compare_digest(str(first.pop("token", "")), self._token):
                return
            self._on_report(first)
            while line := await reader.readline():
                self._on_report(json.loads(line))
            self._on_report({"kind": "gone", "pid": first.get("pid")})
        except (ValueError, ConnectionError, asyncio.LimitOverrunError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()
