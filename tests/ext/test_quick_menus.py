"""Entries of the quick menu: added by the bot, chosen by a user on a message."""

from __future__ import annotations

import pytest
from ext_kit import ANSWER
from mezon import InvalidArgumentError
from mezon.ext.commands import Bot, Context, MenuChoice, Router, check
from mezon.testing import LocalGateway

SECRET = "ephemeral_message_send"


async def test_a_quick_menu_is_added_and_chosen(gateway: LocalGateway, bot: Bot) -> None:
    router = Router(checks=[check(lambda choice: choice.user_id != gateway.world.user("chi").id, "Not you.")])

    @router.quick_menu("Report")
    async def report(choice: MenuChoice) -> None:
        assert choice.name == "Report"
        assert choice.message.sender_id == gateway.world.user("bob").id
        await choice.whisper(f"{choice.message.id}: {choice.content['t']}")

    @bot.command()
    async def setup(ctx: Context) -> None:
        await report.add_to(ctx.channel)
        await report.add_to(ctx.channel)
        await ctx.send("added")

    bot.include(router)
    await bot.login()
    await gateway.say("general", "alice", "!setup")
    assert (await gateway.next_sent(ANSWER)).text == "added"
    (entry,) = gateway.world.menus.values()
    assert (entry.menu_name, entry.menu_type, entry.bot_id) == ("Report", 2, gateway.bot_id)
    spam = await gateway.say("general", "bob", "spam")
    await gateway.choose_menu(spam, "Report", user="alice")
    answer = await gateway.next_sent(SECRET)
    assert answer.text == f"{spam}: spam"
    assert list(answer.message.receiver_ids) == [gateway.world.user("alice").id]
    await gateway.choose_menu(spam, "Report", user="chi")
    assert (await gateway.next_sent(SECRET)).text == "Not you."


def test_a_quick_menu_has_one_handler(bot: Bot) -> None:
    @bot.quick_menu("Report")
    async def report(choice: MenuChoice) -> None: ...

    with pytest.raises(InvalidArgumentError, match="has a handler already"):
        bot.quick_menu("Report")(report.callback)
