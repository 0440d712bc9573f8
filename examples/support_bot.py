"""Support: the bot forwards direct messages to a staff channel, and the answers back.

Run it with MEZON_BOT_ID, MEZON_API_KEY and MEZON_CHANNEL_ID (the staff channel) in the environment.
"""

from __future__ import annotations

import os
from typing import Annotated

from mezon import ChannelMessage, Text
from mezon.ext.commands import Bot
from mezon.ext.components import Click, Form, TextInput

bot = Bot(os.environ["MEZON_BOT_ID"], os.environ["MEZON_API_KEY"])
DESK_ID = int(os.environ["MEZON_CHANNEL_ID"])


class Answer(Form):
    """The form for an answer of the staff."""

    text: Annotated[str, TextInput(lines=True, label="Your answer")]


@bot.on_channel_message
async def forward(message: ChannelMessage) -> None:
    if message.clan_id or message.code or message.sender_id == bot.client_id:
        return
    desk = await bot.channels.fetch(DESK_ID)
    text = Text().bold(message.author.shown_name).line(" writes:").add(message.text)
    await desk.send(bot.body(text, buttons=[answer.button("Answer", user=message.sender_id)]))
    await message.react(7386754253521, ":thumbsup:")


@bot.button("answer/{user}")
async def answer(click: Click, user: int) -> None:
    """Handle a click. A handler with a pattern also works for messages sent before a restart."""
    written = await click.send_form(Answer, title="Answer", done="Answered.")
    person = await bot.users.fetch(user)
    await person.send_dm_message(written.text)


if __name__ == "__main__":
    bot.run()
