"""A bot to try a deployment with: answers "!ping". It runs alone, and behind a relay."""

import os

from mezon import ChannelMessage, MezonClient

client = MezonClient(os.environ["MEZON_BOT_ID"], os.environ["MEZON_API_KEY"], message_db="/data/messages.db")


@client.on_channel_message(ignore_self=True)
async def ping(message: ChannelMessage) -> None:
    if message.content.get("t") == "!ping":
        await message.reply("pong")


if __name__ == "__main__":
    client.run()
