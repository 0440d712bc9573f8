"""The bots of examples/ that keep state: each is killed in the middle and started again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from bot_process import Bot, bot
from example_kit import EDIT, EXAMPLES, SENT, ask, buttons_of
from mezon.testing import LocalGateway

NAMES = ["reminder_bot", "list_bot", "order_bot"]


@pytest.mark.parametrize("name", NAMES)
def test_example_with_state_is_short(name: str) -> None:
    assert len((EXAMPLES / f"{name}.py").read_text(encoding="utf-8").splitlines()) < 60


@asynccontextmanager
async def example(name: str, gateway: LocalGateway, folder: Path, before: str = "") -> AsyncIterator[Bot]:
    """Run an example in a process of its own, in a folder; the process is killed at the end of the block."""
    source = f"""
import os, runpy, time
from mezon.ext.commands import Bot
os.chdir({str(folder)!r})
{before}
login = Bot.login

async def login_and_print(self, *args, **kwargs):
    await login(self, *args, **kwargs)
    print("ready", flush=True)

Bot.login = login_and_print
runpy.run_path({str(EXAMPLES / f"{name}.py")!r}, run_name="__main__")
"""
    async with bot(source, gateway) as process:
        assert await process.line() == "ready"
        yield process
        process.process.kill()
        await process.process.wait()
    await gateway.wait_disconnected()


async def test_reminders_survive_a_kill(gateway: LocalGateway, tmp_path: Path) -> None:
    async with example("reminder_bot", gateway, tmp_path):
        assert (await ask(gateway, "!remind 60 tea")).startswith("I will remind you at")
        await gateway.say("general", "alice", "!remind 60 nothing")
        sent = await gateway.next_sent(SENT)
        for user in ("bob", "alice"):
            await gateway.click(sent, buttons_of(sent.content)["Cancel"], user=user)
        assert (await gateway.next_sent(EDIT)).text == "Cancelled."
    async with example("reminder_bot", gateway, tmp_path):
        assert (await ask(gateway, "!reminders")).endswith(" tea")
        assert await ask(gateway, "!reminders", user="bob") == "Nothing."
    ahead = "from mezon.ext import jobs; jobs.now = lambda: time.time() + 7200"
    async with example("reminder_bot", gateway, tmp_path, ahead):
        sent = await gateway.next_sent(SENT)
        assert sent.text.endswith(" tea")
        assert [one.user_id for one in sent.message.mentions] == [gateway.world.user("alice").id]
        assert await ask(gateway, "!reminders") == "Nothing."


async def test_pages_survive_a_kill(gateway: LocalGateway, tmp_path: Path) -> None:
    async with example("list_bot", gateway, tmp_path):
        for number in range(1, 8):
            assert await ask(gateway, f"!wish {number} free days") == f"Wish {number} is noted."
        await gateway.say("general", "alice", "!wishes")
        sent = await gateway.next_sent(SENT)
        assert sent.text.splitlines()[-1] == "5. 5 free days"
    async with example("list_bot", gateway, tmp_path):
        await gateway.click(sent, buttons_of(sent.content)["▶"], user="bob")
        assert (await gateway.next_sent(EDIT)).text == "Wishes\n6. 6 free days\n7. 7 free days\n"


async def test_an_order_survives_a_kill(gateway: LocalGateway, tmp_path: Path) -> None:
    async with example("order_bot", gateway, tmp_path):
        assert await ask(gateway, "!order") == "Which dish: pho, bun or com?"
        assert "cannot be 'pizza'" in await ask(gateway, "pizza")
        assert await ask(gateway, "pho") == "How many pho?"
    async with example("order_bot", gateway, tmp_path):
        assert await ask(gateway, "!help", user="bob") != ""
        assert await ask(gateway, "3") == "3 x pho: yes or no?"
        assert await ask(gateway, "no") == "Which dish: pho, bun or com?"
        assert await ask(gateway, "quay lại") == "3 x pho: yes or no?"
        assert await ask(gateway, "yes") == "Ordered: 3 x pho."
