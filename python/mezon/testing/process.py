"""The local gateway in a process of its own: its CPU time and its garbage are not the bot's."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import sys
from collections.abc import Callable
from typing import Any, Self

from mezon.protobuf.rtapi import realtime_pb2
from mezon.testing.blast import BlastResult
from mezon.testing.records import HOUSEKEEPING, MAKES, MAX_WITHOUT, Sent, keep

__all__ = ["GatewayProcess"]

_MAX_UNREAD = 100_000


class GatewayProcess:
    """``python -m mezon.testing --control`` as a child process::

        async with GatewayProcess() as gateway:
            bot = await asyncio.create_subprocess_exec(sys.executable, "bot.py", env=gateway.environment())
            await gateway.wait_connected()
            await gateway.say("general", "alice", "hi")
            sent = await gateway.next_sent()

    Args:
        options: Arguments for ``python -m mezon.testing``, such as ``"--tls"`` or ``"--script", "world.py"``.
        python: The interpreter; this one by default.

    ``gateway.call(name, ...)`` calls a method of ``LocalGateway`` (see ``mezon.testing.remote.CALLS``)
    with JSON arguments (bytes as hex); the most used ones have methods here. Channels and users go by name.
    The child ends when this object is closed, or when this process is gone.
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
        self._news = asyncio.Event()
        #: Sends whose message has not come yet, by connection and cid.
        self._without: dict[tuple[int, int], Sent] = {}
        self.info: dict[str, Any] = {}
        """What the child said first: host, port, url, ws_url, ca_file, bot_id, environment, world ..."""

    @property
    def host(self) -> str:
        """Where it listens."""
        return str(self.info["host"])

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.info["port"])

    @property
    def url(self) -> str:
        """Base URL of the HTTP side."""
        return str(self.info["url"])

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._running().pid

    def environment(self) -> dict[str, str]:
        """Give this process's environment with the variables that point a bot at the gateway."""
        return {**os.environ, **self.info["environment"]}

    # Life

    async def start(self) -> Self:
        """Start the child and wait until it listens."""
        process = await asyncio.create_subprocess_exec(
            self._python,
            "-m",
            "mezon.testing",
            "--control",
            *self._options,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            # Ctrl-C is for the parent, who ends the child when it is done with it.
            start_new_session=os.name == "posix",
            limit=64 * 1024 * 1024,
        )
        self._process = process
        assert process.stdout is not None
        try:
            async with asyncio.timeout(30):
                line = await process.stdout.readline()
            if not line:
                raise RuntimeError(f"the gateway process ended with code {await process.wait()} at its start")
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
        """Call a method over there. Raises RuntimeError with its error text."""
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
        """Let a user say something; as LocalGateway.say."""
        return int(await self.call("say", channel, user, content, **options))

    async def wait_connected(self, n: int = 1, *, timeout: float = 5.0) -> None:
        """Wait until at least ``n`` WebSockets are open."""
        await self.call("wait_connected", n, timeout=timeout)

    async def wait_joined(self, *, timeout: float = 5.0) -> None:
        """Wait until a bot has joined every clan of the world."""
        await self.call("wait_joined", timeout=timeout)

    async def prepare_blast(self, n: int, **options: Any) -> dict[str, Any]:
        """Build a burst over there; hand the result to ``blast``. The one prepared before is forgotten."""
        prepared: dict[str, Any] = await self.call("prepare_blast", n, **options)
        return prepared

    async def blast(
        self, burst: int | dict[str, Any], *, progress: Callable[[int], None] | None = None, **options: Any
    ) -> BlastResult:
        """Send a burst; as LocalGateway.blast."""
        self._progress = progress
        try:
            return BlastResult(**await self.call("blast", burst, **options))
        finally:
            self._progress = None

    async def next_sent(
        self, kind: str | None = None, *, timeout: float = 5.0, match: Callable[[Sent], bool] | None = None
    ) -> Sent:
        """Wait for the next thing a bot sent that was not taken before; as LocalGateway.next_sent."""
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
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise TimeoutError(f"waited {timeout:g} s for the bot to send {kind or 'something'}") from None

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
            self._news.set()

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
                    self._without[sent.connection, sent.cid] = sent
                    while len(self._without) > MAX_WITHOUT:
                        del self._without[next(iter(self._without))]
                keep(self._unread, sent, _MAX_UNREAD)
                self._news.set()
            case "made":
                waiting = self._without.pop((value["connection"], value["cid"]), None)
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
