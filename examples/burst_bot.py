"""A bot that counts the messages of a burst and checks their order in each channel.

The text of a burst message is "burst <number> <number in its channel> ...". After "end of burst" the bot
answers with the totals. `make demo` runs it against the local gateway.
"""

from __future__ import annotations

import os
from collections import Counter

from mezon import MezonClient
from mezon.models import ChannelMessage

client = MezonClient(os.environ["MEZON_BOT_ID"], os.environ["MEZON_API_KEY"])
seen: Counter[int] = Counter()
out_of_order = 0
received = 0


@client.on_channel_message
async def count(message: ChannelMessage) -> None:
    global received, out_of_order
    if message.sender_id == client.client_id:
        return
    text = message.text
    if text == "end of burst":
        channel = await client.channels.fetch(message.channel_id)
        await channel.send(f"received {received} out of order {out_of_order} channels {len(seen)}")
        return
    if not text.startswith("burst "):
        return
    number = int(text.split(" ", 3)[2])
    if number != seen[message.channel_id]:
        out_of_order += 1
    seen[message.channel_id] = number + 1
    received += 1
    if received % 1000 == 0:
        print(f"received {received}", flush=True)


if __name__ == "__main__":
    client.run()
