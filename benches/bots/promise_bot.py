"""A bot that answers, for benches/promises.py: it writes down when it begins with which message, and errors."""

from __future__ import annotations

import asyncio
import os
import time

from mezon import ChannelMessage, MezonClient
from mezon._cluster.delivery import CURRENT_SCOPE
from mezon.errors import MezonError

#: Seconds that a handler takes, and the number of handlers at a time.
WORK = float(os.environ["PROMISE_WORK"])
HANDLERS = int(os.environ["PROMISE_HANDLERS"])

client = MezonClient(
    os.environ["PROMISE_BOT_ID"],
    "a key that no worker needs",
    host="nowhere.invalid",
    mmn_api_url=None,
    zk_api_url=None,
    max_concurrent_handlers=HANDLERS,
    timeout=120_000,  # a call waits that long for a relay
)
ledger = os.open(os.environ["PROMISE_LEDGER"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)


@client.on_channel_message
async def answer(message: ChannelMessage) -> None:
    if message.sender_id == client.client_id:
        return
    number = message.text.removeprefix("?")
    scope = CURRENT_SCOPE.get()
    assert scope is not None
    event = scope.delivery
    # All processes of a machine read the same monotonic clock. A short write in append mode is not divided.
    line = f"{time.monotonic():.4f} {message.channel_id} {number} {event.sequence} {event.repeated:d}\n"
    os.write(ledger, line.encode())
    if WORK:
        await asyncio.sleep(WORK)
    try:
        await message.reply(f"!{number}")
    except MezonError:
        os.write(ledger, f"error {number}\n".encode())
        raise


if __name__ == "__main__":
    client.run()
