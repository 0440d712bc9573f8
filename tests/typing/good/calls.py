"""Calls as bots make them; all of this must type-check."""

from __future__ import annotations

from pathlib import Path

from mezon import (
    ButtonBuilder,
    ButtonMessageStyle,
    ChannelMessageContent,
    GatewayOptions,
    InteractiveBuilder,
    Message,
    MezonClient,
    MezonError,
    TextChannel,
)
from mezon.models import ApiMessageAttachment, ApiMessageMention, ApiSentTokenRequest, ChannelMessageAck
from mezon.structures import Clan, User

client = MezonClient(
    client_id="1",
    api_key="key",
    host="127.0.0.1",
    port="1",
    use_ssl=False,
    message_db=False,
    gateway=GatewayOptions(),
    auto_accept_friends=True,
)
other = MezonClient(1, "key", message_db=Path("messages.db"))


async def main() -> None:
    await client.login()
    channel: TextChannel = await client.channels.fetch(1)
    channel = await client.channels.fetch("123")
    ack: ChannelMessageAck = await channel.send("text")
    ack = await channel.send({"t": "dict"})
    ack = await channel.send(ChannelMessageContent(t="model"))
    message: Message = await channel.messages.fetch(ack.message_id or 0)
    ack = await message.reply("text", mentions=[ApiMessageMention(user_id=1)])
    await message.update({"t": "second"}, attachments=[ApiMessageAttachment(url="https://x.example/a.png")])
    await message.react(1, ":smile:", 1)
    await message.delete()
    await channel.send_ephemeral(1, "psst")
    await channel.send_ephemeral([1, 2], "psst", reference_message_id=3)
    await channel.send_ephemeral("1", "psst")
    user: User = await client.users.fetch(1)
    await user.send_dm_message("hi")
    clan: Clan = await client.clans.fetch(1)
    done: bool = await clan.update_role(1, {"title": "x"})
    print(done, clan.name)
    ack = await client.send_message(1, 2, 2, True, "hi")
    await client.accept_friend("1")
    await client.add_friend("bob")
    friends = await client.get_list_friends(10)
    print([friend.state for friend in friends.friends or []])
    answer = await client.send_token(ApiSentTokenRequest(receiver_id=1, amount=5))
    print(answer.ok, answer.tx_hash)
    form = InteractiveBuilder("Form").add_input_field("name", "Name").build()
    buttons = ButtonBuilder().add_button("yes", "Yes", ButtonMessageStyle.SUCCESS).build()
    await channel.send(ChannelMessageContent(t="x", embed=[form], components=[{"components": buttons}]))
    cached = client.channels.get(1)
    if cached is not None:
        print(cached.name)
    try:
        await client.close_socket()
    except MezonError as error:
        print(error)
    await client.disconnect(drain=1.0)
    print(client.latency, client.state, client.stats().reconnects)


client.run()
