"""The state of a bot at a local gateway: it belongs to the gateway and leaves nothing behind."""

from __future__ import annotations

from pathlib import Path

import pytest
from mezon.ext.commands import Bot
from mezon.ext.state import State
from mezon.testing import LocalGateway, running_bot

SCORES = """
import os
from mezon.ext.commands import Bot, Context
from mezon.ext.state import State

class Score(State):
    points: int = 0

bot = Bot(os.environ["MEZON_BOT_ID"], os.environ["MEZON_API_KEY"]{state})

@bot.command()
async def win(ctx: Context) -> None:
    async with ctx.state.edit(Score) as score:
        score.points += 1
    await ctx.reply(f"{score.points} points")

@bot.job
async def remind(bot: Bot, channel_id: int) -> None:
    channel = await bot.channels.fetch(channel_id)
    await channel.send("time is up")

@bot.command("remind")
async def add(ctx: Context) -> None:
    await bot.later(remind, hours=1, channel_id=ctx.channel.id)
    await ctx.reply("yes")
"""


class Score(State):
    points: int = 0


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the bot, which is the current one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scores.py").write_text(SCORES.replace("{state}", ""))
    return tmp_path


async def win(gateway: LocalGateway) -> str:
    return (await gateway.command("alice", "!win")).text


async def test_two_gateways_never_share_state(folder: Path) -> None:
    """Each test has its own gateway: what one stores, the next one does not find."""
    for _ in range(2):
        async with LocalGateway() as gateway, running_bot("scores.py", gateway) as bot:
            assert await win(gateway) == "1 points"
            assert isinstance(bot, Bot)
            assert await bot.jobs.all() == []
            await gateway.command("alice", "!remind")
            assert len(await bot.jobs.all()) == 1
    assert not (folder / "mezon-cache").exists()


async def test_two_gateways_at_a_time_do_not_either() -> None:
    async with LocalGateway() as first, LocalGateway() as second, running_bot("scores.py", first):
        assert await win(first) == "1 points"
        async with running_bot("scores.py", second):
            assert await win(second) == "1 points"
        assert await win(first) == "2 points"


async def test_a_bot_that_is_started_again_at_one_gateway_finds_its_state(gateway: LocalGateway) -> None:
    async with running_bot("scores.py", gateway):
        assert await win(gateway) == "1 points"
    await gateway.restart()
    async with running_bot("scores.py", gateway):
        assert await win(gateway) == "2 points"


async def test_a_client_of_the_options_of_a_gateway(folder: Path) -> None:
    async with LocalGateway() as gateway:
        bot = Bot(**gateway.client_options())
        async with bot.records.at(clan_id=1, user_id=2).edit(Score) as score:
            score.points = 1
        assert bot.records.address == str(gateway.state_file)
        # Only processes that are known to share a backend pay for it.
        assert not bot.records.is_shared
        file = gateway.state_file
        assert file.is_file()
        await bot.disconnect()
    assert not file.parent.exists()
    assert not (folder / "mezon-cache").exists()
    # A bot at this address is not the gateway's any more.
    assert bot.records.address == str(folder / "mezon-cache" / "mezon-state.db")


async def test_the_bot_chooses_its_backend(folder: Path) -> None:
    (folder / "scores.py").write_text(SCORES.replace("{state}", ', state="data/scores.db"'))
    for points in (1, 2):
        async with LocalGateway() as gateway, running_bot("scores.py", gateway):
            assert await win(gateway) == f"{points} points"
    assert (folder / "data" / "scores.db").is_file()
