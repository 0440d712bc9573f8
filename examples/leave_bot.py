"""A form as a class: a validated request for leave.

Run it with MEZON_BOT_ID and MEZON_API_KEY in the environment and send ``!leave``.
"""

from __future__ import annotations

import os
from datetime import date
from typing import Annotated, Literal

from mezon import Text
from mezon.ext.commands import Bot, Context
from mezon.ext.components import Click, Form, TextInput
from pydantic import Field

bot = Bot(os.environ["MEZON_BOT_ID"], os.environ["MEZON_API_KEY"])


class Leave(Form):
    """The form. The types select the inputs and validate the values."""

    kind: Literal["holiday", "sick", "other"]
    first: date = Field(title="First day")
    days: Annotated[int, Field(ge=1, le=30)] = 1
    why: Annotated[str, TextInput(lines=True)] = Field("", description="If you like")


@bot.command()
async def leave(ctx: Context) -> None:
    """Ask for leave."""
    asked = await ctx.send_form(Leave, title="Leave", submit="Ask", done="Your request is with the team.")
    text = (
        Text()
        .mention(ctx.author)
        .add(f" asks for {asked.days} days ({asked.kind}) from {asked.first:%d/%m/%Y}. ")
    )
    yes = decide.button("Yes", user=ctx.user_id, answer="granted")
    no = decide.button("No", user=ctx.user_id, answer="refused")
    await ctx.send(text.bold(asked.why), buttons=[yes, no])


@bot.button("leave/{user}/{answer}")
async def decide(click: Click, user: int, answer: Literal["granted", "refused"]) -> None:
    """Handle Yes and No, also for forms sent before a restart."""
    if click.user_id == user:
        await click.whisper("Not by yourself.")
        return
    await click.update(f"The request was {answer}.")
    await (await bot.users.fetch(user)).send_dm_message(f"Your leave was {answer}.")


if __name__ == "__main__":
    bot.run()
