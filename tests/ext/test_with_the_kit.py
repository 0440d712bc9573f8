"""`mezon.ext` with the testing kit: commands, forms by name, and time that a test moves."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime
from typing import Any, Literal

from mezon.ext.commands import Bot, Context, cooldown
from mezon.ext.components import Button, Click, Form
from mezon.testing import LocalGateway
from waiting import until


class Lunch(Form):
    dish: Literal["pho", "bun"]
    when: date
    extras: list[Literal["egg", "herbs"]] = []  # noqa: RUF012 (pydantic copies it)


async def test_a_form_is_filled_in_by_name(gateway: LocalGateway, bot: Bot) -> None:
    @bot.command()
    async def lunch(ctx: Context) -> None:
        order = await ctx.send_form(Lunch, title="Lunch")
        await ctx.reply(f"{order.dish} on {order.when} with {', '.join(order.extras) or 'nothing'}")

    await bot.login()
    form = await gateway.command("alice", "!lunch")
    await gateway.fill(form, dish="pho", when=date(2026, 2, 5), extras=["egg", "herbs"])
    assert (await gateway.next_sent("channel_message_send")).text == "pho on 2026-02-05 with egg, herbs"


async def test_a_click_on_what_was_sent(gateway: LocalGateway, bot: Bot) -> None:
    async def yes(click: Click) -> None:
        await click.update("Yes it is.")

    @bot.command()
    async def sure(ctx: Context) -> None:
        await ctx.send("Sure?", buttons=[Button("Yes", callback=yes)])

    await bot.login()
    sent = await gateway.command("alice", "!sure")
    await gateway.click(sent, sent.content["components"][0]["components"][0]["id"])
    assert (await gateway.next_sent("UpdateChannelMessage")).text == "Yes it is."


async def test_time_is_moved_for_cooldowns_tasks_and_buttons(
    gateway: LocalGateway, bot: Bot, clock: Any
) -> None:
    runs: list[datetime] = []

    @bot.command()
    @cooldown(1, per=600)
    async def dice(ctx: Context) -> None:
        await ctx.send("6", buttons=[Button("Again", callback=again)], timeout=60)

    async def again(click: Click) -> None:
        await click.update("1")

    @bot.cron("*/30 * * * *")
    async def half_hourly() -> None:
        runs.append(datetime.fromtimestamp(time.time(), UTC))

    await bot.login()
    sent = await gateway.command("alice", "!dice")
    assert (await gateway.command("alice", "!dice")).text == "That was too often: try again in 600 s."
    await clock.advance(minutes=10, seconds=1)
    await gateway.click(sent, sent.content["components"][0]["components"][0]["id"])
    assert (await gateway.next_sent("ephemeral_message_send")).text == "This button does not work any more."
    assert (await gateway.command("alice", "!dice")).text == "6"
    await clock.advance(minutes=30)
    await until(lambda: bool(runs))
    assert runs[0].minute in (0, 30)
    assert half_hourly.runs == len(runs)


async def test_an_unknown_command_gets_the_nearest_one(gateway: LocalGateway) -> None:
    bot = Bot(**{**gateway.client_options(), "suggest": True})

    @bot.command()
    async def hello(ctx: Context) -> None:
        await ctx.reply("hi")

    @bot.command(hidden=True)
    async def secret(ctx: Context) -> None:
        await ctx.reply("found")

    await bot.login()
    try:
        sent = await gateway.command("alice", "!helo")
        assert sent.text == "There is no command 'helo'. Did you mean !hello?"
        # Neither a name that is far off nor a hidden command is answered.
        for text in ("!xyzzy", "!secre"):
            await gateway.say("general", "alice", text)
        assert (await gateway.command("alice", "!hello")).text == "hi"
    finally:
        await bot.disconnect()
