"""Scheduled announcements and reminders.

Run it with MEZON_BOT_ID, MEZON_API_KEY and MEZON_CHANNEL_ID (the channel for announcements) in the environment.
"""

from __future__ import annotations

import heapq
import os
import time

from mezon.ext.commands import Bot, Context

bot = Bot(os.environ["MEZON_BOT_ID"], os.environ["MEZON_API_KEY"])
CHANNEL_ID = int(os.environ["MEZON_CHANNEL_ID"])
reminders: list[tuple[float, int, str]] = []


@bot.cron("0 9 * * 1-5", tz="Asia/Ho_Chi_Minh")
async def good_morning() -> None:
    channel = await bot.channels.fetch(CHANNEL_ID)
    await channel.send("Chào buổi sáng! The daily is at half past nine. ☕")


@bot.cron("0 17 * * 5", tz="Asia/Ho_Chi_Minh", missed="once")
async def weekend() -> None:
    """Announce. A missed run is made up for later."""
    channel = await bot.channels.fetch(CHANNEL_ID)
    await channel.send("Have a good weekend!")


@bot.command()
async def remind(ctx: Context, minutes: float, *, what: str) -> None:
    """Be reminded of something."""
    heapq.heappush(reminders, (time.time() + 60 * minutes, ctx.user_id, what))
    await ctx.reply(f"In {minutes:g} minutes: {what}")


@bot.every(seconds=float(os.environ.get("MEZON_REMINDER_SECONDS", "5")))
async def look_for_reminders() -> None:
    while reminders and reminders[0][0] <= time.time():
        _, user_id, what = heapq.heappop(reminders)
        user = await bot.users.fetch(user_id)
        await user.send_dm_message(f"You wanted to be reminded: {what}")


if __name__ == "__main__":
    bot.run()
