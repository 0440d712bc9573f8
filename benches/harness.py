"""Processes of the benchmark: the server, the bots, and the interpreters they run on."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Final, Literal

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parent
sys.path.append(str(ROOT / "tools"))
from venvs import python_of  # noqa: E402

REFERENCE: Final = "mezon-sdk==1.8.3"
TIMEOUT: Final = 90.0
#: Maximum length of a line; the longest one holds the keys of a thousand bots.
LIMIT: Final = 1 << 20
#: The default path of a bot's message store, relative to its folder.
STORE: Final = Path("mezon-cache") / "mezon-messages-cache.db"

Who = Literal["reference", "ours", "handwritten", "typescript"]


class BenchError(Exception):
    """A bot or the server failed; the message says which and how."""


def interpreters(wanted: set[Who]) -> tuple[dict[Who, str], list[str]]:
    """Return the interpreter of each side, created if it is missing, and notes on omitted sides."""
    found: dict[Who, str] = {"ours": sys.executable}
    notes: list[str] = []
    for who, variable, folder, packages in (
        ("reference", "MEZON_REFERENCE_PYTHON", ".venv-reference", ["--ignore-requires-python", REFERENCE]),
        ("handwritten", "MEZON_HANDWRITTEN_PYTHON", ".venv-handwritten", ["picows", "protobuf>=7.35.1,<8"]),
    ):
        if who not in wanted:
            continue
        if variable in os.environ:
            found[who] = os.environ[variable]  # type: ignore[index]
            continue
        try:
            found[who] = _environment(ROOT / folder, packages)  # type: ignore[index]
        except (subprocess.CalledProcessError, OSError) as error:
            notes.append(f"The {who} side is omitted, because {folder} could not be created: {error}.")
    if "typescript" in wanted:
        node, package = shutil.which("node"), os.environ.get("MEZON_TYPESCRIPT")
        if node and package:
            found["typescript"] = node
        else:
            notes.append(
                "The typescript side is omitted: it needs node, and MEZON_TYPESCRIPT set to a built mezon-sdk 2.8.53."
            )
    return found, notes


def _environment(folder: Path, packages: list[str]) -> str:
    python = python_of(folder)
    stamp = folder / ".complete"
    if not stamp.exists():
        print(f"Creating {folder.name} ...", flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages]
        subprocess.run(install, check=True)
        stamp.touch()
    return str(python)


class Program:
    """A child process that writes JSON lines."""

    def __init__(self, process: asyncio.subprocess.Process, name: str, mark: str, folder: Path) -> None:
        self.process, self.name, self._mark = process, name, mark
        #: Its working directory.
        self.folder = folder

    async def line(self, timeout: float = TIMEOUT) -> dict[str, Any]:
        """Wait for the next line of the benchmark's protocol."""
        assert self.process.stdout is not None
        try:
            async with asyncio.timeout(timeout):
                while raw := await self.process.stdout.readline():
                    text = raw.decode(errors="replace")
                    # A bot may print other output; lines for the benchmark are marked.
                    if text.startswith(self._mark):
                        value: dict[str, Any] = json.loads(text[len(self._mark) :])
                        return value
        except TimeoutError:
            raise BenchError(f"{self.name} was silent for {timeout:g} s") from None
        raise BenchError(f"{self.name} ended with code {await self.process.wait()}")

    @property
    def store(self) -> Path:
        """The default path of its message store."""
        return self.folder / STORE

    async def stored(self, rows: int, bound: int | None = None, timeout: float = 60.0) -> float:
        """Wait until this bot's message store on disk has `rows` rows; return the monotonic time.

        With a bound the oldest rows are pruned: wait for the last row and for at least `bound` rows.
        """
        path = self.store
        end = time.monotonic() + timeout
        found = 0
        while time.monotonic() < end:
            with (
                contextlib.suppress(sqlite3.OperationalError),
                contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as store,
            ):
                # Only the oldest rows are deleted, so the highest row id is enough until the end.
                while time.monotonic() < end:
                    (highest,) = store.execute("SELECT max(rowid) FROM messages").fetchone()
                    now = time.monotonic()
                    if highest is not None and highest >= rows:
                        (found,) = store.execute("SELECT count(*) FROM messages").fetchone()
                        if found >= (rows if bound is None else min(rows, bound)):
                            return now
                    await asyncio.sleep(0.005)
            await asyncio.sleep(0.005)
        raise BenchError(f"{self.name} has {found} of {rows} messages in its store")

    async def end(self) -> None:
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()


@contextlib.asynccontextmanager
async def program(
    *command: str, name: str, mark: str = "", cwd: str | Path, env: dict[str, str]
) -> AsyncIterator[Program]:
    """Run a child process for the duration of the block. Its standard error is shown if it fails."""
    with tempfile.TemporaryFile() as errors:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=cwd,
            env=env,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            limit=LIMIT,
        )
        child = Program(process, name, mark, Path(cwd))
        try:
            yield child
        except BenchError as error:
            errors.seek(0)
            text = errors.read().decode(errors="replace")[-2000:]
            raise BenchError(f"{error}\n{text}".rstrip()) from None
        finally:
            await child.end()


class Server:
    """The server process."""

    def __init__(self, child: Program, hello: dict[str, Any]) -> None:
        self._child = child
        self.environment: dict[str, str] = hello["environment"]
        self.channel: int = hello["channel"]
        #: Id and key of each additional bot.
        self.bots: list[tuple[int, str]] = hello["bots"]

    async def order(self, do: str, *, timeout: float = TIMEOUT, **details: Any) -> dict[str, Any]:
        """Send a command and wait until it is carried out."""
        stdin = self._child.process.stdin
        assert stdin is not None
        stdin.write(json.dumps({"do": do, **details}).encode() + b"\n")
        await stdin.drain()
        answer = await self._child.line(timeout)
        if answer is not None and answer.get("complete") is False:
            raise BenchError("the bot lost its connection during the burst")
        return answer or {}


@contextlib.asynccontextmanager
async def server(clans: int = 1, **world: int) -> AsyncIterator[Server]:
    """Start a server on this interpreter, with the given numbers of ``clans``, ``channels``, ``users`` and ``bots``."""
    sizes = [text for name, count in (("clans", clans), *world.items()) for text in (f"--{name}", str(count))]
    command = (sys.executable, str(HERE / "server.py"), *sizes)
    async with program(*command, name="the server", cwd=ROOT, env=dict(os.environ)) as child:
        yield Server(child, await child.line())


Conduct = Callable[[Program], Awaitable[dict[str, Any]]]


async def run_bot(
    python: str,
    script: str,
    where: Server | None,
    options: dict[str, Any],
    conduct: Conduct,
    home: Path | None = None,
) -> dict[str, Any]:
    """Run a bot in an empty folder (or in ``home``) and call ``conduct`` with it."""
    env = {**os.environ, "MEZON_PACKAGE": str(ROOT / "python" / "mezon"), "PYTHONDONTWRITEBYTECODE": ""}
    if where is not None:
        env |= where.environment
    if python != sys.executable:
        # PYTHONPATH may make this package importable in the other interpreters.
        env.pop("PYTHONPATH", None)
    name = script if "." in script else f"{script}.py"
    command = (python, str(HERE / "bots" / name), json.dumps(options))
    with tempfile.TemporaryDirectory(prefix="mezon-bench-") as empty:
        folder = home or empty
        async with program(*command, name=f"{name} on {python}", mark="@", cwd=folder, env=env) as child:
            return await conduct(child)
