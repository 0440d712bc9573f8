"""Announcements to subscribed channels: ``!subscribe news``, ``!unsubscribe news``, ``!announce news Tết is near``.

Subscriptions survive restarts, and so does an announcement that is being sent. Members with the role Editor announce.
Run it with MEZON_BOT_ID and MEZON_API_KEY in the environment.
"""

from __future__ import annotations

import os

from mezon.ext.commands import Bot, Context, has_role
from mezon.ext.state import State

bot = Bot(os.environ["MEZON_BOT_ID"], os.environ["MEZON_API_KEY"])


class Subscriptions(State, scope="channel"):
    topics: frozenset[str] = frozenset()


@bot.command()
async def subscribe(ctx: Context, topic: str) -> None:
    """Send the announcements of a topic to this channel."""
    async with ctx.state.edit(Subscriptions) as subscriptions:
        subscriptions.topics |= {topic.lower()}
    await ctx.reply(f"This channel receives: {', '.join(sorted(subscriptions.topics))}.")


@bot.command()
async def unsubscribe(ctx: Context, topic: str) -> None:
    """Stop the announcements of a topic in this channel."""
    async with ctx.state.edit(Subscriptions) as subscriptions:
        subscriptions.topics -= {topic.lower()}
    await ctx.reply(f"This channel no longer receives {topic}.")


@bot.job
async def post(bot: Bot, channel_id: int, text: str) -> None:
    channel = await bot.channels.fetch(channel_id)
    await channel.send(text)


@bot.command(checks=[has_role("Editor")])
async def announce(ctx: Context, topic: str, *, text: str) -> None:
    """Announce something in all subscribed channels."""
    rows = await ctx.state.all(Subscriptions)
    channels = [row.channel_id for row in rows if topic.lower() in row.value.topics]
    for channel_id in channels:
        # A job for each channel: if the bot is killed meanwhile, its next start sends the rest.
        await bot.later(post, channel_id=channel_id, text=f"[{topic}] {text}")
    await ctx.reply(f"Announced in {len(channels)} channels.")


if __name__ == "__main__":
    bot.run()
