"""Forward orders to a FastStream application over NATS, and send its answer to the channel.

Needs: pip install "faststream[nats]"
"""

import os
from contextlib import suppress

from faststream.nats import NatsBroker
from mezon import MezonClient

broker = NatsBroker(os.environ.get("NATS_URL", "nats://127.0.0.1:4222"))


class Bot(MezonClient):
    async def setup_hook(self) -> None:
        await broker.start()  # before the first event is handled


client = Bot(os.environ["MEZON_BOT_ID"], os.environ["MEZON_API_KEY"])


@client.on_channel_message
async def ask(message) -> None:
    text = message.text
    if message.sender_id == client.client_id or not text.startswith("!order "):
        return
    with suppress(TimeoutError):
        order = {"user": message.username, "dish": text.removeprefix("!order ")}
        answer = await broker.request(order, "orders.new", timeout=5)
        await message.reply(str(await answer.decode()))


if __name__ == "__main__":
    client.run()
