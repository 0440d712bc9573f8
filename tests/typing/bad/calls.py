"""Calls that must not type-check; each line with an error says which."""

from __future__ import annotations

from mezon import MezonClient
from mezon.models import ApiMessageMention

client = MezonClient("1")  # E: call-arg
client = MezonClient("1", "key", timeout="7 s")  # E: arg-type
client = MezonClient("1", "key", time_out=7)  # E: call-arg
client = MezonClient("1", "key", message_db=True)  # E: arg-type


async def main() -> None:
    channel = await client.channels.fetch(1)
    await channel.send(5)  # E: arg-type
    await channel.send("x", mentions=ApiMessageMention(user_id=1))  # E: arg-type
    await channel.send_message("x")  # E: attr-defined
    cached = client.channels.get(1)
    print(cached.name)  # E: union-attr
    message = await channel.messages.fetch(1)
    await message.reply()  # E: call-arg
    await message.react("1", ":smile:", 1)  # E: arg-type
    number: int = await client.send_message(1, 2, 2, True, "hi")  # E: assignment
    print(number)
    await client.send_token(5)  # E: arg-type
    await client.login(auto=True)  # E: call-arg
