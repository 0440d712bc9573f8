"""The local gateway in its own process, so that its CPU time and garbage are not those of the bot.

``GatewayProcess`` is the parent. The child (``python -m mezon.testing --control``) runs ``serve_control``. They
exchange JSON objects, one per line, on the child's stdin and stdout.

To the child: ``{"id": 1, "call": "say", "args": ["general", "alice", "hi"], "kwargs": {}}``.
To the parent: ``{"id": 1, "result": ...}`` or ``{"id": 1, "error": text}``, and events: ``{"event": "sent", ...}``,
``{"event": "made", ...}`` (the message id of a send that was reported without one) and
``{"event": "progress", "done": n}``.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import itertools
import json
import os
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict, is_dataclass
from typing import Any, Final, Self

from google.protobuf.message import Message

from mezon.protobuf.rtapi import realtime_pb2
from mezon.testing.blast import Blast, BlastResult
from mezon.testing.gateway import LocalGateway
from mezon.testing.records import HOUSEKEEPING, MAKES, MAX_PENDING, Sent, keep
from mezon.utils.background import BackgroundTasks
from mezon.utils.logger import get_logger

__all__ = ["CALLS", "GatewayProcess", "hello", "serve_control"]

_MAX_UNREAD = 100_000


class GatewayProcess:
    """Run ``python -m mezon.testing --control`` as a child process.

        async with GatewayProcess() as gateway:
            bot = await asyncio.create_subprocess_exec(sys.executable, "bot.py", env=gateway.environment())
            await gateway.wait_connected()
            await gateway.say("general", "alice", "hi")
            sent = await gateway.next_sent()

    Args:
        options: Arguments for ``python -m mezon.testing``, such as ``"--tls"`` or ``"--script", "world.py"``.
        python: The interpreter; the current one by default.

    ``gateway.call(name, ...)`` calls a method of ``LocalGateway`` (see ``mezon.testing.process.CALLS``) with JSON
    arguments (bytes as hex, channels and users by name). ``say``, ``next_sent``, ``blast``, ``wait_joined``
    and others also exist on this class.
    The child ends when this object is closed or this process ends.

    Attributes:
        info: The first line of the child: host, port, url, ws_url, ca_file, bot_id, environment, world ...
    """

    def __init__(self, *options: str, python: str = sys.executable) -> None:
        self._options = options
        self._python = python
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._ids = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._progress: Callable[[int], None] | None = None
        self._unread: list[Sent] = []
        self._changed = asyncio.Event()
        #: Sends without a message id, by connection and cid.
        self._pending: dict[tuple[int, int], Sent] = {}
        self.info: dict[str, Any] = {}

    @property
    def host(self) -> str:
        """The host that the gateway listens on."""
        return str(self.info["host"])

    @property
    def port(self) -> int:
        """The port that the gateway listens on."""
        return int(self.info["port"])

    @property
    def url(self) -> str:
        """Base URL of the HTTP API."""
        return str(self.info["url"])

    @property
    def pid(self) -> int:
        """The process id of the child."""
        return self._running().pid

    def environment(self) -> dict[str, str]:
        """Return this process's environment with the variables that connect a bot to the gateway."""
        return {**os.environ, **self.info["environment"]}

    # Starting and stopping

    async def start(self) -> Self:
        """Start the child and wait until the gateway listens."""
        process = await asyncio.create_subprocess_exec(
            self._python,
            "-m",
            "mezon.testing",
            "--control",
            *self._options,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            # Ctrl-C must reach only the parent, which ends the child when it has finished with it.
            start_new_session=os.name == "posix",
            limit=64 * 1024 * 1024,
        )
        self._process = process
        assert process.stdout is not None
        try:
            async with asyncio.timeout(30):
                line = await process.stdout.readline()
            if not line:
                raise RuntimeError(
                    f"the gateway process ended with code {await process.wait()} while starting"
                )
            self.info = json.loads(line)
        except BaseException:
            await self.aclose()
            raise
        self._reader = asyncio.create_task(self._read(process.stdout), name="mezon-gateway-process")
        return self

    async def aclose(self) -> None:
        """End the child."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(5):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        if self._reader is not None:
            self._reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reader
            self._reader = None

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *error: object) -> None:
        await self.aclose()

    # Calls

    async def call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Call a method of the gateway. Raises RuntimeError with the text of the error."""
        process = self._running()
        assert process.stdin is not None
        number = next(self._ids)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        try:
            request = {"id": number, "call": name, "args": args, "kwargs": kwargs}
            process.stdin.write(json.dumps(request).encode() + b"\n")
            await process.stdin.drain()
            return await answer
        finally:
            self._answers.pop(number, None)

    async def say(
        self, channel: int | str, user: int | str, content: str | dict[str, Any], **options: Any
    ) -> int:
        """Send a message as a user; see ``LocalGateway.say``."""
        return int(await self.call("say", channel, user, content, **options))

    async def wait_connected(self, n: int = 1, *, timeout: float = 5.0) -> None:
        """Wait until at least ``n`` sockets are open."""
        await self.call("wait_connected", n, timeout=timeout)

    async def wait_joined(self, *, timeout: float = 5.0) -> None:
        """Wait until a bot has joined every clan of the world."""
        await self.call("wait_joined", timeout=timeout)

    async def prepare_blast(self, n: int, **options: Any) -> dict[str, Any]:
        """Build a burst for ``blast`` in the child. Discards the previous one."""
        prepared: dict[str, Any] = await self.call("prepare_blast", n, **options)
        return prepared

    async def blast(
        self, burst: int | dict[str, Any], *, progress: Callable[[int], None] | None = None, **options: Any
    ) -> BlastResult:
        """Send a burst; see ``LocalGateway.blast``."""
        self._progress = progress
        try:
            return BlastResult(**await self.call("blast", burst, **options))
        finally:
            self._progress = None

    async def next_sent(
        self, kind: str | None = None, *, timeout: float = 5.0, match: Callable[[Sent], bool] | None = None
    ) -> Sent:
        """Wait for the next envelope from the bot; see ``LocalGateway.next_sent``."""
        try:
            async with asyncio.timeout(timeout):
                while True:
                    for sent in self._unread:
                        if not (sent.is_a(kind) if kind is not None else sent.kind not in HOUSEKEEPING):
                            continue
                        if match is None or match(sent):
                            self._unread = [s for s in self._unread if s is not sent]
                            return sent
                    self._running()
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise TimeoutError(f"waited {timeout:g} s for the bot to send {kind or 'an envelope'}") from None

    def _running(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            raise RuntimeError("the gateway process is not running")
        return self._process

    async def _read(self, stream: asyncio.StreamReader) -> None:
        try:
            while line := await stream.readline():
                self._take(json.loads(line))
        finally:
            for answer in self._answers.values():
                if not answer.done():
                    answer.set_exception(RuntimeError("the gateway process ended"))
            self._changed.set()

    def _take(self, value: dict[str, Any]) -> None:
        match value.get("event"):
            case "sent":
                envelope = realtime_pb2.Envelope.FromString(bytes.fromhex(value["envelope"]))
                sent = Sent.from_envelope(
                    envelope,
                    time=value["time"],
                    connection=value["connection"],
                    transport=value["transport"],
                )
                sent.made.extend(value["made"])
                if not sent.made and sent.kind in MAKES:
                    self._pending[sent.connection, sent.cid] = sent
                    while len(self._pending) > MAX_PENDING:
                        del self._pending[next(iter(self._pending))]
                keep(self._unread, sent, _MAX_UNREAD)
                self._changed.set()
            case "made":
                waiting = self._pending.pop((value["connection"], value["cid"]), None)
                if waiting is not None:
                    waiting.made.append(value["message_id"])
            case "progress":
                if self._progress is not None:
                    self._progress(value["done"])
            case _:
                answer = self._answers.get(value["id"])
                if answer is None or answer.done():
                    return
                if "error" in value:
                    answer.set_exception(RuntimeError(value["error"]))
                else:
                    answer.set_result(value["result"])


# The child

CALLS: Final = frozenset(
    (
        *("say", "say_dm", "edit", "remove", "delete", "join", "leave", "react", "typing", "click", "select"),
        *("push_raw", "push_text", "push_wire", "prepare_blast", "blast"),
        *("drop", "close", "stall", "resume", "answer_with_error", "silence", "delay", "clear_faults"),
        *("http_status", "http_delay", "http_drop", "refuse_tcp", "announce", "expire_tokens", "restart"),
        *("wait_connected", "wait_disconnected", "wait_joined"),
        *("counts", "world", "add_channel", "add_clan", "add_user"),
    )
)
"""The methods of ``LocalGateway`` and the additional calls that the parent can call."""


def hello(gateway: LocalGateway) -> dict[str, Any]:
    """Return the first line of the child: the addresses of the gateway, and its world."""
    return {
        "host": gateway.host,
        "port": gateway.port,
        "url": gateway.url,
        "ws_url": gateway.ws_url,
        "tcp_url": gateway.tcp_url,
        "tls": gateway.tls,
        "ca_file": gateway.ca_file,
        "bot_id": gateway.bot_id,
        "api_key": gateway.api_key,
        "environment": gateway.environment(),
        "world": _world(gateway),
    }


def _world(gateway: LocalGateway) -> dict[str, Any]:
    world = gateway.world
    return {
        "clans": {clan.name: clan.id for clan in world.clans.values()},
        "channels": {channel.label: channel.id for channel in world.channels.values()},
        "users": {user.username: user.id for user in world.users.values()},
    }


class _Control:
    """Answers the calls of the parent and reports envelopes."""

    def __init__(self, gateway: LocalGateway, write: Callable[[dict[str, Any]], None]) -> None:
        self.gateway = gateway
        self.write = write
        self.blasts: dict[int, Blast] = {}
        self.loop = asyncio.get_running_loop()
        #: Reported sends without a message id, for example after ``gateway.delay``, by connection and cid.
        self.pending: dict[tuple[int, int], None] = {}

    async def answer(self, line: bytes) -> None:
        request: dict[str, Any] = json.loads(line)
        number = request.get("id")
        try:
            result = await self.call(request["call"], request.get("args", []), request.get("kwargs", {}))
        except Exception as error:
            self.write({"id": number, "error": f"{type(error).__name__}: {error}"})
        else:
            self.write({"id": number, "result": result})

    async def call(self, name: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
        if name not in CALLS:
            raise ValueError(f"there is no call {name}")
        gateway = self.gateway
        match name:
            case "counts":
                return {
                    **asdict(gateway.connections),
                    "sent": len(gateway.sent),
                    "requests": len(gateway.requests),
                }
            case "world":
                return _world(gateway)
            case "add_channel" | "add_clan" | "add_user":
                return getattr(gateway.world, name)(*args, **kwargs).id
            case "push_raw" | "push_wire":
                args = [bytes.fromhex(args[0]), *args[1:]]
            case "prepare_blast":
                blast = gateway.prepare_blast(*args, **kwargs)
                # Only one is kept: a burst of a million messages takes 400 MB.
                self.blasts = {(key := max(self.blasts, default=0) + 1): blast}
                return {"blast": key, **_plain(blast)}
            case "blast":
                return _plain(await self.blast(*args, **kwargs))
        result = getattr(gateway, name)(*args, **kwargs)
        if inspect.isawaitable(result):
            result = await result
        return _plain(result)

    async def blast(self, burst: int | dict[str, Any], **kwargs: Any) -> Any:
        prepared = burst if isinstance(burst, int) else self.blasts[burst["blast"]]
        last = 0

        def progress(done: int) -> None:
            nonlocal last
            if done - last >= 1000:
                last = done
                self.write({"event": "progress", "done": done})

        return await self.gateway.blast(prepared, progress=progress, **kwargs)

    def sent(self, sent: Sent) -> None:
        # At the end of this iteration, when the message of the envelope has its id.
        self.loop.call_soon(self.report, sent)

    def made(self, sent: Sent) -> None:
        if (sent.connection, sent.cid) in self.pending:
            del self.pending[sent.connection, sent.cid]
            self.write(
                {
                    "event": "made",
                    "connection": sent.connection,
                    "cid": sent.cid,
                    "message_id": sent.message_id,
                }
            )

    def report(self, sent: Sent) -> None:
        if not sent.made and sent.kind in MAKES:
            self.pending[sent.connection, sent.cid] = None
            while len(self.pending) > MAX_PENDING:
                del self.pending[next(iter(self.pending))]
        field = {sent.kind: sent.message} if sent.kind else {}
        envelope = realtime_pb2.Envelope(cid=sent.cid, **field)
        self.write(
            {
                "event": "sent",
                "envelope": envelope.SerializeToString().hex(),
                "time": sent.time,
                "connection": sent.connection,
                "transport": sent.transport,
                "made": sent.made,
            }
        )


def _plain(value: Any) -> Any:
    if isinstance(value, Blast):
        return {
            "count": value.count,
            "size": value.size,
            "per_channel": value.per_channel,
            "first_message_id": value.first_message_id,
            "last_message_id": value.last_message_id,
        }
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return value.SerializeToString().hex() if isinstance(value, Message) else value


async def serve_control(gateway: LocalGateway) -> None:
    """Answer calls from stdin until it is closed, so that the child does not outlive its parent."""
    loop = asyncio.get_running_loop()

    def write(value: dict[str, Any]) -> None:
        sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
        sys.stdout.flush()

    lines: asyncio.Queue[bytes] = asyncio.Queue()

    def read() -> None:
        # A thread, because event loops cannot read every kind of stdin on every system. os.read, because a daemon
        # thread that holds the lock of sys.stdin aborts the interpreter at exit.
        rest = b""
        with contextlib.suppress(
            RuntimeError, OSError
        ):  # the loop or stdin is closed because the process ends
            while data := os.read(stdin, 1 << 16):
                *whole, rest = (rest + data).split(b"\n")
                for line in filter(None, whole):
                    loop.call_soon_threadsafe(lines.put_nowait, line)
            loop.call_soon_threadsafe(lines.put_nowait, b"")

    stdin = sys.stdin.fileno()
    threading.Thread(target=read, name="mezon-gateway-stdin", daemon=True).start()
    control = _Control(gateway, write)
    gateway.on_sent, gateway.on_made = control.sent, control.made
    calls = BackgroundTasks(get_logger("mezon.testing"))
    try:
        while line := await lines.get():
            # One task for each call: drop() must work while wait_connected() waits.
            calls.spawn(control.answer(line), "a call of the parent process")
    finally:
        gateway.on_sent = gateway.on_made = None
        calls.cancel()
        await calls.wait()
