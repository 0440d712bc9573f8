"""Commands: typed arguments, a group, a cooldown, and generated help.

Run it with MEZON_BOT_ID and MEZON_API_KEY in the environment and send ``!help``.
"""

from __future__ import annotations

import os
import random
from typing import Annotated

from mezon import Text, User
from mezon.ext.commands import Bot, Context, cooldown
from pydantic import Field

bot = Bot(os.environ["MEZON_BOT_ID"], os.environ["MEZON_API_KEY"], prefix="!")
notes: dict[int, list[str]] = {}


@bot.command(aliases=["dice"])
@cooldown(5, per=10)
async def roll(ctx: Context, sides: Annotated[int, Field(ge=2, le=100)] = 6, times: int = 1) -> None:
    """Roll dice."""
    thrown = [random.randint(1, sides) for _ in range(min(times, 20))]
    await ctx.reply(f"{' + '.join(map(str, thrown))} = {sum(thrown)}")


@bot.command()
async def choose(ctx: Context, *choices: str) -> None:
    """Choose one of several: ``!choose tea "iced coffee"``."""
    await ctx.reply(random.choice(choices) if choices else "Between what?")


@bot.command()
async def hug(ctx: Context, friend: User, *, why: str = "just because") -> None:
    """Hug somebody."""
    await ctx.send(Text().mention(ctx.author).add(" hugs ").mention(friend).bold(f" {why}"))


@bot.group()
async def note(ctx: Context) -> None:
    """Your notes."""
    await ctx.reply("\n".join(notes.get(ctx.user_id, [])) or "You have no notes.")


@note.command()
async def add(ctx: Context, *, text: str) -> None:
    """Write one down."""
    notes.setdefault(ctx.user_id, []).append(text)
    await ctx.reply(f"That makes {len(notes[ctx.user_id])}.")


if __name__ == "__main__":
    bot.run()
