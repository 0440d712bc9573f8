"""Mistakes of a bot that do not fail its test: ``running_bot`` warns about them at the end of the block."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from mezon.managers.cache import CacheManager
from mezon.testing import LocalGateway, running_bot
from mezon.utils.user_code import is_run_by_user

HEAD = """
import os
import time
from mezon import MezonClient
from mezon.ext.commands import Bot

ID, KEY = os.environ["MEZON_BOT_ID"], os.environ["MEZON_API_KEY"]
"""
PARROT = """
client = MezonClient(ID, KEY)

@client.on_channel_message
async def parrot(message):
    await message.reply("again")
"""
STEPS = """
bot = Bot(ID, KEY)

@bot.command()
async def work(ctx):
    begun = await ctx.reply("I begin")
    for step in range(8):
        await begun.reply(f"step {step}")
"""
SLOW = """
client = MezonClient(ID, KEY, blocked_loop_warning=0.3)

@client.on_channel_message(ignore_self=True)
async def slow(message):
    time.sleep(2)
    await message.reply("done")
"""
OWN_ANSWERS = "^The bot answers itself: it replied to its own messages 5 times in .*ignore_self=True"


@pytest.fixture(autouse=True)
def patient_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count answers of a busy machine, too."""
    monkeypatch.setattr("mezon.managers.socket._LOOP_SECONDS", 1e6)


def written(folder: Path, bot: str) -> str:
    path = folder / "bot.py"
    path.write_text(HEAD + bot)
    return str(path)


async def test_a_bot_that_answers_itself(gateway: LocalGateway, tmp_path: Path) -> None:
    """The test ends with the first answer, which is one to a user."""
    with pytest.warns(UserWarning, match=OWN_ANSWERS) as caught:
        async with running_bot(written(tmp_path, PARROT), gateway):
            assert (await gateway.command("alice", "hello")).text == "again"
    (warning,) = caught
    assert warning.filename == __file__


async def fail_late(gateway: LocalGateway, bot: str) -> None:
    async with running_bot(bot, gateway):
        await gateway.say("general", "alice", "hello")
        await gateway.wait_until(lambda: len(gateway.world.messages("general")) > 10)
        raise AssertionError("of the test")


async def test_the_warning_does_not_replace_the_failure_of_a_test(
    gateway: LocalGateway, tmp_path: Path
) -> None:
    with pytest.warns(UserWarning, match=OWN_ANSWERS), pytest.raises(AssertionError, match="of the test"):
        await fail_late(gateway, written(tmp_path, PARROT))


async def test_several_replies_to_one_own_message_are_no_mistake(
    gateway: LocalGateway, tmp_path: Path
) -> None:
    """Warnings are errors here."""
    async with running_bot(written(tmp_path, STEPS), gateway):
        assert (await gateway.command("alice", "!work")).text == "I begin"
        await gateway.expect("step 7")


async def test_a_bot_that_blocks_the_event_loop(gateway: LocalGateway, tmp_path: Path) -> None:
    where = r"^The event loop has been blocked for 0\.3 s by .*bot\.py:13 in slow: "
    with pytest.warns(UserWarning, match=where) as caught:
        async with running_bot(written(tmp_path, SLOW), gateway):
            assert (await gateway.command("alice", "hello")).text == "done"
    (warning,) = caught
    assert str(warning.message).endswith("in slow\n    time.sleep(2)")


def test_code_that_blocks_is_that_of_the_bot_or_of_the_package() -> None:
    """On a busy machine, code of the package can take as long as a mistake of the bot."""
    assert is_run_by_user(sys._getframe())
    fetching = CacheManager[int, int](lambda id: None).fetch(1)  # type: ignore[arg-type,return-value]
    assert not is_run_by_user(fetching.cr_frame)
    fetching.close()
    assert not is_run_by_user(None)
