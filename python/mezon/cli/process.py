"""The bot's process: start, stop and restart it, receive its reports, and watch its files."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import secrets
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from mezon.cli.child import ADDRESS, LINE_LIMIT, LOCAL, LOGS, STOP_TIMEOUT
from mezon.testing.bots import Target

if TYPE_CHECKING:
    from mezon.testing.gateway import LocalGateway

__all__ = ["RESTARTS", "BotProcess", "ReportServer", "changes", "local_bot"]

_WATCHED: Final = (".py", ".toml", ".json", ".yaml", ".yml", ".txt", ".html")
#: The advice of commands that watch the files of the bot.
RESTARTS: Final = "it restarts when a file changes"
#: Seconds for which the bot's loop may be blocked before it answers the parent.
_ANSWER_TIMEOUT: Final = 30.0
_IGNORED: Final = {"__pycache__", "mezon-cache", "node_modules", "site-packages"}


class BotProcess:
    """A bot, run as one process at a time.

    Args:
        target: The bot.
        environment: Variables that override those of this process.
        on_change: Called with ``started``, ``restarting`` or ``ended`` and a message.
        capture: Called with each line of the bot's output; None prints it on this terminal.
        advice: What to do when the bot has failed, for the message of ``ended``.
    """

    def __init__(
        self,
        target: Target,
        environment: Mapping[str, str],
        on_change: Callable[[str, str], None],
        capture: Callable[[str], None] | None = None,
        advice: str = "",
    ) -> None:
        self.target = target
        self._environment = environment
        self._on_change = on_change
        self._capture = capture
        self._advice = f"; {advice}" if advice else ""
        self._process: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()
        self.starts: int = 0
        #: The names of the bot's scheduled tasks, once it is imported.
        self.tasks: list[str] = []
        #: Runs one of them now.
        self.run_task: Callable[[str], None] = lambda name: None
        #: Waits until its handlers have ended or wait for an event; see `ReportServer.settle`.
        self.settle: Callable[[float, float], Awaitable[list[str]]] = _settled
        #: Returns why the bot has not answered a message; see `ReportServer.explain`.
        self.explain: Callable[[bytes], Awaitable[str]] = _explained
        self.exit_code: int | None = None
        self.ended: asyncio.Event = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """The process id, or None while the bot does not run."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    async def start(self) -> None:
        """Start the process."""
        async with self._lock:
            await self._start()

    async def _start(self) -> None:
        target = self.target
        fields = {
            "path": str(target.path),
            "module": target.module,
            "folder": str(target.folder),
            "attribute": target.attribute,
        }
        pipe = asyncio.subprocess.PIPE if self._capture is not None else None
        self.ended.clear()
        self.exit_code = None
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "mezon.cli.child", json.dumps(fields)),
            env={**os.environ, **self._environment, "PYTHONUNBUFFERED": "1"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=pipe,
            stderr=asyncio.subprocess.STDOUT if pipe is not None else None,
            # The command handles Ctrl-C and stops the bot.
            start_new_session=os.name == "posix",
            limit=1 << 20,
        )
        self.starts += 1
        self._on_change("started", f"{target} started (process {self._process.pid})")
        self._watch = asyncio.create_task(self._follow(self._process))

    async def _follow(self, process: asyncio.subprocess.Process) -> None:
        if process.stdout is not None and self._capture is not None:
            with contextlib.suppress(ValueError):  # a line above the limit
                async for line in process.stdout:
                    self._capture(line.decode(errors="replace").rstrip("\r\n"))
        code = await process.wait()
        if process is self._process:
            self.exit_code = code
            self.ended.set()
            if code:
                self._on_change("ended", f"{self.target} ended with code {code}{self._advice}")
            else:
                self._on_change("ended", f"{self.target} ended")

    async def restart(self, why: str) -> None:
        """Stop the process and start it again."""
        async with self._lock:
            self._on_change("restarting", why)
            await self._stop()
            await self._start()

    async def stop(self) -> None:
        """Stop the process with SIGTERM, and kill it if it does not end in time."""
        async with self._lock:
            await self._stop()

    async def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            try:
                async with asyncio.timeout(STOP_TIMEOUT):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
        if self._watch is not None:
            await self._watch
        self.exit_code = process.returncode
        self.ended.set()


async def _settled(quiet: float, limit: float) -> list[str]:
    return []


async def _explained(message: bytes) -> str:
    return ""


class ReportServer:
    """Receive the reports of a bot's process (``mezon.cli.child.Reporter``).

    ``on_report`` is called with each report as a dict, and with ``{"kind": "gone"}`` when the connection ends.
    """

    def __init__(self, on_report: Callable[[dict[str, Any]], None]) -> None:
        self._on_report = on_report
        self._token = secrets.token_urlsafe(16)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        #: The answers that are awaited, by the kind of the report.
        self._answers: dict[str, asyncio.Future[Any]] = {}

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=LINE_LIMIT)
        return self

    async def __aexit__(self, *error: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.close()

    def run_task(self, name: str) -> None:
        """Let the bot's process run a scheduled task of the bot now."""
        self._send({"run": name})

    async def settle(self, quiet: float, limit: float) -> list[str]:
        """Wait until the bot's handlers have ended or wait for an event. One call at a time.

        Args:
            quiet: Seconds without a call of the bot after which running handlers are not waited for, now or later.
            limit: Seconds after which they are not waited for in any case.

        Returns:
            The names of these handlers.

        Raises:
            TimeoutError: If the bot does not answer because its event loop is blocked.
        """
        running = await self._ask({"settle": [quiet, limit]}, "settled", limit)
        return running or []

    async def explain(self, message: bytes) -> str:
        """Return why the bot has not answered a message; "" if its process does not say. One call at a time.

        Args:
            message: The encoded ``ChannelMessage``.

        Raises:
            TimeoutError: If the bot does not answer because its event loop is blocked.
        """
        command = {"explain": base64.b64encode(message).decode()}
        return await self._ask(command, "explained", 0.0) or ""

    async def _ask(self, command: Mapping[str, Any], kind: str, limit: float) -> Any:
        answer = self._answers[kind] = asyncio.get_running_loop().create_future()
        self._send(command)
        if not self._writers:
            return None
        async with asyncio.timeout(limit + _ANSWER_TIMEOUT):
            return await answer

    def _send(self, command: Mapping[str, Any]) -> None:
        for writer in self._writers:
            writer.write(json.dumps(command).encode() + b"\n")

    def _take_answer(self, kind: str, result: Any) -> bool:
        """Return whether a report answers a command."""
        answer = self._answers.get(kind)
        if answer is not None and not answer.done():
            answer.set_result(result)
        return answer is not None

    @property
    def environment(self) -> dict[str, str]:
        """The variables that let a bot's process report here."""
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
                report = json.loads(line)
                if not self._take_answer(report["kind"], report.get("result")):
                    self._on_report(report)
            self._on_report({"kind": "gone", "pid": first.get("pid")})
        except (ValueError, ConnectionError, asyncio.LimitOverrunError):
            pass
        finally:
            self._writers.discard(writer)
            for kind in self._answers:
                self._take_answer(kind, None)
            writer.close()


def local_environment(gateway: LocalGateway) -> dict[str, str]:
    """Return the variables that point a bot's process at the gateway, whatever the bot passes to its client."""
    options = gateway.client_options()
    options.pop("gateway", None)
    if gateway.ca_file is not None:
        options["ca_file"] = gateway.ca_file
    options["state"] = (gateway.url, str(gateway.state_file))
    return {**gateway.environment(), LOCAL: json.dumps(options)}


@contextlib.asynccontextmanager
async def local_bot(
    target: Target,
    gateway: LocalGateway,
    on_report: Callable[[dict[str, Any]], None],
    capture: Callable[[str], None] | None = None,
    log_level: str | None = None,
    advice: str = "",
) -> AsyncIterator[BotProcess]:
    """Create the bot's process without starting it, and stop it after the block.

    Args:
        target: The bot.
        gateway: The gateway of its clients.
        on_report: Called with the reports of the bot, and those of its process (started, restarting, ended).
        capture: Called with each line of the bot's output; None prints it on this terminal.
        log_level: Log only through ``on_report``, from this level on. None logs to the bot's output.
        advice: What to do when the bot has failed.
    """

    def changed(kind: str, text: str) -> None:
        on_report({"kind": kind, "text": text})

    def received(report: dict[str, Any]) -> None:
        if report["kind"] == "tasks":
            process.tasks = report["names"]
        else:
            on_report(report)

    async with ReportServer(received) as reports:
        environment = {**local_environment(gateway), **reports.environment}
        if log_level is not None:
            environment[LOGS] = log_level
        process = BotProcess(target, environment, changed, capture, advice)
        process.run_task, process.settle = reports.run_task, reports.settle
        process.explain = reports.explain
        try:
            yield process
        finally:
            await process.stop()


async def changes(folder: Path, env_file: Path | None, changed: Callable[[list[Path]], Any]) -> None:
    """Watch a folder and await ``changed`` with the saved files, until cancelled."""
    from watchfiles import awatch

    def watched(change: Any, path: str) -> bool:
        file = Path(path)
        if env_file is not None and file == env_file:
            return True
        inside = file.relative_to(folder).parts if file.is_relative_to(folder) else file.parts
        if any(part in _IGNORED or (part.startswith(".") and part != ".env") for part in inside):
            return False
        return file.suffix in _WATCHED or file.name == ".env"

    # Changed tests do not restart the bot.
    def matters(path: str) -> bool:
        name = Path(path).name
        return not name.startswith("test_") and name != "conftest.py"

    async for batch in awatch(folder, watch_filter=watched, step=50, debounce=400, recursive=True):
        files = sorted({Path(path) for _, path in batch if matters(path)})
        if files:
            await changed(files)
