"""A bot that repeats each message. Run it with your bot's id and API key:

MEZON_BOT_ID=... MEZON_API_KEY=... python examples/echo_bot.py
"""

from __future__ import annotations

import os

from mezon import ChannelMessage, MezonClient

client = MezonClient(os.environ["MEZON_BOT_ID"], os.environ["MEZON_API_KEY"])


@client.on_channel_message
async def echo(message: ChannelMessage) -> None:
    if message.sender_id == client.client_id:
        return
    text = message.text
    if text.endswith("?"):
        await message.reply(f"Good question, {message.username}! I only know: {text}")
    elif message.mentions:
        names = ", ".join(f"@{mention.username}" for mention in message.mentions)
        await message.channel.send(f"You called {names}")
    else:
        await message.channel.send(f"You said: {text}")


if __name__ == "__main__":
    client.run()
