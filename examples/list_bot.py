"""A wish list in pages: ``!wish a longer weekend``, ``!wishes``. Wishes and pages survive restarts.

Run it with MEZON_BOT_ID and MEZON_API_KEY in the environment.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from mezon import Text
from mezon.ext.commands import Bot, Context
from mezon.ext.state import State

bot = Bot(os.environ["MEZON_BOT_ID"], os.environ["MEZON_API_KEY"])


class Wishes(State, scope="channel"):
    texts: tuple[str, ...] = ()


@bot.command()
async def wish(ctx: Context, *, text: str) -> None:
    """Add a wish."""
    async with ctx.state.edit(Wishes) as wishes:
        wishes.texts += (text,)
    await ctx.reply(f"Wish {len(wishes.texts)} is noted.")


def render(wishes: Sequence[tuple[int, str]]) -> Text:
    text = Text().bold("Wishes").line()
    for number, wish in wishes:
        text.line(f"{number}. {wish}")
    return text


@bot.command()
async def wishes(ctx: Context) -> None:
    """List all wishes; everybody may turn the pages."""
    found = await ctx.state(Wishes)
    await ctx.paginate(list(enumerate(found.texts, 1)), per_page=5, render=render, anybody=True)


if __name__ == "__main__":
    bot.run()
