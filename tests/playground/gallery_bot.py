"""A bot that sends every kind of message that the playground renders."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

from mezon import ButtonBuilder, ButtonMessageStyle, ChannelMessage, InteractiveBuilder, MezonClient
from mezon.models import RadioFieldOption, SelectFieldOption
from mezon.protobuf.rtapi.realtime_pb2 import MessageButtonClicked

client = MezonClient(os.environ["MEZON_BOT_ID"], os.environ["MEZON_API_KEY"])
MENU = Path(__file__).with_name("menu.txt")
DISHES = {"pho": "Phở bò", "banh-mi": "Bánh mì", "com": "Cơm tấm"}


def order() -> dict[str, object]:
    """A form with every kind of field."""
    form = InteractiveBuilder("Lunch").set_color("#f26d21").set_description("Orders close at eleven.")
    form.set_footer("Kitchen of the second floor")
    form.add_field("Phở bò", "3 ordered", inline=True)
    form.add_field("Bánh mì", "1 ordered", inline=True)
    form.add_field("Cơm tấm", "nobody yet", inline=True)
    form.add_select_field(
        "dish", "Dish", [SelectFieldOption(label=label, value=dish) for dish, label in DISHES.items()]
    )
    form.add_input_field("wish", "Wish", placeholder="no onions, please")
    form.add_datepicker_field("day", "Day")
    form.add_radio_field(
        "size",
        "Size",
        [RadioFieldOption(label="Small", value="s"), RadioFieldOption(label="Large", value="l")],
    )
    # Options with different names can be chosen together.
    extras = [
        RadioFieldOption(label=extra.capitalize(), name=extra, value=extra)
        for extra in ("egg", "herbs", "chili")
    ]
    form.add_radio_field("extras", "Extras", extras, max_options=2)
    buttons = ButtonBuilder()
    buttons.add_button("order", "Order", ButtonMessageStyle.SUCCESS)
    buttons.add_button("cancel", "Nothing", ButtonMessageStyle.SECONDARY)
    buttons.add_button("closed", "Dinner", ButtonMessageStyle.DANGER, disabled=True)
    return {
        "t": "What is for lunch?",
        "embed": [form.build()],
        "components": [{"components": buttons.build()}],
    }


@client.on_channel_message
async def on_message(message: ChannelMessage) -> None:
    """Answer each command with one kind of message."""
    if message.sender_id == client.client_id or message.code:
        return
    text = message.content.get("t", "")
    channel = await client.channels.fetch(message.channel_id)
    command = await channel.messages.fetch(message.message_id)
    match text.split(" ")[0]:
        case "!lunch":
            await command.react(1, ":thumbsup:", 1)
            await channel.send(order())
        case "!marks":
            code = "```\nprint('hi')\n```"
            marked = f"bold {code}"
            await command.reply(
                {
                    "t": marked,
                    "mk": [{"type": "b", "s": 0, "e": 4}, {"type": "pre", "s": 5, "e": len(marked)}],
                }
            )
        case "!whisper":
            await channel.send_ephemeral(message.sender_id, "between you and me")
        case "!edit":
            ack = await channel.send("thinking…")
            sent = await channel.messages.fetch(ack.message_id)
            await asyncio.sleep(0.05)
            await sent.update({"t": "thought"})
        case "!delete":
            ack = await channel.send("never mind")
            await (await channel.messages.fetch(ack.message_id)).delete()
        case "!file":
            upload = await client.upload_file(str(MENU))
            await channel.send("the menu", attachments=[upload])
        case "!fail":
            raise ZeroDivisionError("the kitchen is on fire")
        case "!who":
            await channel.send(
                f"@{message.username}", mentions=[{"user_id": message.sender_id, "s": 0, "e": 6}]
            )
        case _:
            await channel.send(f"You said: {text}")


@client.on_message_button_clicked
async def on_button(click: MessageButtonClicked) -> None:
    """Answer with the filled-in values, or with the choice in the select box."""
    channel = await client.channels.fetch(click.channel_id)
    if click.button_id == "dish":
        await channel.send_ephemeral(click.user_id, f"chosen: {click.extra_data}")
        return
    form = await channel.messages.fetch(click.message_id)
    values = json.loads(click.extra_data or "{}")
    await form.update({"t": f"{click.button_id}: {json.dumps(values, sort_keys=True)}"})


if __name__ == "__main__":
    client.run()
