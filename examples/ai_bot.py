"""Streamed AI answers: the bot answers ``!ask ...`` with a message that it extends while the model writes.

Its memory and the daily limit survive restarts. Run it with MEZON_BOT_ID and MEZON_API_KEY in the environment, and
replace ``model`` with your language model.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence

from mezon.ext.commands import Bot, Context, cooldown
from mezon.ext.state import State

bot = Bot(os.environ["MEZON_BOT_ID"], os.environ["MEZON_API_KEY"])
DAILY_LIMIT = int(os.environ.get("MEZON_DAILY_LIMIT", "20"))


class Talk(State, scope="channel"):
    questions: tuple[str, ...] = ()


async def model(talk: Sequence[str]) -> AsyncIterator[str]:
    """Replace this with a language model; any async iterator of strings works."""
    answer = f"You have asked {len(talk)} things. To the last one, {talk[-1]!r}, I can only say: it depends."
    for word in answer.split(" "):
        await asyncio.sleep(0.02)
        if word == "'boom',":
            raise RuntimeError("the model is out of memory")
        yield f"{word} "


@bot.command(aliases=["ai"])
@cooldown(DAILY_LIMIT, per=24 * 60 * 60, shared=True)
async def ask(ctx: Context, *, question: str) -> None:
    """Ask the AI. It remembers the last ten questions of the channel."""
    async with ctx.state.edit(Talk) as talk:
        talk.questions = (*talk.questions, question)[-10:]
    async with ctx.typing():
        await ctx.stream_reply(model(talk.questions), interval=0.5)


@bot.command()
async def forget(ctx: Context) -> None:
    """Start over."""
    await ctx.state.delete(Talk)
    await ctx.reply("Forgotten.")


if __name__ == "__main__":
    bot.run()
