"""The order at the start: ``setup_hook``, then ready, then events in their order."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from mezon import MezonClient
from mezon.testing import LocalGateway
from patience import patient


class Bot(MezonClient):
    """Records the order of calls."""

    def __init__(self, gateway: LocalGateway, **options: Any) -> None:
        super().__init__(**{**gateway.client_options(), **options})
        self.gateway_of_test = gateway
        self.seen: list[str] = []
        self.done = asyncio.Event()
        self.on_ready(self.hear_ready)
        self.on_channel_message(self.hear_message)

    async def setup_hook(self) -> None:
        gateway = self.gateway_of_test
        self.seen.append(f"setup {self.state}")
        for number in range(3):
            await gateway.say("general", "alice", str(number))
        channel = await self.channels.fetch(gateway.world.channel("general").id)
        await channel.send("calls work")
        await asyncio.sleep(0.05)  # the events could arrive now
        self.seen.append("set up")

    async def hear_ready(self) -> None:
        self.seen.append("ready")

    async def hear_message(self, message: Any) -> None:
        self.seen.append(message.content["t"])
        if message.content["t"] == "late":
            self.done.set()


@pytest.mark.parametrize("options", [{}, {"max_concurrent_handlers": 1}, {"fill_gaps": True}])
async def test_events_during_the_hook_wait_in_order(gateway: LocalGateway, options: dict[str, Any]) -> None:
    bot = Bot(gateway, **options)
    await bot.login()
    await gateway.say("general", "alice", "late")
    await asyncio.wait_for(bot.done.wait(), patient(5))
    assert bot.seen == ["setup ready", "set up", "ready", "0", "1", "2", "calls work", "late"]
    assert bot.channels.get(gateway.world.channel("general").id) is not None
    bot.seen.clear()
    bot.done.clear()
    await bot.disconnect()
    await bot.login()  # each login calls the hook
    await gateway.say("general", "alice", "late")
    await asyncio.wait_for(bot.done.wait(), patient(5))
    assert bot.seen[:4] == ["setup ready", "set up", "ready", "0"]
    await bot.disconnect()


async def test_a_setup_that_fails_fails_the_login(gateway: LocalGateway) -> None:
    class Broken(MezonClient):
        tries = 0

        async def setup_hook(self) -> None:
            self.tries += 1
            if self.tries == 1:
                raise RuntimeError("no database")

    client = Broken(**gateway.client_options())
    with pytest.raises(RuntimeError, match="no database"):
        await client.login()
    assert client.state == "closed"
    await client.login()
    heard = asyncio.ensure_future(client.wait_for("channel_message", timeout=5))
    await asyncio.sleep(0)
    await gateway.say("general", "alice", "hi")
    assert (await heard).content == {"t": "hi"}
    await client.disconnect()


async def test_managers_created_by_hand_receive_at_once(gateway: LocalGateway) -> None:
    """Some bots of the reference perform the steps of a login themselves."""
    client = MezonClient(**gateway.client_options())
    await client.initialize_managers(await client.get_session())
    heard = asyncio.ensure_future(client.wait_for("channel_message", timeout=5))
    await asyncio.sleep(0)
    await gateway.say("general", "alice", "hi")
    assert (await heard).content == {"t": "hi"}
    await client.disconnect()
