"""Run the command as a user does: in its own process and folder."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import mezon
from child_process import child_process
from patience import patient
from preloaded import PRELOADED

ROOT = os.path.dirname(os.path.dirname(mezon.__file__))


def environment(**more: str) -> dict[str, str]:
    """Return this environment without settings of bots and without colours."""
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("MEZON_", "PYTEST_")) or name == "MEZON_TEST_PATIENCE"
    }
    return {**clean, "PYTHONPATH": ROOT, "PYTHONUNBUFFERED": "1", "COLUMNS": "200", **more}


def mezon_command(
    *arguments: str, folder: Path, given: str = "", python: str = PRELOADED, **env: str
) -> subprocess.CompletedProcess[str]:
    """Run ``mezon ARGUMENTS`` until it ends."""
    return subprocess.run(
        [python, "-W", "error", "-m", "mezon.cli", *arguments],
        cwd=folder,
        env=environment(**env),
        input=given,
        capture_output=True,
        text=True,
        timeout=patient(50),
    )


class Running:
    """A command that runs until it gets a signal."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.said: list[str] = []

    async def until(self, text: str, timeout: float = 30.0) -> str:
        """Read the output up to a line that contains ``text``; return that line."""
        assert self.process.stdout is not None
        try:
            async with asyncio.timeout(patient(timeout)):
                while raw := await self.process.stdout.readline():
                    self.said.append(raw.decode().rstrip())
                    if text in self.said[-1]:
                        return self.said[-1]
        except TimeoutError:
            pass
        raise AssertionError(f"{text!r} is not in the output:\n" + "\n".join(self.said))

    async def end(self, number: int, timeout: float = 20.0) -> int:
        """Send a signal, read the rest, and return the exit code."""
        self.process.send_signal(number)
        async with asyncio.timeout(patient(timeout)):
            rest, _ = await self.process.communicate()
        self.said += rest.decode().splitlines()
        assert self.process.returncode is not None
        return self.process.returncode


@contextlib.asynccontextmanager
async def running(
    *arguments: str, folder: Path, python: str = PRELOADED, **env: str
) -> AsyncIterator[Running]:
    """Run ``mezon ARGUMENTS`` for the duration of the block, with output and errors in one stream."""
    async with child_process(
        *(python, "-m", "mezon.cli", *arguments),
        cwd=folder,
        env=environment(**env),
        stdin=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    ) as process:
        yield Running(process)


BOT = """
import os
from mezon import MezonClient
client = MezonClient(os.environ["MEZON_BOT_ID"], os.environ["MEZON_API_KEY"], message_db=":memory:")

@client.on_channel_message
async def answer(message):
    if message.sender_id != client.client_id and not message.code:
        channel = await client.channels.fetch(message.channel_id)
        await channel.send("one: " + message.content["t"])
"""
