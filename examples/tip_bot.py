"""A tip jar: the bot thanks users for tokens, and the owner pays them out.

Run it with MEZON_BOT_ID, MEZON_API_KEY and MEZON_OWNER_ID in the environment.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import Annotated

from mezon import Text, User
from mezon.ext.commands import Bot, Context, cooldown, owner_only
from mezon.models import ApiSentTokenRequest, TokenSentEvent
from pydantic import Field

bot = Bot(
    os.environ["MEZON_BOT_ID"], os.environ["MEZON_API_KEY"], owner_ids=[os.environ.get("MEZON_OWNER_ID", "0")]
)
jar: Counter[int] = Counter()


@bot.on_token_send
async def thank(event: TokenSentEvent) -> None:
    if event.receiver_id == bot.client_id and event.sender_id:
        jar[event.sender_id] += event.amount
        donor = await bot.users.fetch(event.sender_id)
        await donor.send_dm_message(f"Thank you for {event.amount:,}₫!")


@bot.command()
async def tips(ctx: Context) -> None:
    """Who gave most."""
    text = Text().bold(f"{jar.total():,}₫ in the jar").line()
    for user_id, amount in jar.most_common(5):
        text.mention(bot.users.get(user_id) or user_id).line(f" {amount:,}₫")
    await ctx.reply(text)


@bot.command()
@owner_only()
@cooldown(1, per=10)
async def tip(ctx: Context, user: User, amount: Annotated[int, Field(ge=1)], *, note: str = "a tip") -> None:
    """Pay somebody out of the jar."""
    async with ctx.typing():
        paid = await bot.send_token(ApiSentTokenRequest(receiver_id=user.id, amount=amount, note=note))
    await ctx.reply(f"Paid: {paid.tx_hash}" if paid.ok else f"Not paid: {paid.error}")


if __name__ == "__main__":
    bot.run()
