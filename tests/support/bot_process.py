"""Bots in processes of their own, for what one process cannot show: exit codes, signals, forks, imports."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import textwrap
from collections.abc import AsyncIterator
from typing import Any

import mezon
from child_process import child_process
from mezon.testing import LocalGateway
from patience import patient
from preloaded import PRELOADED

STORE = importlib.util.find_spec("mezon.messages") is not None


def quiet_options(gateway: LocalGateway) -> dict[str, Any]:
    """What points a client at the gateway, without files left behind."""
    options = gateway.client_options()
    if not STORE:
        options["message_db"] = False
    return options


#: A bot's first lines, with the store in memory.
HEAD = f"""
import asyncio, os, sys, time
from mezon import MezonClient
client = MezonClient(
    os.environ["MEZON_BOT_ID"], os.environ["MEZON_API_KEY"],
    message_db={":memory:" if STORE else False!r}, http_rate_period=0.0,
    blocked_loop_warning=0,  # a busy machine is not what these tests are about
)
"""


class Bot:
    """A child process that runs a piece of Python."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def line(self) -> str:
        """The next line it prints."""
        assert self.process.stdout is not None
        raw = await asyncio.wait_for(self.process.stdout.readline(), patient(20))
        if not raw:
            assert self.process.stderr is not None
            raise AssertionError(f"the bot ended: {(await self.process.stderr.read()).decode()}")
        return raw.decode().rstrip("\n")

    async def end(self, timeout: float = 20.0) -> tuple[int, str, str]:
        """Wait until it exits by itself: code, the rest of its output, its errors."""
        out, err = await asyncio.wait_for(self.process.communicate(), patient(timeout))
        assert self.process.returncode is not None
        return self.process.returncode, out.decode(), err.decode()


@contextlib.asynccontextmanager
async def bot(
    source: str, gateway: LocalGateway | None = None, *, python: str = PRELOADED, **env: str
) -> AsyncIterator[Bot]:
    """Run Python source; warnings are errors in it too. It never outlives the block.

    Args:
        source: The program.
        gateway: The gateway in its environment.
        python: The interpreter; `sys.executable` for a program that imports nothing but what it says.
        env: Further variables of its environment.
    """
    root = os.path.dirname(os.path.dirname(mezon.__file__))
    environment = {**os.environ, "PYTHONPATH": root, "PYTHONUNBUFFERED": "1", **env}
    if gateway is not None:
        environment |= gateway.environment()
    async with child_process(
        *(python, "-W", "error", "-c", textwrap.dedent(source)),
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    ) as process:
        yield Bot(process)
