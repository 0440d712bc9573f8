"""A bot with slow handlers: one process answers ten messages a second, ten workers a hundred."""

import asyncio
import os

from mezon import MezonClient

client = MezonClient(os.environ["MEZON_BOT_ID"], os.environ["MEZON_API_KEY"], max_concurrent_handlers=10)


@client.on_channel_message
async def think(message) -> None:
    if message.sender_id == client.client_id or not message.text.startswith("!think"):
        return
    await asyncio.sleep(1.0)  # a model, a picture, a slow service
    await message.reply("I have thought about it.")


if __name__ == "__main__":
    client.run()
