"""Keyword arguments that must not type-check; each line with an error says which."""

from __future__ import annotations

from mezon import ChannelMessage, MezonClient
from mezon.ext.commands import Bot, Click, Context

client = MezonClient("1", "key")
bot = Bot("1", "key")
Bot("1", "key", hosst="localhost")  # E: call-arg
Bot("1", "key", cache_size="1000")  # E: arg-type


@bot.command()
async def files(ctx: Context) -> None:
    await ctx.reply("one", file="cat.png")  # E: call-arg
    await ctx.send("two", topic_id="1")  # E: arg-type
    await ctx.whisper("three", files=["cat.png"])  # E: call-arg
    await ctx.dm("four", mentions=[])  # E: call-arg
    sent = await ctx.channel.send("five")
    await sent.update("six", files=["cat.png"])  # E: call-arg


@bot.button("go")
async def go(click: Click) -> None:
    await click.update("seven", topic_id=1)  # E: call-arg


@client.on_channel_message
async def answer(message: ChannelMessage) -> None:
    await message.reply("eight", hide_edited=True)  # E: call-arg
