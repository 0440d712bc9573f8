"""The bot's process: started, ended, started again when a file changes or somebody asks."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from mezon.testing.bots import Target

__all__ = ["BotProcess", "changes"]

#: Seconds: handlers of the bot have five at its end.
_PATIENCE: Final = 8.0

_WATCHED: Final = (".py", ".toml", ".json", ".yaml", ".yml", ".txt", ".html")
_IGNORED: Final = {"__pycache__", "mezon-cache", "node_modules", "site-packages"}


class BotProcess:
    """One bot, one process at a time.

    Args:
        target: The bot.
        environment: Variables over those of this process.
        on_change: Called with ``started``, ``restarting`` or ``ended`` and a sentence.
        capture: Called with each line of the bot's output; None lets it write to this terminal.
    """

    def __init__(
        self,
        target: Target,
        environment: Mapping[str, str],
        on_change: Callable[[str, str], None],
        capture: Callable[[str], None] | None = None,
    ) -> None:
        self.target = target
        self._environment = environment
        self._on_change = on_change
        self._capture = capture
        self._process: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()
        self.starts: int = 0
        self.exit_code: int | None = None
        self.ended: asyncio.Event = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
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
            # Ctrl-C is for the command, which then ends the bot in order.
            start_new_session=os.name == "posix",
            limit=1 << 20,
        )
        self.starts += 1
        self._on_change("started", f"{target} started (process {self._process.pid})")
        self._watch = asyncio.create_task(self._follow(self._process))

    async def _follow(self, process: asyncio.subprocess.Process) -> None:
        if process.stdout is not None and self._capture is not None:
            with contextlib.suppress(ValueError):  # a line without an end
                async for line in process.stdout:
                    self._capture(line.decode(errors="replace").rstrip("\r\n"))
        code = await process.wait()
        if process is self._process:
            self.exit_code = code
            self.ended.set()
            if code:
                self._on_change(
                    "ended", f"{self.target} ended with code {code}; it starts again when a file changes"
                )
            else:
                self._on_change("ended", f"{self.target} ended")

    async def restart(self, why: str) -> None:
        """End the process and start it again."""
        async with self._lock:
            self._on_change("restarting", why)
            await self._stop()
            await self._start()

    async def stop(self) -> None:
        """Ask with SIGTERM, then insist."""
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
                async with asyncio.timeout(_PATIENCE):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
        if self._watch is not None:
            await self._watch
        self.exit_code = process.returncode
        self.ended.set()


async def changes(folder: Path, env_file: Path | None, changed: Callable[[list[Path]], Any]) -> None:
    """Call ``changed`` with the files of a folder that were saved, for ever; await what it returns."""
    from watchfiles import awatch

    def watched(change: Any, path: str) -> bool:
        file = Path(path)
        if env_file is not None and file == env_file:
            return True
        inside = file.relative_to(folder).parts if file.is_relative_to(folder) else file.parts
        if any(part in _IGNORED or (part.startswith(".") and part != ".env") for part in inside):
            return False
        return file.suffix in _WATCHED or file.name == ".env"

    # Tests of the bot are no part of it.
    def matters(path: str) -> bool:
        name = Path(path).name
        return not name.startswith("test_") and name != "conftest.py"

    async for batch in awatch(folder, watch_filter=watched, step=50, debounce=400, recursive=True):
        files = sorted({Path(path) for _, path in batch if matters(path)})
        if files:
            await changed(files)
