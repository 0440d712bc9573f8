"""Reminders that survive restarts: ``!remind 20 tea``, ``!reminders``, and a button that cancels one.

Run it with MEZON_BOT_ID and MEZON_API_KEY in the environment.
"""

from __future__ import annotations

import os

from mezon import Text
from mezon.ext.commands import Bot, Context
from mezon.ext.components import Click

bot = Bot(os.environ["MEZON_BOT_ID"], os.environ["MEZON_API_KEY"])


@bot.job
async def remind(bot: Bot, channel_id: int, user_id: int, text: str) -> None:
    channel = await bot.channels.fetch(channel_id)
    await channel.send(Text().mention(user_id).add(f" {text}"))


@bot.command("remind")
async def add(ctx: Context, minutes: float, *, text: str) -> None:
    """Remind you of something after some minutes."""
    call = await bot.later(remind, minutes=minutes, channel_id=ctx.channel.id, user_id=ctx.user_id, text=text)
    button = cancel.button("Cancel", user_id=ctx.user_id, call=call.id)
    await ctx.reply(f"I will remind you at {call.when:%H:%M} UTC.", buttons=[button])


@bot.command()
async def reminders(ctx: Context) -> None:
    """List your reminders."""
    mine = [call for call in await bot.jobs.all(remind) if call.arguments["user_id"] == ctx.user_id]
    lines = [f"{call.when:%d %b %H:%M} {call.arguments['text']}" for call in mine]
    await ctx.reply("\n".join(lines) or "Nothing.")


@bot.button("cancel/{user_id:int}/{call}")
async def cancel(click: Click, user_id: int, call: str) -> None:
    if click.user_id == user_id:
        await click.update("Cancelled." if await bot.jobs.cancel(call) else "Too late.")


if __name__ == "__main__":
    bot.run()
