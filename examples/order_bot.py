"""An order in several messages: ``!order``. A restart in the middle loses no answer.

Run it with MEZON_BOT_ID and MEZON_API_KEY in the environment.
"""

from __future__ import annotations

import os
from typing import Annotated, Literal

from mezon.ext.commands import Bot, Context
from mezon.ext.flows import Flow, step
from pydantic import Field

bot = Bot(os.environ["MEZON_BOT_ID"], os.environ["MEZON_API_KEY"])


@bot.flow(timeout=900, back=["back", "quay lại"], cancel=["cancel", "huỷ"])
class Order(Flow):
    dish: str = ""
    count: int = 1

    @step("Which dish: pho, bun or com?")
    async def ask_dish(self, ctx: Context, answer: Literal["pho", "bun", "com"]) -> None:
        self.dish = answer

    @step(lambda order: f"How many {order.dish}?")
    async def ask_count(self, ctx: Context, answer: Annotated[int, Field(ge=1, le=20)]) -> None:
        self.count = answer

    @step(lambda order: f"{order.count} x {order.dish}: yes or no?")
    async def confirm(self, ctx: Context, answer: bool) -> object:
        return None if answer else self.ask_dish

    async def end(self, ctx: Context) -> None:
        await ctx.reply(f"Ordered: {self.count} x {self.dish}.")


@bot.command()
async def order(ctx: Context) -> None:
    """Order a dish; "back" returns to the previous question."""
    await ctx.start(Order)


if __name__ == "__main__":
    bot.run()
