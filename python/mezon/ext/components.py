"""Buttons, select boxes, inputs, date pickers, radio groups, and forms as classes.

    class Lunch(Form):
        dish: Literal["pho", "bun"]
        when: date
        note: str = ""

    @bot.command("lunch")
    async def lunch(ctx: Context) -> None:
        order = await ctx.send_form(Lunch, title="Lunch")
        await ctx.reply(f"{order.dish} on {order.when:%d/%m}.")

    @bot.button("vote/{poll}/{choice:int}")
    async def vote(click: Click, poll: str, choice: int) -> None: ...

    await ctx.send("Which?", buttons=[vote.button("Phở", poll="lunch", choice=1)])

A button with a pattern keeps working after a restart of the bot. A button with a callback works until its timeout.
"""

# The public import path: _widgets.py defines the content, commands.py handles the clicks.

from __future__ import annotations

from mezon import ButtonMessageStyle
from mezon.ext._handlers import Pattern
from mezon.ext._widgets import Button, DatePicker, Form, Radio, Select, TextInput, form_content
from mezon.ext.commands import Click
from mezon.ext.errors import FormError

__all__ = [
    "Button",
    "ButtonMessageStyle",
    "Click",
    "DatePicker",
    "Form",
    "FormError",
    "Pattern",
    "Radio",
    "Select",
    "TextInput",
    "form_content",
]
