"""A command in a terminal."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import re
from collections.abc import AsyncIterator
from pathlib import Path

from patience import patient

#: Sequences that move the cursor or change colours.
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """A process whose input and output are a terminal."""

    def __init__(self, process: asyncio.subprocess.Process, number: int) -> None:
        self.process = process
        self._number = number
        self._seen = b""
        self._news = asyncio.Event()

    @property
    def text(self) -> str:
        """Everything that was shown, without escape sequences."""
        return _ESCAPES.sub("", self._seen.decode(errors="replace")).replace("\r", "")

    def read(self) -> None:
        try:
            self._seen += os.read(self._number, 4096)
        except OSError:
            asyncio.get_running_loop().remove_reader(self._number)
        self._news.set()

    async def until(self, text: str, after: str = "") -> None:
        """Wait until a text was shown, after another one."""
        try:
            async with asyncio.timeout(patient(30)):
                while text not in self.text[self.text.find(after) :] or after not in self.text:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"never saw {text!r} in {self._seen!r}") from None

    def type(self, text: str) -> None:
        os.write(self._number, text.encode())

    async def end(self) -> None:
        """Press Ctrl-D and wait for a clean exit."""
        self.type("\x04")
        async with asyncio.timeout(patient(20)):
            assert await self.process.wait() == 0


@contextlib.asynccontextmanager
async def terminal(*command: str, folder: Path, env: dict[str, str]) -> AsyncIterator[Terminal]:
    """Run a command in a terminal, and kill it at the end of the block if it still runs."""
    number, inner = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env={**env, "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"},
        stdin=inner,
        stdout=inner,
        stderr=inner,
        start_new_session=True,
    )
    os.close(inner)
    shown = Terminal(process, number)
    asyncio.get_running_loop().add_reader(number, shown.read)
    try:
        yield shown
    finally:
        asyncio.get_running_loop().remove_reader(number)
        if process.returncode is None:
            process.kill()
            await process.wait()
        os.close(number)
