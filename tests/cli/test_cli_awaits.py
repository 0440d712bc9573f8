"""A forgotten ``await``: a sentence with the bot's own line, for calls of this package as for others."""

from __future__ import annotations

import gc
import warnings
from pathlib import Path

import pytest
from cli_kit import mezon_command
from mezon.testing import LocalGateway, running_bot

BOT = """
import os
from mezon.ext.commands import Bot, Context
from mezon.ext.state import State

bot = Bot(os.environ["MEZON_BOT_ID"], os.environ["MEZON_API_KEY"])

@bot.command()
async def one(ctx: Context) -> None:
    channel = bot.channels.fetch(ctx.channel.id)
    await channel.send("x")

@bot.command()
async def two(ctx: Context) -> None:
    answer = ctx.ask("how many?", int)
    await ctx.reply(f"{answer + 1}")

@bot.command()
async def three(ctx: Context) -> None:
    ctx.reply("hello")

@bot.command()
async def four(ctx: Context) -> None:
    print(bot.users.fetch(ctx.user_id).username)

@bot.command()
async def five(ctx: Context) -> None:
    channel = bot.channels.fetch(ctx.channel.id)
    print(channel["name"])

class Score(State):
    points: int = 0

@bot.command()
async def six(ctx: Context) -> None:
    score = ctx.state(Score)
    await ctx.reply(str(score.points))

@bot.command()
async def seven(ctx: Context) -> None:
    name = ctx.ask("name?")
    await ctx.reply("hello " + name)

@bot.command()
async def eight(ctx: Context) -> None:
    await ctx.reply(f"hello {ctx.ask('name?')}")
"""

HINTS = {
    "!one": "(bot.py:11 in one); an await is missing: write channel = await ...fetch(...)",
    "!two": "(bot.py:16 in two); an await is missing: write answer = await ...ask(...)",
    "!four": "(bot.py:24 in four); an await is missing: write (await ...fetch(...)).username",
    "!five": "(bot.py:29 in five); an await is missing: write channel = await ...fetch(...)",
    "!six": "(bot.py:37 in six); an await is missing: write score = await ...(...)",
    "!seven": "(bot.py:42 in seven); an await is missing: write name = await ...ask(...)",
}


def test_the_chat_names_the_line_of_the_bot(tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text(BOT)
    done = mezon_command("chat", folder=tmp_path, given="\n".join([*HINTS, "!three"]) + "\n")
    for text, hint in HINTS.items():
        assert any(f"Command {text} failed: " in line and hint in line for line in done.stderr.splitlines())
    for place in (
        "bot.py:10: an await is missing: one calls fetch(...)",
        "bot.py:15: an await is missing: two calls",
        "bot.py:36: an await is missing: six makes a call without await",
    ):
        assert place in done.stderr
    assert (
        "bot.py:20: an await is missing: three calls reply(...) without await, so nothing of it is done (coroutine "
        "'Context.reply' was never awaited)\n"
    ) in done.stderr
    # Python's own form, which points into the package, and its stumble over an import at this moment.
    assert "_handlers.py" not in done.stderr
    assert "tracemalloc" not in done.stderr


async def test_a_text_with_a_coroutine(
    gateway: LocalGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bot.py").write_text(BOT)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        async with running_bot("bot.py", gateway):
            for _ in range(2):
                assert "coroutine object" in (await gateway.command("alice", "!eight")).text
            # A text that only looks alike.
            await gateway.command("alice", "!help <coroutine object ")
        gc.collect()
    (said,) = [one for one in caught if "eight sends" in str(one.message)]
    assert (
        str(said.message) == "eight sends a text with <coroutine object Interaction.ask>: an await is missing"
    )
    assert (Path(said.filename).name, said.lineno) == ("bot.py", 46)


async def test_the_warning_in_a_test_has_the_line(
    gateway: LocalGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bot.py").write_text(BOT)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        async with running_bot("bot.py", gateway):
            with pytest.raises(AssertionError, match="handled by three"):
                await gateway.command("alice", "!three", timeout=0.5)
        gc.collect()
    (said,) = [str(one.message) for one in caught if "never awaited" in str(one.message)]
    assert 'bot.py", line 20, in three' in said
