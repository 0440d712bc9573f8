"""The keyword arguments of what sends and edits, with their types."""

from __future__ import annotations

from typing import Unpack

from mezon import ApiMessageMention, ChannelMessage, ChannelMessageAck, MezonClient, SendOptions
from mezon.ext.commands import Bot, Click, Context

client = MezonClient("1", "key")
bot = Bot("1", "key", prefix="*", host="localhost", fill_gaps=True, message_db=False)


async def polite(ctx: Context, text: str, **options: Unpack[SendOptions]) -> ChannelMessageAck:
    return await ctx.reply(f"Please: {text}", **options)


@bot.command()
async def files(ctx: Context) -> None:
    mention = ApiMessageMention(user_id=ctx.user_id)
    await ctx.reply("one", files=["cat.png", ("notes.txt", b"bytes")], mentions=[mention])
    await ctx.send("two", topic_id=1, buttons=[])
    await ctx.whisper("three", mentions=[mention])
    await ctx.dm("four", files=["cat.png"])
    await polite(ctx, "five", mention_everyone=True)
    sent = await ctx.channel.send("six")
    await sent.update("seven", hide_edited=True)
    await sent.react(1, ":smile:", action_delete=True)


@bot.button("go")
async def go(click: Click) -> None:
    await click.update("eight", attachments=[], hide_edited=True)


@client.on_channel_message
async def answer(message: ChannelMessage) -> None:
    await message.reply("nine", files=["cat.png"])
