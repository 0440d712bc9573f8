"""The process of a bot for ``run --reload``, ``dev`` and ``chat``: ``python -m mezon.cli.child TARGET``.

Imports the bot and runs its client. For ``dev`` and ``chat``, every client of the bot talks to the local gateway,
whatever the bot passes. The process reports its state to its parent, ``mezon.cli.process``.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, Self

from mezon import GatewayOptions, InvalidArgumentError
from mezon.cli.activity import Activity
from mezon.cli.find import is_plain, trim_traceback
from mezon.protobuf.api import api_pb2
from mezon.testing.bots import BotError, Target, instances, load_bot, pointed_at, run_script
from mezon.testing.silence import explain
from mezon.testing.unregistered import warn_about_main
from mezon.utils.local_state import use_state_file
from mezon.utils.logger import setup_logger
from mezon.utils.unawaited import show_own_lines
from mezon.utils.user_code import format_for_user

LOCAL: Final = "MEZON_CLI_LOCAL"
"""Environment variable with the client's options as JSON, if the bot uses the local gateway."""

ADDRESS: Final = "MEZON_CLI_REPORT"
"""Environment variable with ``host:port:token`` of the parent's report server."""

LOGS: Final = "MEZON_CLI_LOGS"
"""Environment variable with a level: the parent prints the records of the logger ``mezon`` from that level on."""

LINE_LIMIT: Final = 1 << 20
"""Maximum length of a report in bytes."""

STOP_TIMEOUT: Final = 8.0
"""Seconds a bot has to end after SIGTERM; its handlers have five."""

_INTERVAL: Final = 0.5

_READY_TIMEOUT: Final = 5.0
"""Seconds in which a task that is to run waits for its bot to be ready."""

_READY_POLL: Final = 0.02
"""Seconds between two looks whether the bot is ready."""


def main() -> None:
    """Run the bot given as JSON in the arguments. Exits with the code of the bot, or 1 if the import fails."""
    fields = json.loads(sys.argv[1])
    target = Target(Path(fields["path"]), fields["module"], Path(fields["folder"]), fields["attribute"])
    show_own_lines()
    reporter = Reporter.from_environment(lambda: instances)
    if reporter is not None:
        reporter.start()
    try:
        code = run(target, local_options(), reporter)
    except Exception as error:
        report_crash(reporter, target, error)
        code = 1
    sys.stdout.flush()
    sys.exit(code)


def local_options() -> dict[str, Any] | None:
    """Return the client options of the environment. The store is in memory: the local gateway reuses ids.

    The bot's state is in the gateway's file, which outlives this process.
    """
    text = os.environ.pop(LOCAL, None)
    if text is None:
        return None
    options: dict[str, Any] = json.loads(text)
    url, state_file = options.pop("state")
    use_state_file(url, lambda: Path(state_file))
    ca_file = options.pop("ca_file", None)
    if ca_file is not None:
        options["gateway"] = GatewayOptions(ca_file=ca_file)
    return options


def run(target: Target, local: dict[str, Any] | None, reporter: Reporter | None) -> int:
    """Import the bot, run it until it ends, and return the exit code."""
    sys.path.insert(0, os.getcwd())
    with contextlib.ExitStack() as stack:
        replaced: list[str] = []
        if local is not None:
            on_create = reporter.activity.watch if reporter is not None else lambda client: None
            replaced = stack.enter_context(pointed_at(local, on_create))
        client = load_bot(target)
        if client is None:
            say(f"{target.path.name} creates no client on import: it runs as a script")
            if reporter is not None:
                reporter.show_logs()
            try:
                run_script(target)
            except SystemExit as end:
                return end.code if isinstance(end.code, int) else int(end.code is not None)
            return 0
    if (warning := warn_about_main(target.path, client, local=local is not None)) is not None:
        say(warning)
    if replaced:
        names = ", ".join(sorted(set(replaced)))
        say(f"{target.path.name} passes {names}; its client uses the local gateway instead")
    if reporter is not None:
        reporter.show_logs()
        # Of a bot with mezon.ext; a plain client has none.
        records: Any = getattr(client, "records", None)
        if hasattr(records, "address"):
            reporter.report("records", address=records.address)
    if client not in instances:
        instances.append(client)
    if reporter is not None:
        reporter.report("tasks", names=[one.name for one in tasks_of(client)])
    client.run()
    return 0


def tasks_of(client: Any) -> list[Any]:
    """Return the scheduled tasks of a ``mezon.ext.commands.Bot``; none for other clients."""
    return list(getattr(client, "tasks", ()))


def say(text: str) -> None:
    """Print a line of the command, not of the bot."""
    print(f"mezon: {text}", file=sys.stderr, flush=True)


def report_crash(reporter: Reporter | None, target: Target, error: Exception) -> None:
    """Print an error with a traceback that starts in the bot's code, and report it to the parent process."""
    if isinstance(error, BotError):
        text = str(error)
    elif is_plain(error):
        text = f"{type(error).__name__}: {error}"
    else:
        text = trim_traceback(error).rstrip()
    if reporter is None or reporter.log_level is None:
        print(f"mezon: {target.path.name} ended with an error\n{text}", file=sys.stderr, flush=True)
    if reporter is not None:
        reporter.report("crash", text=text)


class Reporter:
    """Report the bot's state, log and errors to the parent process, from threads, because the loop may be blocked.

    Reports are JSON lines over a loopback connection. The first line holds a token, which authenticates the process.
    """

    def __init__(self, connection: socket.socket, token: str, clients: Callable[[], list[Any]]) -> None:
        self._connection = connection
        self._clients = clients
        self._lock = threading.Lock()
        self._broken = False
        #: The level from which the parent prints the log; None if this process prints it.
        self.log_level: str | None = os.environ.pop(LOGS, None)
        self._handler = _Handler(self)
        self.activity: Final = Activity()
        self.report("hello", token=token, pid=os.getpid())

    @classmethod
    def from_environment(cls, clients: Callable[[], list[Any]]) -> Self | None:
        """Return a reporter if the parent process asked for one and accepts the connection."""
        address = os.environ.pop(ADDRESS, None)
        if address is None:
            return None
        host, port, token = address.split(":")
        try:
            return cls(socket.create_connection((host, int(port)), timeout=5), token, clients)
        except OSError:
            return None

    def report(self, kind: str, **details: Any) -> None:
        """Send a line. Does nothing once the parent process is gone."""
        data = json.dumps({"kind": kind, **details}, ensure_ascii=False, default=str).encode() + b"\n"
        if self._broken or len(data) > LINE_LIMIT:
            return
        try:
            with self._lock:
                self._connection.sendall(data)
        except OSError:
            self._broken = True

    def start(self) -> None:
        """Start to report the state every half second, and the records of the logger ``mezon``."""
        logging.getLogger("mezon").addHandler(self._handler)
        threading.Thread(target=self._sample, name="mezon-report", daemon=True).start()
        threading.Thread(target=self._end_with_parent, name="mezon-report-end", daemon=True).start()

    def show_logs(self) -> None:
        """Log like ``client.run()``, to the terminal or through the parent, unless the bot has configured logging.

        ``run()`` itself would mistake this reporter's handler for such a configuration.
        """
        package = logging.getLogger("mezon")
        if logging.root.handlers or package.handlers != [self._handler] or package.level or package.disabled:
            return
        if self.log_level is not None:
            package.setLevel(self.log_level)
            return
        package.removeHandler(self._handler)
        setup_logger()
        package.addHandler(self._handler)

    def _end_with_parent(self) -> None:
        """Carry out the parent's commands, and end the bot when the parent is gone, even if it was killed."""
        self._connection.settimeout(None)
        with contextlib.suppress(OSError), self._connection.makefile("rb") as lines:
            for line in lines:
                match json.loads(line):
                    case {"run": name}:
                        self._run_task(name)
                    case {"settle": [quiet, limit]}:
                        self._settle(quiet, limit)
                    case {"explain": message}:
                        self._explain(base64.b64decode(message))
        self._broken = True
        if os.name == "posix":
            # To the process, not to this thread: that interrupts the system call in which the loop waits.
            os.kill(os.getpid(), signal.SIGTERM)
        else:
            signal.raise_signal(signal.SIGTERM)
        # The Python handler of the signal never runs if a handler or the import of the bot blocks the main thread.
        time.sleep(STOP_TIMEOUT)
        os._exit(128 + signal.SIGTERM)

    def _run_task(self, name: str) -> None:
        """Run a task now. A bot that has just joined its clans, as a pipe waits for, is not ready yet."""
        end = time.monotonic() + _READY_TIMEOUT
        for task in [one for client in self._clients() for one in tasks_of(client) if one.name == name]:
            while not task.started and not self._broken and time.monotonic() < end:
                time.sleep(_READY_POLL)
            try:
                task.run_soon()
            except InvalidArgumentError as error:
                say(str(error))

    def _settle(self, quiet: float, limit: float) -> None:
        """Report when the handlers have ended or wait for an event."""

        self._answer("settled", self.activity.settle(quiet, limit), [])

    def _explain(self, body: bytes) -> None:
        """Report why the bot has not answered a message, a ``ChannelMessage``."""

        async def reason() -> str:
            message = api_pb2.ChannelMessage.FromString(body)
            return next((explain(client, message).reason for client in self._clients()[-1:]), "")

        self._answer("explained", reason(), "")

    def _answer(self, kind: str, work: Coroutine[Any, Any, Any], without: Any) -> None:
        """Run a coroutine on the bot's loop and report its result; ``without`` if the loop does not run."""

        def ended(future: Future[Any]) -> None:
            failed = future.cancelled() or future.exception() is not None
            self.report(kind, result=without if failed else future.result())

        loop = self.activity.loop
        if loop is None or loop.is_closed():
            work.close()
            self.report(kind, result=without)
        else:
            asyncio.run_coroutine_threadsafe(work, loop).add_done_callback(ended)

    def _sample(self) -> None:
        timer = threading.Event()
        while not self._broken and not timer.wait(_INTERVAL):
            for client in self._clients()[-1:]:
                # Read without synchronization: an inconsistent sample is corrected by the next one.
                with contextlib.suppress(Exception):
                    self.report(
                        "stats",
                        state=client.state,
                        latency=client.latency,
                        stats=asdict(client.stats()),
                        tasks=[task.name for task in tasks_of(client)],
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
                trace = format_for_user(record.exc_info[1])
            kind = "error" if trace else "log"
            self._reporter.report(
                kind,
                level=record.levelname,
                logger=record.name,
                text=text,
                traceback=trace,
                time=record.created,
                # A handler of the bot prints it as well.
                shown=bool(logging.root.handlers),
            )
        except Exception:
            self.handleError(record)


if __name__ == "__main__":
    main()
