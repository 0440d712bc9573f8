"""A bot that takes orders for lunch: forms, buttons, replies, edits, reactions, ephemerals, DMs and roles.

    python examples/form_bot.py     # MEZON_BOT_ID and MEZON_API_KEY in the environment

In a channel: ``*lunch`` opens an order, ``*close`` closes it, ``*chef @user`` gives somebody the role "Chef".
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from mezon import (
    ButtonBuilder,
    ButtonMessageStyle,
    ChannelMessage,
    ChannelMessageContent,
    InteractiveBuilder,
    Message,
    MezonClient,
)
from mezon.models import SelectFieldOption
from mezon.protobuf.rtapi.realtime_pb2 import MessageButtonClicked

MENU = {"pho": "Phở bò", "banh-mi": "Bánh mì", "com": "Cơm tấm"}
ROLE = "Chef"
THUMBS_UP = (7386754253521, ":thumbsup:")


@dataclass
class Order:
    """One round of lunch in a channel."""

    opened_by: int
    message: Message
    dishes: dict[int, str] = field(default_factory=dict)

    def content(self, note: str = "") -> ChannelMessageContent:
        """The message of the order: what was ordered, the form, and the buttons while it is open."""
        form = InteractiveBuilder("Lunch").set_color("#f26d21")
        for dish in MENU:
            eaters = sum(chosen == dish for chosen in self.dishes.values())
            form.add_field(MENU[dish], f"{eaters} ordered", inline=True)
        if note:
            return ChannelMessageContent(t=note, embed=[form.build()])
        form.add_select_field(
            "dish", "What would you like?", [SelectFieldOption(label=MENU[dish], value=dish) for dish in MENU]
        )
        buttons = ButtonBuilder()
        for dish in MENU:
            buttons.add_button(f"order:{dish}", MENU[dish], ButtonMessageStyle.PRIMARY)
        buttons.add_button("cancel", "Nothing", ButtonMessageStyle.SECONDARY)
        return ChannelMessageContent(
            t="What is for lunch?", embed=[form.build()], components=[{"components": buttons.build()}]
        )


class LunchBot:
    """The bot. ``client`` is a client that is not logged in yet."""

    def __init__(self, client: MezonClient) -> None:
        self.client = client
        self.orders: dict[int, Order] = {}
        client.on_channel_message(self.on_message)
        client.on_message_button_clicked(self.on_button)

    async def on_message(self, message: ChannelMessage) -> None:
        """Commands."""
        if message.sender_id == self.client.client_id or message.code:
            return
        command, _, _ = str(message.content.get("t", "")).partition(" ")
        match command:
            case "*lunch":
                await self.open(message)
            case "*close":
                await self.close(message)
            case "*chef":
                await self.name_chef(message)

    async def open(self, message: ChannelMessage) -> None:
        """Open an order: reply with the form, and react to the command."""
        channel = await self.client.channels.fetch(message.channel_id)
        command = await channel.messages.fetch(message.message_id)
        if channel.id in self.orders:
            await channel.send_ephemeral(message.sender_id, "Lunch is being ordered already; *close ends it.")
            return
        order = Order(message.sender_id, command)
        ack = await command.reply(order.content())
        order.message = await channel.messages.fetch(ack.message_id or 0)
        self.orders[channel.id] = order
        await command.react(*THUMBS_UP, count=1)

    async def on_button(self, click: MessageButtonClicked) -> None:
        """Somebody chose: remember it, show the new numbers to all and a word to them alone."""
        order = self.orders.get(click.channel_id)
        if order is None or order.message.id != click.message_id:
            return
        action, _, dish = click.button_id.partition(":")
        if action == "order" and dish in MENU:
            order.dishes[click.user_id] = dish
            answer = f"{MENU[dish]} it is. Changed your mind? Press another button."
        else:
            order.dishes.pop(click.user_id, None)
            answer = "You get nothing."
        await order.message.update(order.content())
        await order.message.channel.send_ephemeral(
            click.user_id, answer, reference_message_id=order.message.id
        )

    async def close(self, message: ChannelMessage) -> None:
        """Close the order: take the buttons away, and tell everybody by DM what comes."""
        order = self.orders.get(message.channel_id)
        if order is None:
            return
        channel = order.message.channel
        if order.opened_by != message.sender_id:
            await channel.send_ephemeral(message.sender_id, "Only who opened it can close it.")
            return
        del self.orders[message.channel_id]
        await order.message.update(order.content(note="Lunch is ordered."))
        for user_id, dish in order.dishes.items():
            user = await self.client.users.fetch(user_id)
            await user.send_dm_message(f"Your {MENU[dish]} is on its way.")
        if not order.dishes:
            await order.message.delete()

    async def name_chef(self, message: ChannelMessage) -> None:
        """Give the role of the chef to who is mentioned."""
        chefs = [mention.user_id for mention in message.mentions if mention.user_id]
        channel = await self.client.channels.fetch(message.channel_id)
        answer = await channel.clan.list_roles()
        roles = answer.roles.roles if answer.roles is not None else None
        role = next((role for role in roles or [] if role.title == ROLE), None)
        if role is None or not chefs:
            await channel.send_ephemeral(
                message.sender_id, f"Mention somebody, in a clan with the role {ROLE}."
            )
            return
        await channel.clan.update_role(role.id or 0, {"add_user_ids": chefs})
        command = await channel.messages.fetch(message.message_id)
        await command.reply({"t": f"{len(chefs)} new {ROLE}"})


if __name__ == "__main__":
    client = MezonClient(os.environ["MEZON_BOT_ID"], os.environ["MEZON_API_KEY"], enable_logging=True)
    LunchBot(client)
    client.run()
