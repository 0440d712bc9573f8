"""A bot that collects lunch orders: ``*lunch`` opens an order, ``*close`` closes it, ``*chef @user`` sets the chef."""

import os

from mezon import ChannelMessageAck, InteractiveBuilder, MezonError, User
from mezon.ext.commands import Bot, Click, Content, Context

MENU = {"order:pho": "Phở bò", "order:banh-mi": "Bánh mì", "order:com": "Cơm tấm"}
bot = Bot(os.environ["MEZON_BOT_ID"], os.environ["MEZON_API_KEY"], prefix="*")
orders: dict[int, "Order"] = {}


class Order:
    def __init__(self, opened_by: int) -> None:
        self.opened_by, self.dishes, self.sent = opened_by, dict[int, str](), ChannelMessageAck()

    def show(self, note: str = "") -> Content:
        form = InteractiveBuilder("Lunch").set_color("#f26d21")
        for dish, name in MENU.items():
            form.add_field(name, f"{list(self.dishes.values()).count(dish)} ordered", inline=True)
        if note:
            return {"t": note, "embed": [form.build()]}
        form.add_select_field("dish", "What?", [{"label": n, "value": d} for d, n in MENU.items()])
        buttons = [choose.button(name, dish=dish) for dish, name in {**MENU, "cancel": "Nothing"}.items()]
        return bot.body({"t": "What is for lunch?", "embed": [form.build()]}, buttons)


@bot.command()
async def lunch(ctx: Context) -> None:
    if ctx.channel.id in orders:
        await ctx.whisper("Lunch is being ordered already; *close ends it.")
        return
    order = orders[ctx.channel.id] = Order(ctx.user_id)
    order.sent = await ctx.reply(order.show())
    await ctx.message.react(7386754253521, ":thumbsup:")


@bot.button("{dish}")
async def choose(click: Click, dish: str) -> None:
    order = orders.get(click.channel.id)
    if order is not None and order.sent.message_id == click.message.id:
        order.dishes[click.user_id] = dish
        await click.update(order.show())
        answer = f"{MENU[dish]} it is. Changed your mind?" if dish in MENU else "You get nothing."
        await click.whisper(answer, reference_message_id=click.message.id)


@bot.command()
async def close(ctx: Context) -> None:
    order = orders.get(ctx.channel.id)
    if order is None or order.opened_by != ctx.user_id:
        await ctx.whisper("Only who opened it can close it.")
        return
    del orders[ctx.channel.id]
    await order.sent.update(order.show("Lunch is ordered."))
    for user, dish in order.dishes.items():
        if dish in MENU:
            await (await bot.users.fetch(user)).send_dm_message(f"Your {MENU[dish]} is on its way.")
    if not MENU.keys() & order.dishes.values():
        await order.sent.delete()


@bot.command()
async def chef(ctx: Context, *chefs: User) -> None:
    try:
        await (await ctx.clan.role("Chef")).give(*chefs)
        await ctx.reply(f"{len(chefs)} new Chef")
    except MezonError:
        await ctx.whisper("Mention somebody, in a clan with the role Chef.")


if __name__ == "__main__":
    bot.run()
