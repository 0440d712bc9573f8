"""Streamed AI answers: the bot answers ``!ask ...`` with a message that it extends while the model writes.

Run it with MEZON_BOT_ID and MEZON_API_KEY in the environment, and replace ``model`` with your language model.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

from mezon.ext.commands import Bot, Context, cooldown

bot = Bot(os.environ["MEZON_BOT_ID"], os.environ["MEZON_API_KEY"])
talks: dict[int, list[str]] = {}


async def model(talk: list[str]) -> AsyncIterator[str]:
    """Replace this with a language model; any async iterator of strings works."""
    answer = f"You have asked {len(talk)} things. To the last one, {talk[-1]!r}, I can only say: it depends."
    for word in answer.split(" "):
        await asyncio.sleep(0.02)
        if word == "'boom',":
            raise RuntimeError("the model is out of memory")
        yield f"{word} "


@bot.command(aliases=["ai"])
@cooldown(3, per=60)
async def ask(ctx: Context, *, question: str) -> None:
    """Ask the AI. It remembers the last ten questions of the channel."""
    talk = talks.setdefault(ctx.channel.id, [])
    talk.append(question)
    del talk[:-10]
    async with ctx.typing():
        await ctx.stream_reply(model(talk), interval=0.5)


@bot.command()
async def forget(ctx: Context) -> None:
    """Start over."""
    talks.pop(ctx.channel.id, None)
    await ctx.reply("Forgotten.")


if __name__ == "__main__":
    bot.run()
