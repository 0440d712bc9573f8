"""One round: a gateway, a bot on one of the packages, and what they tell."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mezon.testing.process import GatewayProcess

__all__ = ["BenchError", "Round", "play"]

_SCRIPT: Final = Path(__file__).with_name("bot_script.py")
_WARM: Final = 500
_PATIENCE: Final = 120.0


class BenchError(Exception):
    """A bot did not do its part; the text says which part."""


@dataclass(frozen=True, slots=True)
class Round:
    """``python`` None is this one, with this package."""

    python: str | None
    messages: int
    sends: int


class _Bot:
    def __init__(self, process: asyncio.subprocess.Process, who: str) -> None:
        self._process, self._who = process, who

    async def told(self, fact: str) -> dict[str, Any]:
        """Wait for the next thing it tells, which has to have this fact."""
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(_PATIENCE):
                while line := await self._process.stdout.readline():
                    if line.startswith(b"@"):
                        value: dict[str, Any] = json.loads(line[1:])
                        if fact in value:
                            return value
        except TimeoutError:
            raise BenchError(f"the bot on {self._who} told no {fact} within {_PATIENCE:g} s") from None
        raise BenchError(
            f"the bot on {self._who} ended before it told its {fact}; run its script to see why: {_SCRIPT}"
        )


async def play(round_: Round) -> dict[str, float]:
    """Run it and return the figures of ``mezon.cli.bench.FIGURES``. Raises BenchError."""
    async with GatewayProcess() as gateway:
        info = gateway.info
        options = {
            "client": {
                "client_id": info["bot_id"],
                "api_key": info["api_key"],
                "host": info["host"],
                "port": str(info["port"]),
                "use_ssl": False,
                "mmn_api_url": info["environment"]["MEZON_MMN_API_URL"],
                "zk_api_url": info["environment"]["MEZON_ZK_API_URL"],
            },
            "channel": next(iter(info["world"]["channels"].values())),
            "warm": _WARM,
            "messages": round_.messages,
            "sends": round_.sends,
        }
        env = {name: value for name, value in os.environ.items() if not name.startswith("MEZON_")}
        if round_.python is not None:
            # What makes this package importable must not reach the other one.
            env.pop("PYTHONPATH", None)
        with tempfile.TemporaryDirectory(prefix="mezon-bench-") as folder:
            process = await asyncio.create_subprocess_exec(
                *(round_.python or sys.executable, str(_SCRIPT), json.dumps(options)),
                cwd=folder,
                env=env,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                limit=1 << 20,
            )
            try:
                return await _conduct(gateway, _Bot(process, round_.python or "mezon-rs"), round_)
            finally:
                if process.returncode is None:
                    process.kill()
                await process.communicate()


async def _conduct(gateway: GatewayProcess, bot: _Bot, round_: Round) -> dict[str, float]:
    start = await bot.told("login")
    await gateway.wait_joined(timeout=30)
    # The first message of a channel makes mezon-sdk ask the server, once a second at most.
    await gateway.say("general", "alice", "hello")
    await asyncio.sleep(1.5)
    await gateway.blast(_WARM - 1, channels=1)
    await bot.told("warm")
    prepared = await gateway.prepare_blast(round_.messages, channels=1)
    before = asyncio.get_running_loop().time()
    await gateway.blast(prepared)
    end = await bot.told("done")
    sends = (await bot.told("sends"))["sends"]
    seconds = end["done"] - before
    return {
        "rate": round_.messages / seconds,
        "cpu": end["cpu"] / round_.messages * 1e6,
        "send_p50": sends[len(sends) // 2] * 1e6,
        "login": start["login"] * 1e3,
        "import": start["imported"] * 1e3,
        "rss": start["rss"],
    }
