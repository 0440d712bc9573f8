"""Load a bot of `examples/` from its file, with its settings in the environment."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mezon import MezonClient
from mezon.testing import LocalGateway
from mezon.testing.bots import pointed_at

EXAMPLES = Path(__file__).parents[2] / "examples"
SENT = "channel_message_send"
SECRET = "ephemeral_message_send"
EDIT = "UpdateChannelMessage"

Load = Callable[..., Any]


def loader(gateway: LocalGateway, monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[Load]:
    """Return a function that imports an example with the gateway and further variables in the environment."""
    monkeypatch.chdir(folder)
    for name, value in gateway.environment().items():
        monkeypatch.setenv(name, value)
    loaded: list[str] = []

    def load(name: str, **environment: object) -> Any:
        for variable, value in environment.items():
            monkeypatch.setenv(variable, str(value))
        spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        loaded.append(spec.name)
        # The spacing of HTTP calls is for the public server, and took more time here than everything else.
        with pointed_at({"http_rate_period": 0.0}):
            spec.loader.exec_module(module)
        return module

    yield load
    for name in loaded:
        del sys.modules[name]


@asynccontextmanager
async def running(client: MezonClient) -> AsyncIterator[MezonClient]:
    """Log the bot in."""
    await client.login()
    try:
        yield client
    finally:
        await client.disconnect()


async def ask(gateway: LocalGateway, text: str, user: str = "alice", **options: Any) -> str:
    """Return the bot's answer to a text."""
    await gateway.say("general", user, text, **options)
    return str((await gateway.next_sent(SENT)).text)


def sent_id(gateway: LocalGateway, channel: int | str = "general") -> int:
    """Return the id of the bot's last message."""
    mine = [m for m in gateway.world.messages(channel) if m.sender_id == gateway.bot_id]
    return int(mine[-1].message_id)


def buttons_of(content: Any) -> dict[str, str]:
    """Return the ids of a message's buttons by label."""
    return {
        one["component"]["label"]: one["id"] for row in content["components"] for one in row["components"]
    }
